//! What spans axum's requests become, over real sockets.

mod end;
mod extractor;
mod gone;
mod name;
mod option;
mod parent;
mod serve;
mod upgrade;

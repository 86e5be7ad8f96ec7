//! Code as users of sqlx write it, with only the pool wrapped.

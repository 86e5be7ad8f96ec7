//! Behaviour of spans, scopes and tracers.

mod spans;

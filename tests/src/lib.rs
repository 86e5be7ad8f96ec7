//! Tests of the whole system, and of the rules of ARCHITECTURE.md. There is nothing here but `tests/it`.

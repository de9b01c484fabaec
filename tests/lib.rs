//! The tests of the whole program live in `it/`; this library is empty.

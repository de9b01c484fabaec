//! kopi
fn main() {}

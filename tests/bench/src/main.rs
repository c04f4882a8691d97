//! Makes large captures and logs to measure with.

fn main() {}

//! The casewire command: parse, run, exit code.

fn main() {}

//! The `sre-orch` binary.

fn main() {}

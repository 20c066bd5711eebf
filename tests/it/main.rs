//! Integration tests: the real binary and the snapshot-backed API server.

mod cli;
mod completions;
mod render;
mod samples;

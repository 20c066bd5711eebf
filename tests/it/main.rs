//! Integration tests: the real binary and the snapshot-backed API server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests fail by panicking"
)]

mod agent;
mod api_server;
mod binary;
mod cli;
mod completions;
mod custom;
mod exits;
mod fixture;
mod incidents;
mod llm;
mod load;
mod mutations;
mod renaming;
mod render;
mod samples;
mod secrets;
mod serve;
mod triage;
mod variants;

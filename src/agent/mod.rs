//! The Kubernetes agent: reads a cluster or a snapshot into a `ClusterState`.
//!
//! The only module that does cluster I/O, and it only reads: get, list and logs, never the
//! value of a Secret. One collector runs on two transports, the API server and a snapshot that
//! answers like one, so that a snapshot exercises what runs in production. The agent judges
//! nothing: what it could not read it says, and leaves the meaning to others.

pub mod access;
mod blind;
mod collector;
mod error;
mod fetch;
mod job;
pub mod live;
mod path;
pub mod rbac;
pub mod snapshot;
pub mod snapshot_write;
mod source;
mod triage;
mod unreachable;
mod wants;

pub use collector::{Collected, Collector, Request, Want};
pub use error::AgentError;
pub use fetch::Limits;
pub use source::{Source, SourceKind};
pub use triage::{Row, Scout, rows as table_rows, triage_paths};
pub use wants::{
    all_kinds, config_wants, default_wants, inventory_paths, log_wants, namespace_logs, suspect_logs,
};

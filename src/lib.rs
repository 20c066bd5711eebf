//! Root-cause analysis for Kubernetes incidents: see `README.md` for what the tool does.

pub mod agent;
pub mod cli;
pub mod cluster;
pub mod correlate;
pub mod diagnose;
pub mod evidence;
pub mod graph_test;
pub mod intent;
pub mod knowledge;
pub mod llm;
pub mod logs;
pub mod patterns;
pub mod pipeline;
pub mod redact;
pub mod report;
pub mod serve;
pub mod store;
pub mod symptom;

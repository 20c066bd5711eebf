//! Correlation: which causes explain what the description points at.
//!
//! Anomalies are decided from state that holds now; candidates come from the knowledge graph;
//! a cause counts only if it explains an anomaly. Nothing here reads a cluster or prints.

pub mod anomaly;

pub mod assemble;
pub mod confidence;
mod cover;
pub mod depend;
pub mod explain;
pub mod focus;
mod steps;

pub use anomaly::Anomaly;
pub use focus::Focus;

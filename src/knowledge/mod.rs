//! The knowledge graph: failure modes in YAML, loaded, merged, linted and matched.
//!
//! It maps facts to meaning. It does no detection (diagnosers do) and no ranking
//! (correlation does).

pub mod component;
pub mod condition;
pub mod lint;
pub mod load;
pub mod matching;
pub mod schema;
pub mod template;

pub use load::{Graph, LoadError};
pub use matching::Candidate;
pub use schema::{FailureMode, Proof, Role};

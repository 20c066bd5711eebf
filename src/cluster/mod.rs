//! The state of a cluster at one moment, as far as it was read.
//!
//! Slim types hold only what diagnosers, joins and the report use; [`state::ClusterState`]
//! indexes them and knows what was *not* read, so that absence is only claimed where a
//! list was complete. This module does no I/O and knows nothing of causes.

pub mod address;
pub mod custom;
pub mod event;
pub mod logs;
pub mod object;
pub mod quantity;
pub mod selector;
pub mod state;
pub mod telemetry;
pub mod text;
pub mod topology;
pub mod types;
pub(crate) mod work;

pub use object::{Kind, ObjectRef};
pub use state::{ClusterState, Truth};

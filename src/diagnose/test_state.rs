//! Small states for the tests of diagnosers.

use serde_json::Value;

use super::{Context, Facts};
use crate::cluster::topology::Topology;
use crate::cluster::{ClusterState, Kind, custom};
use crate::logs::LogIndex;

/// The capture time of every test state.
pub(super) const NOW: &str = "2026-03-01T12:00:00Z";

/// A state of these objects; every kind counts as read. Namespaced objects without a namespace
/// are put into `shop`.
pub(super) fn state(objects: &[Value]) -> ClusterState {
    let mut state = ClusterState { now: NOW.parse().ok(), ..ClusterState::default() };
    for object in objects {
        let mut object = object.clone();
        let kind = Kind::from(object["kind"].as_str().unwrap());
        if kind == Kind::Event {
            object["involvedObject"]["namespace"] = "shop".into();
        }
        if kind.namespaced() && object["metadata"]["namespace"].is_null() {
            object["metadata"]["namespace"] = "shop".into();
        }
        state.add_json(&kind, &object.to_string()).unwrap();
    }
    for kind in Kind::ALL.iter().cloned().chain(custom::kinds()) {
        state.coverage.entry(kind).or_default().cluster = true;
    }
    state.finish();
    state
}

/// The facts that one diagnoser states.
pub(super) fn facts_of(run: fn(&Context<'_>, &mut Facts), state: &ClusterState) -> Facts {
    let topology = Topology::new(state);
    let logs = LogIndex::default();
    let context = Context { state, topology: &topology, logs: &logs, now: state.now(), since: None };
    let mut facts = Facts::default();
    run(&context, &mut facts);
    facts
}

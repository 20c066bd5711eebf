//! What the node problem detector and its like say of a node: conditions and events of known meaning.
//!
//! A condition that nobody here knows is no fault, whatever its value: its polarity cannot be told.

use super::super::health::workloads_on;
use super::super::{Context, Fact, Facts};
use super::{affecting, condition_evidence};
use crate::cluster::event::Event;
use crate::cluster::types::{Condition, Node, Object};
use crate::evidence::Evidence;

/// Conditions for which true means broken.
const CONDITIONS: [&str; 17] = [
    "KernelDeadlock",
    "ReadonlyFilesystem",
    "FilesystemCorruptionProblem",
    "XfsShutdown",
    "FrequentKubeletRestart",
    "FrequentDockerRestart",
    "FrequentContainerdRestart",
    "FrequentUnregisterNetDevice",
    "CorruptDockerOverlay2",
    "KubeletUnhealthy",
    "KubeletProblem",
    "ContainerRuntimeUnhealthy",
    "ContainerRuntimeProblem",
    "NetworkUnavailable",
    "ConntrackFull",
    "ConntrackFullProblem",
    "NTPProblem",
];

/// Reasons of events that say the same of kernel, disk, memory, network or clock.
const EVENTS: [&str; 11] = [
    "ConntrackFull",
    "NTPIsDown",
    "TaskHung",
    "KernelOops",
    "Ext4Error",
    "IOError",
    "MemoryReadError",
    "CperHardwareErrorFatal",
    "UnregisterNetDevice",
    "FilesystemIsReadOnly",
    "DockerHung",
];
/// Seconds within which such an event was last seen, so that it is no history.
const GOES_ON: i64 = 900;
/// Repetitions that make such an event more than a hiccup.
const REPEATED: i64 = 3;

pub(super) fn run(context: &Context<'_>, node: &Node, facts: &mut Facts) {
    let broken = |found: &&Condition| found.is_true() && CONDITIONS.contains(&found.r#type.as_str());
    let mut stated = false;
    for found in node.status.conditions.iter().filter(broken) {
        stated = true;
        let fact = Fact::new("node.problem", node.object_ref())
            .param("condition", found.r#type.clone())
            .param("message", found.message.clone())
            .evidence([condition_evidence(node.object_ref(), found)])
            .since(found.last_transition_time.get());
        facts.add(affecting(fact, workloads_on(context, &node.metadata.name)));
    }
    let Some(event) = event(context, node).filter(|_| !stated) else { return };
    let fact = Fact::new("node.problem", node.object_ref())
        .param("condition", event.reason.clone())
        .param("message", event.message.clone())
        .param("certainty", "computed")
        .evidence([Evidence::event(event)])
        .since(event.first().get());
    facts.add(affecting(fact, workloads_on(context, &node.metadata.name)));
}

/// The newest event of known meaning that goes on.
fn event<'a>(context: &Context<'a>, node: &Node) -> Option<&'a Event> {
    let events: &'a [Event] = context.state.events_of(&node.object_ref());
    events.iter().rev().find(|event| {
        EVENTS.contains(&event.reason.as_str())
            && event.times() >= REPEATED
            && context.state.age_seconds(event.last()).is_some_and(|seconds| seconds <= GOES_ON)
    })
}

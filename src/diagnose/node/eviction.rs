//! Evictions by the kubelet: over what, and whose limit it was.

use super::super::health::{lacks_ready, newest_event, node_ref};
use super::super::{Context, Fact, FactSpec, Facts};
use crate::cluster::types::{Object, Pod};
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::Evidence;

/// What this file states.
pub(super) const FACT: FactSpec = FactSpec {
    name: "node.evicted",
    about: "the kubelet evicted pods of the workload",
    params: &[
        ("by", "memory, disk, pid, own-limit, volume-limit or other"),
        ("resource", "what the node was low on"),
        ("message", "the kubelet's words"),
        ("container", "the container that used most"),
        ("used", "how much it used"),
        ("requested", "how much it had requested"),
        ("limit", "the limit that was exceeded"),
        ("count", "how many pods"),
        ("certainty", "suggestive where the workload has all its pods again"),
    ],
    refs: &[("node", "the node")],
};

/// States evictions that matter now: pods that are still there as evicted, or lately reported.
pub(super) fn run(context: &Context<'_>, facts: &mut Facts) {
    for (workload, pods) in context.topology.pods_by_workload() {
        let evicted: Vec<&&Pod> = pods.iter().filter(|pod| pod.status.reason == "Evicted").collect();
        let Some(last) = evicted.iter().max_by_key(|pod| pod.status.start_time) else { continue };
        let mut fact = fact(context, workload, &last.status.message, &last.spec.node_name)
            .param("count", evicted.len())
            .evidence([Evidence::status(last.object_ref(), "status.reason", "Evicted")
                .excerpt(last.status.message.clone())]);
        if let Some(event) = newest_event(context, &last.object_ref(), |event| event.reason == "Evicted") {
            fact = fact.evidence([Evidence::event(event)]).since(event.first().0);
        }
        facts.add(fact);
    }
    gone(context, facts);
}

/// Evicted pods that no longer exist, known from their events.
fn gone(context: &Context<'_>, facts: &mut Facts) {
    for event in context.state.events.iter().filter(|event| event.reason == "Evicted") {
        let pod = event.object();
        let workload = context.topology.workload_of(&pod);
        let known = pod.kind != Kind::Pod || facts.holds("node.evicted", &workload);
        if known || context.since.is_some_and(|since| event.last().0.is_some_and(|last| last < since)) {
            continue;
        }
        if context.state.pods.get(pod.ns(), &pod.name).is_some() || !lacks_ready(context, &workload) {
            continue;
        }
        let stated = fact(context, &workload, &event.message, &event.source.host);
        facts.add(stated.param("count", 1).evidence([Evidence::event(event)]).since(event.first().0));
    }
}

fn fact(context: &Context<'_>, workload: &ObjectRef, message: &str, node: &str) -> Fact {
    let mut fact =
        Fact::new("node.evicted", workload.clone()).param("by", class(message)).param("message", message);
    if !node.is_empty() {
        fact = fact.object("node", node_ref(node));
    }
    if !lacks_ready(context, workload) {
        fact = fact.param("certainty", "suggestive");
    }
    let after = |mark: &str, ends: &[char]| {
        let (_, rest) = message.split_once(mark)?;
        rest.split(ends)
            .next()
            .map(|word| word.trim().trim_matches('"').to_owned())
            .filter(|word| !word.is_empty())
    };
    let found = [
        ("resource", after("low on resource: ", &['.', ' '])),
        ("container", after("Container ", &[' '])),
        ("used", after("was using ", &[',', ' '])),
        ("requested", after("request is ", &[',', ' ', '.'])),
        (
            "limit",
            after("limit of containers ", &[' ', ','])
                .or_else(|| after("storage limit \"", &['"']))
                .or_else(|| after("exceeds the limit \"", &['"'])),
        ),
    ];
    for (name, value) in found {
        if let Some(value) = value {
            fact = fact.param(name, value.trim_end_matches('.').to_owned());
        }
    }
    fact
}

fn class(message: &str) -> &'static str {
    let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if has(&["EmptyDir volume"]) {
        "volume-limit"
    } else if has(&[
        "exceeded its local ephemeral storage limit",
        "usage exceeds the total limit of containers",
    ]) {
        "own-limit"
    } else if has(&["low on resource: memory", "MemoryPressure"]) {
        "memory"
    } else if has(&["ephemeral-storage", "DiskPressure", "nodefs", "imagefs", "inodes"]) {
        "disk"
    } else if has(&["pids", "PIDPressure"]) {
        "pid"
    } else {
        "other"
    }
}

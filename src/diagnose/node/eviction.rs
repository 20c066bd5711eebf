//! Evictions by the kubelet: over what, and whose limit it was.

mod usage;

use jiff::Timestamp;

use super::super::health::{lacks_ready, newest_event, node_ref};
use super::super::{Context, Fact, FactSpec, Facts};
use crate::cluster::types::{Condition, Object, Pod, condition};
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
        ("container", "the container of it that used most, where no other pod used more"),
        ("used", "how much it used"),
        ("requested", "how much it had requested"),
        ("hog", "the workload whose evicted pod used most of what the node lacks, where it is another"),
        ("hog_used", "how much that one used"),
        ("unlimited", "other workloads on the node that may use as much memory as there is"),
        ("times", "how often pods of the workload were evicted, where it goes on"),
        ("limit", "the limit that was exceeded"),
        ("count", "how many pods"),
        (
            "certainty",
            "suggestive where the workload has all its pods again and nothing says that it goes on",
        ),
    ],
    refs: &[("node", "the node"), ("greedy", "the workload that used most of what the node lacks")],
};

/// States evictions that matter now: pods that are still there as evicted, or lately reported.
pub(super) fn run(context: &Context<'_>, facts: &mut Facts) {
    for (workload, pods) in context.topology.pods_by_workload() {
        let evicted: Vec<&&Pod> = pods.iter().filter(|pod| pod.status.reason == "Evicted").collect();
        let Some(last) = evicted.iter().max_by_key(|pod| pod.status.start_time) else { continue };
        let at = evicted_at(context, last);
        let mut fact = fact(context, workload, &last.status.message, &last.spec.node_name, at)
            .param("count", evicted.len())
            .since(at)
            .evidence([Evidence::status(last.object_ref(), "status.reason", "Evicted")
                .excerpt(last.status.message.clone())]);
        if let Some(event) = newest_event(context, &last.object_ref(), |event| event.reason == "Evicted") {
            fact = fact.evidence([Evidence::event(event)]);
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
        if known || context.since.is_some_and(|since| event.last().get().is_some_and(|last| last < since)) {
            continue;
        }
        if context.state.pods.get(pod.ns(), &pod.name).is_some() || !lacks_ready(context, &workload) {
            continue;
        }
        let stated = fact(context, &workload, &event.message, &event.source.host, event.last().get());
        facts.add(stated.param("count", 1).evidence([Evidence::event(event)]).since(event.first().get()));
    }
}

/// When a pod was evicted: its event, the end of its containers, or its last turn.
fn evicted_at(context: &Context<'_>, pod: &Pod) -> Option<Timestamp> {
    let event = newest_event(context, &pod.object_ref(), |event| event.reason == "Evicted");
    let ended = || {
        let ends = pod.status.all_containers().filter_map(|status| status.state.terminated.as_ref());
        ends.filter_map(|end| end.finished_at.get()).max()
    };
    let turned = || {
        let names = ["DisruptionTarget", "Ready"];
        names.iter().find_map(|name| condition(&pod.status.conditions, name)?.last_transition_time.get())
    };
    event.and_then(|event| event.last().get()).or_else(ended).or_else(turned)
}

/// Seconds within which the evictions of a workload's pods are one and the same.
const TOGETHER: i64 = 600;

/// How often pods of a workload were evicted, if the next time is to be expected from the pace so far:
/// a replacement that runs well is no sign that it is over.
pub(crate) fn recurring(context: &Context<'_>, workload: &ObjectRef) -> Option<usize> {
    let pods = context.topology.pods_of(workload).iter().filter(|pod| pod.status.reason == "Evicted");
    let mut times: Vec<i64> =
        pods.filter_map(|pod| evicted_at(context, pod)).map(Timestamp::as_second).collect();
    times.sort_unstable();
    times.dedup_by(|later, earlier| *later - *earlier < TOGETHER);
    let (first, last) = (times.first()?, times.last()?);
    let pace = (last - first) / i64::try_from(times.len() - 1).ok().filter(|gaps| *gaps > 0)?;
    (context.now.as_second() - last < 2 * pace).then_some(times.len())
}

/// Whether a node still reports the pressure that it evicts for.
fn under_pressure(context: &Context<'_>, node: &str, by: &str) -> bool {
    let name = match by {
        "memory" => "MemoryPressure",
        "disk" => "DiskPressure",
        "pid" => "PIDPressure",
        _ => return false,
    };
    let node = context.state.nodes.get("", node);
    node.and_then(|node| condition(&node.status.conditions, name)).is_some_and(Condition::is_true)
}

fn fact(
    context: &Context<'_>,
    workload: &ObjectRef,
    message: &str,
    node: &str,
    at: Option<Timestamp>,
) -> Fact {
    let by = class(message);
    let mut fact = Fact::new("node.evicted", workload.clone()).param("by", by).param("message", message);
    if !node.is_empty() {
        fact = fact.object("node", node_ref(node));
    }
    match recurring(context, workload) {
        Some(times) => fact = fact.param("times", times),
        None if lacks_ready(context, workload) || under_pressure(context, node, by) => {}
        None => fact = fact.param("certainty", "suggestive"),
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
    usage::blamed(context, fact, node, at)
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

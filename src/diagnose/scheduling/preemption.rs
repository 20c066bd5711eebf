//! Workloads whose pods gave way to more important ones and have not come back.

use super::super::health::{lacks_ready, node_ref};
use super::super::{Context, Fact, Facts};
use crate::cluster::types::{Object, Pod, condition};
use crate::cluster::{Kind, ObjectRef, Truth};
use crate::evidence::Evidence;

/// One pod that was preempted, by an event or by the condition that its object keeps.
struct Victim {
    pod: ObjectRef,
    message: String,
    evidence: Evidence,
}

pub(super) fn run(context: &Context<'_>, facts: &mut Facts) {
    let events = context.state.events.iter().filter(|event| event.reason == "Preempted").map(|event| {
        Victim { pod: event.object(), message: event.message.to_string(), evidence: Evidence::event(event) }
    });
    for victim in events.chain(context.state.pods.iter().filter_map(disrupted)) {
        let workload = context.topology.workload_of(&victim.pod);
        if victim.pod.kind == Kind::Pod && lacks_ready(context, &workload) {
            facts.add(preempted(context, workload, victim));
        }
    }
}

/// A pod whose object says that the scheduler ended it in favour of another.
fn disrupted(pod: &Pod) -> Option<Victim> {
    let target = condition(&pod.status.conditions, "DisruptionTarget").filter(|found| found.is_true())?;
    (target.reason == "PreemptionByScheduler").then(|| Victim {
        pod: pod.object_ref(),
        message: target.message.to_string(),
        evidence: Evidence::status(
            pod.object_ref(),
            "status.conditions[DisruptionTarget]",
            target.reason.clone(),
        )
        .excerpt(target.message.clone())
        .at(target.last_transition_time.get()),
    })
}

fn preempted(context: &Context<'_>, workload: ObjectRef, victim: Victim) -> Fact {
    let class =
        context.state.workload_of(&workload).map(|found| found.template().spec.priority_class_name.clone());
    let words = || victim.message.split_whitespace();
    // Since 1.26 the message names the other pod by its uid, before by namespace and name.
    let by = context.state.pods.iter().find(|other| {
        let meta = &other.metadata;
        words().any(|word| {
            (!meta.uid.is_empty() && word == meta.uid)
                || word.split_once('/') == Some((meta.namespace.as_str(), meta.name.as_str()))
        })
    });
    let node = words()
        .last()
        .filter(|node| context.state.exists(&Kind::Node, "", node) == Truth::True)
        .map(node_ref);
    let mut fact = Fact::new("scheduling.preempted", workload)
        .param("message", victim.message.clone())
        .param("count", 1)
        .since(victim.evidence.time)
        .evidence([victim.evidence.clone()]);
    if let Some(class) = class.filter(|class| !class.is_empty()) {
        fact = fact.param("priority", class);
    }
    if let Some(by) = by {
        fact = fact.object("preemptor", context.topology.workload_of_pod(by));
    }
    match node {
        Some(node) => fact.object("node", node),
        None => fact,
    }
}

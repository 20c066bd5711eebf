//! Workloads that got slow for no reason of their own and share a node that the others do not.
//!
//! What is on one node can be slow together for other reasons too, so this is never more than a suspicion.

use std::collections::{BTreeMap, BTreeSet};

use super::super::health::node_ref;
use super::super::{Context, Fact, FactSpec, Facts, net};
use super::role::Role;
use super::{Behaviour, RISE};
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::Evidence;

/// What this file states.
pub(super) const FACT: FactSpec = FactSpec {
    name: "node.slow-together",
    about: "workloads that do not call each other got slow at once, and only one node has them all",
    params: &[
        ("slow", "the workloads whose latency rose by themselves"),
        ("certainty", "suggestive: nothing read here shows what delays a node"),
    ],
    refs: &[],
};

/// Unrelated slow workloads on one node below which chance explains it.
const TOGETHER: usize = 2;

pub(super) fn run(context: &Context<'_>, behaviours: &BTreeMap<ObjectRef, Behaviour>, facts: &mut Facts) {
    let slow: Vec<(&ObjectRef, &Behaviour)> = behaviours
        .iter()
        .filter(|(object, _)| object.kind != Kind::Node)
        .filter(|(_, behaviour)| {
            behaviour.changes.get(&Role::Latency).is_some_and(|change| change.ratio() >= RISE)
        })
        .collect();
    let waits_for_another = |caller: &ObjectRef| {
        slow.iter().any(|(callee, _)| {
            *callee != caller
                && context
                    .topology
                    .services_of(callee)
                    .any(|service| net::users_of(context, service).contains(caller))
        })
    };
    // Callers of something slow are slow for that reason.
    let own: Vec<_> = slow.iter().filter(|(object, _)| !waits_for_another(object)).collect();
    let nodes: BTreeSet<&str> = own.iter().flat_map(|(object, _)| nodes_of(context, object)).collect();
    let [node] = nodes.iter().copied().collect::<Vec<_>>()[..] else { return };
    let elsewhere = context.state.pods.iter().any(|pod| {
        !pod.spec.node_name.is_empty()
            && pod.spec.node_name != node
            && own.iter().any(|(object, _)| object.ns() == pod.metadata.namespace)
    });
    if own.len() < TOGETHER || !elsewhere {
        return;
    }
    let names: Vec<String> = own.iter().map(|(object, _)| object.name.to_string()).collect();
    let evidence: Vec<Evidence> =
        own.iter().flat_map(|(_, behaviour)| behaviour.evidence.iter().take(1).cloned()).collect();
    let fact = Fact::new("node.slow-together", node_ref(node))
        .param("slow", names)
        .param("certainty", "suggestive")
        .evidence(evidence);
    facts.add(slow.iter().fold(fact, |fact, (object, _)| fact.affects((*object).clone())));
}

/// The nodes of a workload's pods.
fn nodes_of<'a>(context: &Context<'a>, workload: &ObjectRef) -> Vec<&'a str> {
    let pods = context.topology.pods_of(workload).iter();
    pods.map(|pod| pod.spec.node_name.as_str()).filter(|name| !name.is_empty()).collect()
}

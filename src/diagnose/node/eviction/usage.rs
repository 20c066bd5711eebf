//! Who used what a node ran out of.
//!
//! A node evicts by priority and by what exceeds the requests, not the greediest first: the pod that
//! was evicted may have used next to nothing.

use jiff::Timestamp;

use super::super::super::Context;
use super::super::super::container::seconds_between;
use super::super::super::fact::Fact;
use super::{class, evicted_at};
use crate::cluster::quantity::Quantity;
use crate::cluster::types::Pod;
use crate::cluster::{Kind, ObjectRef};

/// Seconds before and after an eviction in which others are due to the same shortage.
const SAME: i64 = 900;
/// Names of workloads that one sentence takes.
const NAMED: usize = 3;

/// Adds who used most of what the node lacks.
pub(super) fn blamed(context: &Context<'_>, fact: Fact, node: &str, at: Option<Timestamp>) -> Fact {
    let by = fact.text("by").to_owned();
    if !matches!(by.as_str(), "memory" | "disk") || node.is_empty() {
        return fact;
    }
    let own = used(fact.text("message"));
    let most = evicted_for(context, node, &by, at).into_iter().max_by_key(|(_, used)| *used);
    let mut fact = match most {
        Some((workload, used)) if workload != fact.subject && Some(used) > own => {
            let mut fact = fact;
            for name in ["container", "used", "requested"] {
                fact.params.remove(name);
            }
            fact.param("hog", workload.to_string())
                .param("hog_used", used.to_string())
                .object("greedy", workload)
        }
        _ if own.is_some() => {
            let subject = fact.subject.clone();
            fact.object("greedy", subject)
        }
        _ => fact,
    };
    let unlimited = if by == "memory" { unlimited(context, node, &fact.subject) } else { Vec::new() };
    if !unlimited.is_empty() {
        let names: Vec<String> = unlimited.iter().take(NAMED).map(ToString::to_string).collect();
        fact = fact.param("unlimited", names.join(", "));
    }
    fact
}

/// What the containers that a message names used together.
fn used(message: &str) -> Option<Quantity> {
    let amounts = message.split("was using ").skip(1).filter_map(|rest| {
        let word = rest.split([',', ' ']).next()?;
        word.parse::<Quantity>().ok()
    });
    amounts.reduce(|a, b| a.max(b))
}

/// Workloads whose pods a node evicted for the same shortage, with what each used.
fn evicted_for(
    context: &Context<'_>,
    node: &str,
    by: &str,
    at: Option<Timestamp>,
) -> Vec<(ObjectRef, Quantity)> {
    let same = |other: Option<Timestamp>| {
        at.zip(other).is_none_or(|(at, other)| seconds_between(at, other).abs() <= SAME)
    };
    let pods = context.state.pods.iter().filter(|pod| {
        pod.status.reason == "Evicted"
            && pod.spec.node_name == node
            && class(&pod.status.message) == by
            && same(evicted_at(context, pod))
    });
    let there =
        pods.filter_map(|pod| Some((context.topology.workload_of_pod(pod), used(&pod.status.message)?)));
    let gone = context.state.events.iter().filter(|event| {
        event.reason == "Evicted"
            && event.source.host == node
            && event.object().kind == Kind::Pod
            && class(&event.message) == by
            && same(event.last().get())
    });
    let gone =
        gone.filter_map(|event| Some((context.topology.workload_of(&event.object()), used(&event.message)?)));
    there.chain(gone).collect()
}

/// Other workloads with pods on a node that set no memory limit, outside of the system's namespaces.
fn unlimited(context: &Context<'_>, node: &str, subject: &ObjectRef) -> Vec<ObjectRef> {
    let unbound = |pod: &&Pod| {
        let limits = pod.spec.containers.iter().map(|container| container.resources.limits.get("memory"));
        pod.spec.node_name == node
            && !pod.is_finished()
            && !pod.metadata.namespace.starts_with("kube-")
            && limits.into_iter().any(|limit| limit.is_none())
    };
    let pods = context.state.pods.iter().filter(unbound);
    let mut found: Vec<ObjectRef> = pods.map(|pod| context.topology.workload_of_pod(pod)).collect();
    found.sort();
    found.dedup();
    found.retain(|workload| workload != subject);
    found
}

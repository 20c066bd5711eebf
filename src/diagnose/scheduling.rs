//! Why pods are not on a node: which single relaxation would let which node take them.
//!
//! The scheduler's predicates are evaluated again over the nodes that were read, and checked
//! against the scheduler's own message, which is authoritative about what failed but not about
//! which of several reasons is the fault: a cordoned control-plane node is background where the
//! pod's selector matches nothing at all. What a claim lacks is for the claim diagnoser.

mod daemon;
mod predicates;
mod preemption;
mod reason;
mod verdict;

use serde_json::Value;

use self::predicates::Nodes;
use self::reason::{By, Rejection};
use self::verdict::{Verdict, decide};
use super::health::{condition_evidence, lacks_ready, newest_event, node_ref, pod_ref};
use super::{Context, Fact, FactSpec, Facts};
use crate::cluster::event::Event;
use crate::cluster::types::{Condition, Pod, Text, condition};
use crate::cluster::{Kind, ObjectRef, Truth};
use crate::evidence::Evidence;

pub(super) use self::daemon::unreached;
pub(super) use self::predicates::claim_names;
pub(super) use self::predicates::requests;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[
    FactSpec {
        name: "scheduling.blocked",
        about: "pods of the workload stay unscheduled, and this is what to relax so that a node fits",
        params: &[
            (
                "by",
                "node-selector, node-affinity, node-name, node-missing, taint, cordon, node-unhealthy, cpu, memory, ephemeral-storage, extended-resource, too-many-pods, host-port, pod-affinity, pod-anti-affinity, topology-spread, volume-affinity, volume-limit, claim, claim-missing, claim-in-use, no-volume, resource-claim, gate or scheduler-name",
            ),
            ("wanted", "what the pod asks for"),
            ("have", "what the closest node offers instead"),
            ("nodes", "how many nodes this keeps the pod off"),
            ("total", "how many nodes there are"),
            ("pending", "how many pods of the workload are pending"),
            ("resource", "the resource that is short"),
            ("requested", "how much of it the pod requests"),
            ("free", "how much the closest node has left"),
            ("largest", "the largest allocatable amount of any node"),
            ("shortage", "exceeds-every-node where even an empty node is too small, else full"),
            ("nearest", "what nodes offer under the label that is asked for"),
            ("also", "what else is in the way on the closest node"),
            ("tolerated", "the toleration that comes closest to the taint"),
            ("autoscaler", "why the cluster autoscaler does not add a node"),
            ("message", "the scheduler's message"),
            ("certainty", "decisive where scheduler and nodes agree, else computed"),
        ],
        refs: &[
            ("node", "the node that comes closest"),
            ("blocker", "the workload whose pod is in the way"),
            ("claim", "the claim that is not ready"),
        ],
    },
    FactSpec {
        name: "scheduling.preempted",
        about: "pods of the workload were preempted by pods of higher priority, and it lacks ready pods since",
        params: &[
            ("message", "what the event or condition says"),
            ("priority", "the workload's priority class"),
            ("count", "how many pods"),
        ],
        refs: &[("preemptor", "the workload whose pod took the place"), ("node", "the node")],
    },
    FactSpec {
        name: "scheduling.rejected",
        about: "the kubelet refused pods of the workload that were assigned to its node",
        params: &[
            ("reason", "the pod's status reason, such as OutOfcpu"),
            ("message", "the kubelet's words"),
        ],
        refs: &[("node", "the node")],
    },
    daemon::FACT,
];

/// Seconds after which a pod that no scheduler looked at is overlooked, not new.
const OVERLOOKED_AFTER: i64 = 8;
/// How many pending pods of one workload are examined: replicas are alike.
const EXAMINED: usize = 4;

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    let nodes = Nodes::new(context.state);
    for (workload, pods) in context.topology.pods_by_workload() {
        let waiting: Vec<&Pod> = pods.iter().copied().filter(|pod| is_waiting(pod)).collect();
        let mut known: Vec<String> = Vec::new();
        for pod in waiting.iter().take(EXAMINED) {
            let fact = gated(workload, pod)
                .or_else(|| node_missing(context, workload, pod))
                .or_else(|| unserved(context, workload, pod))
                .or_else(|| blocked(context, &nodes, workload, pod));
            if let Some(fact) = fact
                && !known.iter().any(|by| by == fact.text("by"))
            {
                known.push(fact.text("by").to_owned());
                if fact.text("by") == By::ExtendedResource.as_str()
                    && let Some(why) = daemon::unplugged(context, pod, fact.text("resource"))
                {
                    facts.add(why.param("needed_by", workload.to_string()).affects(workload.clone()));
                }
                facts.add(fact.param("pending", waiting.len()));
            }
        }
        if let Some(fact) = rejected(context, workload, pods) {
            facts.add(fact);
        }
    }
    preemption::run(context, facts);
    daemon::run(context, facts);
}

/// Whether a pod still waits for a node, or for the node that it names.
fn is_waiting(pod: &Pod) -> bool {
    let phase = pod.status.phase.as_str();
    let unscheduled = pod.spec.node_name.is_empty() || pod.status.container_statuses.is_empty();
    matches!(phase, "Pending" | "") && !pod.is_deleting() && unscheduled
}

/// Pods that no scheduler has looked at, by the scheduler they ask for.
pub(super) fn overlooked<'a>(context: &Context<'a>) -> impl Iterator<Item = (&'a Pod, &'a str)> {
    let state = context.state;
    state
        .pods
        .iter()
        .filter(|pod| {
            is_waiting(pod) && pod.spec.node_name.is_empty() && pod.spec.scheduling_gates.is_empty()
        })
        .filter(|pod| condition(&pod.status.conditions, "PodScheduled").is_none())
        .filter(|pod| pod.status.nominated_node_name.is_empty())
        .filter(move |pod| {
            state.age_seconds(pod.metadata.creation_timestamp).is_some_and(|age| age >= OVERLOOKED_AFTER)
        })
        .filter(move |pod| {
            !state
                .events_of(&pod_ref(pod))
                .iter()
                .any(|event| matches!(event.reason.as_str(), "FailedScheduling" | "Scheduled"))
        })
        .map(|pod| (pod, scheduler_name(pod)))
}

/// The scheduler that a pod asks for.
pub(super) fn scheduler_name(pod: &Pod) -> &str {
    match pod.spec.scheduler_name.as_str() {
        "" => DEFAULT_SCHEDULER,
        name => name,
    }
}

/// The scheduler of pods that name none.
pub(super) const DEFAULT_SCHEDULER: &str = "default-scheduler";

fn gated(workload: &ObjectRef, pod: &Pod) -> Option<Fact> {
    let gates: Vec<&str> = pod.spec.scheduling_gates.iter().map(|gate| gate.name.as_str()).collect();
    if gates.is_empty() {
        return None;
    }
    let mut evidence = vec![Evidence::spec(pod_ref(pod), "spec.schedulingGates", gates.join(", "))];
    if let Some(condition) = condition(&pod.status.conditions, "PodScheduled") {
        evidence.push(condition_evidence(pod_ref(pod), condition));
    }
    Some(
        Fact::new("scheduling.blocked", workload.clone())
            .param("by", "gate")
            .param("wanted", gates.join(", "))
            .param("certainty", "decisive")
            .evidence(evidence)
            .since(pod.metadata.creation_timestamp.get()),
    )
}

/// A pod that names a node which does not exist.
fn node_missing(context: &Context<'_>, workload: &ObjectRef, pod: &Pod) -> Option<Fact> {
    let name = pod.spec.node_name.as_str();
    if name.is_empty() || context.state.exists(&Kind::Node, "", name) != Truth::False {
        return None;
    }
    Some(
        Fact::new("scheduling.blocked", workload.clone())
            .param("by", "node-missing")
            .param("wanted", name)
            .param("total", context.state.nodes.len())
            .param("certainty", "decisive")
            .object("node", node_ref(name))
            .evidence([
                Evidence::spec(pod_ref(pod), "spec.nodeName", name),
                Evidence::absence(node_ref(name), "no such node"),
            ])
            .since(pod.metadata.creation_timestamp.get()),
    )
}

/// A pod that asks for a scheduler which nothing shows to exist.
fn unserved(context: &Context<'_>, workload: &ObjectRef, pod: &Pod) -> Option<Fact> {
    let (_, scheduler) = overlooked(context).find(|(other, _)| std::ptr::eq(*other, pod))?;
    if scheduler == DEFAULT_SCHEDULER {
        return None;
    }
    let served = |other: &&Pod| scheduler_name(other) == scheduler && !other.spec.node_name.is_empty();
    let served = context.state.pods.iter().any(|other| served(&other));
    let default_works = context
        .state
        .pods
        .iter()
        .any(|other| scheduler_name(other) == DEFAULT_SCHEDULER && !other.spec.node_name.is_empty());
    let certainty = if default_works && !served { "decisive" } else { "computed" };
    Some(
        Fact::new("scheduling.blocked", workload.clone())
            .param("by", "scheduler-name")
            .param("wanted", scheduler)
            .param("certainty", certainty)
            .evidence([
                Evidence::spec(pod_ref(pod), "spec.schedulerName", scheduler),
                Evidence::absence(pod_ref(pod), "no PodScheduled condition and no scheduling event"),
            ])
            .since(pod.metadata.creation_timestamp.get()),
    )
}

fn blocked(context: &Context<'_>, nodes: &Nodes<'_>, workload: &ObjectRef, pod: &Pod) -> Option<Fact> {
    let object = pod_ref(pod);
    if !pod.spec.node_name.is_empty() {
        return None;
    }
    let condition =
        condition(&pod.status.conditions, "PodScheduled").filter(|condition| !condition.is_true());
    let event = newest_event(context, &object, |event| {
        event.reason == "FailedScheduling" && !event.message.starts_with("skip schedule")
    });
    let message = condition
        .map(|condition| condition.message.as_str())
        .filter(|message| !message.is_empty())
        .or(event.map(|event| event.message.as_str()));
    if condition.is_none() && event.is_none() {
        return None;
    }
    let said = message.map(Rejection::parse).filter(|said| !said.reasons.is_empty());
    let verdict = decide(nodes, pod, said.as_ref())?;
    let mut fact = Fact::new("scheduling.blocked", workload.clone())
        .param("by", verdict.by.as_str())
        .param("nodes", verdict.nodes)
        .param(
            "total",
            said.as_ref().map_or(0, |said| said.total).max(i64::try_from(nodes.views.len()).unwrap_or(0)),
        )
        .param("certainty", if verdict.agreed { "decisive" } else { "computed" })
        .since(pod.metadata.creation_timestamp.get());
    if let Some(message) = message {
        fact = fact.param("message", message);
    }
    fact = describe(fact, context, nodes, pod, &verdict);
    if let Some(claim) = unready_claim(context, pod)
        .filter(|_| matches!(verdict.by, By::Claim | By::ClaimMissing | By::NoVolume))
    {
        fact = fact.object("claim", claim);
    }
    if let Some(event) = newest_event(context, &object, |event| event.reason == "NotTriggerScaleUp") {
        fact = fact.param("autoscaler", event.message.clone()).evidence([Evidence::event(event)]);
    }
    Some(fact.evidence(proof(condition, event, &object)))
}

/// What the scheduler said, as evidence.
fn proof(condition: Option<&Condition>, event: Option<&Event>, pod: &ObjectRef) -> Vec<Evidence> {
    let condition = condition.map(|condition| condition_evidence(pod.clone(), condition));
    event.map(Evidence::event).into_iter().chain(condition).collect()
}

/// Adds what is wanted and what the closest node has.
fn describe(mut fact: Fact, context: &Context<'_>, nodes: &Nodes<'_>, pod: &Pod, verdict: &Verdict) -> Fact {
    let object = pod_ref(pod);
    if let Some(node) = &verdict.node {
        fact = fact.object("node", node_ref(node));
    }
    if !verdict.also.is_empty() {
        let also: Vec<Value> = verdict.also.iter().map(|by| by.as_str().into()).collect();
        fact = fact.param("also", also);
    }
    let Some(failure) = &verdict.failure else { return fact };
    fact = fact.param("wanted", failure.wanted.clone());
    if !failure.have.is_empty() {
        fact = fact.param("have", failure.have.clone());
    }
    if let Some(blocker) = &failure.blocker {
        fact = fact.object("blocker", context.topology.workload_of(blocker));
    }
    if let Some(shortage) = &failure.shortage {
        let largest = nodes
            .views
            .iter()
            .filter_map(|view| view.node.status.allocatable.get(shortage.resource.as_str()).copied())
            .max()
            .unwrap_or_default();
        let exceeds = shortage.requested > largest;
        fact = fact
            .param("resource", shortage.resource.clone())
            .param("requested", shortage.requested.to_string())
            .param("free", shortage.free.to_string())
            .param("largest", largest.to_string())
            .param("shortage", if exceeds { "exceeds-every-node" } else { "full" })
            .evidence([Evidence::spec(
                object.clone(),
                format!("resources.requests.{}", shortage.resource),
                shortage.requested.to_string(),
            )]);
        if let Some(node) = &verdict.node {
            let path = format!("status.allocatable.{}", shortage.resource);
            fact = fact.evidence([Evidence::status(
                node_ref(node),
                path,
                format!("{}, {} of it free", shortage.allocatable, shortage.free),
            )]);
        }
    }
    match verdict.by {
        By::NodeSelector => {
            let nearest = nearest_labels(nodes, pod.spec.node_selector.keys().map(Text::as_str));
            fact.param("nearest", nearest).evidence([Evidence::spec(
                object,
                "spec.nodeSelector",
                failure.wanted.clone(),
            )])
        }
        By::NodeAffinity => {
            let terms = &pod.spec.affinity.node_affinity.required_during_scheduling_ignored_during_execution;
            let keys = terms.node_selector_terms.iter().flat_map(|term| &term.match_expressions);
            let nearest = nearest_labels(nodes, keys.map(|requirement| requirement.key.as_str()));
            fact.param("nearest", nearest).evidence([Evidence::spec(
                object,
                "spec.affinity.nodeAffinity",
                failure.wanted.clone(),
            )])
        }
        By::Cordon => match &verdict.node {
            Some(node) => fact.evidence([Evidence::spec(node_ref(node), "spec.unschedulable", "true")]),
            None => fact,
        },
        By::Taint | By::NodeUnhealthy => {
            if let Some(node) = &verdict.node {
                fact = fact.evidence([Evidence::spec(node_ref(node), "spec.taints", failure.have.clone())]);
            }
            match daemon::nearest(&pod.spec.tolerations, &failure.have) {
                Some(near) => fact.param("tolerated", near.clone()).evidence([Evidence::spec(
                    object,
                    "spec.tolerations",
                    near,
                )]),
                None => fact,
            }
        }
        _ => fact,
    }
}

/// What the nodes offer under the labels that are asked for.
fn nearest_labels<'k>(nodes: &Nodes<'_>, keys: impl Iterator<Item = &'k str>) -> String {
    let mut said: Vec<String> = Vec::new();
    for key in keys {
        let values = nodes.label_values(key);
        let text = if values.is_empty() {
            format!("no node has the label {key}")
        } else {
            let values: Vec<&str> = values.into_iter().take(5).collect();
            format!("nodes have {key}={}", values.join("|"))
        };
        if !said.contains(&text) {
            said.push(text);
        }
    }
    said.join("; ")
}

/// The first claim of a pod that is absent or not bound.
fn unready_claim(context: &Context<'_>, pod: &Pod) -> Option<ObjectRef> {
    let namespace = pod.metadata.namespace.as_str();
    claim_names(pod)
        .into_iter()
        .find(|name| {
            context.state.claims.get(namespace, name).is_none_or(|claim| claim.status.phase != "Bound")
        })
        .map(|name| ObjectRef::new(Kind::PersistentVolumeClaim, namespace, &name))
}

/// Pods that the kubelet refused after they were assigned.
fn rejected(context: &Context<'_>, workload: &ObjectRef, pods: &[&Pod]) -> Option<Fact> {
    const REASONS: [&str; 9] = [
        "OutOfcpu",
        "OutOfmemory",
        "OutOfpods",
        "OutOfephemeral-storage",
        "NodeAffinity",
        "NodePorts",
        "TopologyAffinityError",
        "SysctlForbidden",
        "UnexpectedAdmissionError",
    ];
    let refused = |pod: &&&Pod| {
        let reason = pod.status.reason.as_str();
        pod.status.phase == "Failed" && (REASONS.contains(&reason) || reason.starts_with("OutOf"))
    };
    let pod = pods.iter().filter(refused).max_by_key(|pod| pod.metadata.creation_timestamp)?;
    // A replacement that no node takes is another fault: the scheduler's, not the kubelet's.
    let unplaced = |other: &&Pod| {
        other.metadata.creation_timestamp > pod.metadata.creation_timestamp
            && condition(&other.status.conditions, "PodScheduled")
                .is_some_and(|found| found.status == "False")
    };
    let alike = pods.iter().filter(refused).filter(|other| other.status.reason == pod.status.reason);
    if !lacks_ready(context, workload) || pods.iter().any(unplaced) {
        return None;
    }
    Some(
        Fact::new("scheduling.rejected", workload.clone())
            .param("reason", pod.status.reason.clone())
            .param("message", pod.status.message.clone())
            .object("node", node_ref(&pod.spec.node_name))
            .evidence(std::iter::once(pod).chain(alike.filter(|other| *other != pod)).map(|pod| {
                Evidence::status(pod_ref(pod), "status.reason", pod.status.reason.clone())
                    .excerpt(pod.status.message.clone())
            }))
            .since(pod.metadata.creation_timestamp.get()),
    )
}

#[cfg(test)]
#[path = "scheduling/tests.rs"]
mod tests;

//! The decision: which single relaxation would let a node take the pod.

use std::collections::BTreeMap;

use super::predicates::{Failure, Nodes};
use super::reason::{By, Rejection};
use crate::cluster::types::{Node, Pod, Text};

/// What keeps a pod pending, and where it comes closest.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    pub(super) by: By,
    /// The failure on the closest node; none where only the scheduler's message tells.
    pub(super) failure: Option<Failure>,
    /// The node where only this is in the way, or the one that comes closest.
    pub(super) node: Option<String>,
    /// Nodes that this keeps the pod off.
    pub(super) nodes: i64,
    /// What else is in the way on the closest node.
    pub(super) also: Vec<By>,
    /// Whether both the scheduler's message and the nodes say so.
    pub(super) agreed: bool,
}

/// Decides from the nodes, checked against what the scheduler said.
pub(super) fn decide(nodes: &Nodes<'_>, pod: &Pod, said: Option<&Rejection>) -> Option<Verdict> {
    let simulated = simulate(nodes, pod);
    let Some(said) = said else {
        return simulated;
    };
    match simulated {
        Some(verdict) if said.get(verdict.by).is_some() => Some(Verdict { agreed: true, ..verdict }),
        // The message is what happened; pods whose requests were not read can mislead the nodes' sums.
        _ => from_message(nodes, pod, said),
    }
}

/// Evaluates the predicates; none where some node would take the pod.
fn simulate(nodes: &Nodes<'_>, pod: &Pod) -> Option<Verdict> {
    let all = nodes.failures(pod);
    let rows: Vec<(&Node, &Vec<Failure>)> = nodes.views.iter().map(|view| view.node).zip(&all).collect();
    if rows.is_empty() || rows.iter().any(|(_, failures)| failures.is_empty()) {
        return None;
    }
    let selects = |failures: &[Failure]| {
        !failures.iter().any(|failure| matches!(failure.by, By::NodeSelector | By::NodeAffinity))
    };
    let chosen: Vec<_> = rows.iter().filter(|(_, failures)| selects(failures)).copied().collect();
    if chosen.is_empty() {
        return Some(no_node_selected(&rows));
    }
    if chosen.iter().all(|(node, failures)| is_control_plane(node) && has(failures, By::Cordon))
        && !asks_for_control_plane(pod)
    {
        // What the pod selects by accident is no place to go: the workers it leaves out are.
        let workers: Vec<_> = rows.iter().filter(|(node, _)| !is_control_plane(node)).copied().collect();
        if !workers.is_empty() {
            return Some(no_node_selected(&workers));
        }
    }
    let workers: Vec<_> = chosen.iter().filter(|(node, _)| !is_control_plane(node)).copied().collect();
    let candidates = if workers.is_empty() { chosen } else { workers };
    Some(smallest_relaxation(&candidates))
}

/// Whether a pod is meant for the control plane.
fn asks_for_control_plane(pod: &Pod) -> bool {
    let terms = &pod.spec.affinity.node_affinity.required_during_scheduling_ignored_during_execution;
    let positive = terms
        .node_selector_terms
        .iter()
        .flat_map(|term| &term.match_expressions)
        .filter(|requirement| matches!(requirement.operator.as_str(), "In" | "Exists"))
        .map(|requirement| &requirement.key);
    let role = |key: &Text| {
        key.starts_with("node-role.kubernetes.io/")
            || key == "kubernetes.io/role"
            || key == "kubernetes.io/hostname"
    };
    pod.spec.node_selector.keys().chain(positive).any(role)
}

/// The verdict where the selector or the affinity matches no node at all.
fn no_node_selected(rows: &[(&Node, &Vec<Failure>)]) -> Verdict {
    let by_selector = rows.iter().all(|(_, failures)| has(failures, By::NodeSelector));
    let by = if by_selector { By::NodeSelector } else { By::NodeAffinity };
    // The closest node is the one that lacks the least of what is asked for.
    let closest = rows
        .iter()
        .filter_map(|(node, failures)| Some((*node, failures.iter().find(|failure| failure.by == by)?)))
        .min_by_key(|(node, failure)| (is_control_plane(node), failure.wanted.len()));
    Verdict {
        by,
        failure: closest.map(|(_, failure)| failure.clone()),
        node: closest.map(|(node, _)| node.metadata.name.to_string()),
        nodes: i64::try_from(rows.len()).unwrap_or(i64::MAX),
        also: Vec::new(),
        agreed: false,
    }
}

/// Among nodes that the pod may go to: the predicate whose relaxation lets a node fit.
fn smallest_relaxation(rows: &[(&Node, &Vec<Failure>)]) -> Verdict {
    let classes = |failures: &[Failure]| {
        let mut classes: Vec<By> = failures.iter().map(|failure| failure.by).collect();
        classes.sort();
        classes.dedup();
        classes
    };
    let mut alone: BTreeMap<By, i64> = BTreeMap::new();
    let mut anywhere: BTreeMap<By, i64> = BTreeMap::new();
    for (_, failures) in rows {
        let classes = classes(failures);
        if let [only] = classes.as_slice() {
            *alone.entry(*only).or_default() += 1;
        }
        for class in classes {
            *anywhere.entry(class).or_default() += 1;
        }
    }
    let counts = if alone.is_empty() { &anywhere } else { &alone };
    // A cordon or a node that is down is a state someone or something put the node in: where
    // ending it is enough, it explains the pod better than how full the other nodes are.
    let exceptional = [By::Cordon, By::NodeUnhealthy].into_iter().find(|by| alone.contains_key(by));
    let by = exceptional.unwrap_or_else(|| {
        let best = counts.iter().max_by(|(a, left), (b, right)| left.cmp(right).then(b.cmp(a)));
        best.map_or(By::Other, |(by, _)| *by)
    });
    let closest = rows
        .iter()
        .filter(|(_, failures)| has(failures, by))
        .min_by_key(|(_, failures)| (classes(failures).len(), missing(failures, by)));
    let failure = closest.and_then(|(_, failures)| failures.iter().find(|failure| failure.by == by).cloned());
    let also = closest.map(|(_, failures)| classes(failures)).unwrap_or_default();
    Verdict {
        by,
        failure,
        node: closest.map(|(node, _)| node.metadata.name.to_string()),
        nodes: anywhere.get(&by).copied().unwrap_or(0),
        also: also.into_iter().filter(|other| *other != by).collect(),
        agreed: false,
    }
}

/// How much of a resource is missing; zero for other predicates.
fn missing(failures: &[Failure], by: By) -> i128 {
    let shortage =
        failures.iter().find(|failure| failure.by == by).and_then(|failure| failure.shortage.as_ref());
    shortage.map_or(0, |shortage| shortage.requested.minus(shortage.free).milli())
}

/// What the scheduler's message alone tells, with background noise subtracted.
fn from_message(nodes: &Nodes<'_>, pod: &Pod, said: &Rejection) -> Option<Verdict> {
    let background = i64::try_from(
        nodes
            .views
            .iter()
            .filter(|view| {
                is_control_plane(view.node)
                    && (view.node.spec.unschedulable || !view.node.spec.taints.is_empty())
            })
            .count(),
    )
    .unwrap_or(0);
    let weight = |by: By, count: i64| match by {
        By::Cordon | By::Taint => count.saturating_sub(background).max(0),
        _ => count,
    };
    let known = said.reasons.iter().filter(|reason| reason.by != By::Other);
    let best =
        known.max_by(|a, b| weight(a.by, a.nodes).cmp(&weight(b.by, b.nodes)).then(b.by.cmp(&a.by)))?;
    let by = match best.by {
        // The message does not say which of the two; the pod does.
        By::NodeSelector if pod.spec.node_selector.is_empty() => By::NodeAffinity,
        other => other,
    };
    let failures = nodes.failures(pod);
    let closest = nodes
        .views
        .iter()
        .zip(&failures)
        .filter(|(_, failures)| has(failures, by))
        .min_by_key(|(_, f)| f.len());
    Some(Verdict {
        by,
        failure: closest.and_then(|(_, failures)| failures.iter().find(|failure| failure.by == by).cloned()),
        node: closest.map(|(view, _)| view.node.metadata.name.to_string()),
        nodes: best.nodes,
        also: Vec::new(),
        agreed: false,
    })
}

fn has(failures: &[Failure], by: By) -> bool {
    failures.iter().any(|failure| failure.by == by)
}

/// Whether a node is there for the control plane, by any of the conventions in use.
fn is_control_plane(node: &Node) -> bool {
    const ROLES: [&str; 2] = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];
    let labels = &node.metadata.labels;
    let also_worker = labels.contains_key("node-role.kubernetes.io/worker");
    let tainted = node.spec.taints.iter().any(|taint| ROLES.contains(&taint.key.as_str()));
    let labelled = ROLES.iter().any(|role| labels.contains_key(*role))
        || labels
            .get("kubernetes.io/role")
            .is_some_and(|role| matches!(role.as_str(), "master" | "control-plane"));
    tainted || (labelled && !also_worker)
}

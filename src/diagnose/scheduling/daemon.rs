//! Nodes that a DaemonSet leaves out.
//!
//! Its controller counts only the nodes that would take a pod, so one that leaves nodes out is
//! complete by its own count. That is mostly meant so: these facts count only where the
//! description asks for it, or where something on such a node needs what the DaemonSet brings.

use std::collections::BTreeMap;

use super::super::{Context, Fact, FactSpec, Facts};
use super::predicates::{selection, taint_text};
use super::reason::By;
use crate::cluster::selector::untolerated;
use crate::cluster::types::{Node, Object, Pod, Toleration, Workload};
use crate::cluster::{Kind, ObjectRef};
use crate::diagnose::health::node_ref;
use crate::evidence::Evidence;

/// What this file states.
pub(super) const FACT: FactSpec = FactSpec {
    name: "scheduling.left-out",
    about: "a DaemonSet makes no pods on some nodes, and this is why",
    params: &[
        ("by", "taint, node-selector or node-affinity"),
        ("have", "the taint, or absent"),
        ("wanted", "the labels that the nodes lack, or the toleration that the pods lack"),
        ("tolerated", "the toleration that comes closest"),
        ("left_out", "the nodes, by name"),
        ("count", "how many nodes"),
        ("needed_by", "the workload that needs on the node what the DaemonSet brings"),
        (
            "matters",
            "if-asked where nothing needs it: mostly it is meant so; if-asked-there of nodes of the control plane",
        ),
        ("certainty", "computed"),
    ],
    refs: &[("node", "the first of the nodes")],
};

/// States which nodes each DaemonSet leaves out, one fact a reason.
pub(super) fn run(context: &Context<'_>, facts: &mut Facts) {
    for set in context.state.workloads.iter().filter(|workload| workload.kind == Kind::DaemonSet) {
        let object = set.object_ref();
        let pod = as_made(set);
        let has_pod = |node: &Node| {
            context.topology.pods_of(&object).iter().any(|pod| pod.spec.node_name == node.metadata.name)
        };
        let mut reasons: BTreeMap<(By, String, String), Vec<&Node>> = BTreeMap::new();
        for node in context.state.nodes.iter().filter(|node| !has_pod(node)) {
            if let Some(reason) = reason(node, &pod) {
                reasons.entry(reason).or_default().push(node);
            }
        }
        for ((by, wanted, have), nodes) in reasons {
            let control_plane = have.starts_with("node-role.kubernetes.io/");
            let matters = if control_plane { "if-asked-there" } else { "if-asked" };
            let mut fact = left_out(set, by, wanted, &have, &nodes).param("matters", matters);
            for node in nodes {
                fact = fact.affects(node_ref(&node.metadata.name));
            }
            facts.add(fact);
        }
    }
}

/// Why a DaemonSet makes no pod on a node where something needs one.
pub(in crate::diagnose) fn unreached(
    context: &Context<'_>,
    set: &Workload,
    node: &ObjectRef,
) -> Option<Fact> {
    let node = context.state.nodes.get("", &node.name)?;
    let (by, wanted, have) = reason(node, &as_made(set))?;
    Some(left_out(set, by, wanted, &have, &[node]))
}

/// Why no node offers the device that a pod asks for, where a node that would take the pod keeps the
/// device's plugin off by a taint.
pub(super) fn unplugged(context: &Context<'_>, pod: &Pod, resource: &str) -> Option<Fact> {
    let (vendor, _) = resource.split_once('/')?;
    let vendor = vendor.split('.').next().filter(|vendor| vendor.len() > 2)?;
    let brings = |text: &str| text.contains("device-plugin") && text.contains(vendor);
    let is_plugin = |set: &&Workload| {
        set.kind == Kind::DaemonSet
            && (brings(&set.metadata.name)
                || set.template().spec.containers.iter().any(|container| brings(&container.image)))
    };
    let takes = |node: &&Node| {
        let tolerated = untolerated(node, &pod.spec.tolerations).next().is_none();
        tolerated && selection(node, pod).is_none() && !node.status.allocatable.contains_key(resource)
    };
    let state = context.state;
    let node = state.nodes.iter().filter(takes).find(|node| !node.spec.taints.is_empty())?.object_ref();
    let left_out = state.workloads.iter().filter(is_plugin).find_map(|set| unreached(context, set, &node))?;
    (left_out.text("by") == By::Taint.as_str()).then_some(left_out)
}

/// A pod as a DaemonSet would make it, which is what selection looks at.
fn as_made(set: &Workload) -> Pod {
    Pod { spec: (*set.template().spec).clone(), ..Pod::default() }
}

/// Why a node takes no pod of the DaemonSet: what is wanted, and what the node has instead.
fn reason(node: &Node, pod: &Pod) -> Option<(By, String, String)> {
    if let Some(failure) = selection(node, pod) {
        return Some((failure.by, failure.wanted, String::new()));
    }
    // The controller itself tolerates what marks a node as unwell or cordoned.
    let taint =
        untolerated(node, &pod.spec.tolerations).find(|taint| By::of_taint(&taint.key) == By::Taint)?;
    let text = taint_text(taint);
    Some((By::Taint, format!("a toleration of {text}"), text))
}

fn left_out(set: &Workload, by: By, wanted: String, have: &str, nodes: &[&Node]) -> Fact {
    let object = set.object_ref();
    let names: Vec<&str> = nodes.iter().map(|node| node.metadata.name.as_str()).collect();
    let mut fact = Fact::new("scheduling.left-out", object.clone())
        .param("by", by.as_str())
        .param("wanted", wanted)
        .param("left_out", names.join(", "))
        .param("count", names.len())
        .param("certainty", "computed")
        .evidence([Evidence::status(
            object.clone(),
            "status.desiredNumberScheduled",
            set.status.desired_number_scheduled.to_string(),
        )]);
    let Some(first) = names.first() else { return fact };
    fact = fact.object("node", node_ref(first));
    if have.is_empty() {
        return fact.evidence([Evidence::absence(node_ref(first), "lacks the labels")]);
    }
    fact = fact.param("have", have).evidence([Evidence::spec(node_ref(first), "spec.taints", have)]);
    match nearest(&set.template().spec.tolerations, have) {
        Some(near) => fact.param("tolerated", near.clone()).evidence([Evidence::spec(
            object,
            "spec.template.spec.tolerations",
            near,
        )]),
        None => fact,
    }
}

/// The toleration that comes closest to a taint: of its key, with another value or effect, or of
/// another key with its value.
pub(super) fn nearest(tolerations: &[Toleration], taint: &str) -> Option<String> {
    let (taint, _) = taint.rsplit_once(':').unwrap_or((taint, ""));
    let (key, value) = taint.split_once('=').unwrap_or((taint, ""));
    let same_value = |one: &&Toleration| !value.is_empty() && one.value == value;
    let near = tolerations.iter().find(|one| one.key == key).or(tolerations.iter().find(same_value))?;
    let value = if near.value.is_empty() { String::new() } else { format!("={}", near.value) };
    let effect = if near.effect.is_empty() { String::new() } else { format!(":{}", near.effect) };
    Some(format!("{}{value}{effect}", near.key))
}

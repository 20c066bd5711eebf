//! Resizes of running pods that the kubelet cannot grant, now or ever.

use super::container::state;
use super::{Context, Fact, FactSpec, Facts};
use crate::cluster::types::{Object, Pod, condition};
use crate::evidence::Evidence;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[FactSpec {
    name: "resize.pending",
    about: "the resources that a pod was resized to are not granted",
    params: &[
        ("by", "infeasible, or deferred where the node has no room now"),
        ("message", "what the kubelet said"),
        ("pod", "the pod"),
        ("certainty", "suggestive where the node may yet find room"),
    ],
    refs: &[("node", "the node that it runs on")],
}];

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    for (workload, pods) in context.topology.pods_by_workload() {
        for pod in pods.iter().filter(|pod| !pod.is_finished() && !pod.is_deleting()) {
            let Some((by, evidence)) = pending(pod) else { continue };
            let mut fact = Fact::new("resize.pending", workload.clone())
                .param("by", by)
                .param("pod", pod.metadata.name.clone())
                .param("certainty", if by == "infeasible" { "decisive" } else { "suggestive" })
                .object("node", super::health::node_ref(&pod.spec.node_name));
            if !evidence.excerpt.is_empty() {
                fact = fact.param("message", evidence.excerpt.clone());
            }
            state(facts, fact.since(evidence.time).evidence([evidence]));
        }
    }
}

/// What the kubelet says of the resize: a condition since 1.33, `status.resize` before.
fn pending(pod: &Pod) -> Option<(&'static str, Evidence)> {
    let word = |text: &str| match text {
        "Infeasible" => Some("infeasible"),
        "Deferred" => Some("deferred"),
        _ => None,
    };
    let stated = condition(&pod.status.conditions, "PodResizePending").filter(|found| found.is_true());
    if let Some(found) = stated {
        let evidence =
            Evidence::status(pod.object_ref(), "status.conditions[PodResizePending]", found.reason.clone())
                .excerpt(found.message.clone())
                .at(found.last_transition_time.get());
        return Some((word(&found.reason)?, evidence));
    }
    let by = word(&pod.status.resize)?;
    Some((by, Evidence::status(pod.object_ref(), "status.resize", pod.status.resize.clone())))
}

//! Pods that take their time to end while their replacement has to wait for them.
//!
//! A pod under deletion that uses its grace period is no fault by itself. It is one where the
//! controller makes no new pod before the old one is gone, and that takes long.

use super::super::{Context, Fact, Facts};
use crate::cluster::Kind;
use crate::cluster::types::{Container, Object, Pod, Workload};
use crate::evidence::{Evidence, duration};

/// Seconds of waiting for the end of a pod that nobody would call ordinary.
const LONG: i64 = 300;

/// States which workloads wait for the end of their own old pods.
pub(super) fn run(context: &Context<'_>, facts: &mut Facts) {
    for workload in context.state.workloads.iter().filter(|workload| waits(workload).is_some()) {
        if let Some(fact) = leaving(context, workload) {
            facts.add(fact);
        }
    }
}

/// Why a workload makes no new pod while an old one ends.
fn waits(workload: &Workload) -> Option<&'static str> {
    match workload.kind {
        Kind::Deployment if workload.spec.strategy.r#type == "Recreate" => Some("strategy Recreate"),
        Kind::StatefulSet => Some("a StatefulSet has one pod of a name"),
        Kind::DaemonSet => Some("a DaemonSet has one pod on a node"),
        _ => None,
    }
}

fn leaving(context: &Context<'_>, workload: &Workload) -> Option<Fact> {
    let object = workload.object_ref();
    let pods = context.topology.pods_of(&object);
    // Until the deletion's time a pod has the grace that it was given.
    let asked = |pod: &&&Pod| {
        let left = context.state.age_seconds(pod.metadata.deletion_timestamp).filter(|age| *age < 0)?;
        let elapsed = left + pod.metadata.deletion_grace_period_seconds?;
        (elapsed >= LONG && !pod.is_finished()).then_some(elapsed)
    };
    let (pod, elapsed) =
        pods.iter().filter_map(|pod| Some((*pod, asked(&pod)?))).max_by_key(|(_, age)| *age)?;
    let grace = pod.metadata.deletion_grace_period_seconds?;
    let path = "spec.template.spec.terminationGracePeriodSeconds";
    let fact = Fact::new("deletion.blocked", object.clone())
        .param("kind", "pod")
        .param("by", "grace")
        .param("certainty", "computed")
        .param("waiting", elapsed)
        .param("grace", grace)
        .param("rule", waits(workload)?)
        .object("pod", pod.object_ref())
        .evidence([
            Evidence::status(
                pod.object_ref(),
                "metadata.deletionTimestamp",
                format!("asked for {} ago, grace {}", duration(elapsed), duration(grace)),
            ),
            Evidence::spec(object.clone(), path, grace.to_string()),
        ]);
    let serves = pods.iter().any(|other| other.is_ready() && !other.is_deleting());
    let fact = if serves { fact.param("matters", "if-told") } else { fact };
    let hooked = |container: &&Container| container.lifecycle.pre_stop.is_some();
    let Some(container) = pod.spec.containers.iter().find(hooked) else { return Some(fact) };
    let command = container.lifecycle.pre_stop.as_ref().and_then(|hook| hook.exec.as_ref());
    let hook = command.map_or("HTTP".to_owned(), |exec| exec.command.join(" "));
    let path = format!("spec.template.spec.containers[{}].lifecycle.preStop", container.name);
    Some(fact.param("hook", container.name.clone()).evidence([Evidence::spec(object, path, hook)]))
}

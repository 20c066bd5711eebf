//! Limits that a container has only because a LimitRange gave it a default.

use super::super::{Context, Fact, FactSpec, Facts};
use crate::cluster::quantity::Quantity;
use crate::cluster::types::{ContainerStatus, LimitRange, Object, Pod, PodSpec};
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::Evidence;

/// What this file states.
pub(super) const FACT: FactSpec = FactSpec {
    name: "admission.default-limit",
    about: "a container is killed at a memory limit that the pod template does not state: a LimitRange does",
    params: &[
        ("container", "the container"),
        ("limit", "the limit it was given"),
        ("restarts", "how often it was restarted"),
    ],
    refs: &[("limit_range", "the LimitRange")],
};

/// States containers that run out of a default they never asked for.
pub(super) fn run(context: &Context<'_>, facts: &mut Facts) {
    for (workload, pods) in context.topology.pods_by_workload() {
        for pod in pods.iter().filter(|pod| !pod.is_deleting()) {
            for status in pod.status.all_containers().filter(|status| out_of_memory(status)) {
                if let Some(fact) = given(context, workload, pod, status) {
                    facts.add(fact);
                }
            }
        }
    }
}

/// Whether a container's current or last run ended for lack of memory, and it does not work now.
fn out_of_memory(status: &ContainerStatus) -> bool {
    let ended = [&status.state, &status.last_state].into_iter().filter_map(|state| state.terminated.as_ref());
    let killed = ended
        .into_iter()
        .any(|end| end.reason == "OOMKilled" || end.message.contains("memory limit too low"));
    killed && (!status.ready || status.restart_count > 1)
}

/// The memory limit that a pod spec states for a container.
fn memory_limit(spec: &PodSpec, container: &str) -> Option<Quantity> {
    let container = spec.all_containers().find(|one| one.name == container)?;
    container.resources.limits.get("memory").copied()
}

fn given(context: &Context<'_>, workload: &ObjectRef, pod: &Pod, status: &ContainerStatus) -> Option<Fact> {
    let limit = memory_limit(&pod.spec, &status.name)?;
    // A template that states a limit is what to change; a bare pod has no other than itself.
    let owner = context.state.workload_of(workload)?;
    if memory_limit(&owner.template().spec, &status.name).is_some() {
        return None;
    }
    let gives = |range: &&LimitRange| {
        let container = |item: &&crate::cluster::types::LimitRangeItem| item.r#type == "Container";
        // Where no default is stated, the maximum is the default.
        range.spec.limits.iter().filter(container).any(|item| {
            item.default.get("memory").or(item.max.get("memory")).is_some_and(|amount| *amount == limit)
        })
    };
    let range = context.state.limit_ranges.in_namespace(workload.ns()).iter().find(gives)?;
    let me = ObjectRef::new(Kind::Pod, workload.ns(), &pod.metadata.name);
    Some(
        Fact::new("admission.default-limit", workload.clone())
            .param("container", status.name.clone())
            .param("limit", limit.to_string())
            .param("restarts", status.restart_count)
            .object("limit_range", range.object_ref())
            .evidence([
                Evidence::spec(range.object_ref(), "spec.limits[].default.memory", limit.to_string()),
                Evidence::absence(workload.clone(), format!("no memory limit for container {}", status.name)),
                Evidence::status(me, "status.containerStatuses[].lastState.terminated.reason", "OOMKilled")
                    .times(status.restart_count.max(1)),
            ]),
    )
}

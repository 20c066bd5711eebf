//! Limits that a container has only because a LimitRange gave it a default.

use super::super::{Context, Fact, FactSpec, Facts};
use crate::cluster::ObjectRef;
use crate::cluster::quantity::Quantity;
use crate::cluster::types::{ContainerStatus, LimitRange, Object, Pod, PodSpec};
use crate::evidence::{Evidence, Source};

/// What this file states.
pub(super) const FACT: FactSpec = FactSpec {
    name: "admission.default-limit",
    about: "a container fails at a limit that the pod template does not state: a LimitRange does",
    params: &[
        ("resource", "memory: it is killed there; or cpu: it uses all of it and is too slow for its probes"),
        ("container", "the container"),
        ("limit", "the limit it was given"),
        ("restarts", "how often it was restarted"),
        ("killed", "why the kernel kills it, where it does"),
        ("usage", "how much CPU it uses, as measured"),
    ],
    refs: &[("limit_range", "the LimitRange")],
};

/// The share of a CPU limit from which on the limit holds the process back.
const FULL: f64 = 0.9;

/// States containers that run out of a default they never asked for.
pub(super) fn run(context: &Context<'_>, facts: &mut Facts) {
    for (workload, pods) in context.topology.pods_by_workload() {
        for pod in pods.iter().filter(|pod| !pod.is_deleting()) {
            for status in pod.status.all_containers() {
                let fact = if out_of_memory(status) {
                    out_of_memory_at(context, workload, pod, status)
                } else {
                    out_of_cpu_at(context, workload, pod, status)
                };
                fact.into_iter().for_each(|fact| facts.add(fact));
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

/// The limit that a pod spec states for a container.
fn limit_of(spec: &PodSpec, container: &str, resource: &str) -> Option<Quantity> {
    let container = spec.all_containers().find(|one| one.name == container)?;
    container.resources.limits.get(resource).copied()
}

/// A limit that a container was given by a LimitRange, with that LimitRange.
fn given<'a>(
    context: &Context<'a>,
    workload: &ObjectRef,
    pod: &Pod,
    container: &str,
    resource: &str,
) -> Option<(Quantity, &'a LimitRange)> {
    let limit = limit_of(&pod.spec, container, resource)?;
    // A template that states a limit is what to change; a bare pod has no other than itself.
    let owner = context.state.workload_of(workload)?;
    if limit_of(&owner.template().spec, container, resource).is_some() {
        return None;
    }
    let gives = |range: &&LimitRange| {
        let container = |item: &&crate::cluster::types::LimitRangeItem| item.r#type == "Container";
        // Where no default is stated, the maximum is the default.
        range.spec.limits.iter().filter(container).any(|item| {
            item.default.get(resource).or(item.max.get(resource)).is_some_and(|amount| *amount == limit)
        })
    };
    Some((limit, context.state.limit_ranges.in_namespace(workload.ns()).iter().find(gives)?))
}

/// What is stated of any resource.
fn fact(
    workload: &ObjectRef,
    status: &ContainerStatus,
    (limit, range): (Quantity, &LimitRange),
    resource: &str,
) -> Fact {
    let path = format!("spec.limits[].default.{resource}");
    let lacks = format!("no {resource} limit for container {}", status.name);
    Fact::new("admission.default-limit", workload.clone())
        .param("resource", resource)
        .param("container", status.name.clone())
        .param("limit", limit.to_string())
        .param("restarts", status.restart_count)
        .object("limit_range", range.object_ref())
        .evidence([
            Evidence::spec(range.object_ref(), path, limit.to_string()),
            Evidence::absence(workload.clone(), lacks),
        ])
}

fn out_of_memory_at(
    context: &Context<'_>,
    workload: &ObjectRef,
    pod: &Pod,
    status: &ContainerStatus,
) -> Option<Fact> {
    let given = given(context, workload, pod, &status.name, "memory")?;
    let path = "status.containerStatuses[].lastState.terminated.reason";
    Some(
        fact(workload, status, given, "memory").param("killed", "for lack of memory").evidence([
            Evidence::status(pod.object_ref(), path, "OOMKilled").times(status.restart_count.max(1)),
        ]),
    )
}

/// A container that is not ready, or is restarted by a probe, while it uses all the CPU it may.
fn out_of_cpu_at(
    context: &Context<'_>,
    workload: &ObjectRef,
    pod: &Pod,
    status: &ContainerStatus,
) -> Option<Fact> {
    let probed = |event: &crate::cluster::event::Event| {
        event.reason == "Unhealthy" || (event.reason == "Killing" && event.message.contains("probe"))
    };
    if status.ready || !context.state.events_of(&pod.object_ref()).iter().any(probed) {
        return None;
    }
    let (limit, range) = given(context, workload, pod, &status.name, "cpu")?;
    let metrics = context.state.pod_metrics.get(workload.ns(), &pod.metadata.name)?;
    let measured = metrics.containers.iter().find(|one| one.name == status.name)?;
    let usage = *measured.usage.get("cpu")?;
    (usage.as_f64() >= FULL * limit.as_f64()).then(|| {
        fact(workload, status, (limit, range), "cpu")
            .param("usage", usage.to_string())
            .param("certainty", "computed")
            .evidence([Evidence::new(
                Source::Metric,
                pod.object_ref(),
                format!("cpu of {}", status.name),
                usage.to_string(),
            )])
    })
}

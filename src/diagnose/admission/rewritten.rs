//! Pods that are not what their template says: something rewrote them at admission, and they fail of it.

use super::super::{Context, Fact, FactSpec, Facts};
use crate::cluster::types::{Container, ContainerStatus, Object, Pod, Workload};
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::Evidence;

/// What this file states.
pub(super) const FACT: FactSpec = FactSpec {
    name: "admission.rewritten",
    about: "a container fails of a value that differs from the template that its pod was made from",
    params: &[
        ("by", "vpa, or webhook where nothing but a mutating webhook can have done it"),
        ("what", "memory-limit or image"),
        ("container", "the container"),
        ("template", "the value in the template"),
        ("pod", "the value in the pod"),
    ],
    refs: &[("webhook", "the only webhook configuration that mutates pods")],
};

/// States containers that fail of what they were rewritten to.
pub(super) fn run(context: &Context<'_>, facts: &mut Facts) {
    for (workload, pods) in context.topology.pods_by_workload() {
        for pod in pods.iter().filter(|pod| !pod.is_deleting()) {
            let Some(maker) = maker(context, pod) else { continue };
            for status in pod.status.all_containers() {
                if let Some(fact) = differs(context, workload, maker, pod, status) {
                    facts.add(fact);
                }
            }
        }
    }
}

/// The object whose template a pod was made from; none where the template has changed since.
fn maker<'a>(context: &Context<'a>, pod: &Pod) -> Option<&'a Workload> {
    let owner = pod.metadata.controller()?;
    let kind = Kind::from(owner.kind.as_str());
    let maker = context.state.workload(&kind, &pod.metadata.namespace, &owner.name)?;
    match kind {
        Kind::ReplicaSet | Kind::Job => Some(maker),
        Kind::StatefulSet | Kind::DaemonSet => {
            let hash = pod.metadata.labels.get("controller-revision-hash")?;
            (*hash == maker.status.update_revision || maker.metadata.generation.unwrap_or_default() <= 1)
                .then_some(maker)
        }
        _ => None,
    }
}

fn differs(
    context: &Context<'_>,
    workload: &ObjectRef,
    maker: &Workload,
    pod: &Pod,
    status: &ContainerStatus,
) -> Option<Fact> {
    let named = |container: &&Container| container.name == status.name;
    let wanted = maker.template().spec.all_containers().find(named)?;
    let given = pod.spec.all_containers().find(named)?;
    let (what, template, value) = memory(status, wanted, given).or_else(|| image(status, wanted, given))?;
    let by_vpa = !pod.metadata.annotation("vpaUpdates").is_empty();
    let fact = Fact::new("admission.rewritten", workload.clone())
        .param("by", if by_vpa { "vpa" } else { "webhook" })
        .param("what", what)
        .param("container", status.name.clone())
        .param("template", template.clone())
        .param("pod", value.clone())
        .evidence([
            Evidence::spec(maker.object_ref(), format!("template, {what} of {}", status.name), template),
            Evidence::spec(pod.object_ref(), format!("{what} of {}", status.name), value),
        ]);
    let mut mutating = context.state.webhooks.iter().filter(|webhook| {
        webhook.object_ref().kind == Kind::MutatingWebhookConfiguration
            && webhook.body.webhooks.iter().flat_map(|one| &one.rules).any(|rule| {
                rule.resources.iter().any(|resource| matches!(resource.as_str(), "pods" | "*" | "*/*"))
            })
    });
    Some(match (mutating.next(), mutating.next()) {
        (Some(only), None) if !by_vpa => fact.object("webhook", only.object_ref()),
        _ => fact,
    })
}

/// A lower memory limit than the template's, at which the kernel kills.
fn memory(
    status: &ContainerStatus,
    wanted: &Container,
    given: &Container,
) -> Option<(&'static str, String, String)> {
    let killed = [&status.state, &status.last_state]
        .into_iter()
        .filter_map(|state| state.terminated.as_ref())
        .any(|end| end.reason == "OOMKilled");
    let (template, value) = (wanted.resources.limits.get("memory")?, given.resources.limits.get("memory")?);
    (killed && value < template).then(|| ("memory-limit", template.to_string(), value.to_string()))
}

/// Another image than the template's, which cannot be pulled.
fn image(
    status: &ContainerStatus,
    wanted: &Container,
    given: &Container,
) -> Option<(&'static str, String, String)> {
    let waiting = status.state.waiting.as_ref()?;
    let fails = matches!(waiting.reason.as_str(), "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName");
    (fails && wanted.image != given.image)
        .then(|| ("image", wanted.image.to_string(), given.image.to_string()))
}

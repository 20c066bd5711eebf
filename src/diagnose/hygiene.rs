//! Practices that will hurt one day and explain nothing today: shown only where they are asked for.

use std::collections::BTreeMap;

use super::{Context, Fact, FactSpec, Facts};
use crate::cluster::types::{Container, Object, Pod, Workload};
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::Evidence;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[FactSpec {
    name: "hygiene.found",
    about: "a practice of the object that is known to lead to trouble",
    params: &[
        ("practice", "no-readiness-probe, no-requests, mutable-tag, unmanaged-pod or budget-without-pods"),
        ("container", "the container"),
        ("image", "the image"),
    ],
    refs: &[],
}];

/// Objects named for one practice: enough to see the pattern, few enough for a cluster of any size.
const EXAMPLES: usize = 20;

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    let mut seen: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut add = |practice: &'static str, fact: Fact| {
        let count = seen.entry(practice).or_default();
        *count += 1;
        if *count <= EXAMPLES {
            facts.add(fact);
        }
    };
    for workload in context.state.workloads.iter().filter(|workload| serves(workload)) {
        for container in &workload.template().spec.containers {
            for practice in practices(context, workload, container) {
                add(practice, found(workload.object_ref(), practice, container));
            }
        }
    }
    let without = |object: ObjectRef, practice: &'static str, evidence: Evidence| {
        Fact::new("hygiene.found", object).param("practice", practice).evidence([evidence])
    };
    for pod in context.state.pods.iter().filter(|pod| is_unmanaged(pod)) {
        let object = pod.object_ref();
        let evidence = Evidence::absence(object.clone(), "no metadata.ownerReferences");
        add("unmanaged-pod", without(object, "unmanaged-pod", evidence));
    }
    for budget in context.state.disruption_budgets.iter() {
        let old = context.state.age_seconds(budget.metadata.creation_timestamp).is_some_and(|age| age > 3600);
        if old && budget.status.expected_pods == 0 {
            let object = budget.object_ref();
            let evidence = Evidence::status(object.clone(), "status.expectedPods", "0");
            add("budget-without-pods", without(object, "budget-without-pods", evidence));
        }
    }
}

/// Whether a workload is the users' own and meant to run on.
fn serves(workload: &Workload) -> bool {
    matches!(workload.kind, Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet)
        && !workload.metadata.namespace.starts_with("kube-")
}

fn practices(context: &Context<'_>, workload: &Workload, container: &Container) -> Vec<&'static str> {
    let mut found = Vec::new();
    let served = context.topology.services_of(&workload.object_ref()).next().is_some();
    if served && !container.ports.is_empty() && container.readiness_probe.is_none() {
        found.push("no-readiness-probe");
    }
    let requests = &container.resources.requests;
    if requests.is_empty() && container.resources.limits.is_empty() {
        found.push("no-requests");
    }
    if is_mutable(&container.image) {
        found.push("mutable-tag");
    }
    found
}

/// Whether an image has neither digest nor tag, or the tag that always moves.
fn is_mutable(image: &str) -> bool {
    let name = image.rsplit('/').next().unwrap_or(image);
    !image.is_empty() && !image.contains('@') && name.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

/// Whether a pod has nobody to make it again, and is not the kubelet's own.
fn is_unmanaged(pod: &Pod) -> bool {
    pod.metadata.owner_references.is_empty()
        && !pod.is_finished()
        && pod.metadata.annotation("kubernetes.io/config.source").is_empty()
}

fn found(object: ObjectRef, practice: &'static str, container: &Container) -> Fact {
    let path = format!("spec.template.spec.containers[{}]", container.name);
    Fact::new("hygiene.found", object.clone())
        .param("practice", practice)
        .param("container", container.name.clone())
        .param("image", container.image.clone())
        .evidence([Evidence::spec(object, path, practice)])
}

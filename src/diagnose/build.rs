//! Replicas that do not run the same program: one tag with two builds behind it, or the program of
//! another workload.

use std::collections::{BTreeMap, BTreeSet};

use super::{Context, Fact, FactSpec, Facts};
use crate::cluster::types::{Container, Object, Pod, Workload};
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::Evidence;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[
    FactSpec {
        name: "image.builds-differ",
        about: "replicas that fail run another build of the same image reference than those that work",
        params: &[
            ("container", "the container"),
            ("image", "the image reference"),
            ("failing", "the digest of the replicas that fail"),
            ("working", "the digest of the replicas that work"),
            (
                "certainty",
                "decisive where both run one template on nodes of one architecture: nothing else differs; else computed",
            ),
        ],
        refs: &[],
    },
    FactSpec {
        name: "program.of-another",
        about: "the container starts the program that belongs to another workload of the same image",
        params: &[
            ("container", "the container"),
            ("program", "the program that it starts"),
            ("image", "the image"),
        ],
        refs: &[("owner", "the workload that the program belongs to")],
    },
];

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    for (workload, pods) in context.topology.pods_by_workload() {
        for fact in builds(context, workload, pods) {
            facts.add(fact);
        }
    }
    programs(context, facts);
}

/// What ran where, of the pods that work or of those that fail.
#[derive(Default)]
struct Builds<'a> {
    digests: BTreeSet<&'a str>,
    templates: BTreeSet<(&'a str, &'a str)>,
    architectures: BTreeSet<&'a str>,
}

/// Digests by image reference and container, of pods that work and of pods that fail.
fn builds(context: &Context<'_>, workload: &ObjectRef, pods: &[&Pod]) -> Vec<Fact> {
    let mut seen: BTreeMap<(&str, &str), [Builds<'_>; 2]> = BTreeMap::new();
    for pod in pods.iter().filter(|pod| !pod.is_finished() && !pod.is_deleting()) {
        for status in &pod.status.container_statuses {
            let spec = pod.spec.containers.iter().find(|own| own.name == status.name);
            let digest = status.image_id.rsplit_once("@").map(|(_, digest)| digest);
            let (Some(spec), Some(digest)) = (spec, digest) else { continue };
            let fails = status.restart_count > 0 && !status.ready;
            if !status.ready && !fails {
                continue;
            }
            let [working, failing] = seen.entry((&status.name, &spec.image)).or_default();
            let builds = if fails { failing } else { working };
            builds.digests.insert(digest);
            builds.templates.insert(template_of(pod));
            let node = context.state.nodes.get("", &pod.spec.node_name);
            builds.architectures.extend(node.map(|node| node.status.node_info.architecture.as_str()));
        }
    }
    let differ = seen.into_iter().filter_map(|((container, image), [working, failing])| {
        let (one, other) = (failing.digests.first()?, working.digests.first()?);
        let twins = working.templates.len() == 1
            && working.templates == failing.templates
            && working.architectures == failing.architectures;
        working.digests.is_disjoint(&failing.digests).then(|| {
            Fact::new("image.builds-differ", workload.clone())
                .param("container", container)
                .param("image", image)
                .param("failing", *one)
                .param("working", *other)
                .param("certainty", if twins { "decisive" } else { "computed" })
                .evidence([Evidence::status(
                    workload.clone(),
                    format!("status.containerStatuses[{container}].imageID"),
                    format!("{one} in pods that fail, {other} in pods that work"),
                )])
        })
    });
    differ.collect()
}

/// What pods of one template have in common: their ReplicaSet, or the revision of their controller.
fn template_of(pod: &Pod) -> (&str, &str) {
    let owner = pod.metadata.controller().map_or("", |owner| owner.name.as_str());
    (owner, pod.metadata.labels.get("controller-revision-hash").map_or("", |hash| hash.as_str()))
}

/// The name of the program that a container starts, without its directory and ending.
fn program(container: &Container) -> Option<&str> {
    let first = container.command.first().or(container.args.first())?;
    let file = first.rsplit('/').next()?;
    let name = file.split('.').next()?;
    (name.len() > 2 && !first.contains(' ')).then_some(name)
}

/// Among workloads of one image that each start the program of their own name, the one that does not.
fn programs(context: &Context<'_>, facts: &mut Facts) {
    let mut by_image: BTreeMap<(&str, &str), Vec<(&Workload, &Container)>> = BTreeMap::new();
    for workload in context.state.workloads.iter() {
        let serves = matches!(workload.kind, Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet);
        if let Some(container) = workload.template().spec.containers.first().filter(|_| serves) {
            let key = (workload.metadata.namespace.as_str(), container.image.as_str());
            by_image.entry(key).or_default().push((workload, container));
        }
    }
    for ((_, image), members) in by_image.into_iter().filter(|((_, image), _)| !image.is_empty()) {
        let own = |(workload, container): &&(&Workload, &Container)| {
            program(container).is_some_and(|program| workload.metadata.name.contains(program))
        };
        let regular: Vec<_> = members.iter().filter(own).collect();
        for (workload, container) in members.iter().filter(|member| !own(member)) {
            let Some(name) = program(container).filter(|_| regular.len() >= 2) else { continue };
            let owner = regular.iter().find(|(_, other)| program(other) == Some(name));
            let Some((owner, _)) = owner else { continue };
            facts.add(
                Fact::new("program.of-another", workload.object_ref())
                    .param("container", container.name.clone())
                    .param("program", name)
                    .param("image", image)
                    .object("owner", owner.object_ref())
                    .evidence([Evidence::spec(
                        workload.object_ref(),
                        format!("spec.template.spec.containers[{}].command", container.name),
                        container
                            .command
                            .iter()
                            .chain(&container.args)
                            .cloned()
                            .collect::<Vec<_>>()
                            .join(" "),
                    )]),
            );
        }
    }
}

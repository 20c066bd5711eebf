//! Images that the cluster runs, to tell a slip of the pen by.

use std::collections::BTreeSet;

use super::{Instance, PullSecrets, registry, split_tag};
use crate::cluster::Kind;
use crate::cluster::types::Object;
use crate::diagnose::Context;

/// Every image of the cluster's containers, once each: many pods run few images.
pub(super) struct KnownImages<'c> {
    /// Those that were pulled, with the pull secrets that their pod has.
    pulled: BTreeSet<(&'c str, BTreeSet<&'c str>)>,
    /// Those that run, as the runtime names them.
    running: BTreeSet<&'c str>,
}

impl<'c> KnownImages<'c> {
    /// Gathers them.
    pub(super) fn of(context: &'c Context<'_>) -> Self {
        let mut known = Self { pulled: BTreeSet::new(), running: BTreeSet::new() };
        for pod in &context.state.pods {
            let secrets = PullSecrets::names(context, pod);
            for container in pod.spec.all_containers() {
                let mut statuses = pod.status.all_containers();
                if statuses.any(|status| status.name == container.name && !status.image_id.is_empty()) {
                    known.pulled.insert((&container.image, secrets.clone()));
                }
            }
            let running =
                pod.status.container_statuses.iter().filter(|status| status.state.running.is_some());
            known.running.extend(running.map(|status| status.image.as_str()));
        }
        known
    }

    /// An image that was pulled with no more credentials than this pod has, and whose repository
    /// differs by a letter or two.
    ///
    /// Registries answer for a repository that does not exist as they do for a private one (401, 403,
    /// denied), so that nobody can find out which exist: only what works tells a slip of the pen.
    pub(super) fn typo(&self, context: &Context<'_>, instance: &Instance<'_>) -> Option<String> {
        let (own, _) = split_tag(instance.image());
        let secrets = PullSecrets::names(context, instance.pod);
        let pulled = self.pulled.iter().filter(|(_, needed)| needed.is_subset(&secrets));
        let images = pulled.map(|(image, _)| *image).chain(previous_images(context, instance));
        images.into_iter().find(|image| slipped(own, split_tag(image).0)).map(str::to_owned)
    }

    /// An image of the same repository or of nearly the same name that works, here or in an earlier
    /// revision.
    pub(super) fn closest(&self, context: &Context<'_>, instance: &Instance<'_>) -> Option<String> {
        let image = instance.image();
        if let Some(previous) = previous_images(context, instance).find(|other| *other != image) {
            return Some(previous.to_owned());
        }
        let (repository, _) = split_tag(image);
        let others = self.running.iter().filter(|other| **other != image && !other.starts_with("sha256:"));
        let near = |other: &&&str| {
            let (theirs, _) = split_tag(other);
            theirs == repository || strsim::damerau_levenshtein(theirs, repository) <= 2
        };
        others.into_iter().find(near).map(|image| (*image).to_owned())
    }
}

/// Images that the container has in the workload's ReplicaSets.
fn previous_images<'i>(
    context: &'i Context<'_>,
    instance: &'i Instance<'_>,
) -> impl Iterator<Item = &'i str> {
    let sets = context.state.workloads.in_namespace(instance.namespace()).iter().filter(|set| {
        set.kind == Kind::ReplicaSet && context.topology.workload_of(&set.object_ref()) == *instance.workload
    });
    sets.flat_map(|set| &set.template().spec.containers)
        .filter(|container| container.name == instance.name())
        .map(|container| container.image.as_str())
}

/// Whether one repository's name is the other's with a letter or two wrong, at the same registry. A
/// number that differs is another repository.
fn slipped(own: &str, other: &str) -> bool {
    let letters = |name: &str| name.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    registry(own) == registry(other)
        && own.len().min(other.len()) >= 6
        && letters(own) != letters(other)
        && strsim::damerau_levenshtein(own, other) <= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_pen() {
        assert!(slipped("quay.io/promethues/exporter", "quay.io/prometheus/exporter"));
        assert!(!slipped("quay.io/shop/worker1", "quay.io/shop/worker2"));
        assert!(!slipped("quay.io/prometheus/exporter", "quay.io/prometheus/exporter"));
        assert!(!slipped("quay.io/promethues/exporter", "r.example/prometheus/exporter"));
        assert!(!slipped("quay.io/shop/web", "quay.io/shop/payments"));
    }
}

//! Which custom resources to read, and at which version.

use super::{Collector, Want};
use crate::agent::blind::Subject;
use crate::agent::fetch::Failure;
use crate::agent::job::Job;
use crate::cluster::ClusterState;
use crate::cluster::custom::{RESOURCES, Resource};

impl Collector {
    /// Custom resources that the cluster serves, or the snapshot holds.
    pub fn served_resources(&self) -> Vec<Want> {
        let served = RESOURCES.iter().filter(|resource| !self.versions(resource).is_empty());
        served.map(|resource| Want::Kind { kind: resource.as_kind(), namespace: None }).collect()
    }

    /// The versions of a custom resource that may be asked for, the preferred first.
    pub(super) fn versions(&self, resource: &Resource) -> Vec<&'static str> {
        if self.source.custom_resources.contains(&resource.as_kind()) {
            return vec![resource.preferred()];
        }
        served_versions(resource, &self.state)
    }

    /// Notes why a custom resource could not be read; a version that does not have it leads to the next.
    pub(super) fn fail_custom(
        &mut self,
        resource: &Resource,
        namespace: Option<&str>,
        version: &str,
        failure: &Failure,
    ) -> Vec<Job> {
        let kind = resource.as_kind();
        if matches!(failure, Failure::NotFound(_)) {
            let versions = self.versions(resource);
            let next = versions.into_iter().skip_while(|one| *one != version).nth(1);
            let list = |version| Job::List { kind, namespace: namespace.map(str::to_owned), version };
            return next.map(list).into_iter().collect();
        }
        let (class, rbac) = self.class(failure);
        let subject = Subject::Group(resource.group());
        let name = Some(resource.plural.to_owned());
        self.blind.add(subject, class, namespace, name, &failure.why(), rbac);
        let coverage = self.state.coverage.entry(kind).or_default();
        coverage.failures.push((namespace.map(str::to_owned), failure.why()));
        Vec::new()
    }
}

/// The versions of a custom resource that the cluster serves, the preferred first.
pub(in crate::agent) fn served_versions(resource: &Resource, state: &ClusterState) -> Vec<&'static str> {
    let is_served = |version: &&&'static str| {
        let parts = version.split_once('/').unwrap_or_default();
        state.api_services.iter().any(|api| (api.spec.group.as_str(), api.spec.version.as_str()) == parts)
    };
    resource.versions.iter().filter(is_served).copied().collect()
}

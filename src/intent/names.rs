//! The names of what exists: what a reader may rely on, and what leaves the machine under another name.

use std::collections::BTreeSet;

use crate::cluster::ClusterState;
use crate::cluster::types::{Object, Text};

/// Names of a cluster's objects, without what they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Namespaces.
    pub namespaces: BTreeSet<String>,
    /// Workloads, pods, Services, configuration, nodes: everything else that has a name.
    pub objects: BTreeSet<String>,
    /// Host names that Ingresses serve.
    pub hosts: BTreeSet<String>,
}

impl Names {
    /// The names of everything that was read.
    pub fn of(state: &ClusterState) -> Self {
        let mut names = Self::default();
        macro_rules! collect { ($($table:ident)*) => { $(
            for item in &state.$table { names.add(item); }
        )* }; }
        collect!(workloads pods services ingresses nodes claims volumes autoscalers disruption_budgets config_maps
            secrets network_policies quotas limit_ranges service_accounts storage_classes priority_classes
            runtime_classes ingress_classes webhooks roles role_bindings);
        names.namespaces.extend(state.namespaces.iter().map(|one| one.metadata.name.to_string()));
        for ingress in &state.ingresses {
            names.hosts.extend(ingress.spec.rules.iter().map(|rule| rule.host.to_string()));
            names.hosts.extend(ingress.spec.tls.iter().flat_map(|tls| tls.hosts.iter().map(Text::to_string)));
        }
        names.hosts.extend(state.services.iter().map(|service| service.spec.external_name.to_string()));
        names.hosts.remove("");
        names.namespaces.remove("");
        names.objects.remove("");
        names
    }

    fn add<T: Object>(&mut self, item: &T) {
        let meta = item.meta();
        self.namespaces.insert(meta.namespace.to_string());
        self.objects.insert(meta.name.to_string());
    }

    /// Whether something has this name.
    pub fn contains(&self, name: &str) -> bool {
        self.objects.contains(name) || self.namespaces.contains(name) || self.hosts.contains(name)
    }
}

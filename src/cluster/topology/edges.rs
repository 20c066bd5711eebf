//! Derives the relations that objects state.

use std::collections::BTreeSet;

use super::references::{references, same_references};
use super::{Edge, Relation, Topology, controller_of};
use crate::cluster::address::{Entrances, Target};
use crate::cluster::object::{Kind, ObjectRef};
use crate::cluster::types::*;

/// Every relation that the objects state, unordered.
pub(super) fn derive(topology: &Topology<'_>) -> Vec<Edge> {
    let state = topology.state();
    // About as many as there will be: growing, the list would be there twice.
    let about = state.pods.len() + 4 * state.workloads.len() + 2 * state.services.len();
    let mut deriving = Deriving { topology, edges: Vec::with_capacity(about) };
    deriving.own();
    deriving.select();
    deriving.reference();
    deriving.route();
    deriving.call();
    deriving.edges.extend(super::custom::edges(topology));
    deriving.edges
}

struct Deriving<'t, 'a> {
    topology: &'t Topology<'a>,
    edges: Vec<Edge>,
}

impl Deriving<'_, '_> {
    fn edge(&mut self, from: &ObjectRef, to: ObjectRef, relation: Relation, stated_in: impl Into<Text>) {
        self.edges.push(Edge { from: from.clone(), to, relation, stated_in: stated_in.into() });
    }

    fn own(&mut self) {
        let state = self.topology.state();
        for workload in &state.workloads {
            if let Some(owner) = controller_of(state, &workload.metadata) {
                self.edge(&owner, workload.object_ref(), Relation::Owns, "");
            }
        }
        for (workload, pods) in self.topology.pods_by_workload() {
            let mut nodes: Vec<&str> = Vec::new();
            for pod in pods {
                let object = pod.object_ref();
                if object != *workload {
                    self.edge(workload, object, Relation::Owns, "");
                }
                nodes.push(&pod.spec.node_name);
            }
            nodes.sort_unstable();
            nodes.dedup();
            for node in nodes.into_iter().filter(|node| !node.is_empty()) {
                self.edge(workload, ObjectRef::cluster(Kind::Node, node), Relation::ScheduledOn, "");
            }
        }
    }

    fn select(&mut self) {
        let state = self.topology.state();
        for service in state.services.iter().filter(|service| !service.spec.selector.is_empty()) {
            let from = service.object_ref();
            let namespace = service.metadata.namespace.as_str();
            let selector = &service.spec.selector;
            let mut behind = BTreeSet::new();
            for workload in self.topology.workloads_matching(namespace, selector) {
                // A ReplicaSet stands for its Deployment; a CronJob's pods belong to its Jobs.
                let stands_for_another =
                    workload.kind == Kind::ReplicaSet && !workload.metadata.owner_references.is_empty();
                if workload.kind != Kind::CronJob && !stands_for_another {
                    behind.insert(workload.object_ref());
                }
            }
            for pod in self.topology.pods_matching(namespace, selector) {
                if !pod.is_finished() {
                    behind.insert(self.topology.workload_of_pod(pod));
                }
            }
            for workload in behind {
                self.edge(&from, workload, Relation::Selects, "spec.selector");
            }
        }
        for budget in &state.disruption_budgets {
            let Some(selector) = &budget.spec.selector else { continue };
            for workload in state.workloads.in_namespace(&budget.metadata.namespace) {
                if workload.metadata.owner_references.is_empty()
                    && selector.matches(&workload.template().metadata.labels)
                {
                    self.edge(
                        &budget.object_ref(),
                        workload.object_ref(),
                        Relation::Selects,
                        "spec.selector",
                    );
                }
            }
        }
        for autoscaler in &state.autoscalers {
            let target = &autoscaler.spec.scale_target_ref;
            let to = ObjectRef::new(
                Kind::from(target.kind.as_str()),
                &autoscaler.metadata.namespace,
                &target.name,
            );
            self.edge(&autoscaler.object_ref(), to, Relation::Scales, "spec.scaleTargetRef");
        }
    }

    fn reference(&mut self) {
        let state = self.topology.state();
        for workload in &state.workloads {
            if workload.kind == Kind::ReplicaSet && !workload.metadata.owner_references.is_empty() {
                continue;
            }
            self.reference_spec(&workload.object_ref(), &workload.template().spec);
            for template in &workload.spec.volume_claim_templates {
                for ordinal in 0..workload.desired().clamp(0, 100) {
                    let claim = format!("{}-{}-{ordinal}", template.metadata.name, workload.metadata.name);
                    let to =
                        ObjectRef::new(Kind::PersistentVolumeClaim, &workload.metadata.namespace, &claim);
                    self.edge(&workload.object_ref(), to, Relation::Mounts, "spec.volumeClaimTemplates");
                }
            }
        }
        for (workload, pods) in self.topology.pods_by_workload() {
            // The live pod may differ from its template, and older revisions from the newest; replicas
            // of one revision are alike.
            let mut seen: Vec<&PodSpec> = Vec::new();
            for pod in pods {
                if !seen.iter().any(|other| same_references(other, &pod.spec)) {
                    seen.push(&pod.spec);
                    self.reference_spec(workload, &pod.spec);
                }
            }
        }
        for claim in &state.claims {
            let from = claim.object_ref();
            if let Some(class) = claim.spec.storage_class_name.as_deref().filter(|class| !class.is_empty()) {
                self.edge(
                    &from,
                    ObjectRef::cluster(Kind::StorageClass, class),
                    Relation::References,
                    "spec.storageClassName",
                );
            }
            if !claim.spec.volume_name.is_empty() {
                let to = ObjectRef::cluster(Kind::PersistentVolume, &claim.spec.volume_name);
                self.edge(&from, to, Relation::References, "spec.volumeName");
            }
        }
    }

    fn reference_spec(&mut self, from: &ObjectRef, spec: &PodSpec) {
        for (kind, name, relation, stated_in, _) in references(spec) {
            let to = ObjectRef::new(kind.clone(), if kind.namespaced() { from.ns() } else { "" }, &name);
            self.edge(from, to, relation, stated_in);
        }
    }

    fn route(&mut self) {
        let state = self.topology.state();
        for ingress in &state.ingresses {
            let from = ingress.object_ref();
            let namespace = ingress.metadata.namespace.as_str();
            let paths = ingress.spec.rules.iter().flat_map(|rule| &rule.http.paths).map(|path| &path.backend);
            for service in
                paths.chain(&ingress.spec.default_backend).filter_map(|backend| backend.service.as_ref())
            {
                let to = ObjectRef::new(Kind::Service, namespace, &service.name);
                self.edge(&from, to, Relation::Routes, "spec.rules");
            }
            if !ingress.spec.ingress_class_name.is_empty() {
                let to = ObjectRef::cluster(Kind::IngressClass, &ingress.spec.ingress_class_name);
                self.edge(&from, to, Relation::References, "spec.ingressClassName");
            }
            for tls in ingress.spec.tls.iter().filter(|tls| !tls.secret_name.is_empty()) {
                let to = ObjectRef::new(Kind::Secret, namespace, &tls.secret_name);
                self.edge(&from, to, Relation::References, "spec.tls");
            }
        }
        for configuration in &state.webhooks {
            let services = configuration
                .body
                .webhooks
                .iter()
                .filter_map(|webhook| webhook.client_config.service.as_ref());
            for service in services {
                let to = ObjectRef::new(Kind::Service, &service.namespace, &service.name);
                self.edge(
                    &configuration.object_ref(),
                    to,
                    Relation::Admits,
                    "webhooks[].clientConfig.service",
                );
            }
        }
        for api in &state.api_services {
            if let Some(service) = &api.spec.service {
                let to = ObjectRef::new(Kind::Service, &service.namespace, &service.name);
                self.edge(&api.object_ref(), to, Relation::Routes, "spec.service");
            }
        }
    }

    fn call(&mut self) {
        let entrances = Entrances::new(self.topology.state());
        for call in self.topology.calls() {
            let to = match &call.target {
                Target::Service(service) | Target::Missing(service) => vec![service.clone()],
                Target::Pod(pod) => vec![self.topology.workload_of(pod)],
                Target::External => entrances.of(&call.address.host).to_vec(),
                Target::Loopback | Target::Unknown => Vec::new(),
            };
            for to in to {
                self.edge(&call.caller, to, Relation::Calls, call.stated_in.as_str());
            }
        }
    }
}

//! Typed relations between the objects of a [`ClusterState`].
//!
//! Only what objects state is a relation; whether a relation carries a fault is for the
//! correlation to decide.

mod calls;
mod references;

pub use references::references;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::address::{Address, Target};
use super::object::{Kind, ObjectRef};
use super::selector::matches_all;
use super::state::ClusterState;
use super::types::*;

/// How one object relates to another; reads "from … to".
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// Controls through an owner reference.
    Owns,
    /// Picks pods by labels.
    Selects,
    /// Runs on a node.
    ScheduledOn,
    /// Mounts a claim, ConfigMap or Secret.
    Mounts,
    /// Names an object it needs: ConfigMap, Secret, ServiceAccount, class.
    References,
    /// Sends requests on: Ingress to Service.
    Routes,
    /// Sets the replicas of.
    Scales,
    /// Bounds what may be created.
    Limits,
    /// Is asked before objects are admitted, or its backend.
    Admits,
    /// Is configured to call.
    Calls,
}

/// One relation, with where it is stated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The object that states the relation.
    pub from: ObjectRef,
    /// The object it points at; it need not exist.
    pub to: ObjectRef,
    /// How they relate.
    pub relation: Relation,
    /// Where it is stated, such as `env DB_HOST`; empty where the relation says it all.
    pub stated_in: String,
}

/// A configured call: who calls, where that is stated, and what the address means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The calling workload.
    pub caller: ObjectRef,
    /// The container whose configuration states it; empty for a ConfigMap.
    pub container: String,
    /// Where it is stated, such as `env DB_HOST` or `ConfigMap app-config key url`.
    pub stated_in: String,
    /// The address as written.
    pub address: Address,
    /// What the host resolves to.
    pub target: Target,
}

/// Relations of a state, indexed both ways.
#[derive(Debug)]
pub struct Topology<'a> {
    state: &'a ClusterState,
    edges: Vec<Edge>,
    outgoing: HashMap<ObjectRef, Vec<usize>>,
    incoming: HashMap<ObjectRef, Vec<usize>>,
    pods: BTreeMap<ObjectRef, Vec<&'a Pod>>,
    owners: HashMap<(&'a str, &'a str), ObjectRef>,
    calls: Vec<Call>,
}

impl<'a> Topology<'a> {
    /// Derives every relation that the objects state.
    pub fn new(state: &'a ClusterState) -> Self {
        Self::with_relations(state, Vec::new())
    }

    /// As [`Topology::new`], with relations that somebody states beside the objects.
    pub fn with_relations(state: &'a ClusterState, stated: Vec<Edge>) -> Self {
        let mut topology = Self {
            state,
            edges: Vec::new(),
            outgoing: HashMap::new(),
            incoming: HashMap::new(),
            pods: BTreeMap::new(),
            owners: HashMap::new(),
            calls: Vec::new(),
        };
        topology.own();
        topology.select();
        topology.reference();
        topology.route();
        topology.call();
        topology.edges.extend(stated);
        topology.edges.sort();
        topology.edges.dedup();
        for (index, edge) in topology.edges.iter().enumerate() {
            topology.outgoing.entry(edge.from.clone()).or_default().push(index);
            topology.incoming.entry(edge.to.clone()).or_default().push(index);
        }
        topology
    }

    /// The state the relations were derived from.
    pub fn state(&self) -> &'a ClusterState {
        self.state
    }

    /// Every relation, ordered.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Relations that this object states.
    pub fn from<'s>(&'s self, object: &ObjectRef) -> impl Iterator<Item = &'s Edge> + use<'s, 'a> {
        self.outgoing.get(object).into_iter().flatten().filter_map(|index| self.edges.get(*index))
    }

    /// Relations that point at this object.
    pub fn to<'s>(&'s self, object: &ObjectRef) -> impl Iterator<Item = &'s Edge> + use<'s, 'a> {
        self.incoming.get(object).into_iter().flatten().filter_map(|index| self.edges.get(*index))
    }

    /// The workload a person would edit to change this pod; the pod itself where nothing owns it.
    ///
    /// A Deployment rather than its ReplicaSet; a Job rather than its CronJob.
    pub fn workload_of_pod(&self, pod: &Pod) -> ObjectRef {
        self.owners
            .get(&(pod.metadata.namespace.as_str(), pod.metadata.name.as_str()))
            .cloned()
            .unwrap_or_else(|| pod.object_ref())
    }

    /// The workload behind any object that belongs to one: pods and ReplicaSets map upwards.
    pub fn workload_of(&self, object: &ObjectRef) -> ObjectRef {
        match object.kind {
            Kind::Pod => match self.state.pods.get(object.ns(), &object.name) {
                Some(pod) => self.workload_of_pod(pod),
                None => {
                    owner_by_name(self.state, object.ns(), &object.name).unwrap_or_else(|| object.clone())
                }
            },
            Kind::ReplicaSet => self
                .state
                .workload_of(object)
                .and_then(|set| controller_of(self.state, &set.metadata))
                .or_else(|| {
                    let (deployment, _) = object.name.rsplit_once('-')?;
                    let found = self.state.workload(&Kind::Deployment, object.ns(), deployment)?;
                    Some(found.object_ref())
                })
                .unwrap_or_else(|| object.clone()),
            _ => object.clone(),
        }
    }

    /// The pods of a workload (or of a bare pod, itself), ordered by name.
    pub fn pods_of(&self, workload: &ObjectRef) -> &[&'a Pod] {
        self.pods.get(workload).map_or(&[], Vec::as_slice)
    }

    /// Workloads that have pods, and bare pods, with those pods.
    pub fn pods_by_workload(&self) -> impl Iterator<Item = (&ObjectRef, &[&'a Pod])> {
        self.pods.iter().map(|(workload, pods)| (workload, pods.as_slice()))
    }

    /// The workloads whose template labels a Service's selector matches.
    pub fn workloads_behind<'s>(
        &'s self,
        service: &ObjectRef,
    ) -> impl Iterator<Item = &'s ObjectRef> + use<'s, 'a> {
        self.from(service).filter(|edge| edge.relation == Relation::Selects).map(|edge| &edge.to)
    }

    /// The Services whose selector matches a workload's template labels.
    pub fn services_of<'s>(
        &'s self,
        workload: &ObjectRef,
    ) -> impl Iterator<Item = &'s ObjectRef> + use<'s, 'a> {
        self.to(workload)
            .filter(|edge| edge.relation == Relation::Selects && edge.from.kind == Kind::Service)
            .map(|edge| &edge.from)
    }

    /// Every configured call.
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// The configured calls of one workload.
    pub fn calls_of<'s>(&'s self, caller: &'s ObjectRef) -> impl Iterator<Item = &'s Call> + use<'s, 'a> {
        self.calls.iter().filter(move |call| call.caller == *caller)
    }

    fn edge(&mut self, from: &ObjectRef, to: ObjectRef, relation: Relation, stated_in: impl Into<String>) {
        self.edges.push(Edge { from: from.clone(), to, relation, stated_in: stated_in.into() });
    }

    fn own(&mut self) {
        for workload in &self.state.workloads {
            if let Some(owner) = controller_of(self.state, &workload.metadata) {
                self.edge(&owner, workload.object_ref(), Relation::Owns, "");
            }
        }
        for pod in &self.state.pods {
            let owner = pod_owner(self.state, pod);
            let workload = owner.clone().unwrap_or_else(|| pod.object_ref());
            if let Some(owner) = owner {
                self.edge(&owner, pod.object_ref(), Relation::Owns, "");
                self.owners.insert((&pod.metadata.namespace, &pod.metadata.name), owner);
            }
            if !pod.spec.node_name.is_empty() {
                self.edge(
                    &workload,
                    ObjectRef::cluster(Kind::Node, &pod.spec.node_name),
                    Relation::ScheduledOn,
                    "",
                );
            }
            self.pods.entry(workload).or_default().push(pod);
        }
    }

    fn select(&mut self) {
        let state = self.state;
        for service in state.services.iter().filter(|service| !service.spec.selector.is_empty()) {
            let from = service.object_ref();
            let namespace = service.metadata.namespace.as_str();
            let mut behind = BTreeSet::new();
            for workload in state.workloads.in_namespace(namespace) {
                // A ReplicaSet stands for its Deployment; a CronJob's pods belong to its Jobs.
                if matches!(workload.kind, Kind::CronJob | Kind::ReplicaSet)
                    && !workload.metadata.owner_references.is_empty()
                {
                    continue;
                }
                if workload.kind != Kind::CronJob
                    && matches_all(&service.spec.selector, &workload.template().metadata.labels)
                {
                    behind.insert(workload.object_ref());
                }
            }
            for pod in state.pods.in_namespace(namespace) {
                if matches_all(&service.spec.selector, &pod.metadata.labels) && !pod.is_finished() {
                    behind.insert(self.workload_of_pod(pod));
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
        let state = self.state;
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
        for pod in &state.pods {
            let workload = self.workload_of_pod(pod);
            // The live pod may differ from its template, and older revisions from the newest.
            self.reference_spec(&workload, &pod.spec);
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
        let state = self.state;
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
        let state = self.state;
        let mut calls = Vec::new();
        for workload in &state.workloads {
            if matches!(workload.kind, Kind::ReplicaSet | Kind::Job)
                && !workload.metadata.owner_references.is_empty()
                && workload.kind != Kind::Job
            {
                continue;
            }
            calls::collect_calls(state, &workload.object_ref(), &workload.template().spec, &mut calls);
        }
        for (object, pods) in &self.pods {
            if object.kind == Kind::Pod {
                for pod in pods {
                    calls::collect_calls(state, object, &pod.spec, &mut calls);
                }
            }
        }
        for call in &calls {
            let to = match &call.target {
                Target::Service(service) | Target::Missing(service) => service.clone(),
                Target::Pod(pod) => self.workload_of(pod),
                _ => continue,
            };
            self.edges.push(Edge {
                from: call.caller.clone(),
                to,
                relation: Relation::Calls,
                stated_in: call.stated_in.clone(),
            });
        }
        self.calls = calls;
    }
}

fn controller_of(state: &ClusterState, meta: &Meta) -> Option<ObjectRef> {
    let owner = meta.controller()?;
    let kind = Kind::from(owner.kind.as_str());
    // Owners outside the known workloads (custom resources) are named but not followed.
    state.workload(&kind, &meta.namespace, &owner.name).map(Object::object_ref)
}

fn pod_owner(state: &ClusterState, pod: &Pod) -> Option<ObjectRef> {
    let meta = &pod.metadata;
    let owner = meta.controller()?;
    let kind = Kind::from(owner.kind.as_str());
    match state.workload(&kind, &meta.namespace, &owner.name) {
        Some(direct) if kind == Kind::ReplicaSet => {
            Some(controller_of(state, &direct.metadata).unwrap_or_else(|| direct.object_ref()))
        }
        Some(direct) => Some(direct.object_ref()),
        // The ReplicaSet was not read: its name is the Deployment's and a hash.
        None if kind == Kind::ReplicaSet => {
            let (name, _) = owner.name.rsplit_once('-')?;
            Some(ObjectRef::new(Kind::Deployment, &meta.namespace, name))
        }
        None if kind.is_workload() => Some(ObjectRef::new(kind, &meta.namespace, &owner.name)),
        None => None,
    }
}

/// The workload that made a pod which no longer exists, from the pod's name alone.
pub fn owner_by_name(state: &ClusterState, namespace: &str, pod: &str) -> Option<ObjectRef> {
    let mut best: Option<&Workload> = None;
    for workload in state.workloads.in_namespace(namespace) {
        if workload.kind == Kind::ReplicaSet && !workload.metadata.owner_references.is_empty() {
            continue;
        }
        let Some(rest) = pod.strip_prefix(workload.metadata.name.as_str()) else { continue };
        let Some(rest) = rest.strip_prefix('-') else { continue };
        let parts: Vec<&str> = rest.split('-').collect();
        let hash = |part: &str| {
            !part.is_empty()
                && part.len() <= 10
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        let fits = match (&workload.kind, parts.as_slice()) {
            (Kind::Deployment, [set, pod]) => hash(set) && hash(pod) && pod.len() == 5,
            (Kind::StatefulSet, [ordinal]) => ordinal.parse::<u32>().is_ok(),
            (Kind::DaemonSet | Kind::ReplicaSet | Kind::Job, [pod]) => hash(pod) && pod.len() == 5,
            (Kind::CronJob, [time, pod]) => time.parse::<u64>().is_ok() && hash(pod),
            _ => false,
        };
        if fits && best.is_none_or(|known| known.metadata.name.len() < workload.metadata.name.len()) {
            best = Some(workload);
        }
    }
    best.map(Object::object_ref)
}

//! Typed relations between the objects of a [`ClusterState`].
//!
//! Only what objects state is a relation; whether a relation carries a fault is for the
//! correlation to decide.

mod calls;
mod custom;
mod edges;
mod members;
mod references;

pub use custom::managed_by;
pub use references::references;

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use super::address::{Address, Target};
use super::object::{Kind, ObjectRef};
use super::selector::Labels;
use super::state::ClusterState;
use super::types::*;
use super::work;
use members::Members;

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
    pub stated_in: Text,
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

/// Relations of a state, indexed both ways. What is costly is derived when it is first asked for.
#[derive(Debug)]
pub struct Topology<'a> {
    state: &'a ClusterState,
    stated: Vec<Edge>,
    pods: BTreeMap<ObjectRef, Vec<&'a Pod>>,
    owners: HashMap<(&'a str, &'a str), ObjectRef>,
    relations: OnceLock<Relations>,
    calls: OnceLock<Calls>,
    members: OnceLock<Members>,
}

/// Edges in order, and their positions ordered by what they point at.
#[derive(Debug)]
struct Relations {
    edges: Vec<Edge>,
    by_target: Vec<usize>,
}

/// Calls in the order they are stated, and their positions by caller.
#[derive(Debug)]
struct Calls {
    calls: Vec<Call>,
    by_caller: HashMap<ObjectRef, Vec<usize>>,
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
            stated,
            pods: BTreeMap::new(),
            owners: HashMap::with_capacity(state.pods.len()),
            relations: OnceLock::new(),
            calls: OnceLock::new(),
            members: OnceLock::new(),
        };
        topology.own();
        topology
    }

    /// Finds the workload of every pod, which nothing can do without.
    fn own(&mut self) {
        let mut known: HashMap<(&'a str, &'a str, &'a str), Option<ObjectRef>> = HashMap::new();
        for pod in &self.state.pods {
            let meta = &pod.metadata;
            // Replicas share their owner, so that it is looked up once.
            let owner = match meta.controller() {
                Some(controller) => known
                    .entry((&meta.namespace, &controller.kind, &controller.name))
                    .or_insert_with(|| pod_owner(self.state, pod))
                    .clone(),
                None => None,
            };
            let workload = owner.clone().unwrap_or_else(|| pod.object_ref());
            if let Some(owner) = owner {
                self.owners.insert((&meta.namespace, &meta.name), owner);
            }
            self.pods.entry(workload).or_default().push(pod);
        }
    }

    fn relations(&self) -> &Relations {
        self.relations.get_or_init(|| {
            let mut edges = edges::derive(self);
            edges.extend(self.stated.iter().cloned());
            edges.sort_unstable();
            edges.dedup();
            edges.shrink_to_fit();
            let mut by_target: Vec<usize> = (0..edges.len()).collect();
            by_target.sort_by_key(|index| edges.get(*index).map(|edge| &edge.to));
            Relations { edges, by_target }
        })
    }

    fn members(&self) -> &Members {
        self.members.get_or_init(|| Members::new(self.state))
    }

    /// The state the relations were derived from.
    pub fn state(&self) -> &'a ClusterState {
        self.state
    }

    /// Every relation, ordered: never once for each object.
    pub fn edges(&self) -> &[Edge] {
        let edges = &self.relations().edges;
        work::go_through(edges.len());
        edges
    }

    /// Relations that this object states.
    pub fn from<'s>(&'s self, object: &ObjectRef) -> impl Iterator<Item = &'s Edge> + use<'s, 'a> {
        let edges = &self.relations().edges;
        let start = edges.partition_point(|edge| edge.from < *object);
        let rest = edges.get(start..).unwrap_or_default();
        let length = rest.partition_point(|edge| edge.from == *object);
        rest.get(..length).unwrap_or_default().iter()
    }

    /// Relations that point at this object.
    pub fn to<'s>(&'s self, object: &ObjectRef) -> impl Iterator<Item = &'s Edge> + use<'s, 'a> {
        let Relations { edges, by_target } = self.relations();
        let target = |index: &usize| edges.get(*index).map(|edge| &edge.to);
        let start = by_target.partition_point(|index| target(index) < Some(object));
        let rest = by_target.get(start..).unwrap_or_default();
        let length = rest.partition_point(|index| target(index) == Some(object));
        rest.get(..length).unwrap_or_default().iter().filter_map(|index| edges.get(*index))
    }

    /// Pods of a namespace that have all these labels; none where there are no labels to have.
    pub fn pods_matching(&self, namespace: &str, labels: &Labels) -> Vec<&'a Pod> {
        self.members().pods_matching(self.state, namespace, labels)
    }

    /// Workloads of a namespace whose template has all these labels; none where there are none to have.
    pub fn workloads_matching(&self, namespace: &str, labels: &Labels) -> Vec<&'a Workload> {
        self.members().workloads_matching(self.state, namespace, labels)
    }

    /// The endpoint slices of a Service, in order.
    pub fn slices_of<'s>(
        &'s self,
        namespace: &'s str,
        service: &'s str,
    ) -> impl Iterator<Item = &'a EndpointSlice> + use<'s, 'a> {
        self.members().slices_of(self.state, namespace, service)
    }

    /// Pods whose controller is exactly this object, in order.
    pub fn controlled_pods<'s>(
        &'s self,
        owner: &'s ObjectRef,
    ) -> impl Iterator<Item = &'a Pod> + use<'s, 'a> {
        self.members().pods_of(self.state, owner)
    }

    /// Workloads whose controller is exactly this object, in order: ReplicaSets of a Deployment,
    /// Jobs of a CronJob.
    pub fn controlled_workloads<'s>(
        &'s self,
        owner: &'s ObjectRef,
    ) -> impl Iterator<Item = &'a Workload> + use<'s, 'a> {
        self.members().workloads_of(self.state, owner)
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
        &self.call_index().calls
    }

    /// The configured calls of one workload.
    pub fn calls_of<'s>(&'s self, caller: &'s ObjectRef) -> impl Iterator<Item = &'s Call> + use<'s, 'a> {
        let Calls { calls, by_caller } = self.call_index();
        by_caller.get(caller).into_iter().flatten().filter_map(|index| calls.get(*index))
    }

    fn call_index(&self) -> &Calls {
        self.calls.get_or_init(|| {
            let calls = calls::collect(self);
            let mut by_caller: HashMap<ObjectRef, Vec<usize>> = HashMap::new();
            for (index, call) in calls.iter().enumerate() {
                by_caller.entry(call.caller.clone()).or_default().push(index);
            }
            Calls { calls, by_caller }
        })
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

//! The names that exist in a cluster, indexed for lookup by what people type.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::text::{name_parts, squash};
use super::words;
use crate::cluster::object::{Kind, ObjectRef};
use crate::cluster::topology::Topology;
use crate::cluster::types::{Object, Text, Workload};

/// Labels whose value people use as the name of what runs.
const APP_LABELS: [&str; 3] = ["app", "app.kubernetes.io/name", "k8s-app"];

/// A part of this many names, and of most, tells none of them.
const COMMON: usize = 5;

/// How readily an object is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Workloads, Services, Ingresses, Nodes, Namespaces.
    Primary,
    /// Claims, autoscalers, configuration: where nothing primary has the name, or the kind is said.
    Secondary,
    /// Pods, ReplicaSets and a CronJob's Jobs: by their whole name only.
    Whole,
}

/// One object and its name in parts.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The object that has the name.
    pub named: ObjectRef,
    /// What is meant by it: the workload behind a pod, else the object itself.
    pub object: ObjectRef,
    /// How readily it is meant.
    pub rank: Rank,
    /// The name's parts.
    pub parts: Vec<String>,
    /// The parts that tell it from others: no numbers, no generic nouns.
    pub core: Vec<String>,
}

/// Every name of a state.
pub(super) struct Catalog {
    entries: Vec<Entry>,
    by_name: HashMap<String, Vec<usize>>,
    by_squash: HashMap<String, Vec<usize>>,
    by_host: HashMap<String, Vec<usize>>,
    by_app: HashMap<String, Vec<usize>>,
    by_part: BTreeMap<String, Vec<usize>>,
    namespaces: BTreeSet<String>,
}

impl Catalog {
    /// Indexes every object that a description may name.
    pub(super) fn new(topology: &Topology<'_>) -> Self {
        let mut catalog = Self {
            entries: Vec::new(),
            by_name: HashMap::new(),
            by_squash: HashMap::new(),
            by_host: HashMap::new(),
            by_app: HashMap::new(),
            by_part: BTreeMap::new(),
            namespaces: BTreeSet::new(),
        };
        let state = topology.state();
        for workload in &state.workloads {
            catalog.add_workload(topology, workload);
        }
        for pod in &state.pods {
            let named = pod.object_ref();
            let object = topology.workload_of_pod(pod);
            let rank = if object == named { Rank::Primary } else { Rank::Whole };
            catalog.add(named, object, rank);
        }
        macro_rules! add { ($rank:ident: $($table:ident)*) => { $(
            for item in &state.$table { let object = item.object_ref(); catalog.add(object.clone(), object, Rank::$rank); }
        )* }; }
        add!(Primary: services ingresses nodes);
        add!(Secondary: claims volumes autoscalers disruption_budgets config_maps secrets network_policies quotas
            limit_ranges service_accounts storage_classes priority_classes runtime_classes ingress_classes
            webhooks roles role_bindings api_services crds custom_resources);
        catalog.add_namespaces(topology);
        catalog.add_hosts(topology);
        catalog.drop_common_parts();
        catalog
    }

    /// A part that most names share, such as a product's initials, tells nothing: people leave it out.
    fn drop_common_parts(&mut self) {
        let names: BTreeSet<(&str, &str)> = self
            .entries
            .iter()
            .filter(|entry| entry.rank == Rank::Primary && entry.named.kind.is_workload())
            .map(|entry| (entry.named.ns(), &*entry.named.name))
            .collect();
        let mut shared: BTreeMap<String, usize> = BTreeMap::new();
        for (_, name) in &names {
            if let [first, _, ..] = name_parts(name).as_slice() {
                *shared.entry(first.clone()).or_default() += 1;
            }
        }
        shared.retain(|_, count| *count >= COMMON && *count * 2 > names.len());
        for (index, entry) in self.entries.iter_mut().enumerate() {
            let [first, rest @ ..] = entry.parts.as_slice() else { continue };
            if rest.is_empty() || !shared.contains_key(first) {
                continue;
            }
            self.by_squash.entry(rest.concat()).or_default().push(index);
            let common = first.clone();
            entry.core.retain(|part| *part != common);
        }
    }

    fn add_workload(&mut self, topology: &Topology<'_>, workload: &Workload) {
        let named = workload.object_ref();
        let owned = !workload.metadata.owner_references.is_empty();
        let rank = match workload.kind {
            Kind::ReplicaSet | Kind::Job if owned => Rank::Whole,
            _ => Rank::Primary,
        };
        let object = topology.workload_of(&named);
        let index = self.add(named, object, rank);
        if rank == Rank::Primary {
            let labels = &workload.template().metadata.labels;
            for value in APP_LABELS.iter().filter_map(|label| labels.get(*label)) {
                let known = self.by_app.entry(value.to_lowercase()).or_default();
                if known.last() != Some(&index) {
                    known.push(index);
                }
            }
        }
    }

    /// Namespaces are known from their list and from every object that lives in one.
    fn add_namespaces(&mut self, topology: &Topology<'_>) {
        let listed = topology.state().namespaces.iter().map(|namespace| namespace.metadata.name.to_string());
        let used = self.entries.iter().map(|entry| entry.named.ns().into());
        self.namespaces = listed.chain(used).filter(|name| !name.is_empty()).collect();
        for name in self.namespaces.clone() {
            let object = ObjectRef::cluster(Kind::Namespace, &name);
            self.add(object.clone(), object, Rank::Primary);
        }
    }

    /// Hosts of Ingresses and of external Services, and of nodes that are named like hosts.
    fn add_hosts(&mut self, topology: &Topology<'_>) {
        let state = topology.state();
        let mut hosts: Vec<(String, ObjectRef)> = Vec::new();
        for ingress in &state.ingresses {
            let rules = ingress.spec.rules.iter().map(|rule| rule.host.to_string());
            let secure = ingress.spec.tls.iter().flat_map(|tls| tls.hosts.iter().map(Text::to_string));
            hosts.extend(rules.chain(secure).map(|host| (host, ingress.object_ref())));
        }
        for service in state.services.iter().filter(|service| !service.spec.external_name.is_empty()) {
            hosts.push((service.spec.external_name.to_string(), service.object_ref()));
        }
        for (host, object) in hosts {
            let known = self.find_name(&object.name).iter().copied();
            let Some(index) =
                known.into_iter().find(|index| self.get(*index).is_some_and(|e| e.named == object))
            else {
                continue;
            };
            let entries = self.by_host.entry(host.to_lowercase()).or_default();
            if !entries.contains(&index) {
                entries.push(index);
            }
        }
    }

    fn add(&mut self, named: ObjectRef, object: ObjectRef, rank: Rank) -> usize {
        let index = self.entries.len();
        let name = named.name.to_lowercase();
        self.by_name.entry(name.clone()).or_default().push(index);
        let mut entry = Entry { named, object, rank, parts: Vec::new(), core: Vec::new() };
        if rank != Rank::Whole {
            self.by_squash.entry(squash(&name)).or_default().push(index);
            entry.parts = name_parts(&name);
            entry.core = entry.parts.iter().filter(|part| !words::is_filler(part)).cloned().collect();
            for part in &entry.parts {
                let known = self.by_part.entry(part.clone()).or_default();
                if known.last() != Some(&index) {
                    known.push(index);
                }
            }
        }
        self.entries.push(entry);
        index
    }

    pub(super) fn get(&self, index: usize) -> Option<&Entry> {
        self.entries.get(index)
    }

    /// Every entry with its index.
    pub(super) fn entries(&self) -> impl Iterator<Item = (usize, &Entry)> {
        self.entries.iter().enumerate()
    }

    /// Entries of exactly this name, in lower case.
    pub(super) fn find_name(&self, name: &str) -> &[usize] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// Entries of this name but for hyphens, spaces, dots and capitals.
    pub(super) fn find_squashed(&self, squashed: &str) -> &[usize] {
        self.by_squash.get(squashed).map_or(&[], Vec::as_slice)
    }

    /// Workloads whose `app` label, or a like one, has this value.
    pub(super) fn find_app(&self, app: &str) -> &[usize] {
        self.by_app.get(app).map_or(&[], Vec::as_slice)
    }

    /// Entries that serve a host, by itself or by a wildcard.
    pub(super) fn find_host(&self, host: &str) -> &[usize] {
        let wildcard =
            || host.split_once('.').and_then(|(_, domain)| self.by_host.get(&format!("*.{domain}")));
        self.by_host.get(host).or_else(wildcard).map_or(&[], Vec::as_slice)
    }

    /// Every host that something serves, in order.
    pub(super) fn hosts(&self) -> Vec<&str> {
        let mut hosts: Vec<&str> = self.by_host.keys().map(String::as_str).collect();
        hosts.sort_unstable();
        hosts
    }

    /// Entries with this part in their name.
    pub(super) fn with_part(&self, part: &str) -> &[usize] {
        self.by_part.get(part).map_or(&[], Vec::as_slice)
    }

    /// Every part of a name that begins so, with its entries.
    pub(super) fn parts_from<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a [usize])> {
        self.by_part
            .range(prefix.to_owned()..)
            .take_while(move |(part, _)| part.starts_with(prefix))
            .map(|(part, entries)| (part.as_str(), entries.as_slice()))
    }

    /// Every namespace known, in order.
    pub(super) fn namespaces(&self) -> &BTreeSet<String> {
        &self.namespaces
    }
}

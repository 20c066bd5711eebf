//! Everything that was read of a cluster, indexed, with what was not read.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::event::{Event, Events};
use super::logs::Logs;
use super::object::{Kind, ObjectRef};
use super::telemetry::{Alert, Series};
use super::types::*;
use super::work;

/// Three-valued truth: unknown is what was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Truth {
    /// It is so.
    True,
    /// It is not so.
    False,
    /// What would tell was not read.
    Unknown,
}

impl From<bool> for Truth {
    fn from(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }
}

/// Objects of one type, ordered by namespace and name.
#[derive(Clone, Debug)]
pub struct Table<T> {
    items: Vec<T>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { items: Vec::new() }
    }
}

impl<T: Object> Table<T> {
    /// Adds an object; lookups are right only after [`ClusterState::finish`].
    pub fn push(&mut self, item: T) {
        self.items.push(item);
    }

    /// Adds an object in place of one of the same kind, namespace and name.
    pub fn upsert(&mut self, item: T) {
        let same = |known: &&mut T| Self::key(known) == Self::key(&item) && known.kind() == item.kind();
        match self.items.iter_mut().find(same) {
            Some(known) => *known = item,
            None => self.items.push(item),
        }
    }

    fn key(item: &T) -> (&str, &str) {
        let meta = item.meta();
        (&meta.namespace, &meta.name)
    }

    fn absorb(&mut self, mut part: Self) {
        if self.items.is_empty() {
            part.items.shrink_to_fit();
            *self = part;
        } else {
            self.items.reserve_exact(part.items.len());
            self.items.extend(part.items);
        }
    }

    fn finish(&mut self) {
        let order = |a: &T, b: &T| Self::key(a).cmp(&Self::key(b)).then_with(|| a.kind().cmp(&b.kind()));
        // Lists mostly come sorted, and sorting needs room for half of them again.
        if !self.items.is_sorted_by(|a, b| order(a, b).is_le()) {
            // Stable, so that of two reads of one object the first stays.
            self.items.sort_by(order);
        }
        self.items.dedup_by(|a, b| Self::key(a) == Self::key(b) && a.kind() == b.kind());
    }

    /// Every object, ordered by namespace and name: never once for each of another table.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        work::go_through(self.items.len());
        self.items.iter()
    }

    /// The object at a position of that order.
    pub fn at(&self, position: usize) -> Option<&T> {
        self.items.get(position)
    }

    /// The objects of one namespace.
    pub fn in_namespace(&self, namespace: &str) -> &[T] {
        let start = self.items.partition_point(|item| item.meta().namespace.as_str() < namespace);
        let rest = self.items.get(start..).unwrap_or_default();
        let length = rest.partition_point(|item| item.meta().namespace == namespace);
        rest.get(..length).unwrap_or_default()
    }

    /// Objects of this namespace and name; more than one only where a table holds several kinds.
    pub fn named(&self, namespace: &str, name: &str) -> &[T] {
        let start = self.items.partition_point(|item| Self::key(item) < (namespace, name));
        let rest = self.items.get(start..).unwrap_or_default();
        let length = rest.partition_point(|item| Self::key(item) == (namespace, name));
        rest.get(..length).unwrap_or_default()
    }

    /// The object of this namespace and name.
    pub fn get(&self, namespace: &str, name: &str) -> Option<&T> {
        self.named(namespace, name).first()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

impl<'a, T: Object> IntoIterator for &'a Table<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// What was read of one kind.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// Whether the list of the whole cluster was read.
    pub cluster: bool,
    /// Namespaces whose list was read.
    pub namespaces: BTreeSet<String>,
    /// What could not be read: the namespace (none: all) and why.
    pub failures: Vec<(Option<String>, String)>,
}

/// The state of a cluster at the time it was captured: a table a kind.
#[allow(missing_docs, reason = "a table is named after the kind it holds")]
#[derive(Clone, Debug, Default)]
pub struct ClusterState {
    /// When the state was captured; every age counts back from here.
    pub now: Option<Timestamp>,
    /// The server's version, such as `v1.36.2`.
    pub server_version: String,
    pub namespaces: Table<Namespace>,
    pub nodes: Table<Node>,
    pub pods: Table<Pod>,
    pub workloads: Table<Workload>,
    pub controller_revisions: Table<ControllerRevision>,
    pub services: Table<Service>,
    pub endpoint_slices: Table<EndpointSlice>,
    pub ingresses: Table<Ingress>,
    pub ingress_classes: Table<IngressClass>,
    pub network_policies: Table<NetworkPolicy>,
    pub claims: Table<PersistentVolumeClaim>,
    pub volumes: Table<PersistentVolume>,
    pub storage_classes: Table<StorageClass>,
    pub volume_attachments: Table<VolumeAttachment>,
    pub config_maps: Table<ConfigMap>,
    pub secrets: Table<Secret>,
    pub service_accounts: Table<ServiceAccount>,
    pub roles: Table<Role>,
    pub role_bindings: Table<RoleBinding>,
    pub quotas: Table<ResourceQuota>,
    pub limit_ranges: Table<LimitRange>,
    pub autoscalers: Table<HorizontalPodAutoscaler>,
    pub disruption_budgets: Table<PodDisruptionBudget>,
    pub priority_classes: Table<PriorityClass>,
    pub runtime_classes: Table<RuntimeClass>,
    pub webhooks: Table<WebhookConfiguration>,
    pub api_services: Table<ApiService>,
    pub crds: Table<CustomResourceDefinition>,
    pub leases: Table<Lease>,
    pub custom_resources: Table<CustomResource>,
    pub pod_metrics: Table<PodMetrics>,
    pub node_metrics: Table<NodeMetrics>,
    /// What happened of late.
    pub events: Events,
    /// Container logs.
    pub logs: Logs,
    /// Alerts (snapshots only).
    pub alerts: Vec<Alert>,
    /// Range metrics (snapshots only).
    pub series: Vec<Series>,
    /// What was read, by kind.
    pub coverage: BTreeMap<Kind, Coverage>,
}

impl ClusterState {
    /// Decodes one object of a kind and adds it.
    ///
    /// # Errors
    /// Where the JSON is not an object of that kind's shape. Kinds without a type are ignored.
    pub fn add_json(&mut self, kind: &Kind, json: &str) -> Result<(), serde_json::Error> {
        macro_rules! push {
            ($table:ident) => {
                self.$table.push(serde_json::from_str(json)?)
            };
            ($table:ident, $type:ident) => {
                self.$table.push($type::new(kind.clone(), serde_json::from_str(json)?))
            };
        }
        // Who wrote them tells nothing, and these are nearly all of a large cluster.
        macro_rules! unsigned {
            ($type:ty) => {{
                let mut object: $type = serde_json::from_str(json)?;
                object.metadata.managed_fields = Box::default();
                // Only the kubelet writes an object's uid, and of pods.
                if *kind != Kind::Pod {
                    object.metadata.uid = Text::default();
                }
                object
            }};
        }
        match kind {
            Kind::Namespace => push!(namespaces),
            Kind::Node => push!(nodes),
            Kind::Pod => self.pods.push(unsigned!(Pod)),
            kind if kind.is_workload() => {
                let mut body: WorkloadBody = serde_json::from_str(json)?;
                body.metadata.keep_last_write();
                self.workloads.push(Workload::new(kind.clone(), body));
            }
            Kind::ControllerRevision => push!(controller_revisions),
            Kind::Service => self.services.push(unsigned!(Service)),
            Kind::EndpointSlice => self.endpoint_slices.push(unsigned!(EndpointSlice)),
            Kind::Endpoints => {
                let endpoints: Endpoints = serde_json::from_str(json)?;
                endpoints.into_slices().into_iter().for_each(|slice| self.endpoint_slices.push(slice));
            }
            Kind::Ingress => push!(ingresses),
            Kind::IngressClass => push!(ingress_classes),
            Kind::NetworkPolicy => push!(network_policies),
            Kind::PersistentVolumeClaim => push!(claims),
            Kind::PersistentVolume => push!(volumes),
            Kind::StorageClass => push!(storage_classes),
            Kind::VolumeAttachment => push!(volume_attachments),
            Kind::ConfigMap => push!(config_maps),
            Kind::Secret => push!(secrets),
            Kind::ServiceAccount => self.service_accounts.push(unsigned!(ServiceAccount)),
            Kind::Role | Kind::ClusterRole => push!(roles, Role),
            Kind::RoleBinding | Kind::ClusterRoleBinding => push!(role_bindings, RoleBinding),
            Kind::ResourceQuota => push!(quotas),
            Kind::LimitRange => push!(limit_ranges),
            Kind::HorizontalPodAutoscaler => push!(autoscalers),
            Kind::PodDisruptionBudget => push!(disruption_budgets),
            Kind::PriorityClass => push!(priority_classes),
            Kind::RuntimeClass => push!(runtime_classes),
            Kind::ValidatingWebhookConfiguration | Kind::MutatingWebhookConfiguration => {
                push!(webhooks, WebhookConfiguration);
            }
            Kind::ApiService => push!(api_services),
            Kind::CustomResourceDefinition => push!(crds),
            Kind::Lease => push!(leases),
            Kind::PodMetrics => push!(pod_metrics),
            Kind::NodeMetrics => push!(node_metrics),
            Kind::Event => self.events.push(serde_json::from_str(json)?),
            kind => {
                CustomResource::read(kind, json)?.into_iter().for_each(|one| self.custom_resources.push(one))
            }
        }
        Ok(())
    }

    /// Takes over the objects and logs of a part that was read separately; not its coverage.
    pub fn absorb(&mut self, part: Self) {
        macro_rules! absorb { ($($table:ident)*) => { $(self.$table.absorb(part.$table);)* }; }
        absorb!(namespaces nodes pods workloads controller_revisions services endpoint_slices ingresses
            ingress_classes network_policies claims volumes storage_classes volume_attachments config_maps
            secrets service_accounts roles role_bindings quotas limit_ranges autoscalers disruption_budgets
            priority_classes runtime_classes webhooks api_services crds leases custom_resources pod_metrics node_metrics);
        self.events.absorb(part.events);
        self.logs.absorb(part.logs);
    }

    /// Sorts every table. Call after the last object, before any lookup; again where more was added.
    pub fn finish(&mut self) {
        macro_rules! finish { ($($table:ident)*) => { $(self.$table.finish();)* }; }
        finish!(namespaces nodes pods workloads controller_revisions services ingresses ingress_classes
            network_policies claims volumes storage_classes volume_attachments config_maps secrets
            service_accounts roles role_bindings quotas limit_ranges autoscalers disruption_budgets
            priority_classes runtime_classes webhooks api_services crds leases custom_resources pod_metrics node_metrics);
        // Endpoints become several slices of one name, so slices are sorted but not deduplicated.
        self.endpoint_slices.items.sort_by(|a, b| Table::key(a).cmp(&Table::key(b)));
        self.events.finish();
    }

    /// Events about one object, oldest first.
    pub fn events_of(&self, object: &ObjectRef) -> &[Event] {
        self.events.of(object)
    }

    /// A workload by kind.
    pub fn workload(&self, kind: &Kind, namespace: &str, name: &str) -> Option<&Workload> {
        self.workloads.named(namespace, name).iter().find(|workload| workload.kind == *kind)
    }

    /// A custom resource by reference.
    pub fn custom_resource(&self, object: &ObjectRef) -> Option<&CustomResource> {
        let found = self.custom_resources.named(object.ns(), &object.name);
        found.iter().find(|resource| resource.kind == object.kind)
    }

    /// A workload by reference.
    pub fn workload_of(&self, object: &ObjectRef) -> Option<&Workload> {
        self.workload(&object.kind, object.ns(), &object.name)
    }

    /// Whether the kind's list was read for this namespace (empty: the cluster).
    pub fn was_read(&self, kind: &Kind, namespace: &str) -> bool {
        self.coverage.get(kind).is_some_and(|coverage| {
            coverage.cluster || (!namespace.is_empty() && coverage.namespaces.contains(namespace))
        })
    }

    /// Whether an object exists; unknown where its list was not read.
    pub fn exists(&self, kind: &Kind, namespace: &str, name: &str) -> Truth {
        if self.contains(kind, namespace, name) {
            Truth::True
        } else if self.was_read(kind, namespace) {
            Truth::False
        } else {
            Truth::Unknown
        }
    }

    fn contains(&self, kind: &Kind, namespace: &str, name: &str) -> bool {
        fn any<T: Object>(table: &Table<T>, kind: &Kind, namespace: &str, name: &str) -> bool {
            table.named(namespace, name).iter().any(|item| item.kind() == *kind)
        }
        macro_rules! look {
            ($($table:ident: $($kind:ident)|+;)*) => {
                match kind {
                    $($(Kind::$kind)|+ => any(&self.$table, kind, namespace, name),)*
                    kind if kind.is_workload() => any(&self.workloads, kind, namespace, name),
                    Kind::Other(_) => any(&self.custom_resources, kind, namespace, name),
                    _ => false,
                }
            };
        }
        look! {
            namespaces: Namespace;
            nodes: Node;
            pods: Pod;
            services: Service;
            ingresses: Ingress;
            ingress_classes: IngressClass;
            network_policies: NetworkPolicy;
            claims: PersistentVolumeClaim;
            volumes: PersistentVolume;
            storage_classes: StorageClass;
            config_maps: ConfigMap;
            secrets: Secret;
            service_accounts: ServiceAccount;
            roles: Role | ClusterRole;
            role_bindings: RoleBinding | ClusterRoleBinding;
            quotas: ResourceQuota;
            limit_ranges: LimitRange;
            autoscalers: HorizontalPodAutoscaler;
            disruption_budgets: PodDisruptionBudget;
            priority_classes: PriorityClass;
            runtime_classes: RuntimeClass;
            webhooks: ValidatingWebhookConfiguration | MutatingWebhookConfiguration;
            api_services: ApiService;
            crds: CustomResourceDefinition;
            leases: Lease;
        }
    }

    /// The capture time; the Unix epoch where nothing in the input carries a time.
    pub fn now(&self) -> Timestamp {
        self.now.unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Seconds from a time to the capture.
    pub fn age_seconds(&self, time: Time) -> Option<i64> {
        Some(self.now().as_second() - time.get()?.as_second())
    }

    /// How many objects there are that have a name somebody may mean.
    pub fn named(&self) -> usize {
        macro_rules! sum { ($($table:ident)*) => { 0 $(+ self.$table.len())* }; }
        sum!(namespaces nodes pods workloads services ingresses ingress_classes network_policies claims volumes
            storage_classes config_maps secrets service_accounts roles role_bindings quotas limit_ranges
            autoscalers disruption_budgets priority_classes runtime_classes webhooks api_services crds
            custom_resources)
    }

    /// How many objects were read, by plural name.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        macro_rules! count { ($($table:ident)*) => { $(
            for item in &self.$table { *counts.entry(item.kind().plural().to_owned()).or_insert(0) += 1; }
        )* }; }
        count!(namespaces nodes pods workloads services ingresses network_policies claims volumes
            storage_classes config_maps secrets service_accounts quotas limit_ranges autoscalers
            disruption_budgets webhooks leases custom_resources);
        if !self.events.is_empty() {
            counts.insert("events".to_owned(), self.events.len());
        }
        let logs = self.logs.iter().filter(|(_, log)| log.error.is_none()).count();
        if logs > 0 {
            counts.insert("logs".to_owned(), logs);
        }
        counts
    }
}

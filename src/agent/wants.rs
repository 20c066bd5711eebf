//! What to want: the kinds that diagnosers use, and the logs and ConfigMaps worth reading.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::collector::Want;
use crate::cluster::logs::LogKey;
use crate::cluster::types::{ContainerState, ContainerStatus, Object, Pod, PodSpec, Text};
use crate::cluster::{ClusterState, Kind, ObjectRef};

/// Read first: what the words of a description can name.
pub(super) const INVENTORY: &[Kind] = &[
    Kind::Node,
    Kind::Pod,
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::ReplicaSet,
    Kind::Job,
    Kind::CronJob,
    Kind::Service,
    Kind::Ingress,
    Kind::PersistentVolumeClaim,
    // They tell which custom resources there can be.
    Kind::ApiService,
];

/// Kinds without which hardly anything can be told.
pub(super) const ESSENTIAL: &[Kind] =
    &[Kind::Namespace, Kind::Node, Kind::Pod, Kind::Event, Kind::Deployment, Kind::Service];

/// The namespace of DNS, proxies and control-plane components.
const SYSTEM: &str = "kube-system";

/// Paths of the first round in the chosen namespaces (empty: all), in order.
pub fn inventory_paths(namespaces: &[String]) -> Vec<String> {
    let mut paths = vec!["/version".to_owned(), super::path::list(&Kind::Namespace, None)];
    let mut places: Vec<Option<&str>> = namespaces.iter().map(|namespace| Some(namespace.as_str())).collect();
    match places.is_empty() {
        true => places.push(None),
        false if !namespaces.iter().any(|namespace| namespace == SYSTEM) => places.push(Some(SYSTEM)),
        false => {}
    }
    let lists = |kind: &Kind| -> Vec<String> {
        let worth = |place: &&Option<&str>| {
            place.is_none_or(|name| namespaces.iter().any(|chosen| chosen == name) || tells_of_system(kind))
        };
        places.iter().filter(worth).map(|place| super::path::list(kind, *place)).collect()
    };
    for kind in INVENTORY {
        if kind.namespaced() {
            paths.extend(lists(kind));
        } else {
            paths.push(super::path::list(kind, None));
        }
    }
    paths.extend(lists(&Kind::Event));
    paths
}

/// What is read of the system's namespace where the complaint is elsewhere: whether DNS, proxies and
/// control-plane components work.
const SYSTEM_KINDS: &[Kind] = &[
    Kind::Pod,
    Kind::Deployment,
    Kind::DaemonSet,
    Kind::ReplicaSet,
    Kind::Service,
    Kind::EndpointSlice,
    Kind::Event,
    Kind::Lease,
];

/// Whether a kind is worth reading in the system's namespace where the complaint is elsewhere.
pub(super) fn tells_of_system(kind: &Kind) -> bool {
    SYSTEM_KINDS.contains(kind)
}

/// The kinds that what was read so far leads to, in the chosen namespaces (empty: all) and the
/// system's, and the logs of suspects; where the complaint is everywhere, faults of the cluster
/// itself too.
pub fn default_wants(state: &ClusterState, namespaces: &[String], everywhere: bool) -> Vec<Want> {
    let mut wants = kinds(namespaces, |kind| is_needed(kind, state, everywhere));
    wants.extend(suspect_logs(state, namespaces));
    wants
}

/// Where events about nodes and other objects without a namespace are kept.
const EVENTS_OF_NODES: &str = "default";

/// Every kind, in the chosen namespaces (empty: all) and what tells of the system and the nodes.
pub fn all_kinds(namespaces: &[String]) -> Vec<Want> {
    let mut wants = kinds(namespaces, |_| true);
    if !namespaces.is_empty() && !namespaces.iter().any(|name| name == EVENTS_OF_NODES) {
        wants.push(Want::Kind { kind: Kind::Event, namespace: Some(EVENTS_OF_NODES.to_owned()) });
    }
    wants
}

fn kinds(namespaces: &[String], chosen: impl Fn(&Kind) -> bool) -> Vec<Want> {
    let mut wants = Vec::new();
    // Endpoints are read where slices cannot be had.
    for kind in Kind::ALL.iter().filter(|kind| **kind != Kind::Endpoints && chosen(kind)) {
        let want = |namespace: Option<&str>| Want::Kind {
            kind: kind.clone(),
            namespace: namespace.map(str::to_owned),
        };
        if namespaces.is_empty() || !kind.namespaced() {
            wants.push(want(None));
            continue;
        }
        // Leases of workloads are their own matter.
        for namespace in namespaces.iter().filter(|name| *kind != Kind::Lease || *name == SYSTEM) {
            wants.push(want(Some(namespace)));
        }
        if tells_of_system(kind) && !namespaces.iter().any(|namespace| namespace == SYSTEM) {
            wants.push(want(Some(SYSTEM)));
        }
    }
    wants
}

/// Whether what was read can lead to a kind. What cannot is read where nothing else proves a cause.
fn is_needed(kind: &Kind, state: &ClusterState, everywhere: bool) -> bool {
    let has = |kind: &Kind| state.workloads.iter().any(|workload| workload.kind == *kind);
    let specs = || {
        let templates = state.workloads.iter().map(|workload| &*workload.template().spec);
        templates.chain(state.pods.iter().map(|pod| &pod.spec))
    };
    match kind {
        Kind::ControllerRevision => has(&Kind::StatefulSet) || has(&Kind::DaemonSet),
        Kind::PersistentVolume | Kind::StorageClass | Kind::VolumeAttachment => {
            !state.claims.is_empty() || has(&Kind::StatefulSet)
        }
        Kind::IngressClass => !state.ingresses.is_empty(),
        Kind::PriorityClass => specs().any(|spec| !spec.priority_class_name.is_empty()),
        Kind::RuntimeClass => specs().any(|spec| !spec.runtime_class_name.is_empty()),
        // Faults of the cluster's own, which explain what is seen everywhere.
        Kind::CustomResourceDefinition => everywhere,
        Kind::NodeMetrics | Kind::PodMetrics => everywhere,
        Kind::Role | Kind::RoleBinding | Kind::ClusterRole | Kind::ClusterRoleBinding => everywhere,
        _ => true,
    }
}

/// Logs of containers that fail or failed, in the chosen namespaces (empty: all).
pub fn suspect_logs(state: &ClusterState, namespaces: &[String]) -> Vec<Want> {
    logs(pods_in(state, namespaces), true)
}

/// Logs of all containers in the chosen namespaces (empty: all), suspects first, then so that
/// every workload comes before any comes twice, those with the youngest pods first: what changed
/// last is the likeliest to be wrong.
pub fn namespace_logs(state: &ClusterState, namespaces: &[String]) -> Vec<Want> {
    let mut wants = suspect_logs(state, namespaces);
    let mut pods = pods_in(state, namespaces);
    pods.sort_by_key(|pod| Reverse(pod.metadata.creation_timestamp));
    wants.extend(logs(spread(state, pods), false));
    distinct(wants)
}

/// Logs of the pods of these workloads (or of these pods), suspects first.
pub fn log_wants(state: &ClusterState, workloads: &[ObjectRef]) -> Vec<Want> {
    let chosen: BTreeSet<&ObjectRef> = workloads.iter().collect();
    let belongs = |pod: &&Pod| lineage(state, pod).iter().any(|object| chosen.contains(object));
    let pods: Vec<&Pod> = state.pods.iter().filter(belongs).collect();
    let mut wants = logs(pods.clone(), true);
    wants.extend(logs(spread(state, pods), false));
    distinct(wants)
}

/// Most ConfigMaps whose values are read.
const MAX_CONFIGS: usize = 100;

/// Values of the ConfigMaps that these workloads use, of the first workloads where there are too
/// many, and of the cluster's DNS.
pub fn config_wants(state: &ClusterState, workloads: &[ObjectRef]) -> Vec<Want> {
    let mut names = BTreeSet::new();
    for object in workloads {
        if names.len() >= MAX_CONFIGS {
            break;
        }
        if let Some(workload) = state.workload_of(object) {
            names.extend(config_names(&workload.template().spec).map(|name| (object.ns().to_owned(), name)));
        }
        if object.kind == Kind::Pod
            && let Some(pod) = state.pods.get(object.ns(), &object.name)
        {
            names.extend(config_names(&pod.spec).map(|name| (object.ns().to_owned(), name)));
        }
    }
    names.insert((SYSTEM.to_owned(), "coredns".into()));
    names
        .into_iter()
        .map(|(namespace, name)| Want::ConfigMapValues { namespace, name: name.to_string() })
        .collect()
}

/// The names of the ConfigMaps that a pod uses.
fn config_names(spec: &PodSpec) -> impl Iterator<Item = Text> {
    let mut names = BTreeSet::new();
    for container in spec.all_containers() {
        let keys = container.env.iter().filter_map(|variable| variable.value_from.as_ref());
        names.extend(keys.filter_map(|source| Some(source.config_map_key_ref.as_ref()?.name.clone())));
        let all = container.env_from.iter().filter_map(|source| source.config_map_ref.as_ref());
        names.extend(all.map(|reference| reference.name.clone()));
    }
    for volume in &spec.volumes {
        names.extend(volume.config_map.as_ref().map(|config| config.name.clone()));
        let sources = volume.projected.iter().flat_map(|projected| &projected.sources);
        names.extend(sources.filter_map(|source| Some(source.config_map.as_ref()?.name.clone())));
    }
    // Every namespace has one, and it holds only a certificate.
    names.remove("kube-root-ca.crt");
    names.remove("");
    names.into_iter()
}

fn pods_in<'s>(state: &'s ClusterState, namespaces: &[String]) -> Vec<&'s Pod> {
    let chosen =
        |pod: &&Pod| namespaces.is_empty() || namespaces.iter().any(|name| *name == pod.meta().namespace);
    state.pods.iter().filter(chosen).collect()
}

/// The pod, its controller, and that one's controller.
fn lineage(state: &ClusterState, pod: &Pod) -> Vec<ObjectRef> {
    const DEPTH: usize = 3;
    let mut line = vec![pod.object_ref()];
    let namespace = &pod.meta().namespace;
    let mut owner = pod.meta().controller();
    while let (Some(reference), true) = (owner, line.len() <= DEPTH) {
        let object = ObjectRef::new(Kind::from(reference.kind.as_str()), namespace, &reference.name);
        owner = state.workload_of(&object).and_then(|workload| workload.meta().controller());
        line.push(object);
    }
    line
}

/// Orders pods so that the first of every workload comes before the second of any.
fn spread<'s>(state: &ClusterState, pods: Vec<&'s Pod>) -> Vec<&'s Pod> {
    let mut seen: BTreeMap<Option<ObjectRef>, usize> = BTreeMap::new();
    let mut ranked: Vec<(usize, &Pod)> = pods
        .into_iter()
        .map(|pod| {
            let count = seen.entry(lineage(state, pod).pop()).or_default();
            *count += 1;
            (*count, pod)
        })
        .collect();
    ranked.sort_by_key(|(count, _)| *count);
    ranked.into_iter().map(|(_, pod)| pod).collect()
}

/// The logs of these pods' containers: those of suspects only, or all.
fn logs(pods: Vec<&Pod>, suspects_only: bool) -> Vec<Want> {
    let mut wants = Vec::new();
    for pod in pods {
        let status = &pod.status;
        let init = status.init_container_statuses.iter().map(|status| (status, true));
        let main = status.container_statuses.iter().map(|status| (status, false));
        for (status, is_init) in init.chain(main) {
            if suspects_only && !is_suspect(pod, status, is_init) {
                continue;
            }
            let key = |previous| LogKey {
                namespace: pod.metadata.namespace.to_string(),
                pod: pod.metadata.name.to_string(),
                container: status.name.to_string(),
                previous,
            };
            wants.push(Want::Logs(key(false)));
            if status.restart_count > 0 || status.last_state.terminated.is_some() {
                wants.push(Want::Logs(key(true)));
            }
        }
    }
    wants
}

/// Whether a log that was not read would tell why its container fails, and no other run's log does.
pub(super) fn hides_failure(state: &ClusterState, key: &LogKey) -> bool {
    let other = state.logs.get(&key.namespace, &key.pod, &key.container, !key.previous);
    if other.is_some_and(|log| !log.text.trim().is_empty()) {
        return false;
    }
    let Some(pod) = state.pods.get(&key.namespace, &key.pod) else { return true };
    let inits = pod.status.init_container_statuses.iter().map(|status| (status, true));
    let mut all = inits.chain(pod.status.container_statuses.iter().map(|status| (status, false)));
    let found = all.find(|(status, _)| status.name == key.container);
    found.is_none_or(|(status, is_init)| has_run(status) && is_suspect(pod, status, is_init))
}

/// Whether a process of the container was ever started; else there is nothing that it can have logged.
fn has_run(status: &ContainerStatus) -> bool {
    let ran = |state: &ContainerState| {
        let ended = state.terminated.as_ref();
        state.running.is_some()
            || ended.is_some_and(|ended| !matches!(&*ended.reason, "StartError" | "ContainerCannotRun"))
    };
    ran(&status.state) || ran(&status.last_state)
}

/// Whether a container fails, failed, or keeps its pod from being ready.
fn is_suspect(pod: &Pod, status: &ContainerStatus, is_init: bool) -> bool {
    let ended_badly = |state: &ContainerState| {
        state.terminated.as_ref().is_some_and(|ended| ended.exit_code != 0 || ended.signal != 0)
    };
    let unready = !is_init && !status.ready && pod.status.phase == "Running";
    let stuck_init = is_init && status.state.running.is_some() && pod.status.phase == "Pending";
    status.restart_count > 0
        || status.state.waiting.is_some()
        || ended_badly(&status.state)
        || ended_badly(&status.last_state)
        || unready
        || stuck_init
        || pod.status.phase == "Failed"
}

fn distinct(wants: Vec<Want>) -> Vec<Want> {
    let mut seen = BTreeSet::new();
    wants.into_iter().filter(|want| seen.insert(want.clone())).collect()
}

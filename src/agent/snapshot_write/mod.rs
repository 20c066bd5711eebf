//! Writes a snapshot: what `sre-orch snapshot` captures, in the layout that the agent reads.
//!
//! A snapshot leaves the cluster, so nothing secret may be in it: Secrets are read as metadata,
//! every other text is redacted before it is written, and the file is its owner's alone. It
//! lists what could not be read, so that whoever opens it knows what is missing.

mod pack;
mod sanitize;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use futures::StreamExt;
use serde_json::{Value, json};

use super::collector::{Request, Want, served_versions, with_system};
use super::error::AgentError;
use super::fetch::{Failure, Fetcher};
use super::job::{self, Sink};
use super::snapshot::layout::place_of;
use super::source::Source;
use super::{path, unreachable, wants};
use crate::cluster::logs::{Log, LogKey};
use crate::cluster::{ClusterState, Kind, custom};
use crate::redact;

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Files in the archive.
    pub files: usize,
    /// Objects in them.
    pub objects: usize,
    /// Logs in them.
    pub logs: usize,
    /// What could not be read, and why.
    pub unread: Vec<(String, String)>,
}

/// Files by their path in the snapshot.
type Files = BTreeMap<String, Vec<u8>>;

/// Captures a cluster (or redacts a snapshot) into a `.tar.gz`.
///
/// The file is written beside its place and then renamed, with permissions for its owner only.
///
/// # Errors
/// Where nothing can be read, a namespace of the request does not exist, or the file cannot be
/// written.
pub async fn write_snapshot(source: &Source, request: &Request, path: &Path) -> Result<Written, AgentError> {
    let fetcher = Fetcher::new(source.client.clone(), request.limits);
    let mut capture =
        Capture { source, request, fetcher: &fetcher, lists: BTreeMap::new(), failures: BTreeMap::new() };
    capture.read_lists().await?;
    let mut files = Files::new();
    capture.read_version(&mut files).await;
    let (logs, unread_logs) = capture.read_logs(&mut files).await;
    let mut written = Written { logs, ..Written::default() };
    written.objects = capture.lists.values().map(Vec::len).sum();
    written.unread = capture.unread();
    written.unread.extend(unread_logs);
    capture.add_lists(&mut files);
    add_telemetry(source, &mut files);
    let time = source.captured_at.or(fetcher.date());
    files.insert("version.yaml".to_owned(), version_yaml(time).into_bytes());
    written.files = files.len();
    pack::write(path, &files, time)
        .map_err(|source| AgentError::Write { path: path.display().to_string(), source })?;
    Ok(written)
}

/// Alerts and range metrics have no API path: only a snapshot that is redacted anew has them.
fn add_telemetry(source: &Source, files: &mut Files) {
    let mut add = |path: &str, mut value: Value| {
        sanitize::redact_value(&mut value);
        files.insert(path.to_owned(), value.to_string().into_bytes());
    };
    if !source.alerts.is_empty() {
        add("alerts/alerts.json", json!(source.alerts));
    }
    if !source.series.is_empty() {
        let data = json!({"resultType": "matrix", "result": source.series});
        add("metrics/range.json", json!({"status": "success", "data": data}));
    }
}

fn version_yaml(time: Option<jiff::Timestamp>) -> String {
    let captured = time.map(|time| format!("  capturedAt: {time}\n")).unwrap_or_default();
    format!(
        "apiVersion: troubleshoot.sh/v1beta2\nkind: SupportBundle\nspec:\n  versionNumber: sre-orch-{}\n{captured}",
        env!("CARGO_PKG_VERSION")
    )
}

/// A list by kind and namespace (none: of the whole cluster).
type Place = (Kind, Option<String>);

struct Capture<'a> {
    source: &'a Source,
    request: &'a Request,
    fetcher: &'a Fetcher,
    lists: BTreeMap<Place, Vec<Value>>,
    failures: BTreeMap<Place, Failure>,
}

/// Keeps objects as they come.
#[derive(Default)]
struct Raw(Vec<Value>);

impl Sink for Raw {
    fn item(&mut self, kind: &Kind, json: &str) {
        if let Ok(mut object) = serde_json::from_str::<Value>(json) {
            sanitize::object(kind, &mut object);
            self.0.push(object);
        }
    }

    fn restart(&mut self) {
        self.0.clear();
    }
}

impl Capture<'_> {
    async fn read_lists(&mut self) -> Result<(), AgentError> {
        self.read(vec![(Kind::Namespace, None)]).await;
        let names = self.namespaces()?;
        let everywhere = self.request.namespaces.is_empty();
        let kinds = || Kind::ALL.iter().filter(|kind| **kind != Kind::Namespace);
        let mut places = Vec::new();
        for kind in kinds() {
            if everywhere || !kind.namespaced() {
                places.push((kind.clone(), None));
            } else {
                places.extend(names.iter().map(|name| (kind.clone(), Some(name.clone()))));
            }
        }
        self.read(places).await;
        let mut places = Vec::new();
        for kind in custom::kinds().filter(|kind| !self.versions(kind).is_empty()) {
            if everywhere || !kind.namespaced() {
                places.push((kind, None));
            } else {
                places.extend(names.iter().map(|name| (kind.clone(), Some(name.clone()))));
            }
        }
        self.read(places).await;
        // What may not be listed at once may be listed where we are allowed.
        let refused = |(kind, namespace): &&Place| kind.namespaced() && namespace.is_none();
        let refused: Vec<Place> = self.failures.keys().filter(refused).cloned().collect();
        let mut places = Vec::new();
        for place in refused {
            if matches!(self.failures.get(&place), Some(Failure::Forbidden(_))) {
                self.failures.remove(&place);
                places.extend(names.iter().map(|name| (place.0.clone(), Some(name.clone()))));
            }
        }
        self.read(places).await;
        if self.lists.is_empty() {
            return Err(unreachable::error(self.source, self.failures.values().next()));
        }
        self.split(&names);
        Ok(())
    }

    async fn read(&mut self, places: Vec<Place>) {
        let fetcher = self.fetcher;
        let places: Vec<_> = places.into_iter().map(|place| (self.versions(&place.0), place)).collect();
        let readings = futures::stream::iter(places).map(|(versions, place)| async move {
            let accept = if place.0 == Kind::Secret { job::METADATA } else { job::JSON };
            let mut raw = Raw::default();
            let namespace = place.1.as_deref();
            let paged = job::paged(&place.0, namespace);
            let mut read = Ok(());
            for version in versions {
                let path = path::list_at(&place.0, version, namespace);
                read = job::read_list(fetcher, &place.0, &path, paged, "", accept, &mut raw).await;
                // Of a custom resource the group may serve a version that does not have it.
                if !matches!(read, Err(Failure::NotFound(_))) {
                    break;
                }
            }
            (place, raw.0, read)
        });
        let readings: Vec<_> = readings.buffered(self.request.limits.concurrency.max(1)).collect().await;
        for (place, objects, read) in readings {
            match read {
                Ok(()) => {
                    self.lists.insert(place, objects);
                }
                Err(failure) => {
                    self.failures.insert(place, failure);
                }
            }
        }
    }

    /// The versions to ask for a kind, in order; none of a custom resource that is not served.
    fn versions(&self, kind: &Kind) -> Vec<&'static str> {
        let Some(resource) = kind.custom() else { return vec![kind.api_version()] };
        if self.source.custom_resources.contains(kind) {
            return vec![resource.preferred()];
        }
        let mut state = ClusterState::default();
        for api in self.lists.get(&(Kind::ApiService, None)).into_iter().flatten() {
            // One that does not read tells nothing.
            let _ = state.add_json(&Kind::ApiService, &api.to_string());
        }
        served_versions(resource, &state)
    }

    /// The namespaces to capture: those asked for and the system's, else all that are known.
    fn namespaces(&self) -> Result<Vec<String>, AgentError> {
        let listed = self.lists.get(&(Kind::Namespace, None)).into_iter().flatten();
        let listed: Vec<String> = listed.map(|object| text(object, "/metadata/name")).collect();
        if self.request.namespaces.is_empty() {
            let mut names: BTreeSet<String> = self.source.known_namespaces.iter().cloned().collect();
            names.extend(listed);
            if names.is_empty() {
                names.insert(self.source.default_namespace.clone());
            }
            return Ok(names.into_iter().collect());
        }
        let missing =
            self.request.namespaces.iter().find(|name| !listed.is_empty() && !listed.contains(name));
        if let Some(name) = missing {
            let known: Vec<&str> = listed.iter().map(String::as_str).collect();
            return Err(AgentError::no_such_namespace(name, &known));
        }
        Ok(with_system(&self.request.namespaces))
    }

    /// Divides lists of the whole cluster: one for every namespace, empty ones too, because an
    /// empty list says that there is nothing.
    fn split(&mut self, names: &[String]) {
        let whole = |(kind, namespace): &&Place| kind.namespaced() && namespace.is_none();
        let whole: Vec<Place> = self.lists.keys().filter(whole).cloned().collect();
        for place in whole {
            let objects = self.lists.remove(&place).unwrap_or_default();
            let custom = place.0.custom().is_some();
            if custom && objects.is_empty() {
                self.lists.insert(place, objects);
                continue;
            }
            for name in names.iter().filter(|_| !custom) {
                self.lists.entry((place.0.clone(), Some(name.clone()))).or_default();
            }
            for object in objects {
                let namespace = text(&object, "/metadata/namespace");
                self.lists.entry((place.0.clone(), Some(namespace))).or_default().push(object);
            }
        }
    }

    async fn read_version(&self, files: &mut Files) {
        let Ok(body) = self.fetcher.get("/version", job::JSON).await else { return };
        let Ok(info) = serde_json::from_slice::<Value>(&body) else { return };
        let version = json!({"string": text(&info, "/gitVersion"), "info": info});
        files.insert("cluster-info/cluster_version.json".to_owned(), version.to_string().into_bytes());
    }

    /// Reads the logs of the chosen namespaces; gives how many, and which could not be read.
    async fn read_logs(&self, files: &mut Files) -> (usize, Vec<(String, String)>) {
        let mut state = ClusterState::default();
        for ((kind, _), objects) in &self.lists {
            if *kind == Kind::Pod || kind.is_workload() {
                for object in objects {
                    // One that does not read is in the snapshot, only its logs are not.
                    let _ = state.add_json(kind, &object.to_string());
                }
            }
        }
        state.finish();
        let keys = self.log_keys(&state);
        let limits = self.request.limits;
        let readings = futures::stream::iter(keys).map(|key| async move {
            let reading = job::log(self.fetcher, &key, &limits).await;
            (reading, key)
        });
        let readings: Vec<_> = readings.buffered(limits.concurrency.max(1)).collect().await;
        let (mut count, mut unread) = (0, Vec::new());
        for (reading, key) in readings {
            let Some(log) = reading.state.logs.get(&key.namespace, &key.pod, &key.container, key.previous)
            else {
                continue;
            };
            let (path, content) = log_file(&key, log);
            match &log.error {
                None => count += 1,
                Some(_) if matches!(reading.failure, Some(Failure::BadRequest(_) | Failure::NotFound(_))) => {
                }
                Some(why) => unread.push((path.clone(), why.clone())),
            }
            files.insert(path, content);
        }
        (count, unread)
    }

    fn log_keys(&self, state: &ClusterState) -> Vec<LogKey> {
        let mut containers = BTreeSet::new();
        let wants = wants::namespace_logs(state, &self.request.namespaces).into_iter();
        let keys = wants.filter_map(|want| if let Want::Logs(key) = want { Some(key) } else { None });
        let safe = |key: &LogKey| {
            [&key.namespace, &key.pod, &key.container].into_iter().all(|name| is_component(name))
        };
        keys.filter(safe)
            .filter(|key| {
                let container = (key.namespace.clone(), key.pod.clone(), key.container.clone());
                containers.contains(&container)
                    || (containers.len() < self.request.limits.log_containers && containers.insert(container))
            })
            .collect()
    }

    fn unread(&self) -> Vec<(String, String)> {
        // An API that the cluster does not serve hides nothing.
        let failures = self.failures.iter().filter(|(_, failure)| !matches!(failure, Failure::NotFound(_)));
        failures
            .map(|((kind, namespace), failure)| {
                let scope =
                    namespace.as_ref().map(|name| format!(" in namespace {name}")).unwrap_or_default();
                (format!("{}{scope}", kind.plural()), failure.why())
            })
            .collect()
    }

    fn add_lists(&self, files: &mut Files) {
        let safe = |namespace: &Option<String>| namespace.as_deref().is_none_or(is_component);
        for ((kind, namespace), objects) in self.lists.iter().filter(|((_, namespace), _)| safe(namespace)) {
            let list = json!({
                "kind": format!("{kind}List"), "apiVersion": kind.api_version(), "metadata": {}, "items": objects,
            });
            files.insert(list_path(kind, namespace.as_deref()), list.to_string().into_bytes());
        }
        let mut errors: BTreeMap<&Kind, Vec<(Option<&String>, String)>> = BTreeMap::new();
        for ((kind, namespace), failure) in &self.failures {
            if !matches!(failure, Failure::NotFound(_)) {
                errors.entry(kind).or_default().push((namespace.as_ref(), failure.why()));
            }
        }
        for (kind, errors) in errors {
            let by_namespace: Option<serde_json::Map<String, Value>> =
                errors.iter().map(|(name, why)| Some(((*name)?.clone(), why.as_str().into()))).collect();
            let body = match by_namespace {
                Some(map) => Value::Object(map),
                None => errors.iter().map(|(_, why)| Value::from(why.as_str())).collect(),
            };
            files.insert(
                format!("cluster-resources/{}-errors.json", place_of(kind)),
                body.to_string().into_bytes(),
            );
        }
    }
}

fn list_path(kind: &Kind, namespace: Option<&str>) -> String {
    match (kind, namespace) {
        (Kind::NodeMetrics, _) => "metrics/nodes.json".to_owned(),
        (Kind::PodMetrics, namespace) => format!("metrics/pods/{}.json", namespace.unwrap_or("default")),
        (kind, Some(namespace)) => format!("cluster-resources/{}/{namespace}.json", place_of(kind)),
        (kind, None) => format!("cluster-resources/{}.json", place_of(kind)),
    }
}

fn log_file(key: &LogKey, log: &Log) -> (String, Vec<u8>) {
    let previous = if key.previous { "-previous" } else { "" };
    let stem =
        format!("cluster-resources/pods/logs/{}/{}/{}{previous}", key.namespace, key.pod, key.container);
    match &log.error {
        Some(why) => (format!("{stem}-logs-errors.log"), redact::text(why).into_owned().into_bytes()),
        None => (format!("{stem}.log"), redact::text(&log.text).into_owned().into_bytes()),
    }
}

/// Whether a name may become part of a path; names of a snapshot may be anything.
fn is_component(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', '\0'])
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

//! One thing to read, and reading it: a list with all its pages, a log, a ConfigMap.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::fetch::{Failure, Fetcher, Limits};
use super::path;
use super::triage::{self, Row, STUCK, TABLE};
use crate::cluster::logs::{Log, LogKey};
use crate::cluster::{ClusterState, Kind};

pub(super) const JSON: &str = "application/json";
/// Metadata only; a server that cannot do it is refused rather than read in full.
pub(super) const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
/// Objects of one page, where a list is read in pages.
const PAGE: &str = "500";
/// Room for the longest page that is likely. The system gives memory for what is written only, and
/// takes it back at once from blocks this large (glibc: over 32 MiB), while the holes that growing
/// buffers leave among the objects would stay.
const ROOM: usize = 33 << 20;
/// How often a list may begin again after 410.
const RESTARTS: u32 = 2;

/// One thing to read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Job {
    /// The server's version.
    Version,
    /// A kind's list, of one namespace or of all.
    List { kind: Kind, namespace: Option<String>, version: &'static str },
    /// Warnings of the whole cluster, to find where to look.
    Warnings { namespace: Option<String> },
    /// A kind's table, of all namespaces.
    Table { kind: Kind },
    /// Pods that neither run nor have succeeded, of all namespaces.
    Stuck,
    /// The namespaces in which a kind has an object of this name.
    Places { kind: Kind, name: String },
    /// One container's log.
    Log(LogKey),
    /// One ConfigMap with its values.
    Config { namespace: String, name: String },
}

/// What reading one thing gave.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// The objects, logs or version.
    pub state: ClusterState,
    /// How many objects were decoded.
    pub objects: u64,
    /// Objects that are not of their kind's shape: name and why.
    pub unreadable: Vec<(String, String)>,
    /// The rows, where a table was asked for and answered.
    pub rows: Option<Vec<Row>>,
    /// Where the objects of a name are.
    pub places: Vec<String>,
    /// Why it is not complete.
    pub failure: Option<Failure>,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(default)]
    metadata: Option<PageMeta>,
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Default, Deserialize)]
struct PageMeta {
    #[serde(default, rename = "continue")]
    token: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    #[serde(default)]
    git_version: String,
}

#[derive(Default, Deserialize)]
struct NamedList {
    #[serde(default)]
    items: Vec<Named>,
}

#[derive(Default, Deserialize)]
struct Named {
    #[serde(default)]
    metadata: NamedMeta,
}

#[derive(Default, Deserialize)]
struct NamedMeta {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    namespace: Option<String>,
}

impl Job {
    /// The list of a kind, at the version that is preferred.
    pub(super) fn list(kind: Kind, namespace: Option<String>) -> Self {
        let version = kind.api_version();
        Self::List { kind, namespace, version }
    }

    /// Reads it. Never fails as a whole: what was got until a failure is kept.
    pub(super) async fn run(&self, fetcher: &Fetcher, limits: &Limits) -> Reading {
        match self {
            Self::Version => version(fetcher).await,
            Self::List { kind, namespace, version } => {
                list(fetcher, kind, version, namespace.as_deref(), "").await
            }
            Self::Warnings { namespace } => {
                let version = Kind::Event.api_version();
                list(fetcher, &Kind::Event, version, namespace.as_deref(), "type!=Normal").await
            }
            Self::Table { kind } => table(fetcher, kind).await,
            Self::Stuck => list(fetcher, &Kind::Pod, Kind::Pod.api_version(), None, STUCK).await,
            Self::Places { kind, name } => places(fetcher, kind, name).await,
            Self::Log(key) => log(fetcher, key, limits).await,
            Self::Config { namespace, name } => config(fetcher, namespace, name).await,
        }
    }
}

impl Reading {
    fn failed(failure: Failure) -> Self {
        Self { failure: Some(failure), ..Self::default() }
    }

    fn add(&mut self, kind: &Kind, json: &str) {
        match self.state.add_json(kind, json) {
            Ok(()) => self.objects += 1,
            Err(error) => {
                let meta = serde_json::from_str::<Named>(json).unwrap_or_default().metadata;
                let name = meta.name.unwrap_or_else(|| "without a name".to_owned());
                let name = match meta.namespace {
                    Some(namespace) => format!("{kind} {namespace}/{name}"),
                    None => format!("{kind} {name}"),
                };
                self.unreadable.push((name, format!("unreadable: {error}")));
            }
        }
    }
}

async fn version(fetcher: &Fetcher) -> Reading {
    match fetcher.get("/version", JSON).await {
        Ok(body) => {
            let mut reading = Reading::default();
            reading.state.server_version =
                serde_json::from_slice::<Version>(&body).unwrap_or_default().git_version;
            reading
        }
        Err(failure) => Reading::failed(failure),
    }
}

/// Reads a table. A server that answers with the list itself leaves no rows.
async fn table(fetcher: &Fetcher, kind: &Kind) -> Reading {
    let parameters = [("resourceVersion", "0"), ("includeObject", "None")];
    match fetcher.get(&path::with_query(&path::list(kind, None), &parameters), TABLE).await {
        Ok(body) => Reading { rows: triage::rows(kind, &body), ..Reading::default() },
        Err(failure) => Reading::failed(failure),
    }
}

async fn places(fetcher: &Fetcher, kind: &Kind, name: &str) -> Reading {
    let fields = format!("metadata.name={name}");
    let parameters = [("resourceVersion", "0"), ("fieldSelector", fields.as_str())];
    let body = fetcher.get(&path::with_query(&path::list(kind, None), &parameters), METADATA).await;
    match body.map(|body| serde_json::from_slice::<NamedList>(&body).unwrap_or_default()) {
        Ok(list) => {
            let places = list.items.into_iter().filter_map(|item| item.metadata.namespace);
            Reading { places: places.collect(), ..Reading::default() }
        }
        Err(failure) => Reading::failed(failure),
    }
}

/// Values of these are not read with their lists.
fn metadata_only(kind: &Kind) -> bool {
    matches!(kind, Kind::Secret | Kind::ConfigMap)
}

/// Lists too long to be answered from the watch cache in one piece. Events are not in it.
pub(super) fn paged(kind: &Kind, namespace: Option<&str>) -> bool {
    match kind {
        Kind::Event => true,
        Kind::Pod | Kind::ReplicaSet | Kind::EndpointSlice | Kind::ConfigMap | Kind::Secret | Kind::Job => {
            namespace.is_none()
        }
        // Nobody knows how many there are.
        kind => kind.custom().is_some(),
    }
}

async fn list(
    fetcher: &Fetcher,
    kind: &Kind,
    version: &str,
    namespace: Option<&str>,
    fields: &str,
) -> Reading {
    let accept = if metadata_only(kind) { METADATA } else { JSON };
    let mut reading = Reading::default();
    let path = path::list_at(kind, version, namespace);
    let read = read_list(fetcher, kind, &path, paged(kind, namespace), fields, accept, &mut reading).await;
    reading.failure = read.err();
    reading
}

/// Takes the objects of a list as they come.
pub(super) trait Sink {
    /// One object's JSON.
    fn item(&mut self, kind: &Kind, json: &str);
    /// The list begins again.
    fn restart(&mut self);
}

impl Sink for Reading {
    fn item(&mut self, kind: &Kind, json: &str) {
        self.add(kind, json);
    }

    fn restart(&mut self) {
        *self = Self::default();
    }
}

/// Reads a list with all its pages.
pub(super) async fn read_list(
    fetcher: &Fetcher,
    kind: &Kind,
    path: &str,
    in_pages: bool,
    fields: &str,
    accept: &str,
    sink: &mut impl Sink,
) -> Result<(), Failure> {
    let (version, limit) = if in_pages { ("", PAGE) } else { ("0", "") };
    let mut restarts = 0;
    let mut token = String::new();
    let mut body = Vec::with_capacity(ROOM);
    loop {
        // A continued list keeps the version it began with.
        let version = if token.is_empty() { version } else { "" };
        let parameters =
            [("resourceVersion", version), ("limit", limit), ("fieldSelector", fields), ("continue", &token)];
        match fetcher.get_into(&path::with_query(path, &parameters), accept, &mut body).await {
            Err(Failure::Expired) if restarts < RESTARTS => {
                restarts += 1;
                sink.restart();
                token.clear();
                continue;
            }
            answer => answer?,
        }
        match read_page(sink, kind, &body).map_err(Failure::Connection)? {
            Some(next) if next != token => token = next,
            // A server that repeats itself would keep us for ever.
            _ => return Ok(()),
        }
    }
}

/// Decodes one page; gives the token of the next.
fn read_page(sink: &mut impl Sink, kind: &Kind, body: &[u8]) -> Result<Option<String>, String> {
    let body = String::from_utf8_lossy(body);
    let page: Page<'_> = serde_json::from_str(&body)
        .map_err(|error| format!("the answer is no list of {}: {error}", kind.plural()))?;
    for item in page.items.unwrap_or_default() {
        sink.item(kind, item.get());
    }
    Ok(page.metadata.and_then(|metadata| metadata.token).filter(|token| !token.is_empty()))
}

async fn config(fetcher: &Fetcher, namespace: &str, name: &str) -> Reading {
    match fetcher.get(&path::object(&Kind::ConfigMap, namespace, name), JSON).await {
        Ok(body) => {
            let mut reading = Reading::default();
            reading.add(&Kind::ConfigMap, &String::from_utf8_lossy(&body));
            reading
        }
        Err(failure) => Reading::failed(failure),
    }
}

pub(super) async fn log(fetcher: &Fetcher, key: &LogKey, limits: &Limits) -> Reading {
    let path = format!("{}/log", path::object(&Kind::Pod, &key.namespace, &key.pod));
    let mut lines = limits.log_lines.max(1);
    let bytes = limits.log_bytes.max(1);
    loop {
        let (tail, limit) = (lines.to_string(), bytes.to_string());
        let parameters = [
            ("container", key.container.as_str()),
            ("previous", if key.previous { "true" } else { "" }),
            ("tailLines", &tail),
            ("limitBytes", &limit),
        ];
        let body = match fetcher.get(&path::with_query(&path, &parameters), "*/*").await {
            Ok(body) => body,
            Err(failure) => return unread(key, failure),
        };
        // The server cuts the newest lines when it meets the byte limit: ask for fewer lines.
        if body.len() >= bytes && lines > 50 {
            lines /= 8;
            continue;
        }
        return read_log(key, &body, lines);
    }
}

fn read_log(key: &LogKey, body: &[u8], lines: usize) -> Reading {
    let text = String::from_utf8_lossy(body).into_owned();
    if let Some(why) = not_a_log(&text) {
        return unread(key, Failure::Connection(why));
    }
    let truncated = text.lines().count() >= lines;
    let mut reading = Reading::default();
    reading.state.logs.insert(key.clone(), Log { text, truncated, error: None });
    reading
}

/// A kubelet reports some failures in the body of a 200.
fn not_a_log(text: &str) -> Option<String> {
    const MAX: usize = 2048;
    let line = text.trim_end();
    let reported = ["unable to retrieve container logs for ", "unable to retrieve container logs:"]
        .iter()
        .any(|start| line.starts_with(start))
        || (line.starts_with("failed to ") && line.contains("/var/log/pods/"));
    (reported && line.len() < MAX && !line.contains('\n')).then(|| line.to_owned())
}

fn unread(key: &LogKey, failure: Failure) -> Reading {
    let mut reading = Reading::default();
    let error = Some(failure.why());
    reading.state.logs.insert(key.clone(), Log { error, ..Log::default() });
    reading.failure = Some(failure);
    reading
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_object_costs_only_itself() {
        let mut reading = Reading::default();
        let body = br#"{"items":[{"metadata":{"name":"a","namespace":"shop"}},{"metadata":{"name":"b","namespace":"shop"},"spec":{"containers":7}},null]}"#;
        let next = read_page(&mut reading, &Kind::Pod, body).expect("a list");
        assert_eq!(next, None);
        assert_eq!(reading.state.pods.len(), 1);
        assert_eq!(reading.unreadable.len(), 2);
        assert_eq!(reading.unreadable[0].0, "Pod shop/b");
    }

    #[test]
    fn a_failure_in_a_body_is_no_log() {
        assert!(not_a_log("unable to retrieve container logs for containerd://a1c8").is_some());
        assert!(not_a_log("unable to retrieve container logs for x\nsecond line").is_none());
        assert!(not_a_log("failed to connect to db").is_none());
    }
}

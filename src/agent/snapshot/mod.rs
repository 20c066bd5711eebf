//! A snapshot of a cluster: read fully into memory, indexed on demand, served like an API server.
//!
//! Snapshots come from strangers: whatever the bytes, opening one ends in a [`Snapshot`] or in
//! one [`SnapshotError`]. This module decides nothing about the cluster; it only answers.

mod archive;
mod clock;
pub(crate) mod layout;
mod list;
mod log;
mod respond;
mod select;
mod service;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;

use crate::cluster::Kind;
use crate::cluster::logs::LogKey;
use crate::cluster::telemetry::{Alert, RangeAnswer, Series};

pub use archive::Bounds;
use archive::{Content, Files};
use layout::Role;
use list::ListFile;
pub use respond::Answer;
pub(crate) use respond::group;
pub use service::SnapshotService;

/// Why a snapshot cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The file or directory cannot be read.
    #[error("cannot read snapshot {}", path.display())]
    Io {
        /// What was read.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The archive is damaged.
    #[error(
        "cannot read snapshot {}: the archive is damaged or no tar; try to unpack it and give the directory",
        path.display()
    )]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        source: std::io::Error,
    },
    /// It is something else.
    #[error(
        "{} is no snapshot: found {found}, expected a directory, .tar or .tar.gz with `cluster-resources/<kind>.json`",
        path.display()
    )]
    NotASnapshot {
        /// What was opened.
        path: PathBuf,
        /// What it is.
        found: String,
    },
    /// An entry that could lead out of the snapshot.
    #[error("refused snapshot {}: entry `{entry}`: {why}", path.display())]
    Refused {
        /// The snapshot.
        path: PathBuf,
        /// The entry's path, escaped.
        entry: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// It is larger than allowed.
    #[error("refused snapshot {}: it has {what}", path.display())]
    Bound {
        /// The snapshot.
        path: PathBuf,
        /// The bound it passes.
        what: String,
    },
}

impl SnapshotError {
    fn bound(path: &Path, what: String) -> Self {
        Self::Bound { path: path.to_owned(), what }
    }

    fn refused(path: &Path, entry: &str, why: &'static str) -> Self {
        let entry = entry.escape_debug().take(200).collect();
        Self::Refused { path: path.to_owned(), entry, why }
    }
}

/// One log of a snapshot.
#[derive(Debug)]
enum LogFile {
    Text(Vec<u8>),
    /// Larger than a file may be.
    TooBig(u64),
}

/// A snapshot in memory.
#[derive(Debug, Default)]
pub struct Snapshot {
    lists: BTreeMap<Kind, Vec<ListFile>>,
    /// Why lists could not be read, by kind and namespace (none: the whole kind).
    failures: BTreeMap<(Kind, Option<String>), String>,
    logs: BTreeMap<LogKey, LogFile>,
    log_errors: BTreeMap<LogKey, String>,
    /// Every namespace that the snapshot knows of.
    namespaces: BTreeSet<String>,
    /// The namespaces that make up the whole cluster, as far as the snapshot tells.
    expected: BTreeSet<String>,
    captured_at: Option<Timestamp>,
    server_version: Option<serde_json::Value>,
    alerts: Vec<Alert>,
    series: Vec<Series>,
    /// Files that are there and cannot be read: path and why.
    unreadable: Vec<(String, String)>,
}

impl Snapshot {
    /// Opens a directory, tar or gzipped tar.
    ///
    /// # Errors
    /// Where it is none of these, leads out of itself, passes a bound, or holds no list at all.
    pub fn open(path: &Path, bounds: &Bounds) -> Result<Self, SnapshotError> {
        Self::from_files(archive::read(path, bounds)?, path)
    }

    /// Opens an archive held in memory; `name` is only for messages.
    ///
    /// # Errors
    /// See [`Self::open`].
    pub fn from_bytes(bytes: &[u8], name: &Path, bounds: &Bounds) -> Result<Self, SnapshotError> {
        Self::from_files(archive::read_archive(bytes, name, bounds)?, name)
    }

    fn from_files(files: Files, path: &Path) -> Result<Self, SnapshotError> {
        let not_one = |found: String| SnapshotError::NotASnapshot { path: path.to_owned(), found };
        let root = match layout::roots(&files).as_slice() {
            [] if files.is_empty() => return Err(not_one("no files".to_owned())),
            [] => return Err(not_one(format!("{} files but no `cluster-resources`", files.len()))),
            [root] => root.clone(),
            roots => return Err(not_one(format!("{} snapshots in one", roots.len()))),
        };
        let mut snapshot = Self::default();
        for (path, content) in files {
            if let Some(path) = path.strip_prefix(&root)
                && let Some(role) = layout::role(path)
            {
                snapshot.add(path, role, content);
            }
        }
        if snapshot.lists.is_empty() && snapshot.failures.is_empty() {
            return Err(not_one("no list in `cluster-resources`".to_owned()));
        }
        snapshot.learn_namespaces();
        if snapshot.captured_at.is_none() {
            snapshot.captured_at = clock::newest(&snapshot);
        }
        Ok(snapshot)
    }

    fn add(&mut self, path: &str, role: Role, content: Content) {
        let bytes = match (content, &role) {
            (Content::Bytes(bytes), _) => bytes,
            (Content::TooBig(size), Role::Log(key)) => {
                self.logs.insert(key.clone(), LogFile::TooBig(size));
                return;
            }
            (Content::TooBig(size), role) => {
                let why = format!("the file is too large: {} MiB", size >> 20);
                if let Role::List(kind, namespace) = role {
                    let list = ListFile::unreadable(namespace.clone(), why.clone());
                    self.lists.entry(kind.clone()).or_default().push(list);
                }
                self.unreadable.push((path.to_owned(), why));
                return;
            }
        };
        match role {
            Role::List(kind, namespace) => {
                let list = match list_text(path, text(bytes)) {
                    Ok(text) => ListFile::new(namespace, text),
                    Err(why) => ListFile::unreadable(namespace, why),
                };
                self.lists.entry(kind).or_default().push(list);
            }
            Role::ListErrors(kind, namespace) => self.add_failures(&kind, namespace, &text(bytes)),
            Role::Log(key) => {
                self.logs.insert(key, LogFile::Text(bytes));
            }
            Role::LogError(key) => {
                self.log_errors.insert(key, text(bytes).trim().to_owned());
            }
            Role::Version => match captured_at(&text(bytes)) {
                Ok(time) => self.captured_at = time,
                Err(why) => self.unreadable.push((path.to_owned(), why)),
            },
            Role::ServerVersion => self.server_version = self.parsed(path, &bytes),
            Role::Alerts => self.alerts = self.parsed_list(path, &bytes),
            Role::Range => {
                self.series = self.parsed::<RangeAnswer>(path, &bytes).unwrap_or_default().data.result.into();
            }
        }
    }

    fn parsed<T: for<'de> Deserialize<'de>>(&mut self, path: &str, bytes: &[u8]) -> Option<T> {
        serde_json::from_slice(bytes)
            .map_err(|error| self.unreadable.push((path.to_owned(), error.to_string())))
            .ok()
    }

    /// Alerts stand as a bare array, or under `data` as older versions of the API have it.
    fn parsed_list(&mut self, path: &str, bytes: &[u8]) -> Vec<Alert> {
        let values = match self.parsed::<serde_json::Value>(path, bytes) {
            Some(serde_json::Value::Array(values)) => values,
            Some(serde_json::Value::Object(mut object)) => match object.remove("data") {
                Some(serde_json::Value::Array(values)) => values,
                Some(serde_json::Value::Object(mut data)) => match data.remove("alerts") {
                    Some(serde_json::Value::Array(values)) => values,
                    _ => Vec::new(),
                },
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        values.into_iter().filter_map(|value| serde_json::from_value(value).ok()).collect()
    }

    /// Errors are an array of messages, or messages by namespace.
    fn add_failures(&mut self, kind: &Kind, namespace: Option<String>, text: &str) {
        let mut note = |namespace: Option<String>, why: &str| {
            self.failures.entry((kind.clone(), namespace)).or_insert_with(|| why.to_owned());
        };
        match serde_json::from_str(text) {
            Ok(serde_json::Value::Object(by_namespace)) if kind.namespaced() && namespace.is_none() => {
                for (namespace, why) in &by_namespace {
                    note(Some(namespace.clone()), &message(why));
                }
            }
            Ok(serde_json::Value::Array(messages)) => {
                for why in messages.iter().map(message) {
                    let named =
                        why.split_once("in the namespace \"").and_then(|(_, rest)| rest.split_once('"'));
                    note(namespace.clone().or(named.map(|(name, _)| name.to_owned())), &why);
                }
            }
            Ok(serde_json::Value::Null) => {}
            Ok(other) => note(namespace, &message(&other)),
            Err(_) if text.trim().is_empty() => {}
            Err(_) => note(namespace, text.trim()),
        }
    }

    fn learn_namespaces(&mut self) {
        let mut known = BTreeSet::new();
        let mut listed = BTreeSet::new();
        for (kind, lists) in &self.lists {
            for list in lists {
                known.extend(list.namespace.clone());
                if *kind == Kind::Namespace {
                    listed.extend(list.items().unwrap_or_default().iter().map(|item| item.name.clone()));
                } else if list.namespace.is_none() && kind.namespaced() {
                    known.extend(list.items().unwrap_or_default().iter().map(|item| item.namespace.clone()));
                }
            }
        }
        known.extend(self.failures.keys().filter_map(|(_, namespace)| namespace.clone()));
        known.extend(self.logs.keys().map(|key| key.namespace.clone()));
        known.extend(listed.iter().cloned());
        known.remove("");
        // Some tools write the leases of nodes and nothing else of their namespace, nor itself.
        self.expected = if listed.is_empty() { known.clone() } else { listed };
        self.namespaces = known;
    }

    /// Every namespace that the snapshot mentions, in order.
    pub fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.namespaces.iter().map(String::as_str)
    }

    /// The kinds of custom resources that it holds.
    pub fn custom_resources(&self) -> impl Iterator<Item = &Kind> {
        self.lists.keys().filter(|kind| kind.custom().is_some())
    }

    /// When it was captured; none where nothing in it carries a time.
    pub fn captured_at(&self) -> Option<Timestamp> {
        self.captured_at
    }

    /// Alerts, which no Kubernetes path serves.
    pub fn alerts(&self) -> &[Alert] {
        &self.alerts
    }

    /// Range metrics, which no Kubernetes path serves.
    pub fn series(&self) -> &[Series] {
        &self.series
    }

    /// Files that are there and cannot be read: path and why.
    pub fn unreadable(&self) -> &[(String, String)] {
        &self.unreadable
    }

    /// The API server's version, such as `v1.36.2`; empty where the snapshot does not say.
    pub fn server_version(&self) -> &str {
        let version = self.server_version.as_ref();
        let at =
            |path: &str| version.and_then(|version| version.pointer(path)).and_then(|text| text.as_str());
        at("/info/gitVersion").or(at("/gitVersion")).or(at("/string")).unwrap_or_default()
    }
}

/// Text of a file; what is not UTF-8 is replaced.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// A list as JSON; YAML is converted, within a size that its parser's cost allows.
fn list_text(path: &str, text: String) -> Result<String, String> {
    const MAX_YAML: usize = 32 << 20;
    if path.ends_with(".json") {
        return Ok(text);
    }
    if text.len() > MAX_YAML {
        return Err(format!("the YAML file is larger than {} MiB", MAX_YAML >> 20));
    }
    let value: serde_json::Value = serde_yaml::from_str(&text).map_err(|error| error.to_string())?;
    Ok(value.to_string())
}

fn message(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// `spec.capturedAt` of `version.yaml`.
fn captured_at(yaml: &str) -> Result<Option<Timestamp>, String> {
    #[derive(Default, Deserialize)]
    struct Version {
        #[serde(default)]
        spec: Option<VersionSpec>,
    }
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct VersionSpec {
        #[serde(default)]
        captured_at: Option<String>,
    }
    let version: Option<Version> = serde_yaml::from_str(yaml).map_err(|error| error.to_string())?;
    let Some(text) = version.and_then(|version| version.spec).and_then(|spec| spec.captured_at) else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|error: jiff::Error| format!("spec.capturedAt: {error}"))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;

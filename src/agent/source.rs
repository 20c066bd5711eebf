//! What is read: a live cluster or a snapshot, behind one client.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use kube::Client;

use super::error::AgentError;
use super::snapshot::{Bounds, Snapshot, SnapshotService};
use crate::cluster::Kind;
use crate::cluster::telemetry::{Alert, Series};

/// Which of the two it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// An API server.
    Cluster,
    /// A snapshot in memory.
    Snapshot,
}

/// A client, and what no API path tells.
#[derive(Clone)]
pub struct Source {
    /// Answers Kubernetes API requests.
    pub client: Client,
    /// A cluster or a snapshot.
    pub kind: SourceKind,
    /// The kubeconfig context, or the snapshot's file name.
    pub context: String,
    /// The API server's URL, or the snapshot's path; for messages.
    pub address: String,
    /// The context's namespace: the scope where namespaces cannot be listed.
    pub default_namespace: String,
    /// Namespaces that are known without a list of them.
    pub known_namespaces: Vec<String>,
    /// The capture time, where the source knows it better than a `Date` header.
    pub captured_at: Option<Timestamp>,
    /// The server's version, where the source knows it without asking.
    pub server_version: String,
    /// Alerts (snapshots only).
    pub alerts: Vec<Alert>,
    /// Range metrics (snapshots only).
    pub series: Vec<Series>,
    /// Custom resources that a snapshot holds, whatever its APIServices say.
    pub custom_resources: Vec<Kind>,
    /// Files of a snapshot that cannot be read: path and why.
    pub unreadable: Vec<(String, String)>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source")
            .field("kind", &self.kind)
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

impl Source {
    /// Opens a snapshot: a directory, tar or gzipped tar. Call within a tokio runtime.
    ///
    /// # Errors
    /// Where it cannot be opened; see [`Snapshot::open`].
    pub fn snapshot(path: &Path) -> Result<Self, AgentError> {
        let snapshot = Snapshot::open(path, &Bounds::default())?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Ok(Self::of_snapshot(Arc::new(snapshot), name, path.display().to_string()))
    }

    /// Reads from a snapshot that is open already. Call within a tokio runtime.
    pub fn of_snapshot(snapshot: Arc<Snapshot>, context: String, address: String) -> Self {
        let client = Client::new(SnapshotService::new(Arc::clone(&snapshot)), "default");
        Self {
            client,
            kind: SourceKind::Snapshot,
            context,
            address,
            default_namespace: "default".to_owned(),
            known_namespaces: snapshot.namespaces().map(str::to_owned).collect(),
            captured_at: snapshot.captured_at(),
            server_version: snapshot.server_version().to_owned(),
            alerts: snapshot.alerts().to_vec(),
            series: snapshot.series().to_vec(),
            custom_resources: snapshot.custom_resources().cloned().collect(),
            unreadable: snapshot.unreadable().to_vec(),
        }
    }

    /// Reads from an API server through a client.
    pub fn cluster(client: Client, context: String, address: String) -> Self {
        Self {
            default_namespace: client.default_namespace().to_owned(),
            client,
            kind: SourceKind::Cluster,
            context,
            address,
            known_namespaces: Vec::new(),
            captured_at: None,
            server_version: String::new(),
            alerts: Vec::new(),
            series: Vec::new(),
            custom_resources: Vec::new(),
            unreadable: Vec::new(),
        }
    }

    /// Whether this is a snapshot.
    pub fn is_snapshot(&self) -> bool {
        self.kind == SourceKind::Snapshot
    }
}

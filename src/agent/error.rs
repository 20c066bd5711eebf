//! Why an agent cannot work at all. Partial failures are blind spots, not errors.

use super::snapshot::SnapshotError;

/// An agent that cannot start or has read nothing.
///
/// Displayed as one line: what failed, on what, and what to try.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// The snapshot cannot be opened.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// There is no kubeconfig and no service account.
    #[error("found no cluster: {tried}; give --kubeconfig, set KUBECONFIG, or use --bundle with a snapshot")]
    NoKubeconfig {
        /// Where was looked.
        tried: String,
    },
    /// A kubeconfig cannot be used.
    #[error("cannot use kubeconfig {path}; check it with `kubectl config view`")]
    Kubeconfig {
        /// The file or files.
        path: String,
        /// What is wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No context is current.
    #[error("the kubeconfig has no current context; choose one with --context: {known}")]
    NoContext {
        /// Those that exist.
        known: String,
    },
    /// The context does not exist.
    #[error("the kubeconfig has no context `{name}`; choose one with --context: {known}")]
    UnknownContext {
        /// The context asked for.
        name: String,
        /// Those that exist.
        known: String,
    },
    /// Nothing listens, or it does not answer.
    #[error("cannot reach the API server {server}: {what}; {hint}")]
    Unreachable {
        /// The server's URL.
        server: String,
        /// The failure in a few words.
        what: String,
        /// What to try.
        hint: &'static str,
    },
    /// The credentials are not accepted.
    #[error(
        "the API server {server} does not accept the credentials of context `{context}`: {what}; log in again"
    )]
    Unauthorized {
        /// The server's URL.
        server: String,
        /// The kubeconfig context.
        context: String,
        /// What it said.
        what: String,
    },
    /// A namespace asked for does not exist.
    #[error("namespace `{name}` does not exist; {hint}")]
    NoSuchNamespace {
        /// The namespace.
        name: String,
        /// The nearest names, or where to look.
        hint: String,
    },
    /// Nothing could be read.
    #[error("nothing could be read from {from}: {why}; try `sre-orch doctor`")]
    NothingReadable {
        /// The cluster or snapshot.
        from: String,
        /// The first reason.
        why: String,
    },
    /// A snapshot cannot be written.
    #[error("cannot write snapshot {path}")]
    Write {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

impl AgentError {
    /// Names the namespaces that are most like the one that does not exist.
    pub(super) fn no_such_namespace(name: &str, known: &[&str]) -> Self {
        let mut ranked: Vec<(f64, &str)> =
            known.iter().map(|known| (strsim::jaro_winkler(name, known), *known)).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        let hint = match ranked.iter().take(3).map(|(_, name)| *name).collect::<Vec<_>>().as_slice() {
            [] => "there are none".to_owned(),
            names => format!("the nearest are {}", names.join(", ")),
        };
        Self::NoSuchNamespace { name: name.to_owned(), hint }
    }
}

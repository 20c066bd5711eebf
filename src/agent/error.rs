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

//! Says why nothing could be read, and what to try.

use super::error::AgentError;
use super::fetch::Failure;
use super::source::Source;

/// Words of an error that tell what to try.
const HINTS: &[(&[&str], &str, &str)] = &[
    (
        &["connection refused"],
        "connection refused",
        "is the cluster running and the context right? see `kubectl config current-context`",
    ),
    (
        &["failed to lookup", "dns error", "name or service not known", "no such host"],
        "its name does not resolve",
        "check the server in the kubeconfig, the VPN and DNS",
    ),
    (
        &["certificate", "tls", "handshake", "unknownissuer"],
        "TLS failed",
        "check certificate-authority-data and the server's name in the kubeconfig",
    ),
    (
        &["auth exec", "exec plugin", "exec-plugin", "failed to execute command", "auth error", "oidc"],
        "the credential plugin failed",
        "run the plugin by hand, or log in again",
    ),
    (
        &["in time", "timed out", "timeout", "deadline", "not reached within"],
        "it does not answer in time",
        "check VPN, proxy and firewall, or raise --timeout",
    ),
    (
        &["network is unreachable", "no route to host"],
        "there is no route to it",
        "check VPN, proxy and firewall",
    ),
];

/// The error for a source of which nothing could be read.
pub(super) fn error(source: &Source, failure: Option<&Failure>) -> AgentError {
    let server = source.address.clone();
    match failure {
        Some(Failure::Unauthorized(what)) => {
            AgentError::Unauthorized { server, context: source.context.clone(), what: what.clone() }
        }
        Some(Failure::Connection(what) | Failure::Bound(what)) if !source.is_snapshot() => {
            let lower = what.to_ascii_lowercase();
            let known = HINTS.iter().find(|(words, ..)| words.iter().any(|word| lower.contains(word)));
            let (said, hint) = known
                .map_or(("", "check the server with `kubectl version`"), |(_, said, hint)| (*said, *hint));
            let what = if said.is_empty() { what.clone() } else { format!("{said} ({what})") };
            AgentError::Unreachable { server, what, hint }
        }
        failure => AgentError::NothingReadable {
            from: server,
            why: failure.map_or_else(|| "no list answered".to_owned(), Failure::why),
        },
    }
}

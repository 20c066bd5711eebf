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
    match failure {
        Some(failure) if !source.is_snapshot() => cluster(&source.address, &source.context, failure),
        failure => AgentError::NothingReadable {
            from: source.address.clone(),
            why: failure.map_or_else(|| "no list answered".to_owned(), Failure::why),
        },
    }
}

/// The error for a cluster that did not let us in.
pub(super) fn cluster(address: &str, context: &str, failure: &Failure) -> AgentError {
    let server = address.to_owned();
    match failure {
        Failure::Unauthorized(what) => {
            AgentError::Unauthorized { server, context: context.to_owned(), what: what.clone() }
        }
        Failure::Connection(what) | Failure::Unreached(what) => {
            let lower = what.to_ascii_lowercase();
            let known = HINTS.iter().find(|(words, ..)| words.iter().any(|word| lower.contains(word)));
            let (what, hint) = match known {
                Some((_, said, hint)) => (format!("{said} ({what})"), *hint),
                None => (what.clone(), "check the server with `kubectl version`"),
            };
            AgentError::Unreachable { server, what, hint }
        }
        failure => AgentError::NothingReadable { from: server, why: failure.why() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_apart() {
        let hint = |what: &str| match cluster("https://c", "blue", &Failure::Connection(what.to_owned())) {
            AgentError::Unreachable { what, .. } => what,
            other => other.to_string(),
        };
        assert!(
            hint("tcp connect error: Connection refused (os error 111)").starts_with("connection refused")
        );
        assert!(hint("invalid peer certificate: UnknownIssuer").starts_with("TLS failed"));
        assert!(hint("dns error: failed to lookup address").starts_with("its name"));
        assert!(hint("something else").starts_with("something else"));
    }
}

//! What the user may read: `doctor`'s question to the API server.
//!
//! The one POST that sre-orch sends: a SelfSubjectRulesReview, which changes nothing.

use http::{Method, Request};
use serde::Deserialize;
use serde_json::json;

use super::fetch::{Failure, Limits, chain};
use super::{AgentError, Source, rbac, unreachable};
use crate::cluster::types::null_as_default;
use crate::report::model::RbacRule;

/// What the API server says.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The server's version.
    pub server_version: String,
    /// What may be read, by namespace.
    pub permissions: Vec<Permission>,
}

/// What may be read in one namespace.
#[derive(Clone, Debug, Default)]
pub struct Permission {
    /// `namespace shop`.
    pub place: String,
    /// `verb resource.group` of what sre-orch reads and the user may not.
    pub missing: Vec<String>,
}

#[derive(Deserialize)]
struct Review {
    #[serde(default, deserialize_with = "null_as_default")]
    status: ReviewStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReviewStatus {
    #[serde(default, deserialize_with = "null_as_default")]
    resource_rules: Vec<ReviewRule>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReviewRule {
    #[serde(default, deserialize_with = "null_as_default")]
    verbs: Vec<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    api_groups: Vec<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    resources: Vec<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    resource_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    #[serde(default, deserialize_with = "null_as_default")]
    git_version: String,
}

/// Asks for the version and, of a cluster, for the permissions in these namespaces (empty: the
/// context's own).
///
/// # Errors
/// Where the server does not answer within the timeout, or refuses the user.
pub async fn check(source: &Source, namespaces: &[String], limits: Limits) -> Result<Access, AgentError> {
    if source.is_snapshot() {
        return Ok(Access { server_version: source.server_version.clone(), permissions: Vec::new() });
    }
    let own = [source.default_namespace.clone()];
    let namespaces = if namespaces.is_empty() { own.as_slice() } else { namespaces };
    let version: Version = send(source, Method::GET, "/version", Vec::new(), limits).await?;
    let mut permissions = Vec::new();
    for namespace in namespaces {
        let body = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace},
        });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
        let review: Review = send(source, Method::POST, path, body.to_string().into_bytes(), limits).await?;
        permissions.push(Permission {
            place: format!("namespace {namespace}"),
            missing: missing(&review.status.resource_rules),
        });
    }
    Ok(Access { server_version: version.git_version, permissions })
}

async fn send<T: serde::de::DeserializeOwned>(
    source: &Source,
    method: Method,
    path: &str,
    body: Vec<u8>,
    limits: Limits,
) -> Result<T, AgentError> {
    let failed = |failure: Failure| unreachable::error(source, Some(&failure));
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(body)
        .map_err(|error| failed(Failure::Connection(error.to_string())))?;
    match tokio::time::timeout(limits.timeout, source.client.request::<T>(request)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(kube::Error::Api(status))) if status.code == 401 => {
            Err(failed(Failure::Unauthorized(status.message.clone())))
        }
        Ok(Err(error)) => Err(failed(Failure::Connection(chain(&error)))),
        Err(_) => Err(failed(Failure::Connection("no answer in time".to_owned()))),
    }
}

/// What the rules do not allow of what the agent reads.
fn missing(rules: &[ReviewRule]) -> Vec<String> {
    let has = |list: &[String], wanted: &str| list.iter().any(|one| one == "*" || one == wanted);
    let allows = |verb: &str, group: &str, resource: &str| {
        rules.iter().any(|rule| {
            rule.resource_names.is_empty()
                && has(&rule.verbs, verb)
                && has(&rule.api_groups, group)
                && has(&rule.resources, resource)
        })
    };
    let mut missing = Vec::new();
    for RbacRule { api_groups, resources, verbs, .. } in rbac::rules() {
        for (group, resource) in
            api_groups.iter().flat_map(|group| resources.iter().map(move |one| (group, one)))
        {
            let verb = if verbs.iter().any(|verb| verb == "list") { "list" } else { "get" };
            if !allows(verb, group, resource) {
                let suffix = if group.is_empty() { String::new() } else { format!(".{group}") };
                missing.push(format!("{verb} {resource}{suffix}"));
            }
        }
    }
    missing.sort();
    missing.dedup();
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(verbs: &[&str], groups: &[&str], resources: &[&str]) -> ReviewRule {
        let owned = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect();
        ReviewRule {
            verbs: owned(verbs),
            api_groups: owned(groups),
            resources: owned(resources),
            resource_names: Vec::new(),
        }
    }

    #[test]
    fn a_wildcard_allows_everything() {
        assert!(missing(&[rule(&["*"], &["*"], &["*"])]).is_empty());
    }

    #[test]
    fn what_is_not_allowed_is_named_with_its_group() {
        let missing = missing(&[rule(&["get", "list"], &[""], &["pods", "events", "pods/log"])]);
        assert!(missing.contains(&"list deployments.apps".to_owned()));
        assert!(!missing.contains(&"list pods".to_owned()));
        assert!(!missing.contains(&"get pods/log".to_owned()));
    }
}

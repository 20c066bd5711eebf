//! API paths and queries of kinds.

use std::fmt::Write as _;

use crate::cluster::Kind;

/// The path of a kind's list, in one namespace or over all.
pub(super) fn list(kind: &Kind, namespace: Option<&str>) -> String {
    list_at(kind, kind.api_version(), namespace)
}

/// As [`list`], at this `group/version`.
pub(super) fn list_at(kind: &Kind, version: &str, namespace: Option<&str>) -> String {
    let root = if version.contains('/') { "/apis/" } else { "/api/" };
    match namespace.filter(|_| kind.namespaced()) {
        Some(namespace) => format!("{root}{version}/namespaces/{}/{}", encode(namespace), kind.plural()),
        None => format!("{root}{version}/{}", kind.plural()),
    }
}

/// The path of one object.
pub(super) fn object(kind: &Kind, namespace: &str, name: &str) -> String {
    format!("{}/{}", list(kind, (!namespace.is_empty()).then_some(namespace)), encode(name))
}

/// Adds a query to a path; empty values are left out.
pub(super) fn with_query(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut uri = path.to_owned();
    let mut separator = '?';
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
        // Writing to a String cannot fail.
        let _ = write!(uri, "{separator}{name}={}", encode(value));
        separator = '&';
    }
    uri
}

/// Percent-encodes all but what is unreserved in a URI.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_follow_group_and_scope() {
        assert_eq!(list(&Kind::Pod, Some("shop")), "/api/v1/namespaces/shop/pods");
        assert_eq!(list(&Kind::Deployment, None), "/apis/apps/v1/deployments");
        assert_eq!(list(&Kind::Node, Some("ignored")), "/api/v1/nodes");
        assert_eq!(object(&Kind::ConfigMap, "shop", "a b"), "/api/v1/namespaces/shop/configmaps/a%20b");
    }

    #[test]
    fn hostile_names_stay_one_component() {
        assert_eq!(object(&Kind::Pod, "shop", "../x?y"), "/api/v1/namespaces/shop/pods/..%2Fx%3Fy");
        assert_eq!(with_query("/p", &[("a", "type!=Normal"), ("b", "")]), "/p?a=type%21%3DNormal");
    }
}

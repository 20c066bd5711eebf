//! Finds route tables in configuration text: YAML or JSON lists and maps of routes, and nginx.
//!
//! Knows no gateway's schema: a route is an element, among siblings of its shape, with one target
//! and something that names a path or an id.

use std::sync::LazyLock;

use regex::Regex;
use serde_yaml::Value;

/// One route as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// Id, path or match: what the route is called.
    pub(super) labels: Vec<String>,
    /// The host that it leads to.
    pub(super) host: String,
    /// The route in one line, for evidence.
    pub(super) text: String,
}

/// Elements of one table that are looked at.
const MOST: usize = 2000;
/// Depth of a document that is looked at.
const DEEPEST: usize = 24;

const TARGET_KEYS: [&str; 16] = [
    "uri",
    "url",
    "target",
    "service",
    "servicename",
    "upstream",
    "upstreamurl",
    "backend",
    "backendref",
    "host",
    "hostname",
    "cluster",
    "destination",
    "proxypass",
    "address",
    "to",
];
const LABEL_KEYS: [&str; 14] = [
    "id",
    "name",
    "path",
    "paths",
    "predicates",
    "prefix",
    "match",
    "rule",
    "route",
    "location",
    "from",
    "pattern",
    "matches",
    "context",
];

#[expect(clippy::unwrap_used, reason = "constant patterns, compiled by a test")]
static LOCATION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"location\s+(?:[=~^*]+\s*)?([^\s{]{1,200})\s*\{[^{}]{0,4000}?(?:proxy|grpc|fastcgi|uwsgi)_pass\s+(?:[a-z]+://)?([A-Za-z0-9._-]{1,253})")
        .unwrap()
});
#[expect(clippy::unwrap_used, reason = "constant patterns, compiled by a test")]
static UPSTREAM: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"upstream\s+([A-Za-z0-9._-]{1,253})\s*\{[^{}]{0,2000}?server\s+([A-Za-z0-9._-]{1,253})")
        .unwrap()
});
#[expect(clippy::unwrap_used, reason = "constant patterns, compiled by a test")]
static PLACEHOLDER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\$\{[^{}:]{0,200}:-?([^{}]{0,200})\}").unwrap());

/// Every route that a text states.
pub(super) fn routes(text: &str) -> Vec<Route> {
    if text.contains("proxy_pass") || text.contains("grpc_pass") {
        return nginx(text);
    }
    // Cheap: a table names at least a path or a scheme.
    if !text.contains('/') {
        return Vec::new();
    }
    let mut found = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text).take(8) {
        let Ok(value) = <Value as serde::Deserialize>::deserialize(document) else { break };
        walk(&value, 0, &mut found);
    }
    found
}

fn nginx(text: &str) -> Vec<Route> {
    let upstream = |name: &str| {
        UPSTREAM
            .captures_iter(text)
            .find(|captures| captures.get(1).is_some_and(|own| own.as_str() == name))
            .and_then(|captures| captures.get(2))
            .map(|server| server.as_str().to_owned())
    };
    LOCATION
        .captures_iter(text)
        .take(MOST)
        .filter_map(|captures| {
            let (path, host) = (captures.get(1)?.as_str(), captures.get(2)?.as_str());
            let target = upstream(host).unwrap_or_else(|| host.to_owned());
            Some(Route {
                labels: vec![path.to_owned()],
                text: format!("location {path} → {host}"),
                host: target,
            })
        })
        .collect()
}

fn walk(value: &Value, depth: usize, found: &mut Vec<Route>) {
    if depth > DEEPEST || found.len() >= MOST {
        return;
    }
    match value {
        Value::Sequence(items) => {
            for item in items {
                match route(None, item) {
                    Some(route) => found.push(route),
                    None => walk(item, depth + 1, found),
                }
            }
        }
        Value::Mapping(map) => {
            for (key, item) in map {
                match (key.as_str(), item) {
                    // `routers: {orders: {rule: …, service: …}}`
                    (Some(name), Value::Mapping(_)) => match route(Some(name), item) {
                        Some(route) => found.push(route),
                        None => walk(item, depth + 1, found),
                    },
                    // `/orders: http://orders`
                    (Some(path), Value::String(target)) if path.starts_with('/') => {
                        if let Some(host) = host_of(target) {
                            found.push(Route {
                                labels: vec![path.to_owned()],
                                text: format!("{path} → {target}"),
                                host,
                            });
                        }
                    }
                    _ => walk(item, depth + 1, found),
                }
            }
        }
        _ => {}
    }
}

/// A mapping with exactly one target and at least one label, itself or one level deeper.
fn route(name: Option<&str>, value: &Value) -> Option<Route> {
    let Value::Mapping(map) = value else { return None };
    let mut labels: Vec<String> = name.map(str::to_owned).into_iter().collect();
    let mut targets: Vec<&str> = Vec::new();
    let mut stated_label = false;
    for (key, item) in map {
        let Some(key) = key.as_str() else { continue };
        let key: String =
            key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        if LABEL_KEYS.contains(&key.as_str()) {
            stated_label = true;
            strings(item, 0, &mut labels);
            if key == "route" {
                cluster_of(item, &mut targets);
            }
        } else if TARGET_KEYS.contains(&key.as_str()) {
            match item {
                Value::String(text) => targets.push(text),
                Value::Mapping(_) => cluster_of(item, &mut targets),
                _ => {}
            }
        }
    }
    let [target] = targets.as_slice() else { return None };
    let host = host_of(target)?;
    labels.retain(|label| label != target);
    stated_label.then(|| Route { text: format!("{} → {target}", labels.join(" ")), labels, host })
}

/// `route: {cluster: orders}`, `backend: {service: {name: orders}}`
fn cluster_of<'v>(value: &'v Value, targets: &mut Vec<&'v str>) {
    let Value::Mapping(map) = value else { return };
    for (key, item) in map {
        match (key.as_str(), item) {
            (Some("cluster" | "name" | "host" | "service" | "url"), Value::String(text)) => {
                targets.push(text)
            }
            (Some("service" | "destination"), Value::Mapping(_)) => cluster_of(item, targets),
            _ => {}
        }
    }
}

fn strings(value: &Value, depth: usize, into: &mut Vec<String>) {
    match value {
        Value::String(text) if text.len() <= 300 => into.push(text.clone()),
        Value::Sequence(items) if depth < 3 => {
            items.iter().take(16).for_each(|item| strings(item, depth + 1, into))
        }
        Value::Mapping(map) if depth < 3 => {
            map.values().take(16).for_each(|item| strings(item, depth + 1, into))
        }
        _ => {}
    }
}

/// The host of a target: placeholders replaced by their defaults, scheme, port and path cut off.
fn host_of(target: &str) -> Option<String> {
    let text = PLACEHOLDER.replace_all(target, "$1");
    let rest = text.split_once("://").map_or(&*text, |(_, rest)| rest);
    let host = rest.split(['/', ':', '?', '@']).next()?.trim();
    let valid = !host.is_empty()
        && host.len() <= 253
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    valid.then(|| host.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        routes(text).into_iter().map(|route| (route.labels.join(" "), route.host)).collect()
    }

    fn pair(label: &str, host: &str) -> (String, String) {
        (label.to_owned(), host.to_owned())
    }

    #[test]
    fn reads_lists_of_routes() {
        let text = "spring:\n  cloud:\n    gateway:\n      routes:\n        - id: cart\n          uri: lb://${CART_HOST:shop-cart}\n          predicates:\n            - Path=/api/cart/**\n";
        assert_eq!(pairs(text), [pair("cart Path=/api/cart/**", "shop-cart")]);
    }

    #[test]
    fn reads_maps_of_routes() {
        let text =
            "http:\n  routers:\n    cart:\n      rule: PathPrefix(`/cart`)\n      service: shop-cart\n";
        assert_eq!(pairs(text), [pair("cart PathPrefix(`/cart`)", "shop-cart")]);
        assert_eq!(pairs("routes:\n  /cart: http://shop-cart:8080/v1\n"), [pair("/cart", "shop-cart")]);
    }

    #[test]
    fn reads_nginx_with_upstreams() {
        let text = "upstream c { server shop-cart:80; }\nserver { location /cart { proxy_pass http://c; } location = /pay { proxy_pass http://shop-pay:80/; } }";
        assert_eq!(pairs(text), [pair("/cart", "shop-cart"), pair("/pay", "shop-pay")]);
    }

    #[test]
    fn prose_and_broken_yaml_are_no_tables() {
        assert!(routes("just / words").is_empty());
        assert!(routes("a: [b\n/ c: {").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".{0,300}") {
            let _ = routes(&text);
        }
    }
}

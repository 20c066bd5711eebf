//! Finds route tables in configuration text: YAML or JSON lists and maps of routes, and formats of
//! their own ([`super::text`]).
//!
//! Knows no gateway's schema: a route is an element, among siblings of its shape, with one target
//! and something that names a path or an id. Targets that are names of the document itself (Envoy's
//! clusters, Traefik's services) stand for the address beneath that name.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_yaml::Value;

use super::text;

/// One route as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// Id, path or match: what the route is called.
    pub(super) labels: Vec<String>,
    /// Where it leads: a host, maybe with a port.
    pub(super) target: String,
    /// Whether a registry of its own, not the cluster's DNS, knows the target.
    pub(super) by_registry: bool,
    /// The host that it leads to.
    pub(super) host: String,
    /// The port there, where one is written.
    pub(super) port: Option<u16>,
    /// The route in one line, for evidence.
    pub(super) text: String,
}

impl Route {
    /// A route from its labels to a target as written; none where that is no address.
    pub(super) fn new(mut labels: Vec<String>, target: &str) -> Option<Self> {
        let (host, port) = address(target)?;
        labels.retain(|label| !label.is_empty() && label != target);
        let text = format!("{} → {target}", labels.join(" "));
        let shown = port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        Some(Self { labels, target: shown, by_registry: target.starts_with("lb:"), host, port, text })
    }

    /// The same route to the address that its target is a name for.
    fn resolved(mut self, aliases: &BTreeMap<String, String>) -> Self {
        if let Some((host, port)) = aliases.get(&self.host).and_then(|target| address(target)) {
            self.text = format!("{} ({host})", self.text);
            self.target = port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
            (self.host, self.port) = (host, port);
        }
        self
    }
}

/// Elements of one table that are looked at.
pub(super) const MOST: usize = 2000;
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
static PLACEHOLDER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\$\{[^{}:]{0,200}:-?([^{}]{0,200})\}").unwrap());

/// Every route that a text states.
pub(super) fn routes(text: &str) -> Vec<Route> {
    let found = text::routes(text);
    // Cheap: a table names at least a path or a scheme.
    if !found.is_empty() || !text.contains('/') {
        return found;
    }
    let mut found = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text).take(8) {
        let Ok(value) = <Value as serde::Deserialize>::deserialize(document) else { break };
        let mut own = Vec::new();
        walk(&value, 0, &mut own);
        let mut aliases = BTreeMap::new();
        if !own.is_empty() {
            named(&value, 0, &mut aliases);
        }
        found.extend(own.into_iter().map(|route| route.resolved(&aliases)));
    }
    found
}

/// The addresses that a document gives names to: the name of an element, or its key, with exactly
/// one address beneath.
fn named(value: &Value, depth: usize, into: &mut BTreeMap<String, String>) {
    if depth > DEEPEST || into.len() >= MOST {
        return;
    }
    let mut note = |name: &str, item: &Value| {
        let mut hosts = Vec::new();
        hosts_in(item, 0, &mut hosts);
        if let [host] = hosts.as_slice() {
            into.entry(name.to_lowercase()).or_insert_with(|| host.clone());
        }
    };
    match value {
        Value::Sequence(items) => {
            for item in items {
                if let Some(name) = item.get("name").and_then(Value::as_str) {
                    note(name, item);
                }
            }
            items.iter().for_each(|item| named(item, depth + 1, into));
        }
        Value::Mapping(map) => {
            for (key, item) in map {
                if let (Some(name), Value::Mapping(_)) = (key.as_str(), item) {
                    note(name, item);
                }
            }
            map.values().for_each(|item| named(item, depth + 1, into));
        }
        _ => {}
    }
}

/// Addresses that stand beneath keys which hold nothing else.
fn hosts_in(value: &Value, depth: usize, hosts: &mut Vec<String>) {
    if depth > 12 || hosts.len() > 1 {
        return;
    }
    match value {
        Value::Sequence(items) => items.iter().take(64).for_each(|item| hosts_in(item, depth + 1, hosts)),
        Value::Mapping(map) => {
            for (key, item) in map.iter().take(64) {
                match (key.as_str(), item) {
                    (Some("url" | "address" | "host" | "hostname"), Value::String(text)) => {
                        let port = map.get("port_value").or_else(|| map.get("port")).and_then(Value::as_u64);
                        let host = match port {
                            Some(port) if !text.contains(':') => format!("{text}:{port}"),
                            _ => text.clone(),
                        };
                        if !hosts.contains(&host) {
                            hosts.push(host);
                        }
                    }
                    _ => hosts_in(item, depth + 1, hosts),
                }
            }
        }
        _ => {}
    }
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
                        found.extend(Route::new(vec![path.to_owned()], target));
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
    if stated_label { Route::new(labels, target) } else { None }
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

/// Host and port of a target: placeholders replaced by their defaults, scheme and path cut off.
fn address(target: &str) -> Option<(String, Option<u16>)> {
    let text = PLACEHOLDER.replace_all(target, "$1");
    let rest = text.split_once("://").map_or(&*text, |(_, rest)| rest);
    let rest = rest.split(['/', '?', '@']).next()?.trim();
    let (host, port) = rest.split_once(':').unwrap_or((rest, ""));
    let valid = !host.is_empty()
        && host.len() <= 253
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    valid.then(|| (host.to_lowercase(), port.parse().ok()))
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
    fn names_of_the_document_stand_for_addresses() {
        let traefik = "http:\n  routers:\n    cart:\n      rule: PathPrefix(`/cart`)\n      service: a\n  services:\n    a:\n      loadBalancer:\n        servers:\n          - url: http://shop-cart:80\n";
        assert_eq!(pairs(traefik), [pair("cart PathPrefix(`/cart`)", "shop-cart")]);
        let envoy = "routes:\n  - match: {prefix: /cart}\n    route: {cluster: a}\nclusters:\n  - name: a\n    load_assignment: {endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: shop-cart, port_value: 80}}}}]}]}\n";
        let found = routes(envoy);
        assert_eq!((found.len(), found[0].target.as_str()), (1, "shop-cart:80"));
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

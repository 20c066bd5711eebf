//! Network addresses in configuration and logs, and what they resolve to in the cluster.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

use super::object::{Kind, ObjectRef};
use super::state::{ClusterState, Truth};
use super::types::{Object, Service};

/// A host and maybe a port, as written somewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// URL scheme, lower case; empty where there is none.
    pub scheme: String,
    /// Host name or IP, lower case.
    pub host: String,
    /// Port, where one is written.
    pub port: Option<u16>,
}

/// What a host name means inside the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A Service that exists.
    Service(ObjectRef),
    /// A pod, by its IP or its name behind a headless Service.
    Pod(ObjectRef),
    /// A name of the cluster's own domain that no Service has.
    Missing(ObjectRef),
    /// A host outside the cluster.
    External,
    /// The pod itself.
    Loopback,
    /// The services that would tell were not read.
    Unknown,
}

impl Address {
    /// The port, else the scheme's usual one.
    pub fn port_or_default(&self) -> Option<u16> {
        self.port.or(match self.scheme.as_str() {
            "http" | "ws" => Some(80),
            "https" | "wss" => Some(443),
            "redis" | "rediss" => Some(6379),
            "postgres" | "postgresql" => Some(5432),
            "mysql" | "mariadb" => Some(3306),
            "mongodb" => Some(27017),
            "amqp" => Some(5672),
            "nats" => Some(4222),
            "mqtt" => Some(1883),
            _ => None,
        })
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

#[expect(clippy::unwrap_used, reason = "constant pattern, compiled by a test")]
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?ix)
        (?: \b ([a-z][a-z0-9+.-]{1,20}) :// (?: [^\s/@]{0,200} @ )? )?   # scheme, userinfo
        ( \[?[0-9a-f:]{3,39}\] | [a-z0-9_] (?: [a-z0-9_-]{0,62} ) (?: \. [a-z0-9_] [a-z0-9_-]{0,62} ){0,8} )
        (?: : (\d{1,5}) \b )?",
    )
    .unwrap()
});

/// Every address in a text: with a scheme, or a port, or the whole text being one name.
///
/// `jdbc:mysql://db:3306/x`, `redis://:pw@cache`, `http://a:80,http://b:81`, `db:5432`, `db`.
pub fn addresses_in(text: &str) -> Vec<Address> {
    let mut found = Vec::new();
    for captures in ADDRESS.captures_iter(text) {
        let part = |index: usize| captures.get(index).map_or("", |part| part.as_str());
        let (scheme, host) = (part(1).to_lowercase(), part(2).trim_matches(['[', ']']).to_lowercase());
        let port = captures.get(3).and_then(|port| port.as_str().parse().ok()).filter(|port| *port != 0);
        let whole = captures.get(0).is_some_and(|all| all.as_str().len() == text.trim().len());
        let named = host.bytes().any(|byte| byte.is_ascii_alphabetic()) || is_ip(&host);
        if named && (!scheme.is_empty() || port.is_some() || whole) && !scheme.ends_with("file") {
            found.push(Address { scheme, host, port });
        }
        if found.len() >= 64 {
            break;
        }
    }
    found
}

/// Whether the text is an IP address.
pub fn is_ip(host: &str) -> bool {
    host.parse::<std::net::IpAddr>().is_ok()
}

/// What a host name means to a pod of this namespace.
pub fn resolve(state: &ClusterState, namespace: &str, host: &str) -> Target {
    let host = host.trim_end_matches('.');
    if host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified())
    {
        return Target::Loopback;
    }
    if is_ip(host) {
        return resolve_ip(state, host);
    }
    let labels: Vec<&str> = host.split('.').collect();
    let is_namespace = |name: &str| state.exists(&Kind::Namespace, "", name) == Truth::True;
    // After `svc` the cluster domain follows, whatever it is called.
    let (labels, certain) = match labels.iter().position(|label| *label == "svc") {
        Some(svc) if svc >= 2 => (labels.get(..svc).unwrap_or_default().to_vec(), true),
        _ => (labels, false),
    };
    match *labels.as_slice() {
        [name] => service(state, namespace, name),
        [name, space] if certain || is_namespace(space) => service(state, space, name),
        [pod, name] if state.services.get(namespace, name).is_some() => member(state, namespace, pod, name),
        [pod, name] if governed(state, namespace, pod, name) => member(state, namespace, pod, name),
        [pod, name, space] if certain || is_namespace(space) => member(state, space, pod, name),
        _ => Target::External,
    }
}

/// The Service and the namespace that a host means if it is one of the cluster: `name.namespace`,
/// alone or before `svc`.
pub fn namespaced(host: &str) -> Option<(&str, &str)> {
    let mut labels = host.trim_end_matches('.').split('.');
    let (name, namespace) = (labels.next()?, labels.next()?);
    matches!(labels.next(), None | Some("svc")).then_some((name, namespace))
}

/// The Service that a host would need which is taken for one of the outside, or was not read, because no
/// namespace has the name of its second part, though there is a Service of its first part elsewhere.
///
/// Only for who knows that the host does not resolve; any other may be one of the outside.
pub fn misplaced(state: &ClusterState, caller: &str, address: &Address, unread: bool) -> Option<ObjectRef> {
    let (name, namespace) = namespaced(&address.host)?;
    // No top-level domain of hosts on the Internet that is usual is that long and a namespace's name.
    let internal = unread || namespace.len() > 4 || namespace.contains('-');
    // Nor do they listen at the very port of a Service, but for those of the web.
    let port = address.port.filter(|port| !matches!(port, 80 | 443)).map(i64::from);
    let fits = |service: &&Service| {
        let here = unread || service.metadata.namespace == caller;
        let same_port = service.spec.ports.iter().any(|own| Some(own.port) == port);
        service.metadata.name == name
            && service.metadata.namespace != namespace
            && ((internal && here) || same_port)
    };
    state.services.iter().find(fits)?;
    Some(ObjectRef::new(Kind::Service, namespace, name))
}

fn service(state: &ClusterState, namespace: &str, name: &str) -> Target {
    let object = ObjectRef::new(Kind::Service, namespace, name);
    match state.exists(&Kind::Service, namespace, name) {
        Truth::True => Target::Service(object),
        Truth::False => Target::Missing(object),
        Truth::Unknown => Target::Unknown,
    }
}

/// Whether a StatefulSet that names its pods below this Service has, or would have, this pod.
fn governed(state: &ClusterState, namespace: &str, pod: &str, service: &str) -> bool {
    let ordinal = pod.rsplit_once('-').filter(|(_, ordinal)| ordinal.parse::<u32>().is_ok());
    ordinal.is_some_and(|(set, _)| {
        let found = state.workload(&Kind::StatefulSet, namespace, set);
        found.is_some_and(|found| found.spec.service_name == service)
    })
}

/// A pod's own name below its headless Service.
fn member(state: &ClusterState, namespace: &str, pod: &str, name: &str) -> Target {
    match service(state, namespace, name) {
        Target::Service(_) if state.pods.get(namespace, pod).is_some() => {
            Target::Pod(ObjectRef::new(Kind::Pod, namespace, pod))
        }
        other => other,
    }
}

fn resolve_ip(state: &ClusterState, ip: &str) -> Target {
    let has_ip = |service: &&Service| {
        service.spec.cluster_ip == ip || service.spec.external_ips.iter().any(|own| own == ip)
    };
    if let Some(service) = state.services.iter().find(has_ip) {
        return Target::Service(service.object_ref());
    }
    match state.pods.iter().find(|pod| pod.status.pod_ip == ip && !pod.spec.host_network) {
        Some(pod) => Target::Pod(pod.object_ref()),
        None => Target::External,
    }
}

/// Hosts of the outside by which requests enter the cluster again: those of its Ingresses.
#[derive(Clone, Debug, Default)]
pub struct Entrances {
    by_host: HashMap<String, Vec<ObjectRef>>,
}

impl Entrances {
    /// Collects the hosts of all Ingresses and of the routes of Gateways and meshes.
    pub fn new(state: &ClusterState) -> Self {
        let mut entrances = Self::default();
        for ingress in &state.ingresses {
            for rule in ingress.spec.rules.iter().filter(|rule| !rule.host.is_empty()) {
                let known = entrances.by_host.entry(rule.host.to_lowercase()).or_default();
                if known.last() != Some(&ingress.object_ref()) {
                    known.push(ingress.object_ref());
                }
            }
        }
        for route in &state.custom_resources {
            for host in &route.hostnames {
                entrances.by_host.entry(host.clone()).or_default().push(route.object_ref());
            }
        }
        entrances
    }

    /// The Ingresses and routes that take a host's requests: by its name, else by a wildcard for it.
    pub fn of(&self, host: &str) -> &[ObjectRef] {
        let wildcard = || self.by_host.get(&format!("*.{}", host.split_once('.')?.1));
        self.by_host.get(host).or_else(wildcard).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Vec<String> {
        addresses_in(text).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn finds_addresses_in_usual_settings() {
        assert_eq!(parsed("jdbc:mysql://db:3306/app?useSSL=false"), ["db:3306"]);
        assert_eq!(parsed("redis://:secret@cache.shop:6379/0"), ["cache.shop:6379"]);
        assert_eq!(
            parsed("kafka-0.kafka:9092,kafka-1.kafka:9092"),
            ["kafka-0.kafka:9092", "kafka-1.kafka:9092"]
        );
        assert_eq!(parsed("payments"), ["payments"]);
        assert_eq!(parsed("http://api/v1"), ["api"]);
    }

    #[test]
    fn prose_is_no_address() {
        assert!(parsed("listening on all interfaces").is_empty());
        assert!(parsed("file:///etc/app.conf").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".{0,200}") {
            let _ = addresses_in(&text);
        }
    }
}

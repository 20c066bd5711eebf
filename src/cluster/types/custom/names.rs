//! What custom resources name: issuers, classes, backends, sources, targets.

use serde_json::Value;

use super::{CustomResource, Destination, Reference, Subset, at, items, text};
use crate::cluster::custom::Resource;
use crate::cluster::types::{Map, Text};
use crate::cluster::{Kind, ObjectRef};

/// A field that names one object, or in a list several.
struct Field {
    kinds: &'static [&'static str],
    name: &'static str,
    /// Pointer of the object, or of the list with `*` for its items.
    at: &'static str,
    /// The kind where the field states none.
    kind: &'static str,
}

const ISSUED: &[&str] = &["Certificate", "CertificateRequest", "Order", "Challenge"];
const ROUTES: &[&str] = &["HTTPRoute", "GRPCRoute"];

const FIELDS: &[Field] = &[
    Field { kinds: ISSUED, name: "spec.issuerRef", at: "/spec/issuerRef", kind: "Issuer" },
    Field { kinds: ROUTES, name: "spec.parentRefs", at: "/spec/parentRefs/*", kind: "Gateway" },
    Field {
        kinds: ROUTES,
        name: "spec.rules[].backendRefs",
        at: "/spec/rules/*/backendRefs/*",
        kind: "Service",
    },
    Field {
        kinds: &["Gateway"],
        name: "spec.listeners[].tls.certificateRefs",
        at: "/spec/listeners/*/tls/certificateRefs/*",
        kind: "Secret",
    },
    Field {
        kinds: &["ScaledObject"],
        name: "spec.scaleTargetRef",
        at: "/spec/scaleTargetRef",
        kind: "Deployment",
    },
    Field {
        kinds: &["Kustomization", "HelmChart"],
        name: "spec.sourceRef",
        at: "/spec/sourceRef",
        kind: "GitRepository",
    },
    Field {
        kinds: &["Kustomization"],
        name: "spec.dependsOn",
        at: "/spec/dependsOn/*",
        kind: "Kustomization",
    },
    Field { kinds: &["HelmRelease"], name: "spec.dependsOn", at: "/spec/dependsOn/*", kind: "HelmRelease" },
    Field {
        kinds: &["HelmRelease"],
        name: "spec.chart.spec.sourceRef",
        at: "/spec/chart/spec/sourceRef",
        kind: "HelmRepository",
    },
    Field { kinds: &["HelmRelease"], name: "spec.chartRef", at: "/spec/chartRef", kind: "OCIRepository" },
    Field {
        kinds: &["ExternalSecret"],
        name: "spec.secretStoreRef",
        at: "/spec/secretStoreRef",
        kind: "SecretStore",
    },
];

/// Reads what an object of this kind names.
pub(super) fn read(resource: &Resource, value: &Value, into: &mut CustomResource) {
    let namespace = into.metadata.namespace.clone();
    let mut references = Vec::new();
    for field in FIELDS.iter().filter(|field| field.kinds.contains(&resource.kind)) {
        let mut named = Vec::new();
        walk(value, field.at, &mut named);
        references.extend(named.into_iter().filter_map(|one| reference(field, one, &namespace)));
    }
    let mut by_name = |field: &'static str, kind: &str, namespace: &str, name: &str| {
        if !name.is_empty() {
            let object = object(kind, namespace, name);
            references.push(Reference { field, object, port: None });
        }
    };
    match resource.kind {
        "Gateway" => {
            by_name("spec.gatewayClassName", "GatewayClass", "", text(value, "/spec/gatewayClassName"));
        }
        "Subscription" => {
            let catalogs = text(value, "/spec/sourceNamespace");
            by_name("spec.source", "CatalogSource", catalogs, text(value, "/spec/source"));
            let version = text(value, "/status/currentCSV");
            by_name("status.currentCSV", "ClusterServiceVersion", &namespace, version);
        }
        "HelmRelease" => {
            if let Some((namespace, name)) = text(value, "/status/helmChart").split_once('/') {
                by_name("status.helmChart", "HelmChart", namespace, name);
            }
        }
        "Certificate" => into.secret = Some(text(value, "/spec/secretName").to_owned()),
        "ExternalSecret" => {
            let name = text(value, "/spec/target/name");
            into.secret =
                Some(if name.is_empty() { into.metadata.name.to_string() } else { name.to_owned() });
        }
        "SealedSecret" => into.secret = Some(into.metadata.name.to_string()),
        "Application" => into.parts = unhealthy_resources(value),
        "DestinationRule" => {
            text(value, "/spec/host").clone_into(&mut into.host);
            into.subsets = items(value, "/spec/subsets").map(subset).collect();
        }
        "VirtualService" => {
            into.destinations = destinations(value);
            into.hostnames = texts(value, "/spec/hosts");
        }
        "HTTPRoute" | "GRPCRoute" => into.hostnames = texts(value, "/spec/hostnames"),
        "PeerAuthentication" => {
            if !at(value, "/spec/portLevelMtls").is_object() {
                text(value, "/spec/mtls/mode").clone_into(&mut into.mtls);
            }
            into.selector = labels(at(value, "/spec/selector/matchLabels"));
        }
        _ if resource.family == "chaos-mesh" => {
            text(value, "/spec/action").clone_into(&mut into.action);
            into.parts = injected(value);
        }
        _ => {}
    }
    into.references = references.into();
}

/// The values at a pointer in which `*` stands for every item of a list.
fn walk<'v>(value: &'v Value, pointer: &str, found: &mut Vec<&'v Value>) {
    match pointer.split_once("/*") {
        None => found.extend(Some(at(value, pointer)).filter(|value| value.is_object())),
        Some((list, rest)) => items(value, list).for_each(|item| walk(item, rest, found)),
    }
}

fn reference(field: &Field, value: &Value, namespace: &str) -> Option<Reference> {
    let name = Some(text(value, "/name")).filter(|name| !name.is_empty())?;
    let stated = |pointer: &str, default: &str| match text(value, pointer) {
        "" => default.to_owned(),
        text => text.to_owned(),
    };
    let kind = stated("/kind", field.kind);
    // A kind of the same name in another group is another kind.
    let group = text(value, "/group");
    let known = Kind::from(kind.as_str());
    if !group.is_empty() && known.custom().is_some_and(|resource| resource.group() != group) {
        return None;
    }
    let namespace = stated("/namespace", namespace);
    Some(Reference {
        field: field.name,
        object: object(&kind, &namespace, name),
        port: at(value, "/port").as_i64(),
    })
}

fn object(kind: &str, namespace: &str, name: &str) -> ObjectRef {
    let kind = Kind::from(kind);
    let namespace = if kind.namespaced() { namespace } else { "" };
    ObjectRef::new(kind, namespace, name)
}

/// The resources of an Argo CD application that it says are degraded.
fn unhealthy_resources(value: &Value) -> Box<[ObjectRef]> {
    items(value, "/status/resources")
        .filter(|one| text(one, "/health/status") == "Degraded")
        .map(|one| object(text(one, "/kind"), text(one, "/namespace"), text(one, "/name")))
        .collect()
}

fn subset(value: &Value) -> Subset {
    Subset { name: text(value, "/name").to_owned(), labels: labels(at(value, "/labels")) }
}

fn labels(value: &Value) -> Map<Text> {
    let labels = value.as_object().into_iter().flatten();
    labels.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?.into()))).collect()
}

fn texts(value: &Value, pointer: &str) -> Box<[String]> {
    items(value, pointer).filter_map(Value::as_str).map(str::to_lowercase).collect()
}

/// Every subset that takes a part of the requests.
fn destinations(value: &Value) -> Box<[Destination]> {
    let mut found = Vec::new();
    for protocol in ["http", "tcp", "tls"] {
        let mut routes = Vec::new();
        walk(value, &format!("/spec/{protocol}/*/route/*"), &mut routes);
        for route in routes.into_iter().filter(|route| at(route, "/weight").as_i64() != Some(0)) {
            let [host, subset] = ["/destination/host", "/destination/subset"].map(|at| text(route, at));
            if !host.is_empty() && !subset.is_empty() {
                found.push(Destination { host: host.to_owned(), subset: subset.to_owned() });
            }
        }
    }
    found.sort();
    found.dedup();
    found.into()
}

/// The pods that an experiment which runs now injects its fault into.
fn injected(value: &Value) -> Box<[ObjectRef]> {
    let recovered = items(value, "/status/conditions")
        .any(|one| text(one, "/type") == "AllRecovered" && text(one, "/status") == "True");
    if recovered || text(value, "/status/experiment/desiredPhase") == "Stop" {
        return Box::default();
    }
    items(value, "/status/experiment/containerRecords")
        .filter(|record| text(record, "/phase") == "Injected")
        .filter_map(|record| {
            let mut id = text(record, "/id").split('/');
            Some(ObjectRef::new(Kind::Pod, id.next()?, id.next()?))
        })
        .collect()
}

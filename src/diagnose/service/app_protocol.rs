//! Ports whose application protocol is not what their pods speak.
//!
//! Meshes and gateways go by `appProtocol`, else by the port's name, when they choose between HTTP/1
//! and HTTP/2. Nothing else does, so that the pods must have complained before it is stated.

use super::port::{PORT, target_of};
use crate::cluster::ObjectRef;
use crate::cluster::types::{Object, Service, ServicePort};
use crate::diagnose::{Context, Fact, Facts, net};
use crate::evidence::Evidence;
use crate::logs::LogFinding;

/// What HTTP/2 servers say of requests in HTTP/1.
const WANT_HTTP2: [&str; 4] = ["bogus greeting", "preface", "PRI *", "missing selected ALPN"];

pub(super) fn examine(context: &Context<'_>, service: &Service, facts: &mut Facts) {
    let object = service.object_ref();
    let behind = net::behind(context, &object);
    let complaints: Vec<&LogFinding> = behind
        .iter()
        .flat_map(|workload| context.logs.with(workload, "protocol-mismatch"))
        .filter(|finding| !finding.recovered && net::is_own(context, finding))
        .collect();
    for port in &service.spec.ports {
        let Some(spoken) = complaints.iter().find_map(|finding| spoken(port, finding)) else { continue };
        facts.add(state(context, service, port, spoken, &behind, &complaints));
    }
}

/// What the pods speak by their complaint, where the port states the other.
fn spoken(port: &ServicePort, complaint: &LogFinding) -> Option<&'static str> {
    let by_name = port.name.split('-').next().unwrap_or_default();
    let stated = if port.app_protocol.is_empty() { by_name } else { &port.app_protocol };
    let wants_http2 = WANT_HTTP2.iter().any(|words| complaint.excerpt.contains(words));
    match stated.to_ascii_lowercase().as_str() {
        "grpc" | "http2" | "h2c" | "kubernetes.io/h2c" if !wants_http2 => Some("HTTP/1.1"),
        // By their names most ports are `http`; only a statement counts.
        "http" if wants_http2 && !port.app_protocol.is_empty() => Some("HTTP/2"),
        _ => None,
    }
}

fn state(
    context: &Context<'_>,
    service: &Service,
    port: &ServicePort,
    spoken: &'static str,
    behind: &[ObjectRef],
    complaints: &[&LogFinding],
) -> Fact {
    let object = service.object_ref();
    let (path, stated) = if port.app_protocol.is_empty() {
        ("spec.ports[].name", port.name.clone())
    } else {
        ("spec.ports[].appProtocol", port.app_protocol.clone())
    };
    let mut fact = Fact::new(PORT.name, object.clone())
        .param("class", "app-protocol")
        .param("port", net::port_label(port))
        .param("target", target_of(port).to_string())
        .param("protocol", stated.clone())
        .param("open", spoken)
        .param("seen", true)
        .param("certainty", "computed")
        .evidence([Evidence::spec(object.clone(), path, stated)])
        .evidence(complaints.iter().take(2).map(|finding| net::line(finding)));
    if let Some(workload) = behind.first() {
        fact = fact.object("workload", workload.clone());
    }
    let fact = behind.iter().cloned().fold(fact, Fact::affects);
    net::users_of(context, &object).into_iter().fold(fact, Fact::affects)
}

//! Target ports that lead to nothing: a missing name, a number nobody opens, another protocol.

use std::collections::BTreeSet;

use crate::cluster::types::{ContainerPort, IntOrString, Object, Service, ServicePort};
use crate::cluster::{Kind, ObjectRef};
use crate::diagnose::net;
use crate::diagnose::{Context, Fact, FactSpec, Facts};
use crate::evidence::Evidence;

pub(super) const PORT: FactSpec = FactSpec {
    name: "service.port",
    about: "a port of a Service leads to a target port that its pods do not serve",
    params: &[
        (
            "class",
            "name (no container port has the name), number (no container opens it), protocol, or app-protocol \
             (the pods do not speak the protocol that the port names)",
        ),
        ("port", "the Service's port"),
        ("target", "the target port as stated"),
        ("protocol", "the Service's protocol"),
        ("open", "the ports that the pods do serve"),
        ("seen", "whether a call to the port was seen to fail"),
        ("certainty", "computed, decisive where a failed call was seen"),
    ],
    refs: &[("workload", "the workload behind the Service")],
};

pub(super) fn examine(context: &Context<'_>, service: &Service, facts: &mut Facts) {
    // A headless Service only names pods: clients choose the port themselves.
    if service.spec.cluster_ip == "None" {
        return;
    }
    let object = service.object_ref();
    let behind: Vec<ObjectRef> = net::behind(context, &object)
        .into_iter()
        .filter(|workload| !matches!(workload.kind, Kind::Job | Kind::CronJob))
        .collect();
    for port in &service.spec.ports {
        let target = target_of(port);
        if let Some(class) = problem(context, service, port, &target, &behind) {
            facts.add(state(context, service, port, &target, class, &behind));
        }
    }
}

/// Where a port leads: to the same number where nothing else is stated.
pub(super) fn target_of(port: &ServicePort) -> IntOrString {
    let target = port.target_port.clone().filter(|target| *target != IntOrString::Int(0));
    target.unwrap_or(IntOrString::Int(port.port))
}

/// Which property of the port fits none of the workloads; none where some workload serves it.
fn problem(
    context: &Context<'_>,
    service: &Service,
    port: &ServicePort,
    target: &IntOrString,
    behind: &[ObjectRef],
) -> Option<&'static str> {
    let protocol = net::protocol(&port.protocol);
    let mut class = None;
    for workload in behind {
        let declared: Vec<&ContainerPort> = net::declared_ports(net::spec_of(context, workload)?).collect();
        let same = |own: &&&ContainerPort| match target.as_name() {
            Some(name) => own.name == name,
            None => Some(own.container_port) == target.as_int(),
        };
        let fitting: Vec<&&ContainerPort> = declared.iter().filter(same).collect();
        if fitting.iter().any(|own| net::protocol(&own.protocol) == protocol) {
            return None;
        }
        class = Some(if !fitting.is_empty() {
            // A port offered over both protocols is declared once by habit.
            let both = service.spec.ports.iter().any(|other| {
                other.target_port == port.target_port && net::protocol(&other.protocol) != protocol
            });
            if both {
                return None;
            }
            "protocol"
        } else if target.as_name().is_some() {
            "name"
        } else if declared.is_empty() || !exclusive(context, service, workload, target, &declared) {
            return None;
        } else {
            "number"
        });
    }
    class
}

/// Whether the declared ports can be believed to be all: nothing is known to listen on the
/// target, and the Service leads to none of what is declared.
fn exclusive(
    context: &Context<'_>,
    service: &Service,
    workload: &ObjectRef,
    target: &IntOrString,
    declared: &[&ContainerPort],
) -> bool {
    let open = net::known_open(context, workload);
    if target.as_int().is_some_and(|number| open.contains(&number)) {
        return false;
    }
    if service.spec.ports.len() == 1 {
        return true;
    }
    // Containers may open more than they declare: a second port beside a good one is no proof.
    let numbers = |port: &ServicePort| port.target_port.as_ref().map_or(Some(port.port), IntOrString::as_int);
    let targets: Vec<i64> = service.spec.ports.iter().filter_map(numbers).collect();
    !declared.iter().any(|own| targets.contains(&own.container_port))
}

fn state(
    context: &Context<'_>,
    service: &Service,
    port: &ServicePort,
    target: &IntOrString,
    class: &'static str,
    behind: &[ObjectRef],
) -> Fact {
    let object = service.object_ref();
    let mut open = BTreeSet::new();
    let mut evidence = vec![Evidence::spec(
        object.clone(),
        "spec.ports[].targetPort",
        format!("{} → {target}/{}", net::port_label(port), net::protocol(&port.protocol)),
    )];
    for workload in behind {
        let Some(spec) = net::spec_of(context, workload) else { continue };
        let ports: BTreeSet<String> = net::declared_ports(spec).map(label).collect();
        evidence.push(Evidence::spec(
            workload.clone(),
            "spec.template.spec.containers[].ports",
            ports.iter().cloned().collect::<Vec<_>>().join(", "),
        ));
        open.extend(ports);
    }
    let failed = failed_calls(context, service, port);
    let seen = !failed.is_empty();
    let mut fact = Fact::new(PORT.name, object.clone())
        .param("class", class)
        .param("port", net::port_label(port))
        .param("target", target.to_string())
        .param("protocol", net::protocol(&port.protocol))
        .param("open", open.into_iter().collect::<Vec<_>>())
        .param("seen", seen)
        // A name that no container has never becomes an endpoint; for the rest a container may
        // open more than it declares.
        .param("certainty", if seen || class == "name" { "decisive" } else { "computed" })
        .evidence(evidence);
    for (caller, line) in failed {
        fact = fact.affects(caller).evidence([line]);
    }
    if let Some(workload) = behind.first() {
        fact = fact.object("workload", workload.clone());
    }
    net::users_of(context, &object).into_iter().fold(fact, Fact::affects)
}

/// `http 8080/TCP`
fn label(port: &ContainerPort) -> String {
    let number = format!("{}/{}", port.container_port, net::protocol(&port.protocol));
    if port.name.is_empty() { number } else { format!("{} {number}", port.name) }
}

/// Failed calls to this port of the Service in logs, with who made them.
fn failed_calls(context: &Context<'_>, service: &Service, port: &ServicePort) -> Vec<(ObjectRef, Evidence)> {
    let name = service.metadata.name.as_str();
    net::failed_calls(context)
        .filter(|finding| finding.workload.ns() == service.metadata.namespace)
        .filter(|finding| {
            finding.target.as_ref().is_some_and(|target| {
                let host = target.host.split('.').next().unwrap_or_default();
                (host == name || target.host == service.spec.cluster_ip)
                    && target.port.is_none_or(|number| i64::from(number) == port.port)
            })
        })
        .map(|finding| (finding.workload.clone(), net::line(finding)))
        .collect()
}

//! Which port of a container is the one that answers: what probes should be pointed at.
//!
//! A helper of the probe diagnoser; states no facts.

use super::Context;
use super::container::Instance;
use crate::cluster::types::{Container, IntOrString, Probe};
use crate::logs::{LogFinding, LogIndex};

/// What is known about a probed port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PortVerdict {
    /// The process listens there, as far as can be told.
    Right,
    /// The process listens elsewhere; how that is known.
    Wrong { listens: i64, known_by: &'static str },
    /// No container port has the name that the probe uses.
    NoSuchName { listens: Option<i64> },
    /// Nothing tells.
    Unknown,
}

/// The number of a probe's port; a name is looked up in the container, then in the pod.
pub(super) fn resolve(instance: &Instance<'_>, port: &IntOrString) -> Option<i64> {
    if let Some(number) = port.as_int() {
        return Some(number);
    }
    let name = port.as_name()?;
    let own = instance.spec.into_iter().flat_map(|container| &container.ports);
    own.into_iter().find(|declared| declared.name == name).map(|declared| declared.container_port)
}

/// Ports that the container's log says it listens on, in its current or previous run.
pub(super) fn listening(context: &Context<'_>, instance: &Instance<'_>) -> Vec<i64> {
    let mut ports: Vec<i64> = context
        .logs
        .of(instance.workload)
        .filter(|finding| finding.key.container == instance.name() && finding.signature == "listening")
        .flat_map(|finding| finding.ports())
        .collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// The address that the container's log says it listens on, where only the pod itself reaches that port:
/// the kubelet asks the pod's address.
pub(super) fn loopback<'a>(
    context: &Context<'a>,
    instance: &Instance<'_>,
    port: i64,
) -> Option<(String, &'a LogFinding)> {
    let name = instance.name();
    let logs: &'a LogIndex = context.logs;
    let mut found = logs.iter().filter(|finding| {
        finding.workload == *instance.workload
            && finding.key.container == name
            && finding.signature == "listening"
            && finding.ports().any(|own| own == port)
    });
    let first = found.next()?;
    let bound = |finding: &LogFinding| {
        ["127.0.0.1", "localhost", "[::1]"]
            .iter()
            .find(|host| {
                let address = format!("{host}:{port}");
                finding.param("host") == **host || finding.excerpt.contains(&address)
            })
            .map(|host| format!("{host}:{port}"))
    };
    let address = bound(first)?;
    found.all(|other| bound(other).is_some()).then_some((address, first))
}

/// Whether a probe asks the right port; `works` are ports on which another probe of the container succeeds.
pub(super) fn judge(
    context: &Context<'_>,
    instance: &Instance<'_>,
    probe: &Probe,
    works: &[i64],
) -> PortVerdict {
    let Some(container) = instance.spec else { return PortVerdict::Unknown };
    let Some(port) = probe.port() else { return PortVerdict::Unknown };
    let declared: Vec<i64> = container.ports.iter().map(|declared| declared.container_port).collect();
    if answered_by_sibling(instance, probe) {
        return PortVerdict::Unknown;
    }
    let Some(number) = resolve(instance, port) else {
        return PortVerdict::NoSuchName { listens: declared.first().copied() };
    };
    let logged = listening(context, instance);
    if logged.contains(&number) || works.contains(&number) {
        return PortVerdict::Right;
    }
    if let Some(listens) = nearest_port(&logged, &declared, number) {
        return PortVerdict::Wrong { listens, known_by: "log" };
    }
    if let Some(listens) = works.first() {
        return PortVerdict::Wrong { listens: *listens, known_by: "probe" };
    }
    if declared.contains(&number) || served(context, instance, container).contains(&number) {
        return PortVerdict::Unknown;
    }
    if let Some(listens) = declared.first() {
        return PortVerdict::Wrong { listens: *listens, known_by: "containerPort" };
    }
    match served(context, instance, container).first() {
        Some(listens) => PortVerdict::Wrong { listens: *listens, known_by: "targetPort" },
        None => PortVerdict::Unknown,
    }
}

/// Whether another container of the pod answers the probe in this one's stead, as agents of service
/// meshes do: it declares the port, or its environment names the probe's path.
fn answered_by_sibling(instance: &Instance<'_>, probe: &Probe) -> bool {
    let number = probe.port().and_then(IntOrString::as_int);
    let path = probe.http_get.as_ref().map(|get| get.path.as_str()).filter(|path| path.len() > 1);
    let spec = &instance.pod.spec;
    spec.containers.iter().chain(&spec.init_containers).filter(|other| other.name != instance.name()).any(
        |other| {
            let declares = other.ports.iter().any(|port| Some(port.container_port) == number);
            let names = |value: &str| path.is_some_and(|path| value.contains(&format!("\"{path}\"")));
            declares || other.env.iter().filter_map(|own| own.value.as_deref()).any(names)
        },
    )
}

/// Of the ports that are listened on, the one that the probe is meant for.
///
/// Where the probed port is declared, it is one of several, and the one that is listened on without
/// being declared takes its place; else one that is declared, else the first.
fn nearest_port(logged: &[i64], declared: &[i64], probed: i64) -> Option<i64> {
    let is_declared = |port: &&i64| declared.contains(port);
    let moved = logged.iter().find(|port| declared.contains(&probed) && !is_declared(port));
    moved.or_else(|| logged.iter().find(is_declared)).or(logged.first()).copied()
}

/// Numeric ports that Services send to this workload.
fn served(context: &Context<'_>, instance: &Instance<'_>, container: &Container) -> Vec<i64> {
    let named = |name: &str| {
        container.ports.iter().find(|declared| declared.name == name).map(|declared| declared.container_port)
    };
    context
        .topology
        .services_of(instance.workload)
        .filter_map(|object| context.state.services.get(object.ns(), &object.name))
        .flat_map(|service| &service.spec.ports)
        .filter_map(|port| match &port.target_port {
            Some(target) => target.as_int().or_else(|| named(target.as_name()?)),
            None => Some(port.port),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_that_takes_the_place_of_the_probed_one() {
        assert_eq!(nearest_port(&[8080, 9001], &[8080, 8081], 8081), Some(9001));
        assert_eq!(nearest_port(&[8080, 9001], &[8080], 8081), Some(8080));
        assert_eq!(nearest_port(&[9001], &[], 8081), Some(9001));
        assert_eq!(nearest_port(&[], &[8080], 8081), None);
    }
}

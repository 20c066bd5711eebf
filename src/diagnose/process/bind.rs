//! Ports below 1024 that a process may not listen on.

use crate::cluster::types::{SecurityContext, Text};
use crate::diagnose::Fact;
use crate::diagnose::container::Instance;
use crate::evidence::Evidence;
use crate::logs::LogFinding;

/// First port that every process may listen on, unless the kernel is told otherwise.
const UNPRIVILEGED: i64 = 1024;
/// The kernel's setting of that port, which container runtimes lower to 0 in the pod's own network.
const SYSCTL: &str = "net.ipv4.ip_unprivileged_port_start";

/// A bind that was denied, and what of the security context denies it.
pub(super) fn denied(instance: &Instance<'_>, finding: &LogFinding) -> Option<Fact> {
    let pod = &instance.pod.spec;
    let declared = || {
        let ports = instance.spec.into_iter().flat_map(|spec| &spec.ports);
        ports.map(|port| port.container_port).find(|port| *port < UNPRIVILEGED)
    };
    let port = finding.param("port").parse::<i64>().ok().or_else(declared)?;
    let lowered = pod.security_context.sysctls.iter().find(|one| one.name == SYSCTL);
    let first = lowered.and_then(|one| one.value.parse::<i64>().ok()).unwrap_or(UNPRIVILEGED);
    if port >= first {
        return None;
    }
    let own = instance.spec.map(|spec| &spec.security_context);
    let user = own.and_then(|own| own.run_as_user).or(pod.security_context.run_as_user);
    let mut fact = Fact::new("port.denied", instance.workload.clone())
        .param("port", port)
        .param("container", instance.name())
        .param("host_network", pod.host_network)
        .param("line", finding.excerpt.clone());
    if let Some(user) = user.filter(|user| *user != 0) {
        let stated = Evidence::spec(instance.pod_ref(), "securityContext.runAsUser", user.to_string());
        fact = fact.param("user", user).evidence([stated]);
    }
    if own.is_some_and(|own| drops_bind(own)) {
        let stated =
            Evidence::spec(instance.pod_ref(), "securityContext.capabilities.drop", "NET_BIND_SERVICE");
        fact = fact.param("dropped", "NET_BIND_SERVICE").evidence([stated]);
    }
    Some(fact)
}

fn drops_bind(own: &SecurityContext) -> bool {
    let has = |list: &[Text], names: &[&str]| {
        list.iter().any(|one| names.contains(&one.to_uppercase().trim_start_matches("CAP_")))
    };
    has(&own.capabilities.drop, &["ALL", "NET_BIND_SERVICE"])
        && !has(&own.capabilities.add, &["ALL", "NET_BIND_SERVICE"])
}

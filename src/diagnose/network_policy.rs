//! NetworkPolicies that keep a call from arriving.
//!
//! Evaluates egress of the caller and ingress of the callee as a policy engine would. States a
//! denial only for calls that the caller is configured to make or was seen to fail at; what no
//! policy denies is no fact.

mod verdict;

use std::collections::BTreeSet;

use super::{Context, Fact, FactSpec, Facts, net};
use crate::cluster::address::{self, Target};
use crate::cluster::types::{Pod, Service};
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::Evidence;
use crate::logs::LogFinding;
use verdict::{Denial, Direction, Peer};

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[FactSpec {
    name: "policy.denies",
    about: "a NetworkPolicy does not admit a call that a workload is configured to make",
    params: &[
        ("direction", "ingress (at the callee) or egress (at the caller)"),
        ("port", "the port that is called, with its protocol"),
        ("host", "the host as configured or logged"),
        ("dns", "whether it is the look-up of names that is denied"),
        ("policies", "every policy that selects the pod in that direction; none admits the call"),
        ("near", "what of the closest rule does not fit: peer or port"),
        ("certainty", "computed where a call was seen to time out, else suggestive"),
    ],
    refs: &[
        ("policy", "the policy to change"),
        ("caller", "the calling workload"),
        ("callee", "the called workload"),
    ],
}];

/// One call to judge.
struct Attempt {
    caller: ObjectRef,
    callee: Option<ObjectRef>,
    host: String,
    /// The port that the pod receives, not the Service's.
    port: Option<u16>,
    protocol: &'static str,
    dns: bool,
    seen: Vec<Evidence>,
}

/// Signatures that a dropped packet leaves behind. A refusal is an answer, so no policy made it.
const SILENT: [&str; 6] = [
    "connection-timeout",
    "connection-failed",
    "no-route-to-host",
    "network-unreachable",
    "host-not-found",
    "grpc-unavailable",
];

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    if context.state.network_policies.is_empty() {
        return;
    }
    for attempt in attempts(context) {
        let Some(pod) = example(context, &attempt.caller) else { continue };
        judge(context, &attempt, pod, facts);
    }
}

/// A pod of the caller; of a Job also one that has ended, as its labels are those of the next.
fn example<'a>(context: &Context<'a>, caller: &ObjectRef) -> Option<&'a Pod> {
    let ended = || context.topology.pods_of(caller).last().copied().filter(|_| caller.kind == Kind::Job);
    net::live_pods(context, caller).first().copied().or_else(ended)
}

fn attempts(context: &Context<'_>) -> Vec<Attempt> {
    let mut attempts: Vec<Attempt> = Vec::new();
    let mut known = BTreeSet::new();
    for call in context.topology.calls() {
        let port = call.address.port_or_default();
        if !known.insert((call.caller.clone(), call.address.host.clone(), port)) {
            continue;
        }
        attempts.extend(resolved(context, &call.caller, &call.address.host, port, &call.target));
    }
    for finding in net::failed_calls(context).filter(|finding| silent(finding)) {
        let Some(target) = &finding.target else { continue };
        if known.insert((finding.workload.clone(), target.host.clone(), target.port)) {
            let meaning = address::resolve(context.state, finding.workload.ns(), &target.host);
            attempts.extend(resolved(context, &finding.workload, &target.host, target.port, &meaning));
        }
    }
    let callers: BTreeSet<ObjectRef> = attempts.iter().map(|attempt| attempt.caller.clone()).collect();
    let unresolving =
        net::failed_calls(context).filter(|finding| is_lookup(finding)).map(|one| one.workload.clone());
    for caller in callers.into_iter().chain(unresolving).collect::<BTreeSet<_>>() {
        attempts.push(lookup(context, caller));
    }
    attempts
}

fn silent(finding: &LogFinding) -> bool {
    SILENT.contains(&finding.signature)
}

fn is_lookup(finding: &LogFinding) -> bool {
    finding.signature == "host-not-found"
}

/// The call as the pods see it: to the target port of each workload behind the Service.
fn resolved(
    context: &Context<'_>,
    caller: &ObjectRef,
    host: &str,
    port: Option<u16>,
    target: &Target,
) -> Vec<Attempt> {
    let seen: Vec<Evidence> = net::failed_calls(context)
        .filter(|finding| finding.workload == *caller && silent(finding) && !is_lookup(finding))
        .filter(|finding| match &finding.target {
            Some(target) => {
                short(&target.host) == short(host)
                    || (target.port.is_some() && target.port == port && address::is_ip(&target.host))
            }
            None => {
                net::call_meant(context, finding).is_some_and(|call| call.address.host == host)
                    || net::only_host(context, finding) == Some(host)
            }
        })
        .map(net::line)
        .collect();
    let attempt = |callee: Option<ObjectRef>, port: Option<u16>| Attempt {
        caller: caller.clone(),
        callee,
        host: host.to_owned(),
        port,
        protocol: "TCP",
        dns: false,
        seen: seen.clone(),
    };
    match target {
        Target::Service(object) => {
            let service = net::service(context, object);
            net::behind(context, object)
                .into_iter()
                .map(|callee| {
                    attempt(
                        Some(callee.clone()),
                        service.and_then(|service| pod_port(context, service, port, &callee)),
                    )
                })
                .collect()
        }
        Target::Pod(pod) => vec![attempt(Some(context.topology.workload_of(pod)), port)],
        Target::External if !seen.is_empty() => vec![attempt(None, port)],
        _ => Vec::new(),
    }
}

fn short(host: &str) -> &str {
    if address::is_ip(host) { host } else { host.split('.').next().unwrap_or(host) }
}

/// The container port behind a Service's port.
fn pod_port(context: &Context<'_>, service: &Service, port: Option<u16>, callee: &ObjectRef) -> Option<u16> {
    let ports = &service.spec.ports;
    let own = match port {
        Some(port) => ports.iter().find(|own| own.port == i64::from(port))?,
        None => ports.first()?,
    };
    let number = match &own.target_port {
        None => own.port,
        Some(target) => match target.as_name() {
            None => target.as_int()?,
            Some(name) => {
                let spec = net::spec_of(context, callee)?;
                net::declared_ports(spec).find(|declared| declared.name == name)?.container_port
            }
        },
    };
    u16::try_from(number).ok()
}

/// The look-up of names, which goes to the cluster's DNS pods on UDP 53.
fn lookup(context: &Context<'_>, caller: ObjectRef) -> Attempt {
    let seen = net::failed_calls(context)
        .filter(|finding| finding.workload == caller && is_lookup(finding))
        .map(net::line)
        .collect();
    let dns = ["kube-dns", "coredns", "rke2-coredns-rke2-coredns", "dns-default"]
        .iter()
        .map(|name| ObjectRef::new(Kind::Service, "kube-system", name))
        .find(|object| net::service(context, object).is_some());
    let callee = dns.and_then(|object| net::behind(context, &object).into_iter().next());
    Attempt {
        caller,
        callee,
        host: "the cluster's DNS".to_owned(),
        port: Some(53),
        protocol: "UDP",
        dns: true,
        seen,
    }
}

fn judge(context: &Context<'_>, attempt: &Attempt, pod: &Pod, facts: &mut Facts) {
    let callee_pods =
        attempt.callee.iter().flat_map(|callee| net::live_pods(context, callee)).collect::<Vec<_>>();
    let callee_pod = callee_pods.first().copied();
    // Policies bind neither pods of the host's network nor traffic inside one pod.
    if pod.spec.host_network || attempt.callee.as_ref() == Some(&attempt.caller) {
        return;
    }
    let peer = match callee_pod {
        Some(pod) => Peer::Pod(pod),
        None if attempt.dns => Peer::Elsewhere,
        None => Peer::Address(attempt.host.parse().ok()),
    };
    let egress = verdict::denied(context.state, Direction::Egress, pod, peer, attempt.port, attempt.protocol);
    let ingress = callee_pod.filter(|callee| !callee.spec.host_network).and_then(|callee| {
        verdict::denied(
            context.state,
            Direction::Ingress,
            callee,
            Peer::Pod(pod),
            attempt.port,
            attempt.protocol,
        )
    });
    for (direction, denial) in [("egress", egress), ("ingress", ingress)] {
        if let Some(denial) = denial {
            state(context, attempt, direction, denial, facts);
        }
    }
}

fn state(
    context: &Context<'_>,
    attempt: &Attempt,
    direction: &'static str,
    denial: Denial,
    facts: &mut Facts,
) {
    // Without a failed call, only a caller that is itself in trouble makes the denial worth a word.
    let seen = !attempt.seen.is_empty();
    if !seen && (attempt.dns || !net::is_broken(context, &attempt.caller)) {
        return;
    }
    let port =
        attempt.port.map_or_else(|| "any port".to_owned(), |port| format!("{port}/{}", attempt.protocol));
    let policy = denial.policy;
    let mut fact = Fact::new("policy.denies", policy.clone())
        .param("direction", direction)
        .param("port", port.clone())
        .param("host", attempt.host.clone())
        .param("dns", attempt.dns)
        .param("policies", denial.selecting.iter().map(|one| one.name.to_string()).collect::<Vec<_>>())
        .param("certainty", if seen { "computed" } else { "suggestive" })
        .object("caller", attempt.caller.clone())
        .object("policy", policy.clone())
        .affects(attempt.caller.clone())
        .evidence([Evidence::spec(
            policy,
            format!("spec.{direction}"),
            format!("no rule admits {} → {} on {port}", attempt.caller.name, attempt.host),
        )])
        .evidence(attempt.seen.iter().cloned());
    if let Some(near) = denial.near {
        fact = fact.param("near", near);
    }
    if let Some(callee) = &attempt.callee {
        fact = fact.object("callee", callee.clone());
    }
    facts.add(fact);
}

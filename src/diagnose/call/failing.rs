//! Failed calls in logs, and why they fail as far as the objects say.

use crate::cluster::address::{self, Address, Target};
use crate::cluster::topology::Call;
use crate::cluster::types::{ContainerPort, IntOrString, Object, Service, Workload};
use crate::cluster::{Kind, ObjectRef, Truth};
use crate::diagnose::net;
use crate::diagnose::{Context, Fact, FactSpec, Facts};
use crate::evidence::Evidence;
use crate::logs::LogFinding;

pub(super) const FAILING: FactSpec = FactSpec {
    name: "call.failing",
    about: "calls of a workload fail by its own log, and the objects say this much about why",
    params: &[
        (
            "class",
            "wrong-port, wrong-host, service-absent, governing-service-absent, no-such-service, headless-port \
             (the Service would map the port, but has no cluster IP), no-endpoints, zero-replicas, not-selected, \
             target-port, policy, dns (its server fails), dns-settings (its own), unresolved, refused, silent, unreachable, reset, error-status, relayed (another workload's \
             call failed, the caller repeats it), external or unknown",
        ),
        ("target", "host and port as logged or configured"),
        ("host", "the host"),
        ("port", "the port"),
        ("signature", "the signature of the log line"),
        ("line", "the log line"),
        ("product", "the database or broker that is called, where known"),
        ("nearest", "the Service, or its address, that was probably meant"),
        ("does", "calls"),
        ("open", "a port that the callee declares, where its Service is absent"),
        ("try_port", "the port to try a host outside the cluster at"),
        ("stated_in", "where the caller's configuration states the address"),
        ("quota_full", "whether a quota on Services in the namespace is used up"),
        ("certainty", "computed, suggestive where the target was guessed or looks well"),
    ],
    refs: &[
        ("caller", "the calling workload"),
        ("callee", "the workload behind the address"),
        ("service", "the Service that is called, or that should exist"),
    ],
};

/// What a failed call is about, as far as it is known.
struct Attempt<'a> {
    finding: &'a LogFinding,
    address: Option<Address>,
    target: Target,
    /// Where the configuration states the address.
    configured: Option<&'a Call>,
    /// Whether the target follows from the line or the configuration, not from a guess.
    certain: bool,
    product: Option<&'static str>,
}

pub(super) fn state(context: &Context<'_>, facts: &mut Facts) {
    for finding in net::failed_calls(context) {
        // A server that logs its clients' failures makes no call itself.
        let product = net::product_said(context, finding);
        if product.is_some() && product == net::product_of(context, &finding.workload) {
            continue;
        }
        let attempt = attempt(context, finding, product);
        let fact = classify(context, &attempt, facts);
        facts.add(fact);
    }
}

fn attempt<'a>(
    context: &'a Context<'_>,
    finding: &'a LogFinding,
    product: Option<&'static str>,
) -> Attempt<'a> {
    let namespace = finding.workload.ns();
    let configured =
        finding.target.as_ref().and_then(|target| configured_as(context, &finding.workload, target));
    if let Some(target) = &finding.target {
        let mut meaning = address::resolve(context.state, namespace, &target.host);
        let mut address = target.clone();
        let mut certain = true;
        if let Some(absent) = disproved(context, finding, &meaning) {
            meaning = Target::Missing(absent);
        }
        // A name of a registry of its own need not be one of the cluster's.
        if finding.signature == "no-instances"
            && configured.is_none()
            && matches!(meaning, Target::Missing(_))
        {
            meaning = Target::Unknown;
            certain = false;
        }
        // Logs name addresses that no object has any more, or that another layer made.
        if matches!(meaning, Target::External) && is_private(&target.host) {
            match configured {
                Some(call) => {
                    meaning = call.target.clone();
                    address = Address { port: target.port.or(call.address.port), ..call.address.clone() };
                }
                None => {
                    meaning = Target::Unknown;
                    certain = false;
                }
            }
        }
        let by_port = address.port.and_then(net::product_of_port);
        let product = product
            .or_else(|| net::server_at(context, &meaning).and_then(|one| net::product_of(context, &one)))
            .or(by_port);
        return Attempt { finding, address: Some(address), target: meaning, configured, certain, product };
    }
    if let Some(call) = net::call_meant(context, finding) {
        let (address, target) = (Some(call.address.clone()), call.target.clone());
        return Attempt { finding, address, target, configured: Some(call), certain: true, product };
    }
    let guess = product.and_then(|product| net::server_of(context, &finding.workload, product));
    let target = guess
        .as_ref()
        .and_then(|server| context.topology.services_of(server).next().cloned().map(Target::Service));
    Attempt {
        finding,
        address: None,
        target: target.unwrap_or(Target::Unknown),
        configured: None,
        certain: false,
        product,
    }
}

/// The Service that a name of another namespace would need, where the cluster's own resolver says
/// that there is none: what was not read of that namespace need not be known then.
///
/// Only for the name of a Service that exists elsewhere: any other may be a host of the outside.
fn disproved(context: &Context<'_>, finding: &LogFinding, meaning: &Target) -> Option<ObjectRef> {
    let denied = is_lookup(finding) && finding.param("temporary").is_empty();
    if !denied || !matches!(meaning, Target::Unknown | Target::External) {
        return None;
    }
    let target = finding.target.as_ref()?;
    address::misplaced(context.state, finding.workload.ns(), target, *meaning == Target::Unknown)
}

/// The configured call that a logged target belongs to: by host, else by the only one with its port.
fn configured_as<'a>(context: &Context<'a>, caller: &ObjectRef, target: &Address) -> Option<&'a Call> {
    let short = |host: &str| host.split('.').next().unwrap_or_default().to_owned();
    let own = || context.topology.calls().iter().filter(|call| call.caller == *caller);
    own()
        .find(|call| call.address.host == target.host)
        .or_else(|| {
            own().find(|call| {
                !address::is_ip(&target.host) && short(&call.address.host) == short(&target.host)
            })
        })
        .or_else(|| {
            let port = target.port?;
            let mut same = own().filter(|call| call.address.port_or_default() == Some(port));
            let first = same.next()?;
            same.all(|other| other.address.host == first.address.host).then_some(first)
        })
}

fn is_private(host: &str) -> bool {
    match host.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(ip)) => ip.is_private() || ip.is_link_local(),
        Ok(std::net::IpAddr::V6(ip)) => (ip.segments().first().copied().unwrap_or(0) & 0xfe00) == 0xfc00,
        Err(_) => false,
    }
}

fn classify(context: &Context<'_>, attempt: &Attempt<'_>, facts: &Facts) -> Fact {
    let finding = attempt.finding;
    let caller = finding.workload.clone();
    let mut fact = Fact::new(FAILING.name, caller.clone())
        .param("signature", finding.signature)
        .param("does", "calls")
        .param("line", finding.excerpt.clone())
        .param("certainty", if attempt.certain { "computed" } else { "suggestive" })
        .object("caller", caller)
        .evidence([net::line(finding)])
        .since(finding.first);
    if let Some(address) = &attempt.address {
        fact = fact.param("target", address.to_string()).param("host", address.host.clone());
        if let Some(port) = address.port {
            fact = fact.param("port", port);
        }
    }
    if let Some(product) = attempt.product {
        fact = fact.param("product", product);
    }
    if let Some(call) = attempt.configured {
        fact = fact.param("stated_in", call.stated_in.clone());
    }
    if let Some(relay) = relayed(context, attempt) {
        return unexplained(fact, "relayed").object("callee", relay);
    }
    match &attempt.target {
        // A log may cut a pod's full name to its first part.
        Target::Missing(service) if context.state.pods.get(service.ns(), &service.name).is_some() => {
            unexplained(fact, "unresolved")
        }
        Target::Missing(service) => missing(context, fact, service),
        Target::Service(object) => match net::service(context, object) {
            Some(service) => existing(context, attempt, fact, service, facts),
            None => fact.param("class", "unknown"),
        },
        Target::Pod(pod) => {
            let callee = context.topology.workload_of(pod);
            let ready = net::any_ready(context, &callee);
            if ready {
                // Behind a headless Service stand the addresses of its pods.
                let mut services =
                    context.topology.services_of(&callee).filter_map(|one| net::service(context, one));
                let found =
                    services.find_map(|service| Some((service, unmapped(context, attempt, service)?)));
                let fact = match found {
                    Some((service, open)) => headless(fact, service, open),
                    None => unexplained(fact, answer(finding)),
                };
                return fact.object("callee", callee);
            }
            fact.param("class", "no-endpoints").object("callee", callee)
        }
        // An answer, if a bad one, says that the host is there.
        Target::External if matches!(answer(finding), "error-status" | "unknown") => {
            unexplained(fact, answer(finding))
        }
        Target::External => {
            let port = attempt.address.as_ref().and_then(Address::port_or_default);
            fact.param("class", "external").param("try_port", port.unwrap_or(443))
        }
        Target::Loopback | Target::Unknown => fact.param("class", "unknown"),
    }
}

/// The workload whose failed call the caller only repeats: an address that is not the caller's but
/// that one's, as errors travel up with their text.
fn relayed(context: &Context<'_>, attempt: &Attempt<'_>) -> Option<ObjectRef> {
    let caller = &attempt.finding.workload;
    let address = attempt.finding.target.as_ref()?;
    let same = |call: &&Call| {
        call.address.host == address.host
            && (address.port.is_none() || call.address.port_or_default() == address.port)
    };
    let mut calls =
        context.topology.calls().iter().filter(|call| call.caller.ns() == caller.ns()).filter(same);
    let first = calls.next()?;
    let own = first.caller == *caller || calls.clone().any(|call| call.caller == *caller);
    let known = own || calls.any(|call| call.caller != first.caller);
    // Only a callee of the caller can have told it.
    let called = || {
        context
            .topology
            .services_of(&first.caller)
            .any(|service| net::users_of(context, service).contains(caller))
    };
    (!known && called()).then(|| first.caller.clone())
}

/// A name that no Service has: mistyped, or its Service is gone.
fn missing(context: &Context<'_>, fact: Fact, service: &ObjectRef) -> Fact {
    let absent = Evidence::absence(service.clone(), "no such Service");
    let fact = fact.object("service", service.clone()).evidence([absent]);
    let governed = context
        .state
        .workloads
        .in_namespace(service.ns())
        .iter()
        .find(|set| set.kind == Kind::StatefulSet && set.spec.service_name == *service.name);
    let namesake = net::namesake(context, service.ns(), &service.name);
    // Who asks for one pod by name misses the Service that names pods, whatever else it is called.
    let asks_pod = |set: &&Workload| {
        let pod = fact.text("host").split('.').next().and_then(|pod| pod.strip_prefix(&*set.metadata.name));
        namesake.is_none() || pod.is_some_and(|rest| rest.starts_with('-'))
    };
    if let Some(set) = governed.filter(asks_pod) {
        let stated = Evidence::spec(set.object_ref(), "spec.serviceName", set.spec.service_name.clone());
        return fact
            .param("class", "governing-service-absent")
            .object("callee", set.object_ref())
            .evidence([stated]);
    }
    if let Some(workload) = namesake {
        return absent_service(context, fact, service, workload);
    }
    match net::meant(context, &fact.subject, service) {
        Some(meant) => {
            let nearest = net::host_of(&meant, service.ns());
            fact.param("class", "wrong-host").param("nearest", nearest)
        }
        None => fact.param("class", "no-such-service"),
    }
}

/// The Service of a workload that is there is gone: how it would have to look.
pub(super) fn absent_service(
    context: &Context<'_>,
    fact: Fact,
    service: &ObjectRef,
    workload: ObjectRef,
) -> Fact {
    let spec = net::spec_of(context, &workload);
    let open = spec.and_then(|spec| net::declared_ports(spec).next()).map(|port| port.container_port);
    let mut fact = fact
        .param("class", "service-absent")
        .param("quota_full", services_quota_full(context, service.ns()))
        .object("callee", workload);
    if let Some(open) = open {
        fact = fact.param("open", open);
    }
    fact
}

/// The port that the pods of a headless Service open in place of the one that is refused: without a
/// cluster IP nobody maps one to the other.
fn unmapped(context: &Context<'_>, attempt: &Attempt<'_>, service: &Service) -> Option<i64> {
    let port = i64::from(attempt.address.as_ref()?.port?);
    if service.spec.cluster_ip != "None" || attempt.finding.signature != "connection-refused" {
        return None;
    }
    let own = service.spec.ports.iter().find(|own| own.port == port)?;
    let behind = net::behind(context, &service.object_ref());
    let pods = behind.iter().flat_map(|workload| net::live_pods(context, workload));
    let opened: Vec<&ContainerPort> = pods
        .flat_map(|pod| net::running_containers(&pod.spec))
        .flat_map(|container| &container.ports)
        .collect();
    let open = match own.target_port.as_ref()? {
        IntOrString::Int(number) => *number,
        IntOrString::String(name) => opened.iter().find(|one| one.name == *name)?.container_port,
    };
    (open != 0 && open != port && !opened.iter().any(|one| one.container_port == port)).then_some(open)
}

fn headless(fact: Fact, service: &Service, open: i64) -> Fact {
    let object = service.object_ref();
    let stated = Evidence::spec(object.clone(), "spec.clusterIP", "None (headless)");
    fact.param("class", "headless-port").param("nearest", open).object("service", object).evidence([stated])
}

/// Whether a quota that counts Services is used up.
fn services_quota_full(context: &Context<'_>, namespace: &str) -> bool {
    context.state.quotas.in_namespace(namespace).iter().any(|quota| {
        ["services", "count/services"].iter().any(|name| {
            let hard = quota.status.hard.get(*name).or(quota.spec.hard.get(*name));
            matches!((hard, quota.status.used.get(*name)), (Some(hard), Some(used)) if used >= hard)
        })
    })
}

fn existing(
    context: &Context<'_>,
    attempt: &Attempt<'_>,
    fact: Fact,
    service: &Service,
    facts: &Facts,
) -> Fact {
    let object = service.object_ref();
    let behind = net::behind(context, &object);
    let mut fact = fact.object("service", object.clone());
    if let Some(callee) = behind.iter().find(|one| !net::any_ready(context, one)).or(behind.first()) {
        fact = fact.object("callee", callee.clone());
    }
    let port = attempt.address.as_ref().and_then(|address| address.port);
    if let Some(port) = port
        && service.spec.cluster_ip != "None"
        && !service.spec.ports.is_empty()
        && !service.spec.ports.iter().any(|own| own.port == i64::from(port))
    {
        let ports: Vec<String> = service.spec.ports.iter().map(net::port_label).collect();
        let stated = Evidence::spec(object, "spec.ports[].port", ports.join(", "));
        return fact
            .param("class", "wrong-port")
            .param("nearest", net::addresses_of(service))
            .evidence([stated]);
    }
    let holds = |name: &str| facts.holds(name, &object);
    if behind.is_empty() && !service.spec.selector.is_empty() {
        return fact.param("class", "not-selected");
    }
    if holds("service.no-endpoints") {
        let zero =
            facts.about("service.no-endpoints", &object).any(|fact| fact.text("class") == "zero-replicas");
        return fact.param("class", if zero { "zero-replicas" } else { "no-endpoints" });
    }
    if let Some(open) = unmapped(context, attempt, service) {
        return headless(fact, service, open);
    }
    let caller = &attempt.finding.workload;
    if is_lookup(attempt.finding) {
        return unresolved(fact, caller, facts);
    }
    if holds("service.port") {
        return fact.param("class", "target-port");
    }
    let denied = facts.named("policy.denies").any(|fact| {
        fact.truth == Truth::True
            && fact.refs.get("caller") == Some(caller)
            && fact.refs.get("callee").is_none_or(|callee| behind.contains(callee))
    });
    if denied {
        return fact.param("class", "policy");
    }
    // A refusal by a database whose pods are ready, at an address that cannot be read (it is in a
    // Secret): the host resolves and answers, so the port is what is left.
    let from_secret = attempt.address.is_none() && net::reads_secret(context, caller);
    if attempt.finding.signature == "connection-refused" && from_secret && attempt.product.is_some() {
        return fact
            .param("class", "wrong-port")
            .param("certainty", "computed")
            .param("stated_in", "a Secret")
            .param("nearest", net::addresses_of(service));
    }
    unexplained(fact, answer(attempt.finding))
}

/// A failed call to something that looks well: that it fails is known, why is not.
fn unexplained(fact: Fact, class: &'static str) -> Fact {
    fact.param("class", class).param("certainty", "suggestive")
}

fn is_lookup(finding: &LogFinding) -> bool {
    finding.signature == "host-not-found"
}

/// The name of a Service that has endpoints does not resolve: it is not the callee that fails.
fn unresolved(mut fact: Fact, caller: &ObjectRef, facts: &Facts) -> Fact {
    fact.refs.remove("callee");
    if facts.holds("dns.pod", caller) {
        return fact.param("class", "dns-settings");
    }
    let server = facts.named("dns.server").find(|server| server.truth == Truth::True);
    match server {
        Some(server) => fact.param("class", "dns").object("callee", server.subject.clone()),
        None => unexplained(fact, "unresolved"),
    }
}

/// How the call ended, where nothing in the objects says why.
fn answer(finding: &LogFinding) -> &'static str {
    match finding.signature {
        "connection-refused" => "refused",
        "connection-reset" => "reset",
        "host-not-found" => "unresolved",
        "http-status-error" | "grpc-error" => "error-status",
        "connection-timeout" | "no-route-to-host" | "network-unreachable" => "silent",
        "connection-failed" | "grpc-unavailable" | "no-instances" | "upstream-unavailable" => "unreachable",
        _ => "unknown",
    }
}

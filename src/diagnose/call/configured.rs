//! Configured addresses that cannot work, by the Services there are and by what others use.

use std::collections::BTreeSet;

use crate::cluster::address::Target;
use crate::cluster::topology::Call;
use crate::cluster::types::Object;
use crate::cluster::{Kind, ObjectRef, Truth};
use crate::diagnose::net;
use crate::diagnose::{Context, Fact, FactSpec, Facts};
use crate::evidence::Evidence;
use crate::logs::LogFinding;

pub(super) const MISCONFIGURED: FactSpec = FactSpec {
    name: "call.misconfigured",
    about: "an address that a workload is configured to call does not exist as written, though a similar one does, \
            and peers that use the right one or the caller's own trouble say that it matters",
    params: &[
        ("class", "wrong-port, wrong-host or service-absent"),
        ("target", "the address as configured"),
        ("stated_in", "where it is stated"),
        ("port", "the port as configured"),
        ("open", "a port that the callee declares, where its Service is absent"),
        ("does", "calls, or advertises where the address is the one that the workload tells its clients"),
        ("nearest", "the port or Service that was probably meant"),
        ("peer", "another workload that uses the right address"),
        ("product", "the database or broker that is called, where known"),
        ("quota_full", "whether a quota on Services in the namespace is used up"),
    ],
    refs: &[
        ("caller", "the calling workload"),
        ("callee", "the workload behind the address that was meant"),
        ("service", "the Service that was meant, or that should exist"),
    ],
};

/// What is wrong with a configured address.
struct Problem {
    class: &'static str,
    service: ObjectRef,
    nearest: String,
}

pub(super) fn state(context: &Context<'_>, facts: &mut Facts) {
    let mut known = BTreeSet::new();
    for call in context.topology.calls() {
        // Any `word:number` of a file looks like an address; only settings of one address count.
        let setting = !call.address.scheme.is_empty() || names_an_address(&call.stated_in);
        if !setting || !known.insert((call.caller.clone(), call.address.clone())) || logged(call, facts) {
            continue;
        }
        let Some(problem) = problem(context, call) else { continue };
        let peer = peer(context, call, &problem);
        let told =
            |fact: &&Fact| fact.text("class") == "relayed" && fact.refs.get("callee") == Some(&call.caller);
        let victims: Vec<&Fact> = facts
            .named("call.failing")
            .filter(told)
            .filter(|fact| fact.text("host") == call.address.host)
            .collect();
        let logs_failure = || {
            context.logs.of(&call.caller).any(|one| !one.recovered && matches!(one.class, "call" | "server"))
        };
        // Its own failed look-up that names no host.
        let nameless: Vec<&LogFinding> = context
            .logs
            .of(&call.caller)
            .filter(|one| !one.recovered && one.target.is_none())
            .filter(|one| matches!(one.signature, "host-not-found" | "no-instances"))
            .collect();
        let broken = net::is_broken(context, &call.caller);
        let troubled = broken || logs_failure() || facts.named("call.failing").any(|fact| told(&fact));
        // An address that nobody misses may be of a feature that is off.
        let certain = match problem.class {
            "service-absent" => true,
            "wrong-port" => peer.is_some() || troubled,
            _ => broken || !victims.is_empty() || !nameless.is_empty() || (peer.is_some() && troubled),
        };
        if !certain {
            continue;
        }
        let mut fact = fact(context, call, problem, peer);
        fact = fact.evidence(nameless.into_iter().take(1).map(net::line));
        for victim in victims {
            fact = fact.affects(victim.subject.clone()).evidence(victim.evidence.iter().take(1).cloned());
        }
        facts.add(fact);
    }
}

/// Whether an environment variable is one that states where to call, by its name: `web:12` may
/// as well be an image or a version.
fn names_an_address(stated_in: &str) -> bool {
    const WORDS: [&str; 18] = [
        "HOST",
        "ADDR",
        "URL",
        "URI",
        "ENDPOINT",
        "SERVER",
        "SERVICE",
        "BROKER",
        "UPSTREAM",
        "TARGET",
        "BACKEND",
        "DSN",
        "DATABASE",
        "DB",
        "REDIS",
        "KAFKA",
        "NODES",
        "CONNECTION",
    ];
    let Some(name) = stated_in.strip_prefix("env ") else { return false };
    let name = name.to_ascii_uppercase();
    WORDS.iter().any(|word| name.contains(word))
        && !["IMAGE", "TAG", "VERSION", "_NAME"].iter().any(|word| name.contains(word))
}

/// Whether a failed call to this address was logged: then that says more.
fn logged(call: &Call, facts: &Facts) -> bool {
    facts.about("call.failing", &call.caller).any(|fact| {
        fact.truth == Truth::True
            && (fact.text("host") == call.address.host || fact.text("stated_in") == call.stated_in)
    })
}

fn problem(context: &Context<'_>, call: &Call) -> Option<Problem> {
    match &call.target {
        Target::Service(object) => {
            let service = net::service(context, object)?;
            let port = i64::from(call.address.port?);
            let ports = &service.spec.ports;
            if service.spec.cluster_ip == "None"
                || ports.is_empty()
                || ports.iter().any(|own| own.port == port)
            {
                return None;
            }
            let nearest = net::addresses_of(service);
            Some(Problem { class: "wrong-port", service: object.clone(), nearest })
        }
        Target::Missing(object) => {
            if net::namesake(context, object.ns(), &object.name).is_some() {
                let nearest = object.name.to_string();
                return Some(Problem { class: "service-absent", service: object.clone(), nearest });
            }
            let service =
                governing(context, call, object).or_else(|| net::meant(context, &call.caller, object))?;
            Some(Problem { class: "wrong-host", nearest: net::host_of(&service, object.ns()), service })
        }
        _ => None,
    }
}

/// The Service that gives a pod of a StatefulSet its name, where the host starts with that of a pod.
fn governing(context: &Context<'_>, call: &Call, missing: &ObjectRef) -> Option<ObjectRef> {
    let pod = ObjectRef::new(Kind::Pod, missing.ns(), call.address.host.split('.').next()?);
    context.state.pods.get(pod.ns(), &pod.name)?;
    let set = context.state.workload_of(&context.topology.workload_of(&pod))?;
    let name = set.spec.service_name.as_str();
    context.state.services.get(missing.ns(), name).map(Object::object_ref)
}

/// Another workload that calls the meant Service by an address that works.
fn peer<'a>(context: &Context<'a>, call: &Call, problem: &Problem) -> Option<&'a Call> {
    let service = net::service(context, &problem.service)?;
    context.topology.calls().iter().find(|other| {
        other.caller != call.caller
            && other.target == Target::Service(problem.service.clone())
            && other
                .address
                .port
                .is_none_or(|port| service.spec.ports.iter().any(|own| own.port == i64::from(port)))
    })
}

fn fact(context: &Context<'_>, call: &Call, problem: Problem, peer: Option<&Call>) -> Fact {
    let callee = net::behind(context, &problem.service)
        .into_iter()
        .next()
        .or_else(|| net::namesake(context, problem.service.ns(), &problem.service.name));
    let mut fact = Fact::new(MISCONFIGURED.name, call.caller.clone())
        .param("class", problem.class)
        .param("target", call.address.to_string())
        .param("stated_in", call.stated_in.clone())
        .param("nearest", problem.nearest)
        .param("does", if call.stated_in.contains("ADVERTISED") { "advertises" } else { "calls" })
        .object("caller", call.caller.clone())
        .evidence([Evidence::spec(call.caller.clone(), call.stated_in.clone(), call.address.to_string())]);
    fact = match net::service(context, &problem.service) {
        Some(service) if problem.class == "wrong-port" => fact.evidence([Evidence::spec(
            service.object_ref(),
            "spec.ports[].port",
            service.spec.ports.iter().map(net::port_label).collect::<Vec<_>>().join(", "),
        )]),
        _ => match &call.target {
            Target::Missing(missing) => {
                fact.evidence([Evidence::absence(missing.clone(), "no such Service")])
            }
            _ => fact,
        },
    };
    if let Some(port) = call.address.port {
        fact = fact.param("port", port);
    }
    if let ("service-absent", Some(workload)) = (problem.class, &callee) {
        fact = super::failing::absent_service(context, fact, &problem.service, workload.clone());
    }
    if let Some(peer) = peer {
        fact = fact.param("peer", format!("{} ({})", peer.caller.name, peer.address)).evidence([
            Evidence::spec(peer.caller.clone(), peer.stated_in.clone(), peer.address.to_string()),
        ]);
    }
    if let Some(callee) = callee {
        let product = net::product_of(context, &callee);
        fact = fact.object("callee", callee);
        if let Some(product) = product {
            fact = fact.param("product", product);
        }
    }
    fact.object("service", problem.service)
}

//! ExternalName Services that point at nothing.

use crate::cluster::address::{self, Target};
use crate::cluster::types::{Object, Service};
use crate::cluster::{Kind, ObjectRef};
use crate::diagnose::net;
use crate::diagnose::{Context, Fact, FactSpec, Facts};
use crate::evidence::Evidence;

pub(super) const EXTERNAL_NAME: FactSpec = FactSpec {
    name: "service.external-name",
    about: "an ExternalName Service names a host that does not exist, and its callers fail to resolve it",
    params: &[
        ("class", "missing (a name of this cluster that no Service has), address (an IP) or unresolved"),
        ("host", "the external name"),
        ("nearest", "where a Service of that name is: name.namespace"),
        ("certainty", "computed, suggestive where no caller was seen to fail"),
    ],
    refs: &[("service", "the Service that is probably meant"), ("caller", "a workload that uses it")],
};

pub(super) fn examine(context: &Context<'_>, service: &Service, facts: &mut Facts) {
    let object = service.object_ref();
    let host = service.spec.external_name.trim_end_matches('.').to_lowercase();
    let failing = failing_callers(context, service, &host);
    let target = address::resolve(context.state, &service.metadata.namespace, &host);
    let class = match target {
        Target::Missing(_) => "missing",
        _ if address::is_ip(&host) => "address",
        Target::External if !failing.is_empty() => "unresolved",
        _ => return,
    };
    let mut fact = Fact::new(EXTERNAL_NAME.name, object.clone())
        .param("class", class)
        .param("host", host.clone())
        .param("certainty", if failing.is_empty() { "suggestive" } else { "computed" })
        .evidence([Evidence::spec(object.clone(), "spec.externalName", host)]);
    if let Target::Missing(missing) = &target {
        fact = fact.evidence([Evidence::absence(missing.clone(), "no such Service")]);
        if let Some(near) = meant(context, missing) {
            fact = fact.param("nearest", format!("{}.{}", near.name, near.ns())).object("service", near);
        }
    }
    for (caller, line) in failing {
        fact = fact.object("caller", caller.clone()).affects(caller).evidence([line]);
    }
    facts.add(net::users_of(context, &object).into_iter().fold(fact, Fact::affects));
}

/// The Service that was probably meant: the same name elsewhere, else a similar one in its place.
fn meant(context: &Context<'_>, missing: &ObjectRef) -> Option<ObjectRef> {
    let same = context.state.services.iter().find(|other| other.metadata.name == *missing.name);
    same.map(Object::object_ref).or_else(|| {
        let near = net::nearest(&missing.name, net::service_names(context, missing.ns()))?;
        Some(ObjectRef::new(Kind::Service, missing.ns(), near))
    })
}

/// Who failed to reach the Service or the host it stands for, and the line that says so.
fn failing_callers(context: &Context<'_>, service: &Service, host: &str) -> Vec<(ObjectRef, Evidence)> {
    let (name, namespace) = (service.metadata.name.as_str(), service.metadata.namespace.as_str());
    let is_own = |text: &str, caller: &str| {
        let mut parts = text.split('.');
        parts.next() == Some(name) && parts.next().unwrap_or(caller) == namespace
    };
    net::failed_calls(context)
        .filter(|finding| {
            let target = finding.target.as_ref().map(|target| target.host.trim_end_matches('.'));
            target.is_some_and(|target| target == host || is_own(target, finding.workload.ns()))
        })
        .map(|finding| (finding.workload.clone(), net::line(finding)))
        .collect()
}

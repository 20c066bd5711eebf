//! Requests that the proxy before the backend turns away because their bodies are too large.

use std::collections::BTreeMap;

use super::routes;
use crate::cluster::types::{Ingress, Object};
use crate::cluster::{Kind, ObjectRef};
use crate::diagnose::{Context, Fact, FactSpec, Facts, net};
use crate::evidence::Evidence;

pub(super) const FACT: FactSpec = FactSpec {
    name: "ingress.body-limit",
    about: "the controller refuses requests for a path of the Ingress because their bodies are too large",
    params: &[
        ("host", "the host"),
        ("path", "the path of the Ingress"),
        ("limit", "the limit that the Ingress states; absent: the controller's own"),
        ("line", "what the controller logs"),
        ("matters", "if-told: a client that sends too much now and then is no fault"),
    ],
    refs: &[("ingress", "the Ingress")],
};

/// Annotations that limit a body, by controller.
const LIMITS: [&str; 2] = ["nginx.ingress.kubernetes.io/proxy-body-size", "nginx.org/client-max-body-size"];

/// How often it has to happen.
const OFTEN: i64 = 2;

pub(super) fn run(context: &Context<'_>, facts: &mut Facts) {
    let refused = context.logs.iter().filter(|one| one.signature == "payload-too-large" && !one.recovered);
    let mut found: BTreeMap<(ObjectRef, ObjectRef), (Fact, i64)> = BTreeMap::new();
    for finding in refused {
        let (host, path) = (finding.param("host"), finding.param("path"));
        let Some((ingress, prefix, backend)) = routed(context, host, path) else { continue };
        let behind = net::behind(context, &backend);
        // A proxy behind the Ingress has a limit of its own.
        if behind.contains(&finding.workload) {
            continue;
        }
        let object = ingress.object_ref();
        let (fact, count) = found.entry((object.clone(), backend.clone())).or_insert_with(|| {
            let subject = behind.first().cloned().unwrap_or(backend);
            let fact = Fact::new(FACT.name, subject)
                .param("host", host)
                .param("path", if prefix.is_empty() { "/" } else { prefix })
                .param("line", finding.excerpt.clone())
                .param("matters", "if-told")
                .object("ingress", object.clone())
                .affects(object.clone())
                .since(finding.first);
            (stated(ingress, fact), 0)
        });
        *count += finding.count;
        *fact = fact.clone().evidence([net::line(finding)]);
    }
    found.into_values().filter(|(_, count)| *count >= OFTEN).for_each(|(fact, _)| facts.add(fact));
}

/// Adds the limit that the Ingress states.
fn stated(ingress: &Ingress, fact: Fact) -> Fact {
    let own = LIMITS.iter().map(|name| (*name, ingress.metadata.annotation(name)));
    match own.into_iter().find(|(_, value)| !value.is_empty()) {
        Some((name, value)) => fact.param("limit", value).evidence([Evidence::spec(
            ingress.object_ref(),
            format!("metadata.annotations[{name}]"),
            value,
        )]),
        None => fact,
    }
}

/// The Ingress that a request is for, with its path there and the Service behind it.
fn routed<'a>(context: &Context<'a>, host: &str, path: &str) -> Option<(&'a Ingress, &'a str, ObjectRef)> {
    let mut best: Option<(&Ingress, &str, ObjectRef)> = None;
    for ingress in &context.state.ingresses {
        let namespace = &ingress.metadata.namespace;
        for (_, prefix, backend) in routes(ingress).filter(|(own, ..)| *own == host && !host.is_empty()) {
            let Some(service) = &backend.service else { continue };
            let longer = best.as_ref().is_none_or(|(_, known, _)| prefix.len() > known.len());
            if path.starts_with(prefix) && longer {
                best = Some((ingress, prefix, ObjectRef::new(Kind::Service, namespace, &service.name)));
            }
        }
    }
    best
}

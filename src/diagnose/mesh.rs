//! Routing rules of a service mesh that send requests to a subset without pods, and clients outside the
//! mesh of servers that take none of them.

mod plaintext;

use super::{Context, Fact, FactSpec, Facts};
use crate::cluster::selector::matches_all;
use crate::cluster::types::{CustomResource, Object, Subset};
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::Evidence;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[plaintext::FACT, SUBSET];

const SUBSET: FactSpec = FactSpec {
    name: "mesh.subset",
    about: "a VirtualService sends requests to a subset that nothing defines or that has no pods",
    params: &[
        ("by", "undefined or no-pods"),
        ("subset", "the subset's name"),
        ("host", "the host as written"),
        ("closest", "a defined subset of nearly that name"),
        ("labels", "the labels that the subset's pods should have"),
    ],
    refs: &[
        ("service", "the Service of the host"),
        ("rule", "the DestinationRule of the host"),
        ("edited", "the rule to change: where the subset is defined, else where it is used"),
    ],
};

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    plaintext::state(context, facts);
    let state = context.state;
    for route in state.custom_resources.iter().filter(|one| one.kind.as_str() == "VirtualService") {
        let namespace = route.metadata.namespace.as_str();
        for destination in &route.destinations {
            let host = full(&destination.host, namespace);
            let service = service(&host);
            if let Some(fact) = broken(context, route, &host, &service, &destination.subset) {
                facts.add(
                    fact.param("subset", destination.subset.clone())
                        .param("host", destination.host.clone())
                        .affects(service.clone())
                        .object("service", service),
                );
            }
        }
    }
}

fn broken(
    context: &Context<'_>,
    route: &CustomResource,
    host: &str,
    service: &ObjectRef,
    wanted: &str,
) -> Option<Fact> {
    let state = context.state;
    let kind = Kind::from("DestinationRule");
    let namespace = route.metadata.namespace.as_str();
    // Rules may stand beside the route or beside the Service.
    if service.kind != Kind::Service
        || !state.was_read(&kind, namespace)
        || !state.was_read(&kind, service.ns())
    {
        return None;
    }
    let rules: Vec<&CustomResource> =
        state.custom_resources.iter().filter(|one| one.kind == kind && covers(one, host)).collect();
    let fact = Fact::new("mesh.subset", route.object_ref()).evidence([Evidence::spec(
        route.object_ref(),
        "spec.http[].route[].destination.subset",
        wanted,
    )]);
    let defined = rules.iter().find_map(|rule| {
        rule.subsets.iter().find(|subset| subset.name == wanted).map(|subset| (*rule, subset))
    });
    let Some((rule, subset)) = defined else {
        let names: Vec<&str> =
            rules.iter().flat_map(|rule| &rule.subsets).map(|subset| subset.name.as_str()).collect();
        let mut fact = fact.param("by", "undefined").object("edited", route.object_ref());
        if let Some(closest) = super::container::nearest(wanted, names.iter().copied()) {
            fact = fact.param("closest", closest);
        }
        return Some(match rules.first() {
            Some(rule) => fact
                .evidence([Evidence::spec(rule.object_ref(), "spec.subsets", names.join(", "))])
                .object("rule", rule.object_ref()),
            None => fact,
        });
    };
    has_no_pods(context, service, subset).then(|| {
        let labels: Vec<String> = subset.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let path = format!("spec.subsets[{wanted}].labels");
        fact.param("by", "no-pods")
            .param("labels", labels.join(","))
            .evidence([Evidence::spec(rule.object_ref(), path, labels.join(","))])
            .object("edited", rule.object_ref())
            .object("rule", rule.object_ref())
    })
}

/// Whether none of the Service's pods has the subset's labels, although it has pods.
fn has_no_pods(context: &Context<'_>, service: &ObjectRef, subset: &Subset) -> bool {
    let Some(found) = context.state.services.get(service.ns(), &service.name) else { return false };
    if subset.labels.is_empty() || !context.state.was_read(&Kind::Pod, service.ns()) {
        return false;
    }
    let pods = context.topology.pods_matching(service.ns(), &found.spec.selector);
    !pods.is_empty() && !pods.iter().any(|pod| matches_all(&subset.labels, &pod.metadata.labels))
}

/// A host in full: a name without dots is a Service of the rule's namespace.
fn full(host: &str, namespace: &str) -> String {
    match host {
        host if !host.contains('.') => format!("{host}.{namespace}.svc.cluster.local"),
        host if host.ends_with(".svc") => format!("{host}.cluster.local"),
        host => host.to_owned(),
    }
}

/// The Service of a full host; of any other host an object that is none.
fn service(host: &str) -> ObjectRef {
    let labels: Vec<&str> = host.split('.').collect();
    match labels.as_slice() {
        [name, namespace, "svc", ..] => ObjectRef::new(Kind::Service, namespace, name),
        _ => ObjectRef::cluster(Kind::from("Host"), host),
    }
}

/// Whether a DestinationRule is about a host.
fn covers(rule: &CustomResource, host: &str) -> bool {
    let own = full(&rule.host, &rule.metadata.namespace);
    own == host || own.strip_prefix('*').is_some_and(|domain| host.ends_with(domain))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::test_state::{facts_of, state};
    use super::*;

    fn found(subset: &str, weight: i64, version: &str) -> Option<(String, Value)> {
        let objects = [
            json!({"kind": "VirtualService", "metadata": {"name": "web"}, "spec": {"hosts": ["web"], "http": [
                {"route": [{"destination": {"host": "web", "subset": subset}, "weight": weight}]}]}}),
            json!({"kind": "DestinationRule", "metadata": {"name": "web"}, "spec": {
                "host": "web.shop.svc.cluster.local", "subsets": [{"name": "v1", "labels": {"version": version}}]}}),
            json!({"kind": "Service", "metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}}}),
            json!({"kind": "Pod", "metadata": {"name": "web-1", "labels": {"app": "web", "version": "v1"}}}),
        ];
        let facts = facts_of(run, &state(&objects));
        let fact = facts.named("mesh.subset").next()?;
        let closest = fact.params.get("closest").cloned().unwrap_or_default();
        Some((fact.text("by").to_owned(), closest))
    }

    #[test]
    fn a_subset_needs_a_definition_and_pods() {
        assert_eq!(found("v1", 100, "v1"), None);
        assert_eq!(found("v2", 100, "v1").map(|(by, _)| by).as_deref(), Some("undefined"));
        assert_eq!(found("v1", 100, "v9").map(|(by, _)| by).as_deref(), Some("no-pods"));
    }

    #[test]
    fn a_destination_that_gets_no_requests_does_not_matter() {
        assert_eq!(found("v2", 0, "v1"), None);
    }
}

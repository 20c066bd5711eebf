//! What controllers say of custom resources: which of them is at fault, and which only follows.

mod unreconciled;

use std::collections::BTreeSet;

use super::{Context, Fact, FactSpec, Facts};
use crate::cluster::topology::{Relation, managed_by};
use crate::cluster::types::{CustomResource, Health, Object, Reference, Statement, Time};
use crate::cluster::{Kind, ObjectRef, Truth};
use crate::evidence::Evidence;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[
    FactSpec {
        name: "custom.unhealthy",
        about: "the controller of a custom resource states that it is not as it should be",
        params: &[
            ("kind", "its kind"),
            (
                "family",
                "the product: cert-manager, gateway-api, keda, olm, argo-cd, flux, external-secrets, sealed-secrets or strimzi",
            ),
            (
                "by",
                "itself, reference (what it names does not exist) or deployed (what it deploys is not healthy)",
            ),
            ("condition", "the condition or field that states it; empty where only a reference tells"),
            ("reason", "the reason, in one word"),
            ("message", "the reason, in words"),
            ("field", "the field with the reference"),
            ("missing", "the object that does not exist"),
            ("closest", "an object of nearly that name"),
            ("secret", "the Secret that it should make"),
        ],
        refs: &[
            ("edited", "the object that a person wrote, where another generated this one"),
            ("missing", "the object that does not exist"),
        ],
    },
    FactSpec {
        name: "custom.unreconciled",
        about: "no controller acts on a custom resource",
        params: &[
            ("kind", "its kind"),
            ("family", "the product that it belongs to"),
            ("by", "never (it has no status) or behind (the status is of an older generation)"),
            ("count", "how many objects of this kind there are like it"),
            ("controller", "the workload that should act on it"),
        ],
        refs: &[("dependency", "the workload that should act on it")],
    },
];

/// Seconds that a controller may be at work.
const AT_WORK: i64 = 600;
/// Seconds that a fault must last: controllers try again.
const LASTING: i64 = 20;
/// Seconds after which a reference to nothing is no matter of order.
const DANGLING: i64 = 60;

/// Kinds that controllers generate for others, which a healthy owner supersedes.
const GENERATED: &[&str] = &["CertificateRequest", "Challenge", "HelmChart", "InstallPlan", "Order"];

/// Reasons that blame what was deployed.
const DEPLOYED: &[&str] = &["ComponentUnhealthy", "HealthCheckFailed", "InstallCheckFailed"];
/// What Helm says of a release whose workloads do not get ready.
const WAITED: &[&str] = &["context deadline exceeded", "timed out waiting", "timeout waiting"];

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    for resource in &context.state.custom_resources {
        if let Some(fault) = fault(context, resource)
            && !ancestors(context, resource).iter().any(|owner| self::fault(context, owner).is_none())
        {
            state(context, facts, fault);
        }
    }
    unreconciled::run(context, facts);
}

/// Why a custom resource is not as it should be.
struct Fault<'a> {
    resource: &'a CustomResource,
    statement: Option<&'a Statement>,
    dangling: Option<&'a Reference>,
}

fn age(context: &Context<'_>, time: Time) -> i64 {
    context.state.age_seconds(time).unwrap_or(i64::MAX)
}

fn is_idle(resource: &CustomResource) -> bool {
    resource.paused || resource.metadata.deletion_timestamp.is_some()
}

fn fault<'a>(context: &Context<'_>, resource: &'a CustomResource) -> Option<Fault<'a>> {
    if is_idle(resource) {
        return None;
    }
    let created = resource.metadata.creation_timestamp;
    let worst = resource.worst();
    let since = worst.map_or(created, |worst| if worst.since.is_some() { worst.since } else { created });
    let statement = worst.filter(|worst| match worst.health {
        Health::Bad => age(context, since) >= LASTING,
        Health::Slow => age(context, since) > AT_WORK,
        Health::Unknown | Health::Good => false,
    });
    let fine = worst.is_some_and(|worst| worst.health == Health::Good);
    let dangling = dangling(context, resource).filter(|_| !fine && age(context, created) >= DANGLING);
    (statement.is_some() || dangling.is_some()).then_some(Fault { resource, statement, dangling })
}

/// The first object it names that does not exist.
fn dangling<'a>(context: &Context<'_>, resource: &'a CustomResource) -> Option<&'a Reference> {
    let missing = |reference: &&Reference| {
        let object = &reference.object;
        context.state.exists(&object.kind, object.ns(), &object.name) == Truth::False
    };
    resource.references.iter().filter(|one| !one.field.starts_with("status.")).find(missing)
}

/// The objects for which this one was generated, the nearest first.
fn ancestors<'a>(context: &Context<'a>, resource: &CustomResource) -> Vec<&'a CustomResource> {
    let mut found: Vec<&CustomResource> = Vec::new();
    let mut below = resource.object_ref();
    while GENERATED.contains(&below.kind.as_str()) && found.len() < GENERATED.len() {
        let makers = context.topology.to(&below).filter(|edge| {
            edge.relation == Relation::Owns || (edge.stated_in == "status.helmChart" && edge.to == below)
        });
        let Some(owner) = makers.filter_map(|edge| context.state.custom_resource(&edge.from)).next() else {
            break;
        };
        below = owner.object_ref();
        found.push(owner);
    }
    found
}

/// The custom resources that this one builds on or made and that are at fault themselves.
fn beneath<'a>(context: &Context<'a>, fault: &Fault<'_>) -> Option<Fault<'a>> {
    // What does not exist is a fault of its own, whatever else is wrong.
    if fault.dangling.is_some() {
        return None;
    }
    let object = fault.resource.object_ref();
    let made = managed_by(context.topology, &object);
    let named = fault.resource.references.iter().map(|reference| &reference.object);
    let mut below = made.chain(named).filter_map(|object| context.state.custom_resource(object));
    below.find_map(|resource| self::fault(context, resource))
}

/// States the fault of the deepest resource that has one; those above only follow.
fn state<'a>(context: &Context<'a>, facts: &mut Facts, fault: Fault<'a>) {
    let mut chain = vec![fault];
    let mut seen: BTreeSet<ObjectRef> = BTreeSet::new();
    while let Some(last) = chain.last() {
        seen.insert(last.resource.object_ref());
        match beneath(context, last).filter(|next| !seen.contains(&next.resource.object_ref())) {
            Some(next) => chain.push(next),
            None => break,
        }
    }
    let Some(deepest) = chain.pop() else { return };
    let mut fact = described(context, &deepest);
    for above in chain.iter().rev() {
        fact = fact.affects(above.resource.object_ref()).evidence(evidence(above));
    }
    for resource in chain.iter().chain([&deepest]).map(|fault| fault.resource) {
        for object in users(context, resource) {
            fact = fact.affects(object);
        }
    }
    facts.add(fact);
}

fn described(context: &Context<'_>, fault: &Fault<'_>) -> Fact {
    let Fault { resource, statement, dangling } = fault;
    let family = resource.kind.custom().map_or("", |known| known.family);
    let mut fact = Fact::new("custom.unhealthy", resource.object_ref())
        .param("kind", resource.kind.to_string())
        .param("family", family)
        .param("by", by(fault))
        .param("condition", statement.map_or("", |one| one.r#type.as_str()))
        .evidence(evidence(fault));
    if let Some(statement) = statement {
        let word = if statement.reason.is_empty() { &statement.status } else { &statement.reason };
        fact = fact.param("reason", word.clone()).since(statement.since.get());
        if !statement.message.is_empty() {
            fact = fact.param("message", statement.message.clone());
        }
    }
    if let Some(reference) = dangling {
        let object = reference.object.clone();
        fact = fact.param("field", reference.field).param("missing", object.to_string());
        if let Some(closest) = closest(context, &object) {
            fact = fact.param("closest", closest);
        }
        fact = fact.object("missing", object);
    }
    let ancestors = ancestors(context, resource);
    if let Some(secret) = ancestors.iter().copied().chain([*resource]).find_map(|one| one.secret.as_deref()) {
        fact = fact.param("secret", secret);
    }
    match ancestors.last() {
        Some(edited) => fact.object("edited", edited.object_ref()).affects(edited.object_ref()),
        None => fact,
    }
}

fn by(fault: &Fault<'_>) -> &'static str {
    let deployed = fault.statement.is_some_and(|statement| {
        let waited = || WAITED.iter().any(|words| statement.message.contains(words));
        statement.path == "status.health.status"
            || DEPLOYED.contains(&statement.reason.as_str())
            || (fault.resource.kind.as_str() == "HelmRelease" && waited())
    });
    match fault.dangling {
        Some(_) => "reference",
        None if deployed => "deployed",
        None => "itself",
    }
}

fn evidence(fault: &Fault<'_>) -> Vec<Evidence> {
    let object = fault.resource.object_ref();
    let mut found = Vec::new();
    if let Some(statement) = fault.statement {
        let value = format!("{} {}", statement.status, statement.reason);
        found.push(
            Evidence::status(object.clone(), statement.path.clone(), value.trim())
                .excerpt(statement.message.clone())
                .at(statement.since.get()),
        );
    }
    if let Some(reference) = fault.dangling {
        found.push(Evidence::spec(object, reference.field, reference.object.to_string()));
        found.push(Evidence::absence(reference.object.clone(), "it is not in its list"));
    }
    found
}

/// An object of the kind and namespace whose name is nearly this one.
fn closest(context: &Context<'_>, object: &ObjectRef) -> Option<String> {
    let state = context.state;
    let names: Vec<&str> = match &object.kind {
        Kind::Service => {
            state.services.in_namespace(object.ns()).iter().map(|one| one.metadata.name.as_str()).collect()
        }
        Kind::Secret => {
            state.secrets.in_namespace(object.ns()).iter().map(|one| one.metadata.name.as_str()).collect()
        }
        kind if kind.is_workload() => {
            let all = state.workloads.in_namespace(object.ns()).iter();
            all.filter(|one| one.kind == *kind).map(|one| one.metadata.name.as_str()).collect()
        }
        kind => {
            let all = state.custom_resources.in_namespace(object.ns()).iter();
            all.filter(|one| one.kind == *kind).map(|one| one.metadata.name.as_str()).collect()
        }
    };
    super::container::nearest(&object.name, names.into_iter()).map(|name| name.to_string())
}

/// Those who use the Secret that a resource should make: Ingresses, and workloads where it is missing.
fn users(context: &Context<'_>, resource: &CustomResource) -> Vec<ObjectRef> {
    let Some(secret) = resource.secret.as_deref().filter(|name| !name.is_empty()) else { return Vec::new() };
    let namespace = resource.metadata.namespace.as_str();
    let missing = context.state.exists(&Kind::Secret, namespace, secret) == Truth::False;
    let secret = ObjectRef::new(Kind::Secret, namespace, secret);
    let uses = context.topology.to(&secret).map(|edge| &edge.from);
    let affected = |object: &&ObjectRef| {
        object.kind == Kind::Ingress || (missing && (object.kind.is_workload() || object.kind == Kind::Pod))
    };
    uses.filter(affected).cloned().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::test_state::{facts_of, state};
    use super::*;

    fn made(kind: &str, name: &str, owner: Option<(&str, &str)>, rest: Value) -> Value {
        let mut object = rest;
        object["kind"] = kind.into();
        let owners: Vec<Value> = owner
            .iter()
            .map(|(kind, name)| json!({"kind": kind, "name": name, "controller": true}))
            .collect();
        object["metadata"] =
            json!({"name": name, "creationTimestamp": "2026-03-01T11:00:00Z", "ownerReferences": owners});
        object
    }

    fn not_ready(message: &str) -> Value {
        json!({"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "Failed", "message": message, "lastTransitionTime": "2026-03-01T11:10:00Z"}]}})
    }

    fn ready() -> Value {
        json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}})
    }

    fn unhealthy(objects: &[Value]) -> Vec<Fact> {
        let facts = facts_of(run, &state(objects));
        facts.named("custom.unhealthy").cloned().collect()
    }

    #[test]
    fn the_deepest_generated_object_tells_why_and_the_written_one_is_edited() {
        let order = json!({"status": {"state": "invalid", "reason": "no TXT record"}});
        let objects = [
            made("Certificate", "web", None, not_ready("the request failed")),
            made("CertificateRequest", "web-1", Some(("Certificate", "web")), not_ready("order failed")),
            made("Order", "web-1-77", Some(("CertificateRequest", "web-1")), order),
        ];
        let facts = unhealthy(&objects);
        assert_eq!(facts.len(), 1);
        assert_eq!(facts[0].subject.kind.as_str(), "Order");
        assert_eq!(facts[0].text("message"), "no TXT record");
        assert_eq!(facts[0].refs["edited"].to_string(), "Certificate shop/web");
        assert_eq!(facts[0].affects.len(), 2);
    }

    #[test]
    fn what_failed_before_its_owner_became_healthy_is_history() {
        let objects = [
            made("Certificate", "web", None, ready()),
            made("CertificateRequest", "web-1", Some(("Certificate", "web")), not_ready("order failed")),
        ];
        assert!(unhealthy(&objects).is_empty());
    }

    #[test]
    fn a_suspended_release_and_one_that_is_at_work_are_no_faults() {
        let mut suspended = not_ready("install failed");
        suspended["spec"] = json!({"suspend": true});
        let mut working = not_ready("reconciling");
        working["status"]["conditions"][0]["reason"] = "Progressing".into();
        working["status"]["conditions"][0]["lastTransitionTime"] = "2026-03-01T11:59:00Z".into();
        let objects =
            [made("HelmRelease", "a", None, suspended), made("HelmRelease", "b", None, working.clone())];
        assert!(unhealthy(&objects).is_empty());
        working["status"]["conditions"][0]["lastTransitionTime"] = "2026-03-01T11:00:00Z".into();
        assert_eq!(unhealthy(&[made("HelmRelease", "b", None, working)]).len(), 1);
    }

    #[test]
    fn a_release_follows_the_source_that_it_builds_on() {
        let mut release = not_ready("no artifact");
        release["spec"] =
            json!({"chart": {"spec": {"sourceRef": {"kind": "HelmRepository", "name": "charts"}}}});
        let objects = [
            made("HelmRelease", "shop", None, release.clone()),
            made("HelmRepository", "charts", None, not_ready("401 Unauthorized")),
        ];
        let facts = unhealthy(&objects);
        assert_eq!(facts.len(), 1);
        assert_eq!(facts[0].subject.to_string(), "HelmRepository shop/charts");
        let facts = unhealthy(&[
            made("HelmRelease", "shop", None, release),
            made("HelmRepository", "chart", None, ready()),
        ]);
        assert_eq!((facts[0].text("by"), facts[0].text("closest")), ("reference", "chart"));
    }
}

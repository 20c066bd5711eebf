//! Pods and claims that controllers may not create: who refuses them, and over what.
//!
//! A refusal counts only while the controller still lacks what it wanted to create: events of
//! a deployment's first seconds are followed by success and are history. The order in which
//! an API server refuses is no ranking; each refusal is stated about the object that causes it.

mod counted;
mod defaults;
mod logged;
mod message;
mod rewritten;
mod webhook;

use std::collections::BTreeMap;

use self::message::{Amount, Refusal, refusal};
use super::health::{affecting, condition_evidence, creation_gap};
use super::{Context, Fact, FactSpec, Facts};
use crate::cluster::quantity::Quantity;
use crate::cluster::topology::references;
use crate::cluster::types::{Object, ResourceQuota, Text, Workload, condition};
use crate::cluster::{Kind, ObjectRef, Truth};
use crate::evidence::Evidence;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[
    FactSpec {
        name: "admission.refused",
        about: "the workload's controller cannot create its pods, now, and this refuses them",
        params: &[
            (
                "by",
                "limit-range, quota-unspecified, quota-unknown, service-account, pod-security, security-constraint, priority-class, runtime-class, webhook-denies, policy-denies, namespace-terminating, invalid, forbidden or other",
            ),
            ("name", "the class, account, webhook or policy that the message names"),
            ("level", "the Pod Security level that is enforced"),
            ("account", "the service account whose security context constraints allow too little"),
            ("reason", "what the message says is wrong"),
            ("message", "the whole message"),
            ("wanted", "how many pods are wanted"),
            ("have", "how many there are"),
            ("certainty", "suggestive where only the message says so and the object exists now"),
        ],
        refs: &[
            ("limit_range", "the LimitRange"),
            ("quota", "the ResourceQuota"),
            ("missing", "the object that does not exist"),
            ("namespace", "the namespace"),
            ("webhook", "the webhook configuration"),
        ],
    },
    FactSpec {
        name: "quota.exceeded",
        about: "a ResourceQuota keeps objects from being created, now",
        params: &[
            ("group", "cpu, memory, pods, services, storage, ephemeral-storage, extended or objects"),
            ("resource", "the quota's resource, such as requests.cpu"),
            ("hard", "how much the quota allows"),
            ("used", "how much of it is used"),
            ("requested", "how much more was asked for"),
            ("workloads", "whose objects are missing"),
            ("message", "the API server's message"),
            ("certainty", "decisive from a message, computed from the quota's status"),
        ],
        refs: &[
            ("namespace", "the namespace"),
            ("missing", "the object that is needed, does not exist, and could not be created"),
        ],
    },
    webhook::FACT,
    defaults::FACT,
    rewritten::FACT,
];

/// One controller that lacks objects, and what was said about it.
struct Blocked<'a> {
    /// The workload a person edits.
    workload: ObjectRef,
    message: &'a str,
    refusal: Option<Refusal>,
    wanted: i64,
    have: i64,
    evidence: Evidence,
    since: Option<jiff::Timestamp>,
}

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    let blocked = blocked(context);
    for one in &blocked {
        if let Some(fact) = refused(context, one) {
            facts.add(fact);
        }
    }
    webhook::failing(context, &blocked, facts);
    exceeded(context, &blocked, facts);
    silent(context, &blocked, facts);
    counted::run(context, facts);
    defaults::run(context, facts);
    rewritten::run(context, facts);
}

/// Controllers that want more than they have, with the last refusal that nothing superseded.
fn blocked<'a>(context: &Context<'a>) -> Vec<Blocked<'a>> {
    let mut found: Vec<Blocked<'a>> = Vec::new();
    for owner in &context.state.workloads {
        let object = owner.object_ref();
        // A CronJob makes one Job at a time, and what it failed to make it lacks.
        let gap = match owner.kind {
            Kind::CronJob => (!owner.spec.suspend).then_some((1, 0)),
            _ => creation_gap(context, &object),
        };
        let Some((wanted, have)) = gap else { continue };
        let Some((message, evidence, since)) = last_refusal(context, owner) else { continue };
        let workload = context.topology.workload_of(&object);
        // A Deployment repeats its ReplicaSet's condition.
        if found.iter().any(|known| known.workload == workload) {
            continue;
        }
        found.push(Blocked { workload, message, refusal: refusal(message), wanted, have, evidence, since });
    }
    found.sort_by(|a, b| a.workload.cmp(&b.workload));
    found
}

/// The newest refusal of a controller, unless a success followed it.
fn last_refusal<'a>(
    context: &Context<'a>,
    owner: &'a Workload,
) -> Option<(&'a str, Evidence, Option<jiff::Timestamp>)> {
    let object = owner.object_ref();
    let events = context.state.events_of(&object);
    let failed = events.iter().rev().find(|event| event.reason == "FailedCreate");
    let created = events.iter().rev().find(|event| event.reason == "SuccessfulCreate");
    let gone_on = owner.kind == Kind::CronJob
        && failed.is_some_and(|failed| failed.last() <= owner.status.last_schedule_time);
    if let Some(failed) = failed
        && created.is_none_or(|created| created.last() <= failed.last())
        && !gone_on
    {
        return Some((&failed.message, Evidence::event(failed), failed.first().get()));
    }
    let failure =
        condition(&owner.status.conditions, "ReplicaFailure").filter(|failure| failure.is_true())?;
    if failure.message.is_empty() {
        return None;
    }
    Some((&failure.message, condition_evidence(object, failure), failure.last_transition_time.get()))
}

/// The refusals whose object to change is the workload itself, or which it shares with nothing.
fn refused(context: &Context<'_>, blocked: &Blocked<'_>) -> Option<Fact> {
    let namespace = blocked.workload.ns();
    let fact = Fact::new("admission.refused", blocked.workload.clone())
        .param("message", blocked.message)
        .param("wanted", blocked.wanted)
        .param("have", blocked.have)
        .object("namespace", ObjectRef::cluster(Kind::Namespace, namespace))
        .evidence([blocked.evidence.clone()])
        .since(blocked.since);
    let fact = match blocked.refusal.as_ref() {
        Some(Refusal::Quota { .. } | Refusal::WebhookFails { .. }) => return None,
        None => fact.param("by", "other").param("reason", blocked.message),
        Some(Refusal::LimitRange { bound }) => {
            let ranges = context.state.limit_ranges.in_namespace(namespace);
            let fact = fact.param("by", "limit-range").param("reason", bound.clone());
            match ranges {
                [only] => fact.object("limit_range", only.object_ref()),
                _ => fact,
            }
        }
        Some(Refusal::QuotaUnspecified { quota, missing }) => fact
            .param("by", "quota-unspecified")
            .param("reason", missing.clone())
            .object("quota", ObjectRef::new(Kind::ResourceQuota, namespace, quota)),
        Some(Refusal::QuotaUnknown { quota }) => fact
            .param("by", "quota-unknown")
            .object("quota", ObjectRef::new(Kind::ResourceQuota, namespace, quota)),
        Some(Refusal::ServiceAccount { name }) => {
            absent(context, fact, "service-account", Kind::ServiceAccount, name)
        }
        Some(Refusal::PriorityClass { name }) => {
            absent(context, fact, "priority-class", Kind::PriorityClass, name)
        }
        Some(Refusal::RuntimeClass { name }) => {
            absent(context, fact, "runtime-class", Kind::RuntimeClass, name)
        }
        Some(Refusal::PodSecurity { level, violations }) => {
            fact.param("by", "pod-security").param("level", level.clone()).param("reason", violations.clone())
        }
        Some(Refusal::Constraint { violations }) => {
            let workload = context.state.workload_of(&blocked.workload);
            let account = workload.map_or("default", |found| found.template().spec.service_account());
            fact.param("by", "security-constraint")
                .param("account", if account.is_empty() { "default" } else { account })
                .param("reason", violations.clone())
        }
        Some(Refusal::WebhookDenies { webhook, reason }) => {
            let fact = fact
                .param("by", "webhook-denies")
                .param("name", webhook.clone())
                .param("reason", reason.clone());
            match webhook::configuration(context, webhook) {
                Some(configuration) => fact.object("webhook", configuration.object_ref()),
                None => fact,
            }
        }
        Some(Refusal::Policy { policy, reason }) => {
            fact.param("by", "policy-denies").param("name", policy.clone()).param("reason", reason.clone())
        }
        Some(Refusal::Terminating) => fact.param("by", "namespace-terminating"),
        Some(Refusal::Invalid { reason }) => fact.param("by", "invalid").param("reason", reason.clone()),
        Some(Refusal::Forbidden { reason }) => fact.param("by", "forbidden").param("reason", reason.clone()),
    };
    Some(fact)
}

/// A refusal over an object that is said not to exist, checked against what was read.
fn absent(context: &Context<'_>, fact: Fact, by: &str, kind: Kind, name: &str) -> Fact {
    let namespace = if kind.namespaced() { fact.subject.ns().to_owned() } else { String::new() };
    let missing = ObjectRef::new(kind, &namespace, name);
    let fact = fact.param("by", by).param("name", name).object("missing", missing.clone());
    match context.state.exists(&missing.kind, &namespace, name) {
        Truth::True => fact.param("certainty", "suggestive"),
        Truth::False => fact.evidence([Evidence::absence(missing, "does not exist")]),
        Truth::Unknown => fact,
    }
}

/// Controllers that lack pods without a word: what they reference and what is not there.
fn silent(context: &Context<'_>, blocked: &[Blocked<'_>], facts: &mut Facts) {
    for workload in context.state.workloads.iter().filter(|workload| workload.kind != Kind::CronJob) {
        let owner = workload.object_ref();
        let object = context.topology.workload_of(&owner);
        let Some((wanted, have)) = creation_gap(context, &owner) else { continue };
        if have > 0
            || blocked.iter().any(|known| known.workload == object)
            || facts.holds("admission.refused", &object)
        {
            continue;
        }
        for (kind, name, _, path, _) in references(&workload.template().spec) {
            let by = match kind {
                Kind::ServiceAccount => "service-account",
                Kind::PriorityClass => "priority-class",
                Kind::RuntimeClass => "runtime-class",
                _ => continue,
            };
            let namespace = if kind.namespaced() { object.ns() } else { "" };
            if context.state.exists(&kind, namespace, &name) != Truth::False || name.starts_with("system-") {
                continue;
            }
            let fact = Fact::new("admission.refused", object.clone())
                .param("wanted", wanted)
                .param("have", have)
                .param("certainty", "computed")
                .evidence([Evidence::spec(
                    owner.clone(),
                    format!("spec.template.spec.{path}"),
                    name.clone(),
                )]);
            facts.add(absent(context, fact, by, kind, &name));
        }
    }
}

/// Quotas that refuse, one fact a quota and group of resources.
fn exceeded(context: &Context<'_>, blocked: &[Blocked<'_>], facts: &mut Facts) {
    let mut by_quota: BTreeMap<(ObjectRef, String), Fact> = BTreeMap::new();
    for one in blocked {
        let Some(Refusal::Quota { quota, amounts }) = &one.refusal else { continue };
        let quota = ObjectRef::new(Kind::ResourceQuota, one.workload.ns(), quota);
        for amount in amounts {
            let group = resource_group(&amount.resource);
            let fact = by_quota
                .entry((quota.clone(), group.to_owned()))
                .or_insert_with(|| no_room(quota.clone(), amount, one.message).since(one.since));
            *fact = fact.clone().affects(one.workload.clone()).evidence([one.evidence.clone()]);
        }
    }
    for ((quota, _), fact) in by_quota {
        let found = context.state.quotas.get(quota.ns(), &quota.name);
        facts.add(named_workloads(match found {
            Some(found) => fact.evidence([usage_evidence(found)]),
            None => fact,
        }));
    }
    unsaid(context, blocked, facts);
    logged::run(context, facts);
}

/// A quota refuses an amount, with these words.
fn no_room(quota: ObjectRef, amount: &Amount, message: &str) -> Fact {
    let namespace = ObjectRef::cluster(Kind::Namespace, quota.ns());
    Fact::new("quota.exceeded", quota)
        .param("group", resource_group(&amount.resource))
        .param("resource", amount.resource.clone())
        .param("hard", amount.limited.clone())
        .param("used", amount.used.clone())
        .param("requested", amount.requested.clone())
        .param("message", message)
        .param("certainty", "decisive")
        .object("namespace", namespace)
}

/// Quotas that are used up while workloads lack pods and the events that would say so are gone.
fn unsaid(context: &Context<'_>, blocked: &[Blocked<'_>], facts: &mut Facts) {
    for quota in &context.state.quotas {
        let namespace = quota.metadata.namespace.as_str();
        for (resource, hard) in hard(quota) {
            let group = resource_group(resource);
            if !matches!(group, "cpu" | "memory" | "pods" | "ephemeral-storage" | "extended") {
                continue;
            }
            let used = quota.status.used.get(resource.as_str()).copied().unwrap_or_default();
            let short: Vec<ObjectRef> = context
                .state
                .workloads
                .in_namespace(namespace)
                .iter()
                .filter(|workload| creation_gap(context, &workload.object_ref()).is_some())
                .filter(|workload| used.plus(asked(workload, resource)) > *hard)
                .map(|workload| context.topology.workload_of(&workload.object_ref()))
                .filter(|workload| {
                    !blocked.iter().any(|known| known.workload == *workload && known.refusal.is_some())
                })
                .collect();
            if short.is_empty() {
                continue;
            }
            let fact = Fact::new("quota.exceeded", quota.object_ref())
                .param("group", group)
                .param("resource", resource.clone())
                .param("hard", hard.to_string())
                .param("used", used.to_string())
                .param("certainty", "computed")
                .object("namespace", ObjectRef::cluster(Kind::Namespace, namespace))
                .evidence([usage_evidence(quota)]);
            facts.add(named_workloads(affecting(fact, short)));
        }
    }
}

/// What a quota allows, as its controller has taken it over, else as written.
fn hard(quota: &ResourceQuota) -> impl Iterator<Item = (&Text, &Quantity)> {
    if quota.status.hard.is_empty() { quota.spec.hard.iter() } else { quota.status.hard.iter() }
}

/// What one more pod of a workload would add to a quota's resource.
fn asked(workload: &Workload, resource: &str) -> Quantity {
    if resource == "pods" || resource == "count/pods" {
        return Quantity::from_units(1);
    }
    let (limits, name) = match resource.strip_prefix("limits.") {
        Some(name) => (true, name),
        None => (false, resource.strip_prefix("requests.").unwrap_or(resource)),
    };
    if !limits {
        return super::scheduling::requests(&workload.template().spec).get(name).copied().unwrap_or_default();
    }
    let containers = workload.template().spec.containers.iter();
    containers
        .filter_map(|container| container.resources.limits.get(name))
        .fold(Quantity::ZERO, |sum, amount| sum.plus(*amount))
}

/// What a quota's resource is about.
fn resource_group(resource: &str) -> &'static str {
    let name =
        resource.trim_start_matches("requests.").trim_start_matches("limits.").trim_start_matches("count/");
    match name {
        "cpu" => "cpu",
        "memory" => "memory",
        "pods" => "pods",
        "ephemeral-storage" => "ephemeral-storage",
        "storage" | "persistentvolumeclaims" => "storage",
        _ if name.starts_with("services") => "services",
        _ if name.contains(".storageclass.storage.k8s.io/") => "storage",
        _ if resource.starts_with("requests.") => "extended",
        _ => "objects",
    }
}

fn usage_evidence(quota: &ResourceQuota) -> Evidence {
    let text = hard(quota)
        .map(|(resource, hard)| {
            let used = quota.status.used.get(resource.as_str()).copied().unwrap_or_default();
            format!("{resource} {used} of {hard}")
        })
        .collect::<Vec<_>>()
        .join(", ");
    Evidence::status(quota.object_ref(), "status.used", text)
}

/// Adds the names of what a fact affects, for its summary.
fn named_workloads(fact: Fact) -> Fact {
    let names: Vec<&str> = fact.affects.iter().map(|object| &*object.name).collect();
    let names = names.join(", ");
    fact.param("workloads", names)
}

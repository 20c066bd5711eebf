//! Selectors that match nothing, or the pods of somebody else too.

use std::collections::BTreeSet;

use crate::cluster::selector::Labels;
use crate::cluster::types::{IntOrString, Object, Service, ServicePort, Text, Workload};
use crate::cluster::{Kind, ObjectRef};
use crate::diagnose::net;
use crate::diagnose::{Context, Fact, FactSpec, Facts};
use crate::evidence::Evidence;

pub(super) const NO_MATCH: FactSpec = FactSpec {
    name: "service.selector",
    about: "a Service's selector matches no pod, and no workload would make one that it matches",
    params: &[
        ("class", "value, key, extra-label or nothing: how the closest workload's labels differ"),
        ("selector", "the selector"),
        ("differs", "the selector's labels that the closest workload lacks"),
        ("labels", "that workload's labels"),
        ("certainty", "computed where a workload is close, else suggestive"),
    ],
    refs: &[("workload", "the workload that the selector nearly matches")],
};

pub(super) const TOO_BROAD: FactSpec = FactSpec {
    name: "service.too-broad",
    about: "a Service sends requests to pods of another application as well as to its own",
    params: &[
        ("selector", "the selector"),
        ("strangers", "the other workloads whose pods it selects"),
        ("label", "a label of its own workload that would tell them apart"),
    ],
    refs: &[("workload", "the workload that the Service is for"), ("stranger", "another workload behind it")],
};

pub(super) fn examine(context: &Context<'_>, service: &Service, facts: &mut Facts) {
    let object = service.object_ref();
    let behind = net::behind(context, &object);
    if behind.is_empty() {
        no_match(context, service, facts);
    } else if behind.len() > 1 {
        too_broad(context, service, &behind, facts);
    }
}

fn no_match(context: &Context<'_>, service: &Service, facts: &mut Facts) {
    let namespace = service.metadata.namespace.as_str();
    let read = |kind: Kind| context.state.was_read(&kind, namespace);
    // Addresses that someone maintains by hand need no pods.
    if !read(Kind::Pod) || !read(Kind::Deployment) || net::has_ready_endpoint(context, service) {
        return;
    }
    let object = service.object_ref();
    let users = net::users_of(context, &object);
    let wanted = text(&service.spec.selector);
    let absent = Evidence::absence(object.clone(), format!("no pod has the labels {wanted}"));
    let stated = Evidence::spec(object.clone(), "spec.selector", wanted.clone());
    let Some(close) = closest(context, service) else {
        if !users.is_empty() {
            let fact = Fact::new(NO_MATCH.name, object)
                .param("class", "nothing")
                .param("selector", wanted)
                .param("certainty", "suggestive")
                .evidence([stated, absent]);
            facts.add(users.into_iter().fold(fact, Fact::affects));
        }
        return;
    };
    let labels = &close.template().metadata.labels;
    let differs: Labels = service
        .spec
        .selector
        .iter()
        .filter(|(key, value)| labels.get(*key) != Some(*value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let workload = close.object_ref();
    let fact = Fact::new(NO_MATCH.name, object)
        .param("class", class(&differs, labels))
        .param("selector", wanted)
        .param("differs", text(&differs))
        .param("labels", text(labels))
        .param("certainty", "computed")
        .evidence([
            stated,
            Evidence::spec(workload.clone(), "spec.template.metadata.labels", text(labels)),
            absent,
        ])
        .object("workload", workload);
    facts.add(users.into_iter().fold(fact, Fact::affects));
}

/// How the selector misses: another value, another key, or a label that the pods lack.
fn class(differs: &Labels, labels: &Labels) -> &'static str {
    if differs.keys().any(|key| labels.contains_key(key)) {
        "value"
    } else if differs.values().any(|value| labels.values().any(|own| own == value)) {
        "key"
    } else {
        "extra-label"
    }
}

/// The workload whose template comes closest to what the selector asks for.
fn closest<'a>(context: &Context<'a>, service: &Service) -> Option<&'a Workload> {
    let kinds = [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet];
    let mut best: Option<(&Workload, f64)> = None;
    for workload in context.state.workloads.in_namespace(&service.metadata.namespace) {
        if !kinds.contains(&workload.kind) && !workload.metadata.owner_references.is_empty() {
            continue;
        }
        let score = closeness(service, workload);
        if score > 0.5 && best.is_none_or(|(_, known)| score > known) {
            best = Some((workload, score));
        }
    }
    best.map(|(workload, _)| workload)
}

/// From 0 to above 1: the share of the selector that fits or nearly fits, and whether the names agree.
fn closeness(service: &Service, workload: &Workload) -> f64 {
    let labels = &workload.template().metadata.labels;
    let selector = &service.spec.selector;
    let one = |(key, value): (&Text, &Text)| match labels.get(key) {
        Some(own) if own == value => 1.0,
        Some(own) => strsim::normalized_damerau_levenshtein(own, value) * 0.8,
        None if labels.values().any(|own| own == value) => 0.8,
        None => 0.0,
    };
    let fit: f64 = selector.iter().map(one).sum();
    let share = fit / f64::from(u32::try_from(selector.len().max(1)).unwrap_or(1));
    let (name, other) = (&service.metadata.name, &workload.metadata.name);
    let namesake = if name == other {
        0.5
    } else if name.starts_with(other.as_str()) || other.starts_with(name.as_str()) {
        0.2
    } else {
        0.0
    };
    share + namesake
}

fn too_broad(context: &Context<'_>, service: &Service, behind: &[ObjectRef], facts: &mut Facts) {
    // A headless Service over several workloads is how clusters of peers find each other.
    if service.spec.cluster_ip == "None" {
        return;
    }
    let Some(own) = behind.iter().find(|workload| belongs(context, service, workload)) else { return };
    let images = |workload: &ObjectRef| -> BTreeSet<String> {
        let spec = net::spec_of(context, workload);
        spec.into_iter()
            .flat_map(|spec| &spec.containers)
            .map(|container| net::repository(&container.image).to_owned())
            .collect()
    };
    let own_images = images(own);
    let strangers: Vec<&ObjectRef> = behind
        .iter()
        .filter(|other| *other != own && !is_variant(own, other))
        .filter(|other| images(other).is_disjoint(&own_images) && !net::live_pods(context, other).is_empty())
        .filter(|other| {
            identity(context, other) != identity(context, own) || cannot_serve(context, service, own, other)
        })
        .filter(|other| !belongs(context, service, other) && !matches!(other.kind, Kind::Job | Kind::CronJob))
        .collect();
    let Some(stranger) = strangers.first() else { return };
    let object = service.object_ref();
    let mut fact = Fact::new(TOO_BROAD.name, object.clone())
        .param("selector", text(&service.spec.selector))
        .param("strangers", strangers.iter().map(|one| one.name.to_string()).collect::<Vec<_>>())
        .object("workload", own.clone())
        .object("stranger", (*stranger).clone())
        .evidence([Evidence::spec(object.clone(), "spec.selector", text(&service.spec.selector))])
        .evidence(behind.iter().map(|workload| {
            Evidence::spec(
                workload.clone(),
                "spec.template.spec.containers[].image",
                images(workload).into_iter().collect::<Vec<_>>().join(", "),
            )
        }));
    if let Some(label) = tells_apart(context, own, &strangers) {
        fact = fact.param("label", label);
    }
    facts.add(net::users_of(context, &object).into_iter().fold(fact, Fact::affects));
}

/// Whether the Service is meant for this workload: one carries the other's name.
fn belongs(context: &Context<'_>, service: &Service, workload: &ObjectRef) -> bool {
    let name = service.metadata.name.as_str();
    name == &*workload.name
        || identity(context, workload)
            .is_some_and(|label| label.split_once('=').is_some_and(|(_, own)| own == name))
}

/// `web-canary`, `web-v2`, `web-blue` beside `web`: the same application in another version.
fn is_variant(own: &ObjectRef, other: &ObjectRef) -> bool {
    const MARKS: [&str; 10] =
        ["canary", "blue", "green", "stable", "preview", "baseline", "primary", "shadow", "old", "new"];
    let rest = |long: &str, short: &str| {
        long.strip_prefix(short).map(|rest| rest.trim_start_matches('-').to_owned())
    };
    let Some(mark) = rest(&other.name, &own.name).or_else(|| rest(&own.name, &other.name)) else {
        return false;
    };
    let version = mark.strip_prefix('v').is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()));
    version || MARKS.contains(&mark.as_str())
}

/// Labels that say which application a workload is.
const IDENTITY: [&str; 4] = ["app.kubernetes.io/name", "app", "k8s-app", "name"];
/// Labels that say which part of an application it is.
const PART: [&str; 4] = ["app.kubernetes.io/component", "component", "role", "tier"];

fn labels<'a>(context: &Context<'a>, workload: &ObjectRef) -> Option<&'a Labels> {
    Some(match context.state.workload_of(workload) {
        Some(found) => &found.template().metadata.labels,
        None => &context.topology.pods_of(workload).first()?.metadata.labels,
    })
}

/// The label that says which application a workload is.
fn identity(context: &Context<'_>, workload: &ObjectRef) -> Option<String> {
    let labels = labels(context, workload)?;
    IDENTITY.iter().find_map(|key| labels.get(*key).map(|value| format!("{key}={value}")))
}

/// Whether another part of the same application declares ports, but not the one that the Service
/// sends to, which its own workload does declare.
fn cannot_serve(context: &Context<'_>, service: &Service, own: &ObjectRef, other: &ObjectRef) -> bool {
    let (Some(mine), Some(theirs)) = (labels(context, own), labels(context, other)) else { return false };
    let part = PART.iter().any(|key| mine.get(*key).is_some_and(|own| theirs.get(*key) != Some(own)));
    let declares = |workload: &ObjectRef, port: &ServicePort| {
        let mut ports = net::spec_of(context, workload).into_iter().flat_map(net::declared_ports);
        let number = port.target_port.as_ref().map_or(Some(port.port), IntOrString::as_int);
        let name = port.target_port.as_ref().and_then(IntOrString::as_name);
        ports.any(|own| number == Some(own.container_port) || name == Some(own.name.as_str()))
    };
    let declares_any = net::spec_of(context, other).is_some_and(|spec| net::declared_ports(spec).count() > 0);
    let lacks = |port: &ServicePort| declares(own, port) && !declares(other, port);
    part && declares_any && !service.spec.ports.is_empty() && service.spec.ports.iter().all(lacks)
}

/// A label of the Service's own workload that none of the others has.
fn tells_apart(context: &Context<'_>, own: &ObjectRef, strangers: &[&ObjectRef]) -> Option<String> {
    let mine = labels(context, own)?;
    let unique = |key: &&str| {
        let value = mine.get(*key);
        value.is_some()
            && strangers
                .iter()
                .all(|other| labels(context, other).and_then(|theirs| theirs.get(*key)) != value)
    };
    let key = IDENTITY.into_iter().chain(PART).find(|key| unique(key))?;
    mine.get(key).map(|value| format!("{key}={value}"))
}

/// `app=web,tier=front`
pub(super) fn text(labels: &Labels) -> String {
    labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

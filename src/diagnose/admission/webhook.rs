//! Webhooks that cannot be asked: which configuration, which backend, and what is wrong there.

use super::super::health::{affecting, service_ready};
use super::super::{Context, Fact, FactSpec, Facts};
use super::Blocked;
use super::message::Refusal;
use crate::cluster::types::{Object, Webhook, WebhookConfiguration};
use crate::cluster::{Kind, ObjectRef, Truth};
use crate::evidence::Evidence;

/// What this file states.
pub(super) const FACT: FactSpec = FactSpec {
    name: "webhook.failing",
    about: "calls to an admission webhook fail, and objects are not created because of it",
    params: &[
        ("webhook", "the webhook's name"),
        ("by", "service-missing, no-endpoints, refused, timeout, tls, dns or error"),
        ("backend", "missing, not-ready, ready or unknown"),
        ("gone", "the Service, where it does not exist"),
        ("down", "what is behind the webhook, where it is not ready"),
        ("reached", "what is behind the webhook, where it is ready and is not reached all the same"),
        ("reason", "the API server's words"),
        ("policy", "the webhook's failurePolicy"),
        ("workloads", "whose pods are not created"),
        ("count", "how many workloads"),
    ],
    refs: &[("service", "the Service behind the webhook"), ("backend", "the workload behind the Service")],
};

/// States which webhooks fail and whom that blocks.
pub(super) fn failing(context: &Context<'_>, blocked: &[Blocked<'_>], facts: &mut Facts) {
    let mut names: Vec<(&str, &str)> = Vec::new();
    for one in blocked {
        if let Some(Refusal::WebhookFails { webhook, reason }) = &one.refusal
            && !names.iter().any(|(known, _)| known == webhook)
        {
            names.push((webhook, reason));
        }
    }
    for (name, reason) in names {
        let hit = |one: &&Blocked<'_>| matches!(&one.refusal, Some(Refusal::WebhookFails { webhook, .. }) if webhook == name);
        let hits: Vec<&Blocked<'_>> = blocked.iter().filter(hit).collect();
        let found = configuration(context, name);
        let subject = found.map_or_else(
            || ObjectRef::cluster(Kind::ValidatingWebhookConfiguration, name),
            Object::object_ref,
        );
        let webhook = found.and_then(|found| found.body.webhooks.iter().find(|webhook| webhook.name == name));
        let service = webhook.and_then(configured_service).or_else(|| service_in(reason));
        let workloads: Vec<String> = hits.iter().map(|one| one.workload.name.to_string()).collect();
        let mut fact = Fact::new("webhook.failing", subject.clone())
            .param("webhook", name)
            .param("reason", reason)
            .param("count", workloads.len())
            .param("workloads", workloads.join(", "))
            .since(hits.iter().filter_map(|one| one.since).min());
        if let Some(webhook) = webhook {
            let policy = if webhook.failure_policy.is_empty() { "Fail" } else { &webhook.failure_policy };
            fact = fact.param("policy", policy).evidence([Evidence::spec(
                subject,
                "webhooks[].failurePolicy",
                policy,
            )]);
        }
        let (mut by, mut backend) = (class(reason), "unknown");
        if let Some(service) = service {
            (backend, fact) = look_behind(context, fact, &service);
            by = match (by, backend) {
                ("tls", _) => "tls",
                (_, "missing") => "service-missing",
                (_, "not-ready") => "no-endpoints",
                (by, _) => by,
            };
        }
        fact = fact.param("by", by).param("backend", backend);
        let behind = ["backend", "service"].iter().find_map(|name| fact.refs.get(name)).cloned();
        let state = match backend {
            "missing" => Some("gone"),
            "not-ready" => Some("down"),
            "ready" => Some("reached"),
            _ => None,
        };
        if let (Some(state), Some(behind)) = (state, behind) {
            fact = fact.param(state, behind.to_string());
        }
        fact = affecting(fact, hits.iter().map(|one| one.workload.clone()));
        facts.add(fact.evidence(hits.iter().map(|one| one.evidence.clone())));
    }
}

/// What stands behind the webhook's Service.
fn look_behind(context: &Context<'_>, fact: Fact, service: &ObjectRef) -> (&'static str, Fact) {
    let mut fact = fact.object("service", service.clone());
    match context.state.exists(&Kind::Service, service.ns(), &service.name) {
        Truth::False => ("missing", fact.evidence([Evidence::absence(service.clone(), "no such Service")])),
        Truth::Unknown => ("unknown", fact),
        Truth::True => {
            if let Some(workload) = context.topology.workloads_behind(service).next() {
                fact = fact.object("backend", workload.clone());
            }
            match service_ready(context, service) {
                Some(true) => ("ready", fact),
                Some(false) => (
                    "not-ready",
                    fact.evidence([Evidence::status(service.clone(), "endpoints", "none ready")]),
                ),
                None => ("unknown", fact),
            }
        }
    }
}

/// The configuration that holds a webhook of this name.
pub(super) fn configuration<'a>(context: &Context<'a>, webhook: &str) -> Option<&'a WebhookConfiguration> {
    context.state.webhooks.iter().find(|found| found.body.webhooks.iter().any(|one| one.name == webhook))
}

fn configured_service(webhook: &Webhook) -> Option<ObjectRef> {
    let service = webhook.client_config.service.as_ref()?;
    Some(ObjectRef::new(Kind::Service, &service.namespace, &service.name))
}

/// The Service in `https://name.namespace.svc:443/path`.
fn service_in(reason: &str) -> Option<ObjectRef> {
    let (_, rest) = reason.split_once("https://")?;
    let host = rest.split([':', '/', '?', '"']).next()?;
    let mut parts = host.split('.');
    let (name, namespace, svc) = (parts.next()?, parts.next()?, parts.next()?);
    (svc == "svc").then(|| ObjectRef::new(Kind::Service, namespace, name))
}

/// How the call failed.
fn class(reason: &str) -> &'static str {
    let has = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    if has(&["x509:", "tls:", "certificate"]) {
        "tls"
    } else if has(&["no endpoints available"]) {
        "no-endpoints"
    } else if reason.contains("service \"") && reason.contains("not found") {
        "service-missing"
    } else if has(&["connection refused"]) {
        "refused"
    } else if has(&["no such host"]) {
        "dns"
    } else if has(&["deadline exceeded", "i/o timeout", "Timeout", "no route to host"]) {
        "timeout"
    } else {
        "error"
    }
}

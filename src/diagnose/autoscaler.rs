//! Why a HorizontalPodAutoscaler does not scale, or cannot scale further.

use super::{Context, Fact, FactSpec, Facts};
use crate::cluster::types::{HorizontalPodAutoscaler, Object, condition};
use crate::cluster::{Kind, ObjectRef, Truth};
use crate::evidence::Evidence;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[
    FactSpec {
        name: "autoscaler.blocked",
        about: "the autoscaler cannot compute or set a number of replicas",
        params: &[
            (
                "by",
                "target-missing, target-kind, missing-requests, no-metrics-api, no-metrics, custom-metric, ambiguous or disabled",
            ),
            ("target", "the object that it scales"),
            ("metric", "the resource that has no metric"),
            ("container", "a container without a request for it"),
            ("closest", "an object of nearly the target's name"),
            ("other", "another autoscaler with the same target"),
            ("message", "what the controller said"),
            ("certainty", "suggestive where the pods are not ready"),
            ("matters", "if-described where the cluster never had the metrics"),
        ],
        refs: &[("target", "the object that it scales")],
    },
    FactSpec {
        name: "autoscaler.at_max",
        about: "the autoscaler wants more replicas than its maximum allows",
        params: &[
            ("target", "the object that it scales"),
            ("max", "the maximum"),
            ("metric", "the metric that asks for more"),
            ("current", "its current value"),
            ("wanted", "its target value"),
        ],
        refs: &[("target", "the object that it scales")],
    },
];

/// The API that autoscalers read resource metrics from.
const METRICS_API: &str = "v1beta1.metrics.k8s.io";

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    for autoscaler in &context.state.autoscalers {
        let reference = &autoscaler.spec.scale_target_ref;
        let target = ObjectRef::new(
            Kind::from(reference.kind.as_str()),
            &autoscaler.metadata.namespace,
            &reference.name,
        );
        let found = blocked(context, autoscaler, &target).or_else(|| at_max(context, autoscaler, &target));
        if let Some(fact) = found {
            facts.add(fact.param("target", target.to_string()).object("target", target));
        }
    }
}

fn blocked(context: &Context<'_>, autoscaler: &HorizontalPodAutoscaler, target: &ObjectRef) -> Option<Fact> {
    let object = autoscaler.object_ref();
    let able =
        condition(&autoscaler.status.conditions, "AbleToScale").filter(|found| found.status == "False");
    let active =
        condition(&autoscaler.status.conditions, "ScalingActive").filter(|found| found.status == "False");
    let fact = |by: &'static str| Fact::new("autoscaler.blocked", object.clone()).param("by", by);
    let said = |fact: Fact, found: &crate::cluster::types::Condition| {
        fact.param("message", found.message.clone())
            .evidence([Evidence::status(
                object.clone(),
                format!("status.conditions[{}].reason", found.r#type),
                &found.reason,
            )
            .excerpt(found.message.clone())
            .at(found.last_transition_time.get())])
            .since(found.last_transition_time.get())
    };
    if target.kind.is_workload()
        && context.state.exists(&target.kind, target.ns(), &target.name) == Truth::False
    {
        let names = context
            .state
            .workloads
            .in_namespace(target.ns())
            .iter()
            .filter(|other| other.kind == target.kind);
        let closest =
            super::container::nearest(&target.name, names.map(|other| other.metadata.name.as_str()));
        let mut found = fact("target-missing")
            .evidence([Evidence::absence(target.clone(), "the target is not in its list")]);
        if let Some(closest) = closest {
            found = found.param("closest", closest);
        }
        return Some(match able {
            Some(able) => said(found, able),
            None => found,
        });
    }
    if let Some(able) = able.filter(|able| able.reason == "FailedGetScale") {
        return Some(said(fact("target-kind"), able));
    }
    let active = active?;
    let message = active.message.to_lowercase();
    Some(match active.reason.as_str() {
        "ScalingDisabled" => return None,
        "AmbiguousSelector" => {
            let other = context.state.autoscalers.in_namespace(object.ns()).iter().find(|other| {
                other.metadata.name != autoscaler.metadata.name
                    && other.spec.scale_target_ref.name == autoscaler.spec.scale_target_ref.name
            });
            let found = said(fact("ambiguous"), active);
            match other {
                Some(other) => found.param("other", other.metadata.name.clone()),
                None => found,
            }
        }
        "FailedGetExternalMetric" | "FailedGetObjectMetric" | "FailedGetPodsMetric" => {
            said(fact("custom-metric"), active)
        }
        _ => match without_request(context, autoscaler, target) {
            Some((container, metric))
                if message.contains("missing request") || !message.contains("unable to fetch metrics") =>
            {
                said(fact("missing-requests"), active).param("container", container).param("metric", metric)
            }
            _ if message.contains("could not find the requested resource")
                || message.contains("the server is currently unable") =>
            {
                // A cluster without a metrics server is as its owners made it, not broken today.
                let never = context.state.was_read(&Kind::ApiService, "")
                    && context.state.api_services.get("", METRICS_API).is_none();
                let fact = said(fact("no-metrics-api"), active);
                if never { fact.param("matters", "if-described") } else { fact }
            }
            _ => {
                // Pods that are not ready have no metrics yet: that is the pods' matter.
                let ready = context.topology.pods_of(target).iter().any(|pod| pod.is_ready());
                said(fact("no-metrics"), active)
                    .param("certainty", if ready { "computed" } else { "suggestive" })
            }
        },
    })
}

/// A container of the target that has no request for a resource that the autoscaler compares with requests.
fn without_request(
    context: &Context<'_>,
    autoscaler: &HorizontalPodAutoscaler,
    target: &ObjectRef,
) -> Option<(String, String)> {
    let workload = context.state.workload_of(target)?;
    let metrics = autoscaler.spec.metrics.iter().filter_map(|metric| metric.resource.as_ref());
    for metric in metrics.filter(|metric| metric.target.average_utilization.is_some()) {
        let lacking = workload.template().spec.containers.iter().find(|container| {
            let resources = &container.resources;
            !resources.requests.contains_key(&metric.name) && !resources.limits.contains_key(&metric.name)
        });
        if let Some(container) = lacking {
            return Some((container.name.to_string(), metric.name.to_string()));
        }
    }
    None
}

/// At the maximum with the metric still above its target.
fn at_max(context: &Context<'_>, autoscaler: &HorizontalPodAutoscaler, target: &ObjectRef) -> Option<Fact> {
    let status = &autoscaler.status;
    let max = autoscaler.spec.max_replicas;
    let limited = condition(&status.conditions, "ScalingLimited")
        .filter(|found| found.is_true() && found.reason == "TooManyReplicas")?;
    if max <= 0 || status.current_replicas < max {
        return None;
    }
    let object = autoscaler.object_ref();
    let mut fact = Fact::new("autoscaler.at_max", object.clone())
        .param("max", max)
        .evidence([
            Evidence::status(object.clone(), "status.conditions[ScalingLimited].reason", &limited.reason)
                .excerpt(limited.message.clone())
                .at(limited.last_transition_time.get()),
            Evidence::spec(object.clone(), "spec.maxReplicas", max.to_string()),
        ])
        .since(limited.last_transition_time.get())
        .affects(target.clone());
    for service in context.topology.services_of(target) {
        fact = fact.affects(service.clone());
    }
    let metric =
        status.current_metrics.iter().filter_map(|metric| metric.resource.as_ref()).find_map(|current| {
            let wanted = autoscaler
                .spec
                .metrics
                .iter()
                .filter_map(|metric| metric.resource.as_ref())
                .find(|wanted| wanted.name == current.name)?;
            Some((
                current.name.clone(),
                current.current.average_utilization?,
                wanted.target.average_utilization?,
            ))
        });
    Some(match metric {
        Some((name, current, wanted)) => {
            fact.param("metric", name).param("current", current).param("wanted", wanted).evidence([
                Evidence::status(
                    object,
                    "status.currentMetrics[].resource.current.averageUtilization",
                    current.to_string(),
                ),
            ])
        }
        None => fact,
    })
}

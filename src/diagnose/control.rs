//! The control plane: components that do not work, and APIs that nobody serves.
//!
//! Most clusters hide their control plane, so a component is judged first by what it should
//! have done: a pod that no scheduler looked at, while later pods fare no better. Leases are
//! compared with each other, never with a clock.

use super::health::affecting;
use super::node::broken;
use super::scheduling::{DEFAULT_SCHEDULER, overlooked, scheduler_name};
use super::{Context, Fact, FactSpec, Facts};
use crate::cluster::types::{Condition, Lease, Object, Pod, Time, condition};
use crate::cluster::{Kind, ObjectRef, Truth};
use crate::evidence::{Evidence, duration};

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[
    FactSpec {
        name: "control.component-down",
        about: "a component of the control plane does not do its work; the subject is its pod, else its lease",
        params: &[
            (
                "component",
                "kube-scheduler, kube-controller-manager, etcd, kube-apiserver or cloud-controller-manager",
            ),
            ("by", "not-running, lease-stale or silent"),
            ("reason", "the state of its container"),
            ("waiting", "how many pods or workloads wait for it"),
            ("example", "one of them"),
            ("lag", "seconds that its lease is behind"),
            ("certainty", "decisive where its pod or lease shows it, else computed"),
        ],
        refs: &[("lease", "the component's lease")],
    },
    FactSpec {
        name: "control.api-unavailable",
        about: "an aggregated API is registered, but nothing answers for it",
        params: &[
            ("group", "the API group"),
            ("reason", "the condition's reason"),
            ("message", "the condition's message"),
            ("by", "service-missing, no-endpoints or failing"),
        ],
        refs: &[("service", "the Service behind the API"), ("backend", "the workload behind the Service")],
    },
    FactSpec {
        name: "control.definition-broken",
        about: "a custom resource definition is not established",
        params: &[("condition", "the condition that fails"), ("message", "its message")],
        refs: &[],
    },
];

/// Components whose pods and leases are looked at.
const COMPONENTS: [&str; 5] =
    ["kube-scheduler", "kube-controller-manager", "etcd", "kube-apiserver", "cloud-controller-manager"];
/// Where the control plane lives.
const SYSTEM: &str = "kube-system";
/// Seconds that a lease may be behind the newest renewal in the cluster.
const LEASE_LAG: i64 = 60;
/// Seconds a controller has to look at an object.
const UNSEEN: i64 = 30;

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    for component in COMPONENTS {
        if let Some(fact) = component_down(context, component) {
            facts.add(fact);
        }
    }
    apis(context, facts);
    definitions(context, facts);
}

fn component_down(context: &Context<'_>, component: &'static str) -> Option<Fact> {
    let pods: Vec<&Pod> = component_pods(context, component).collect();
    let failing = pods.iter().find_map(|pod| Some((*pod, broken(pod)?)));
    // Of several instances one suffices.
    let failing = failing.filter(|_| pods.iter().all(|pod| broken(pod).is_some()));
    let lease = context.state.leases.get(SYSTEM, component);
    let lag = lease.and_then(|lease| lag(context, lease)).filter(|_| !works_since(context, component, lease));
    let waiting = waiting_for(context, component);
    let lease_ref = ObjectRef::new(Kind::Lease, SYSTEM, component);
    let (subject, by, evidence) = if let Some((pod, reason)) = &failing {
        let evidence = Evidence::status(pod.object_ref(), "status.containerStatuses", reason.clone());
        (pod.object_ref(), "not-running", evidence)
    } else if let Some(lag) = lag {
        let evidence = Evidence::spec(
            lease_ref.clone(),
            "spec.renewTime",
            format!("{} behind the newest lease", duration(lag)),
        );
        (lease_ref.clone(), "lease-stale", evidence)
    } else {
        let (_, example) = waiting.first()?;
        let subject = pods.first().map_or(lease_ref.clone(), |pod| pod.object_ref());
        (subject, "silent", Evidence::absence(example.clone(), silence(component)))
    };
    let certain = failing.is_some() || lag.is_some();
    let mut fact = Fact::new("control.component-down", subject)
        .param("component", component)
        .param("by", by)
        .param("waiting", waiting.len())
        .param("certainty", if certain { "decisive" } else { "computed" })
        .object("lease", lease_ref)
        .evidence([evidence]);
    if let Some((_, reason)) = failing {
        fact = fact.param("reason", reason);
    }
    if let Some(lag) = lag {
        fact = fact.param("lag", lag);
    }
    if let Some((_, example)) = waiting.first() {
        fact = fact
            .param("example", &*example.name)
            .evidence([Evidence::absence(example.clone(), silence(component))]);
    }
    Some(affecting(fact, waiting.into_iter().map(|(workload, _)| workload)))
}

/// What is missing where a component is silent.
fn silence(component: &str) -> &'static str {
    if component == "kube-scheduler" {
        "no PodScheduled condition and no scheduling event"
    } else {
        "its controller has not observed its latest generation"
    }
}

/// The static pods of a component.
pub(super) fn component_pods<'a>(
    context: &Context<'a>,
    component: &'static str,
) -> impl Iterator<Item = &'a Pod> {
    context.state.pods.in_namespace(SYSTEM).iter().filter(move |pod| {
        let static_pod = pod.metadata.controller().is_some_and(|owner| owner.kind == "Node")
            || pod.metadata.annotations.0.contains_key("kubernetes.io/config.mirror");
        let labelled = pod.metadata.labels.get("component").is_some_and(|name| name == component);
        let named = pod.metadata.name.strip_prefix(component).is_some_and(|rest| rest.starts_with('-'));
        labelled || (static_pod && named)
    })
}

/// Seconds that a lease is behind the newest renewal, where that is too many.
fn lag(context: &Context<'_>, lease: &Lease) -> Option<i64> {
    let newest = context.state.leases.iter().filter_map(|lease| lease.spec.renew_time.get()).max()?;
    let own = lease.spec.renew_time.get()?;
    let lag = newest.as_second() - own.as_second();
    (lag > LEASE_LAG.max(lease.spec.lease_duration_seconds.saturating_mul(4))).then_some(lag)
}

/// Whether the scheduler has done work after its lease was last renewed: then it holds another.
fn works_since(context: &Context<'_>, component: &str, lease: Option<&Lease>) -> bool {
    let Some(renewed) = lease.and_then(|lease| lease.spec.renew_time.get()) else { return false };
    component == "kube-scheduler"
        && context.state.pods.iter().any(|pod| {
            condition(&pod.status.conditions, "PodScheduled").is_some_and(|scheduled| {
                scheduled.last_transition_time.get().is_some_and(|time| time > renewed)
            })
        })
}

/// What waits for a component: the workload, and the object that was not looked at.
fn waiting_for(context: &Context<'_>, component: &str) -> Vec<(ObjectRef, ObjectRef)> {
    match component {
        "kube-scheduler" => unscheduled(context),
        "kube-controller-manager" => unobserved(context),
        _ => Vec::new(),
    }
}

/// Pods the default scheduler never looked at, unless it placed a pod that came later.
fn unscheduled(context: &Context<'_>) -> Vec<(ObjectRef, ObjectRef)> {
    let placed = context
        .state
        .pods
        .iter()
        .filter(|pod| scheduler_name(pod) == DEFAULT_SCHEDULER)
        .filter(|pod| condition(&pod.status.conditions, "PodScheduled").is_some())
        .filter(|pod| pod.metadata.controller().is_none_or(|owner| owner.kind != "Node"))
        .map(|pod| pod.metadata.creation_timestamp)
        .max()
        .unwrap_or(Time::NONE);
    overlooked(context)
        .filter(|(pod, scheduler)| {
            *scheduler == DEFAULT_SCHEDULER && pod.metadata.creation_timestamp >= placed
        })
        .map(|(pod, _)| (context.topology.workload_of_pod(pod), pod.object_ref()))
        .collect()
}

/// Workloads whose controller has not looked at their latest generation.
fn unobserved(context: &Context<'_>) -> Vec<(ObjectRef, ObjectRef)> {
    let workloads = || context.state.workloads.iter().filter(|workload| workload.kind == Kind::Deployment);
    workloads()
        .filter(|workload| workload.metadata.generation > workload.status.observed_generation)
        .filter(|workload| {
            // Rebuilt objects carry no generation; a real one that was never observed has none at all.
            let written = workload
                .metadata
                .last_write()
                .map_or(workload.metadata.creation_timestamp, |write| write.time);
            workload.metadata.generation.is_some()
                && context.state.age_seconds(written).is_some_and(|age| age > UNSEEN)
        })
        .map(|workload| (workload.object_ref(), workload.object_ref()))
        .collect()
}

fn apis(context: &Context<'_>, facts: &mut Facts) {
    for api in &context.state.api_services {
        let Some(available) =
            condition(&api.status.conditions, "Available").filter(|found| found.status == "False")
        else {
            continue;
        };
        let Some(service) = &api.spec.service else { continue };
        let service = ObjectRef::new(Kind::Service, &service.namespace, &service.name);
        let missing = context.state.exists(&Kind::Service, service.ns(), &service.name) == Truth::False;
        let by = match available.reason.as_str() {
            _ if missing => "service-missing",
            "ServiceNotFound" => "service-missing",
            "MissingEndpoints" | "EndpointsNotFound" => "no-endpoints",
            _ => "failing",
        };
        let mut fact = Fact::new("control.api-unavailable", api.object_ref())
            .param("group", api.spec.group.clone())
            .param("reason", available.reason.clone())
            .param("message", available.message.clone())
            .param("by", by)
            .object("service", service.clone())
            .evidence([super::health::condition_evidence(api.object_ref(), available)])
            .since(available.last_transition_time.get());
        if let Some(backend) = context.topology.workloads_behind(&service).next() {
            fact = fact.object("backend", backend.clone());
        }
        facts.add(affecting(fact, needing(context, &api.spec.group)));
    }
}

/// What cannot work without an API group: autoscalers, and namespaces whose deletion needs discovery.
fn needing(context: &Context<'_>, group: &str) -> Vec<ObjectRef> {
    let mut found = Vec::new();
    if group.ends_with("metrics.k8s.io") {
        found.extend(
            context
                .state
                .autoscalers
                .iter()
                .filter(|scaler| {
                    condition(&scaler.status.conditions, "ScalingActive")
                        .is_some_and(|active| active.status == "False")
                })
                .map(Object::object_ref),
        );
    }
    let discovery = |name: &&crate::cluster::types::Namespace| {
        condition(&name.status.conditions, "NamespaceDeletionDiscoveryFailure")
            .is_some_and(Condition::is_true)
    };
    found.extend(context.state.namespaces.iter().filter(discovery).map(Object::object_ref));
    found
}

fn definitions(context: &Context<'_>, facts: &mut Facts) {
    for definition in &context.state.crds {
        let failing = ["NamesAccepted", "Established"].iter().find_map(|name| {
            condition(&definition.status.conditions, name).filter(|found| found.status == "False")
        });
        if let Some(failing) = failing {
            facts.add(
                Fact::new("control.definition-broken", definition.object_ref())
                    .param("condition", failing.r#type.clone())
                    .param("message", failing.message.clone())
                    .evidence([super::health::condition_evidence(definition.object_ref(), failing)])
                    .since(failing.last_transition_time.get()),
            );
        }
    }
}

//! The anomaly scanner: what is wrong now, whatever the cause.
//!
//! One rule holds throughout: an event or an earlier state that a later good state supersedes
//! is history, not an anomaly.

mod jobs;
mod pods;

use jiff::Timestamp;

use crate::cluster::types::*;
use crate::cluster::{ClusterState, Kind, ObjectRef};
use crate::diagnose::{Context, Fact, Facts};
use crate::evidence::Evidence;
use crate::symptom::Symptom;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Anomaly {
    /// What is wrong.
    pub symptom: Symptom,
    /// With what: the workload, never its pod.
    pub object: ObjectRef,
    /// Since when.
    pub since: Option<Timestamp>,
    /// What shows it.
    pub evidence: Vec<Evidence>,
    /// In words, for chains: `3 of 3 pods are Pending`.
    pub finding: String,
}

/// Seconds that starting or scheduling may take before it counts as wrong.
const STARTING: i64 = 20;
/// Refusals in a row from which on a controller's failure to create is not passing.
const REFUSALS: i64 = 5;
/// Answers of "too many requests", none accepted since, from which on they are no passing peak.
const PERSISTENT: i64 = 5;
/// Seconds beyond the grace period after which a deletion counts as stuck.
const DELETING: i64 = 30;
/// A restart this many seconds ago is over, if the pod is Ready since.
const RESTART_RECENT: i64 = 300;

/// Everything that is wrong, ordered by object and symptom.
pub fn scan(context: &Context<'_>, facts: &Facts) -> Vec<Anomaly> {
    let mut found = Scan { context, found: Vec::new() };
    found.workloads();
    found.pods();
    found.services();
    found.claims();
    found.nodes();
    found.namespaces();
    found.stated(facts);
    let mut anomalies = found.found;
    anomalies.sort_by(|a, b| (&a.object, a.symptom).cmp(&(&b.object, b.symptom)));
    anomalies.dedup_by(|later, first| {
        let same = later.object == first.object && later.symptom == first.symptom;
        if same {
            first.since = first.since.into_iter().chain(later.since).min();
        }
        same
    });
    anomalies
}

struct Scan<'c, 'a> {
    context: &'c Context<'a>,
    found: Vec<Anomaly>,
}

impl<'a> Scan<'_, 'a> {
    fn state(&self) -> &'a ClusterState {
        self.context.state
    }

    fn add(
        &mut self,
        symptom: Symptom,
        object: ObjectRef,
        since: Time,
        finding: String,
        evidence: Vec<Evidence>,
    ) {
        self.found.push(Anomaly { symptom, object, since: since.get(), evidence, finding });
    }

    fn age(&self, time: Time) -> i64 {
        self.state().age_seconds(time).unwrap_or(i64::MAX)
    }

    fn workloads(&mut self) {
        for workload in &self.state().workloads {
            let owned = !workload.metadata.owner_references.is_empty();
            match workload.kind {
                Kind::CronJob => self.cron_job(workload),
                Kind::ReplicaSet if owned => continue,
                Kind::Job => self.job(workload),
                _ => self.replicas(workload),
            }
        }
    }

    fn replicas(&mut self, workload: &Workload) {
        let object = workload.object_ref();
        let desired = workload.desired();
        if desired == 0 {
            self.none_wanted(workload, object);
            return;
        }
        let pods = || self.context.topology.pods_of(&object).iter().filter(|pod| !pod.is_finished());
        let live = pods().filter(|pod| !pod.is_deleting()).count();
        let leaving = pods().count() - live;
        let missing = desired - i64::try_from(live).unwrap_or(i64::MAX);
        let read = self.state().was_read(&Kind::Pod, object.ns());
        let failure = if missing > 0 { self.create_failure(&object) } else { None };
        // A refusal that was repeated is no matter of a few more seconds.
        let refused = failure.as_ref().is_some_and(|failure| failure.count >= REFUSALS);
        let old = self.age(workload.metadata.creation_timestamp) > STARTING;
        if missing > 0 && read && (old || refused) {
            let since = failure
                .as_ref()
                .map_or(workload.metadata.creation_timestamp, |evidence| Time::from(evidence.time));
            let leaving = match leaving {
                0 => String::new(),
                count => format!(" ({count} being deleted)"),
            };
            let counted = format!("{live} of the {desired} pods that it wants exist{leaving}");
            let mut evidence = vec![Evidence::absence(object.clone(), counted)];
            evidence.extend(failure);
            let finding = format!("{missing} of {desired} pods do not exist{leaving}");
            self.add(Symptom::NotCreated, object.clone(), since, finding, evidence);
        } else if read && workload.kind == Kind::Deployment {
            self.surge(&object);
        }
        let progressing = condition(&workload.status.conditions, "Progressing");
        if let Some(stalled) = progressing.filter(|progressing| progressing.status == "False") {
            let evidence =
                Evidence::status(object.clone(), "status.conditions[Progressing]", stalled.reason.clone())
                    .excerpt(stalled.message.clone())
                    .at(stalled.last_transition_time.get());
            let finding = format!("the rollout does not progress: {}", stalled.reason);
            self.add(
                Symptom::RolloutStalled,
                object.clone(),
                stalled.last_transition_time,
                finding,
                vec![evidence],
            );
        }
        self.deletion(&workload.metadata, object);
    }

    /// A Deployment that has all its pods while its newest revision may not make one: the pods of
    /// the revision before it make up the number.
    fn surge(&mut self, deployment: &ObjectRef) {
        let sets = self.context.topology.controlled_workloads(deployment);
        let newest = sets.max_by_key(|set| set.metadata.creation_timestamp);
        let Some(newest) = newest.filter(|set| set.status.replicas < set.desired()) else { return };
        let set = newest.object_ref();
        let refused = condition(&newest.status.conditions, "ReplicaFailure").filter(|found| found.is_true());
        let said = refused.map(|found| {
            Evidence::status(set.clone(), "status.conditions[ReplicaFailure]", found.reason.clone())
                .excerpt(found.message.clone())
                .at(found.last_transition_time.get())
        });
        let Some(failure) = said.or_else(|| self.create_failure(&set)) else { return };
        let (have, wanted) = (newest.status.replicas, newest.desired());
        let finding = format!("{} of {wanted} pods of the newest revision do not exist", wanted - have);
        let count = Evidence::status(set, "status.replicas", format!("{have} of {wanted}"));
        let since = Time::from(failure.time);
        self.add(Symptom::NotCreated, deployment.clone(), since, finding, vec![count, failure]);
    }

    fn none_wanted(&mut self, workload: &Workload, object: ObjectRef) {
        if workload.kind == Kind::DaemonSet {
            return;
        }
        // Scaled to zero matters only to those who still send requests there.
        let Some(service) = self.context.topology.services_of(&object).next() else { return };
        let evidence = vec![
            Evidence::spec(object.clone(), "spec.replicas", "0"),
            Evidence::spec(service.clone(), "spec.selector", format!("selects {}", object.name)),
        ];
        self.add(
            Symptom::Missing,
            object,
            Time::NONE,
            "no replica is wanted (spec.replicas: 0)".to_owned(),
            evidence,
        );
    }

    /// The newest failure to create a pod that no later success supersedes.
    fn create_failure(&self, object: &ObjectRef) -> Option<Evidence> {
        let mut creators = vec![object.clone()];
        creators.extend(
            self.state()
                .workloads
                .in_namespace(object.ns())
                .iter()
                .filter(|set| {
                    set.kind == Kind::ReplicaSet
                        && self.context.topology.workload_of(&set.object_ref()) == *object
                })
                .map(Object::object_ref),
        );
        let events = creators.iter().flat_map(|creator| self.state().events_of(creator));
        let newest = events
            .filter(|event| matches!(event.reason.as_str(), "FailedCreate" | "SuccessfulCreate"))
            .max_by_key(|event| (event.last(), event.reason == "SuccessfulCreate"))?;
        (newest.reason == "FailedCreate").then(|| Evidence::event(newest))
    }

    fn services(&mut self) {
        for service in &self.state().services {
            let object = service.object_ref();
            if service.spec.selector.is_empty() || service.spec.r#type == "ExternalName" {
                continue;
            }
            let Some((ready, total)) = endpoints(self.context, service) else { continue };
            if ready > 0 || self.age(service.metadata.creation_timestamp) <= STARTING {
                continue;
            }
            let idle = self
                .context
                .topology
                .workloads_behind(&object)
                .all(|workload| matches!(workload.kind, Kind::Job | Kind::CronJob))
                && self.context.topology.workloads_behind(&object).next().is_some();
            if idle {
                continue;
            }
            let value = format!("0 of {total} endpoints ready");
            let evidence = Evidence::status(object.clone(), "endpoints", value.clone());
            self.add(
                Symptom::NoEndpoints,
                object,
                Time::NONE,
                format!("the Service has {value}"),
                vec![evidence],
            );
        }
    }

    fn claims(&mut self) {
        for claim in &self.state().claims {
            let object = claim.object_ref();
            self.deletion(&claim.metadata, object.clone());
            let lost = claim.status.phase == "Lost";
            if !lost
                && (claim.status.phase != "Pending"
                    || self.age(claim.metadata.creation_timestamp) <= STARTING)
            {
                continue;
            }
            let consumed = self
                .context
                .topology
                .to(&object)
                .any(|edge| !self.context.topology.pods_of(&edge.from).is_empty());
            let class = claim
                .spec
                .storage_class_name
                .as_deref()
                .and_then(|name| self.state().storage_classes.get("", name));
            let waits = class.is_some_and(|class| class.volume_binding_mode == "WaitForFirstConsumer");
            if lost || consumed || !waits {
                let evidence = Evidence::status(object.clone(), "status.phase", claim.status.phase.clone())
                    .at(claim.metadata.creation_timestamp.get());
                let finding = format!("the claim is {}", claim.status.phase);
                self.add(
                    Symptom::Unbound,
                    object,
                    claim.metadata.creation_timestamp,
                    finding,
                    vec![evidence],
                );
            }
        }
    }

    fn nodes(&mut self) {
        for node in &self.state().nodes {
            for condition in &node.status.conditions {
                let bad = match condition.r#type.as_str() {
                    "Ready" => condition.status != "True",
                    "MemoryPressure" | "DiskPressure" | "PIDPressure" | "NetworkUnavailable" => {
                        condition.is_true()
                    }
                    _ => false,
                };
                if bad {
                    let object = node.object_ref();
                    let path = format!("status.conditions[{}]", condition.r#type);
                    let evidence = Evidence::status(
                        object.clone(),
                        path,
                        format!("{} {}", condition.status, condition.reason),
                    )
                    .excerpt(condition.message.clone())
                    .at(condition.last_transition_time.get());
                    let finding =
                        format!("the node's condition {} is {}", condition.r#type, condition.status);
                    self.add(
                        Symptom::NodeUnhealthy,
                        object,
                        condition.last_transition_time,
                        finding,
                        vec![evidence],
                    );
                }
            }
        }
    }

    fn namespaces(&mut self) {
        for namespace in &self.state().namespaces {
            self.deletion(&namespace.metadata, namespace.object_ref());
        }
        for volume in &self.state().volumes {
            self.deletion(&volume.metadata, volume.object_ref());
        }
    }

    /// Raises a deletion that takes longer than it may.
    fn deletion(&mut self, meta: &Meta, object: ObjectRef) {
        let asked = meta.deletion_timestamp;
        // A pod's deletionTimestamp already includes its grace period.
        if asked.is_none() || self.age(asked) <= DELETING {
            return;
        }
        let what =
            if object.name.as_ref() == meta.name { String::new() } else { format!(" of {}", meta.name) };
        let evidence = Evidence::status(
            object.clone(),
            "metadata.deletionTimestamp",
            format!("{} ago", crate::evidence::duration(self.age(asked))),
        )
        .excerpt(if meta.finalizers.is_empty() {
            String::new()
        } else {
            format!("finalizers: {}", meta.finalizers.join(", "))
        })
        .at(asked.get());
        let finding = format!("the deletion{what} does not complete");
        self.add(Symptom::CannotDelete, object, asked, finding, vec![evidence]);
    }

    fn stated(&mut self, facts: &Facts) {
        for fact in facts.named("process.oom-killed") {
            let finding = format!("its process {} was killed", fact.text("process"));
            self.stated_by(fact, Symptom::Errors, finding);
        }
        for fact in facts.named("usage.cpu").filter(|fact| fact.params.contains_key("unanswered")) {
            let finding = format!("it does not answer {} in time", fact.text("unanswered"));
            self.stated_by(fact, Symptom::Slow, finding);
        }
        for fact in facts.named("probe.fails").filter(|fact| fact.params.contains_key("held_back")) {
            let finding = format!("container {} counts as not started", fact.text("container"));
            self.stated_by(fact, Symptom::NotReady, finding);
        }
        for fact in facts.named("stop.fails") {
            let finding = "its pods do not stop as they should".to_owned();
            self.stated_by(fact, Symptom::Errors, finding);
        }
        for fact in facts.named("log.signature") {
            let symptom = match (fact.text("signature"), fact.text("class")) {
                ("host-not-found", _) => Symptom::ResolutionFailing,
                ("rbac-forbidden" | "permission-denied" | "unauthorized" | "token-missing", _) => {
                    Symptom::Forbidden
                }
                ("slow", _) => Symptom::Slow,
                (_, "call" | "dependency") => Symptom::CallFailing,
                ("rate-limited", _) if turned_away(fact) => Symptom::CallFailing,
                (_, "server") => continue,
                _ => Symptom::Errors,
            };
            let target = fact.text("target");
            let finding = match symptom {
                Symptom::CallFailing | Symptom::ResolutionFailing if !target.is_empty() => {
                    format!("its log says {} for {target}", fact.text("signature").replace('-', " "))
                }
                _ => format!("its log says {}", fact.text("signature").replace('-', " ")),
            };
            self.stated_by(fact, symptom, finding);
        }
    }

    /// What a fact states of its subject.
    fn stated_by(&mut self, fact: &Fact, symptom: Symptom, finding: String) {
        self.add(symptom, fact.subject.clone(), Time::from(fact.since), finding, fact.evidence.clone());
    }
}

/// Whether a peer turns a workload away again and again: once is what retries are for, and a limit
/// without a peer is the workload's own.
fn turned_away(fact: &Fact) -> bool {
    let times: i64 = fact.evidence.iter().map(|evidence| evidence.count).sum();
    !fact.text("target").is_empty() && times >= PERSISTENT
}

/// Ready and all endpoints of a Service; from the pods where no slice was read, none where neither was.
pub fn endpoints(context: &Context<'_>, service: &Service) -> Option<(usize, usize)> {
    let namespace = service.metadata.namespace.as_str();
    let slices: Vec<&EndpointSlice> = context
        .state
        .endpoint_slices
        .in_namespace(namespace)
        .iter()
        .filter(|slice| {
            slice.metadata.labels.get("kubernetes.io/service-name") == Some(&service.metadata.name)
        })
        .collect();
    let slices_read = context.state.was_read(&Kind::EndpointSlice, namespace)
        || context.state.was_read(&Kind::Endpoints, namespace);
    if !slices.is_empty() {
        let endpoints = || slices.iter().flat_map(|slice| &slice.endpoints);
        // A slice without ports takes no traffic: a named targetPort that no pod has.
        let usable = |endpoint: &&Endpoint| endpoint.is_ready();
        return Some((endpoints().filter(usable).count(), endpoints().count()));
    }
    if !context.state.was_read(&Kind::Pod, namespace) {
        return slices_read.then_some((0, 0));
    }
    let matching = || {
        context.state.pods.in_namespace(namespace).iter().filter(|pod| {
            crate::cluster::selector::matches_all(&service.spec.selector, &pod.metadata.labels)
                && !pod.is_finished()
        })
    };
    Some((matching().filter(|pod| pod.is_ready()).count(), matching().count()))
}

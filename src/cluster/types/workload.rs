//! Workloads: the kinds that own pods through a template, in one shape.

use super::{
    Condition, IntOrString, LabelSelector, Meta, Object, PersistentVolumeClaimSpec, PodTemplate, Rare,
    TemplateMeta, Text, Time, slim,
};
use crate::cluster::object::Kind;

/// A Deployment, ReplicaSet, StatefulSet, DaemonSet, Job or CronJob.
///
/// One shape for six kinds: they share most fields, and diagnosers ask the same of all.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Workload {
    /// Which of the six kinds this is.
    pub kind: Kind,
    /// The object's metadata.
    pub metadata: Meta,
    /// The union of the six kinds' specs.
    pub spec: WorkloadSpec,
    /// The union of the six kinds' statuses.
    pub status: WorkloadStatus,
}

slim! {
    /// A workload as the API sends it, before its kind is known.
    WorkloadBody { metadata: Meta, spec: WorkloadSpec, status: WorkloadStatus, }

    /// The union of the six kinds' specs; fields of other kinds stay empty.
    WorkloadSpec {
        replicas: Option<i64>,
        selector: LabelSelector,
        template: PodTemplate,
        paused: bool,
        strategy: Rare<Strategy>,
        update_strategy: Rare<Strategy>,
        min_ready_seconds: i64,
        progress_deadline_seconds: Option<i64>,
        revision_history_limit: Option<i64>,
        service_name: Text,
        pod_management_policy: Text,
        volume_claim_templates: Box<[ClaimTemplate]>,
        backoff_limit: Option<i64>,
        active_deadline_seconds: Option<i64>,
        completions: Option<i64>,
        parallelism: Option<i64>,
        suspend: bool,
        ttl_seconds_after_finished: Option<i64>,
        schedule: Text,
        time_zone: Text,
        starting_deadline_seconds: Option<i64>,
        concurrency_policy: Text,
        job_template: Rare<JobTemplate>,
    }

    /// A claim that a StatefulSet makes for each pod.
    ClaimTemplate { metadata: Meta, spec: PersistentVolumeClaimSpec, }

    /// What a CronJob makes its Jobs from.
    JobTemplate { metadata: TemplateMeta, spec: JobTemplateSpec, }
    /// The Job part of a CronJob.
    JobTemplateSpec { template: PodTemplate, backoff_limit: Option<i64>, active_deadline_seconds: Option<i64>, }

    /// How pods are replaced.
    Strategy { r#type: Text, rolling_update: RollingUpdate, }
    /// Bounds of a rolling update.
    RollingUpdate { max_unavailable: Option<IntOrString>, max_surge: Option<IntOrString>, partition: Option<i64>, }

    /// The union of the six kinds' statuses.
    WorkloadStatus {
        observed_generation: Option<i64>,
        replicas: i64,
        ready_replicas: i64,
        available_replicas: i64,
        updated_replicas: i64,
        unavailable_replicas: i64,
        current_replicas: i64,
        current_revision: Text,
        update_revision: Text,
        desired_number_scheduled: i64,
        current_number_scheduled: i64,
        number_ready: i64,
        number_available: i64,
        number_unavailable: i64,
        number_misscheduled: i64,
        updated_number_scheduled: i64,
        succeeded: i64,
        failed: i64,
        active: ActiveCount,
        start_time: Time,
        completion_time: Time,
        last_schedule_time: Time,
        last_successful_time: Time,
        conditions: Box<[Condition]>,
    }
}

/// `status.active`: a number on a Job, a list of references on a CronJob.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct ActiveCount {
    /// How many are active.
    pub count: i64,
    /// Names of the active Jobs (CronJob only).
    pub names: Vec<Text>,
}

impl<'de> serde::Deserialize<'de> for ActiveCount {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ActiveVisitor;
        impl<'de> serde::de::Visitor<'de> for ActiveVisitor {
            type Value = ActiveCount;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number or a list of references")
            }
            fn visit_u64<E>(self, count: u64) -> Result<ActiveCount, E> {
                Ok(ActiveCount { count: i64::try_from(count).unwrap_or(i64::MAX), names: Vec::new() })
            }
            fn visit_i64<E>(self, count: i64) -> Result<ActiveCount, E> {
                Ok(ActiveCount { count, names: Vec::new() })
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<ActiveCount, A::Error> {
                let mut names = Vec::new();
                while let Some(reference) = seq.next_element::<super::Named>()? {
                    names.push(reference.name);
                }
                Ok(ActiveCount { count: i64::try_from(names.len()).unwrap_or(i64::MAX), names })
            }
        }
        deserializer.deserialize_any(ActiveVisitor)
    }
}

impl Object for Workload {
    fn meta(&self) -> &Meta {
        &self.metadata
    }
    fn kind(&self) -> Kind {
        self.kind.clone()
    }
}

impl Workload {
    /// Gives a decoded body its kind.
    pub fn new(kind: Kind, body: WorkloadBody) -> Self {
        Self { kind, metadata: body.metadata, spec: body.spec, status: body.status }
    }

    /// The pod template, a CronJob's one level deeper.
    pub fn template(&self) -> &PodTemplate {
        if self.kind == Kind::CronJob { &self.spec.job_template.spec.template } else { &self.spec.template }
    }

    /// How many pods the workload wants; a Job's parallelism, a CronJob's none.
    pub fn desired(&self) -> i64 {
        match self.kind {
            Kind::DaemonSet => self.status.desired_number_scheduled,
            Kind::Job => self.spec.parallelism.unwrap_or(1),
            Kind::CronJob => 0,
            _ => self.spec.replicas.unwrap_or(1),
        }
    }

    /// How many pods are ready.
    pub fn ready(&self) -> i64 {
        if self.kind == Kind::DaemonSet { self.status.number_ready } else { self.status.ready_replicas }
    }
}

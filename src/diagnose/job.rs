//! Why a Job failed or does not end.
//!
//! A failed Job that a later run of its CronJob has made good is history.

use super::container::pod_events;
use super::{Context, Fact, FactSpec, Facts};
use crate::cluster::types::{Object, Pod, Workload, condition};
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::Evidence;

/// Seconds after which a Job that failed and was made by no CronJob is no news.
const FORGOTTEN: i64 = 24 * 3600;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[
    FactSpec {
        name: "job.failed",
        about: "the Job controller gave the Job up",
        params: &[
            ("reason", "backoff-limit, deadline, pod-failure-policy, failed-indexes or other"),
            ("message", "what the controller said"),
            ("failed", "failed pods"),
            ("limit", "the backoff limit"),
            ("deadline", "activeDeadlineSeconds"),
            ("exit_code", "the exit code of the last pod"),
            ("line", "the last telling line of its log"),
            ("running", "whether its pods were running well when the deadline ended them"),
            ("matters", "if-described where it failed long ago: a run of one time that nobody missed"),
        ],
        refs: &[("cronjob", "the CronJob that made it")],
    },
    FactSpec {
        name: "job.stuck",
        about: "the Job is active but cannot complete",
        params: &[
            ("by", "sidecar, suspended, or running"),
            ("main", "the container that has completed"),
            ("sidecar", "the container that goes on"),
            ("seconds", "since when, in seconds"),
            ("line", "what its log says it waits for"),
            ("queue", "the queue that holds a suspended Job"),
        ],
        refs: &[("cronjob", "the CronJob that made it")],
    },
];

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    for job in context.state.workloads.iter().filter(|workload| workload.kind == Kind::Job) {
        if superseded(context, job) {
            continue;
        }
        let cronjob = cronjob_of(job);
        let Some(mut fact) = failed(context, job).or_else(|| stuck(context, job)) else { continue };
        if let Some(cronjob) = cronjob {
            fact = fact.affects(cronjob.clone()).object("cronjob", cronjob);
        }
        facts.add(fact);
    }
}

/// The CronJob that made a Job.
fn cronjob_of(job: &Workload) -> Option<ObjectRef> {
    let owner = job.metadata.controller().filter(|owner| owner.kind == "CronJob")?;
    Some(ObjectRef::new(Kind::CronJob, &job.metadata.namespace, &owner.name))
}

/// Whether a later Job of the same CronJob has succeeded.
pub fn superseded(context: &Context<'_>, job: &Workload) -> bool {
    let Some(cronjob) = cronjob_of(job) else { return false };
    let created = job.metadata.creation_timestamp;
    let by_status = context.state.workload_of(&cronjob).is_some_and(|cron| {
        cron.status.last_successful_time > created && cron.status.last_successful_time > job.status.start_time
    });
    by_status
        || context.topology.controlled_workloads(&cronjob).any(|other| {
            other.kind == Kind::Job
                && other.metadata.creation_timestamp > created
                && condition(&other.status.conditions, "Complete").is_some_and(|complete| complete.is_true())
        })
}

fn failed(context: &Context<'_>, job: &Workload) -> Option<Fact> {
    let failed = condition(&job.status.conditions, "Failed").filter(|failed| failed.is_true());
    let said = context.state.events_of(&job.object_ref()).iter().rev().find(|event| {
        matches!(event.reason.as_str(), "BackoffLimitExceeded" | "DeadlineExceeded" | "PodFailurePolicy")
    });
    let complete = condition(&job.status.conditions, "Complete").is_some_and(|complete| complete.is_true());
    let (reason, message) = match (failed, said) {
        (Some(failed), _) => (failed.reason.as_str(), failed.message.as_str()),
        (None, Some(event)) if !complete && job.status.conditions.is_empty() => {
            (event.reason.as_str(), event.message.as_str())
        }
        _ => return None,
    };
    let object = job.object_ref();
    let class = match reason {
        "BackoffLimitExceeded" => "backoff-limit",
        "DeadlineExceeded" => "deadline",
        "PodFailurePolicy" => "pod-failure-policy",
        "FailedIndexes" | "MaxFailedIndexesExceeded" => "failed-indexes",
        _ => "other",
    };
    let mut fact = Fact::new("job.failed", object.clone())
        .param("reason", class)
        .param("message", message)
        .param("failed", job.status.failed)
        .param("limit", job.spec.backoff_limit.unwrap_or(6))
        .since(failed.and_then(|failed| failed.last_transition_time.get()));
    fact = match failed {
        Some(failed) => fact.evidence([Evidence::status(
            object.clone(),
            "status.conditions[Failed].reason",
            &failed.reason,
        )
        .excerpt(failed.message.clone())
        .at(failed.last_transition_time.get())]),
        None => fact.evidence(said.map(Evidence::event)),
    };
    let ended = failed.and_then(|failed| context.state.age_seconds(failed.last_transition_time));
    if cronjob_of(job).is_none() && ended.is_some_and(|seconds| seconds > FORGOTTEN) {
        fact = fact.param("matters", "if-described");
    }
    if let Some(deadline) = job.spec.active_deadline_seconds {
        fact = fact.param("deadline", deadline);
        if class == "deadline" {
            fact = fact.evidence([Evidence::spec(
                object.clone(),
                "spec.activeDeadlineSeconds",
                deadline.to_string(),
            )]);
        }
    }
    let pods = context.topology.pods_of(&object);
    let ended = pods
        .iter()
        .flat_map(|pod| &pod.status.container_statuses)
        .filter_map(|status| status.state.terminated.as_ref().or(status.last_state.terminated.as_ref()))
        .filter(|ended| ended.exit_code != 0)
        .max_by_key(|ended| ended.finished_at);
    if let Some(ended) = ended {
        fact = fact.param("exit_code", ended.exit_code);
    }
    fact = fact.param("running", ended.is_none_or(|ended| matches!(ended.exit_code, 137 | 143)));
    let last = context.logs.of(&object).filter(|finding| finding.at_end && finding.class != "start").last();
    Some(match last {
        Some(finding) => fact.param("line", finding.excerpt.clone()),
        None => fact,
    })
}

fn stuck(context: &Context<'_>, job: &Workload) -> Option<Fact> {
    let object = job.object_ref();
    if condition(&job.status.conditions, "Complete").is_some_and(|complete| complete.is_true()) {
        return None;
    }
    if job.spec.suspend {
        let queue = job.metadata.labels.get("kueue.x-k8s.io/queue-name");
        let fact = Fact::new("job.stuck", object.clone())
            .param("by", "suspended")
            .evidence([Evidence::spec(object, "spec.suspend", "true")])
            .since(
                condition(&job.status.conditions, "Suspended")
                    .and_then(|found| found.last_transition_time.get()),
            );
        return Some(match queue {
            Some(queue) => fact.param("queue", queue.clone()),
            None => fact,
        });
    }
    context.topology.pods_of(&object).iter().find_map(|pod| sidecar(context, &object, pod))
}

/// A pod whose first container has completed while another goes on.
fn sidecar(context: &Context<'_>, job: &ObjectRef, pod: &Pod) -> Option<Fact> {
    if pod.is_finished() {
        return None;
    }
    let statuses = &pod.status.container_statuses;
    let done = statuses.iter().find(|status| {
        status.state.terminated.as_ref().is_some_and(|ended| ended.exit_code == 0)
            && status.restart_count == 0
    })?;
    let going = statuses.iter().find(|status| status.name != done.name && status.state.running.is_some())?;
    let main =
        pod.spec.containers.first().is_none_or(|first| first.name == done.name) || *done.name == *job.name;
    let ended = done.state.terminated.as_ref()?;
    let seconds = context.state.age_seconds(ended.finished_at).unwrap_or(0);
    // Every pod with two containers passes through this for a moment.
    let stopping = pod_events(context.state, pod).iter().any(|event| event.reason == "Killing");
    (main && seconds >= 15 && !stopping).then(|| {
        Fact::new("job.stuck", job.clone())
            .param("by", "sidecar")
            .param("main", done.name.clone())
            .param("sidecar", going.name.clone())
            .param("seconds", seconds)
            .evidence([
                Evidence::status(
                    pod.object_ref(),
                    format!("status.containerStatuses[{}].state.terminated.exitCode", done.name),
                    "0",
                )
                .at(ended.finished_at.get()),
                Evidence::status(
                    pod.object_ref(),
                    format!("status.containerStatuses[{}].state", going.name),
                    "running",
                ),
            ])
            .since(ended.finished_at.get())
    })
}

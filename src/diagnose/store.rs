//! The store behind the API server: whether it still takes what is written.
//!
//! Components of the control plane repeat what etcd answers them, and etcd says itself why. Once
//! nothing can be written, every status and lease stays as it was: then "as desired" proves nothing.

use jiff::Timestamp;

use super::control::component_pods;
use super::{Context, Fact, FactSpec, Facts};
use crate::cluster::types::{Object, Pod};
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::{Evidence, Source};
use crate::logs;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[FactSpec {
    name: "control.store-failing",
    about: "the store of the API server refuses writes or answers too late, now",
    params: &[
        (
            "by",
            "space (it is full and takes no more writes), corrupt, slow-disk, timeout, or no-writes where only its effect is seen",
        ),
        ("message", "the words"),
        ("count", "how often they were said"),
        ("stale", "seconds since any lease of the cluster was renewed, where that is long"),
        ("certainty", "suggestive where only leases tell"),
    ],
    refs: &[],
}];

/// Components that talk to the store, and the store.
const COMPONENTS: [&str; 4] = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];
/// Seconds that a line may be old to be about now.
const RECENT: i64 = 600;
/// Time-outs from which on it is more than one change of etcd's leader.
const TIMEOUTS: usize = 3;
/// Seconds without any renewal after which nothing can have been written: ten missed heartbeats.
const STALE: i64 = 300;
/// Fewest leases that show it.
const LEASES: usize = 3;

/// What the words of etcd mean.
const WORDS: [(&str, &[&str]); 4] = [
    (
        "space",
        &[
            "mvcc: database space exceeded",
            "etcdserver: no space",
            r#""alarm":"NOSPACE""#,
            "alarm:NOSPACE",
            "alarm NOSPACE",
        ],
    ),
    ("corrupt", &["etcdserver: corrupt cluster", r#""alarm":"CORRUPT""#, "alarm:CORRUPT"]),
    ("slow-disk", &["slow fdatasync", "failed to send out heartbeat on time"]),
    ("timeout", &["etcdserver: request timed out", "etcdserver: leader changed", "etcdserver: no leader"]),
];

/// One line or event of the store's trouble.
struct Hit<'a> {
    by: &'static str,
    evidence: Evidence,
    message: &'a str,
    times: i64,
    /// Who suffers from it, as far as the line tells.
    sufferer: Option<ObjectRef>,
}

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    let mut hits = said_by_events(context);
    let from_events = !hits.is_empty();
    hits.extend(COMPONENTS.into_iter().flat_map(|component| said_by_logs(context, component)));
    let stale = stale_leases(context);
    let has = |by: &str| hits.iter().any(|hit| hit.by == by);
    let timeouts = hits.iter().filter(|hit| hit.by == "timeout").count();
    let by = if has("space") {
        "space"
    } else if has("corrupt") {
        "corrupt"
    } else if from_events || timeouts >= TIMEOUTS {
        if has("slow-disk") { "slow-disk" } else { "timeout" }
    } else if stale.is_some() {
        "no-writes"
    } else {
        return;
    };
    facts.add(failing(context, by, hits, stale));
}

fn failing(
    context: &Context<'_>,
    by: &'static str,
    hits: Vec<Hit<'_>>,
    stale: Option<(i64, Evidence)>,
) -> Fact {
    let pod = component_pods(context, "etcd").next();
    let subject = pod.map_or_else(|| ObjectRef::cluster(Kind::from("Component"), "etcd"), Object::object_ref);
    let fits = |hit: &&Hit<'_>| hit.by == by || (by == "slow-disk" && hit.by == "timeout");
    let mut fact = Fact::new("control.store-failing", subject).param("by", by);
    let of_kind = || hits.iter().filter(fits);
    if let Some(hit) = of_kind().rfind(|hit| hit.by == by) {
        fact = fact
            .param("message", hit.message.trim())
            .param("count", of_kind().map(|hit| hit.times).sum::<i64>())
            .param("certainty", "decisive");
    } else {
        fact = fact.param("certainty", "suggestive");
    }
    if let Some((seconds, evidence)) = stale {
        fact = fact.param("stale", seconds).evidence([evidence]);
    }
    let mut told: Vec<&ObjectRef> = Vec::new();
    for hit in of_kind().rev() {
        // One line of each teller says what all of its lines say.
        if !told.contains(&&hit.evidence.object) {
            told.push(&hit.evidence.object);
            fact = fact.evidence([hit.evidence.clone()]);
        }
    }
    let sufferers: Vec<ObjectRef> = of_kind().filter_map(|hit| hit.sufferer.clone()).collect();
    fact = super::health::affecting(fact, sufferers);
    if matches!(by, "space" | "corrupt" | "no-writes") {
        // Nothing of the cluster can change any more, whatever its state says.
        let all = context.state.workloads.iter().filter(|workload| workload.kind != Kind::ReplicaSet);
        let known = fact.affects.clone();
        fact.affects.extend(all.map(Object::object_ref).filter(|object| !known.contains(object)));
    }
    fact
}

/// The first meaning that a text has, if any.
fn meaning(text: &str) -> Option<&'static str> {
    WORDS.iter().find(|(_, words)| words.iter().any(|word| text.contains(word))).map(|(by, _)| *by)
}

fn said_by_events<'a>(context: &Context<'a>) -> Vec<Hit<'a>> {
    let recent =
        |last: Option<Timestamp>| context.since.is_none_or(|since| last.is_none_or(|last| last >= since));
    let hit = |event: &'a crate::cluster::event::Event| {
        let by = meaning(&event.message).filter(|_| recent(event.last().get()))?;
        Some(Hit {
            by,
            evidence: Evidence::event(event),
            message: &event.message,
            times: event.times(),
            sufferer: Some(context.topology.workload_of(&event.object())),
        })
    };
    context.state.events.iter().filter_map(hit).collect()
}

/// What the logs of a component say of the store, of late.
fn said_by_logs<'a>(context: &Context<'a>, component: &'static str) -> Vec<Hit<'a>> {
    let mut hits = Vec::new();
    for pod in component_pods(context, component) {
        let logs = context.state.logs.iter();
        let own =
            logs.filter(|(key, _)| key.namespace == pod.metadata.namespace && key.pod == pod.metadata.name);
        for (key, log) in own {
            hits.extend(log.text.lines().filter_map(|line| line_hit(context, pod, &key.container, line)));
        }
    }
    hits
}

fn line_hit<'a>(context: &Context<'a>, pod: &Pod, container: &str, line: &'a str) -> Option<Hit<'a>> {
    let by = meaning(line)?;
    let time = logs::time_of(line, context.now)?;
    if context.now.as_second() - time.as_second() > RECENT {
        return None;
    }
    let evidence = Evidence::new(Source::Log, pod.object_ref(), format!("log of {container}"), by)
        .excerpt(crate::redact::text(line).into_owned())
        .at(Some(time));
    Some(Hit { by, evidence, message: line, times: 1, sufferer: Some(pod.object_ref()) })
}

/// How long no lease at all was renewed, where nothing else was written either.
fn stale_leases(context: &Context<'_>) -> Option<(i64, Evidence)> {
    let leases: Vec<_> =
        context.state.leases.iter().filter(|lease| lease.spec.renew_time.is_some()).collect();
    let newest = leases.iter().max_by_key(|lease| lease.spec.renew_time)?;
    let renewed = newest.spec.renew_time.get()?;
    let seconds = context.now.as_second() - renewed.as_second();
    let written =
        context.state.events.iter().any(|event| event.last().get().is_some_and(|last| last > renewed));
    (leases.len() >= LEASES && seconds > STALE && !written).then(|| {
        let value = format!("{seconds} s ago, and this is the newest of {} leases", leases.len());
        (seconds, Evidence::spec(newest.object_ref(), "spec.renewTime", value).at(Some(renewed)))
    })
}

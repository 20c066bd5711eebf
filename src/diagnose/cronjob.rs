//! Why a CronJob does not run when it should.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::cron_schedule::Schedule;
use super::health::{creation_gap, newest_event};
use super::{Context, Fact, FactSpec, Facts};
use crate::cluster::event::Event;
use crate::cluster::types::{Object, Pod, Workload};
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::Evidence;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[FactSpec {
    name: "cronjob.misses",
    about: "the CronJob does not start Jobs when its schedule says",
    params: &[
        (
            "by",
            "suspended, forbid, forbid-broken (it waits for a Job whose pods do not work), deadline, too-many-missed, schedule, time-zone or unknown",
        ),
        ("schedule", "its schedule"),
        ("zone", "its time zone"),
        ("problem", "what is wrong with the schedule or zone"),
        ("late", "seconds since it was due without having run"),
        ("missed", "how many times it was due since its last run"),
        ("job", "the Job that is still active"),
        ("running", "seconds that the active Job has been running"),
        ("line", "what the active Job's log says it waits for"),
        ("ran_before", "whether it has ever run"),
        ("deadline", "startingDeadlineSeconds"),
        ("certainty", "suggestive where nothing says why"),
        ("matters", "if-described where it is probably meant so"),
    ],
    refs: &[("job", "the Job that is still active")],
}];

/// Seconds since its last run up to which nobody will have meant a CronJob to stay suspended.
const LATELY: i64 = 7 * 86_400;

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    let successors = successors(context);
    for cron in context.state.workloads.iter().filter(|workload| workload.kind == Kind::CronJob) {
        if cron.spec.suspend && is_replaced(cron, &successors) {
            continue;
        }
        if let Some(fact) = explain(context, cron) {
            facts.add(fact);
        }
    }
}

/// CronJobs that have run, by namespace and the name that they may have taken over from: the own name
/// without its last part.
fn successors<'a>(context: &Context<'a>) -> BTreeMap<(&'a str, &'a str), Vec<&'a Workload>> {
    let mut found: BTreeMap<(&str, &str), Vec<&Workload>> = BTreeMap::new();
    let active = |workload: &&Workload| {
        workload.kind == Kind::CronJob
            && !workload.spec.suspend
            && workload.status.last_schedule_time.is_some()
    };
    for workload in context.state.workloads.iter().filter(active) {
        let name = workload.metadata.name.as_str();
        if let Some((stem, _)) = name.rsplit_once('-') {
            found.entry((&workload.metadata.namespace, stem)).or_default().push(workload);
        }
    }
    found
}

/// Whether another CronJob of the same schedule goes on with the work: named after this one or
/// after the same stem, made after it, and running since this one last ran.
fn is_replaced<'a>(cron: &'a Workload, successors: &BTreeMap<(&'a str, &'a str), Vec<&'a Workload>>) -> bool {
    let (namespace, name) = (cron.metadata.namespace.as_str(), cron.metadata.name.as_str());
    // `report-v1` and `report-v2` have a stem in common, `report-eu` and `report-us` are two things.
    let versioned = name.rsplit_once('-').filter(|(_, last)| is_version(last)).map(|(stem, _)| stem);
    let goes_on = |other: &&Workload, same_stem: bool| {
        let last = other.metadata.name.rsplit('-').next().unwrap_or_default();
        other.spec.schedule == cron.spec.schedule
            && other.metadata.creation_timestamp > cron.metadata.creation_timestamp
            && other.status.last_schedule_time > cron.status.last_schedule_time
            && (is_version(last) || (!same_stem && matches!(last, "new" | "next")))
    };
    let of = |stem: &'a str| successors.get(&(namespace, stem)).map_or(&[][..], Vec::as_slice);
    of(name).iter().any(|other| goes_on(other, false))
        || versioned.is_some_and(|stem| of(stem).iter().any(|other| goes_on(other, true)))
}

/// Whether a part of a name is a version: `v2`, `2`.
fn is_version(part: &str) -> bool {
    let digits = part.strip_prefix('v').unwrap_or(part);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn base(cron: &Workload, by: &'static str) -> Fact {
    let fact = Fact::new("cronjob.misses", cron.object_ref())
        .param("by", by)
        .param("schedule", cron.spec.schedule.clone())
        .param("ran_before", cron.status.last_schedule_time.is_some());
    if cron.spec.time_zone.is_empty() { fact } else { fact.param("zone", cron.spec.time_zone.clone()) }
}

fn explain(context: &Context<'_>, cron: &Workload) -> Option<Fact> {
    let object = cron.object_ref();
    let problem = |by, problem: String| {
        let path = if by == "time-zone" { "spec.timeZone" } else { "spec.schedule" };
        let value = if by == "time-zone" { &cron.spec.time_zone } else { &cron.spec.schedule };
        let event = event(context, &object, &["UnparseableSchedule", "InvalidSchedule", "UnknownTimeZone"]);
        base(cron, by)
            .param("problem", problem)
            .evidence([Evidence::spec(object.clone(), path, value.clone())])
            .evidence(event.map(Evidence::event))
    };
    // The controller may know fewer zones and other schedules than this program: its word counts.
    for (reason, by) in [
        ("UnknownTimeZone", "time-zone"),
        ("UnparseableSchedule", "schedule"),
        ("InvalidSchedule", "schedule"),
    ] {
        let said = event(context, &object, &[reason]).filter(|said| {
            said.last() > cron.status.last_schedule_time && said.last() >= cron.metadata.creation_timestamp
        });
        if let Some(said) = said {
            let message = said.message.split_once(": ").map_or(said.message.as_str(), |(_, rest)| rest);
            return Some(problem(by, message.to_owned()));
        }
    }
    let zone = match cron.spec.time_zone.as_str() {
        "" | "UTC" | "Etc/UTC" => TimeZone::UTC,
        name => match TimeZone::get(name) {
            Ok(zone) => zone,
            // A machine without a zone database knows no names.
            Err(_) => TimeZone::UTC,
        },
    };
    let schedule = match Schedule::parse(&cron.spec.schedule) {
        Ok(schedule) => schedule,
        Err(_) if cron.spec.schedule.contains("TZ=") => return None,
        Err(error) => return Some(problem("schedule", error)),
    };
    let created = cron.metadata.creation_timestamp;
    let since = cron.status.last_schedule_time.max(created);
    let due = schedule.due_before(context.now, &zone);
    let Some(due) = due else {
        return Some(problem("schedule", "it is never due".to_owned()));
    };
    let late = since.get().map_or(0, |since| due.as_second() - since.as_second());
    let period = schedule.period(context.now, &zone).unwrap_or(86_400).max(1);
    let overdue = context.now.as_second() - due.as_second();
    let missed = if late > 0 { 1 + (late - 1) / period } else { 0 };
    if cron.spec.suspend {
        return Some(suspended(context, cron, missed));
    }
    // The controller needs a moment after the due time.
    if missed == 0 || (missed == 1 && overdue < 30) {
        return forbidden(context, cron, missed).filter(|fact| fact.params.contains_key("line"));
    }
    let fact = match forbidden(context, cron, missed) {
        Some(fact) => fact,
        // Who refuses its Jobs is said elsewhere.
        None if refused(context, cron).is_some() => return None,
        None => unexplained(context, cron, missed),
    };
    Some(fact.param(
        "late",
        context.now.as_second() - since.get().map_or(due.as_second(), |since| since.as_second()),
    ))
}

fn event<'a>(context: &Context<'a>, object: &ObjectRef, reasons: &[&str]) -> Option<&'a Event> {
    newest_event(context, object, |event| reasons.contains(&event.reason.as_str()))
}

/// The event by which the API server refuses the Job that was due last.
pub fn refused<'a>(context: &Context<'a>, cron: &Workload) -> Option<&'a Event> {
    let newest = event(context, &cron.object_ref(), &["FailedCreate", "SuccessfulCreate"]);
    newest.filter(|event| event.reason == "FailedCreate" && event.last() > cron.status.last_schedule_time)
}

fn suspended(context: &Context<'_>, cron: &Workload, missed: i64) -> Fact {
    let object = cron.object_ref();
    let ran = cron.status.last_schedule_time;
    // A CronJob may be suspended on purpose; one that ran until lately and missed runs rarely is.
    let lately = context.state.age_seconds(ran).is_some_and(|seconds| seconds <= LATELY);
    let mut fact = base(cron, "suspended").param("missed", missed).evidence([Evidence::spec(
        object.clone(),
        "spec.suspend",
        "true",
    )]);
    if !lately || missed < 2 {
        fact = fact.param("matters", "if-described");
    }
    match ran.get() {
        Some(last) => fact
            .param("late", context.now.as_second() - last.as_second())
            .evidence([Evidence::status(object, "status.lastScheduleTime", last.to_string()).at(last)])
            .since(last),
        None => fact,
    }
}

/// `Forbid`, and a Job that does not end.
fn forbidden(context: &Context<'_>, cron: &Workload, missed: i64) -> Option<Fact> {
    let object = cron.object_ref();
    let said = event(context, &object, &["JobAlreadyActive"]);
    if cron.spec.concurrency_policy != "Forbid" || (missed == 0 && said.is_none()) {
        return None;
    }
    let name = cron.status.active.names.first()?;
    let job = ObjectRef::new(Kind::Job, object.ns(), name);
    let started =
        context.state.workload_of(&job).map(|job| job.status.start_time.max(job.metadata.creation_timestamp));
    let by = if is_broken(context, &job) { "forbid-broken" } else { "forbid" };
    let mut fact = base(cron, by)
        .param("missed", missed.max(1))
        .param("job", name.clone())
        .object("job", job.clone())
        .evidence([
            Evidence::spec(object.clone(), "spec.concurrencyPolicy", "Forbid"),
            Evidence::status(object, "status.active", name.clone()).at(started.and_then(|time| time.get())),
        ])
        .evidence(said.map(Evidence::event))
        .since(said.and_then(|event| event.first().get()));
    // A run that takes a little longer than the schedule leaves time for, now and then, harms nobody.
    if by == "forbid" && missed < 2 && said.is_none_or(|event| event.times() < 2) {
        fact = fact.param("matters", "if-described");
    }
    if let Some(seconds) = started.and_then(|time| context.state.age_seconds(time)) {
        fact = fact.param("running", seconds);
    }
    let last = context.logs.of(&job).filter(|finding| finding.class != "start").last();
    Some(match last {
        Some(finding) => fact.param("line", finding.excerpt.clone()),
        None => match last_line(context, &job) {
            Some(line) => fact.param("line", line),
            None => fact,
        },
    })
}

/// Whether an active Job does not work at all: none of its pods runs well, or it may not make any.
fn is_broken(context: &Context<'_>, job: &ObjectRef) -> bool {
    let works = |pod: &&Pod| {
        let statuses = &pod.status.container_statuses;
        pod.status.phase == "Running"
            && statuses.iter().all(|status| status.state.waiting.is_none() && status.restart_count == 0)
    };
    match context.topology.pods_of(job) {
        [] => creation_gap(context, job).is_some_and(|(_, have)| have == 0),
        pods => !pods.iter().any(works),
    }
}

/// The last line that the active Job's pod logged.
fn last_line(context: &Context<'_>, job: &ObjectRef) -> Option<String> {
    let pod = context.topology.pods_of(job).first()?;
    let container = pod.spec.containers.first()?;
    let log = context.state.logs.get(&pod.metadata.namespace, &pod.metadata.name, &container.name, false)?;
    let line = log.text.lines().rev().find(|line| !line.trim().is_empty())?;
    Some(line.chars().filter(|c| !c.is_control()).take(200).collect())
}

fn unexplained(context: &Context<'_>, cron: &Workload, missed: i64) -> Fact {
    let object = cron.object_ref();
    let too_many = event(context, &object, &["TooManyMissedTimes"]);
    let missed_event = event(context, &object, &["MissSchedule"]);
    let deadline = cron.spec.starting_deadline_seconds;
    // The controller looks every ten seconds; a shorter deadline is over before it looks.
    let by = match deadline {
        _ if too_many.is_some() => "too-many-missed",
        Some(seconds) if seconds < 10 || missed_event.is_some() => "deadline",
        _ => "unknown",
    };
    let last = cron.status.last_schedule_time;
    let shown = last.get().map_or("never".to_owned(), |time| time.to_string());
    let fact = base(cron, by)
        .param("missed", missed)
        .param("certainty", if by == "unknown" { "suggestive" } else { "computed" })
        .evidence([Evidence::status(object, "status.lastScheduleTime", shown).at(last.get())])
        .evidence(too_many.or(missed_event).map(Evidence::event))
        .since(last.get());
    match deadline {
        Some(seconds) => fact.param("deadline", seconds),
        None => fact,
    }
}

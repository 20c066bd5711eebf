//! Workloads that fail since a change: a process that crashes, or errors of its own that a Ready one
//! logs.
//!
//! Joins what changed with what fails. That it failed before as well, as far as logs tell, rules the
//! change out.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;

use super::{Context, Fact, FactSpec, Facts, net};
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::{Evidence, Source};
use crate::logs::{self, LogFinding};
use crate::redact;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[FactSpec {
    name: "change.harms",
    about: "a workload fails since a change of its image or of what its pods read",
    params: &[
        ("change", "image or config"),
        (
            "how",
            "crash, errors where its pods are Ready and log errors of their own, or answers where a caller gets bad ones since",
        ),
        ("what", "the change in words"),
        ("age", "seconds since the change"),
        ("kind", "ConfigMap or Secret"),
        ("name", "its name"),
        ("place", "where it is read"),
        ("used_as", "env, file or both"),
        ("manager", "who wrote it"),
        ("line", "the log line of the error"),
        ("seconds", "seconds from the change to the first error"),
        ("certainty", "computed where an image crashes or errors follow a change at once, else suggestive"),
        ("matters", "if-described where errors are all there is and no caller is known to miss anything"),
    ],
    refs: &[("object", "the ConfigMap or Secret"), ("caller", "who gets its bad answers")],
}];

/// A change older than this is part of how things are.
const RECENT: i64 = 86_400;
/// Seconds after a change within which what it breaks shows.
const SOON: i64 = 3600;
/// Seconds that the kubelet may take to bring a new version of a file to the pods, and some for the
/// process to see it.
const SYNC: i64 = 300;
/// Repetitions from which on an error is no single bad request.
const REPEATED: i64 = 3;
/// Seconds without an error after which it is over.
const QUIET: i64 = 1800;
/// Lines of a log that are read for its beginning, and for a reload.
const LINES: usize = 5000;

/// A process that says that it has read its configuration anew.
#[expect(clippy::unwrap_used, reason = "constant pattern, compiled by a test")]
static RELOAD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\bre-?load|config\S* (?:has |was |file )?(?:changed|updated|refreshed)|(?:file|change) (?:changed|modified|detected)|re-?read(?:ing)?\b|\bchanged, ",
    )
    .unwrap()
});

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    let images: Vec<Fact> = facts.named("change.template").filter(|fact| is_recent(fact)).cloned().collect();
    let configs: Vec<Fact> = facts.named("change.config").cloned().collect();
    for change in images.iter().filter(|change| change.text("field") == "image") {
        let found = crash(change, facts, "image").or_else(|| image_errors(context, change, facts));
        found.into_iter().for_each(|fact| facts.add(fact));
    }
    for change in &configs {
        let found = match change.text("phase") {
            "restarted" => crash(change, facts, "config"),
            _ => config_errors(context, change, facts),
        };
        found.into_iter().for_each(|fact| facts.add(fact));
    }
}

fn is_recent(change: &Fact) -> bool {
    change.params.get("age").and_then(serde_json::Value::as_i64).is_some_and(|age| age < RECENT)
}

/// The change as a fact about what it does.
fn harm(change: &Fact, kind: &'static str, how: &'static str) -> Fact {
    let mut fact = Fact::new("change.harms", change.subject.clone())
        .param("change", kind)
        .param("how", how)
        .evidence(change.evidence.iter().cloned())
        .since(change.since);
    for name in ["what", "age", "kind", "name", "place", "used_as", "manager"] {
        if let Some(value) = change.params.get(name) {
            fact = fact.param(name, value.clone());
        }
    }
    match change.refs.get("object") {
        Some(object) => fact.object("object", object.clone()),
        None => fact,
    }
}

/// A container that ends by itself since the change.
fn crash(change: &Fact, facts: &Facts, kind: &'static str) -> Option<Fact> {
    let own = |fact: &&Fact| {
        let class = fact.text("class");
        let waits = matches!(fact.text("log_class"), "call" | "dependency" | "wait");
        match kind {
            "image" => matches!(class, "exit" | "signal" | "completed") && !waits,
            _ => matches!(class, "exit" | "signal" | "completed" | "probe"),
        }
    };
    let crash = facts.about("container.crash", &change.subject).find(own)?;
    let certainty = if kind == "image" { "computed" } else { "suggestive" };
    Some(harm(change, kind, "crash").param("certainty", certainty).evidence(crash.evidence.iter().cloned()))
}

/// Errors that the pods of the newest revision log, none of them older than it.
fn image_errors(context: &Context<'_>, change: &Fact, facts: &Facts) -> Option<Fact> {
    let when = change.since?;
    let missed = facts.named("call.failing").find(|call| {
        call.subject != change.subject
            && call.refs.get("callee") == Some(&change.subject)
            && call.since.is_none_or(|since| since >= when)
    });
    // The pods are no older than the change: what they log without a time, its callers date.
    let dated = || missed.and_then(|call| call.since).is_some_and(|since| follows(since, when));
    let own = began(context, &change.subject, when, is_own)
        .or_else(|| undated(context, &change.subject).filter(|_| dated()));
    let Some(finding) = own else { return answers(context, change, facts) };
    let fact = harm(change, "image", "errors").param("certainty", "computed");
    let fact = told(fact, finding, when);
    Some(if missed.is_some() { fact } else { fact.param("matters", "if-described") })
}

/// Bad answers, by the log of a caller that did not change: it got good ones until then.
///
/// Whoever fails at what it calls in turn, or lacks something, answers badly whatever its version.
fn answers(context: &Context<'_>, change: &Fact, facts: &Facts) -> Option<Fact> {
    let when = change.since?;
    let hindered = context.logs.of(&change.subject).any(|finding| {
        !finding.recovered
            && matches!(finding.class, "call" | "dependency" | "resource" | "permission" | "config")
    });
    if hindered || !net::any_ready(context, &change.subject) {
        return None;
    }
    let calls = facts.named("call.failing").filter(|call| {
        call.text("class") == "error-status" && call.refs.get("callee") == Some(&change.subject)
    });
    let changed = |caller: &ObjectRef| {
        let changes = facts.about("change.template", caller).chain(facts.about("change.config", caller));
        changes.filter_map(|own| own.since).any(|since| since >= when)
    };
    let line = |call: &Fact| {
        repeated(context, &call.subject)
            .find(|finding| finding.class == "call" && finding.excerpt == call.text("line"))
    };
    let mut since = calls.filter(|call| !changed(&call.subject)).filter_map(line).filter(|finding| {
        finding.first.is_some_and(|first| follows(first, when)) && is_current(context, finding)
    });
    let finding = since.find(|finding| has_clean_past(context, finding, when))?;
    let fact = harm(change, "image", "answers").param("certainty", "computed");
    Some(
        told(fact, finding, when)
            .object("caller", finding.workload.clone())
            .affects(finding.workload.clone()),
    )
}

/// Errors that began when a file that the pods read was replaced under them: of their own, or calls
/// that fail though what they call looks well.
fn config_errors(context: &Context<'_>, change: &Fact, facts: &Facts) -> Option<Fact> {
    let when = change.since.filter(|_| change.text("used_as") != "env")?;
    let calls: BTreeSet<&str> = facts
        .about("call.failing", &change.subject)
        .filter(|call| call.text("certainty") == "suggestive" || call.text("class") == "external")
        .map(|call| call.text("line"))
        .collect();
    let fails = |finding: &LogFinding| {
        is_own(finding) || (finding.class == "call" && calls.contains(finding.excerpt.as_str()))
    };
    let finding = began(context, &change.subject, when, fails)?;
    let reload = reloaded(context, finding, when);
    let at_once = finding.first?.as_second() - when.as_second() <= SYNC;
    if !has_clean_past(context, finding, when) || (reload.is_none() && !at_once) {
        return None;
    }
    let certainty = if reload.is_some() { "computed" } else { "suggestive" };
    Some(told(harm(change, "config", "errors").param("certainty", certainty).evidence(reload), finding, when))
}

fn told(fact: Fact, finding: &LogFinding, when: Timestamp) -> Fact {
    let seconds = finding.first.map_or(0, |first| first.as_second() - when.as_second());
    fact.param("line", finding.excerpt.clone()).param("seconds", seconds).evidence([net::line(finding)])
}

/// An error of the process itself, not of what it calls.
fn is_own(finding: &LogFinding) -> bool {
    matches!(finding.class, "error" | "crash")
        || (finding.signature == "response-5xx" && finding.params.contains_key("exception"))
}

/// Whether something began soon after a change.
fn follows(first: Timestamp, when: Timestamp) -> bool {
    (0..=SOON).contains(&(first.as_second() - when.as_second()))
}

/// Whether something was logged lately.
fn is_current(context: &Context<'_>, finding: &LogFinding) -> bool {
    finding.last.is_some_and(|last| context.now.as_second() - last.as_second() <= QUIET)
}

/// The first error of a kind that began soon after a time, was repeated, and goes on.
fn began<'a>(
    context: &Context<'a>,
    workload: &ObjectRef,
    when: Timestamp,
    fails: impl Fn(&LogFinding) -> bool,
) -> Option<&'a LogFinding> {
    let current = |finding: &&LogFinding| {
        finding.first.is_some_and(|first| follows(first, when)) && is_current(context, finding)
    };
    repeated(context, workload)
        .filter(|finding| fails(finding))
        .filter(current)
        .min_by_key(|finding| finding.first)
}

/// An error of the process itself, repeated in a log that tells no times.
fn undated<'a>(context: &Context<'a>, workload: &ObjectRef) -> Option<&'a LogFinding> {
    repeated(context, workload).find(|finding| is_own(finding) && finding.first.is_none())
}

/// What a workload with Ready pods logs again and again.
fn repeated<'a>(context: &Context<'a>, workload: &ObjectRef) -> impl Iterator<Item = &'a LogFinding> {
    let ready = net::any_ready(context, workload);
    context.logs.iter().filter(move |finding| {
        ready
            && finding.workload == *workload
            && !finding.key.previous
            && !finding.recovered
            && finding.count >= REPEATED
    })
}

/// Whether the log reaches back before the change: then it shows that nothing failed.
fn has_clean_past(context: &Context<'_>, finding: &LogFinding, when: Timestamp) -> bool {
    let key = &finding.key;
    let log = context.state.logs.get(&key.namespace, &key.pod, &key.container, key.previous);
    let mut times = log.into_iter().flat_map(|log| log.text.lines().take(LINES));
    times.find_map(|line| logs::time_of(line, context.now)).is_some_and(|first| first < when)
}

/// The line between a change and the first error by which the process has read its files anew.
fn reloaded(context: &Context<'_>, finding: &LogFinding, when: Timestamp) -> Option<Evidence> {
    let key = &finding.key;
    let log = context.state.logs.get(&key.namespace, &key.pod, &key.container, key.previous)?;
    let between = |line: &&str| {
        logs::time_of(line, context.now).is_some_and(|time| time >= when && Some(time) <= finding.first)
    };
    let line = log.text.lines().take(LINES).filter(|line| RELOAD.is_match(line)).find(between)?;
    let text: String = redact::text(line).chars().take(300).collect();
    let pod = ObjectRef::new(Kind::Pod, &key.namespace, &key.pod);
    let place = format!("log of {}", key.container);
    Some(
        Evidence::new(Source::Log, pod, place, "reloaded").excerpt(text).at(logs::time_of(line, context.now)),
    )
}

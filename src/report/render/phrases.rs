//! What `table`, `wide` and `markdown` say in the same words.

use jiff::Timestamp;

use crate::cluster::ObjectRef;
use crate::evidence::Source;
use crate::report::model::{
    BlindSpot, Confidence, EvidenceItem, Hypothesis, Level, RbacRule, Report, Verdict,
};

use super::text::oneline;

/// The verdict in one sentence.
pub(super) fn verdict(report: &Report) -> String {
    match (report.verdict, report.hypotheses.first()) {
        (Verdict::RootCause, Some(first)) => format!("Root cause: {}", oneline(&first.title)),
        (Verdict::RootCause, None) => "Root cause".to_owned(),
        (Verdict::NoFault, None) => format!(
            "Nothing found that explains it: {}; {}",
            looked_at(report),
            if report.other_findings.is_empty() {
                "all as desired"
            } else {
                "what it is about is as desired"
            },
        ),
        (Verdict::NoFault, Some(first)) => format!(
            "Nothing certain found: {}; the best guess, {}: {}",
            looked_at(report),
            first.confidence.level.as_str(),
            oneline(&first.title)
        ),
        (Verdict::Inconclusive, Some(first)) => {
            format!(
                "Inconclusive: it may be this, but what was seen does not prove it: {}",
                oneline(&first.title)
            )
        }
        (Verdict::Inconclusive, None) => "Inconclusive: what was seen does not tell the cause".to_owned(),
    }
}

fn looked_at(report: &Report) -> String {
    format!("{}, {} examined", amount(report, "pods", "pod"), amount(report, "events", "event"))
}

fn amount(report: &Report, plural: &str, singular: &str) -> String {
    match report.examined.counts.get(plural).copied().unwrap_or(0) {
        1 => format!("1 {singular}"),
        count => format!("{count} {plural}"),
    }
}

/// An object as people write it; the namespace is left out where it is the reader's context.
pub(super) fn object(object: &ObjectRef, context: Option<&ObjectRef>) -> String {
    let near = context.is_some_and(|context| context.namespace == object.namespace);
    let text = if near { format!("{} {}", object.kind, object.name) } else { object.to_string() };
    oneline(&text)
}

/// How sure, and why.
pub(super) fn confidence(confidence: &Confidence) -> String {
    let text =
        format!("{} ({:.2}): {}", confidence.level.as_str(), confidence.score, oneline(&confidence.why));
    text.trim_end_matches([':', ' ']).to_owned()
}

/// Whether a hypothesis is worth no more than a line: low, where the first one is better than that.
pub(super) fn is_minor(report: &Report, hypothesis: &Hypothesis) -> bool {
    let first = report.hypotheses.first().map(|first| first.confidence.level);
    hypothesis.confidence.level == Level::Low && first.is_some_and(|first| first > Level::Low)
}

/// What was looked at, and where.
pub(super) fn examined(report: &Report) -> String {
    let named = ["pods", "events", "logs"];
    let counts = &report.examined.counts;
    let mut parts: Vec<String> =
        named.iter().filter_map(|name| counts.get(*name).map(|count| format!("{count} {name}"))).collect();
    let others: usize =
        counts.iter().filter(|(name, _)| !named.contains(&name.as_str())).map(|(_, count)| count).sum();
    if others > 0 {
        parts.push(format!("{others} other objects"));
    }
    let what = if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") };
    let place = match report.examined.namespaces.as_slice() {
        [] => "all namespaces".to_owned(),
        [one] => one.clone(),
        [first, second] => format!("{first} and {second}"),
        [first, second, rest @ ..] => format!("{first}, {second} and {} more namespaces", rest.len()),
    };
    oneline(&format!("{what} in {place}; {}", source(report)))
}

fn source(report: &Report) -> String {
    let source = &report.source;
    match source.captured_at {
        Some(time) => {
            format!("{} {} at {}", source.r#type, source.context, time.strftime("%Y-%m-%d %H:%M:%SZ"))
        }
        None => format!("{} {}", source.r#type, source.context),
    }
}

/// A time of day, with the date where it is not the day of the capture.
pub(super) fn clock(time: Timestamp, captured: Option<Timestamp>) -> String {
    let same_day = captured.is_some_and(|captured| day(captured) == day(time));
    time.strftime(if same_day { "%H:%M:%SZ" } else { "%Y-%m-%d %H:%M:%SZ" }).to_string()
}

fn day(time: Timestamp) -> i64 {
    time.as_second().div_euclid(86_400)
}

/// A time of day and how long before the capture that was.
pub(super) fn clock_and_age(time: Timestamp, captured: Option<Timestamp>) -> String {
    let clock = clock(time, captured);
    match captured.map(|captured| captured.as_second() - time.as_second()) {
        Some(seconds) if seconds >= 0 => format!("{clock} ({} before)", age(seconds)),
        _ => clock,
    }
}

/// Seconds in the two largest units, as `kubectl` writes ages.
fn age(seconds: i64) -> String {
    match seconds {
        0..=119 => format!("{seconds}s"),
        120..=7_199 => format!("{}m", seconds / 60),
        7_200..=172_799 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// What was observed: the end of the path, the value, and the message.
pub(super) fn observation(item: &EvidenceItem) -> String {
    let path = oneline(&item.path);
    let field = path.rsplit(['.', '/']).next().unwrap_or_default();
    let value = oneline(&item.value);
    let excerpt = oneline(&item.excerpt);
    // A line of a log speaks for itself.
    if item.source == Source::Log && !excerpt.is_empty() {
        return excerpt;
    }
    let head = match (field.is_empty(), value.is_empty()) {
        (_, true) if !excerpt.is_empty() => String::new(),
        (true, _) => value,
        (false, true) => field.to_owned(),
        (false, false) => format!("{field}={value}"),
    };
    match (head.is_empty(), excerpt.is_empty()) {
        (true, _) => excerpt,
        (false, true) => head,
        (false, false) => format!("{head}: {excerpt}"),
    }
}

/// A blind spot in one sentence.
pub(super) fn blind_spot(spot: &BlindSpot) -> String {
    let what = oneline(&spot.what);
    let why = oneline(&spot.why);
    let head = if why.is_empty() { what } else { format!("{what} ({why})") };
    match oneline(&spot.effect) {
        effect if effect.is_empty() => head,
        effect => format!("{head}: {effect}"),
    }
}

/// What to grant to remove a blind spot.
pub(super) fn grant(rule: &RbacRule) -> String {
    let resources: Vec<String> = rule
        .resources
        .iter()
        .map(|resource| match rule.api_groups.first().map(String::as_str) {
            None | Some("") => resource.clone(),
            Some(group) => format!("{resource}.{group}"),
        })
        .collect();
    let scope = match &rule.namespace {
        Some(namespace) => format!("a Role in namespace {namespace}"),
        None => "a ClusterRole".to_owned(),
    };
    oneline(&format!("grant {} on {} in {scope}", rule.verbs.join(", "), resources.join(", ")))
}

/// A name that nothing has.
pub(super) fn not_found(text: &str, closest: &[String]) -> String {
    let text = oneline(text);
    match closest {
        [] => format!("nothing is named “{text}”"),
        closest => format!("nothing is named “{text}”; closest: {}", oneline(&closest.join(", "))),
    }
}

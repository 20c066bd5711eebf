//! One log: its entries judged one by one, then together.
//!
//! Decides which statement of an entry is the root, which entries only echo another, what was
//! still wrong when the process ended, and what had passed by then. Linear in the log's size;
//! may not know which workload the log belongs to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use regex::Regex;

use super::format::Level;
use super::pattern::constant;
use super::recovery::{self, Mood};
use super::signatures::{self, Hit, Scope};
use super::target;
use super::trace::{self, Entry};
use crate::cluster::address::Address;

/// Findings kept of one log.
const MAX_FINDINGS: usize = 200;
/// Different unrecognised messages kept of one log.
const MAX_UNKNOWN: usize = 30;
/// Longest excerpt, in characters.
const MAX_EXCERPT: usize = 400;
/// Entries before a process's end that count as its end.
const LAST: usize = 12;
/// Entries to either side in which a louder one makes another its echo.
const BURST: usize = 6;
/// Rank of what no rule recognised.
const UNRECOGNISED: u8 = 9;

/// Parameters that differ from one occurrence to the next without changing the meaning.
const VOLATILE: [&str; 7] = ["url", "ms", "seconds", "ip", "server", "message", "line"];

/// One meaning in one log.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    /// The signature's id.
    pub(super) signature: &'static str,
    /// The signature's class.
    pub(super) class: &'static str,
    /// Whom the line is about.
    pub(super) target: Option<Address>,
    /// Named parts.
    pub(super) params: BTreeMap<&'static str, String>,
    /// The head with its cause, not yet redacted.
    pub(super) excerpt: String,
    /// First and last time.
    pub(super) first: Option<Timestamp>,
    /// See `first`.
    pub(super) last: Option<Timestamp>,
    /// How often.
    pub(super) count: i64,
    /// First line.
    pub(super) line: usize,
    /// Whether it had passed when the log ended.
    pub(super) recovered: bool,
    /// Whether it was among the last entries of a process that ended.
    pub(super) at_end: bool,
}

/// What identifies a finding: repetitions share it.
pub(super) type Identity = (&'static str, Option<Address>, Vec<(&'static str, String)>);

impl Found {
    /// What this finding shares with its repetitions, in this log and in those of replicas.
    pub(super) fn identity(&self) -> Identity {
        let keep = |name: &str| !VOLATILE.contains(&name) || self.signature == "unknown-error";
        let params = self.params.iter().filter(|(name, _)| keep(name));
        (self.signature, self.target.clone(), params.map(|(name, value)| (*name, value.clone())).collect())
    }
}

/// What to look for besides the text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scanning {
    /// The capture time.
    pub(super) now: Option<Timestamp>,
    /// Entries before this are history, unless the log ends with them.
    pub(super) since: Option<Timestamp>,
    /// Whether the process that wrote the log has ended.
    pub(super) ended: bool,
}

/// What one entry means.
struct Meaning {
    rank: u8,
    found: Found,
}

/// Finds every meaning of a log, in the order of first occurrence.
pub(super) fn scan(text: &str, scanning: Scanning) -> Vec<Found> {
    let entries = trace::entries(text, scanning.now);
    let meanings: Vec<Option<Meaning>> = entries.iter().map(meaning).collect();
    let moods: Vec<Mood> = entries
        .iter()
        .zip(&meanings)
        .map(|(entry, meaning)| recovery::mood(entry, meaning.as_ref().map(|meaning| meaning.found.class)))
        .collect();
    let tail = entries.len().saturating_sub(LAST);
    let mut groups: Groups = Groups::default();
    for (index, (entry, meaning)) in entries.iter().zip(&meanings).enumerate() {
        let Some(meaning) = meaning else { continue };
        let milestone = matches!(meaning.found.class, "start" | "lifecycle");
        let old = scanning.since.is_some_and(|since| entry.time.is_some_and(|time| time < since));
        if old && !milestone && index < tail || is_echo(&entries, &meanings, &moods, index) {
            continue;
        }
        groups.add(index, meaning);
    }
    groups
        .groups
        .into_iter()
        .map(|group| {
            let last = group.at.last().copied().unwrap_or_default();
            let failure = !matches!(group.found.class, "start" | "lifecycle");
            let at_end = scanning.ended && last >= tail;
            let recovered = failure
                && !(scanning.ended && at_end)
                && recovery::recovered(&entries, &moods, &group.at, group.found.target.as_ref());
            Found { at_end, recovered, ..group.found }
        })
        .collect()
}

struct Group {
    found: Found,
    at: Vec<usize>,
}

/// Repetitions together, bounded.
#[derive(Default)]
struct Groups {
    groups: Vec<Group>,
    known: BTreeMap<Identity, usize>,
    unknown: usize,
}

impl Groups {
    fn add(&mut self, index: usize, meaning: &Meaning) {
        let identity = meaning.found.identity();
        if let Some(group) = self.known.get(&identity).and_then(|at| self.groups.get_mut(*at)) {
            group.found.count += 1;
            group.found.last = meaning.found.last.max(group.found.last);
            group.at.push(index);
            return;
        }
        let unknown = meaning.rank == UNRECOGNISED;
        if self.groups.len() >= MAX_FINDINGS || unknown && self.unknown >= MAX_UNKNOWN {
            return;
        }
        self.unknown += usize::from(unknown);
        self.known.insert(identity, self.groups.len());
        self.groups.push(Group { found: meaning.found.clone(), at: vec![index] });
    }
}

/// Whether an entry only repeats in vaguer words what one close by says.
fn is_echo(entries: &[Entry], meanings: &[Option<Meaning>], moods: &[Mood], index: usize) -> bool {
    let (Some(entry), Some(Some(own))) = (entries.get(index), meanings.get(index)) else { return false };
    if own.rank < 2 || matches!(own.found.class, "start" | "lifecycle" | "wait") {
        return false;
    }
    let louder = |at: usize| {
        let (Some(other), Some(Some(meaning))) = (entries.get(at), meanings.get(at)) else { return false };
        let near = match (entry.time, other.time) {
            (Some(a), Some(b)) => a.duration_since(b).abs() <= SignedDuration::from_secs(2),
            _ => true,
        };
        near && meaning.rank < own.rank.min(4)
            && !matches!(meaning.found.class, "start" | "lifecycle")
            && meaning.found.signature != "probe-request"
            && (own.found.target.is_none() || own.found.target == meaning.found.target)
    };
    let quiet = |at: &usize| moods.get(*at).is_none_or(|mood| matches!(mood, Mood::Ordinary | Mood::Success));
    let after = (index + 1..=index + BURST).take_while(|at| !quiet(at));
    let before = (index.saturating_sub(BURST)..index).rev().take_while(|at| !quiet(at));
    after.chain(before).any(louder)
}

/// Settings that list what might go wrong.
static SETTINGS: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"(?i)\b(?:retry[-_ ]?on|retryable|retry[-_ ]?polic(?:y|ies)|ignore[d]?[-_ ](?:errors|exceptions)|(?:loaded|effective|using|current|parsed) (?:config(?:uration)?|settings|options)\b|(?:0|no|zero|without) (?:errors?|failures?|timeouts?)|will (?:retry|reconnect) (?:on|if|when)|in case of|simulat(?:e|ing))",
    )
});

/// What an entry means: the most specific rule over its statements, root first.
fn meaning(entry: &Entry) -> Option<Meaning> {
    let level = match entry.exception {
        Some(_) if entry.level == Level::Unknown => Level::Error,
        _ => entry.level,
    };
    if level == Level::Debug {
        return None;
    }
    let mut best: Option<((u8, usize, usize), Hit)> = None;
    for (index, statement) in entry.statements.iter().enumerate() {
        if level <= Level::Unknown && SETTINGS.is_match(statement) {
            continue;
        }
        for hit in signatures::matches(statement, level) {
            let key = (hit.rule.rank + milestone_penalty(&hit), index, hit.order);
            if best.as_ref().is_none_or(|(known, _)| key < *known) {
                best = Some((key, hit));
            }
        }
    }
    if best.as_ref().is_none_or(|(key, _)| key.0 >= 3) && !entry.fields.is_empty() {
        with_fields(entry, level, &mut best);
    }
    match best {
        Some((key, hit)) => Some(recognised(entry, key, hit)),
        None if level >= Level::Error => unrecognised(entry),
        None => None,
    }
}

/// A milestone never hides a fault that the same entry tells.
fn milestone_penalty(hit: &Hit) -> u8 {
    if hit.rule.scope == Scope::Notice { 5 } else { 0 }
}

/// Structured fields complete a message: `msg="listening" port=8080`, `status=503 url=…`.
fn with_fields(entry: &Entry, level: Level, best: &mut Option<((u8, usize, usize), Hit)>) {
    let Some(head) = entry.statements.get(entry.head) else { return };
    let whole = format!("{head} {}", entry.fields);
    for hit in signatures::matches(&whole, level) {
        let milestone = hit.rule.scope == Scope::Notice;
        let answer = matches!(hit.rule.id, "probe-request" | "response-5xx");
        let status = hit.rule.id == "http-status-error" && level >= Level::Warn;
        if milestone || answer || status {
            let key = (hit.rule.rank + milestone_penalty(&hit), entry.head, hit.order);
            if best.as_ref().is_none_or(|(known, _)| key < *known) {
                *best = Some((key, hit));
            }
        }
    }
}

fn recognised(entry: &Entry, key: (u8, usize, usize), hit: Hit) -> Meaning {
    let mut params = hit.params;
    let mut target = None;
    if hit.rule.peer {
        let host = params.remove("host");
        let port = params.remove("port").and_then(|port| port.parse().ok()).filter(|port| *port != 0);
        let root = entry.statements.get(key.1).map(String::as_str);
        let others = entry.statements.iter().enumerate().filter(|(index, _)| *index != key.1);
        let ordered: Vec<&str> =
            root.into_iter().chain(others.map(|(_, statement)| statement.as_str())).collect();
        let (peer, ip) = target::peer(&ordered, &entry.fields);
        target = match host {
            Some(host) => {
                let host = host.trim_end_matches('.').to_ascii_lowercase();
                let known = peer.filter(|peer| peer.host == host);
                let port = port.or_else(|| known.as_ref().and_then(|peer| peer.port));
                let scheme = known.map_or_else(String::new, |peer| peer.scheme);
                Some(Address { scheme, host, port })
            }
            None => {
                params.extend(ip.map(|ip| ("ip", ip)));
                peer
            }
        };
        // The scheme is one log's wording, not another target.
        if let Some(target) = target.as_mut() {
            target.port = target.port_or_default();
            target.scheme.clear();
        }
    }
    if let Some(exception) = &entry.exception {
        params.entry("exception").or_insert_with(|| exception.clone());
    }
    build(entry, key.1, (hit.rule.id, hit.rule.class, key.0), target, params)
}

fn unrecognised(entry: &Entry) -> Option<Meaning> {
    let root = entry.statements.first()?;
    let mut params = BTreeMap::new();
    if let Some(exception) = &entry.exception {
        params.insert("exception", exception.clone());
    }
    if entry.uncaught {
        params.insert("message", short(root, 160));
        return Some(build(entry, 0, ("uncaught-exception", "crash", 8), None, params));
    }
    params.insert("message", template(root));
    Some(build(entry, 0, ("unknown-error", "error", UNRECOGNISED), None, params))
}

fn build(
    entry: &Entry,
    statement: usize,
    (signature, class, rank): (&'static str, &'static str, u8),
    target: Option<Address>,
    params: BTreeMap<&'static str, String>,
) -> Meaning {
    let found = Found {
        signature,
        class,
        target,
        params,
        excerpt: excerpt(entry, statement),
        first: entry.time,
        last: entry.time,
        count: 1,
        line: entry.line,
        recovered: false,
        at_end: false,
    };
    Meaning { rank, found }
}

/// The line that was logged, with the cause where that is another line.
fn excerpt(entry: &Entry, statement: usize) -> String {
    let root = entry.statements.get(statement).map_or("", String::as_str).trim();
    match entry.statements.get(entry.head).map(|head| head.trim()) {
        Some(head) if entry.head != statement && !head.contains(root) => {
            let head = short(head, MAX_EXCERPT / 3);
            short(&format!("{head} | {root}"), MAX_EXCERPT)
        }
        _ => short(root, MAX_EXCERPT),
    }
}

fn short(text: &str, limit: usize) -> String {
    let text = text.replace('\t', " ");
    if text.chars().count() <= limit {
        return text;
    }
    text.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

/// A message with what varies taken out, so that repetitions are one finding.
fn template(text: &str) -> String {
    let mut template = String::new();
    let mut seen = BTreeSet::new();
    for word in text.split_whitespace().take(40) {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        let word = if digits * 3 >= word.len() && digits > 0 || digits > 3 { "#" } else { word };
        if word == "#" && !seen.insert(template.len()) || template.ends_with('#') && word == "#" {
            continue;
        }
        if !template.is_empty() {
            template.push(' ');
        }
        template.push_str(word);
    }
    short(&template, 160)
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// Findings of a log as text: `id host:port name=value …`.
    pub(in crate::logs) fn told(text: &str) -> Vec<String> {
        let now = "2026-11-24T12:00:00Z".parse().ok();
        scan(text, Scanning { now, since: None, ended: false })
            .into_iter()
            .map(|found| {
                let mut line = found.signature.to_owned();
                line.extend(found.target.map(|target| format!(" {target}")));
                line.extend(found.params.iter().map(|(name, value)| format!(" {name}={value}")));
                line
            })
            .collect()
    }

    /// Asserts that each log has exactly one finding, which begins so and holds each word.
    #[track_caller]
    pub(in crate::logs) fn each(cases: &[(&str, &str)]) {
        for (log, expected) in cases {
            let told = told(log);
            let mut words = expected.split_whitespace();
            let id = words.next().unwrap();
            let [one] = told.as_slice() else { panic!("{log}\n  {told:?}\n  expected {expected}") };
            let parts: Vec<&str> = one.split(' ').collect();
            assert_eq!(parts[0], id, "{log}\n  {one}");
            for word in words {
                assert!(parts.contains(&word), "{log}\n  {one}\n  expected {word}");
            }
        }
    }

    /// Asserts that none of these lines means a fault.
    #[track_caller]
    pub(in crate::logs) fn quiet(lines: &[&str]) {
        for line in lines {
            let told = told(line);
            let fault = |id: &&String| {
                !["listening", "ready", "sigterm", "shutdown", "probe"].iter().any(|ok| id.starts_with(ok))
            };
            assert_eq!(told.iter().find(fault), None, "{line}");
        }
    }
}

//! One log: its entries judged one by one, then together.
//!
//! Decides which statement of an entry is the root, which entries only echo another, what was
//! still wrong when the process ended, and what had passed by then. Linear in the log's size;
//! may not know which workload the log belongs to.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use regex::Regex;

use super::excerpt::{completed, excerpt, short, template};
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
    /// Entries before this are history, unless the log of a process that is not well ends with them.
    pub(super) since: Option<Timestamp>,
    /// Whether the process that wrote the log has ended.
    pub(super) ended: bool,
    /// Whether it runs and does its work, so that what it said last may be long over.
    pub(super) well: bool,
    /// Whether it ended well, so that what it only warned of did not matter.
    pub(super) succeeded: bool,
}

/// Whether a process that does its work means what a line says: at the level of information it
/// reports on calls, and quotes what users wrote and what others printed. Whether its maker is
/// reached does not matter to its work.
fn is_meant(entry: &Entry, meaning: &Meaning) -> bool {
    // PostgreSQL tells the end of its own processes at the level LOG, which for it is more than an error.
    let own = entry.statements.iter().any(|said| said.contains("server process (PID "));
    let quoted =
        entry.level == Level::Info && !own && matches!(meaning.found.class, "resource" | "crash" | "config");
    let aside = || entry.statements.iter().chain([&entry.fields]).any(|said| ASIDES.is_match(said));
    !(quoted || meaning.found.class == "call" && aside())
}

/// Calls to a program's maker: for newer versions, and to tell how it is used.
static ASIDES: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"(?i)\b(?:update|upgrade|version)[-_ .]?check|check(?:ing|er)?[-_ ](?:for )?(?:an? |any |the )?(?:new |newer |newest |latest )?(?:available )?(?:updates?|upgrades?|versions?|releases?)\b|(?:new|newer|latest) (?:version|release) (?:check|info)|\busage[-_ ](?:stats|statistics|reports?|data|tracker)|anonymous (?:usage|telemetry|statistics|data|analytics)|phone[-_ ]?home|\bupdate[-_ ]?center\b",
    )
});

/// What one entry means.
struct Meaning {
    rank: u8,
    found: Found,
}

/// Finds every meaning of a log, in the order of first occurrence.
pub(super) fn scan(text: &str, scanning: Scanning) -> Vec<Found> {
    let entries = trace::entries(text, scanning.now);
    let meanings: Vec<Option<Meaning>> = entries
        .iter()
        .map(|entry| {
            let passing = scanning.succeeded && entry.level == Level::Warn;
            meaning(entry).filter(|found| !passing && (!scanning.well || is_meant(entry, found)))
        })
        .collect();
    let moods: Vec<Mood> = entries
        .iter()
        .zip(&meanings)
        .map(|(entry, meaning)| recovery::mood(entry, meaning.as_ref().map(|meaning| meaning.found.class)))
        .collect();
    let tail = entries.len().saturating_sub(LAST);
    let mut groups: Groups = Groups::default();
    // When it began, even where that is history.
    let mut onsets: BTreeMap<Identity, Timestamp> = BTreeMap::new();
    for (index, (entry, meaning)) in entries.iter().zip(&meanings).enumerate() {
        let Some(meaning) = meaning else { continue };
        let milestone = matches!(meaning.found.class, "start" | "lifecycle");
        let old = entry.time.filter(|time| scanning.since.is_some_and(|since| *time < since));
        if is_echo(&entries, &meanings, &moods, index) {
            continue;
        }
        if let Some(time) = old.filter(|_| !milestone && (index < tail || scanning.well)) {
            onsets.entry(meaning.found.identity()).or_insert(time);
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
            let first = group.at.first().copied().unwrap_or_default();
            let after = entries.get(first + 1..).unwrap_or_default();
            let excerpt = completed(&group.found.excerpt, after);
            let onset = onsets.get(&group.found.identity()).copied().or(group.found.first);
            Found { at_end, recovered, excerpt, first: onset, ..group.found }
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
        let host = params.remove("host").filter(|host| !target::is_word(&host.to_ascii_lowercase()));
        let port = params.remove("port").and_then(|port| port.parse().ok()).filter(|port| *port != 0);
        let root = entry.statements.get(key.1).map(String::as_str);
        let others = entry.statements.iter().enumerate().filter(|(index, _)| *index != key.1);
        let ordered: Vec<&str> =
            root.into_iter().chain(others.map(|(_, statement)| statement.as_str())).collect();
        target = match host {
            Some(host) => {
                let host = host.trim_end_matches('.').to_ascii_lowercase();
                let port = port.or_else(|| target::named(&host, &ordered, &entry.fields));
                Some(Address { scheme: String::new(), host, port })
            }
            None => {
                let (peer, ip) = target::peer(&ordered, &entry.fields);
                params.extend(ip.map(|ip| ("ip", ip)));
                peer
            }
        };
        // To a store that answers, its keys look like a host and its port: `cart:300`.
        let store =
            hit.rule.class == "dependency" && params.get("product").is_some_and(|product| product == "redis");
        target = target.filter(|target| {
            !store || !target.scheme.is_empty() || target.port.is_none_or(|port| port > 5000)
        });
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

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// Findings of a log as text: `id host:port name=value …`.
    pub(in crate::logs) fn told(text: &str) -> Vec<String> {
        let now = "2026-11-24T12:00:00Z".parse().ok();
        scan(text, Scanning { now, ..Scanning::default() })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned(text: &str, ended: bool) -> Vec<Found> {
        let now = "2026-11-24T12:00:00Z".parse().ok();
        scan(text, Scanning { now, ended, ..Scanning::default() })
    }

    #[track_caller]
    fn faults(text: &str) -> Vec<Found> {
        scanned(text, false).into_iter().filter(|f| !matches!(f.class, "start" | "lifecycle")).collect()
    }

    #[test]
    fn a_start_that_got_over_it_has_recovered() {
        let found = faults(
            "2026-11-24T03:31:50Z WARN dial tcp 10.0.0.1:5432: connect: connection refused, retrying\n\
             2026-11-24T03:31:52Z WARN dial tcp 10.0.0.1:5432: connect: connection refused, retrying\n\
             2026-11-24T03:31:53Z INFO connected to database\n\
             2026-11-24T03:31:53Z INFO listening on :8080\n",
        );
        assert_eq!((found.len(), found[0].count, found[0].recovered), (1, 2, true));
    }

    #[test]
    fn one_request_in_some_is_not_over() {
        let mut log = String::from("2026-11-24T03:30:00Z INFO listening on :8080\n");
        for minute in 31..40 {
            log.push_str(&format!("2026-11-24T03:{minute}:00Z INFO GET /a 200\n"));
            log.push_str(&format!("2026-11-24T03:{minute}:20Z ERROR Get \"http://pay:80/\": dial tcp 10.0.0.1:80: connect: connection refused\n"));
            log.push_str(&format!("2026-11-24T03:{minute}:40Z INFO GET /a 200\n"));
            log.push_str(&format!("2026-11-24T03:{minute}:41Z INFO GET /b 200\n"));
        }
        let found = faults(&log);
        assert_eq!((found.len(), found[0].count, found[0].recovered), (1, 9, false));
        log.push_str("2026-11-24T03:59:00Z INFO GET /a 200\n2026-11-24T03:59:30Z INFO GET /a 200\n");
        assert!(faults(&log)[0].recovered);
    }

    #[test]
    fn failing_probes_are_no_ordinary_work() {
        let found = faults(
            "2026-11-24T03:31:50Z ERROR db: password authentication failed for user \"app\"\n\
             10.0.0.1 - - [24/Nov/2026:03:31:55 +0000] \"GET /ready HTTP/1.1\" 503 2 \"-\" \"kube-probe/1.36\"\n\
             10.0.0.1 - - [24/Nov/2026:03:32:55 +0000] \"GET /ready HTTP/1.1\" 503 2 \"-\" \"kube-probe/1.36\"\n",
        );
        assert!(!found[0].recovered);
        assert_eq!(found[1].params["status"], "503");
        assert_eq!(found[1].count, 2);
    }

    #[test]
    fn a_place_before_the_message_is_no_frame_of_a_trace() {
        let found = faults(
            "2026/11/24 03:31:53 main.go:42: ping db: dial tcp 10.0.0.1:5432: connect: connection refused\n\
             [2026/11/24 03:31:54] [proxy.go:877] Error redeeming: x509: certificate has expired or is not yet valid\n",
        );
        let told: Vec<&str> = found.iter().map(|one| one.signature).collect();
        assert_eq!(told, ["connection-refused", "certificate-expired"]);
    }

    #[test]
    fn the_end_of_a_run() {
        let log = "up\npanic: no tiers\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:9 +0x1c\n";
        assert!(scanned(log, true)[0].at_end);
        assert!(!scanned(log, false)[0].at_end);
        let long =
            format!("2026-11-24T03:31:50Z ERROR no tiers\n{}", "2026-11-24T03:31:51Z INFO work\n".repeat(50));
        assert!(!scanned(&long, true)[0].at_end);
    }

    #[test]
    fn vague_neighbours_are_echoes() {
        let found = faults(
            "2026-11-24T03:31:50.100Z ERROR Exception during pool initialization\n\
             java.net.UnknownHostException: db: Name or service not known\n\
             \tat a.B.c(B.java:1)\n\
             2026-11-24T03:31:50.200Z ERROR Unable to open JDBC Connection for DDL execution\n\
             2026-11-24T03:31:50.300Z ERROR Application run failed\n",
        );
        assert_eq!(found.iter().map(|f| f.signature).collect::<Vec<_>>(), ["host-not-found"]);
        assert!(
            found[0].excerpt.contains("Exception during pool") && found[0].excerpt.contains("| java.net")
        );
    }

    #[test]
    fn history_is_left_out_unless_the_log_ends_with_it() {
        let since = "2026-11-24T03:00:00Z".parse().ok();
        let old = "2026-11-24T01:00:00Z ERROR disk is full\n";
        let look = |text: &str| scan(text, Scanning { since, ..Scanning::default() }).len();
        assert_eq!(look(&format!("{old}{}", "2026-11-24T03:31:51Z INFO work\n".repeat(50))), 0);
        assert_eq!(look(old), 1);
        // A process that does its work has got over what it said hours ago.
        assert!(scan(old, Scanning { since, well: true, ..Scanning::default() }).is_empty());
    }

    #[test]
    fn calls_to_the_maker_are_beside_the_point() {
        let look = |text: &str, well: bool| scan(text, Scanning { well, ..Scanning::default() }).len();
        for line in [
            "2026-11-24T03:31:53Z ERROR Update check failed: Get \"https://up.example.com/v\": dial tcp 203.0.113.9:443: i/o timeout",
            "2026-11-24T03:31:53Z ERROR cannot check for new versions: dial tcp: lookup up.example.com: no such host",
            "2026-11-24T03:31:53Z WARN failed to send usage report: dial tcp 203.0.113.9:443: connect: connection refused",
        ] {
            assert_eq!((look(line, true), look(line, false)), (0, 1), "{line}");
        }
        let own = "2026-11-24T03:31:53Z ERROR update of order failed: dial tcp 203.0.113.9:443: i/o timeout";
        assert_eq!(look(own, true), 1);
    }

    #[test]
    fn bounds() {
        let lines: String = (0..2000)
            .map(|n| format!("2026-11-24T03:31:51Z ERROR tier{} is bad\n", "x".repeat(n % 300)))
            .collect();
        assert!(scanned(&lines, false).len() <= MAX_UNKNOWN);
        let long = format!("ERROR {} connection refused", "x ".repeat(3000));
        assert!(scanned(&long, false)[0].excerpt.chars().count() <= super::super::excerpt::MAX_EXCERPT);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600)) {
            let _ = scanned(&String::from_utf8_lossy(&bytes), true);
        }

        #[test]
        fn never_panics_on_likely_words(text in "((ERROR|dial tcp|refused|lookup|:|\\{|\"|tcp://1|no such host|KeyError: '|Caused by: | |\t|\n|=|\u{e9}|[0-9A-Z_]{1,4}){1,3}){0,60}") {
            let _ = scanned(&text, true);
        }
    }
}

//! Whether a fault had passed when the log ended.
//!
//! A warning at start-up that stopped is history; one request in ten that fails is not, however
//! many succeed in between. May not judge by anything but the log itself.

use std::sync::LazyLock;

use jiff::SignedDuration;
use regex::Regex;

use super::format::Level;
use super::pattern::constant;
use super::trace::Entry;
use crate::cluster::address::Address;

/// Time without the fault that counts as over, where work went on.
const QUIET: SignedDuration = SignedDuration::from_secs(30);
/// Ordinary entries that count as over where lines carry no time.
const QUIET_ENTRIES: usize = 10;

/// What an entry says about the state of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    /// A fault, or words of one.
    Bad,
    /// Neither good nor bad.
    Neutral,
    /// Ordinary work.
    Ordinary,
    /// Says that something succeeded that could have failed.
    Success,
}

static TROUBLE: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"(?i)retry|error|fail|unable|cannot|can't|could not|exception|timed? ?out|refused|unavailable|denied|waiting|sleeping|not ready|not complete|backing off|reconnecting|giving up|unhealthy|disconnect|exiting|exited|abort|shutting down|stopping|terminat|\b5[0-9]{2}\b",
    )
});
static SUCCESS: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"(?i)\b(?:re-?)?connected\b|\bready\b|\blistening\b|\bstarted\b|\brecovered\b|\bestablished\b|\bhealthy\b|\brestored\b|\bsucceeded\b|\bsuccess(?:fully|ful)?\b|\bresumed\b|\bback online\b|\bis up\b|\bjoined\b|\bregistered\b|\bcomplete[d]?\b",
    )
});

/// The mood of an entry, given the class of its meaning.
pub(super) fn mood(entry: &Entry, class: Option<&str>) -> Mood {
    match class {
        Some("start") => return Mood::Success,
        Some("lifecycle") => return Mood::Neutral,
        // A probe that was answered well is work like any other request.
        Some("server") | None => {}
        Some(_) => return Mood::Bad,
    }
    let text = entry.statements.first().map_or("", String::as_str);
    if entry.level >= Level::Warn {
        return Mood::Bad;
    }
    if TROUBLE.is_match(text) || (class.is_some() && !text.contains("kube-probe")) {
        return Mood::Bad;
    }
    if text.len() < 3 {
        return Mood::Neutral;
    }
    if SUCCESS.is_match(text) { Mood::Success } else { Mood::Ordinary }
}

/// Whether the fault that occurred at these entries had passed by the end of the log.
pub(super) fn recovered(entries: &[Entry], moods: &[Mood], at: &[usize], target: Option<&Address>) -> bool {
    let (Some(&first), Some(&last)) = (at.first(), at.last()) else { return false };
    let good = |from: usize, to: usize| {
        (from..to).filter(|index| matches!(moods.get(*index), Some(Mood::Ordinary | Mood::Success)))
    };
    let after = good(last + 1, entries.len()).count();
    if after == 0 {
        return false;
    }
    if good(last + 1, entries.len()).any(|index| same_target(entries.get(index), moods.get(index), target)) {
        return true;
    }
    if after < 2 {
        return false;
    }
    // Before the process had done anything: a start-up that got over its trouble.
    let worked = moods.iter().take(last).any(|mood| *mood == Mood::Success);
    let succeeded = moods.iter().skip(last + 1).any(|mood| *mood == Mood::Success);
    if succeeded && !worked {
        return true;
    }
    match (entries.get(first), entries.get(last), entries.last()) {
        (
            Some(Entry { time: Some(first), .. }),
            Some(Entry { time: Some(last), .. }),
            Some(Entry { time: Some(end), .. }),
        ) => {
            let quiet = end.duration_since(*last);
            let between = last.duration_since(*first);
            let steps = i32::try_from(at.len().saturating_sub(1)).unwrap_or(i32::MAX).max(1);
            quiet >= QUIET && quiet >= between.checked_div(steps).unwrap_or(between).saturating_mul(3)
        }
        _ => {
            let between = (last - first) / at.len().saturating_sub(1).max(1);
            after >= QUIET_ENTRIES.max(3 * between)
        }
    }
}

/// Whether an entry reports success for the very peer.
fn same_target(entry: Option<&Entry>, mood: Option<&Mood>, target: Option<&Address>) -> bool {
    let (Some(entry), Some(Mood::Success), Some(target)) = (entry, mood, target) else { return false };
    let name = target.host.split('.').next().unwrap_or_default();
    name.len() > 2
        && entry.statements.iter().chain([&entry.fields]).any(|text| text.to_ascii_lowercase().contains(name))
}

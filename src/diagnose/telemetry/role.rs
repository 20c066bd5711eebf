//! What an alert or a metric is about, by common names of exporters and rules, and how much it changed.

use std::sync::LazyLock;

use regex::Regex;

use crate::cluster::telemetry::{Alert, Sample};
use crate::cluster::types::Text;

/// What a measurement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// Time that answers take.
    Latency,
    /// CPU used.
    Cpu,
    /// CPU denied by a limit.
    Throttling,
    /// TCP segments sent again, or packets lost.
    Retransmission,
}

/// A value before and now, in the same unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Change {
    /// Before, zero where nothing was measured.
    pub(super) before: f64,
    /// Now.
    pub(super) now: f64,
}

impl Change {
    /// How many times the value is of what it was. A rise from nothing is as large as its value.
    pub(super) fn ratio(&self) -> f64 {
        self.now / if self.before > 0.0 { self.before } else { 1.0 }
    }
}

/// Words that name a role, in names of alerts, metrics and signals. The first role that fits counts.
const WORDS: [(Role, &[&str]); 4] = [
    (Role::Throttling, &["throttl", "cfs", "cpu_quota"]),
    (Role::Retransmission, &["retrans", "retans", "packet loss", "packetloss", "packet_loss", "packet_drop"]),
    (
        Role::Latency,
        &[
            "latency",
            "slow response",
            "response time",
            "response_time",
            "responsetime",
            "duration",
            "p50",
            "p90",
            "p95",
            "p99",
        ],
    ),
    (Role::Cpu, &["cpu"]),
];

fn role_of(name: &str) -> Option<Role> {
    let name = name.to_lowercase();
    // Requests that are counted by latency bucket, and latency that is not measured, are neither.
    if name.ends_with("_bucket") || name.ends_with("_count") || name.contains("missing") {
        return None;
    }
    WORDS.iter().find(|(_, words)| words.iter().any(|word| name.contains(word))).map(|(role, _)| *role)
}

/// The role of a metric.
pub(super) fn of_metric(name: &str) -> Option<Role> {
    role_of(name)
}

/// What an alert says beside its name: the description, which is the longest, else its summary.
pub(super) fn said_by(alert: &Alert) -> String {
    let name = alert.labels.get("alertname").map_or("", Text::as_str);
    let keys = ["description", "message", "summary"];
    let said = keys.into_iter().find_map(|key| alert.annotations.get(key)).map_or("", Text::as_str);
    said.strip_prefix(name).unwrap_or(said).trim_start_matches([':', ' ']).chars().take(1000).collect()
}

/// What an alert says, in one line: its name, its own labels and its annotations.
pub(super) fn text_of(alert: &Alert) -> String {
    let annotation = |key: &str| alert.annotations.get(key).map(Text::as_str);
    let label = |key: &str| alert.labels.get(key).map(Text::as_str);
    let parts = [
        label("alertname"),
        label("signal"),
        label("metric"),
        annotation("summary"),
        annotation("description").or(annotation("message")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ").chars().take(1000).collect()
}

/// Numbers with units on both sides of an arrow or of words like `normal` and `current`.
#[expect(clippy::unwrap_used, reason = "constant pattern, compiled by a test")]
static CHANGE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(?:(?:normal|baseline|before|previous|usual|was|from)\D{0,4})?(?P<before>\d+(?:\.\d+)?)\s?(?P<unit>ms|us|µs|s|m|%|[a-z/]{0,9})?\s*(?:->|→|=>|,? ?(?:to|now|current(?:ly)?|after))\s*(?:(?:now|current(?:ly)?|after)\D{0,4})?(?P<now>\d+(?:\.\d+)?)",
    )
    .unwrap()
});

/// A single value, where an alert states no earlier one.
#[expect(clippy::unwrap_used, reason = "constant pattern, compiled by a test")]
static VALUE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:val(?:ue)?|current|now|is)\s*[:=]?\s*(?P<now>\d+(?:\.\d+)?)").unwrap()
});

/// The role of an alert with every change that its text states; one without numbers states none.
pub(super) fn of_alert(text: &str) -> Vec<(Role, Change)> {
    let Some(role) = role_of(text) else { return Vec::new() };
    let number = |part: Option<regex::Match<'_>>| part.and_then(|part| part.as_str().parse::<f64>().ok());
    let mut changes: Vec<(Role, Change)> = CHANGE
        .captures_iter(text)
        .take(8)
        .filter_map(|captures| {
            let (before, now) = (number(captures.name("before"))?, number(captures.name("now"))?);
            Some((role, Change { before, now }))
        })
        .collect();
    if changes.is_empty()
        && let Some(now) = VALUE.captures(text).and_then(|captures| number(captures.name("now")))
    {
        changes.push((role, Change { before: 0.0, now }));
    }
    changes
}

/// Samples of a series that are looked at.
const SAMPLES: usize = 20_000;

/// How a series changed: the median of its first quarter against that of its last half.
pub(super) fn change_of(samples: &[Sample]) -> Option<Change> {
    let values: Vec<f64> =
        samples.iter().take(SAMPLES).filter_map(Sample::value).filter(|value| value.is_finite()).collect();
    if values.len() < 8 {
        return None;
    }
    let (first, _) = values.split_at(values.len() / 4);
    let (_, last) = values.split_at(values.len() / 2);
    Some(Change { before: median(first)?, now: median(last)? })
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_changes_as_rules_write_them() {
        let text = "HighLatency checkout p95 latency: normal=4.8ms -> current=895.9ms (+18000%)";
        assert_eq!(of_alert(text), [(Role::Latency, Change { before: 4.8, now: 895.9 })]);
        assert_eq!(
            of_alert("p99 duration rose from 20ms to 400ms")[0].1,
            Change { before: 20.0, now: 400.0 }
        );
        assert_eq!(
            of_alert("CPUThrottlingHigh value: 0.59s")[0],
            (Role::Throttling, Change { before: 0.0, now: 0.59 })
        );
        assert!(of_alert("TargetDown 3 of 4").is_empty());
    }

    #[test]
    fn metrics_have_roles_by_common_names() {
        assert_eq!(of_metric("istio_request_duration_milliseconds_p90"), Some(Role::Latency));
        assert_eq!(of_metric("container_cpu_cfs_throttled_seconds_total"), Some(Role::Throttling));
        assert_eq!(of_metric("container_cpu_usage_seconds_total"), Some(Role::Cpu));
        assert_eq!(of_metric("node_netstat_Tcp_RetransSegs"), Some(Role::Retransmission));
        assert_eq!(of_metric("http_request_duration_seconds_bucket"), None);
    }

    #[test]
    fn a_series_changes_by_its_medians() {
        let sample = |value: f64| Sample(0.0, value.to_string());
        let samples: Vec<Sample> = (0..40).map(|index| sample(if index < 15 { 2.0 } else { 50.0 })).collect();
        assert_eq!(change_of(&samples), Some(Change { before: 2.0, now: 50.0 }));
        assert_eq!(change_of(&[sample(1.0)]), None);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".{0,200}") {
            let _ = of_alert(&text);
        }
    }
}

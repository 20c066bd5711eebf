//! Log requests against a snapshot, answered as a kubelet's are.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::respond::Answer;
use super::{LogFile, Snapshot};
use crate::cluster::Kind;
use crate::cluster::logs::LogKey;

/// Answers `GET …/pods/{pod}/log`.
pub(super) fn answer(
    snapshot: &Snapshot,
    namespace: &str,
    pod: &str,
    query: &BTreeMap<String, String>,
) -> Answer {
    let object = snapshot.object(&Kind::Pod, namespace, pod);
    let object: Option<Value> = object.and_then(|json| serde_json::from_str(&json).ok());
    let containers = containers(object.as_ref());
    let container = match (query.get("container"), containers.as_slice()) {
        (Some(name), _) => name.clone(),
        (None, [only]) => only.clone(),
        (None, names) if object.is_some() => {
            let message =
                format!("a container name must be specified for pod {pod}, choose one of: {names:?}");
            return Answer::bad_request(&message);
        }
        (None, _) => return Answer::not_found(&Kind::Pod, pod),
    };
    let previous = query.get("previous").is_some_and(|value| value == "true" || value == "1");
    let key = LogKey { namespace: namespace.to_owned(), pod: pod.to_owned(), container, previous };
    match snapshot.logs.get(&key) {
        Some(LogFile::Text(text)) if !text.is_empty() || !snapshot.log_errors.contains_key(&key) => {
            return Answer::text(cut(text, query, snapshot.captured_at));
        }
        Some(LogFile::TooBig(size)) => {
            return Answer::text(format!(
                "unable to retrieve container logs: the log is too large: {} MiB",
                size >> 20
            ));
        }
        _ => {}
    }
    if let Some(why) = snapshot.log_errors.get(&key) {
        return captured_error(why, pod);
    }
    let Some(object) = object else { return Answer::not_found(&Kind::Pod, pod) };
    if !containers.is_empty() && !containers.contains(&key.container) {
        return Answer::bad_request(&format!("container {} is not valid for pod {pod}", key.container));
    }
    not_captured(&object, &key)
}

/// The error that the capture met, as the status it had then.
fn captured_error(why: &str, pod: &str) -> Answer {
    let message = why.strip_prefix("Error: ").unwrap_or(why);
    let message = match message.strip_prefix("Error from server (").and_then(|rest| rest.split_once("): ")) {
        Some((_, message)) => message,
        None => message,
    };
    if why.contains("forbidden") || why.contains("Forbidden") {
        return Answer::refuse(403, "Forbidden", message, None);
    }
    if why.contains("NotFound") || message.starts_with("pods \"") {
        return Answer::not_found(&Kind::Pod, pod);
    }
    Answer::bad_request(message)
}

/// What a kubelet would say of a log that the snapshot lacks.
fn not_captured(pod: &Value, key: &LogKey) -> Answer {
    let name = &key.container;
    if key.previous {
        return Answer::bad_request(&format!(
            "previous terminated container \"{name}\" in pod \"{}\" not found",
            key.pod
        ));
    }
    let status = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"]
        .iter()
        .filter_map(|list| pod.pointer("/status")?.get(list)?.as_array())
        .flatten()
        .find(|status| status.get("name").and_then(Value::as_str) == Some(name));
    let never_ran = status.is_none_or(|status| {
        status.pointer("/state/running").is_none()
            && status.pointer("/state/terminated").is_none()
            && status.pointer("/lastState/terminated").is_none()
            && status.get("restartCount").and_then(Value::as_i64).unwrap_or(0) == 0
    });
    if never_ran {
        let reason =
            status.and_then(|status| status.pointer("/state/waiting/reason")).and_then(Value::as_str);
        return Answer::bad_request(&format!(
            "container \"{name}\" in pod \"{}\" is waiting to start: {}",
            key.pod,
            reason.unwrap_or("ContainerCreating")
        ));
    }
    let id = status.and_then(|status| status.get("containerID")).and_then(Value::as_str).unwrap_or(name);
    Answer::text(format!("unable to retrieve container logs for {id}"))
}

fn containers(pod: Option<&Value>) -> Vec<String> {
    let spec = pod.and_then(|pod| pod.get("spec"));
    ["containers", "initContainers", "ephemeralContainers"]
        .iter()
        .filter_map(|list| spec?.get(list)?.as_array())
        .flatten()
        .filter_map(|container| Some(container.get("name")?.as_str()?.to_owned()))
        .collect()
}

/// Applies `sinceSeconds`, `sinceTime`, `tailLines` and `limitBytes` in the kubelet's order.
fn cut(text: &[u8], query: &BTreeMap<String, String>, now: Option<Timestamp>) -> Vec<u8> {
    let number = |name: &str| query.get(name).and_then(|value| value.parse::<usize>().ok());
    let seconds = number("sinceSeconds").and_then(|seconds| i64::try_from(seconds).ok());
    let since = query
        .get("sinceTime")
        .and_then(|time| time.parse::<Timestamp>().ok())
        .or_else(|| now?.checked_sub(jiff::SignedDuration::from_secs(seconds?)).ok());
    let mut rest = text;
    if let Some(since) = since {
        rest = after(rest, since);
    }
    if let Some(lines) = number("tailLines") {
        rest = tail(rest, lines);
    }
    rest.get(..number("limitBytes").unwrap_or(usize::MAX)).unwrap_or(rest).to_vec()
}

/// Drops lines up to the first that is not older; lines without a time go with the one before.
fn after(text: &[u8], since: Timestamp) -> &[u8] {
    let mut start = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let word = line.split(|byte| byte.is_ascii_whitespace()).next().unwrap_or_default();
        let time = std::str::from_utf8(word).ok().and_then(|word| word.parse::<Timestamp>().ok());
        match time {
            Some(time) if time < since => start += line.len(),
            None if start > 0 => start += line.len(),
            _ => break,
        }
    }
    text.get(start..).unwrap_or_default()
}

/// The last lines; a final line break ends the last line and starts none.
fn tail(text: &[u8], lines: usize) -> &[u8] {
    if lines == 0 {
        return &[];
    }
    let body = text.strip_suffix(b"\n").unwrap_or(text);
    let breaks = body.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n');
    let start = breaks.map(|(index, _)| index + 1).nth(lines - 1).unwrap_or(0);
    text.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tail_counts_lines_with_and_without_a_final_break() {
        assert_eq!(tail(b"a\nb\nc\n", 2), b"b\nc\n");
        assert_eq!(tail(b"a\nb\nc", 2), b"b\nc");
        assert_eq!(tail(b"a\n", 5), b"a\n");
        assert_eq!(tail(b"", 5), b"");
        assert_eq!(tail(b"a\nb", 0), b"");
    }

    #[test]
    fn since_needs_line_times() {
        let since = "2026-01-01T00:00:02Z".parse().expect("a time");
        assert_eq!(
            after(b"2026-01-01T00:00:01Z a\n  b\n2026-01-01T00:00:03Z c\n", since),
            b"2026-01-01T00:00:03Z c\n"
        );
        assert_eq!(after(b"plain\nlines\n", since), b"plain\nlines\n");
    }

    #[test]
    fn bytes_are_limited_after_lines() {
        let query = super::super::respond::query("tailLines=1&limitBytes=2");
        assert_eq!(cut(b"first\nsecond\n", &query, None), b"se");
    }
}

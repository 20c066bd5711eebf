//! Log understanding: which lines mean something, what, and about which target.
//!
//! Log text is data from the workload: it is matched, redacted and quoted, never obeyed. What a
//! line means is a *signature* ([`LogFinding::signature`]); whether it is the cause of anything
//! is not for this module to say.

mod excerpt;
mod format;
mod pattern;
mod recovery;
mod scan;
mod signatures;
mod structured;
mod target;
mod time;
mod trace;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;

use crate::cluster::address::{self, Address, Target};
use crate::cluster::logs::{Log, LogKey};
use crate::cluster::topology::{Call, Topology};
use crate::cluster::types::Pod;
use crate::cluster::{ClusterState, Kind, ObjectRef};
use crate::redact;
use scan::{Found, Identity, Scanning};

/// One meaning found in one container's log, all its repetitions together.
#[derive(Clone, Debug, PartialEq)]
pub struct LogFinding {
    /// The workload that the pod belongs to.
    pub workload: ObjectRef,
    /// Which log it was found in (the first, where several replicas say the same).
    pub key: LogKey,
    /// The signature's id, such as `connection-refused`.
    pub signature: &'static str,
    /// The signature's class: `call` (outcome of a call to another host), `dependency` (what a
    /// database or broker answered, or says of itself), `crash`, `resource`, `config`,
    /// `permission`, `server` (its own state: slow, full, hung, proxying to nothing), `wait`
    /// (work has not begun), `error` (nobody recognised it), `start` and `lifecycle` (milestones,
    /// no faults).
    pub class: &'static str,
    /// The host and port that the line is about, where it names one; the scheme is empty.
    pub target: Option<Address>,
    /// Named parts of the line, such as `user`, `variable`, `path`, `resource`.
    pub params: BTreeMap<&'static str, String>,
    /// The line (with the rest of its trace cut), redacted, terminal escapes stripped; the cause
    /// follows after ` | ` where it is another line. At most 400 characters.
    pub excerpt: String,
    /// When it was first and last logged, where lines carry times.
    pub first: Option<Timestamp>,
    /// See `first`.
    pub last: Option<Timestamp>,
    /// How often it was logged, by all replicas together.
    pub count: i64,
    /// Position of the first occurrence, counted in lines from the start of the log.
    pub line: usize,
    /// Whether it had passed by the end of the log: success for the same target, a start-up that
    /// went on, or ordinary work for a while. Of several replicas, all must have recovered.
    pub recovered: bool,
    /// Whether it is among the last lines before the process ended, in any replica.
    pub at_end: bool,
}

impl LogFinding {
    /// Whether this is a milestone of ordinary work (start, probe, shutdown) and no fault.
    pub fn is_milestone(&self) -> bool {
        matches!(self.class, "start" | "lifecycle") || self.signature == "probe-request"
    }

    /// The ports that a line of a start names: its parameter, and others at addresses of the host itself.
    pub fn ports(&self) -> impl Iterator<Item = i64> {
        let others = LISTENED.captures_iter(&self.excerpt).filter_map(|found| found.get(1));
        let own = self.params.get("port").map(String::as_str);
        own.into_iter().chain(others.map(|port| port.as_str())).filter_map(|port| port.parse().ok())
    }

    /// A parameter; empty where it is absent.
    pub fn param(&self, name: &str) -> &str {
        self.params.get(name).map_or("", String::as_str)
    }
}

/// A port of the process itself: `http://0.0.0.0:9000`, `[::]:9090`.
#[expect(clippy::unwrap_used, reason = "constant pattern, compiled by a test")]
static LISTENED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:0\.0\.0\.0|\[::\]|127\.0\.0\.1|localhost|\*):([0-9]{2,5})\b").unwrap());

/// Makes the patterns ready that every log is matched with: fifty milliseconds of compiling, once a
/// process, which others need not wait for where this runs beside them.
pub fn prepare() {
    let failed = "2026-01-01T00:00:00Z ERROR db: dial tcp 10.0.0.1:5432: connect: connection refused";
    let scanning = Scanning::default();
    let _ = scan::scan(failed, scanning);
}

/// When a line of a log was written, where it says so.
pub fn time_of(line: &str, now: Timestamp) -> Option<Timestamp> {
    format::parse(line, Some(now)).time
}

/// All findings, by workload.
#[derive(Clone, Debug, Default)]
pub struct LogIndex {
    findings: Vec<LogFinding>,
}

impl LogIndex {
    /// Analyses every log of the state.
    ///
    /// Faults before `since` are left out, unless the log of a pod that is not Ready ends with them;
    /// milestones stay.
    pub fn new(state: &ClusterState, topology: &Topology<'_>, since: Option<Timestamp>) -> Self {
        let mut merged: BTreeMap<(ObjectRef, String, bool, Identity), LogFinding> = BTreeMap::new();
        let read = state.logs.iter().filter(|(key, log)| is_log(key, log));
        let read = read.map(|(key, log)| (key.clone(), log.text.as_str()));
        for (key, text) in read.chain(last_messages(state)) {
            let key = &key;
            let pod = state.pods.get(&key.namespace, &key.pod);
            let workload = topology.workload_of(&ObjectRef::new(Kind::Pod, &key.namespace, &key.pod));
            let well = !key.previous && pod.is_some_and(Pod::is_ready);
            let succeeded = pod.is_some_and(|pod| pod.status.phase == "Succeeded");
            let ended = has_ended(pod, key) && !succeeded;
            let scanning = Scanning { now: state.now, since, ended, well, succeeded };
            let over = is_over(pod, key);
            for mut found in scan::scan(text, scanning) {
                found.recovered |= over;
                if found.target.is_none() && matches!(found.signature, "host-not-found" | "no-instances") {
                    found.target = only_missing(topology, &workload);
                }
                let group = (workload.clone(), key.container.clone(), key.previous, found.identity());
                match merged.get_mut(&group) {
                    Some(known) => join(known, &found),
                    None => {
                        merged.insert(group, finding(&workload, key, found));
                    }
                }
            }
        }
        let mut findings: Vec<LogFinding> = merged.into_values().collect();
        findings.sort_by(|a, b| {
            let order =
                |f: &LogFinding| (f.workload.clone(), f.key.container.clone(), f.key.previous, f.line);
            order(a).cmp(&order(b))
        });
        Self { findings }
    }

    /// Every finding, ordered by workload, container, run and line.
    pub fn iter(&self) -> impl Iterator<Item = &LogFinding> {
        self.findings.iter()
    }

    /// Findings of one workload.
    pub fn of<'s>(&'s self, workload: &'s ObjectRef) -> impl Iterator<Item = &'s LogFinding> + use<'s> {
        self.findings.iter().filter(move |finding| finding.workload == *workload)
    }

    /// Findings of one signature in one workload's logs.
    pub fn with<'s>(
        &'s self,
        workload: &'s ObjectRef,
        signature: &'static str,
    ) -> impl Iterator<Item = &'s LogFinding> + use<'s> {
        self.of(workload).filter(move |finding| finding.signature == signature)
    }
}

/// The address that a workload is configured to call and no Service has, where it is just one: what
/// a resolver's error is about that names no host.
fn only_missing(topology: &Topology<'_>, workload: &ObjectRef) -> Option<Address> {
    let absent = |call: &&Call| match call.target {
        Target::Missing(_) => true,
        Target::External => {
            address::misplaced(topology.state(), workload.ns(), &call.address, false).is_some()
        }
        _ => false,
    };
    let mut missing = topology.calls_of(workload).filter(absent);
    let first = missing.next()?;
    let same = missing.all(|other| other.address.host == first.address.host);
    let port = first.address.port_or_default();
    same.then(|| Address { scheme: String::new(), port, host: first.address.host.clone() })
}

/// What ended containers left as their termination message, where no log of that run was read: by
/// `terminationMessagePolicy: FallbackToLogsOnError` it is the log's end.
fn last_messages(state: &ClusterState) -> impl Iterator<Item = (LogKey, &str)> {
    let readable = |key: &LogKey| {
        state
            .logs
            .get(&key.namespace, &key.pod, &key.container, key.previous)
            .is_some_and(|log| is_log(key, log))
    };
    state.pods.iter().flat_map(move |pod| {
        pod.status.all_containers().filter_map(move |status| {
            let now = status.state.terminated.as_ref();
            let ended = now.or(status.last_state.terminated.as_ref())?;
            // The runtime's own errors are messages too, but no words of the process.
            let spoke = !matches!(
                ended.reason.as_str(),
                "StartError" | "ContainerCannotRun" | "RunContainerError" | "ContainerStatusUnknown"
            );
            let key = LogKey {
                namespace: pod.metadata.namespace.to_string(),
                pod: pod.metadata.name.to_string(),
                container: status.name.to_string(),
                previous: now.is_none(),
            };
            let silent = ended.exit_code == 0 || ended.message.is_empty();
            (spoke && !silent && !readable(&key)).then_some((key, ended.message.as_str()))
        })
    })
}

/// Whether the text is a log at all, not the kubelet's or the server's word that there is none.
///
/// Programs that ask the API server get refusals as well, and log them: only those about this log count.
fn is_log(key: &LogKey, log: &Log) -> bool {
    let text = log.text.trim();
    if text.starts_with("unable to retrieve container logs for ") {
        return false;
    }
    let refusal = text.strip_prefix("Error: ").unwrap_or(text).starts_with("Error from server (");
    let about_logs = ["pods/log", "containerLogs", "previous terminated container", "waiting to start"];
    let about_this = text.contains(&key.pod) || about_logs.iter().any(|word| text.contains(word));
    !(refusal && about_this && text.lines().count() <= 2)
}

/// Whether the process that wrote a log has ended.
fn has_ended(pod: Option<&Pod>, key: &LogKey) -> bool {
    key.previous
        || pod.is_some_and(|pod| {
            let status = pod.status.all_containers().find(|status| status.name == key.container);
            // While a container waits, its log is that of the run before.
            pod.is_finished() || status.is_some_and(|status| status.state.running.is_none())
        })
}

/// Whether a log is that of an earlier run whose trouble is over: the pod is Ready, and the
/// container was restarted just once.
fn is_over(pod: Option<&Pod>, key: &LogKey) -> bool {
    key.previous
        && pod.is_some_and(|pod| {
            let status = pod.status.all_containers().find(|status| status.name == key.container);
            pod.is_ready() && status.is_some_and(|status| status.restart_count <= 1)
        })
}

fn finding(workload: &ObjectRef, key: &LogKey, found: Found) -> LogFinding {
    let params =
        found.params.into_iter().map(|(name, value)| (name, redact::text(&value).into_owned())).collect();
    LogFinding {
        workload: workload.clone(),
        key: key.clone(),
        signature: found.signature,
        class: found.class,
        target: found.target,
        params,
        excerpt: redact::text(&found.excerpt).into_owned(),
        first: found.first,
        last: found.last,
        count: found.count,
        line: found.line,
        recovered: found.recovered,
        at_end: found.at_end,
    }
}

fn join(known: &mut LogFinding, found: &Found) {
    known.count += found.count;
    known.first = known.first.into_iter().chain(found.first).min();
    known.last = known.last.max(found.last);
    known.recovered &= found.recovered;
    known.at_end |= found.at_end;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(logs: &[(&str, &str, bool, &str)]) -> ClusterState {
        let mut state = ClusterState { now: "2026-11-24T12:00:00Z".parse().ok(), ..ClusterState::default() };
        for (pod, container, previous, text) in logs {
            let json = format!(
                r#"{{"metadata":{{"name":"{pod}","namespace":"shop"}},"status":{{"phase":"Running","containerStatuses":[{{"name":"{container}","state":{{"waiting":{{"reason":"CrashLoopBackOff"}}}}}}]}}}}"#
            );
            state.add_json(&Kind::Pod, &json).unwrap();
            let key = LogKey {
                namespace: "shop".into(),
                pod: (*pod).into(),
                container: (*container).into(),
                previous: *previous,
            };
            state.logs.insert(key, Log { text: (*text).into(), ..Log::default() });
        }
        state.add_json(
            &Kind::Deployment,
            r#"{"metadata":{"name":"web","namespace":"shop"},"spec":{"selector":{"matchLabels":{"app":"web"}}}}"#,
        )
        .unwrap();
        state.finish();
        state
    }

    #[test]
    fn what_a_workloads_pods_say_is_one_finding() {
        let line = "2026-11-24T03:31:53Z FATAL DB_HOST must be set\n";
        let state = state(&[
            ("lone", "app", false, "unable to retrieve container logs for containerd://1"),
            ("web-7d4b9c8f6d-abcde", "app", false, line),
            ("web-7d4b9c8f6d-abcde", "app", true, line),
        ]);
        let index = LogIndex::new(&state, &Topology::new(&state), None);
        let found: Vec<&LogFinding> = index.iter().collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().all(|one| one.signature == "missing-env" && one.param("variable") == "DB_HOST"));
        // The container waits to be restarted: its current log is that of a run that ended.
        assert!(found.iter().all(|one| one.at_end && !one.is_milestone()));
        assert_eq!(index.with(&found[0].workload, "missing-env").count(), 2);
    }
}

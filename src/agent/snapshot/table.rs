//! Tables: what the API server prints for `kubectl get`, without the objects.
//!
//! Pods follow kubectl's rules for READY, STATUS and RESTARTS. What has columns here is what triage
//! reads; other kinds have a name and an age, as custom resources do.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cluster::Kind;
use crate::cluster::types::{
    ContainerStatus, EndpointSlice, Meta, PersistentVolumeClaim, Pod, Terminated, Text, Time,
};

/// Name and priority of a column: 0 is always shown, 1 with `-o wide`.
type Column = (&'static str, u8);

const POD: &[Column] = &[
    ("Name", 0),
    ("Ready", 0),
    ("Status", 0),
    ("Restarts", 0),
    ("Age", 0),
    ("IP", 1),
    ("Node", 1),
    ("Nominated Node", 1),
    ("Readiness Gates", 1),
];
const DEPLOYMENT: &[Column] = &[("Name", 0), ("Ready", 0), ("Up-to-date", 0), ("Available", 0), ("Age", 0)];
const STATEFUL_SET: &[Column] = &[("Name", 0), ("Ready", 0), ("Age", 0)];
const DAEMON_SET: &[Column] = &[
    ("Name", 0),
    ("Desired", 0),
    ("Current", 0),
    ("Ready", 0),
    ("Up-to-date", 0),
    ("Available", 0),
    ("Age", 0),
];
const JOB: &[Column] = &[("Name", 0), ("Status", 0), ("Completions", 0), ("Age", 0)];
const ENDPOINT_SLICE: &[Column] =
    &[("Name", 0), ("AddressType", 0), ("Ports", 0), ("Endpoints", 0), ("Age", 0)];
const CLAIM: &[Column] = &[("Name", 0), ("Status", 0), ("Volume", 0), ("Age", 0)];
const OTHER: &[Column] = &[("Name", 0), ("Age", 0)];

/// The columns of a kind's table.
pub(super) fn columns(kind: &Kind) -> Vec<Value> {
    let columns = match kind {
        Kind::Pod => POD,
        Kind::Deployment => DEPLOYMENT,
        Kind::StatefulSet => STATEFUL_SET,
        Kind::DaemonSet => DAEMON_SET,
        Kind::Job => JOB,
        Kind::EndpointSlice => ENDPOINT_SLICE,
        Kind::PersistentVolumeClaim => CLAIM,
        _ => OTHER,
    };
    let column = |(name, priority): &Column| {
        let format = if *name == "Name" { "name" } else { "" };
        json!({"name": name, "type": "string", "format": format, "description": "", "priority": priority})
    };
    columns.iter().map(column).collect()
}

/// The cells of one object, in the order of its kind's columns.
pub(super) fn cells(kind: &Kind, object: &str, now: Timestamp) -> Vec<Value> {
    fn read<T: for<'de> Deserialize<'de> + Default>(object: &str) -> T {
        serde_json::from_str(object).unwrap_or_default()
    }
    match kind {
        Kind::Pod => pod(&read(object), now),
        Kind::Deployment | Kind::StatefulSet => {
            let Counted { metadata, spec, status } = read(object);
            let ready = format!("{}/{}", status.ready_replicas, spec.replicas.unwrap_or(1));
            let created = age(metadata.creation_timestamp, now);
            match kind {
                Kind::StatefulSet => vec![json!(metadata.name), json!(ready), json!(created)],
                _ => vec![
                    json!(metadata.name),
                    json!(ready),
                    json!(status.updated_replicas),
                    json!(status.available_replicas),
                    json!(created),
                ],
            }
        }
        Kind::DaemonSet => {
            let Counted { metadata, status, .. } = read(object);
            vec![
                json!(metadata.name),
                json!(status.desired_number_scheduled),
                json!(status.current_number_scheduled),
                json!(status.number_ready),
                json!(status.updated_number_scheduled),
                json!(status.number_available),
                json!(age(metadata.creation_timestamp, now)),
            ]
        }
        Kind::Job => job(&read(object), now),
        Kind::EndpointSlice => {
            let slice: EndpointSlice = read(object);
            let addresses: Vec<&str> =
                slice.endpoints.iter().flat_map(|one| &one.addresses).map(Text::as_str).collect();
            let addresses = match addresses.as_slice() {
                [] => "<unset>".to_owned(),
                [a, b, c, rest @ ..] if !rest.is_empty() => format!("{a},{b},{c} + {} more...", rest.len()),
                few => few.join(","),
            };
            let created = age(slice.metadata.creation_timestamp, now);
            vec![json!(slice.metadata.name), json!("IPv4"), json!(""), json!(addresses), json!(created)]
        }
        Kind::PersistentVolumeClaim => {
            let claim: PersistentVolumeClaim = read(object);
            let phase = match claim.metadata.deletion_timestamp.get() {
                Some(_) => "Terminating",
                None => claim.status.phase.as_str(),
            };
            let created = age(claim.metadata.creation_timestamp, now);
            vec![json!(claim.metadata.name), json!(phase), json!(claim.spec.volume_name), json!(created)]
        }
        _ => {
            let Counted { metadata, .. } = read(object);
            vec![json!(metadata.name), json!(age(metadata.creation_timestamp, now))]
        }
    }
}

/// The counts in a workload's status, whatever its kind.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Counted {
    metadata: Meta,
    spec: CountedSpec,
    status: Replicas,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CountedSpec {
    replicas: Option<i64>,
    completions: Option<i64>,
    suspend: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Replicas {
    ready_replicas: i64,
    updated_replicas: i64,
    available_replicas: i64,
    desired_number_scheduled: i64,
    current_number_scheduled: i64,
    number_ready: i64,
    updated_number_scheduled: i64,
    number_available: i64,
    succeeded: i64,
    conditions: Vec<crate::cluster::types::Condition>,
}

fn job(job: &Counted, now: Timestamp) -> Vec<Value> {
    let is = |kind: &str| job.status.conditions.iter().any(|one| one.r#type == kind && one.is_true());
    let status = [("Complete", "Complete"), ("Failed", "Failed"), ("Suspended", "Suspended")]
        .into_iter()
        .find_map(|(kind, text)| is(kind).then_some(text));
    let status = match status {
        Some(status) => status,
        None if job.metadata.deletion_timestamp.is_some() => "Terminating",
        None if job.spec.suspend => "Suspended",
        None => "Running",
    };
    let completions = job.spec.completions.map_or("1".to_owned(), |count| count.to_string());
    let completions = format!("{}/{completions}", job.status.succeeded);
    vec![
        json!(job.metadata.name),
        json!(status),
        json!(completions),
        json!(age(job.metadata.creation_timestamp, now)),
    ]
}

fn pod(pod: &Pod, now: Timestamp) -> Vec<Value> {
    let printed = printed(pod);
    let restarts = match printed.last_restart.get() {
        Some(_) if printed.restarts > 0 => {
            format!("{} ({} ago)", printed.restarts, age(printed.last_restart, now))
        }
        _ => printed.restarts.to_string(),
    };
    let or = |text: &str, none: &str| if text.is_empty() { none.to_owned() } else { text.to_owned() };
    vec![
        json!(pod.metadata.name),
        json!(format!("{}/{}", printed.ready, printed.containers)),
        json!(printed.status),
        json!(restarts),
        json!(age(pod.metadata.creation_timestamp, now)),
        json!(or(&pod.status.pod_ip, "<none>")),
        json!(or(&pod.spec.node_name, "<none>")),
        json!(or(&pod.status.nominated_node_name, "<none>")),
        json!("<none>"),
    ]
}

/// READY, STATUS and RESTARTS.
struct Printed {
    ready: usize,
    containers: usize,
    status: String,
    restarts: i64,
    last_restart: Time,
}

impl Printed {
    fn restarted(&mut self, status: &ContainerStatus) {
        self.restarts += status.restart_count;
        if let Some(ended) = &status.last_state.terminated {
            self.last_restart = self.last_restart.max(ended.finished_at);
        }
    }
}

fn printed(pod: &Pod) -> Printed {
    let sidecar = |name: &str| {
        pod.spec.init_containers.iter().any(|one| one.name == name && one.restart_policy == "Always")
    };
    let sidecars = pod.spec.init_containers.iter().filter(|one| one.restart_policy == "Always").count();
    let status = &pod.status;
    let condition = |kind: &str| status.conditions.iter().find(|one| one.r#type == kind);
    let gated = condition("PodScheduled").is_some_and(|one| one.reason == "SchedulingGated");
    let reason = if gated { "SchedulingGated" } else { &status.reason };
    let mut all = Printed {
        ready: 0,
        containers: pod.spec.containers.len() + sidecars,
        status: if reason.is_empty() { status.phase.to_string() } else { reason.to_owned() },
        restarts: 0,
        last_restart: Time::default(),
    };
    // Restarts of init containers count only until the pod is initialised; those of sidecars, always.
    let mut main = Printed { restarts: 0, last_restart: Time::default(), status: String::new(), ..all };
    let mut initializing = false;
    for (index, container) in status.init_container_statuses.iter().enumerate() {
        all.restarted(container);
        let is_sidecar = sidecar(&container.name);
        if is_sidecar {
            main.restarted(container);
        }
        let ended = container.state.terminated.as_ref();
        if ended.is_some_and(|ended| ended.exit_code == 0) {
            continue;
        }
        if is_sidecar && container.started == Some(true) {
            all.ready += usize::from(container.ready);
            continue;
        }
        let waiting = container.state.waiting.as_ref().map(|waiting| waiting.reason.as_str());
        all.status = match (ended, waiting) {
            (Some(ended), _) => format!("Init:{}", ending(ended)),
            (None, Some(reason)) if !reason.is_empty() && reason != "PodInitializing" => {
                format!("Init:{reason}")
            }
            _ => format!("Init:{index}/{}", pod.spec.init_containers.len()),
        };
        initializing = true;
        break;
    }
    if !initializing || condition("Initialized").is_some_and(|one| one.is_true()) {
        (all.restarts, all.last_restart) = (main.restarts, main.last_restart);
        running(pod, &mut all);
    }
    if pod.metadata.deletion_timestamp.is_some() {
        if status.reason == "NodeLost" {
            all.status = "Unknown".to_owned();
        } else if !pod.is_finished() {
            all.status = "Terminating".to_owned();
        }
    }
    all
}

/// What the main containers say.
fn running(pod: &Pod, all: &mut Printed) {
    let mut has_running = false;
    for container in pod.status.container_statuses.iter().rev() {
        all.restarted(container);
        let waiting = container.state.waiting.as_ref().filter(|waiting| !waiting.reason.is_empty());
        if let Some(waiting) = waiting {
            all.status = waiting.reason.to_string();
        } else if let Some(ended) = &container.state.terminated {
            all.status = ending(ended);
        } else if container.ready && container.state.running.is_some() {
            has_running = true;
            all.ready += 1;
        }
    }
    if all.status == "Completed" && has_running {
        all.status = if pod.is_ready() { "Running" } else { "NotReady" }.to_owned();
    }
}

fn ending(ended: &Terminated) -> String {
    match (ended.reason.as_str(), ended.signal) {
        ("", 0) => format!("ExitCode:{}", ended.exit_code),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

/// How long ago, as kubectl rounds it.
fn age(time: Time, now: Timestamp) -> String {
    let Some(time) = time.get() else { return "<unknown>".to_owned() };
    let seconds = (now.as_second() - time.as_second()).max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    let and = |large: i64, unit: &str, small: i64, below: &str| match small {
        0 => format!("{large}{unit}"),
        small => format!("{large}{unit}{small}{below}"),
    };
    match seconds {
        0..=119 => format!("{seconds}s"),
        120..=599 => and(minutes, "m", seconds % 60, "s"),
        600..=10_799 => format!("{minutes}m"),
        10_800..=28_799 => and(hours, "h", minutes % 60, "m"),
        28_800..=172_799 => format!("{hours}h"),
        172_800..=691_199 => and(days, "d", hours % 24, "h"),
        691_200..=63_071_999 => format!("{days}d"),
        _ => and(days / 365, "y", days % 365, "d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// READY, STATUS and RESTARTS of a pod.
    fn row(spec: Value, status: Value) -> [String; 3] {
        let pod = json!({"metadata": {"name": "web", "creationTimestamp": "2026-03-01T11:00:00Z"}, "spec": spec, "status": status});
        let cells = cells(&Kind::Pod, &pod.to_string(), "2026-03-01T12:00:00Z".parse().unwrap());
        [1, 2, 3].map(|index| cells[index].as_str().unwrap().to_owned())
    }

    #[test]
    fn pods_are_printed_as_kubectl_does() {
        let two = json!({"containers": [{"name": "a"}, {"name": "b"}]});
        let running = json!({"ready": true, "state": {"running": {}}});
        assert_eq!(
            row(two.clone(), json!({"phase": "Running", "containerStatuses": [running, running]})),
            ["2/2", "Running", "0"]
        );
        let crashing = json!({"ready": false, "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 1, "finishedAt": "2026-03-01T11:55:30Z"}}});
        assert_eq!(
            row(two.clone(), json!({"phase": "Running", "containerStatuses": [running, crashing]})),
            ["1/2", "CrashLoopBackOff", "3 (4m30s ago)"]
        );
        let completed = json!({"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}});
        let ready = json!([{"type": "Ready", "status": "True"}]);
        let both = json!([running, completed]);
        assert_eq!(
            row(two.clone(), json!({"phase": "Running", "conditions": ready, "containerStatuses": both})),
            ["1/2", "Running", "0"]
        );
        assert_eq!(
            row(two.clone(), json!({"phase": "Failed", "reason": "Evicted"})),
            ["0/2", "Evicted", "0"]
        );
        let gated = json!([{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]);
        assert_eq!(row(two, json!({"phase": "Pending", "conditions": gated}))[1], "SchedulingGated");
    }

    #[test]
    fn init_containers_come_first() {
        let spec = json!({"containers": [{"name": "a"}], "initContainers": [{"name": "i"}, {"name": "j"}]});
        let status = |state: Value| json!({"phase": "Pending", "initContainerStatuses": [{"name": "i", "restartCount": 2, "state": state}]});
        assert_eq!(row(spec.clone(), status(json!({"running": {}}))), ["0/1", "Init:0/2", "2"]);
        let failed = json!({"terminated": {"exitCode": 7}});
        assert_eq!(row(spec.clone(), status(failed))[1], "Init:ExitCode:7");
        let waits = json!({"waiting": {"reason": "CrashLoopBackOff"}});
        assert_eq!(row(spec, status(waits))[1], "Init:CrashLoopBackOff");
    }

    #[test]
    fn ages_are_rounded_as_kubectl_does() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let ago = |seconds: i64| age(Time::from(Timestamp::from_second(now.as_second() - seconds).ok()), now);
        for (seconds, text) in [
            (66, "66s"),
            (130, "2m10s"),
            (900, "15m"),
            (11_000, "3h3m"),
            (90_000, "25h"),
            (180_000, "2d2h"),
            (864_000, "10d"),
        ] {
            assert_eq!(ago(seconds), text);
        }
        assert_eq!(age(Time::default(), now), "<unknown>");
    }
}

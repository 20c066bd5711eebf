//! Why probes fail: the port, the protocol, the path, the time given, or the process itself.
//!
//! A failing probe is only stated while it matters: the container is not ready, has not started, or
//! is restarted because of it. One that a Ready pod failed a while ago is history.

mod timing;

use super::container::{Instance, instances, mentions, state};
use super::crash::last_kill;
use super::probe_port::{PortVerdict, judge, resolve};
use super::{Context, Fact, FactSpec, Facts};
use crate::cluster::event::Event;
use crate::cluster::types::{Probe, condition};
use crate::evidence::{Evidence, Source};

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[
    FactSpec {
        name: "probe.fails",
        about: "a probe of the container fails now or had it restarted, and this is why",
        params: &[
            ("kind", "liveness, readiness or startup"),
            (
                "class",
                "port, port-name, protocol, path, timing, hang, slow, status, exec-missing, exec, not-listening, loopback (it listens, where only the pod itself reaches it) or unknown",
            ),
            ("container", "the container"),
            ("probe", "what is probed, such as `HTTP GET :8080/healthz`"),
            ("port", "the probed port"),
            ("listens", "the port that the process listens on"),
            ("bound", "the address that it listens on, where only the pod itself reaches that"),
            ("known_by", "log, probe, containerPort or targetPort: how the listening port is known"),
            ("speaks", "the protocol that answers there"),
            ("path", "the probed path"),
            ("works", "a path that another probe of the container gets an answer from"),
            ("status", "the HTTP status that was answered"),
            ("command", "the command of an exec probe"),
            ("kills_after", "seconds after the start at which the probe kills at the earliest"),
            ("needs", "seconds that the process needs to start, where the probe kills before"),
            ("misses", "how many late answers kill a process that answers, but not always in time"),
            ("lived", "seconds that the last run lasted"),
            ("timeout", "seconds that one probe may take"),
            ("message", "what the kubelet said"),
            ("held_back", "true where a startup probe that cannot succeed has not killed the container yet"),
            ("certainty", "how well it is known"),
        ],
        refs: &[],
    },
    FactSpec {
        name: "readiness.gate",
        about: "a readiness gate keeps the pod from being Ready although its containers are",
        params: &[
            ("gate", "the condition type that is not True"),
            ("reason", "the condition's reason, or absent"),
        ],
        refs: &[],
    },
];

/// One of the three probes of a container.
#[derive(Clone, Copy)]
struct Subject<'a> {
    kind: &'static str,
    probe: &'a Probe,
}

/// Kills from which on a container that runs again is no better.
const OFTEN: i64 = 3;

/// Seconds after which a process that listens could have answered its startup probe.
const HELD_BACK: i64 = 60;

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    for instance in instances(context) {
        let Some(spec) = instance.spec else { continue };
        let probes = [
            ("startup", &spec.startup_probe),
            ("liveness", &spec.liveness_probe),
            ("readiness", &spec.readiness_probe),
        ];
        for (kind, probe) in probes {
            let Some(probe) = probe else { continue };
            let subject = Subject { kind, probe };
            let found = matters(context, &instance, subject)
                .and_then(|event| explain(context, &instance, subject, event))
                .or_else(|| held_back(context, &instance, subject));
            if let Some(fact) = found {
                state(facts, fact);
            }
        }
    }
    gates(context, facts);
}

/// The newest failure of a probe whose failing matters now; inner none where it must fail but no
/// event is left to say how.
#[expect(clippy::option_option, reason = "does it matter, and is there an event: two questions")]
fn matters<'a>(
    context: &Context<'a>,
    instance: &Instance<'a>,
    subject: Subject<'_>,
) -> Option<Option<&'a Event>> {
    let event = failure(context, instance, subject.kind);
    let running = instance.status.state.running.as_ref();
    match subject.kind {
        "readiness" => {
            let running = running?;
            let not_yet = context
                .state
                .age_seconds(running.started_at)
                .is_some_and(|seconds| seconds < subject.probe.patience());
            let blocked = instance.status.started == Some(false);
            // Before the probe can have failed for good, a refusal says that the start goes on.
            let telling = event.is_some_and(|event| class_of(&event.message, subject.probe) != "refused");
            let own_end = instance.is_crashing(context) && !killed_by_probe(context, instance);
            // Between two crashes nothing answers, wherever the probe asks.
            let informative = telling || !own_end;
            (!instance.status.ready && !blocked && informative && (telling || !not_yet)).then_some(event)
        }
        kind => {
            let killed = last_kill(context, instance, kind)?;
            // Killed again and again within the life of an event: the next time is to be expected.
            let again = instance.status.restart_count > OFTEN && killed.times() >= OFTEN;
            (instance.is_crashing(context) || event.is_some() && (again || lately(context, instance)))
                .then_some(event)
        }
    }
}

/// A startup probe that has killed nothing yet, for want of time, and cannot succeed.
fn held_back(context: &Context<'_>, instance: &Instance<'_>, subject: Subject<'_>) -> Option<Fact> {
    let running = instance.status.state.running.as_ref()?;
    let waits = subject.kind == "startup" && instance.status.started == Some(false);
    let long = context.state.age_seconds(running.started_at).is_some_and(|seconds| seconds >= HELD_BACK);
    if !waits || !long || last_kill(context, instance, subject.kind).is_some() {
        return None;
    }
    let event = failure(context, instance, subject.kind)?;
    let fact = explain(context, instance, subject, Some(event))?;
    // Other answers may still change once the process has started.
    let hopeless = match fact.text("class") {
        "port" => fact.text("known_by") == "log",
        class => matches!(class, "port-name" | "protocol" | "exec-missing" | "loopback"),
    };
    hopeless.then(|| fact.param("held_back", true))
}

/// Whether a probe had the container killed, as opposed to its own end.
fn killed_by_probe(context: &Context<'_>, instance: &Instance<'_>) -> bool {
    ["liveness", "startup"].iter().any(|kind| last_kill(context, instance, kind).is_some())
}

/// Whether the container was restarted within the last minutes, if only once.
fn lately(context: &Context<'_>, instance: &Instance<'_>) -> bool {
    let ended = instance.status.last_state.terminated.as_ref();
    ended.is_some_and(|ended| {
        context.state.age_seconds(ended.finished_at).is_none_or(|seconds| seconds <= 600)
    })
}

/// The newest event that says that this probe failed, other than for the redirect of a mesh proxy.
fn failure<'a>(context: &Context<'a>, instance: &Instance<'a>, kind: &str) -> Option<&'a Event> {
    let word = match kind {
        "liveness" => "Liveness probe",
        "readiness" => "Readiness probe",
        _ => "Startup probe",
    };
    let events = instance.events(context.state);
    let mut failed = events.into_iter().filter(|event| {
        matches!(event.reason.as_str(), "Unhealthy" | "ProbeWarning" | "ProbeError")
            && event.message.contains(word)
    });
    let port = instance.spec.and_then(|spec| match kind {
        "liveness" => spec.liveness_probe.as_deref(),
        "readiness" => spec.readiness_probe.as_deref(),
        _ => spec.startup_probe.as_deref(),
    });
    let number = port.and_then(Probe::port).and_then(|port| resolve(instance, port));
    let several = instance.pod.spec.containers.len() > 1;
    failed.find(|event| {
        // Without a fieldPath, the port tells whose probe it was.
        let other = several && event.container().is_none() && event.message.contains("://");
        !other || number.is_none_or(|number| event.message.contains(&format!(":{number}")))
    })
}

fn explain(
    context: &Context<'_>,
    instance: &Instance<'_>,
    subject: Subject<'_>,
    event: Option<&Event>,
) -> Option<Fact> {
    let message = event.map_or("", |event| event.message.as_str());
    let works = working_ports(context, instance, subject.kind);
    let port = subject.probe.port().and_then(|port| resolve(instance, port));
    let verdict = judge(context, instance, subject.probe, &works);
    let mut fact = Fact::new("probe.fails", instance.workload.clone())
        .param("kind", subject.kind)
        .param("container", instance.name())
        .param("probe", describe(subject.probe))
        .param("timeout", subject.probe.timeout())
        .evidence(event.map(Evidence::event))
        .since(event.and_then(|event| event.first().get()));
    if !message.is_empty() {
        fact = fact.param("message", message);
    }
    if let Some(port) = port {
        fact = fact.param("port", port);
    }
    let list = if instance.init { "initContainers" } else { "containers" };
    let path = format!("spec.{list}[{}].{}Probe", instance.name(), subject.kind);
    fact = fact.evidence([Evidence::spec(instance.pod_ref(), path, describe(subject.probe))]);
    let class = class_of(message, subject.probe);
    match (class, verdict) {
        ("exec-missing" | "exec", _) => Some(exec(fact, class, subject.probe)),
        ("protocol", _) => Some(protocol(fact, message, subject.probe)),
        ("status", _) if message.contains("statuscode: 400") && refuses_plaintext(context, instance) => {
            Some(fact.param("class", "protocol").param("speaks", "HTTPS"))
        }
        ("path" | "status", _) => Some(status(context, instance, subject, fact, class, message)),
        (_, PortVerdict::NoSuchName { listens }) => {
            let name = subject.probe.port().map(ToString::to_string).unwrap_or_default();
            let fact = fact.param("class", "port-name").param("port", name);
            Some(listens.map_or(fact.clone(), |listens| fact.param("listens", listens)))
        }
        (_, PortVerdict::Wrong { listens, known_by }) => Some(
            fact.param("class", "port")
                .param("listens", listens)
                .param("known_by", known_by)
                .param(
                    "certainty",
                    if known_by == "log" || known_by == "probe" { "decisive" } else { "computed" },
                )
                .evidence(listening_evidence(context, instance, listens)),
        ),
        (_, verdict) if timing::no_grpc(instance, subject, message, port, &verdict) => Some(
            fact.param("class", "protocol")
                .param("speaks", "no plaintext gRPC")
                .param("certainty", "computed"),
        ),
        (_, verdict) => {
            timing::explain(context, instance, subject, fact, class, verdict == PortVerdict::Right)
        }
    }
}

/// Whether the container's log says that a caller does not speak TLS: Go's servers answer such with 400.
fn refuses_plaintext(context: &Context<'_>, instance: &Instance<'_>) -> bool {
    let mut said = context.logs.with(instance.workload, "plaintext-caller");
    said.any(|finding| finding.key.container == instance.name())
}

/// The class of a failure by its message alone: refused and timeout need a closer look.
fn class_of(message: &str, probe: &Probe) -> &'static str {
    let text = message.to_lowercase();
    let grpc_refused = text.contains("failed to connect service");
    match () {
        () if mentions(&text, &["statuscode: 404", "statuscode: 405", "statuscode: 410"]) => "path",
        () if mentions(&text, &["http request to an https server", "http request was sent to https"]) => {
            "protocol"
        }
        () if text.contains("statuscode:") => "status",
        () if mentions(
            &text,
            &[
                "malformed http",
                "http response to https client",
                "does not look like a tls handshake",
                "tls: ",
                "tls handshake",
                "http2: ",
                "error reading server preface",
                "unexpected http status",
                "unimplemented",
                "does not implement the grpc health",
                "doesn't implement the grpc health",
                "unknown service grpc.health",
                "first record",
            ],
        ) =>
        {
            "protocol"
        }
        () if probe.exec.is_some()
            && mentions(
                &text,
                &["executable file not found", "no such file or directory", "not found", "permission denied"],
            ) =>
        {
            "exec-missing"
        }
        () if mentions(&text, &["connection refused"]) || grpc_refused => "refused",
        () if mentions(
            &text,
            &["deadline exceeded", "client.timeout", "i/o timeout", "timed out", "timeout"],
        ) =>
        {
            "timeout"
        }
        () if probe.exec.is_some() && !text.is_empty() => "exec",
        // A server that speaks another protocol closes the connection on what it does not understand.
        () if probe.http_get.is_some()
            && mentions(&text, &["eof", "connection reset by peer", "server closed"]) =>
        {
            "protocol"
        }
        () => "unknown",
    }
}

/// Ports on which another probe of the same container succeeds now.
fn working_ports(context: &Context<'_>, instance: &Instance<'_>, failing: &str) -> Vec<i64> {
    let Some(spec) = instance.spec else { return Vec::new() };
    let mut works = Vec::new();
    let ready = instance.status.ready || was_ready(context, instance);
    if failing != "readiness" && ready {
        works.extend(
            spec.readiness_probe.as_deref().and_then(Probe::port).and_then(|port| resolve(instance, port)),
        );
    }
    let liveness_fine =
        instance.status.restart_count == 0 && failure(context, instance, "liveness").is_none();
    if failing != "liveness" && liveness_fine && instance.status.state.running.is_some() {
        works.extend(
            spec.liveness_probe.as_deref().and_then(Probe::port).and_then(|port| resolve(instance, port)),
        );
    }
    works
}

/// Whether the pod's readiness has flipped after the container's start, so that it once was ready.
fn was_ready(context: &Context<'_>, instance: &Instance<'_>) -> bool {
    let Some(spec) = instance.spec else { return false };
    if spec.readiness_probe.is_none() || failure(context, instance, "readiness").is_some() {
        return false;
    }
    condition(&instance.pod.status.conditions, "Ready")
        .and_then(|ready| Some(ready.last_transition_time.get()? > instance.pod.status.start_time.get()?))
        .unwrap_or(false)
        && instance.status.restart_count > 0
        && instance.status.ready
}

fn describe(probe: &Probe) -> String {
    if let Some(get) = &probe.http_get {
        let scheme = if get.scheme.is_empty() { "HTTP" } else { &get.scheme };
        return format!("{scheme} GET :{}{}", get.port, if get.path.is_empty() { "/" } else { &get.path });
    }
    if let Some(tcp) = &probe.tcp_socket {
        return format!("TCP :{}", tcp.port);
    }
    if let Some(grpc) = &probe.grpc {
        return format!("gRPC :{}", grpc.port);
    }
    probe.exec.as_ref().map(|exec| format!("exec {}", exec.command.join(" "))).unwrap_or_default()
}

fn exec(fact: Fact, class: &'static str, probe: &Probe) -> Fact {
    let command = probe.exec.as_ref().map(|exec| exec.command.join(" ")).unwrap_or_default();
    fact.param("class", class).param("command", command)
}

fn protocol(fact: Fact, message: &str, probe: &Probe) -> Fact {
    let text = message.to_lowercase();
    let speaks = if mentions(
        &text,
        &["http response to https client", "does not look like a tls handshake", "first record"],
    ) {
        "plain HTTP"
    } else if mentions(
        &text,
        &[
            "https server",
            "sent to https",
            "malformed http response \"\\x15",
            "malformed http response \"\\x16",
        ],
    ) {
        "HTTPS"
    } else if probe.grpc.is_some() {
        "no gRPC health service"
    } else if mentions(&text, &["\\x00\\x00", "http2"]) {
        "HTTP/2 (gRPC)"
    } else {
        "another protocol"
    };
    fact.param("class", "protocol").param("speaks", speaks)
}

fn status(
    context: &Context<'_>,
    instance: &Instance<'_>,
    subject: Subject<'_>,
    fact: Fact,
    class: &'static str,
    message: &str,
) -> Fact {
    let code: Option<i64> =
        message.split_once("statuscode: ").and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok());
    let mut fact = fact.param("class", class);
    if let Some(code) = code {
        fact = fact.param("status", code);
    }
    if let Some(get) = &subject.probe.http_get {
        fact = fact.param("path", get.path.clone());
    }
    match working_path(context, instance, subject) {
        Some(works) if class == "path" => fact.param("works", works),
        _ => fact,
    }
}

/// The path of another HTTP probe of the container that is not failing.
fn working_path(context: &Context<'_>, instance: &Instance<'_>, subject: Subject<'_>) -> Option<String> {
    let spec = instance.spec?;
    let others = [("liveness", &spec.liveness_probe), ("readiness", &spec.readiness_probe)];
    let own = subject.probe.http_get.as_ref()?;
    others
        .into_iter()
        .filter(|(kind, _)| *kind != subject.kind && failure(context, instance, kind).is_none())
        .find_map(|(_, probe)| {
            let get = probe.as_ref()?.http_get.as_ref()?;
            (get.path != own.path).then(|| get.path.to_string())
        })
}

fn listening_evidence(context: &Context<'_>, instance: &Instance<'_>, port: i64) -> Option<Evidence> {
    let finding = context.logs.of(instance.workload).find(|finding| {
        finding.key.container == instance.name()
            && finding.signature == "listening"
            && finding.ports().any(|own| own == port)
    })?;
    let evidence =
        Evidence::new(Source::Log, instance.pod_ref(), format!("log of {}", instance.name()), "listening");
    Some(evidence.excerpt(finding.excerpt.clone()).at(finding.last))
}

fn gates(context: &Context<'_>, facts: &mut Facts) {
    for (workload, pods) in context.topology.pods_by_workload() {
        for pod in pods.iter().filter(|pod| !pod.is_deleting() && !pod.is_finished() && !pod.is_ready()) {
            let contained =
                condition(&pod.status.conditions, "ContainersReady").is_some_and(|ready| ready.is_true());
            let unmet = pod.spec.readiness_gates.iter().find(|gate| {
                !condition(&pod.status.conditions, &gate.condition_type)
                    .is_some_and(|condition| condition.is_true())
            });
            let Some(gate) = unmet.filter(|_| contained) else { continue };
            let found = condition(&pod.status.conditions, &gate.condition_type);
            let reason = found.map_or("absent", |condition| condition.reason.as_str());
            let pod_ref = crate::cluster::types::Object::object_ref(*pod);
            let evidence = match found {
                Some(found) => Evidence::status(
                    pod_ref,
                    format!("status.conditions[{}]", gate.condition_type),
                    &found.status,
                )
                .excerpt(found.message.clone()),
                None => Evidence::absence(pod_ref, format!("no condition {}", gate.condition_type)),
            };
            state(
                facts,
                Fact::new("readiness.gate", workload.clone())
                    .param("gate", gate.condition_type.clone())
                    .param("reason", reason)
                    .evidence([evidence]),
            );
        }
    }
}

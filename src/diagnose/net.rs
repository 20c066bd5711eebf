//! What the network diagnosers share: what a Service reaches, what listens there, near misses.
//!
//! Only reads; states no facts.

use std::collections::BTreeSet;

use super::Context;
use crate::cluster::address::{self, Target};
use crate::cluster::topology::{Call, Relation};
use crate::cluster::types::{Container, ContainerPort, Object, Pod, PodSpec, Service, ServicePort};
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::{Evidence, PREVIOUS_RUN, Source};
use crate::logs::LogFinding;

/// Similarity from which one name is taken for a misspelling of another (1 is equal).
const NEAR: f64 = 0.75;

/// The Service a reference names.
pub(super) fn service<'a>(context: &Context<'a>, object: &ObjectRef) -> Option<&'a Service> {
    context.state.services.get(object.ns(), &object.name)
}

/// The pod spec that a workload runs: its template's, or a bare pod's own.
pub(super) fn spec_of<'a>(context: &Context<'a>, workload: &ObjectRef) -> Option<&'a PodSpec> {
    match context.state.workload_of(workload) {
        Some(found) => Some(&found.template().spec),
        None => context.topology.pods_of(workload).first().map(|pod| &pod.spec),
    }
}

/// Pods of a workload that are meant to serve: neither finished nor being deleted.
pub(super) fn live_pods<'a>(context: &Context<'a>, workload: &ObjectRef) -> Vec<&'a Pod> {
    context
        .topology
        .pods_of(workload)
        .iter()
        .copied()
        .filter(|pod| !pod.is_finished() && !pod.is_deleting())
        .collect()
}

/// Whether a workload has a pod that is Ready now.
pub(super) fn any_ready(context: &Context<'_>, workload: &ObjectRef) -> bool {
    live_pods(context, workload).iter().any(|pod| pod.is_ready())
}

/// Whether a workload that should run has pods that do not: what makes a complaint about it true.
pub(super) fn is_broken(context: &Context<'_>, workload: &ObjectRef) -> bool {
    let pods = live_pods(context, workload);
    let wanted = context.state.workload_of(workload).map_or(0, crate::cluster::types::Workload::desired);
    if workload.kind == Kind::Job {
        return context.topology.pods_of(workload).iter().any(|pod| pod.status.phase == "Failed");
    }
    pods.iter().any(|pod| !pod.is_ready()) || (wanted > 0 && pods.is_empty())
}

/// Containers that run beside each other: the main ones, and sidecars among the init containers.
pub(super) fn running_containers(spec: &PodSpec) -> impl Iterator<Item = &Container> {
    spec.containers.iter().chain(spec.init_containers.iter().filter(|one| one.restart_policy == "Always"))
}

/// Every port that the containers declare.
pub(super) fn declared_ports(spec: &PodSpec) -> impl Iterator<Item = &ContainerPort> {
    running_containers(spec).flat_map(|container| &container.ports)
}

/// Ports that something in the workload is known to listen on, whatever it declares: named by
/// its log, by a probe of a pod that is Ready, or by a `PORT` variable.
pub(super) fn known_open(context: &Context<'_>, workload: &ObjectRef) -> BTreeSet<i64> {
    let mut open: BTreeSet<i64> = context
        .logs
        .of(workload)
        .filter(|finding| finding.class == "start")
        .flat_map(|finding| finding.ports())
        .collect();
    let Some(spec) = spec_of(context, workload) else { return open };
    let ready = any_ready(context, workload);
    for container in running_containers(spec) {
        if ready {
            let probes = [&container.readiness_probe, &container.liveness_probe, &container.startup_probe];
            let ports = probes.into_iter().flatten().filter_map(|probe| probe.port());
            open.extend(ports.filter_map(|port| match port.as_name() {
                Some(name) => {
                    container.ports.iter().find(|own| own.name == name).map(|own| own.container_port)
                }
                None => port.as_int(),
            }));
        }
        let stated = container.env.iter().filter(|variable| is_port_variable(&variable.name));
        open.extend(stated.filter_map(|variable| variable.value.as_deref()?.trim().parse::<i64>().ok()));
    }
    open
}

/// `PORT`, `HTTP_PORT`, `SERVER_PORT`: where the container itself listens, not where it calls.
fn is_port_variable(name: &str) -> bool {
    matches!(
        name.to_ascii_uppercase().as_str(),
        "PORT" | "HTTP_PORT" | "GRPC_PORT" | "SERVER_PORT" | "LISTEN_PORT" | "APP_PORT" | "METRICS_PORT"
    )
}

/// The protocol of a port, with Kubernetes' default.
pub(super) fn protocol(text: &str) -> &str {
    if text.is_empty() { "TCP" } else { text }
}

/// The port of a Service as people write it: `http (80)` or `80`.
pub(super) fn port_label(port: &ServicePort) -> String {
    if port.name.is_empty() { port.port.to_string() } else { format!("{} ({})", port.name, port.port) }
}

/// The ports of a Service as a client writes them: `web:80, web:443`.
pub(super) fn addresses_of(service: &Service) -> String {
    let name = &service.metadata.name;
    service.spec.ports.iter().map(|port| format!("{name}:{}", port.port)).collect::<Vec<_>>().join(", ")
}

/// Whether a Service has an address that takes traffic: by its endpoint slices where they were
/// read, else by the pods that its selector matches.
pub(super) fn has_ready_endpoint(context: &Context<'_>, service: &Service) -> bool {
    let meta = &service.metadata;
    let mut slices = context.topology.slices_of(&meta.namespace, &meta.name).peekable();
    if slices.peek().is_some() {
        return slices.any(|slice| slice.endpoints.iter().any(|endpoint| endpoint.is_ready()));
    }
    context
        .topology
        .pods_matching(&meta.namespace, &service.spec.selector)
        .iter()
        .any(|pod| !pod.is_finished() && (pod.is_ready() || service.spec.publish_not_ready_addresses))
}

/// Workloads that are configured to call a Service, and Ingresses that route to it.
pub(super) fn users_of(context: &Context<'_>, service: &ObjectRef) -> Vec<ObjectRef> {
    let mut users: Vec<ObjectRef> = context
        .topology
        .to(service)
        .filter(|edge| matches!(edge.relation, Relation::Calls | Relation::Routes))
        .map(|edge| edge.from.clone())
        .collect();
    users.sort();
    users.dedup();
    users
}

/// The candidate closest to a name, if it is close enough to be meant.
pub(super) fn nearest<'s>(name: &str, candidates: impl Iterator<Item = &'s str>) -> Option<&'s str> {
    let plain = |text: &str| text.to_lowercase().replace(['_', '.'], "-");
    let wanted = plain(name);
    let mut best: Option<(&str, f64)> = None;
    for candidate in candidates.filter(|candidate| *candidate != name) {
        let other = plain(candidate);
        let mut score = strsim::normalized_damerau_levenshtein(&wanted, &other);
        // `payments-api` for `payments`: a part added or left out is a usual slip.
        if wanted.starts_with(&format!("{other}-")) || other.starts_with(&format!("{wanted}-")) {
            score = score.max(NEAR);
        }
        if score >= NEAR && best.is_none_or(|(_, known)| score > known) {
            best = Some((candidate, score));
        }
    }
    best.map(|(candidate, _)| candidate)
}

/// The Service that a caller most likely means by one that does not exist.
///
/// Where another namespace is written, that is wrong sooner than the name: then the very name counts
/// first, beside the caller before anywhere.
pub(super) fn meant(context: &Context<'_>, caller: &ObjectRef, missing: &ObjectRef) -> Option<ObjectRef> {
    let services = &context.state.services;
    let own = services.get(caller.ns(), &missing.name);
    let elsewhere = || own.or_else(|| services.iter().find(|other| other.metadata.name == *missing.name));
    let same_name = || elsewhere().map(Object::object_ref);
    let near = || {
        nearest(&missing.name, service_names(context, missing.ns()))
            .map(|name| ObjectRef::new(Kind::Service, missing.ns(), name))
    };
    if missing.ns() == caller.ns() { near().or_else(same_name) } else { same_name().or_else(near) }
}

/// A Service as a client of this namespace may write it.
pub(super) fn host_of(service: &ObjectRef, namespace: &str) -> String {
    if service.ns() == namespace {
        service.name.to_string()
    } else {
        format!("{}.{}", service.name, service.ns())
    }
}

/// The last part of an image's repository, without registry, tag and digest.
pub(super) fn repository(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or_default();
    let name = image.rsplit('/').next().unwrap_or_default();
    name.split(':').next().unwrap_or_default()
}

/// A log finding as evidence.
pub(super) fn line(finding: &LogFinding) -> Evidence {
    let pod = ObjectRef::new(Kind::Pod, &finding.key.namespace, &finding.key.pod);
    let run = if finding.key.previous { PREVIOUS_RUN } else { "" };
    Evidence::new(Source::Log, pod, format!("log of {}{run}", finding.key.container), finding.signature)
        .excerpt(finding.excerpt.clone())
        .at(finding.last)
        .times(finding.count)
}

/// Findings that say that a call failed and nothing after them that it works again.
pub(super) fn failed_calls<'a>(context: &Context<'a>) -> impl Iterator<Item = &'a LogFinding> + use<'a> {
    context.logs.iter().filter(|finding| finding.class == "call" && !finding.recovered)
}

/// Whether a line that names a peer is about the process itself: none is named, or its own pod's address,
/// as a proxy beside it does.
pub(super) fn is_own(context: &Context<'_>, finding: &LogFinding) -> bool {
    finding.target.as_ref().is_none_or(|target| {
        match address::resolve(context.state, finding.workload.ns(), &target.host) {
            Target::Pod(pod) => context.topology.workload_of(&pod) == finding.workload,
            Target::Loopback => true,
            _ => false,
        }
    })
}

/// Products by words of their images, and the port each listens on by default; 0 where much else
/// listens there too.
const PRODUCTS: [(&str, &[&str], u16); 12] = [
    ("mysql", &["mysql", "mariadb", "percona", "xenon"], 3306),
    ("postgresql", &["postgres", "postgresql", "timescaledb", "spilo", "postgis", "pgbouncer"], 5432),
    ("redis", &["redis", "valkey", "keydb", "dragonfly"], 6379),
    ("mongodb", &["mongo", "mongodb"], 27017),
    ("rabbitmq", &["rabbitmq"], 5672),
    ("kafka", &["kafka", "redpanda"], 9092),
    ("elasticsearch", &["elasticsearch", "opensearch"], 9200),
    ("memcached", &["memcached"], 11211),
    ("cassandra", &["cassandra", "scylla"], 9042),
    ("nats", &["nats"], 4222),
    ("vault", &["vault", "openbao"], 8200),
    ("s3", &["minio", "seaweedfs", "garage", "rustfs"], 0),
];

/// The database or broker that a workload runs, by its images.
pub(super) fn product_of(context: &Context<'_>, workload: &ObjectRef) -> Option<&'static str> {
    let spec = spec_of(context, workload)?;
    let is = |words: &[&str]| {
        spec.containers.iter().any(|container| {
            let name = repository(&container.image);
            // Exporters and operators talk to the product; they are not it.
            !["exporter", "operator", "client", "backup", "commander", "insight", "admin"]
                .iter()
                .any(|other| name.contains(other))
                && name.split(['-', '_']).any(|part| words.contains(&part))
        })
    };
    PRODUCTS.iter().find(|(_, words, _)| is(words)).map(|(product, ..)| *product)
}

/// The product that usually listens on a port.
pub(super) fn product_of_port(port: u16) -> Option<&'static str> {
    PRODUCTS.iter().find(|(.., own)| *own == port && port != 0).map(|(product, ..)| *product)
}

/// A word for a product, in one spelling.
pub(super) fn product_name(text: &str) -> Option<&'static str> {
    let text = text.to_lowercase();
    PRODUCTS
        .iter()
        .find(|(name, words, _)| *name == text || words.contains(&text.as_str()))
        .map(|(name, ..)| *name)
}

/// The workloads behind a Service, ordered.
pub(super) fn behind(context: &Context<'_>, service: &ObjectRef) -> Vec<ObjectRef> {
    context.topology.workloads_behind(service).cloned().collect()
}

/// Names of the Services of a namespace.
pub(super) fn service_names<'a>(
    context: &Context<'a>,
    namespace: &str,
) -> impl Iterator<Item = &'a str> + use<'a> {
    context.state.services.in_namespace(namespace).iter().map(|service| service.metadata.name.as_str())
}

/// A workload of this name in this namespace, whose Service may have gone missing.
pub(super) fn namesake(context: &Context<'_>, namespace: &str, name: &str) -> Option<ObjectRef> {
    let kinds = [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet];
    context
        .state
        .workloads
        .named(namespace, name)
        .iter()
        .find(|workload| kinds.contains(&workload.kind))
        .map(Object::object_ref)
}

/// The first workload behind a target.
pub(super) fn server_at(context: &Context<'_>, target: &Target) -> Option<ObjectRef> {
    match target {
        Target::Service(service) => behind(context, service).into_iter().next(),
        Target::Pod(pod) => Some(context.topology.workload_of(pod)),
        _ => None,
    }
}

/// The configured call of a workload to a server of a product, where all such calls are to one host.
pub(super) fn only_call_to<'c>(
    context: &'c Context<'_>,
    caller: &'c ObjectRef,
    product: &str,
) -> Option<&'c Call> {
    let is = |call: &&Call| {
        let runs = server_at(context, &call.target).and_then(|server| product_of(context, &server));
        runs.or_else(|| product_of_port(call.address.port_or_default()?)) == Some(product)
    };
    let mut calls = context.topology.calls_of(caller).filter(is);
    let first = calls.next()?;
    calls.all(|other| other.address.host == first.address.host).then_some(first)
}

/// The configured call that a line which names no address is about: the only one to the product that
/// the line, or the client library in its trace, is of.
pub(super) fn call_meant<'c>(context: &'c Context<'_>, finding: &'c LogFinding) -> Option<&'c Call> {
    if finding.target.is_some() {
        return None;
    }
    only_call_to(context, &finding.workload, product_said(context, finding)?)
}

/// The host that a connection which nobody answered was meant for, though the line names none: the only
/// one that the workload is configured to call, where no Secret may hold another.
pub(super) fn only_host<'c>(context: &'c Context<'_>, finding: &'c LogFinding) -> Option<&'c str> {
    let connecting = finding.param("phase") == "connect" || finding.signature == "no-route-to-host";
    let caller = &finding.workload;
    let unnamed = finding.target.is_none() && product_said(context, finding).is_none();
    if !connecting || !unnamed || reads_secret(context, caller) {
        return None;
    }
    let mut calls = context.topology.calls_of(caller);
    let first = calls.next()?;
    calls.all(|other| other.address.host == first.address.host).then_some(first.address.host.as_str())
}

/// Whether a workload takes environment variables from a Secret.
pub(super) fn reads_secret(context: &Context<'_>, workload: &ObjectRef) -> bool {
    context.topology.from(workload).any(|edge| edge.to.kind == Kind::Secret && edge.stated_in.contains("env"))
}

/// The product that a line, or the client library in its trace, is of.
pub(super) fn product_said(context: &Context<'_>, finding: &LogFinding) -> Option<&'static str> {
    let named = finding.params.get("product").and_then(|product| product_name(product));
    named.or_else(|| driver(context, finding))
}

/// Words of client libraries in stack traces, by product.
const DRIVERS: [(&str, &[&str]); 5] = [
    ("mysql", &["com.mysql.", "mysql-connector", "org.mariadb.", "pymysql", "mysql2/"]),
    ("postgresql", &["org.postgresql.", "psycopg", "node_modules/pg/", "jackc/pgx", "Npgsql"]),
    ("redis", &["io.lettuce.", "redis.clients.", "StackExchange.Redis", "go-redis", "ioredis"]),
    ("mongodb", &["com.mongodb.", "pymongo", "mongo-driver", "node_modules/mongodb/"]),
    ("rabbitmq", &["com.rabbitmq.", "amqplib", "pika."]),
];
/// Lines after a finding that may be its trace.
const TRACE: usize = 120;

/// The product whose client library the trace of a finding goes through first.
fn driver(context: &Context<'_>, finding: &LogFinding) -> Option<&'static str> {
    if finding.target.is_some() {
        return None;
    }
    let key = &finding.key;
    let log = context.state.logs.get(&key.namespace, &key.pod, &key.container, key.previous)?;
    let mut trace = log.text.lines().skip(finding.line.saturating_sub(2)).take(TRACE);
    trace.find_map(|line| {
        DRIVERS
            .iter()
            .find(|(_, words)| words.iter().any(|word| line.contains(word)))
            .map(|(product, _)| *product)
    })
}

/// The workload of a product that a caller most likely uses: the one it is configured to call, else
/// one of its namespace that nobody else is known to call, the name closest to the caller's first.
pub(super) fn server_of(context: &Context<'_>, caller: &ObjectRef, product: &str) -> Option<ObjectRef> {
    if let Some(only) = only_call_to(context, caller, product) {
        // One that is outside, or was not read, is still the one.
        return server_at(context, &only.target);
    }
    let servers = context
        .topology
        .pods_by_workload()
        .map(|(workload, _)| workload)
        .filter(|workload| workload.ns() == caller.ns() && *workload != caller)
        .filter(|workload| product_of(context, workload) == Some(product));
    let score = |server: &ObjectRef| {
        let callers: BTreeSet<ObjectRef> =
            context.topology.services_of(server).flat_map(|service| users_of(context, service)).collect();
        let prefix = caller.name.bytes().zip(server.name.bytes()).take_while(|(a, b)| a == b).count();
        (callers.contains(caller), callers.iter().all(|one| one == server || one == caller), prefix)
    };
    // Equal scores keep the order of names.
    let mut best: Option<(&ObjectRef, (bool, bool, usize))> = None;
    for server in servers {
        let own = score(server);
        if best.is_none_or(|(_, known)| own > known) {
            best = Some((server, own));
        }
    }
    best.map(|(server, _)| server.clone())
}

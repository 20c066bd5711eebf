//! What a dependency answers: a caller it turns away, or a limit of its own that every caller meets.
//!
//! Joins the lines of callers with the workload that answered, and with what that one says itself.

mod alarm;

use std::collections::{BTreeMap, BTreeSet};

use super::{Context, Fact, FactSpec, Facts, net};
use crate::cluster::ObjectRef;
use crate::cluster::address;
use crate::evidence::Evidence;
use crate::logs::LogFinding;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[
    FactSpec {
        name: "dependency.rejects",
        about: "a dependency turns a caller away for what the caller sends: credentials, schema, version, TLS",
        params: &[
            ("signature", "the signature of the log line"),
            ("reason", "the signature's own reason, such as plaintext-peer"),
            ("product", "the product that answers"),
            ("user", "the user that is turned away"),
            ("database", "the database, table or field that is named"),
            ("target", "host and port, where known"),
            ("line", "the log line"),
            ("others_work", "whether other callers of the dependency have no such trouble"),
        ],
        refs: &[("server", "the workload that answers"), ("service", "its Service")],
    },
    FactSpec {
        name: "dependency.limits",
        about: "a dependency answers its callers that it is at a limit or takes no writes",
        params: &[
            ("signature", "the signature of the log line"),
            ("product", "the product that answers"),
            ("line", "the log line"),
            ("callers", "the workloads that are told so"),
            ("replicas", "how many pods those workloads run"),
            ("stated", "a setting of the dependency that says so"),
            ("found", "whether the dependency's own workload was found; else this is about the caller"),
            ("consumers", "of a broker: who uses it too and is down, so that its queues grow"),
        ],
        refs: &[
            ("server", "the workload that answers"),
            ("config", "the ConfigMap with the setting"),
            ("waits_for", "the first of those consumers"),
        ],
    },
    FactSpec {
        name: "dependency.blocked",
        about: "a publisher waits for a broker whose consumers are down",
        params: &[],
        refs: &[("callee", "the broker")],
    },
];

/// What the caller can change.
const REJECTIONS: [&str; 14] = [
    "credentials-rejected",
    "role-missing",
    "permission-denied-db",
    "database-missing",
    "schema-error",
    "migration-failed",
    "schema-newer",
    "version-incompatible",
    "tls-error",
    "certificate-expired",
    "protocol-mismatch",
    "rate-limited",
    "lock-timeout",
    "statement-timeout",
];

/// What is so for every caller.
const LIMITS: [&str; 10] = [
    "store-full",
    "store-sealed",
    "too-many-connections",
    "read-only",
    "redis-oom",
    "persistence-failed",
    "replication-broken",
    "loading-dataset",
    "broker-alarm",
    "broker-partitioned",
];

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    let mut limited: BTreeMap<(ObjectRef, &'static str), Vec<&LogFinding>> = BTreeMap::new();
    for finding in context.logs.iter().filter(|finding| !finding.recovered) {
        let product = product(context, finding);
        let own = is_server(context, finding, product);
        if LIMITS.contains(&finding.signature) {
            let server = if own { Some(finding.workload.clone()) } else { server(context, finding, product) };
            let subject = server.unwrap_or_else(|| finding.workload.clone());
            limited.entry((subject, finding.signature)).or_default().push(finding);
        } else if REJECTIONS.contains(&finding.signature) && !own && !of_itself(context, finding) {
            rejected(context, finding, product, facts);
        }
    }
    for ((server, signature), findings) in limited {
        let (signature, findings) = beneath(context, &server, signature, findings);
        let mut fact = limit(context, &server, signature, &findings);
        if signature == "broker-alarm" {
            fact = alarm::explain(context, fact, facts);
        }
        facts.add(fact);
    }
}

fn product(context: &Context<'_>, finding: &LogFinding) -> Option<&'static str> {
    let named = finding.params.get("product").and_then(|product| net::product_name(product));
    let by_server =
        || server_by_target(context, finding).and_then(|server| net::product_of(context, &server));
    let by_port = || finding.target.as_ref().and_then(|target| net::product_of_port(target.port?));
    named.or_else(by_server).or_else(by_port)
}

/// Whether the line is the dependency's own, about clients.
fn is_server(context: &Context<'_>, finding: &LogFinding, product: Option<&str>) -> bool {
    finding.params.get("side").is_some_and(|side| side == "server")
        || (product.is_some() && net::product_of(context, &finding.workload) == product)
}

/// Whether the peer that a line names is the process's own address: what arrives there, it does not send.
fn of_itself(context: &Context<'_>, finding: &LogFinding) -> bool {
    finding.target.is_some() && finding.signature == "protocol-mismatch" && net::is_own(context, finding)
}

/// The workload of the cluster that a line's target leads to.
pub(super) fn server_by_target(context: &Context<'_>, finding: &LogFinding) -> Option<ObjectRef> {
    let target = finding.target.as_ref()?;
    net::server_at(context, &address::resolve(context.state, finding.workload.ns(), &target.host))
}

fn server(context: &Context<'_>, finding: &LogFinding, product: Option<&str>) -> Option<ObjectRef> {
    server_by_target(context, finding)
        .or_else(|| net::server_of(context, &finding.workload, product?))
        .filter(|server| *server != finding.workload)
}

fn rejected(context: &Context<'_>, finding: &LogFinding, product: Option<&'static str>, facts: &mut Facts) {
    let mut fact = Fact::new("dependency.rejects", finding.workload.clone())
        .param("signature", finding.signature)
        .param("line", finding.excerpt.clone())
        .evidence([net::line(finding)])
        .since(finding.first);
    if let Some(product) = product {
        fact = fact.param("product", product);
    }
    for (name, keys) in [
        ("user", &["user", "role"][..]),
        ("database", &["database", "table", "field", "name"]),
        ("reason", &["reason"]),
    ] {
        if let Some(value) = keys.iter().find_map(|key| finding.params.get(*key)) {
            fact = fact.param(name, value.clone());
        }
    }
    if let Some(target) = &finding.target {
        fact = fact.param("target", target.to_string());
    }
    if let Some(server) = server(context, finding, product) {
        let alike = |other: &LogFinding| !other.recovered && other.signature == finding.signature;
        let users: BTreeSet<ObjectRef> = context
            .topology
            .services_of(&server)
            .flat_map(|service| net::users_of(context, service))
            .collect();
        let others = users.iter().any(|user| *user != finding.workload && !context.logs.of(user).any(alike));
        fact = fact.param("others_work", others);
        if let Some(service) = context.topology.services_of(&server).next() {
            fact = fact.object("service", service.clone());
        }
        fact = fact.object("server", server);
    }
    facts.add(fact);
}

/// What the store itself says of why it cannot persist: that its disk is full.
fn beneath<'a>(
    context: &'a Context<'_>,
    server: &'a ObjectRef,
    signature: &'static str,
    findings: Vec<&'a LogFinding>,
) -> (&'static str, Vec<&'a LogFinding>) {
    if signature != "persistence-failed" {
        return (signature, findings);
    }
    let full = context.logs.with(server, "disk-full").find(|finding| !finding.recovered);
    match full {
        Some(full) => ("store-full", std::iter::once(full).chain(findings).collect()),
        None => (signature, findings),
    }
}

fn limit(
    context: &Context<'_>,
    server: &ObjectRef,
    signature: &'static str,
    findings: &[&LogFinding],
) -> Fact {
    let callers: BTreeSet<&ObjectRef> =
        findings.iter().map(|finding| &finding.workload).filter(|caller| *caller != server).collect();
    let replicas: usize = callers.iter().map(|caller| net::live_pods(context, caller).len()).sum();
    let product = findings
        .iter()
        .find_map(|finding| product(context, finding))
        .or_else(|| net::product_of(context, server));
    // A caller that could not be told from its dependency is all there is to name.
    let found = !callers.is_empty() || net::product_of(context, server).is_some();
    let mut fact = Fact::new("dependency.limits", server.clone())
        .param("signature", signature)
        .param("callers", callers.iter().map(|caller| caller.name.to_string()).collect::<Vec<_>>())
        .param("replicas", replicas)
        .param("found", found)
        .evidence(findings.iter().take(4).map(|finding| net::line(finding)))
        .since(findings.iter().filter_map(|finding| finding.first).min());
    if let Some(first) = findings.first() {
        fact = fact.param("line", first.excerpt.clone());
    }
    if let Some(product) = product {
        fact = fact.param("product", product);
    }
    if found {
        fact = fact.object("server", server.clone());
    }
    if let Some((config, text, evidence)) = stated(context, server, signature) {
        fact = fact.param("stated", text).object("config", config).evidence([evidence]);
    }
    callers.into_iter().cloned().fold(fact, Fact::affects)
}

/// A line of the server's arguments or ConfigMaps that sets what it complains about.
fn stated(
    context: &Context<'_>,
    server: &ObjectRef,
    signature: &str,
) -> Option<(ObjectRef, String, Evidence)> {
    let words: &[&str] = match signature {
        "too-many-connections" => &["max_connections", "maxclients", "max-connections", "max_client_conn"],
        "read-only" => &["read-only", "read_only", "super_read_only", "default_transaction_read_only"],
        "redis-oom" => &["maxmemory"],
        _ => return None,
    };
    let set = |line: &str| {
        !line.trim_start().starts_with(['#', ';']) && words.iter().any(|word| line.contains(word))
    };
    for edge in context.topology.from(server) {
        if edge.to.kind != crate::cluster::Kind::ConfigMap {
            continue;
        }
        let Some(map) = context.state.config_maps.get(edge.to.ns(), &edge.to.name) else { continue };
        for (key, text) in &map.data {
            if let Some(line) = text.lines().take(5000).find(|line| set(line)) {
                let line: String = line.trim().chars().take(200).collect();
                let evidence = Evidence::spec(edge.to.clone(), format!("data[{key}]"), line.clone());
                return Some((edge.to.clone(), line, evidence));
            }
        }
    }
    let spec = net::spec_of(context, server)?;
    let mut arguments =
        net::running_containers(spec).flat_map(|container| container.command.iter().chain(&container.args));
    let line = arguments.find(|argument| argument.len() < 500 && set(argument))?.clone();
    let evidence = Evidence::spec(server.clone(), "spec.template.spec.containers[].args", line.clone());
    Some((server.clone(), line.to_string(), evidence))
}

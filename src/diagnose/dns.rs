//! Why names do not resolve: the cluster's DNS servers, or the pod's own settings.
//!
//! A failed look-up alone is no fact here; what the objects say about it is.

mod forward;
mod zone;

use std::collections::BTreeSet;

use regex::Regex;

use super::{Context, Fact, FactSpec, Facts, net};
use crate::cluster::address::{self, Target};
use crate::cluster::topology::Relation;
use crate::cluster::types::{ConfigMap, Object, PodSpec, Service, Text};
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::{Evidence, Source};
use crate::logs::LogFinding;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[
    FactSpec {
        name: "dns.server",
        about: "the cluster's DNS servers do not answer, or answer wrongly",
        params: &[
            (
                "class",
                "parse-error, not-ready, zero-replicas, override, loop, zone (it denies names of Services that exist) or forward (the server that it forwards a zone to does not answer)",
            ),
            ("problem", "what is wrong with its configuration, in words"),
            ("line", "the server's own log line, or the line of its configuration"),
            ("pods", "how many of its pods are ready"),
            ("callers", "workloads whose look-ups fail"),
        ],
        refs: &[("config", "its ConfigMap"), ("server", "its workload"), ("service", "its Service")],
    },
    FactSpec {
        name: "dns.pod",
        about: "a workload's own DNS settings keep it from resolving the cluster's names",
        params: &[
            ("class", "nameserver, policy, host-network or searches"),
            ("policy", "dnsPolicy"),
            ("nameservers", "the name servers that its pods ask"),
            ("cluster_dns", "the address of the cluster's DNS Service"),
            ("host", "a name that it cannot resolve, where one is known"),
            ("certainty", "decisive where a look-up was seen to fail, else computed or suggestive"),
        ],
        refs: &[],
    },
];

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    let servers = servers(context);
    for service in &servers {
        server(context, service, facts);
    }
    let addresses: BTreeSet<&str> = servers.iter().map(|service| service.spec.cluster_ip.as_str()).collect();
    for workload in &context.state.workloads {
        let owned = matches!(workload.kind, Kind::ReplicaSet | Kind::Job)
            && !workload.metadata.owner_references.is_empty();
        if !owned {
            pod_settings(context, &workload.object_ref(), &workload.template().spec, &addresses, facts);
        }
    }
    for (object, pods) in context.topology.pods_by_workload().filter(|(object, _)| object.kind == Kind::Pod) {
        if let Some(pod) = pods.first() {
            pod_settings(context, object, &pod.spec, &addresses, facts);
        }
    }
}

/// The Services that pods ask for names.
fn servers<'a>(context: &Context<'a>) -> Vec<&'a Service> {
    let is_dns = |service: &&Service| {
        let selects = service.spec.selector.values().any(|value| value == "kube-dns" || value == "coredns");
        let port = service.spec.ports.iter().any(|port| port.port == 53);
        port && (selects || service.metadata.name.contains("dns"))
    };
    context
        .state
        .services
        .in_namespace("kube-system")
        .iter()
        .chain(context.state.services.in_namespace("openshift-dns"))
        .filter(is_dns)
        .collect()
}

/// Failed look-ups, whoever made them.
fn lookups<'a>(context: &Context<'a>) -> impl Iterator<Item = &'a LogFinding> + use<'a> {
    net::failed_calls(context).filter(|finding| finding.signature == "host-not-found")
}

fn server(context: &Context<'_>, service: &Service, facts: &mut Facts) {
    let Some(workload) = net::behind(context, &service.object_ref()).into_iter().next() else { return };
    let config = config_of(context, &workload);
    let mut callers: BTreeSet<ObjectRef> = lookups(context).map(|finding| finding.workload.clone()).collect();
    let hit = forward::hit(context, &forward::unanswered_by(context, &workload));
    let pods = net::live_pods(context, &workload);
    let ready = pods.iter().filter(|pod| pod.is_ready()).count();
    let problem = if ready == 0 {
        let zero = context.state.workload_of(&workload).is_some_and(|found| found.desired() == 0);
        let own = parse_error(context, &workload).map(|(line, evidence)| ("parse-error", line, evidence));
        match own.or_else(|| looped(context, &workload)) {
            Some(own) => Some(own),
            None if zero => {
                Some(("zero-replicas", String::new(), Evidence::spec(workload.clone(), "spec.replicas", "0")))
            }
            None => {
                let text = format!("0 of {} pods are ready", pods.len());
                Some((
                    "not-ready",
                    String::new(),
                    Evidence::status(workload.clone(), "status.readyReplicas", text),
                ))
            }
        }
    } else {
        lookups(context)
            .next()
            .and_then(|_| looped(context, &workload))
            .or_else(|| overridden(context, config))
            .or_else(|| zone::unserved(context, config))
            .or_else(|| forward::silent(context, &workload, config).filter(|_| !hit.is_empty()))
    };
    let Some((class, line, evidence)) = problem else { return };
    if class == "forward" {
        // Other names resolve.
        callers = hit;
    }
    let mut fact = Fact::new("dns.server", workload.clone())
        .param("class", class)
        .param("problem", in_words(class))
        .param("line", line)
        .param("pods", format!("{ready}/{}", pods.len()))
        .param("callers", callers.iter().map(|caller| caller.name.to_string()).collect::<Vec<_>>())
        .object("server", workload)
        .object("service", service.object_ref())
        .evidence([evidence])
        .affects(service.object_ref());
    if let Some(config) = config {
        fact = fact.object("config", config.object_ref());
    }
    for finding in lookups(context).take(3) {
        fact = fact.evidence([net::line(finding)]);
    }
    facts.add(callers.into_iter().fold(fact, Fact::affects));
}

fn in_words(class: &str) -> &'static str {
    match class {
        "parse-error" => "it cannot be read",
        "override" => "a rule takes names away",
        "loop" => "the server forwards queries to itself",
        "forward" => "the server that it forwards queries for a zone to does not answer",
        "zone" => "it does not serve the zone that the names of Services are in",
        _ => "",
    }
}

/// The ConfigMap that the DNS server mounts.
fn config_of<'a>(context: &Context<'a>, workload: &ObjectRef) -> Option<&'a ConfigMap> {
    let mounted = context
        .topology
        .from(workload)
        .filter(|edge| edge.to.kind == Kind::ConfigMap && edge.relation == Relation::Mounts)
        .filter_map(|edge| context.state.config_maps.get(edge.to.ns(), &edge.to.name));
    let by_name = context.state.config_maps.get("kube-system", "coredns");
    mounted.filter(|map| !map.metadata.name.starts_with("kube-root-ca")).chain(by_name).next()
}

/// What CoreDNS says when it cannot read its Corefile.
fn parse_error(context: &Context<'_>, workload: &ObjectRef) -> Option<(String, Evidence)> {
    let texts = ["Error during parsing", "plugin/", "Corefile"];
    own_lines(context, workload, |line| {
        line.contains("Corefile")
            && (line.contains("rror") || line.contains("nknown") || line.contains("panic"))
            || (line.starts_with("plugin/") && texts.iter().any(|text| line.contains(text)))
    })
}

fn looped(context: &Context<'_>, workload: &ObjectRef) -> Option<(&'static str, String, Evidence)> {
    own_lines(context, workload, |line| line.contains("Loop (") && line.contains("detected"))
        .map(|(line, evidence)| ("loop", line, evidence))
}

/// The last line of the workload's own logs that is meant.
fn own_lines(
    context: &Context<'_>,
    workload: &ObjectRef,
    meant: impl Fn(&str) -> bool,
) -> Option<(String, Evidence)> {
    for pod in context.topology.pods_of(workload) {
        let (namespace, name) = (&pod.metadata.namespace, &pod.metadata.name);
        for (key, log) in
            context.state.logs.iter().filter(|(key, _)| key.namespace == *namespace && key.pod == *name)
        {
            if let Some(line) = log.text.lines().rev().take(200).find(|line| meant(line)) {
                let line: String = line.chars().take(300).collect();
                let path = format!("log of {}", key.container);
                let evidence = Evidence::new(Source::Log, pod.object_ref(), path, "dns-server-error")
                    .excerpt(line.clone());
                return Some((line, evidence));
            }
        }
    }
    None
}

/// A `template` or `rewrite` of the Corefile that takes a name away which look-ups fail at.
fn overridden(context: &Context<'_>, config: Option<&ConfigMap>) -> Option<(&'static str, String, Evidence)> {
    let config = config?;
    let hosts: BTreeSet<String> =
        lookups(context).filter_map(|finding| Some(finding.target.as_ref()?.host.clone())).collect();
    let corefile = config.data.iter().filter(|(_, text)| text.len() <= 65_536);
    for (key, text) in corefile {
        let denies = text.contains("NXDOMAIN") || text.contains("SERVFAIL") || text.contains("REFUSED");
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            let mut words = line.split_whitespace();
            let (first, rest) = (words.next().unwrap_or_default(), words.collect::<Vec<_>>());
            let taken = match first {
                "match" if denies => rest.first().is_some_and(|pattern| hits(pattern, &hosts)),
                "template" if denies => {
                    rest.iter().skip(2).any(|zone| hosts.iter().any(|host| within(host, zone)))
                }
                "rewrite" => rest.iter().any(|part| {
                    hosts.iter().any(|host| host == part.trim_end_matches('.')) || hits(part, &hosts)
                }),
                _ => false,
            };
            if taken {
                let evidence = Evidence::spec(config.object_ref(), format!("data[{key}]"), line);
                return Some(("override", line.to_owned(), evidence));
            }
        }
    }
    None
}

/// Whether a pattern, which must say something of its own, matches a failing host.
fn hits(pattern: &str, hosts: &BTreeSet<String>) -> bool {
    pattern.len() >= 3
        && pattern.contains(['\\', '^', '$', '*', '('])
        && pattern.len() <= 500
        && Regex::new(pattern).is_ok_and(|regex| {
            hosts.iter().any(|host| regex.is_match(host) || regex.is_match(&format!("{host}.")))
        })
}

fn within(host: &str, zone: &str) -> bool {
    let zone = zone.trim_end_matches('.').trim_end_matches('{');
    zone.len() >= 3 && (host == zone || host.ends_with(&format!(".{zone}")))
}

fn pod_settings(
    context: &Context<'_>,
    workload: &ObjectRef,
    spec: &PodSpec,
    dns: &BTreeSet<&str>,
    facts: &mut Facts,
) {
    let servers = &spec.dns_config.nameservers;
    // Node-local caches listen on a link-local address.
    let knows_cluster = |server: &Text| dns.contains(server.as_str()) || server.starts_with("169.254.");
    let class = match spec.dns_policy.as_str() {
        "None" if !servers.is_empty() && !servers.iter().any(knows_cluster) => "nameserver",
        "None" if spec.dns_config.searches.is_empty() => "searches",
        "Default" => "policy",
        "" | "ClusterFirst" if spec.host_network => "host-network",
        _ => return,
    };
    let failing: Vec<&LogFinding> = lookups(context)
        .filter(|finding| finding.workload == *workload)
        .filter(|finding| is_cluster_name(context, finding, class))
        .collect();
    let host = failing.first().and_then(|one| one.target.as_ref()).map(|target| target.host.clone());
    let configured = || {
        context
            .topology
            .calls_of(workload)
            .find(|call| matches!(call.target, Target::Service(_) | Target::Pod(_)))
    };
    let usable = class == "nameserver" && net::is_broken(context, workload);
    if failing.is_empty() && !usable {
        return;
    }
    let mut fact = Fact::new("dns.pod", workload.clone())
        .param("class", class)
        .param("policy", if spec.dns_policy.is_empty() { "ClusterFirst" } else { spec.dns_policy.as_str() })
        .param("nameservers", servers.to_vec())
        .param("certainty", certainty(!failing.is_empty(), configured().is_some()))
        .evidence([Evidence::spec(
            workload.clone(),
            "spec.template.spec.dnsPolicy",
            format!("{} {}", spec.dns_policy, servers.join(", ")).trim().to_owned(),
        )])
        .evidence(failing.iter().take(3).map(|finding| net::line(finding)));
    if let Some(address) = dns.iter().find(|address| !address.is_empty()) {
        fact = fact.param("cluster_dns", *address);
    }
    if let Some(host) = host.or_else(|| configured().map(|call| call.address.host.clone())) {
        fact = fact.param("host", host);
    }
    facts.add(fact);
}

/// A failed look-up at servers that cannot know the name leaves no other reading.
fn certainty(seen: bool, configured: bool) -> &'static str {
    match (seen, configured) {
        (true, _) => "decisive",
        (false, true) => "computed",
        (false, false) => "suggestive",
    }
}

/// Whether a failed look-up is of a name that the cluster's DNS would know. One that names no host
/// counts where the pod asks foreign servers only.
fn is_cluster_name(context: &Context<'_>, finding: &LogFinding, class: &str) -> bool {
    let Some(target) = &finding.target else { return class == "nameserver" };
    let meaning = address::resolve(context.state, finding.workload.ns(), &target.host);
    let full = target.host.contains(".svc");
    match class {
        "searches" => matches!(meaning, Target::Service(_)) && !full,
        _ => full || matches!(meaning, Target::Service(_) | Target::Pod(_) | Target::Unknown),
    }
}

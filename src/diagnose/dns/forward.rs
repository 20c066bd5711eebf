//! Zones that CoreDNS forwards to a server of their own which does not answer.
//!
//! CoreDNS logs each query that it cannot forward. One that times out now and then is the network's
//! noise; that look-ups in pods fail as well makes it a fault.

use std::collections::BTreeSet;

use super::{lookups, own_lines};
use crate::cluster::ObjectRef;
use crate::cluster::types::ConfigMap;
use crate::diagnose::{Context, net};
use crate::evidence::Evidence;
use crate::logs::LogFinding;

/// Last lines of a server's log that are read.
const LINES: usize = 200;

/// What CoreDNS says of a query that it could not forward.
struct Unanswered<'l> {
    /// The name that was asked for, in full, without the last dot.
    name: &'l str,
    /// The address that it was forwarded to.
    server: &'l str,
}

/// `[ERROR] plugin/errors: 2 db.corp.example. A: read udp 10.0.0.2:4->10.9.9.9:53: i/o timeout`.
fn unanswered(line: &str) -> Option<Unanswered<'_>> {
    let (_, rest) = line.split_once("plugin/errors: ")?;
    let silent = ["i/o timeout", "no route to host", "connection refused", "network is unreachable"];
    if !silent.iter().any(|text| rest.ends_with(text)) {
        return None;
    }
    let name = rest.split_whitespace().nth(1)?.trim_end_matches('.');
    // `10.0.0.2:4->10.9.9.9:53: i/o timeout` and `dial tcp 10.9.9.9:53: connect: connection refused`.
    let address = rest.split("->").nth(1).or_else(|| Some(rest.split("dial ").nth(1)?.split_once(' ')?.1))?;
    let server = address.split(": ").next()?.rsplit_once(':')?.0;
    Some(Unanswered { name, server: server.trim_matches(['[', ']']) })
}

/// The names that a server could not forward lately, in full, without the last dot.
pub(super) fn unanswered_by(context: &Context<'_>, server: &ObjectRef) -> BTreeSet<String> {
    let pods: BTreeSet<&str> =
        context.topology.pods_of(server).iter().map(|pod| pod.metadata.name.as_str()).collect();
    let logs = context.state.logs.iter();
    let own = logs.filter(|(key, _)| key.namespace == server.ns() && pods.contains(&*key.pod));
    let lines = own.flat_map(|(_, log)| log.text.lines().rev().take(LINES));
    lines.filter_map(|line| Some(unanswered(line)?.name.to_owned())).collect()
}

/// Workloads that fail to look up one of these names.
pub(super) fn hit(context: &Context<'_>, names: &BTreeSet<String>) -> BTreeSet<ObjectRef> {
    if names.is_empty() {
        return BTreeSet::new();
    }
    let fails = |finding: &&LogFinding| {
        let named = match &finding.target {
            Some(target) => names.contains(target.host.trim_end_matches('.')),
            // The line names no host: then the settings must.
            None => states_one_of(context, &finding.workload, names),
        };
        named && !finding.param("temporary").is_empty()
    };
    lookups(context).filter(fails).map(|finding| finding.workload.clone()).collect()
}

/// The `forward` line of a server that does not answer.
pub(super) fn silent(
    context: &Context<'_>,
    server: &ObjectRef,
    config: Option<&ConfigMap>,
) -> Option<(&'static str, String, Evidence)> {
    let (_, text) =
        config?.data.iter().find(|(key, text)| key.contains("Corefile") && text.len() <= 65_536)?;
    // Servers that the Corefile does not name are those of the node.
    let stated = |to: &str| {
        let names = |line: &&str| {
            let mut words = line.split_whitespace();
            let forwards = matches!(words.next(), Some("forward" | "proxy"));
            forwards && words.any(|word| host_of(word) == to)
        };
        text.lines().map(str::trim).find(names)
    };
    let (line, evidence) =
        own_lines(context, server, |line| unanswered(line).is_some_and(|one| stated(one.server).is_some()))?;
    let forward = unanswered(&line).and_then(|one| stated(one.server)).unwrap_or_default();
    Some(("forward", forward.trim_end_matches('{').trim().to_owned(), evidence))
}

/// `10.9.9.9` of `tls://10.9.9.9:853`.
fn host_of(word: &str) -> &str {
    let word = word.split_once("://").map_or(word, |(_, rest)| rest);
    let host = word.split('@').next().unwrap_or(word);
    host.split_once(':').map_or(host, |(host, _)| host)
}

fn states_one_of(context: &Context<'_>, caller: &ObjectRef, names: &BTreeSet<String>) -> bool {
    let Some(spec) = net::spec_of(context, caller) else { return false };
    let values = net::running_containers(spec)
        .flat_map(|container| &container.env)
        .filter_map(|variable| variable.value.as_deref());
    let mut stated = values.filter(|value| value.len() <= 2048);
    stated.any(|value| names.iter().any(|name| value.contains(name.as_str())))
        || context.topology.calls_of(caller).any(|call| names.contains(call.address.host.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<(&str, &str)> {
        unanswered(line).map(|one| (one.name, one.server))
    }

    #[test]
    fn reads_what_coredns_could_not_forward() {
        let udp =
            "[ERROR] plugin/errors: 2 db.corp.example. A: read udp 10.0.0.2:4->10.9.9.9:53: i/o timeout";
        assert_eq!(read(udp), Some(("db.corp.example", "10.9.9.9")));
        let tcp = "[ERROR] plugin/errors: 2 db.corp. AAAA: dial tcp 10.9.9.9:53: connect: connection refused";
        assert_eq!(read(tcp), Some(("db.corp", "10.9.9.9")));
        assert_eq!(read("[ERROR] plugin/errors: 2 a. HINFO: plugin/loop: no next plugin found"), None);
        assert_eq!(read("[INFO] plugin/reload: Running configuration SHA512 = 1"), None);
        assert_eq!((host_of("tls://9.9.9.9:853"), host_of("10.9.9.9")), ("9.9.9.9", "10.9.9.9"));
    }
}

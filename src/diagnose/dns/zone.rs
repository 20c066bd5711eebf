//! The zones that CoreDNS answers for from the cluster's Services, and names that it denies for want
//! of the right one.
//!
//! A denied name of a Service that exists proves that the server is wrong, unless the pod asks
//! another server: those pods are left out.

use super::lookups;
use crate::cluster::address::{self, Target};
use crate::cluster::types::{ConfigMap, Object, PodSpec};
use crate::diagnose::{Context, net};
use crate::evidence::Evidence;
use crate::logs::LogFinding;

/// The domain of a cluster that was given none.
const USUAL_DOMAIN: &str = "cluster.local";

/// The `kubernetes` line of the Corefile, where its zones do not hold a name that was denied.
pub(super) fn unserved(
    context: &Context<'_>,
    config: Option<&ConfigMap>,
) -> Option<(&'static str, String, Evidence)> {
    let config = config?;
    let (key, text) =
        config.data.iter().find(|(key, text)| key.contains("Corefile") && text.len() <= 65_536)?;
    let served = served(text);
    let misses = |finding: &&LogFinding| {
        denied_domain(context, finding)
            .is_some_and(|domain| !served.iter().any(|(zone, _)| holds(zone, &domain)))
    };
    lookups(context).find(misses)?;
    let line = served.first().map_or_else(String::new, |(_, line)| line.clone());
    let stated = if line.is_empty() { "no kubernetes plugin".to_owned() } else { line.clone() };
    Some(("zone", line, Evidence::spec(config.object_ref(), format!("data[{key}]"), stated)))
}

/// The domain of a denied name of a Service that has an address, asked of the cluster's DNS.
fn denied_domain(context: &Context<'_>, finding: &LogFinding) -> Option<String> {
    let host = &finding.target.as_ref().filter(|_| finding.param("temporary").is_empty())?.host;
    let Target::Service(object) = address::resolve(context.state, finding.workload.ns(), host) else {
        return None;
    };
    let service = net::service(context, &object)?;
    let made = service.metadata.creation_timestamp.get();
    let addressed = !matches!(service.spec.cluster_ip.as_str(), "" | "None");
    let older = finding.first.is_none() || made.is_none() || made < finding.first;
    let asks = net::spec_of(context, &finding.workload).is_some_and(asks_the_cluster);
    let domain = host.split_once(".svc.").map_or(USUAL_DOMAIN, |(_, domain)| domain);
    (addressed && older && asks).then(|| domain.to_owned())
}

/// Whether a pod asks the cluster's DNS and nothing of its own.
fn asks_the_cluster(spec: &PodSpec) -> bool {
    let own = &spec.dns_config;
    let plain = own.nameservers.is_empty() && own.searches.is_empty();
    match spec.dns_policy.as_str() {
        "" | "ClusterFirst" => plain && !spec.host_network,
        "ClusterFirstWithHostNet" => plain,
        _ => false,
    }
}

/// Zones that `kubernetes` plugins serve, each with its line: those it names, else its block's.
fn served(corefile: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut block: Vec<&str> = Vec::new();
    for line in corefile.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().filter(|word| !matches!(*word, "{" | "}")).collect();
        if depth == 0 && !words.is_empty() {
            block = words.clone();
        }
        // A block may stand on one line.
        if let Some(at) = words.iter().position(|word| *word == "kubernetes") {
            let own: Vec<&str> = words.iter().skip(at + 1).copied().collect();
            let zones = if own.is_empty() { &block } else { &own };
            found.extend(
                zones.iter().map(|zone| (zone_name(zone), line.trim_end_matches('{').trim().to_owned())),
            );
        }
        depth = (depth + line.matches('{').count()).saturating_sub(line.matches('}').count());
    }
    found
}

/// `.:53` is the root, `dns://cluster.local.:53` is `cluster.local`.
fn zone_name(text: &str) -> String {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.split(':').next().unwrap_or_default();
    text.trim_end_matches('.').to_ascii_lowercase()
}

fn holds(zone: &str, domain: &str) -> bool {
    let domain = domain.trim_end_matches('.');
    zone.is_empty() || domain == zone || domain.ends_with(&format!(".{zone}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zones(text: &str) -> Vec<String> {
        served(text).into_iter().map(|(zone, _)| zone).collect()
    }

    #[test]
    fn reads_the_zones_of_the_plugin() {
        assert_eq!(
            zones(".:53 {\n  errors\n  kubernetes corp.lan in-addr.arpa {\n    pods insecure\n  }\n}\n"),
            ["corp.lan", "in-addr.arpa"]
        );
        assert_eq!(
            zones("dns://cluster.local.:53 {\n  kubernetes\n}\n.:53 {\n  forward . 1.1.1.1\n}\n"),
            ["cluster.local"]
        );
        assert_eq!(zones(".:53 { kubernetes cluster.local }"), ["cluster.local"]);
        assert!(zones("# kubernetes cluster.local\n.:53 {\n  forward . 1.1.1.1\n}\n").is_empty());
    }

    #[test]
    fn a_zone_holds_what_is_beneath_it() {
        assert!(holds("", "cluster.local") && holds("local", "cluster.local."));
        assert!(!holds("corp.lan", "cluster.local") && !holds("ster.local", "cluster.local"));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(kubernetes|\\{|\\}|\n|\\.:53| |a\\.b|#|://){0,40}") {
            let _ = served(&text);
        }
    }
}

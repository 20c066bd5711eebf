//! Words for custom resources.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::cluster::{Kind, custom};

/// The custom resource that a folded word means, but for kinds whose names are words of their own.
pub(super) fn kind_of(word: &str) -> Option<Kind> {
    const WORDS: &[&str] =
        &["Application", "Bucket", "Challenge", "Gateway", "Kafka", "Order", "Subscription"];
    static CUSTOM: LazyLock<HashMap<String, Kind>> = LazyLock::new(|| {
        let known = custom::RESOURCES.iter().filter(|resource| !WORDS.contains(&resource.kind));
        let words = known.flat_map(|one| [(one.kind.to_lowercase(), one), (one.plural.to_owned(), one)]);
        words
            .map(|(word, resource)| (word, resource.as_kind()))
            .chain([("csv".to_owned(), Kind::from("ClusterServiceVersion"))])
            .collect()
    });
    CUSTOM.get(word).cloned()
}

/// Custom resources that people write as two words.
const CUSTOM_PAIRS: &[(&str, &str, &str)] = &[
    ("argo", "app", "Application"),
    ("argo", "application", "Application"),
    ("argocd", "app", "Application"),
    ("argocd", "application", "Application"),
    ("catalog", "source", "CatalogSource"),
    ("cluster", "issuer", "ClusterIssuer"),
    ("destination", "rule", "DestinationRule"),
    ("external", "secret", "ExternalSecret"),
    ("gateway", "class", "GatewayClass"),
    ("git", "repository", "GitRepository"),
    ("helm", "release", "HelmRelease"),
    ("helm", "repository", "HelmRepository"),
    ("http", "route", "HTTPRoute"),
    ("install", "plan", "InstallPlan"),
    ("kafka", "topic", "KafkaTopic"),
    ("network", "chaos", "NetworkChaos"),
    ("scaled", "job", "ScaledJob"),
    ("scaled", "object", "ScaledObject"),
    ("secret", "store", "SecretStore"),
    ("virtual", "service", "VirtualService"),
];

/// The custom resource that two folded words mean together.
pub(super) fn kind_of_pair(first: &str, second: &str) -> Option<Kind> {
    let pair = CUSTOM_PAIRS.iter().find(|(a, b, _)| *a == first && *b == second);
    pair.map(|(_, _, kind)| Kind::from(*kind))
}

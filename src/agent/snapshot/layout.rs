//! What the paths of a snapshot mean: the layout of a troubleshoot.sh support bundle, with the
//! names that its versions and other tools give to the same kinds.

use std::collections::BTreeMap;

use crate::cluster::Kind;
use crate::cluster::custom::Resource;
use crate::cluster::logs::LogKey;

use super::archive::Files;

/// What one file of a snapshot holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A list of one kind; no namespace: of the whole cluster.
    List(Kind, Option<String>),
    /// Why lists of a kind could not be read.
    ListErrors(Kind, Option<String>),
    /// A container log.
    Log(LogKey),
    /// Why a container log could not be read.
    LogError(LogKey),
    /// `version.yaml`.
    Version,
    /// The API server's version.
    ServerVersion,
    /// Alerts.
    Alerts,
    /// Range metrics.
    Range,
}

/// Directories and files of `cluster-resources` whose name is not the kind's plural.
const NAMES: &[(&str, Kind)] = &[
    ("crds", Kind::CustomResourceDefinition),
    ("custom-resource-definitions", Kind::CustomResourceDefinition),
    ("hpa", Kind::HorizontalPodAutoscaler),
    ("hpas", Kind::HorizontalPodAutoscaler),
    ("netpols", Kind::NetworkPolicy),
    ("pdb", Kind::PodDisruptionBudget),
    ("pdbs", Kind::PodDisruptionBudget),
    ("pv", Kind::PersistentVolume),
    ("pvs", Kind::PersistentVolume),
    ("pvc", Kind::PersistentVolumeClaim),
    ("pvcs", Kind::PersistentVolumeClaim),
    ("quotas", Kind::ResourceQuota),
];

/// The kind that a name stands for: its plural, its singular, hyphenated or not.
pub(super) fn kind_named(name: &str) -> Option<Kind> {
    let name = name.to_ascii_lowercase();
    if let Some((_, kind)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Some(kind.clone());
    }
    let plain: String = name.chars().filter(|letter| !matches!(letter, '-' | '_')).collect();
    Kind::ALL
        .iter()
        .filter(|kind| !matches!(kind, Kind::PodMetrics | Kind::NodeMetrics))
        .find(|kind| kind.plural() == plain || kind.as_str().eq_ignore_ascii_case(&plain))
        .cloned()
}

/// The directory or file name that a snapshot written here uses for a kind.
fn name_of(kind: &Kind) -> &str {
    match kind {
        Kind::CustomResourceDefinition => "custom-resource-definitions",
        Kind::HorizontalPodAutoscaler => "hpas",
        Kind::Ingress => "ingress",
        Kind::IngressClass => "ingress-classes",
        Kind::MutatingWebhookConfiguration => "mutating-webhook-configurations",
        Kind::NetworkPolicy => "network-policy",
        Kind::PersistentVolume => "pvs",
        Kind::PersistentVolumeClaim => "pvcs",
        Kind::PodDisruptionBudget => "pod-disruption-budgets",
        Kind::ResourceQuota => "resource-quota",
        Kind::StorageClass => "storage-classes",
        Kind::ValidatingWebhookConfiguration => "validating-webhook-configurations",
        kind => kind.plural(),
    }
}

/// The path below `cluster-resources` of a kind's lists, without the end: `pods`,
/// `custom-resources/certificates.cert-manager.io`.
pub(crate) fn place_of(kind: &Kind) -> String {
    match kind.custom() {
        Some(resource) => format!("custom-resources/{}.{}", resource.plural, resource.group()),
        None => name_of(kind).to_owned(),
    }
}

/// The prefixes under which the files hold a snapshot, with their trailing slash.
pub(super) fn roots(files: &Files) -> Vec<String> {
    let mut roots: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for path in files.keys() {
        let mut prefix = String::new();
        for (depth, part) in path.split('/').enumerate() {
            if part == "cluster-resources" {
                let found = roots.entry(depth).or_default();
                if !found.contains(&prefix) {
                    found.push(prefix);
                }
                break;
            }
            prefix.push_str(part);
            prefix.push('/');
        }
    }
    // A directory of that name further down belongs to the snapshot above it.
    roots.into_values().next().unwrap_or_default()
}

/// What a path below the root means; none for files that nothing here reads.
pub(super) fn role(path: &str) -> Option<Role> {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["version.yaml"] => Some(Role::Version),
        ["cluster-info", "cluster_version.json"] => Some(Role::ServerVersion),
        ["alerts", "alerts.json"] => Some(Role::Alerts),
        ["metrics", "range.json"] => Some(Role::Range),
        ["metrics", "nodes.json"] => Some(Role::List(Kind::NodeMetrics, None)),
        ["metrics", "pods", file] => {
            Some(Role::List(Kind::PodMetrics, Some(file.strip_suffix(".json")?.to_owned())))
        }
        ["cluster-resources", "pods", "logs", namespace, pod, file] => log_role(namespace, pod, file),
        ["cluster-resources", "custom-resources", file] => custom_role(stem(file)?, None),
        ["cluster-resources", "custom-resources", directory, file] => {
            custom_role(directory, Some(stem(file)?))
        }
        ["cluster-resources", file] => {
            let stem = stem(file)?;
            if let Some(name) = stem.strip_suffix("-errors") {
                return Some(Role::ListErrors(kind_named(name)?, None));
            }
            Some(Role::List(kind_named(stem)?, None))
        }
        ["cluster-resources", directory, file] => {
            let kind = kind_named(directory)?;
            let stem = stem(file)?;
            let namespace = |name: &str| kind.namespaced().then(|| name.to_owned());
            if let Some(name) = stem.strip_suffix("-errors") {
                return Some(Role::ListErrors(kind.clone(), namespace(name)));
            }
            Some(Role::List(kind.clone(), namespace(stem)))
        }
        _ => None,
    }
}

/// Lists of custom resources are named after their definitions, `certificates.cert-manager.io`.
fn custom_role(definition: &str, namespace: Option<&str>) -> Option<Role> {
    let resource = |name: &str| Resource::of_definition(name).map(Resource::as_kind);
    let owned = |name: &str| Some(name.to_owned());
    if let Some(name) = definition.strip_suffix("-errors") {
        return Some(Role::ListErrors(resource(name)?, None));
    }
    let kind = resource(definition)?;
    Some(match namespace.filter(|_| kind.namespaced()) {
        None => Role::List(kind, None),
        Some(name) => match name.strip_suffix("-errors") {
            Some(name) => Role::ListErrors(kind, owned(name)),
            None => Role::List(kind, owned(name)),
        },
    })
}

fn stem(file: &str) -> Option<&str> {
    [".json", ".yaml", ".yml"].iter().find_map(|end| file.strip_suffix(end))
}

fn log_role(namespace: &str, pod: &str, file: &str) -> Option<Role> {
    let stem = file.strip_suffix(".log").or_else(|| file.strip_suffix(".txt"))?;
    let (stem, error) = match stem.strip_suffix("-logs-errors") {
        Some(stem) => (stem, true),
        None => (stem, false),
    };
    let (container, previous) = match stem.strip_suffix("-previous") {
        Some(container) => (container, true),
        None => (stem, false),
    };
    let key = LogKey {
        namespace: namespace.to_owned(),
        pod: pod.to_owned(),
        container: container.to_owned(),
        previous,
    };
    Some(if error { Role::LogError(key) } else { Role::Log(key) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_under_the_name_it_is_written_with() {
        for kind in Kind::ALL.iter().filter(|kind| !matches!(kind, Kind::PodMetrics | Kind::NodeMetrics)) {
            assert_eq!(kind_named(name_of(kind)).as_ref(), Some(kind), "{kind}");
            assert_eq!(kind_named(kind.plural()).as_ref(), Some(kind), "{kind}");
        }
    }

    #[test]
    fn singular_and_hyphenated_names_are_known() {
        assert_eq!(kind_named("network-policies"), Some(Kind::NetworkPolicy));
        assert_eq!(kind_named("limit-range"), Some(Kind::LimitRange));
        assert_eq!(kind_named("Deployment"), Some(Kind::Deployment));
        assert_eq!(kind_named("auth-cani-list"), None);
    }

    #[test]
    fn previous_and_error_logs_are_told_apart() {
        let path = "cluster-resources/pods/logs/shop/web-1/app-previous-logs-errors.log";
        let Some(Role::LogError(key)) = role(path) else { panic!("not a log error") };
        assert!(key.previous);
        assert_eq!(key.container, "app");
        assert!(matches!(role("cluster-resources/pods/logs/shop/web-1/app.log"), Some(Role::Log(_))));
    }

    #[test]
    fn custom_resources_are_found_by_their_definition() {
        let list = |kind: &str, namespace: Option<&str>| {
            Some(Role::List(Kind::from(kind), namespace.map(str::to_owned)))
        };
        let role = |path: &str| role(&format!("cluster-resources/custom-resources/{path}"));
        assert_eq!(role("certificates.cert-manager.io/shop.json"), list("Certificate", Some("shop")));
        assert_eq!(role("gatewayclasses.gateway.networking.k8s.io.yaml"), list("GatewayClass", None));
        assert_eq!(role("widgets.example.com/shop.json"), None);
        assert_eq!(
            role("orders.acme.cert-manager.io-errors.json"),
            Some(Role::ListErrors(Kind::from("Order"), None))
        );
        let kind = Kind::from("Order");
        assert_eq!(self::role(&format!("cluster-resources/{}.json", place_of(&kind))), list("Order", None));
    }

    #[test]
    fn errors_beside_lists_keep_their_scope() {
        assert_eq!(role("cluster-resources/secrets-errors.json"), Some(Role::ListErrors(Kind::Secret, None)));
        assert_eq!(
            role("cluster-resources/secrets/shop-errors.json"),
            Some(Role::ListErrors(Kind::Secret, Some("shop".into())))
        );
    }
}

//! The custom resources that are known: where the API serves them, and how each states its health.
//!
//! One table instead of a type a kind. A controller states health in one of two ways: conditions,
//! which are good when `True` or good when `False`, or one word in a field. What the table does
//! not hold is not read.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::object::Kind;

/// A kind of custom resource.
#[derive(Debug)]
pub struct Resource {
    /// The kind, as in `kind:`.
    pub kind: &'static str,
    /// The resource name in API paths.
    pub plural: &'static str,
    /// `group/version` of the versions known, the preferred first.
    pub versions: &'static [&'static str],
    /// Whether objects live in a namespace.
    pub namespaced: bool,
    /// The product it belongs to.
    pub family: &'static str,
    /// The workload that usually reconciles it; empty where that varies.
    pub controller: &'static str,
    /// Conditions that a healthy object does not have as `False`.
    pub good: &'static [&'static str],
    /// Conditions that a healthy object does not have as `True`.
    pub bad: &'static [&'static str],
    /// Words of the status that state health.
    pub words: &'static [Word],
}

/// A field whose value states health.
#[derive(Debug)]
pub struct Word {
    /// JSON pointer of the field.
    pub at: &'static str,
    /// Values that state a fault.
    pub bad: &'static [&'static str],
    /// Values that are a fault only where they last and say why.
    pub slow: &'static [&'static str],
    /// JSON pointers of reason, message and time; empty where there is none.
    pub said: [&'static str; 3],
}

const READY: &[&str] = &["Ready"];
const NONE: &[&str] = &[];

macro_rules! resources {
    ($($family:literal $group:literal $versions:tt {
        $($kind:literal $plural:literal $scope:ident $controller:literal: $good:expr, $bad:expr, $words:expr;)*
    })*) => {
        /// Every known custom resource.
        pub const RESOURCES: &[Resource] =
            &[$($(resources!(@one $family $group $versions $kind $plural $scope $controller: $good, $bad, $words),)*)*];
    };
    (@one $family:literal $group:literal $versions:tt $kind:literal $plural:literal $scope:ident $controller:literal: $good:expr, $bad:expr, $words:expr) => {
        Resource {
            kind: $kind,
            plural: $plural,
            versions: resources!(@versions $group $versions),
            namespaced: resources!(@scope $scope),
            family: $family,
            controller: $controller,
            good: $good,
            bad: $bad,
            words: $words,
        }
    };
    (@versions $group:literal [$($version:literal)*]) => { &[$(concat!($group, "/", $version)),*] };
    (@scope namespaced) => { true };
    (@scope cluster) => { false };
}

/// States of cert-manager's orders and challenges.
const ACME: &[Word] = &[Word {
    at: "/status/state",
    bad: &["invalid", "errored", "expired"],
    slow: &["pending", "processing"],
    said: ["", "/status/reason", "/status/failureTime"],
}];
const CSV: &[Word] = &[Word {
    at: "/status/phase",
    bad: &["Failed"],
    slow: &["Pending", "InstallReady", "Installing"],
    said: ["/status/reason", "/status/message", "/status/lastTransitionTime"],
}];
const INSTALL_PLAN: &[Word] = &[Word {
    at: "/status/phase",
    bad: &["Failed"],
    slow: NONE,
    said: [
        "/status/conditions/0/reason",
        "/status/conditions/0/message",
        "/status/conditions/0/lastTransitionTime",
    ],
}];
const CATALOG: &[Word] = &[Word {
    at: "/status/connectionState/lastObservedState",
    bad: &["TRANSIENT_FAILURE"],
    slow: NONE,
    said: ["/status/reason", "/status/message", "/status/connectionState/lastConnect"],
}];
const APPLICATION: &[Word] = &[
    Word {
        at: "/status/operationState/phase",
        bad: &["Failed", "Error"],
        slow: NONE,
        said: ["", "/status/operationState/message", "/status/operationState/finishedAt"],
    },
    Word {
        at: "/status/health/status",
        bad: &["Degraded"],
        slow: NONE,
        said: ["", "/status/health/message", "/status/health/lastTransitionTime"],
    },
];

resources! {
    "cert-manager" "cert-manager.io" ["v1"] {
        "Certificate" "certificates" namespaced "cert-manager": READY, NONE, &[];
        "CertificateRequest" "certificaterequests" namespaced "cert-manager": READY, &["Denied", "InvalidRequest"], &[];
        "Issuer" "issuers" namespaced "cert-manager": READY, NONE, &[];
        "ClusterIssuer" "clusterissuers" cluster "cert-manager": READY, NONE, &[];
    }
    "cert-manager" "acme.cert-manager.io" ["v1"] {
        "Order" "orders" namespaced "cert-manager": NONE, NONE, ACME;
        "Challenge" "challenges" namespaced "cert-manager": NONE, NONE, ACME;
    }
    "gateway-api" "gateway.networking.k8s.io" ["v1" "v1beta1"] {
        "GatewayClass" "gatewayclasses" cluster "": &["Accepted"], NONE, &[];
        "Gateway" "gateways" namespaced "": &["Accepted", "Programmed", "ResolvedRefs"], &["Conflicted"], &[];
        "HTTPRoute" "httproutes" namespaced "": &["Accepted", "ResolvedRefs"], &["PartiallyInvalid"], &[];
        "GRPCRoute" "grpcroutes" namespaced "": &["Accepted", "ResolvedRefs"], &["PartiallyInvalid"], &[];
    }
    "keda" "keda.sh" ["v1alpha1"] {
        "ScaledObject" "scaledobjects" namespaced "keda-operator": READY, &["Fallback"], &[];
        "ScaledJob" "scaledjobs" namespaced "keda-operator": READY, NONE, &[];
    }
    "olm" "operators.coreos.com" ["v1alpha1"] {
        "CatalogSource" "catalogsources" namespaced "catalog-operator": NONE, NONE, CATALOG;
        "ClusterServiceVersion" "clusterserviceversions" namespaced "olm-operator": NONE, NONE, CSV;
        "InstallPlan" "installplans" namespaced "catalog-operator": NONE, NONE, INSTALL_PLAN;
        "Subscription" "subscriptions" namespaced "catalog-operator": NONE,
            &["CatalogSourcesUnhealthy", "ResolutionFailed", "InstallPlanFailed", "InstallPlanMissing", "BundleUnpackFailed"], &[];
    }
    "olm" "olm.operatorframework.io" ["v1"] {
        "ClusterCatalog" "clustercatalogs" cluster "": &["Serving"], NONE, &[];
        "ClusterExtension" "clusterextensions" cluster "": &["Installed"], NONE, &[];
    }
    "argo-cd" "argoproj.io" ["v1alpha1"] {
        "Application" "applications" namespaced "argocd-application-controller": NONE,
            &["ComparisonError", "InvalidSpecError", "SyncError", "UnknownError"], APPLICATION;
        "ApplicationSet" "applicationsets" namespaced "argocd-applicationset-controller": NONE, &["ErrorOccurred"], &[];
    }
    "flux" "kustomize.toolkit.fluxcd.io" ["v1" "v1beta2"] {
        "Kustomization" "kustomizations" namespaced "kustomize-controller": READY, NONE, &[];
    }
    "flux" "helm.toolkit.fluxcd.io" ["v2" "v2beta2" "v2beta1"] {
        "HelmRelease" "helmreleases" namespaced "helm-controller": READY, NONE, &[];
    }
    "flux" "source.toolkit.fluxcd.io" ["v1" "v1beta2"] {
        "GitRepository" "gitrepositories" namespaced "source-controller": READY, NONE, &[];
        "OCIRepository" "ocirepositories" namespaced "source-controller": READY, NONE, &[];
        "HelmRepository" "helmrepositories" namespaced "source-controller": READY, NONE, &[];
        "HelmChart" "helmcharts" namespaced "source-controller": READY, NONE, &[];
        "Bucket" "buckets" namespaced "source-controller": READY, NONE, &[];
    }
    "external-secrets" "external-secrets.io" ["v1" "v1beta1"] {
        "ExternalSecret" "externalsecrets" namespaced "external-secrets": READY, NONE, &[];
        "SecretStore" "secretstores" namespaced "external-secrets": READY, NONE, &[];
        "ClusterSecretStore" "clustersecretstores" cluster "external-secrets": READY, NONE, &[];
    }
    "sealed-secrets" "bitnami.com" ["v1alpha1"] {
        "SealedSecret" "sealedsecrets" namespaced "sealed-secrets-controller": &["Synced"], NONE, &[];
    }
    "strimzi" "kafka.strimzi.io" ["v1" "v1beta2"] {
        "Kafka" "kafkas" namespaced "strimzi-cluster-operator": READY, NONE, &[];
        "KafkaTopic" "kafkatopics" namespaced "": READY, NONE, &[];
        "KafkaUser" "kafkausers" namespaced "": READY, NONE, &[];
    }
    "istio" "networking.istio.io" ["v1" "v1beta1" "v1alpha3"] {
        "DestinationRule" "destinationrules" namespaced "": NONE, NONE, &[];
        "VirtualService" "virtualservices" namespaced "": NONE, NONE, &[];
    }
    "istio" "security.istio.io" ["v1" "v1beta1"] {
        "PeerAuthentication" "peerauthentications" namespaced "": NONE, NONE, &[];
    }
    "chaos-mesh" "chaos-mesh.org" ["v1alpha1"] {
        "DNSChaos" "dnschaos" namespaced "": NONE, NONE, &[];
        "HTTPChaos" "httpchaos" namespaced "": NONE, NONE, &[];
        "IOChaos" "iochaos" namespaced "": NONE, NONE, &[];
        "JVMChaos" "jvmchaos" namespaced "": NONE, NONE, &[];
        "KernelChaos" "kernelchaos" namespaced "": NONE, NONE, &[];
        "NetworkChaos" "networkchaos" namespaced "": NONE, NONE, &[];
        "PodChaos" "podchaos" namespaced "": NONE, NONE, &[];
        "StressChaos" "stresschaos" namespaced "": NONE, NONE, &[];
        "TimeChaos" "timechaos" namespaced "": NONE, NONE, &[];
    }
}

static BY_KIND: LazyLock<HashMap<&'static str, &'static Resource>> =
    LazyLock::new(|| RESOURCES.iter().map(|resource| (resource.kind, resource)).collect());

/// The known custom resource of a kind's name.
pub fn named(kind: &str) -> Option<&'static Resource> {
    BY_KIND.get(kind).copied()
}

/// Every known kind.
pub fn kinds() -> impl Iterator<Item = Kind> {
    RESOURCES.iter().map(Resource::as_kind)
}

impl Resource {
    /// The API group.
    pub fn group(&self) -> &'static str {
        self.preferred().split_once('/').map_or("", |(group, _)| group)
    }

    /// The preferred `group/version`.
    pub fn preferred(&self) -> &'static str {
        self.versions.first().copied().unwrap_or_default()
    }

    /// As a [`Kind`].
    pub fn as_kind(&self) -> Kind {
        Kind::from(self.kind)
    }

    /// Finds it by the name of its CustomResourceDefinition: `certificates.cert-manager.io`.
    pub fn of_definition(name: &str) -> Option<&'static Self> {
        let (plural, group) = name.split_once('.')?;
        RESOURCES.iter().find(|resource| resource.plural == plural && resource.group() == group)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn kinds_are_unique_and_none_is_one_of_kubernetes_own() {
        let kinds: BTreeSet<&str> = RESOURCES.iter().map(|resource| resource.kind).collect();
        assert_eq!(kinds.len(), RESOURCES.len());
        assert!(kinds.iter().all(|kind| Kind::ALL.iter().all(|own| own.as_str() != *kind)));
    }

    #[test]
    fn a_kind_knows_where_it_is_served() {
        let kind = Kind::from("Certificate");
        assert_eq!((kind.plural(), kind.api_version()), ("certificates", "cert-manager.io/v1"));
        assert!(kind.namespaced() && !Kind::from("GatewayClass").namespaced());
        assert_eq!(Resource::of_definition("orders.acme.cert-manager.io").map(|one| one.kind), Some("Order"));
        assert!(Resource::of_definition("orders.example.com").is_none());
        assert_eq!(Kind::from("Widget").plural(), "Widget");
    }
}

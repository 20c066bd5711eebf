//! Names of Kubernetes objects.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::custom::{self, Resource};
use super::text::shared;

macro_rules! kinds {
    ($($variant:ident => $name:literal, $plural:literal, $group_version:literal, $namespaced:literal;)*) => {
        /// A Kubernetes kind, spelled as Kubernetes spells it.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $(#[doc = concat!("`", $name, "` of `", $group_version, "`")] $variant,)*
            /// A kind without a type of its own here, such as a custom resource's.
            Other(Arc<str>),
        }

        impl Kind {
            /// Every kind that has a type of its own.
            pub const ALL: &'static [Kind] = &[$(Kind::$variant,)*];

            /// The kind's name as in `kind:`.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Kind::$variant => $name,)*
                    Kind::Other(name) => name,
                }
            }

            /// The resource name in API paths, lower case and plural.
            pub fn plural(&self) -> &str {
                match self {
                    $(Kind::$variant => $plural,)*
                    Kind::Other(name) => custom::named(name).map_or(name, |resource| resource.plural),
                }
            }

            /// The preferred `apiVersion`, such as `apps/v1`; empty for an unknown kind.
            pub fn api_version(&self) -> &'static str {
                match self {
                    $(Kind::$variant => $group_version,)*
                    Kind::Other(name) => custom::named(name).map_or("", Resource::preferred),
                }
            }

            /// Whether objects of this kind live in a namespace.
            pub fn namespaced(&self) -> bool {
                match self {
                    $(Kind::$variant => $namespaced,)*
                    Kind::Other(name) => custom::named(name).is_none_or(|resource| resource.namespaced),
                }
            }
        }

        impl From<&str> for Kind {
            fn from(name: &str) -> Self {
                match name {
                    $($name => Kind::$variant,)*
                    other => Kind::Other(other.into()),
                }
            }
        }
    };
}

kinds! {
    ApiService => "APIService", "apiservices", "apiregistration.k8s.io/v1", false;
    ClusterRole => "ClusterRole", "clusterroles", "rbac.authorization.k8s.io/v1", false;
    ClusterRoleBinding => "ClusterRoleBinding", "clusterrolebindings", "rbac.authorization.k8s.io/v1", false;
    ConfigMap => "ConfigMap", "configmaps", "v1", true;
    ControllerRevision => "ControllerRevision", "controllerrevisions", "apps/v1", true;
    CronJob => "CronJob", "cronjobs", "batch/v1", true;
    CustomResourceDefinition => "CustomResourceDefinition", "customresourcedefinitions", "apiextensions.k8s.io/v1", false;
    DaemonSet => "DaemonSet", "daemonsets", "apps/v1", true;
    Deployment => "Deployment", "deployments", "apps/v1", true;
    Endpoints => "Endpoints", "endpoints", "v1", true;
    EndpointSlice => "EndpointSlice", "endpointslices", "discovery.k8s.io/v1", true;
    Event => "Event", "events", "v1", true;
    HorizontalPodAutoscaler => "HorizontalPodAutoscaler", "horizontalpodautoscalers", "autoscaling/v2", true;
    Ingress => "Ingress", "ingresses", "networking.k8s.io/v1", true;
    IngressClass => "IngressClass", "ingressclasses", "networking.k8s.io/v1", false;
    Job => "Job", "jobs", "batch/v1", true;
    Lease => "Lease", "leases", "coordination.k8s.io/v1", true;
    LimitRange => "LimitRange", "limitranges", "v1", true;
    MutatingWebhookConfiguration => "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", "admissionregistration.k8s.io/v1", false;
    Namespace => "Namespace", "namespaces", "v1", false;
    NetworkPolicy => "NetworkPolicy", "networkpolicies", "networking.k8s.io/v1", true;
    Node => "Node", "nodes", "v1", false;
    NodeMetrics => "NodeMetrics", "nodes", "metrics.k8s.io/v1beta1", false;
    PersistentVolume => "PersistentVolume", "persistentvolumes", "v1", false;
    PersistentVolumeClaim => "PersistentVolumeClaim", "persistentvolumeclaims", "v1", true;
    Pod => "Pod", "pods", "v1", true;
    PodDisruptionBudget => "PodDisruptionBudget", "poddisruptionbudgets", "policy/v1", true;
    PodMetrics => "PodMetrics", "pods", "metrics.k8s.io/v1beta1", true;
    PriorityClass => "PriorityClass", "priorityclasses", "scheduling.k8s.io/v1", false;
    ReplicaSet => "ReplicaSet", "replicasets", "apps/v1", true;
    ResourceQuota => "ResourceQuota", "resourcequotas", "v1", true;
    Role => "Role", "roles", "rbac.authorization.k8s.io/v1", true;
    RoleBinding => "RoleBinding", "rolebindings", "rbac.authorization.k8s.io/v1", true;
    RuntimeClass => "RuntimeClass", "runtimeclasses", "node.k8s.io/v1", false;
    Secret => "Secret", "secrets", "v1", true;
    Service => "Service", "services", "v1", true;
    ServiceAccount => "ServiceAccount", "serviceaccounts", "v1", true;
    StatefulSet => "StatefulSet", "statefulsets", "apps/v1", true;
    StorageClass => "StorageClass", "storageclasses", "storage.k8s.io/v1", false;
    ValidatingWebhookConfiguration => "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", "admissionregistration.k8s.io/v1", false;
    VolumeAttachment => "VolumeAttachment", "volumeattachments", "storage.k8s.io/v1", false;
}

impl Kind {
    /// The kinds that own pods through a template, and so are what a person edits.
    pub const WORKLOADS: [Kind; 6] =
        [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::ReplicaSet, Kind::Job, Kind::CronJob];

    /// The known custom resource that this is; none for kinds of Kubernetes' own and unknown ones.
    pub fn custom(&self) -> Option<&'static Resource> {
        match self {
            Self::Other(name) => custom::named(name),
            _ => None,
        }
    }

    /// What kubectl takes for it: `deployment`, `certificate.cert-manager.io`.
    pub fn arg(&self) -> String {
        let name = self.as_str().to_lowercase();
        match self.custom() {
            Some(resource) => format!("{name}.{}", resource.group()),
            None => name,
        }
    }

    /// Whether this kind carries a pod template.
    pub fn is_workload(&self) -> bool {
        Self::WORKLOADS.contains(self)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Kind::from(String::deserialize(deserializer)?.as_str()))
    }
}

impl schemars::JsonSchema for Kind {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Kind".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "description": "A Kubernetes kind" })
    }
}

/// What names one object: kind, namespace (none for cluster-scoped kinds) and name.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct ObjectRef {
    /// The kind, as Kubernetes spells it.
    pub kind: Kind,
    /// The namespace; null for cluster-scoped objects.
    #[schemars(with = "Option<String>")]
    pub namespace: Option<Arc<str>>,
    /// The object's name.
    #[schemars(with = "String")]
    pub name: Arc<str>,
}

impl ObjectRef {
    /// Names a namespaced object; an empty namespace means none.
    pub fn new(kind: Kind, namespace: &str, name: &str) -> Self {
        let namespace = (!namespace.is_empty()).then(|| shared(namespace));
        Self { kind, namespace, name: shared(name) }
    }

    /// Names a cluster-scoped object.
    pub fn cluster(kind: Kind, name: &str) -> Self {
        Self { kind, namespace: None, name: shared(name) }
    }

    /// The namespace, or the empty string.
    pub fn ns(&self) -> &str {
        self.namespace.as_deref().unwrap_or_default()
    }
}

impl fmt::Display for ObjectRef {
    /// `Deployment shop/checkout`, or `Node node-1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

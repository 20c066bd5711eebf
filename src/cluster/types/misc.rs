//! Namespaces, configuration, revisions, events and usage.

use super::{Condition, Map, Meta, PodTemplate, Text, Time, object, slim};
use crate::cluster::quantity::ResourceList;

slim! {
    /// A Namespace.
    Namespace { metadata: Meta, status: NamespaceStatus, }
    /// `status` of a Namespace.
    NamespaceStatus { phase: Text, conditions: Box<[Condition]>, }

    /// A ConfigMap. Values are there only where they were asked for; keys may be known without.
    ConfigMap { metadata: Meta, data: Map<Text>, immutable: bool, }

    /// A Secret's names: no value ever reaches this type.
    Secret { metadata: Meta, #[serde(rename = "type")] r#type: Text, #[serde(rename = "data")] keys: KeyNames, }

    /// A ServiceAccount.
    ServiceAccount { metadata: Meta, image_pull_secrets: Box<[super::Named]>, automount_service_account_token: Option<bool>, secrets: Box<[super::Named]>, }

    /// A ControllerRevision: the template of one revision of a StatefulSet or DaemonSet.
    ControllerRevision { metadata: Meta, revision: i64, data: RevisionData, }
    /// What a revision holds.
    RevisionData { spec: RevisionSpec, }
    /// The part of the workload that the revision records.
    RevisionSpec { template: PodTemplate, }

    /// Usage of a pod's containers.
    PodMetrics { metadata: Meta, timestamp: Time, window: Text, containers: Box<[ContainerMetrics]>, }
    /// Usage of one container.
    ContainerMetrics { name: Text, usage: ResourceList, }
    /// Usage of a node.
    NodeMetrics { metadata: Meta, timestamp: Time, usage: ResourceList, }
}

object!(
    Namespace = Namespace,
    ConfigMap = ConfigMap,
    Secret = Secret,
    ServiceAccount = ServiceAccount,
    ControllerRevision = ControllerRevision,
    PodMetrics = PodMetrics,
    NodeMetrics = NodeMetrics,
);

/// The key names of a Secret's `data`; every value is discarded unseen.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct KeyNames(pub Box<[Text]>);

impl<'de> serde::Deserialize<'de> for KeyNames {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> serde::de::Visitor<'de> for KeyVisitor {
            type Value = KeyNames;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map of keys")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<KeyNames, A::Error> {
                let mut keys = Vec::new();
                while let Some(key) = map.next_key::<Text>()? {
                    map.next_value::<serde::de::IgnoredAny>()?;
                    keys.push(key);
                }
                Ok(KeyNames(keys.into()))
            }
        }
        deserializer.deserialize_map(KeyVisitor)
    }
}

impl Secret {
    /// Whether the Secret has the key; none where its key names are not known.
    ///
    /// A metadata-only read knows them from `managedFields`, if some writer recorded them.
    pub fn has_key(&self, key: &str) -> Option<bool> {
        let owned = || self.metadata.managed_fields.iter().flat_map(|writer| &writer.fields.data);
        if self.keys.0.is_empty() && owned().next().is_none() {
            return None;
        }
        Some(self.keys.0.iter().chain(owned()).any(|known| known == key))
    }
}

impl ConfigMap {
    /// Whether the ConfigMap has the key; none where its key names are not known.
    pub fn has_key(&self, key: &str) -> Option<bool> {
        let owned = || self.metadata.managed_fields.iter().flat_map(|writer| &writer.fields.data);
        if self.data.is_empty() && owned().next().is_none() {
            return None;
        }
        Some(self.data.contains_key(key) || owned().any(|known| known == key))
    }
}

//! Metadata, conditions and references that every kind shares.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::{Map, Text, Time, slim};

/// Dropped at the door: it repeats the whole applied object, a Secret's data included.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Annotations longer than this are machine state that nothing here reads.
const MAX_ANNOTATION: usize = 4096;

slim! {
    /// `metadata` of an object.
    Meta {
        name: Text,
        namespace: Text,
        uid: Text,
        labels: Map<Text>,
        #[serde(skip_serializing)]
        annotations: Annotations,
        creation_timestamp: Time,
        deletion_timestamp: Time,
        deletion_grace_period_seconds: Option<i64>,
        finalizers: Box<[Text]>,
        owner_references: Box<[OwnerReference]>,
        generation: Option<i64>,
        #[serde(skip_serializing)]
        managed_fields: Box<[ManagedFields]>,
    }

    /// `metadata` of a pod template.
    TemplateMeta {
        labels: Map<Text>,
        #[serde(skip_serializing)]
        annotations: Annotations,
    }

    /// Who controls an object.
    OwnerReference {
        kind: Text,
        name: Text,
        controller: Option<bool>,
    }

    /// One status condition, of any kind.
    Condition {
        r#type: Text,
        status: Text,
        reason: Text,
        message: Text,
        last_transition_time: Time,
        last_heartbeat_time: Time,
        last_update_time: Time,
    }
}

impl Meta {
    /// The owner that controls the object, else its only owner.
    pub fn controller(&self) -> Option<&OwnerReference> {
        self.owner_references
            .iter()
            .find(|owner| owner.controller == Some(true))
            .or_else(|| self.owner_references.first())
    }

    /// The annotation's value, or the empty string.
    pub fn annotation(&self, key: &str) -> &str {
        self.annotations.0.get(key).map_or("", Text::as_str)
    }

    /// Forgets every write but the newest, and the uid, which only pods are asked for: for kinds of
    /// which there are very many.
    pub(crate) fn keep_last_write(&mut self) {
        self.uid = Text::default();
        self.managed_fields = self.last_write().cloned().into_iter().collect();
    }

    /// The newest write recorded in `managedFields`, other than of the status.
    pub fn last_write(&self) -> Option<&ManagedFields> {
        self.managed_fields.iter().filter(|field| field.subresource.is_empty()).max_by_key(|field| field.time)
    }
}

impl Condition {
    /// Whether the condition's status is `True`.
    pub fn is_true(&self) -> bool {
        self.status == "True"
    }
}

/// Finds a condition by its type.
pub fn condition<'a>(conditions: &'a [Condition], name: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.r#type == name)
}

/// Annotations without those that must not be kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Annotations(pub Map<Text>);

impl<'de> Deserialize<'de> for Annotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnnotationsVisitor;
        impl<'de> serde::de::Visitor<'de> for AnnotationsVisitor {
            type Value = Annotations;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map of annotations")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Annotations, A::Error> {
                let mut kept = Vec::new();
                while let Some(key) = map.next_key::<Text>()? {
                    if key == LAST_APPLIED {
                        map.next_value::<serde::de::IgnoredAny>()?;
                        continue;
                    }
                    let value = map.next_value::<Option<Text>>()?.unwrap_or_default();
                    if value.len() <= MAX_ANNOTATION {
                        kept.push((key, value));
                    }
                }
                Ok(Annotations(kept.into_iter().collect()))
            }
        }
        deserializer.deserialize_map(AnnotationsVisitor)
    }
}

slim! {
    /// One writer of an object. Of the fields it owns, only the keys under `data` are kept.
    ManagedFields {
        manager: Text,
        subresource: Text,
        time: Time,
        #[serde(rename = "fieldsV1")]
        fields: OwnedKeys,
    }
}

/// The key names under `f:data` of a `managedFields` entry, without the `f:` prefix.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct OwnedKeys {
    /// Key names of `data`, `stringData` and `binaryData`.
    pub data: Box<[Text]>,
}

impl<'de> Deserialize<'de> for OwnedKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeysVisitor;
        impl<'de> serde::de::Visitor<'de> for KeysVisitor {
            type Value = OwnedKeys;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("fieldsV1")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<OwnedKeys, A::Error> {
                let mut data: Vec<Text> = Vec::new();
                while let Some(section) = map.next_key::<String>()? {
                    if matches!(section.trim_start_matches("f:"), "data" | "stringData" | "binaryData") {
                        let fields: BTreeMap<String, serde::de::IgnoredAny> = map.next_value()?;
                        data.extend(fields.keys().filter_map(|key| key.strip_prefix("f:").map(Text::from)));
                    } else {
                        map.next_value::<serde::de::IgnoredAny>()?;
                    }
                }
                Ok(OwnedKeys { data: data.into() })
            }
        }
        deserializer.deserialize_map(KeysVisitor)
    }
}

//! Known findings: the file of `--ignore`, and moving what it lists out of the way.
//!
//! Pure: it reads no file and no clock. An entry names one cause on one object and says why it is
//! accepted, so that a list cannot silence more than was meant.

use std::fmt;

use jiff::civil::Date;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::cluster::{Kind, ObjectRef};

use super::model::{Confidence, Ignored, Level, Report, Verdict};

/// The entries of an ignore file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IgnoreList {
    entries: Vec<Entry>,
}

/// One known finding.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// The failure mode's id.
    cause: String,
    /// `Kind/namespace/name`, `Kind/name` for a cluster-scoped object, or a map of the three.
    #[serde(deserialize_with = "object")]
    object: ObjectRef,
    /// Why it is accepted.
    reason: String,
    /// The last day on which it is.
    #[serde(default)]
    expires: Option<Date>,
}

/// Why an ignore file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IgnoreError {
    /// The YAML is not a list of entries.
    #[error("not a list of known findings (cause, object, reason, expires)")]
    Syntax(#[from] serde_yaml::Error),
    /// An entry does not say why.
    #[error("entry {0}: reason is empty; say why the finding is accepted")]
    NoReason(usize),
}

impl IgnoreList {
    /// Reads the YAML of an ignore file; an empty file ignores nothing.
    ///
    /// # Errors
    /// Where an entry has an unknown field, lacks one, or gives no reason.
    pub fn parse(yaml: &str) -> Result<Self, IgnoreError> {
        let entries: Option<Vec<Entry>> = serde_yaml::from_str(yaml)?;
        let entries = entries.unwrap_or_default();
        match entries.iter().position(|entry| entry.reason.trim().is_empty()) {
            Some(index) => Err(IgnoreError::NoReason(index + 1)),
            None => Ok(Self { entries }),
        }
    }

    /// Moves what is listed to [`Report::ignored`] and settles the verdict anew; returns a warning
    /// for every entry that has expired.
    pub fn apply(&self, report: &mut Report, today: Date) -> Vec<String> {
        let find = |cause: &str, object: &ObjectRef| {
            self.entries
                .iter()
                .find(|entry| entry.cause == cause && entry.object == *object && !entry.expired(today))
        };
        let ignored = &mut report.ignored;
        let before = report.hypotheses.len();
        report.hypotheses.retain(|found| {
            let entry = find(&found.cause, &found.object);
            ignored.extend(entry.map(|entry| entry.ignored(&found.confidence, &found.summary)));
            entry.is_none()
        });
        report.other_findings.retain(|found| {
            let entry = find(&found.cause, &found.object);
            ignored.extend(entry.map(|entry| entry.ignored(&found.confidence, &found.summary)));
            entry.is_none()
        });
        if report.hypotheses.len() < before {
            settle(report);
        }
        let expired = self.entries.iter().filter(|entry| entry.expired(today));
        expired
            .filter_map(|entry| {
                let day = entry.expires?;
                Some(format!(
                    "{} on {} is no longer ignored: its entry expired on {day}",
                    entry.cause, entry.object
                ))
            })
            .collect()
    }
}

impl Entry {
    fn expired(&self, today: Date) -> bool {
        self.expires.is_some_and(|day| day < today)
    }

    fn ignored(&self, confidence: &Confidence, summary: &str) -> Ignored {
        Ignored {
            cause: self.cause.clone(),
            object: self.object.clone(),
            confidence: confidence.clone(),
            summary: summary.to_owned(),
            reason: self.reason.clone(),
            expires: self.expires.map(|day| day.to_string()),
        }
    }
}

/// With its root cause ignored, a report has no fault left to speak of, unless another one is as sure.
fn settle(report: &mut Report) {
    let sure = report.hypotheses.first().is_some_and(|first| first.confidence.level >= Level::Medium);
    if report.verdict == Verdict::RootCause && !sure {
        report.verdict = Verdict::NoFault;
    }
}

/// Reads `Kind/namespace/name`, `Kind/name`, or `{kind, namespace, name}`.
fn object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectRef, D::Error> {
    struct ObjectVisitor;

    impl<'de> Visitor<'de> for ObjectVisitor {
        type Value = ObjectRef;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("Kind/namespace/name, Kind/name, or a map of kind, namespace and name")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ObjectRef, E> {
            let parts: Vec<&str> = text.split('/').collect();
            if parts.iter().any(|part| part.trim().is_empty()) {
                return Err(E::invalid_value(serde::de::Unexpected::Str(text), &self));
            }
            match parts.as_slice() {
                [kind, name] => Ok(ObjectRef::cluster(Kind::from(*kind), name)),
                [kind, namespace, name] => Ok(ObjectRef::new(Kind::from(*kind), namespace, name)),
                _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
            }
        }

        fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<ObjectRef, M::Error> {
            let (mut kind, mut namespace, mut name) = (String::new(), String::new(), String::new());
            while let Some(key) = map.next_key::<String>()? {
                let field = match key.as_str() {
                    "kind" => &mut kind,
                    "namespace" => &mut namespace,
                    "name" => &mut name,
                    other => return Err(M::Error::unknown_field(other, &["kind", "namespace", "name"])),
                };
                *field = map.next_value::<Option<String>>()?.unwrap_or_default();
            }
            if kind.is_empty() {
                return Err(M::Error::missing_field("kind"));
            }
            if name.is_empty() {
                return Err(M::Error::missing_field("name"));
            }
            Ok(ObjectRef::new(Kind::from(kind.as_str()), &namespace, &name))
        }
    }

    deserializer.deserialize_any(ObjectVisitor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "
- cause: oom-killed
  object: Deployment/shop/checkout
  reason: being resized
  expires: 2026-06-30
- cause: node-cordoned
  object: {kind: Node, name: node-1}
  reason: maintenance
";

    #[test]
    fn entries_are_read() {
        let list = IgnoreList::parse(FILE).unwrap();
        let objects: Vec<String> = list.entries.iter().map(|entry| entry.object.to_string()).collect();
        assert_eq!(objects, ["Deployment shop/checkout", "Node node-1"]);
        assert_eq!(IgnoreList::parse("").unwrap(), IgnoreList::default());
    }

    #[test]
    fn mistakes_are_errors() {
        for file in [
            "cause: x",
            "- {cause: x, object: Node/a}",
            "- {cause: x, object: Node/a, reason: ' '}",
            "- {cause: x, object: Node/a, reason: r, until: 2026-01-01}",
            "- {cause: x, object: Node/a, reason: r, expires: tomorrow}",
            "- {cause: x, object: a/b/c/d, reason: r}",
            "- {cause: x, object: Node//a, reason: r}",
            "- {cause: x, object: {kind: Node, names: a}, reason: r}",
            "- {cause: x, object: {kind: Node}, reason: r}",
        ] {
            assert!(IgnoreList::parse(file).is_err(), "{file}");
        }
    }
}

//! Label selectors, node selector terms, taints and tolerations, as Kubernetes evaluates them.

use super::types::{LabelSelector, Map, Node, NodeSelectorTerm, Requirement, Taint, Text, Toleration};

/// Labels of an object.
pub type Labels = Map<Text>;

/// Whether every pair of `wanted` is among `labels`.
pub fn matches_all(wanted: &Labels, labels: &Labels) -> bool {
    wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
}

impl LabelSelector {
    /// Whether the selector matches; an empty selector matches everything.
    pub fn matches(&self, labels: &Labels) -> bool {
        matches_all(&self.match_labels, labels)
            && self.match_expressions.iter().all(|requirement| requirement.matches(labels))
    }

    /// Whether the selector has no requirement.
    pub fn is_empty(&self) -> bool {
        self.match_labels.is_empty() && self.match_expressions.is_empty()
    }
}

impl Requirement {
    /// Whether the labels meet the requirement.
    pub fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        let listed = value.is_some_and(|value| self.values.contains(value));
        let number = |text: &Text| text.parse::<i64>().ok();
        match self.operator.as_str() {
            "In" => listed,
            "NotIn" => !listed,
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            "Gt" => {
                value.and_then(number) > self.values.first().and_then(number)
                    && value.and_then(number).is_some()
            }
            "Lt" => {
                matches!((value.and_then(number), self.values.first().and_then(number)), (Some(have), Some(limit)) if have < limit)
            }
            _ => false,
        }
    }
}

impl std::fmt::Display for Requirement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.operator.as_str() {
            "In" if self.values.len() == 1 => write!(f, "{}={}", self.key, self.values.concat()),
            "Exists" | "DoesNotExist" => write!(f, "{} {}", self.key, self.operator),
            operator => write!(f, "{} {operator} [{}]", self.key, self.values.join(", ")),
        }
    }
}

impl NodeSelectorTerm {
    /// Whether the node meets every requirement; an empty term matches nothing.
    pub fn matches(&self, node: &Node) -> bool {
        if self.match_expressions.is_empty() && self.match_fields.is_empty() {
            return false;
        }
        let fields = Labels::default().with("metadata.name", node.metadata.name.clone());
        self.match_expressions.iter().all(|requirement| requirement.matches(&node.metadata.labels))
            && self.match_fields.iter().all(|requirement| requirement.matches(&fields))
    }
}

impl Toleration {
    /// Whether the toleration bears the taint.
    pub fn tolerates(&self, taint: &Taint) -> bool {
        let effect = self.effect.is_empty() || self.effect == taint.effect;
        let key = self.key.is_empty() || self.key == taint.key;
        let value = match self.operator.as_str() {
            "Exists" => true,
            "" | "Equal" => !self.key.is_empty() && self.value == taint.value,
            _ => false,
        };
        effect && key && value
    }
}

/// The taints of a node that keep a pod with these tolerations from being scheduled there.
pub fn untolerated<'a>(node: &'a Node, tolerations: &'a [Toleration]) -> impl Iterator<Item = &'a Taint> {
    node.spec
        .taints
        .iter()
        .filter(|taint| matches!(taint.effect.as_str(), "NoSchedule" | "NoExecute"))
        .filter(|taint| !tolerations.iter().any(|toleration| toleration.tolerates(taint)))
}

/// What does not read as a label selector.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no label selector; write app=web, tier!=db, env in (a, b), or a key alone")]
pub struct ParseSelectorError(String);

impl std::str::FromStr for LabelSelector {
    type Err = ParseSelectorError;

    /// Reads kubectl's form: `app=web,tier!=db,env in (a,b),!canary,gpu`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = |part: &str| parse_requirement(part).ok_or_else(|| ParseSelectorError(part.to_owned()));
        let match_expressions: Box<[Requirement]> =
            split_requirements(text).into_iter().map(read).collect::<Result<_, _>>()?;
        if match_expressions.is_empty() {
            return Err(ParseSelectorError(text.to_owned()));
        }
        Ok(Self { match_expressions, ..Self::default() })
    }
}

/// Splits at the commas that are not inside parentheses.
fn split_requirements(text: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    let parts = text.split(|c: char| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth <= 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn parse_requirement(part: &str) -> Option<Requirement> {
    let make = |key: &str, operator: &str, values: Vec<Text>| {
        let key = key.trim();
        let valid = !key.is_empty() && !key.contains(char::is_whitespace);
        valid.then(|| Requirement { key: key.into(), operator: operator.into(), values: values.into() })
    };
    let list = |text: &str| -> Option<Vec<Text>> {
        let inner = text.trim().strip_prefix('(')?.strip_suffix(')')?;
        Some(inner.split(',').map(|value| value.trim().into()).collect())
    };
    if let Some((key, values)) = part.split_once(" notin ") {
        return make(key, "NotIn", list(values)?);
    }
    if let Some((key, values)) = part.split_once(" in ") {
        return make(key, "In", list(values)?);
    }
    if let Some((key, value)) = part.split_once("!=") {
        return make(key, "NotIn", vec![value.trim().into()]);
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return make(key, "In", vec![value.trim().into()]);
    }
    match part.strip_prefix('!') {
        Some(key) => make(key, "DoesNotExist", Vec::new()),
        None => make(part, "Exists", Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect()
    }

    fn requirement(key: &str, operator: &str, values: &[&str]) -> Requirement {
        Requirement {
            key: key.into(),
            operator: operator.into(),
            values: values.iter().map(|value| (*value).into()).collect(),
        }
    }

    #[test]
    fn operators_follow_kubernetes() {
        let have = labels(&[("tier", "web"), ("cpus", "8")]);
        assert!(requirement("tier", "In", &["web", "api"]).matches(&have));
        assert!(requirement("zone", "NotIn", &["a"]).matches(&have));
        assert!(requirement("cpus", "Gt", &["4"]).matches(&have));
        assert!(!requirement("cpus", "Lt", &["4"]).matches(&have));
        assert!(!requirement("tier", "Gt", &["4"]).matches(&have));
        assert!(!requirement("zone", "Lt", &["4"]).matches(&have));
    }

    #[test]
    fn selectors_read_as_kubectl_writes_them() {
        let have = labels(&[("app", "web"), ("env", "b")]);
        for (text, matches) in [
            ("app=web", true),
            ("app==web,env in (a, b)", true),
            ("env notin (b)", false),
            ("!app", false),
            ("app", true),
            ("tier!=db", true),
        ] {
            assert_eq!(text.parse::<LabelSelector>().unwrap().matches(&have), matches, "{text}");
        }
        for text in ["", "a in b", "two words=x", "="] {
            assert!(text.parse::<LabelSelector>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_toleration_without_key_needs_exists() {
        let taint = Taint {
            key: "gpu".into(),
            value: "true".into(),
            effect: "NoSchedule".into(),
            ..Taint::default()
        };
        assert!(Toleration { operator: "Exists".into(), ..Toleration::default() }.tolerates(&taint));
        assert!(!Toleration::default().tolerates(&taint));
        assert!(
            Toleration { key: "gpu".into(), value: "true".into(), ..Toleration::default() }.tolerates(&taint)
        );
    }
}

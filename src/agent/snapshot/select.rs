//! Field and label selectors, as the API server evaluates them.

use serde_json::Value;

/// One requirement of a selector.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    Equals(String, String),
    Differs(String, String),
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Lacks(String),
}

/// A parsed selector; an empty one selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Selector(Vec<Requirement>);

impl Selector {
    /// Parses `key=value,key!=value,key in (a,b),key,!key`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        split(text).into_iter().map(|part| requirement(part.trim())).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the labels of an object meet it.
    pub(super) fn matches_labels(&self, object: &Value) -> bool {
        let labels = object.pointer("/metadata/labels");
        self.matches(|key| {
            labels.and_then(|labels| labels.get(key)).and_then(Value::as_str).map(str::to_owned)
        })
    }

    /// Whether the fields of an object meet it; a field that is not there is empty.
    pub(super) fn matches_fields(&self, object: &Value) -> bool {
        self.matches(|path| {
            let value = path.split('.').try_fold(object, |value, part| value.get(part));
            Some(match value {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
            })
        })
    }

    fn matches(&self, get: impl Fn(&str) -> Option<String>) -> bool {
        self.0.iter().all(|requirement| match requirement {
            Requirement::Equals(key, value) => get(key).as_ref() == Some(value),
            Requirement::Differs(key, value) => get(key).as_ref() != Some(value),
            Requirement::In(key, values) => get(key).is_some_and(|value| values.contains(&value)),
            Requirement::NotIn(key, values) => !get(key).is_some_and(|value| values.contains(&value)),
            Requirement::Exists(key) => get(key).is_some(),
            Requirement::Lacks(key) => get(key).is_none(),
        })
    }
}

/// Splits at commas outside parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0_u32;
    text.split(|letter| {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    })
    .filter(|part| !part.trim().is_empty())
    .collect()
}

fn requirement(text: &str) -> Result<Requirement, String> {
    let owned = |text: &str| text.trim().to_owned();
    if let Some((key, value)) = text.split_once("!=") {
        return Ok(Requirement::Differs(owned(key), owned(value)));
    }
    if let Some((key, value)) = text.split_once('=') {
        return Ok(Requirement::Equals(owned(key), owned(value.trim_start_matches('='))));
    }
    if let Some((head, values)) = text.split_once('(') {
        let values = values.trim_end().strip_suffix(')').ok_or("unclosed parenthesis")?;
        let values = values.split(',').map(owned).collect();
        let mut words = head.split_whitespace();
        return match (words.next(), words.next(), words.next()) {
            (Some(key), Some("in"), None) => Ok(Requirement::In(key.to_owned(), values)),
            (Some(key), Some("notin"), None) => Ok(Requirement::NotIn(key.to_owned(), values)),
            _ => Err(format!("unable to parse requirement: {text}")),
        };
    }
    match text.strip_prefix('!') {
        Some(key) => Ok(Requirement::Lacks(owned(key))),
        None if text.contains(char::is_whitespace) => Err(format!("unable to parse requirement: {text}")),
        None => Ok(Requirement::Exists(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(selector: &str) -> bool {
        let object = serde_json::json!({"metadata": {"labels": {"app": "web", "tier": "front"}}});
        Selector::parse(selector).expect("parses").matches_labels(&object)
    }

    #[test]
    fn labels_follow_kubectl() {
        assert!(labels("app=web,tier!=back"));
        assert!(labels("app in (api, web),tier"));
        assert!(labels("!zone,zone notin (a)"));
        assert!(!labels("app==api"));
        assert!(labels(""));
        assert!(Selector::parse("app ~ web").is_err());
        assert!(Selector::parse("app in (web").is_err());
    }

    #[test]
    fn missing_fields_are_empty() {
        let event = serde_json::json!({"type": "Warning", "involvedObject": {"name": "web-1"}});
        let fields = |selector| Selector::parse(selector).expect("parses").matches_fields(&event);
        assert!(fields("type!=Normal,involvedObject.name=web-1"));
        assert!(fields("spec.nodeName="));
        assert!(!fields("status.phase=Running"));
    }
}

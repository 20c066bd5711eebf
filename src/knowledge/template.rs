//! Templates of summaries and commands: `{{name}}`, `{{subject.name}}`, `[[optional part]]`.

use crate::cluster::ObjectRef;
use crate::diagnose::Fact;
use serde_json::Value;

/// Fills a template from a fact. An unknown name becomes empty; [`variables`] lets the linter find those.
pub fn render(template: &str, fact: &Fact) -> String {
    let mut out = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("[[") {
        let Some((optional, tail)) = after.split_once("]]") else { break };
        fill(before, fact, &mut out);
        if variables(optional).iter().all(|name| lookup(name, fact).is_some_and(|value| !value.is_empty())) {
            fill(optional, fact, &mut out);
        }
        rest = tail;
    }
    fill(rest, fact, &mut out);
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The names that a template inserts.
pub fn variables(template: &str) -> Vec<&str> {
    template
        .split("{{")
        .skip(1)
        .filter_map(|part| part.split_once("}}"))
        .map(|(name, _)| name.trim())
        .collect()
}

fn fill(template: &str, fact: &Fact, out: &mut String) {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, tail)) = after.split_once("}}") else { break };
        out.push_str(before);
        out.push_str(&lookup(name.trim(), fact).unwrap_or_default());
        rest = tail;
    }
    out.push_str(rest);
}

fn lookup(name: &str, fact: &Fact) -> Option<String> {
    if let Some(value) = fact.params.get(name) {
        return Some(value_text(value));
    }
    let (base, field) = name.split_once('.').unwrap_or((name, ""));
    let object = if base == "subject" { Some(&fact.subject) } else { fact.refs.get(base) }?;
    object_field(object, field)
}

fn object_field(object: &ObjectRef, field: &str) -> Option<String> {
    match field {
        "" => Some(object.to_string()),
        "name" => Some(object.name.to_string()),
        "namespace" => Some(object.ns().to_owned()),
        "kind" => Some(object.kind.to_string()),
        // What kubectl takes: `deployment/web`.
        "arg" => Some(format!("{}/{}", object.kind.arg(), object.name)),
        _ => None,
    }
}

/// A value as people read it: lists joined, nothing quoted.
pub fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(items) => items.iter().map(value_text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Kind;

    fn fact() -> Fact {
        Fact::new("image.pull", ObjectRef::new(Kind::Deployment, "shop", "web"))
            .param("image", "web:1")
            .param("nodes", vec!["a", "b"])
            .object("secret", ObjectRef::new(Kind::Secret, "shop", "pull"))
    }

    #[test]
    fn inserts_params_and_objects() {
        let text = render("{{subject}} pulls {{image}} on {{nodes}} with {{secret.name}}", &fact());
        assert_eq!(text, "Deployment shop/web pulls web:1 on a, b with pull");
    }

    #[test]
    fn optional_parts_need_their_values() {
        assert_eq!(render("a[[ {{missing}}]] b[[ {{image}}]]", &fact()), "a b web:1");
    }

    #[test]
    fn unbalanced_braces_stay() {
        assert_eq!(render("{{image and [[more", &fact()), "{{image and [[more");
    }
}

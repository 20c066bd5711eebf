//! Makes an object fit to leave the cluster: credentials redacted, repetition dropped.

use serde_json::{Map, Value, json};

use crate::cluster::Kind;
use crate::redact;

/// Repeats the whole applied object, a Secret's values included.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Sanitizes one object in place.
pub(super) fn object(kind: &Kind, object: &mut Value) {
    let Value::Object(fields) = object else {
        *object = Value::Null;
        return;
    };
    if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
        self::metadata(metadata);
    }
    match kind {
        Kind::Secret => secret(fields),
        Kind::ConfigMap => config_map(fields),
        kind if kind.custom().is_some() => {
            for (_, value) in fields.iter_mut().filter(|(name, _)| *name != "metadata") {
                custom(value);
                redact_value(value);
            }
        }
        _ => {
            for (_, value) in fields.iter_mut().filter(|(name, _)| *name != "metadata") {
                redact_value(value);
            }
        }
    }
}

/// Keeps names and key names; whatever else a server sent is dropped.
fn secret(fields: &mut Map<String, Value>) {
    let keys = keys(fields.get("metadata"), fields.get("data"));
    let data: Map<String, Value> = keys.into_iter().map(|key| (key, "".into())).collect();
    fields.retain(|name, _| matches!(name.as_str(), "metadata" | "type"));
    fields.insert("data".to_owned(), Value::Object(data));
}

fn keys(metadata: Option<&Value>, data: Option<&Value>) -> Vec<String> {
    let stated = data.and_then(Value::as_object).into_iter().flat_map(|data| data.keys().cloned());
    let writers = metadata.and_then(|metadata| metadata.get("managedFields")).and_then(Value::as_array);
    let owned = writers
        .into_iter()
        .flatten()
        .filter_map(|writer| writer.pointer("/fieldsV1/f:data")?.as_object())
        .flat_map(|data| data.keys().filter_map(|key| key.strip_prefix("f:").map(str::to_owned)));
    stated.chain(owned).collect()
}

fn config_map(fields: &mut Map<String, Value>) {
    fields.remove("binaryData");
    if let Some(Value::Object(data)) = fields.get_mut("data") {
        for (name, value) in data {
            redact_named(name, value);
        }
    }
}

/// Parts of custom resources that hold whatever their authors put there, values of charts above all.
const OPAQUE: &[&str] =
    &["encryptedData", "substitute", "template", "triggers", "values", "valuesInline", "valuesObject"];

/// Drops opaque parts, and redacts values that their names give away, but not names of objects.
fn custom(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(custom),
        Value::Object(fields) => {
            fields.retain(|name, _| !OPAQUE.contains(&name.as_str()));
            for (name, value) in fields {
                let is_reference = name.ends_with("Name") || name.ends_with("Ref") || name == "secret";
                match value {
                    Value::String(_) if !is_reference => redact_named(name, value),
                    value => custom(value),
                }
            }
        }
        _ => {}
    }
}

/// Drops what repeats the object, and of its writers keeps who, when, and which sections and keys.
fn metadata(metadata: &mut Map<String, Value>) {
    if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
        annotations.remove(LAST_APPLIED);
        for (name, value) in annotations {
            redact_named(name, value);
        }
    }
    if let Some(Value::Array(writers)) = metadata.get_mut("managedFields") {
        for writer in writers {
            self::writer(writer);
        }
    }
}

fn writer(writer: &mut Value) {
    let Value::Object(fields) = writer else { return };
    let Some(Value::Object(owned)) = fields.get_mut("fieldsV1") else { return };
    for (section, value) in owned {
        let keys = matches!(section.as_str(), "f:data" | "f:binaryData");
        match value.as_object_mut() {
            Some(value) if keys => value.values_mut().for_each(|value| *value = json!({})),
            _ => *value = json!({}),
        }
    }
}

/// Redacts every text of a value; the value of a variable by the variable's name too.
pub(super) fn redact_value(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let std::borrow::Cow::Owned(redacted) = redact::text(text) {
                *text = redacted;
            }
        }
        Value::Array(values) => redact_list(values),
        Value::Object(fields) => {
            let variable = fields.get("name").and_then(Value::as_str).map(str::to_owned);
            for (field, value) in fields {
                match (&variable, field.as_str()) {
                    // Variables, headers and options: `{name, value}` pairs wherever they stand.
                    (Some(variable), "value") => redact_named(variable, value),
                    _ => redact_value(value),
                }
            }
        }
        _ => {}
    }
}

/// Redacts a list; what follows a flag by the flag's name too, as in `["--token", "value"]`.
fn redact_list(values: &mut [Value]) {
    let mut flag: Option<String> = None;
    for value in values {
        let text = value.as_str().unwrap_or_default();
        let next = text.starts_with('-').then(|| text.trim_start_matches('-').to_owned());
        match flag.take() {
            Some(flag) if next.is_none() => redact_named(&flag, value),
            _ => redact_value(value),
        }
        flag = next;
    }
}

/// Redacts a value that a name says what it is.
fn redact_named(name: &str, value: &mut Value) {
    match value {
        Value::String(text) if !text.is_empty() && redact::sensitive_name(name) => {
            *value = redact::MARKER.into();
        }
        value => redact_value(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sanitized(kind: Kind, mut value: Value) -> String {
        object(&kind, &mut value);
        value.to_string()
    }

    #[test]
    fn a_secret_keeps_key_names_only() {
        let secret = json!({
            "metadata": {
                "name": "db",
                "annotations": {LAST_APPLIED: "{\"stringData\":{\"password\":\"s3cr3t-value\"}}", "note": "kept"},
                "managedFields": [{"manager": "m", "fieldsV1": {"f:data": {".": {}, "f:password": {}}, "f:type": {}}}],
            },
            "type": "Opaque",
            "data": {"user": "YWRtaW4="},
            "stringData": {"password": "s3cr3t-value"},
        });
        let text = sanitized(Kind::Secret, secret);
        assert!(!text.contains("s3cr3t-value") && !text.contains("YWRtaW4="), "{text}");
        assert!(text.contains(r#""data":{"password":"","user":""}"#), "{text}");
        assert!(text.contains("kept") && text.contains("Opaque"), "{text}");
    }

    #[test]
    fn what_follows_a_flag_is_redacted_by_the_flags_name() {
        let pod = json!({"spec": {"containers": [
            {"args": ["--token", "s3cr3t-value", "serve", "--token=s3cr3t-value", "--password", "--port", "80"]}
        ]}});
        let text = sanitized(Kind::Pod, pod);
        assert!(!text.contains("s3cr3t-value"), "{text}");
        assert!(text.contains(r#""serve","--token=[redacted]","--password","--port","80""#), "{text}");
    }

    #[test]
    fn literals_of_variables_are_redacted_by_name() {
        let pod = json!({
            "metadata": {"name": "web"},
            "spec": {"containers": [{"name": "app", "image": "app:1", "env": [
                {"name": "DB_PASSWORD", "value": "hunter2hunter2"},
                {"name": "URL", "value": "postgres://me:hunter2@db:5432/shop"},
                {"name": "MODE", "value": "fast"},
            ]}]},
        });
        let text = sanitized(Kind::Pod, pod);
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("fast") && text.contains("db:5432") && text.contains("app:1"), "{text}");
    }

    #[test]
    fn a_custom_resource_keeps_its_references_and_no_values() {
        let release = json!({
            "metadata": {"name": "shop"},
            "spec": {"chart": {"spec": {"sourceRef": {"name": "charts"}}}, "values": {"db": "hunter2hunter2"},
                "secretName": "shop-tls", "auth": {"password": "hunter2hunter2"}},
            "status": {"conditions": [{"type": "Ready", "status": "False", "message": "no chart"}]},
        });
        let text = sanitized(Kind::from("HelmRelease"), release);
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("charts") && text.contains("shop-tls") && text.contains("no chart"), "{text}");
    }

    #[test]
    fn values_of_a_config_map_are_redacted() {
        let config = json!({
            "metadata": {"name": "settings"},
            "data": {"api_token": "tok-123456789", "url": "http://cart:80"},
        });
        let text = sanitized(Kind::ConfigMap, config);
        assert!(!text.contains("tok-123456789") && text.contains("http://cart:80"), "{text}");
    }
}

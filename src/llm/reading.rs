//! What a model answers when it reads a description: its JSON Schema, and from the text to a
//! reading. An answer that is anything else is refused as a whole.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::error::LlmError;
use crate::cluster::{Kind, custom};
use crate::intent::Reading;
use crate::symptom::Symptom;

/// What the description says, in the words of the description; empty where it does not say.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Answer {
    /// Names of things that the complaint is about, such as workloads, services, nodes or hosts.
    names: Vec<Name>,
    /// Kubernetes namespaces that the description names.
    namespaces: Vec<String>,
    /// What is wrong, as far as the description tells.
    #[schemars(extend("items" = symptoms()))]
    symptoms: Vec<String>,
    /// When it began, in English, such as `since 14:00` or `2 hours ago`; empty where it is not said.
    time: String,
}

/// A name, without what stands around it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Name {
    /// The name as written; a translation where the description uses a word for it.
    text: String,
    /// Its kind where the description says it, such as Deployment or Node; else empty.
    kind: String,
}

fn symptoms() -> Value {
    let words: Vec<&str> = Symptom::ALL.iter().map(|symptom| symptom.as_str()).collect();
    serde_json::json!({"type": "string", "enum": words})
}

/// The JSON Schema of the answer, in the subset that all providers know: no references, every
/// field required, no further ones.
pub fn reading_schema() -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<Answer>().to_value();
    if let Some(fields) = schema.as_object_mut() {
        fields.remove("title");
    }
    schema
}

/// Reads an answer; nothing where it says nothing.
pub(super) fn parse(answer: &str, shown: &dyn Fn(&str) -> String) -> Result<Option<Reading>, LlmError> {
    let json = without_fence(answer);
    let answer: Answer = serde_json::from_str(json).map_err(|error| {
        // What serde quotes is the model's; where it stands is enough.
        LlmError::Shape(format!("JSON of another form, line {}, column {}", error.line(), error.column()))
    })?;
    let mut names: Vec<(String, Option<Kind>)> = Vec::new();
    for Name { text, kind } in answer.names {
        let mut kinds = Kind::ALL.iter().cloned().chain(custom::kinds());
        let kind = kinds.find(|known| known.as_str().eq_ignore_ascii_case(kind.trim()));
        names.push((shown(&text), kind));
    }
    let known = |word: &String| Symptom::ALL.iter().find(|symptom| symptom.as_str() == word).copied();
    let reading = Reading {
        names,
        namespaces: answer.namespaces.iter().map(|name| shown(name)).collect(),
        symptoms: answer.symptoms.iter().filter_map(known).collect(),
        time: answer.time,
    };
    Ok(Some(reading).filter(|reading| *reading != Reading::default()))
}

/// Models without JSON output like to put it in a fence.
fn without_fence(answer: &str) -> &str {
    let text = answer.trim();
    let Some(inner) = text.strip_prefix("```") else { return text };
    let inner = inner.strip_prefix("json").unwrap_or(inner);
    inner.strip_suffix("```").unwrap_or(inner).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: &str) -> Result<Option<Reading>, LlmError> {
        parse(answer, &str::to_owned)
    }

    #[test]
    fn the_schema_keeps_to_what_all_providers_know() {
        fn check(value: &Value) {
            let Value::Object(fields) = value else { return };
            assert!(!fields.contains_key("$ref") && !fields.contains_key("$defs"), "{value}");
            if fields.get("type").is_some_and(|one| one == "object") {
                assert_eq!(fields["additionalProperties"], false);
                let all: Vec<&String> = fields["properties"].as_object().unwrap().keys().collect();
                assert_eq!(fields["required"].as_array().unwrap().len(), all.len(), "{value}");
            }
            fields.values().for_each(check);
        }
        let schema = reading_schema();
        check(&schema);
        assert!(schema["properties"]["symptoms"]["items"]["enum"].as_array().unwrap().len() > 20, "{schema}");
    }

    #[test]
    fn answers_are_read_or_refused() {
        let good = r#"{"names":[{"text":"web","kind":"deployment"}],"namespaces":[],"symptoms":["slow","bogus"],"time":""}"#;
        let reading = read(good).unwrap().unwrap();
        assert_eq!(reading.names, [("web".to_owned(), Some(Kind::Deployment))]);
        assert_eq!(reading.symptoms, [Symptom::Slow]);
        assert_eq!(read(&format!("```json\n{good}\n```")).unwrap().unwrap(), reading);
        assert_eq!(read(r#"{"names":[],"namespaces":[],"symptoms":[],"time":""}"#).unwrap(), None);
        for bad in [
            "",
            "web is slow",
            "{}",
            "[]",
            r#"{"names":["web"],"namespaces":[],"symptoms":[],"time":""}"#,
            r#"{"names":[],"namespaces":[],"symptoms":[],"time":"","verdict":"no_fault"}"#,
            good.trim_end_matches('}'),
        ] {
            assert!(matches!(read(bad), Err(LlmError::Shape(_))), "{bad}");
        }
    }
}

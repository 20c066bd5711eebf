//! Values of variables that a process does not accept.

use crate::cluster::types::Container;
use crate::cluster::{Kind, ObjectRef};
use crate::diagnose::container::Instance;
use crate::diagnose::{Context, Fact, net};
use crate::evidence::Evidence;
use crate::logs::LogFinding;

/// Signatures of lines that may quote a value which is refused.
const REFUSALS: [&str; 7] = [
    "config-invalid",
    "config-parse-error",
    "uncaught-exception",
    "unknown-error",
    "go-panic",
    "rust-panic",
    "protocol-mismatch",
];
/// Words by which a line refuses a value.
const REFUSING: [&str; 20] = [
    "invalid",
    "unknown",
    "unsupported",
    "not supported",
    "unrecogni",
    "illegal",
    "malformed",
    "must be",
    "must include",
    "not a valid",
    "not one of",
    "not allowed",
    "could not parse",
    "cannot parse",
    "failed to parse",
    "can't parse",
    "parsing",
    "unexpected value",
    "no such",
    "bad value",
];

/// A variable with the value that the spec or a ConfigMap gives it.
struct Setting<'a> {
    name: String,
    value: &'a str,
    /// The ConfigMap that the value stands in.
    config: Option<ObjectRef>,
    key: &'a str,
}

/// The variable whose value the line refuses, if it is one.
pub(super) fn refused(context: &Context<'_>, instance: &Instance<'_>, finding: &LogFinding) -> Option<Fact> {
    if !REFUSALS.contains(&finding.signature) || !finding.at_end || !instance.is_crashing(context) {
        return None;
    }
    let settings = settings(context, instance.spec?, instance.namespace());
    let setting = meant(&settings, finding)?;
    let object = setting.config.clone().unwrap_or_else(|| instance.workload.clone());
    let (place, path) = match &setting.config {
        Some(_) => (object.to_string(), format!("data[{}]", setting.key)),
        None => ("its template".to_owned(), format!("env[{}]", setting.name)),
    };
    let fact = Fact::new("env.refused", instance.workload.clone())
        .param("setting", setting.name.clone())
        .param("value", setting.value)
        .param("place", place)
        .param("container", instance.name())
        .param("line", finding.excerpt.clone())
        .evidence([Evidence::spec(object, path, setting.value), net::line(finding)])
        .since(finding.first);
    Some(match &setting.config {
        Some(config) => fact.object("config", config.clone()),
        None => fact,
    })
}

/// The setting that the line speaks of: its value, and of several with that value the one whose
/// name shares a word with the line.
fn meant<'s, 'a>(settings: &'s [Setting<'a>], finding: &LogFinding) -> Option<&'s Setting<'a>> {
    let line = finding.excerpt.to_lowercase();
    let stated = finding.param("value");
    let refusing = REFUSING.iter().any(|word| line.contains(word));
    let fits = |setting: &&Setting<'_>| {
        let value = setting.value;
        let own = !stated.is_empty() && value == stated;
        own || refusing && value.len() >= 2 && value.len() <= 80 && quotes(&line, &value.to_lowercase())
    };
    let fitting: Vec<&Setting<'_>> = settings.iter().filter(fits).collect();
    let shares = |setting: &&&Setting<'_>| {
        let name = setting.name.to_lowercase();
        name.split(['_', '.', '-']).any(|word| word.len() > 2 && line.contains(word))
    };
    match fitting.as_slice() {
        [only] => Some(*only),
        several => {
            let mut named = several.iter().filter(shares);
            let first = named.next()?;
            named.next().is_none().then_some(*first)
        }
    }
}

/// Whether a line holds a value as one, set off by quotes, a colon or an equals sign.
fn quotes(line: &str, value: &str) -> bool {
    line.match_indices(value).any(|(at, _)| {
        let before = line.get(..at).unwrap_or_default();
        let after = line.get(at + value.len()..).unwrap_or_default();
        let opens = before.ends_with(['"', '\'', '`', ':', '=', '[', '(', '<']) || before.ends_with(": ");
        let closes = after.is_empty() || after.starts_with(['"', '\'', '`', ']', ')', '>', ' ', ',', ';']);
        opens && closes
    })
}

fn settings<'a>(context: &Context<'a>, spec: &'a Container, namespace: &str) -> Vec<Setting<'a>> {
    let mut found = Vec::new();
    let map = |name: &str| context.state.config_maps.get(namespace, name);
    let object = |name: &str| Some(ObjectRef::new(Kind::ConfigMap, namespace, name));
    for own in &spec.env {
        let selector = own.value_from.as_ref().and_then(|from| from.config_map_key_ref.as_ref());
        if let Some(value) = own.value.as_deref() {
            found.push(Setting { name: own.name.to_string(), value, config: None, key: "" });
        } else if let Some(selector) = selector
            && let Some(value) = map(&selector.name).and_then(|map| map.data.get(&selector.key))
        {
            let config = object(&selector.name);
            found.push(Setting { name: own.name.to_string(), value, config, key: &selector.key });
        }
    }
    for source in &spec.env_from {
        let Some(reference) = &source.config_map_ref else { continue };
        for (key, value) in map(&reference.name).iter().flat_map(|map| &map.data) {
            let name = format!("{}{key}", source.prefix);
            // The container's own entry wins over what it takes as a whole.
            if !spec.env.iter().any(|own| own.name == name) {
                found.push(Setting { name, value, config: object(&reference.name), key });
            }
        }
    }
    found.retain(|setting| !setting.value.trim().is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_set_off_in_a_line() {
        assert!(quotes("default level:inof must be included", "inof"));
        assert!(quotes("parsing \"8o80\": invalid syntax", "8o80"));
        assert!(quotes("unknown profile 'prd'", "prd"));
        assert!(!quotes("the information is invalid", "inf"));
        assert!(!quotes("invalid production mode", "production"));
    }
}

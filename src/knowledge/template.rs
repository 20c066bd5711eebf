//! Templates of summaries and commands: `{{name}}`, `{{subject.name}}`, `[[optional part]]`,
//! `[[part||what stands instead]]`.
//!
//! Text becomes one line of prose. A command becomes words: its literal parts are ours and stay as
//! they are, what is inserted comes from a cluster and is redacted and quoted for the shell.

use std::collections::BTreeMap;

use crate::cluster::ObjectRef;
use crate::diagnose::Fact;
use crate::evidence::{duration, shortened};
use crate::redact;
use serde_json::Value;

/// What a failure mode says instead of a parameter's value: by parameter, then by value.
pub type Words = BTreeMap<String, BTreeMap<String, String>>;

/// No name in Kubernetes is longer; what is inserted into a command is cut to it.
const LONGEST_VALUE: usize = 253;

/// Longest value in a sentence.
const LONGEST_QUOTE: usize = 280;

/// Fills templates from one fact.
#[derive(Clone, Copy)]
pub struct Filler<'a> {
    fact: &'a Fact,
    words: Option<&'a Words>,
}

impl<'a> Filler<'a> {
    /// Fills with the fact's values, in the failure mode's words where it has some.
    pub fn new(fact: &'a Fact, words: &'a Words) -> Self {
        Self { fact, words: Some(words) }
    }

    /// A sentence. An unknown name becomes empty; [`variables`] lets the linter find those.
    pub fn text(&self, template: &str) -> String {
        let mut out = String::with_capacity(template.len() * 2);
        let value = |name: &str| self.lookup(name).map(brief).unwrap_or_default();
        fill(&self.wanted_parts(template), value, &mut out);
        out.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The words of a command, as a shell reads them. An option whose value is not known is left
    /// out; another value that is not known is asked for, as `<name>`.
    pub fn command(&self, template: &str) -> Vec<String> {
        let template = self.wanted_parts(template);
        let mut words: Vec<String> = Vec::new();
        for word in shell_words(&template) {
            let known = variables(word).iter().all(|name| self.known(name));
            let alone = word.starts_with("{{") && word.ends_with("}}");
            if !known && alone && words.last().is_some_and(|last| is_option(last)) {
                words.pop();
                continue;
            }
            let quoted = word.contains(['\'', '"']);
            let mut filled = String::with_capacity(word.len() * 2);
            fill(word, |name| self.argument(name, quoted), &mut filled);
            words.push(filled);
        }
        words
    }

    /// The template with its optional parts whose values are all known, and without the others.
    fn wanted_parts(&self, template: &str) -> String {
        let mut out = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("[[") {
            let Some((optional, tail)) = after.split_once("]]") else { break };
            out.push_str(before);
            let (part, instead) = optional.split_once("||").unwrap_or((optional, ""));
            let known = variables(part).iter().all(|name| self.known(name));
            out.push_str(if known { part } else { instead });
            rest = tail;
        }
        out.push_str(rest);
        out
    }

    fn known(&self, name: &str) -> bool {
        self.lookup(name).is_some_and(|value| !value.is_empty())
    }

    /// A value as a part of a shell's word.
    fn argument(&self, name: &str, quoted: bool) -> String {
        let Some(value) = self.lookup(name).filter(|value| !value.is_empty()) else {
            return format!("<{}>", name.split('.').next().unwrap_or(name));
        };
        // Several words, each checked to be plain.
        if name.ends_with(".labels") {
            return value;
        }
        let clean = redact::clean(&value);
        let line = clean.split_whitespace().collect::<Vec<_>>().join(" ");
        let short: String = line.chars().take(LONGEST_VALUE).collect();
        if quoted { short.replace('\'', r"'\''") } else { shell_quote(short) }
    }

    fn lookup(&self, name: &str) -> Option<String> {
        if let Some(value) = self.fact.params.get(name) {
            let text = value_text(value);
            let words = self.words.and_then(|words| words.get(name));
            return Some(words.and_then(|words| words.get(&text)).cloned().unwrap_or(text));
        }
        let (base, field) = name.split_once('.').unwrap_or((name, ""));
        if let (Some(value), true) = (self.fact.params.get(base), is_param_field(field)) {
            return param_field(value, field);
        }
        let object = if base == "subject" { Some(&self.fact.subject) } else { self.fact.refs.get(base) }?;
        object_field(object, field)
    }
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

fn fill(template: &str, value: impl Fn(&str) -> String, out: &mut String) {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, tail)) = after.split_once("}}") else { break };
        out.push_str(before);
        out.push_str(&value(name.trim()));
        rest = tail;
    }
    out.push_str(rest);
}

/// A value that fits into a sentence: of a long message the beginning says what failed, the end why.
fn brief(value: String) -> String {
    if value.chars().count() <= LONGEST_QUOTE {
        return value;
    }
    // Before anything is cut, as half a credential may not look like one.
    let words = redact::clean(&value).split_whitespace().collect::<Vec<_>>().join(" ");
    shortened(&words, LONGEST_QUOTE)
}

/// Words as a shell divides them: at blanks outside of quotes.
fn shell_words(command: &str) -> Vec<&str> {
    let mut quote = None;
    let divide = |char: char| {
        match quote {
            Some(open) if open == char => quote = None,
            None if matches!(char, '\'' | '"') => quote = Some(char),
            _ => {}
        }
        quote.is_none() && char.is_whitespace()
    };
    command.split(divide).filter(|word| !word.is_empty()).collect()
}

/// An option that takes its value from the next word.
fn is_option(word: &str) -> bool {
    word.starts_with('-') && word.len() > 1 && word != "--" && !word.contains('=')
}

/// A value as one word of a shell.
fn shell_quote(value: String) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "_@%+=:,./-".contains(char);
    if value.chars().all(plain) { value } else { format!("'{}'", value.replace('\'', r"'\''")) }
}

/// Whether templates may ask for this of a parameter.
pub fn is_param_field(field: &str) -> bool {
    matches!(field, "duration" | "labels" | "spelled")
}

fn param_field(value: &Value, field: &str) -> Option<String> {
    match field {
        "duration" => value.as_i64().map(duration),
        "spelled" => Some(value_text(value).replace('-', " ")),
        "labels" => labels(&value_text(value)),
        _ => None,
    }
}

/// `a=b, c=d` as words of a command; none where a requirement is no single label.
fn labels(requirements: &str) -> Option<String> {
    let plain = |char: char| char.is_ascii_alphanumeric() || "_./-=".contains(char);
    let is_label = |text: &&str| text.matches('=').count() == 1 && text.chars().all(plain);
    let each: Vec<&str> = requirements.split(',').map(str::trim).collect();
    each.iter().all(is_label).then(|| each.join(" "))
}

/// An object as `kubectl` takes it: `deployment/web`.
pub fn arg(object: &ObjectRef) -> String {
    format!("{}/{}", object.kind.arg(), object.name)
}

fn object_field(object: &ObjectRef, field: &str) -> Option<String> {
    match field {
        "" => Some(object.to_string()),
        "name" => Some(object.name.to_string()),
        "namespace" => Some(object.ns().to_owned()),
        "kind" => Some(object.kind.to_string()),
        // What kubectl takes: `deployment/web`.
        "arg" => Some(arg(object)),
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

    fn text(template: &str, fact: &Fact) -> String {
        Filler { fact, words: None }.text(template)
    }

    fn command(template: &str, fact: &Fact) -> String {
        Filler { fact, words: None }.command(template).join(" ")
    }

    #[test]
    fn a_command_keeps_its_own_words_and_quotes_what_it_inserts() {
        let fact = fact().param("mount", "/my data/it's");
        let patch =
            r#"kubectl -n {{subject.namespace}} patch {{subject.arg}} -p '{"metadata":{"finalizers":null}}'"#;
        assert_eq!(
            command(patch, &fact),
            r#"kubectl -n shop patch deployment/web -p '{"metadata":{"finalizers":null}}'"#
        );
        assert_eq!(command("ls {{mount}}", &fact), r"ls '/my data/it'\''s'");
        assert_eq!(command("create --docker-password=<token>", &fact), "create --docker-password=<token>");
    }

    #[test]
    fn a_command_redacts_what_it_inserts() {
        let fact = fact().param("image", "https://bob:hunter2@registry/web");
        assert_eq!(command("pull {{image}}", &fact), "pull 'https://[redacted]@registry/web'");
    }

    #[test]
    fn a_command_asks_for_what_is_not_known() {
        assert_eq!(
            command("logs {{subject.arg}} -c {{container}} --tail=5", &fact()),
            "logs deployment/web --tail=5"
        );
        assert_eq!(command("delete job {{job.name}}", &fact()), "delete job <job>");
    }

    #[test]
    fn labels_become_words_and_seconds_a_duration() {
        let fact =
            fact().param("wanted", "app=mq, tier=data").param("late", 174_884).param("set", "zone in (a,b)");
        assert_eq!(command("label pv x {{wanted.labels}}", &fact), "label pv x app=mq tier=data");
        assert_eq!(command("label pv x {{set.labels}}", &fact), "label pv x <set>");
        assert_eq!(text("for {{late.duration}}", &fact), "for 2 days");
    }

    #[test]
    fn a_long_message_keeps_its_end() {
        let message =
            format!("mount failed: {} reason given by server: No such file", "/very/long".repeat(60));
        let found = text("cannot mount: {{message}}.", &fact().param("message", message));
        assert_eq!(found, "cannot mount: mount failed: … reason given by server: No such file.");
    }

    #[test]
    fn a_failure_mode_has_words_for_values() {
        let words = Words::from([(
            "image".to_owned(),
            BTreeMap::from([("web:1".to_owned(), "an image".to_owned())]),
        )]);
        assert_eq!(Filler::new(&fact(), &words).text("pulls {{image}}"), "pulls an image");
    }

    #[test]
    fn inserts_params_and_objects() {
        let text = text("{{subject}} pulls {{image}} on {{nodes}} with {{secret.name}}", &fact());
        assert_eq!(text, "Deployment shop/web pulls web:1 on a, b with pull");
    }

    #[test]
    fn optional_parts_need_their_values() {
        assert_eq!(text("a[[ {{missing}}]] b[[ {{image}}]]", &fact()), "a b web:1");
        assert_eq!(text("[[a {{missing}}||b]] [[c {{image}}||d]]", &fact()), "b c web:1");
    }

    #[test]
    fn unbalanced_braces_stay() {
        assert_eq!(text("{{image and [[more", &fact()), "{{image and [[more");
    }
}

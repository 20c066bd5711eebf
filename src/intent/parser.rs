//! Who reads descriptions: the built-in parser, which always does, and another that may help it.
//!
//! Another parser answers with a [`Reading`], which is read again by the built-in one: it can say
//! nothing that a description could not have said, and names nothing until it is grounded.

use futures::future::BoxFuture;

use super::ground::GroundedIntent;
use super::names::Names;
use super::parse::{ParsedIntent, parse};
use super::words;
use crate::cluster::Kind;
use crate::report::model::LlmStats;
use crate::symptom::Symptom;

/// Names of a reading that are looked at; a sentence has fewer.
const MOST_NAMES: usize = 16;
/// Characters of a name that are looked at.
const LONGEST_NAME: usize = 120;

/// What a parser is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The description as typed.
    pub description: &'a str,
    /// The names that exist, for a parser that must not give them away.
    pub names: &'a Names,
}

/// Reads descriptions.
pub trait IntentParser: Send + Sync {
    /// The parser's name in reports.
    fn name(&self) -> &'static str;

    /// Whether it has something to add to what the built-in parser grounded.
    ///
    /// Once an object is grounded nothing may change what the investigation looks at, so nothing
    /// need leave the machine either.
    fn is_needed(&self, grounded: &GroundedIntent) -> bool {
        !grounded.names_an_object()
    }

    /// Reads a description; nothing where there is nothing to say.
    ///
    /// # Errors
    /// One line for the user: why it did not work. The investigation goes on without it.
    fn parse<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Result<Option<ParsedIntent>, String>>;

    /// What it cost so far; nothing for a parser that costs nothing.
    fn usage(&self) -> Option<LlmStats> {
        None
    }
}

/// The built-in parser: reads the text alone, needs nobody, cannot fail.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuiltinParser;

impl IntentParser for BuiltinParser {
    fn name(&self) -> &'static str {
        "builtin"
    }

    fn parse<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Result<Option<ParsedIntent>, String>> {
        Box::pin(std::future::ready(Ok(Some(parse(question.description)))))
    }
}

/// What another parser read in a description.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// Names of objects, with the kind where it is said.
    pub names: Vec<(String, Option<Kind>)>,
    /// Names of namespaces.
    pub namespaces: Vec<String>,
    /// Symptoms.
    pub symptoms: Vec<Symptom>,
    /// When it began, in English: "since 14:00", "2 hours ago"; empty where it is not said.
    pub time: String,
}

impl Reading {
    /// The reading as the built-in parser would have had it from a description.
    pub fn into_intent(mut self) -> ParsedIntent {
        let mut lines: Vec<String> = Vec::new();
        for (text, kind) in self.names.iter().take(MOST_NAMES) {
            let kind = kind.as_ref().map(|kind| kind.as_str().to_lowercase());
            let kind = kind.filter(|kind| words::kind_of(kind).is_some()).unwrap_or_default();
            lines.push(format!("{kind} {}", plain(text)));
        }
        for text in self.namespaces.iter().take(MOST_NAMES) {
            lines.push(format!("namespace `{}`", plain(text).replace(' ', "-")));
        }
        let mut intent = parse(&lines.join("\n"));
        self.symptoms.sort_unstable();
        self.symptoms.dedup();
        intent.symptoms = self.symptoms;
        intent.time = parse(&plain_time(&self.time)).time;
        intent.resolved_hint = false;
        intent
    }
}

/// A name without what would make it more than a name.
fn plain(text: &str) -> String {
    let inner = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let mapped: String = text.chars().take(LONGEST_NAME).map(|c| if inner(c) { c } else { ' ' }).collect();
    let words = mapped.split_whitespace().map(|word| word.trim_matches(['-', '.', '/']));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn plain_time(text: &str) -> String {
    let inner = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | ':' | '-' | '.' | '+');
    text.chars().take(LONGEST_NAME).filter(inner).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intent::NameForm;

    #[test]
    fn a_reading_is_read_like_a_description() {
        let reading = Reading {
            names: vec![("web-api".to_owned(), Some(Kind::Deployment)), ("mailer".to_owned(), None)],
            namespaces: vec!["shop".to_owned()],
            symptoms: vec![Symptom::Slow, Symptom::Crashing, Symptom::Slow],
            time: "2 hours ago".to_owned(),
        };
        let intent = reading.into_intent();
        let names: Vec<(&str, NameForm)> =
            intent.names.iter().map(|name| (name.text.as_str(), name.form)).collect();
        let names: Vec<_> = names.into_iter().filter(|(_, form)| *form != NameForm::Generic).collect();
        assert_eq!(names, [("web-api", NameForm::NameLike), ("mailer", NameForm::Word)]);
        assert_eq!(intent.namespaces[0].text, "shop");
        assert_eq!(intent.symptoms, [Symptom::Crashing, Symptom::Slow]);
        assert!(intent.time.is_some());
    }

    #[test]
    fn a_reading_cannot_smuggle_more_than_names() {
        let hostile = "web`; rm -rf / #\n-n kube-system [x](http://evil)";
        let reading = Reading { names: vec![(hostile.to_owned(), None)], ..Reading::default() };
        let intent = reading.into_intent();
        assert!(intent.namespaces.is_empty(), "{intent:?}");
        let long = Reading { names: vec![("x".repeat(1 << 20), None); 1 << 10], ..Reading::default() };
        assert!(long.into_intent().names.len() <= MOST_NAMES);
    }
}

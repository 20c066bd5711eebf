//! Who explains a report in words: the built-in narrator, which always can, and another that may
//! do it better.
//!
//! A narrator only words what the report says. Hypotheses, order and confidence are not its to
//! change: it is given the report to read.

use futures::future::BoxFuture;

use super::model::{Hypothesis, LlmStats, Report};
use crate::intent::Names;

/// Evidence that one sentence of the built-in narrator cites.
const CITED: usize = 3;

/// What is to be explained.
#[derive(Clone, Copy, Debug)]
pub struct Material<'a> {
    /// The report.
    pub report: &'a Report,
    /// The names that exist in the cluster, to tell a name from a word.
    pub names: &'a Names,
}

/// Takes sentences as they are ready.
pub type OnSentence<'a> = &'a mut (dyn FnMut(&str) + Send);

/// Explains reports.
pub trait Narrator: Send + Sync {
    /// Explains a report; sentences that hold are passed on as they come.
    ///
    /// # Errors
    /// One line for the user: why it did not work. Sentences passed on before still hold.
    fn narrate<'a>(
        &'a self,
        material: Material<'a>,
        on_sentence: OnSentence<'a>,
    ) -> BoxFuture<'a, Result<(), String>>;

    /// What it cost so far; nothing for a narrator that costs nothing.
    fn usage(&self) -> Option<LlmStats> {
        None
    }
}

/// The built-in narrator: strings together what the first hypothesis says.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuiltinNarrator;

impl Narrator for BuiltinNarrator {
    fn narrate<'a>(
        &'a self,
        material: Material<'a>,
        on_sentence: OnSentence<'a>,
    ) -> BoxFuture<'a, Result<(), String>> {
        let sentences = material.report.hypotheses.first().map(sentences).unwrap_or_default();
        sentences.iter().for_each(|sentence| on_sentence(sentence));
        Box::pin(std::future::ready(Ok(())))
    }
}

/// The summary, the chain and the first remedy, each with its evidence.
fn sentences(hypothesis: &Hypothesis) -> Vec<String> {
    let ids: Vec<&str> = hypothesis.evidence.iter().take(CITED).map(|item| item.id.as_str()).collect();
    if ids.is_empty() {
        return Vec::new();
    }
    let cited = |text: &str, ids: &[&str]| {
        let text = text.trim().trim_end_matches(['.', '!', '?']);
        format!("{text} [{}].", ids.join(", "))
    };
    let mut sentences = vec![cited(&hypothesis.summary, &ids)];
    for link in hypothesis.chain.iter().skip(1) {
        let own: Vec<&str> = link.evidence.iter().take(CITED).map(String::as_str).collect();
        if !own.is_empty() {
            sentences.push(cited(&format!("{}: {}", link.object, link.finding), &own));
        }
    }
    sentences.extend(hypothesis.remediation.first().map(|step| cited(&step.text, &ids)));
    sentences
}

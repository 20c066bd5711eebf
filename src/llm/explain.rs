//! Turns what a model tells into sentences that hold: each is checked before anybody sees it.

use super::error::LlmError;
use super::sentences::Splitter;
use super::verify::Verifier;
use crate::report::narrate::{Material, OnSentence};

/// Sentences of an explanation; the rest is left out.
const MOST_SENTENCES: usize = 20;

/// Collects an explanation.
pub(super) struct Teller<'a, Show> {
    verifier: Verifier<'a>,
    splitter: Splitter,
    /// Puts names in place of pseudonyms.
    show: Show,
    on_sentence: OnSentence<'a>,
    kept: usize,
}

impl<'a, Show: Fn(&str) -> String> Teller<'a, Show> {
    pub(super) fn new(material: Material<'a>, show: Show, on_sentence: OnSentence<'a>) -> Self {
        Self { verifier: Verifier::new(material), splitter: Splitter::default(), show, on_sentence, kept: 0 }
    }

    /// Takes text as it comes.
    pub(super) fn push(&mut self, text: &str) {
        for sentence in self.splitter.push(text) {
            self.judge(&sentence);
        }
    }

    fn judge(&mut self, sentence: &str) {
        if self.kept >= MOST_SENTENCES {
            return;
        }
        match self.verifier.check(&(self.show)(sentence)) {
            Ok(sentence) => {
                (self.on_sentence)(&sentence);
                self.kept += 1;
            }
            Err(reason) => tracing::debug!(%reason, "a sentence of the LLM does not hold"),
        }
    }

    /// Ends the explanation; an error where nothing of it held.
    pub(super) fn finish(mut self) -> Result<(), LlmError> {
        if let Some(rest) = std::mem::take(&mut self.splitter).finish() {
            self.judge(&rest);
        }
        if self.kept == 0 { Err(LlmError::Unsupported) } else { Ok(()) }
    }
}

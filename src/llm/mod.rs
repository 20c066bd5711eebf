//! The language model: reads a description, words a result, decides nothing.
//!
//! Off unless `--llm`, SRE_ORCH_LLM or the configuration file names a provider. What leaves the
//! machine is the description, and for an explanation the redacted evidence. What comes back is
//! validated: names are grounded in the cluster, sentences in the evidence. This module may not
//! touch hypotheses, their order or their confidence, and everything works without it.

mod client;
mod error;
mod explain;
mod prompt;
mod pseudonym;
mod reading;
mod sentences;
mod settings;
mod show;
mod sse;
mod verify;
mod wire;

pub use client::Client;
pub use error::LlmError;
pub use reading::reading_schema;
pub use settings::{Choice, Environment, Options, Provider, Settings, SettingsError};
pub use show::Show;

use std::sync::Mutex;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::intent::{IntentParser, ParsedIntent, Question};
use crate::report::model::LlmStats;
use crate::report::narrate::{Material, Narrator, OnSentence};
use pseudonym::Pseudonyms;

/// An explanation may take so many times as long as reading a description.
const EXPLAIN_BUDGETS: u32 = 6;

/// A language model that helps an investigation.
pub struct Llm {
    client: Client,
    pseudonyms: Option<Mutex<Pseudonyms>>,
}

impl Llm {
    /// A helper by these settings; calls nobody yet.
    ///
    /// # Errors
    /// Where no HTTP client can be made of the settings, such as for a certificate that is none.
    pub fn new(settings: Settings) -> Result<Self, LlmError> {
        let pseudonyms = settings.pseudonyms.then(Mutex::default);
        Ok(Self { client: Client::new(settings)?, pseudonyms })
    }

    /// Who answers, for people: provider, model and address.
    pub fn about(&self) -> String {
        self.client.settings().about()
    }

    /// One cheap call, to see whether the provider answers: how long it took.
    ///
    /// # Errors
    /// Why it did not.
    pub async fn check(&self) -> Result<Duration, LlmError> {
        let started = std::time::Instant::now();
        match self.client.ask(&prompt::check(), self.client.settings().timeout).await {
            // A model that thinks before it speaks spends the few tokens on that: it is there.
            Ok(_) | Err(LlmError::Truncated) => Ok(started.elapsed()),
            Err(error) => Err(error),
        }
    }

    async fn read(&self, question: Question<'_>) -> Result<Option<ParsedIntent>, LlmError> {
        let ask = prompt::read(question.description, &self.hidden(question.names));
        let answer = self.client.ask(&ask, self.client.settings().timeout).await?;
        let reading = reading::parse(&answer, &self.shown()).inspect_err(|error| self.client.note(error))?;
        Ok(reading.map(crate::intent::Reading::into_intent))
    }

    async fn tell(&self, material: Material<'_>, on_sentence: OnSentence<'_>) -> Result<(), LlmError> {
        let ask = prompt::explain(material.report, &self.hidden(material.names))?;
        let budget = self.client.settings().timeout * EXPLAIN_BUDGETS;
        let mut teller = explain::Teller::new(material, self.shown(), on_sentence);
        self.client.stream(&ask, budget, &mut |text| teller.push(text)).await?;
        teller.finish()
    }

    /// Puts pseudonyms in a text that leaves.
    fn hidden<'a>(&'a self, names: &'a crate::intent::Names) -> impl Fn(&str) -> String + 'a {
        move |text| pseudonym::locked(self.pseudonyms.as_ref(), text, |known, text| known.hide(text, names))
    }

    /// Puts the names back in a text that came.
    fn shown(&self) -> impl Fn(&str) -> String + Send + '_ {
        move |text| pseudonym::locked(self.pseudonyms.as_ref(), text, |known, text| known.reveal(text))
    }
}

impl IntentParser for Llm {
    fn name(&self) -> &'static str {
        "llm"
    }

    fn parse<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Result<Option<ParsedIntent>, String>> {
        Box::pin(async move {
            self.read(question).await.map_err(|error| {
                format!(
                    "{} could not help to read the description: {error}; the built-in parser did",
                    self.client.settings().provider
                )
            })
        })
    }

    fn usage(&self) -> Option<LlmStats> {
        Some(self.client.usage())
    }
}

impl Narrator for Llm {
    fn narrate<'a>(
        &'a self,
        material: Material<'a>,
        on_sentence: OnSentence<'a>,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            self.tell(material, on_sentence).await.map_err(|error| {
                format!(
                    "{} could not explain the result: {error}; the report is complete without it",
                    self.client.settings().provider
                )
            })
        })
    }

    fn usage(&self) -> Option<LlmStats> {
        Some(self.client.usage())
    }
}

//! `--llm-show`: prints what would be sent, byte for byte, and sends nothing.

use futures::future::BoxFuture;

use super::wire::Ask;
use super::{Llm, LlmError, prompt};
use crate::intent::{GroundedIntent, IntentParser, ParsedIntent, Question};
use crate::report::narrate::{Material, Narrator, OnSentence};

/// Shows instead of asking.
pub struct Show {
    llm: Llm,
    print: Box<dyn Fn(&str) + Send + Sync>,
}

impl Show {
    /// Shows what this helper would send.
    pub fn new(llm: Llm, print: Box<dyn Fn(&str) + Send + Sync>) -> Self {
        Self { llm, print }
    }

    fn show(&self, why: &str, ask: &Ask, stream: bool) {
        let settings = self.llm.client.settings();
        let body = self.llm.client.body(ask, stream);
        let mut url = settings.url.clone();
        // An address may hold credentials.
        let _ = url.set_password(None);
        let _ = url.set_username("");
        (self.print)(&format!(
            "{why}; not sent (--llm-show):\nPOST {url}\ncontent-type: application/json\n{}\n{body}\n",
            settings.shown_headers()
        ));
    }
}

impl IntentParser for Show {
    fn name(&self) -> &'static str {
        "llm"
    }

    /// Always: who asks what would be sent wants to see it.
    fn is_needed(&self, _: &GroundedIntent) -> bool {
        true
    }

    fn parse<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Result<Option<ParsedIntent>, String>> {
        let hide = self.llm.hidden(question.names);
        let ask = prompt::read(question.description, &hide);
        self.show("To read the description, where the built-in parser finds no object in it", &ask, false);
        Box::pin(std::future::ready(Ok(None)))
    }
}

impl Narrator for Show {
    fn narrate<'a>(&'a self, material: Material<'a>, _: OnSentence<'a>) -> BoxFuture<'a, Result<(), String>> {
        match prompt::explain(material.report, &self.llm.hidden(material.names)) {
            Ok(ask) => self.show("To explain the result", &ask, true),
            Err(LlmError::NoEvidence) => (self.print)("Nothing would be sent to explain the result\n"),
            Err(error) => (self.print)(&format!("Nothing would be sent to explain the result: {error}\n")),
        }
        Box::pin(std::future::ready(Ok(())))
    }
}

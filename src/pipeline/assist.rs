//! Where a language model may help: reading the description, and wording the report.
//!
//! What it cannot do is a warning, and the built-in parser and narrator do it instead.

use super::{Clock, Investigation, Progress};
use crate::intent::{IntentParser, ParsedIntent, Question};
use crate::report::narrate::{BuiltinNarrator, Material, Narrator, OnSentence};

/// Asks another parser than the built-in one; gives its name with what it read.
pub(super) async fn ask(
    parser: Option<&dyn IntentParser>,
    question: Question<'_>,
    progress: &dyn Progress,
) -> Option<(&'static str, ParsedIntent)> {
    let parser = parser?;
    match parser.parse(question).await {
        Ok(parsed) => parsed.map(|parsed| (parser.name(), parsed)),
        Err(problem) => {
            progress.warn(&problem);
            None
        }
    }
}

/// Has a report explained in words, for its `narrative`; nothing else of it changes but effort.
///
/// Where the narrator fails, that is a warning: what it told before stays, and where it told
/// nothing the built-in narrator words the result.
pub async fn explain(
    investigation: &mut Investigation,
    narrator: &dyn Narrator,
    progress: &dyn Progress,
    on_sentence: OnSentence<'_>,
) {
    let mut clock = Clock::default();
    progress.phase("Explaining");
    let material = Material { report: &investigation.report, names: &investigation.names };
    let mut told: Vec<String> = Vec::new();
    let mut keep = |sentence: &str| {
        on_sentence(sentence);
        told.push(sentence.to_owned());
    };
    let outcome = narrator.narrate(material, &mut keep).await;
    if let Err(problem) = outcome {
        progress.warn(&problem);
        if told.is_empty() {
            let mut keep = |sentence: &str| {
                on_sentence(sentence);
                told.push(sentence.to_owned());
            };
            // It cannot fail.
            let _ = BuiltinNarrator.narrate(material, &mut keep).await;
        }
    }
    clock.lap("explain");
    let report = &mut investigation.report;
    report.narrative = Some(told.join(" ")).filter(|told| !told.is_empty());
    report.stats.phases_ms.append(&mut clock.laps);
    report.stats.llm = narrator.usage().or(report.stats.llm.take());
}

//! The language model on the command line: made of settings, asked or shown, told as it comes.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::anyhow;

use crate::intent::IntentParser;
use crate::llm::{self, Llm, Show};
use crate::pipeline::{self, Investigation};
use crate::report::narrate::{BuiltinNarrator, Narrator};

use super::doctor::{Check, Health};
use super::error::{CliError, ErrorKind, Exit};
use super::session;
use super::settings;
use super::ui::Ui;

/// Who helps: a model that is asked, or one whose questions are shown.
pub(super) enum Assistant {
    /// Asks it.
    Asks(Llm),
    /// Shows what it would be asked.
    Shows(Show),
}

impl Assistant {
    /// Who the settings say; nobody where no LLM is wanted, or none is there.
    pub(super) fn new(settings: &settings::Llm, ui: &Ui) -> Result<Option<Arc<Self>>, CliError> {
        let Some(provider) = settings.settings.clone() else {
            if settings.found_none {
                ui.warn(NO_PROVIDER);
            }
            return Ok(None);
        };
        let llm = Llm::new(provider).map_err(failed)?;
        Ok(Some(Arc::new(match settings.show {
            true => Self::Shows(Show::new(llm, Box::new(show))),
            false => Self::Asks(llm),
        })))
    }

    pub(super) fn parser(&self) -> &dyn IntentParser {
        match self {
            Self::Asks(llm) => llm,
            Self::Shows(show) => show,
        }
    }

    fn narrator(&self) -> &dyn Narrator {
        match self {
            Self::Asks(llm) => llm,
            Self::Shows(show) => show,
        }
    }
}

const NO_PROVIDER: &str = "--llm auto finds no provider: none of OPENAI_API_KEY, OPENAI_BASE_URL, AZURE_OPENAI_ENDPOINT, \
     ANTHROPIC_API_KEY, GEMINI_API_KEY and OLLAMA_HOST is set; going on without";

/// Settings that no client can be made of.
fn failed(error: llm::LlmError) -> CliError {
    CliError::config(error)
}

fn show(text: &str) {
    // There is nobody to tell that stderr is closed.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Has a report explained; sentences are printed as they come where `streams`.
///
/// Ctrl-C ends the explanation only: the report is whole, with what was told so far left out.
pub(super) fn explain(
    investigation: &mut Investigation,
    assistant: Option<Arc<Assistant>>,
    streams: bool,
    ui: &Ui,
) -> Result<Exit, CliError> {
    let stopped = Arc::new(AtomicBool::new(false));
    let given = Arc::clone(&stopped);
    let mut explained = investigation.clone();
    let printer = *ui;
    let result = session::run(ui, !streams, move |reporter| async move {
        let mut begun = false;
        let mut print = |sentence: &str| {
            if streams && !given.load(Ordering::Relaxed) {
                let label = if std::mem::replace(&mut begun, true) { "" } else { "\nIn words\n" };
                // Whoever read has gone; the report was printed before.
                let _ = printer.print(format!("{label}  {sentence}\n"));
            }
        };
        let narrator: &dyn Narrator = match &assistant {
            Some(assistant) => assistant.narrator(),
            None => &BuiltinNarrator,
        };
        pipeline::explain(&mut explained, narrator, &*reporter, &mut print).await;
        Ok(explained)
    });
    stopped.store(true, Ordering::Relaxed);
    match result {
        Ok(explained) => {
            *investigation = explained;
            Ok(Exit::Done)
        }
        Err(error) if error.kind == ErrorKind::Interrupted => {
            ui.warn("interrupted: the explanation was not finished; the report is complete without it");
            Ok(error.exit())
        }
        Err(error) => Err(error),
    }
}

/// Asks the model one cheap question; nothing where there is none.
pub(super) async fn check(settings: settings::Llm) -> Result<Vec<Check>, CliError> {
    let Some(provider) = settings.settings else {
        let missing =
            Check { name: "LLM".to_owned(), health: Health::Limited, detail: NO_PROVIDER.to_owned() };
        return Ok(settings.found_none.then_some(missing).into_iter().collect());
    };
    let in_clear = provider.is_readable_on_the_way();
    let about = provider.about();
    let llm = Llm::new(provider).map_err(failed)?;
    let (health, detail) = match llm.check().await {
        Ok(took) if in_clear => (
            Health::Limited,
            format!("{about} answered in {} ms; http: can be read on the way", took.as_millis()),
        ),
        Ok(took) => (Health::Good, format!("{about} answered in {} ms", took.as_millis())),
        Err(error) => (Health::Bad, anyhow!("{about}: {error}").to_string()),
    };
    Ok(vec![Check { name: "LLM".to_owned(), health, detail }])
}

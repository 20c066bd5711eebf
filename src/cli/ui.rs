//! Where output goes: results to stdout, the rest to stderr, colours as the user wants them.

use std::io::{self, IsTerminal, Write};

use anstyle::AnsiColor;

use super::error::{CliError, ErrorKind, Exit};
use super::values::Color;

/// Columns where stdout is no terminal and COLUMNS does not say.
const DEFAULT_WIDTH: usize = 120;

/// The program's output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ui {
    pub(super) color_out: bool,
    pub(super) color_err: bool,
    quiet: bool,
    verbose: bool,
}

impl Ui {
    pub(super) fn new(color: Option<Color>, quiet: bool) -> Self {
        let color = color.unwrap_or(Color::Auto);
        Self {
            color_out: use_color(color, io::stdout().is_terminal(), &variable),
            color_err: use_color(color, io::stderr().is_terminal(), &variable),
            quiet,
            verbose: false,
        }
    }

    pub(super) fn verbose(mut self, verbose: bool) -> Self {
        self.verbose = verbose;
        self
    }

    /// Whether progress may be drawn: on a terminal, and where nothing else writes to it.
    pub(super) fn draws_progress(&self) -> bool {
        !self.quiet && !self.verbose && io::stderr().is_terminal()
    }

    /// Columns for results.
    pub(super) fn width() -> usize {
        let columns = variable("COLUMNS").and_then(|columns| columns.trim().parse().ok());
        let terminal = || comfy_table::Table::new().width().map(usize::from);
        terminal().or(columns).filter(|columns| *columns > 0).unwrap_or(DEFAULT_WIDTH)
    }

    /// Writes a result to stdout.
    pub(super) fn print(&self, result: impl AsRef<[u8]>) -> Result<(), CliError> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(result.as_ref())?;
        Ok(stdout.flush()?)
    }

    /// Tells the user something that is no result.
    pub(super) fn note(&self, message: &str) {
        if !self.quiet {
            self.line(None, message);
        }
    }

    /// Warns the user.
    pub(super) fn warn(&self, message: &str) {
        if !self.quiet {
            self.line(Some(("warning", AnsiColor::Yellow)), message);
        }
    }

    /// Reports an error and returns how the program ends.
    pub(super) fn fail(&self, error: &CliError) -> Exit {
        if error.kind != ErrorKind::ClosedPipe {
            for (index, line) in error.lines().iter().enumerate() {
                self.line((index == 0).then_some(("error", AnsiColor::Red)), line);
            }
        }
        error.exit()
    }

    fn line(&self, label: Option<(&str, AnsiColor)>, message: &str) {
        let text = match label {
            Some((label, color)) if self.color_err => {
                let style = color.on_default().bold();
                format!("{style}{label}:{style:#} {message}\n")
            }
            Some((label, _)) => format!("{label}: {message}\n"),
            None => format!("{message}\n"),
        };
        // There is nobody to tell that stderr is closed.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Flag, then NO_COLOR, then CLICOLOR_FORCE, then whether it is a terminal that can.
fn use_color(choice: Color, terminal: bool, variable: &dyn Fn(&str) -> Option<String>) -> bool {
    match choice {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if variable("NO_COLOR").is_some() => false,
        Color::Auto if variable("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        Color::Auto => terminal && variable("TERM").is_none_or(|term| term != "dumb"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_follow_flag_then_environment_then_terminal() {
        let none: &dyn Fn(&str) -> Option<String> = &|_| None;
        let only = |wanted: &'static str| move |name: &str| (name == wanted).then(|| "1".to_owned());
        assert!(use_color(Color::Auto, true, none));
        assert!(!use_color(Color::Auto, false, none));
        assert!(use_color(Color::Always, false, &only("NO_COLOR")));
        assert!(!use_color(Color::Never, true, &only("CLICOLOR_FORCE")));
        assert!(!use_color(Color::Auto, true, &only("NO_COLOR")));
        assert!(use_color(Color::Auto, false, &only("CLICOLOR_FORCE")));
        assert!(!use_color(Color::Auto, true, &|name: &str| (name == "TERM").then(|| "dumb".to_owned())));
    }
}

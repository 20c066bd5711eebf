//! The page that `table` and `wide` write: labelled paragraphs with a hanging indent.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::Options;
use super::text::{columns, wrap, wrap_at_most};

/// Columns of the labels at the left.
const LABELS: usize = 10;

/// What a text is, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Strong,
    Label,
    Bad,
    Good,
    Unsure,
    Command,
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Strong => Style::new().bold(),
            Self::Label => AnsiColor::Cyan.on_default(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Good => AnsiColor::Green.on_default().bold(),
            Self::Unsure => AnsiColor::Yellow.on_default().bold(),
            Self::Command => AnsiColor::Green.on_default(),
        }
    }
}

/// Writes labelled paragraphs of one width.
pub(super) struct Page<'w> {
    out: &'w mut dyn Write,
    width: usize,
    color: bool,
}

impl<'w> Page<'w> {
    pub(super) fn new(options: &Options, out: &'w mut dyn Write) -> Self {
        // Narrower than this nothing fits, wider than this no eye follows.
        Self { out, width: options.width.clamp(40, 400), color: options.color }
    }

    /// Columns beside the labels.
    pub(super) fn inner(&self) -> usize {
        self.width - LABELS
    }

    fn paint(&self, tone: Tone, text: &str) -> String {
        if !self.color || tone == Tone::Plain || text.is_empty() {
            return text.to_owned();
        }
        let style = tone.style();
        format!("{style}{text}{style:#}")
    }

    /// An empty line.
    pub(super) fn gap(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// A paragraph over the whole width.
    pub(super) fn paragraph(&mut self, tone: Tone, text: &str) -> io::Result<()> {
        for line in wrap(text, self.width) {
            let line = self.paint(tone, &line);
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    /// A paragraph over the whole width, of at most so many lines.
    pub(super) fn short_paragraph(&mut self, text: &str, most: usize) -> io::Result<()> {
        for line in wrap_at_most(text, self.width, most) {
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    /// A line already fitted to [`Page::inner`]; the label stands in the first line of a section only.
    pub(super) fn row(&mut self, label: &str, tone: Tone, text: &str) -> io::Result<()> {
        let label = self.paint(Tone::Label, &format!("{label:<LABELS$}"));
        let line = format!("{label}{}", self.paint(tone, text));
        writeln!(self.out, "{}", line.trim_end())
    }

    /// A labelled paragraph.
    pub(super) fn field(&mut self, label: &str, text: &str) -> io::Result<()> {
        self.rows(label, &wrap(text, self.inner()))
    }

    /// A labelled paragraph of at most so many lines.
    pub(super) fn short_field(&mut self, label: &str, text: &str, most: usize) -> io::Result<()> {
        self.rows(label, &wrap_at_most(text, self.inner(), most))
    }

    /// A labelled paragraph behind a mark such as `1.` or `→`, to which its lines are aligned.
    pub(super) fn item(&mut self, label: &str, mark: &str, text: &str, most: usize) -> io::Result<()> {
        let indent = columns(mark) + 1;
        let mut lines = wrap_at_most(text, self.inner().saturating_sub(indent), most);
        for (index, line) in lines.iter_mut().enumerate() {
            let before = if index == 0 { mark } else { "" };
            *line = format!("{before}{}{line}", " ".repeat(indent - columns(before)));
        }
        self.rows(label, &lines)
    }

    fn rows(&mut self, label: &str, lines: &[String]) -> io::Result<()> {
        for (index, line) in lines.iter().enumerate() {
            self.row(if index == 0 { label } else { "" }, Tone::Plain, line)?;
        }
        Ok(())
    }

    /// A command, never wrapped or shortened, so that it can be copied.
    pub(super) fn command(&mut self, command: &str) -> io::Result<()> {
        for (index, line) in command.lines().enumerate() {
            let mark = if index == 0 { "   $ " } else { "     " };
            self.row("", Tone::Command, &format!("{mark}{line}"))?;
        }
        Ok(())
    }
}

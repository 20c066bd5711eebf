//! Renderings of a report: pure functions of the report and [`Options`], writing to any writer.
//!
//! They know neither terminal nor environment: width and colour are decided by the caller. Text
//! from the cluster is data: escapes are stripped in what people read, and each format quotes it in
//! its own way, so that a log line can open no link, mention nobody and end no element.

mod json;
mod junit;
mod markdown;
mod page;
mod phrases;
mod table;
mod text;
mod wide;
mod yaml;

use std::io::{self, Write};

use super::model::{Level, Report};

/// The renderings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For a terminal: the answer on one screen.
    Table,
    /// For a terminal: everything.
    Wide,
    /// The report as it is, as JSON.
    Json,
    /// The report as it is, as YAML.
    Yaml,
    /// To paste into an incident's channel.
    Markdown,
    /// Test cases for CI.
    Junit,
}

/// What a rendering depends on beside the report.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether escape sequences for colours are written.
    pub color: bool,
    /// At most so many hypotheses in `table`, `wide` and `markdown`.
    pub top: usize,
    /// In `junit`, a case of this confidence or more has failed.
    pub fail_on: Level,
}

impl Default for Options {
    fn default() -> Self {
        Self { width: 80, color: false, top: 3, fail_on: Level::Medium }
    }
}

/// Writes anything as YAML that parsers of YAML 1.1 and 1.2 read alike.
///
/// # Errors
/// Where it cannot be serialized, and the writer's own.
pub fn write_yaml(value: &impl serde::Serialize, out: &mut dyn Write) -> io::Result<()> {
    yaml::write(value, out)
}

/// Writes a report in a format.
///
/// # Errors
/// Only the writer's own.
pub fn render(report: &Report, format: Format, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Table => table::render(report, options, out),
        Format::Wide => wide::render(report, options, out),
        Format::Json => json::render(report, out),
        Format::Yaml => yaml::render(report, out),
        Format::Markdown => markdown::render(report, options, out),
        Format::Junit => junit::render(report, options, out),
    }
}

//! `-o markdown`: to paste into an incident's channel.
//!
//! Cluster text stands in code spans or is escaped, so that it makes no link, mention, heading or HTML.

use std::io::{self, Write};

use crate::report::model::{Finding, Hypothesis, Report, Step};

use super::table::source_word;
use super::text::oneline;
use super::{Options, phrases};

pub(super) fn render(report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "## {}\n", prose(&phrases::verdict(report)))?;
    if !report.description.is_empty() {
        writeln!(out, "> {}\n", prose(&report.description))?;
    }
    let shown = report.hypotheses.iter().take(options.top.max(1));
    let (minor, major): (Vec<_>, Vec<_>) = shown.partition(|one| phrases::is_minor(report, one));
    for (index, hypothesis) in major.into_iter().enumerate() {
        if index > 0 {
            writeln!(out, "## Or: {}\n", prose(&hypothesis.title))?;
        }
        detail(report, hypothesis, out)?;
    }
    less_likely(&minor, out)?;
    findings("Other findings", &report.other_findings, out)?;
    findings("Hygiene", &report.hygiene, out)?;
    if !report.ignored.is_empty() {
        writeln!(out, "### Ignored\n")?;
        for known in &report.ignored {
            writeln!(
                out,
                "- {} on {}: {}",
                code(&known.cause),
                code(&known.object.to_string()),
                prose(&known.reason)
            )?;
        }
        writeln!(out)?;
    }
    not_seen(report, out)?;
    if let Some(narrative) = &report.narrative {
        writeln!(out, "### In words\n\n{}\n", prose(narrative))?;
    }
    writeln!(
        out,
        "Examined: {}. sre-orch {}, report {}.",
        prose(&phrases::examined(report)),
        prose(&report.tool.version),
        code(&report.id)
    )
}

/// A line each.
fn less_likely(hypotheses: &[&Hypothesis], out: &mut dyn Write) -> io::Result<()> {
    if hypotheses.is_empty() {
        return Ok(());
    }
    writeln!(out, "### Less likely\n")?;
    for one in hypotheses {
        let (object, confidence) = (code(&one.object.to_string()), &one.confidence);
        let (level, score) = (confidence.level.as_str(), confidence.score);
        writeln!(out, "- {object} {} ({level}, {score:.2}): {}", code(&one.cause), prose(&one.title))?;
    }
    writeln!(out)
}

fn detail(report: &Report, hypothesis: &Hypothesis, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "**{}** ({})\n", code(&hypothesis.object.to_string()), code(&hypothesis.cause))?;
    writeln!(out, "{}\n", prose(&hypothesis.summary))?;
    writeln!(out, "**Confidence** {}\n", prose(&phrases::confidence(&hypothesis.confidence)))?;
    if !hypothesis.chain.is_empty() {
        writeln!(out, "### Chain\n")?;
        for (index, link) in hypothesis.chain.iter().enumerate() {
            let arrow = if index == 0 { "" } else { "→ " };
            writeln!(out, "- {arrow}{}: {}", code(&link.object.to_string()), prose(&link.finding))?;
        }
        writeln!(out)?;
    }
    evidence(report, hypothesis, out)?;
    if !hypothesis.changes.is_empty() {
        writeln!(out, "### Changes\n")?;
        for change in &hypothesis.changes {
            let when = change.when.map(|time| phrases::clock_and_age(time, report.source.captured_at));
            let when = when.map(|when| format!("{} ", prose(&when))).unwrap_or_default();
            writeln!(out, "- {when}{}: {}", code(&change.object.to_string()), code(&change.what))?;
        }
        writeln!(out)?;
    }
    steps("What to do", &hypothesis.remediation, out)?;
    steps("What to check", &hypothesis.checks, out)
}

fn evidence(report: &Report, hypothesis: &Hypothesis, out: &mut dyn Write) -> io::Result<()> {
    if hypothesis.evidence.is_empty() {
        return Ok(());
    }
    writeln!(out, "### Evidence\n")?;
    for item in &hypothesis.evidence {
        let object = code(&item.object.to_string());
        let observed = code(&phrases::observation(item));
        let often = if item.count > 1 { format!(", {} times", item.count) } else { String::new() };
        let time = item.time.map(|time| phrases::clock(time, report.source.captured_at));
        let time = time.map(|time| format!(", {}", prose(&time))).unwrap_or_default();
        writeln!(out, "- {} on {object}: {observed}{often}{time}", source_word(item))?;
    }
    writeln!(out)
}

fn steps(heading: &str, steps: &[Step], out: &mut dyn Write) -> io::Result<()> {
    if steps.is_empty() {
        return Ok(());
    }
    writeln!(out, "### {heading}\n")?;
    for (index, step) in steps.iter().enumerate() {
        writeln!(out, "{}. {}", index + 1, prose(&step.text))?;
        if let Some(command) = &step.command {
            let command = crate::redact::strip_escapes(command);
            let fence = "`".repeat(longest_run(&command).max(2) + 1);
            writeln!(out, "\n   {fence}sh")?;
            for line in command.lines() {
                writeln!(out, "   {line}")?;
            }
            writeln!(out, "   {fence}")?;
        }
    }
    writeln!(out)
}

fn findings(heading: &str, findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    writeln!(out, "### {heading}\n")?;
    for finding in findings {
        let (level, score) = (finding.confidence.level.as_str(), finding.confidence.score);
        let object = code(&finding.object.to_string());
        writeln!(
            out,
            "- {object} {} ({level}, {score:.2}): {}",
            code(&finding.cause),
            prose(&finding.summary)
        )?;
    }
    writeln!(out)
}

/// Names without an object, and blind spots with what would remove them.
fn not_seen(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let intent = &report.intent;
    if report.blind_spots.is_empty() && intent.not_found.is_empty() && intent.ambiguous.is_empty() {
        return Ok(());
    }
    writeln!(out, "### Not seen\n")?;
    for missing in &intent.not_found {
        writeln!(out, "- {}", prose(&phrases::not_found(&missing.text, &missing.closest)))?;
    }
    for several in &intent.ambiguous {
        let matches: Vec<String> = several.matches.iter().map(|object| code(&object.to_string())).collect();
        writeln!(out, "- “{}” is the name of {}", prose(&several.text), matches.join(", "))?;
    }
    for spot in &report.blind_spots {
        let grant = spot.rbac.as_ref().map(|rule| format!(" ({})", phrases::grant(rule))).unwrap_or_default();
        writeln!(out, "- {}{}", prose(&phrases::blind_spot(spot)), prose(&grant))?;
    }
    writeln!(out)
}

/// Text outside of code: markup escaped, mentions and bare links broken by an invisible space.
fn prose(text: &str) -> String {
    const BREAK: char = '\u{200b}';
    let leading = if text.starts_with(' ') { " " } else { "" };
    let text = oneline(text);
    let mut result = String::from(leading);
    let mut before = ' ';
    for char in text.chars() {
        match char {
            '&' => result.push_str("&amp;"),
            '<' => result.push_str("&lt;"),
            '>' => result.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '!' | '{' | '}' | '$' => {
                result.push('\\');
                result.push(char);
            }
            '@' => result.extend([char, BREAK]),
            '+' | '-' | '=' if before == ' ' => result.extend(['\\', char]),
            '.' if result.to_ascii_lowercase().ends_with("www") => result.extend([BREAK, char]),
            char => result.push(char),
        }
        before = char;
    }
    result.replace("://", ":\u{200b}//")
}

/// A code span that its content cannot end.
fn code(text: &str) -> String {
    let text = oneline(text);
    if text.is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

fn longest_run(text: &str) -> usize {
    let mut longest = 0;
    let mut current = 0;
    for char in text.chars() {
        current = if char == '`' { current + 1 } else { 0 };
        longest = longest.max(current);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_has_no_markup() {
        assert_eq!(prose("<b>*a*</b>"), r"&lt;b&gt;\*a\*&lt;/b&gt;");
        assert_eq!(
            prose("[x](https://evil) @here www.evil"),
            "\\[x\\](https:\u{200b}//evil) @\u{200b}here www\u{200b}.evil"
        );
        assert_eq!(prose("a\n# b\n- c"), r"a \# b \- c");
        assert_eq!(prose("image: web"), "image: web");
    }

    #[test]
    fn code_is_closed_only_by_its_fence() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a``b`"), "``` a``b` ```");
        assert_eq!(code("a\n\nb"), "`a b`");
    }
}

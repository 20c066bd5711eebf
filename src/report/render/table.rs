//! `-o table`: one screen that says what is broken, why, how sure, what to do, what was not seen.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, presets};

use crate::cluster::ObjectRef;
use crate::report::model::{Confidence, EvidenceItem, Finding, Hypothesis, Report, Step, Verdict};

use super::page::{Page, Tone};
use super::text::{columns, elide, elide_middle, oneline};
use super::{Options, phrases};

/// How much of each list the first screen shows.
const SUMMARY_LINES: usize = 3;
const EVIDENCE: usize = 3;
const CHANGES: usize = 2;
const STEPS: usize = 2;
const FINDINGS: usize = 3;
const SPOTS: usize = 3;

pub(super) fn render(report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(options, out);
    headline(report, &mut page)?;
    let shown = report.hypotheses.get(..options.top.max(1)).unwrap_or(&report.hypotheses);
    if let Some((first, rest)) = shown.split_first() {
        hypothesis(report, first, &mut page)?;
        for (index, other) in rest.iter().enumerate() {
            let label = if index == 0 { "Or" } else { "" };
            brief(label, &other.title, &other.object, &other.confidence, &mut page)?;
        }
    }
    let mut cut = report.hypotheses.len() > shown.len() || shown.first().is_some_and(is_cut);
    cut |= findings("Also", &report.other_findings, &mut page)?;
    cut |= findings("Hygiene", &report.hygiene, &mut page)?;
    for (index, known) in report.ignored.iter().enumerate() {
        let text = format!("{} on {}: {}", known.cause, known.object, known.reason);
        page.short_field(if index == 0 { "Ignored" } else { "" }, &oneline(&text), 1)?;
    }
    names(report, &mut page)?;
    cut |= blind_spots(report, &mut page)?;
    if let Some(narrative) = &report.narrative {
        page.field("In words", &oneline(narrative))?;
    }
    let more = if cut { "; more with -o wide" } else { "" };
    page.short_field("Examined", &format!("{}{more}", phrases::examined(report)), 2)
}

/// Whether the first screen leaves a part of a hypothesis out.
fn is_cut(first: &Hypothesis) -> bool {
    first.evidence.len() > EVIDENCE
        || first.changes.len() > CHANGES
        || first.remediation.len() > STEPS
        || first.checks.len() > 1
}

/// The verdict; what was asked is not repeated, it stands right above in the terminal.
pub(super) fn headline(report: &Report, page: &mut Page<'_>) -> io::Result<()> {
    let tone = match report.verdict {
        Verdict::RootCause => Tone::Bad,
        Verdict::NoFault => Tone::Good,
        Verdict::Inconclusive => Tone::Unsure,
    };
    page.paragraph(tone, &phrases::verdict(report))
}

fn hypothesis(report: &Report, first: &Hypothesis, page: &mut Page<'_>) -> io::Result<()> {
    let object = phrases::object(&first.object, None);
    page.paragraph(Tone::Strong, &format!("{object} [{}]", oneline(&first.cause)))?;
    page.short_paragraph(&oneline(&first.summary), SUMMARY_LINES)?;
    page.gap()?;
    page.short_field("Sure", &phrases::confidence(&first.confidence), 1)?;
    chain(first, if page.inner() < 60 { 3 } else { 1 }, page)?;
    evidence(report, first, page)?;
    changes(report, first, CHANGES, page)?;
    steps("Do", &first.remediation, STEPS, page)?;
    match first.checks.first() {
        Some(Step { text, command: Some(command) }) if !command.contains('\n') => {
            page.row("Check", Tone::Command, &format!("$ {}  # {}", oneline(command), oneline(text)))
        }
        Some(check) => page.short_field("Check", &oneline(&check.text), 1),
        None => Ok(()),
    }
}

/// From the root to the symptom, an arrow and at most so many lines a link.
pub(super) fn chain(hypothesis: &Hypothesis, most: usize, page: &mut Page<'_>) -> io::Result<()> {
    for (index, link) in hypothesis.chain.iter().enumerate() {
        let object = phrases::object(&link.object, Some(&hypothesis.object));
        let text = format!("{object}: {}", oneline(&link.finding));
        let (label, mark) = if index == 0 { ("Chain", "•") } else { ("", "→") };
        page.item(label, mark, text.trim_end_matches([':', ' ']), most)?;
    }
    Ok(())
}

fn evidence(report: &Report, hypothesis: &Hypothesis, page: &mut Page<'_>) -> io::Result<()> {
    let shown = hypothesis.evidence.get(..EVIDENCE).unwrap_or(&hypothesis.evidence);
    let lines = if page.inner() < 60 {
        shown.iter().map(|item| narrow(hypothesis, item, page.inner())).collect()
    } else {
        evidence_table(report, hypothesis, shown, page.inner())
    };
    for (index, line) in lines.iter().enumerate() {
        page.row(if index == 0 { "Evidence" } else { "" }, Tone::Plain, line)?;
    }
    Ok(())
}

fn narrow(hypothesis: &Hypothesis, item: &EvidenceItem, width: usize) -> String {
    let object = phrases::object(&item.object, Some(&hypothesis.object));
    let text = format!("{} {}", elide_middle(&object, width / 2), phrases::observation(item));
    elide(&text, width)
}

/// One line each: where from, on what, what, how often, when.
fn evidence_table(
    report: &Report,
    hypothesis: &Hypothesis,
    shown: &[EvidenceItem],
    width: usize,
) -> Vec<String> {
    const GAPS: usize = 8;
    // On a narrow page what was observed matters more than when, and than the whole name of a pod.
    let roomy = width >= 90;
    let captured = report.source.captured_at.filter(|_| roomy);
    let cells: Vec<[String; 5]> = shown
        .iter()
        .map(|item| {
            [
                source_word(item).to_owned(),
                phrases::object(&item.object, Some(&hypothesis.object)),
                phrases::observation(item),
                if item.count > 1 { format!("×{}", item.count) } else { String::new() },
                item.time.filter(|_| roomy).map(|time| phrases::clock(time, captured)).unwrap_or_default(),
            ]
        })
        .collect();
    let widest = |column: usize| {
        cells.iter().filter_map(|row| row.get(column)).map(|cell| columns(cell)).max().unwrap_or(0)
    };
    let object_width = widest(1).min(width * 3 / 10);
    let fixed = widest(0) + object_width + widest(3) + widest(4) + GAPS;
    let observation_width = width.saturating_sub(fixed).max(16);
    let mut table = Table::new();
    table.load_style(presets::NOTHING).force_no_tty().set_content_arrangement(ContentArrangement::Disabled);
    for [source, object, observation, count, time] in cells {
        table.add_row([
            source,
            elide_middle(&object, object_width),
            elide(&observation, observation_width),
            count,
            time,
        ]);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((if index == 0 { 0 } else { 2 }, 0));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// The word for where a piece of evidence comes from, as in the report.
pub(super) fn source_word(item: &EvidenceItem) -> &'static str {
    use crate::evidence::Source;
    match item.source {
        Source::Status => "status",
        Source::Spec => "spec",
        Source::Event => "event",
        Source::Log => "log",
        Source::Metric => "metric",
        Source::Alert => "alert",
        Source::Change => "change",
        Source::Absence => "absence",
    }
}

/// What changed, when, and on what where that is another object.
pub(super) fn changes(
    report: &Report,
    hypothesis: &Hypothesis,
    most: usize,
    page: &mut Page<'_>,
) -> io::Result<()> {
    for (index, change) in hypothesis.changes.iter().take(most).enumerate() {
        let when = change.when.map(|time| phrases::clock_and_age(time, report.source.captured_at));
        let other = (change.object != hypothesis.object)
            .then(|| phrases::object(&change.object, Some(&hypothesis.object)));
        let parts: Vec<String> = when.into_iter().chain(other).chain([oneline(&change.what)]).collect();
        page.field(if index == 0 { "Changed" } else { "" }, &parts.join(" · "))?;
    }
    Ok(())
}

/// What to do or to look at, with commands.
pub(super) fn steps(label: &str, steps: &[Step], most: usize, page: &mut Page<'_>) -> io::Result<()> {
    for (index, step) in steps.iter().take(most).enumerate() {
        let label = if index == 0 { label } else { "" };
        page.item(label, &format!("{}.", index + 1), &oneline(&step.text), usize::MAX)?;
        if let Some(command) = &step.command {
            page.command(&crate::redact::strip_escapes(command))?;
        }
    }
    Ok(())
}

/// Writes the first findings and returns whether there are more.
fn findings(label: &str, findings: &[Finding], page: &mut Page<'_>) -> io::Result<bool> {
    for (index, finding) in findings.iter().take(FINDINGS).enumerate() {
        let text = format!("{}: {}", oneline(&finding.cause), oneline(&finding.summary));
        let label = if index == 0 { label } else { "" };
        brief(label, &text, &finding.object, &finding.confidence, page)?;
    }
    Ok(findings.len() > FINDINGS)
}

/// A fault in one line, or two on a narrow page.
fn brief(
    label: &str,
    text: &str,
    object: &ObjectRef,
    confidence: &Confidence,
    page: &mut Page<'_>,
) -> io::Result<()> {
    let object = elide_middle(&phrases::object(object, None), page.inner() / 2);
    let line = format!("{object} ({} {:.2}) {}", confidence.level.as_str(), confidence.score, oneline(text));
    page.short_field(label, &line, if page.inner() < 60 { 2 } else { 1 })
}

/// Names that were not found or found several times.
pub(super) fn names(report: &Report, page: &mut Page<'_>) -> io::Result<()> {
    let missing = report.intent.not_found.iter().map(|name| phrases::not_found(&name.text, &name.closest));
    let several = report.intent.ambiguous.iter().map(|several| {
        let matches: Vec<String> =
            several.matches.iter().map(|object| phrases::object(object, None)).collect();
        format!("several objects are named “{}”: {}", oneline(&several.text), matches.join(", "))
    });
    for (index, text) in missing.chain(several).enumerate() {
        page.short_field(if index == 0 { "Names" } else { "" }, &text, 2)?;
    }
    Ok(())
}

/// Writes the first blind spots and returns whether there are more.
fn blind_spots(report: &Report, page: &mut Page<'_>) -> io::Result<bool> {
    for (index, spot) in report.blind_spots.iter().take(SPOTS).enumerate() {
        page.short_field(if index == 0 { "Not seen" } else { "" }, &phrases::blind_spot(spot), 2)?;
        if let Some(rule) = &spot.rbac {
            page.short_field("", &phrases::grant(rule), 1)?;
        }
    }
    Ok(report.blind_spots.len() > SPOTS)
}

//! `-o wide`: all that the report knows, for a wide terminal or a pager.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, presets};

use crate::report::model::{Finding, Hypothesis, Report};

use super::page::{Page, Tone};
use super::table::{chain, changes, headline, names, source_word, steps};
use super::text::{elide_middle, oneline};
use super::{Options, phrases};

pub(super) fn render(report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(options, out);
    headline(report, &mut page)?;
    for hypothesis in report.hypotheses.iter().take(options.top.max(1)) {
        page.gap()?;
        detail(report, hypothesis, &mut page)?;
    }
    page.gap()?;
    findings("Also", &report.other_findings, &mut page)?;
    findings("Hygiene", &report.hygiene, &mut page)?;
    for known in &report.ignored {
        page.field("Ignored", &oneline(&format!("{} on {}: {}", known.cause, known.object, known.reason)))?;
    }
    names(report, &mut page)?;
    for spot in &report.blind_spots {
        page.field("Not seen", &phrases::blind_spot(spot))?;
        if let Some(rule) = &spot.rbac {
            page.field("", &phrases::grant(rule))?;
        }
    }
    if let Some(narrative) = &report.narrative {
        page.field("In words", &oneline(narrative))?;
    }
    intent(report, &mut page)?;
    page.field("Examined", &phrases::examined(report))?;
    page.field("", &counts(report))?;
    effort(report, &mut page)
}

fn detail(report: &Report, hypothesis: &Hypothesis, page: &mut Page<'_>) -> io::Result<()> {
    page.paragraph(Tone::Strong, &oneline(&format!("{} [{}]", hypothesis.object, hypothesis.cause)))?;
    page.field("What", &oneline(&format!("{} ({})", hypothesis.title, hypothesis.category)))?;
    page.field("", &oneline(&hypothesis.summary))?;
    page.field("Sure", &phrases::confidence(&hypothesis.confidence))?;
    chain(hypothesis, usize::MAX, page)?;
    evidence(report, hypothesis, page)?;
    changes(report, hypothesis, usize::MAX, page)?;
    steps("Do", &hypothesis.remediation, usize::MAX, page)?;
    steps("Check", &hypothesis.checks, usize::MAX, page)
}

/// A table where there is room for one, else a paragraph each.
fn evidence(report: &Report, hypothesis: &Hypothesis, page: &mut Page<'_>) -> io::Result<()> {
    if hypothesis.evidence.is_empty() {
        return Ok(());
    }
    if page.inner() < 100 {
        for (index, item) in hypothesis.evidence.iter().enumerate() {
            let object = phrases::object(&item.object, Some(&hypothesis.object));
            let time =
                item.time.map(|time| phrases::clock(time, report.source.captured_at)).unwrap_or_default();
            let parts = [
                source_word(item).to_owned(),
                object,
                oneline(&item.path),
                oneline(&item.value),
                oneline(&item.excerpt),
                format!("×{}", item.count),
                time,
            ];
            let text: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            page.item(
                if index == 0 { "Evidence" } else { "" },
                &oneline(&item.id),
                &text.join(" · "),
                usize::MAX,
            )?;
        }
        return Ok(());
    }
    let width = page.inner();
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .force_no_tty()
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(width).unwrap_or(u16::MAX))
        .set_header(["ID", "SOURCE", "OBJECT", "PATH", "VALUE", "EXCERPT", "COUNT", "TIME"]);
    for item in &hypothesis.evidence {
        table.add_row([
            oneline(&item.id),
            source_word(item).to_owned(),
            elide_middle(&phrases::object(&item.object, Some(&hypothesis.object)), width / 4),
            elide_middle(&oneline(&item.path), width / 4),
            oneline(&item.value),
            oneline(&item.excerpt),
            format!("×{}", item.count),
            item.time.map(|time| phrases::clock(time, report.source.captured_at)).unwrap_or_default(),
        ]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    for (index, line) in lines.iter().enumerate() {
        page.row(if index == 0 { "Evidence" } else { "" }, Tone::Plain, line)?;
    }
    Ok(())
}

fn findings(label: &str, findings: &[Finding], page: &mut Page<'_>) -> io::Result<()> {
    for (index, finding) in findings.iter().enumerate() {
        let confidence = &finding.confidence;
        let text = format!(
            "{} [{}] ({} {:.2}) {}",
            finding.object,
            finding.cause,
            confidence.level.as_str(),
            confidence.score,
            finding.summary
        );
        page.field(if index == 0 { label } else { "" }, &oneline(&text))?;
    }
    Ok(())
}

/// How the description was understood.
fn intent(report: &Report, page: &mut Page<'_>) -> io::Result<()> {
    let intent = &report.intent;
    let objects = intent.objects.iter().map(|object| {
        let namespace =
            object.namespace.as_ref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
        format!("{} {namespace}{} (“{}”)", object.kind, object.name, object.matched)
    });
    let symptoms: Vec<&str> = intent.symptoms.iter().map(|symptom| symptom.as_str()).collect();
    let mut parts = Vec::new();
    for (name, value) in [
        ("description", report.description.clone()),
        ("namespaces", intent.namespaces.join(", ")),
        ("objects", objects.collect::<Vec<_>>().join(", ")),
        ("symptoms", symptoms.join(", ")),
        ("since", intent.since.clone()),
        ("parser", intent.parser.clone()),
    ] {
        if !value.is_empty() {
            parts.push(format!("{name}: {value}"));
        }
    }
    page.field("Intent", &oneline(&parts.join("; ")))
}

fn counts(report: &Report) -> String {
    let counts: Vec<String> =
        report.examined.counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
    let server = Some(&report.source.server_version).filter(|version| !version.is_empty());
    let server = server.map(|version| format!("; server {version}")).unwrap_or_default();
    oneline(&format!("{}{server}", counts.join(", ")))
}

fn effort(report: &Report, page: &mut Page<'_>) -> io::Result<()> {
    let stats = &report.stats;
    let phases: Vec<String> = stats.phases_ms.iter().map(|(phase, ms)| format!("{phase} {ms} ms")).collect();
    let text = format!(
        "{} requests, {} bytes, {} objects, {} bytes of logs; {}",
        stats.api_requests,
        stats.bytes,
        stats.objects,
        stats.log_bytes,
        phases.join(", ")
    );
    page.field("Effort", oneline(&text).trim_end_matches([';', ' ']))?;
    if let Some(llm) = &stats.llm {
        let text = format!(
            "{} {}: {} calls, {} tokens, {} ms",
            llm.provider, llm.model, llm.calls, llm.tokens, llm.ms
        );
        page.field("LLM", &oneline(&text))?;
    }
    page.field(
        "Made by",
        &oneline(&format!(
            "sre-orch {}, graph {}, report {}",
            report.tool.version, report.tool.graph, report.id
        )),
    )
}

//! `-o wide`: all that the report knows, for a wide terminal or a pager.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::report::model::{Finding, Hypothesis, Report};

use super::page::{Page, Tone};
use super::table::{chain, changes, headline, names, source_word, steps};
use super::text::{columns, oneline};
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

/// Where each piece was seen, then what was seen, whole.
fn evidence(report: &Report, hypothesis: &Hypothesis, page: &mut Page<'_>) -> io::Result<()> {
    for (index, item) in hypothesis.evidence.iter().enumerate() {
        let id = oneline(&item.id);
        let seen = [
            source_word(item).to_owned(),
            phrases::object(&item.object, Some(&hypothesis.object)),
            if item.count > 1 { format!("×{}", item.count) } else { String::new() },
            item.time.map(|time| phrases::clock(time, report.source.captured_at)).unwrap_or_default(),
        ];
        let value = [oneline(&item.path), oneline(&item.value)];
        let lines = [joined(&seen, " · "), joined(&value, ": "), oneline(&item.excerpt)];
        for (line, text) in lines.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
            let label = if index + line == 0 { "Evidence" } else { "" };
            let mark = if line == 0 { id.clone() } else { " ".repeat(columns(&id)) };
            page.item(label, &mark, text, usize::MAX)?;
        }
    }
    Ok(())
}

fn joined(parts: &[String], by: &str) -> String {
    let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    parts.join(by)
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
    let mut given: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (field, by) in &intent.given_by {
        given.entry(by).or_default().push(field);
    }
    let given = given.iter().map(|(by, fields)| (*by, fields.join(", ")));
    let mut parts = Vec::new();
    for (name, value) in [
        ("description", report.description.clone()),
        ("namespaces", intent.namespaces.join(", ")),
        ("objects", objects.collect::<Vec<_>>().join(", ")),
        ("symptoms", symptoms.join(", ")),
        ("since", intent.since.clone()),
        ("parser", intent.parser.clone()),
    ]
    .into_iter()
    .chain(given)
    {
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

//! `-o junit`: test cases for CI.
//!
//! A hypothesis or other finding is a case that fails at the level asked for; a blind spot and an
//! ignored finding are skipped cases; `no_fault` is one case that passes, `inconclusive` an error.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::cluster::ObjectRef;
use crate::report::model::{Confidence, Report, Verdict};

use super::text::oneline;
use super::{Options, phrases};

/// How a case ended.
enum Outcome {
    Passed,
    Failed { message: String, text: String },
    Error(String),
    Skipped(String),
}

struct Case {
    class: String,
    name: String,
    outcome: Outcome,
}

pub(super) fn render(report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let suites = [
        ("hypotheses", hypotheses(report, options)),
        ("other findings", others(report, options)),
        ("blind spots", blind_spots(report)),
    ];
    let all = || suites.iter().flat_map(|(_, cases)| cases);
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(out, r#"<testsuites name="sre-orch" {}>"#, totals(all()))?;
    for (name, cases) in suites.iter().filter(|(_, cases)| !cases.is_empty()) {
        let time = report.generated_at.strftime("%Y-%m-%dT%H:%M:%S");
        writeln!(out, r#"  <testsuite name="{name}" {} timestamp="{time}">"#, totals(cases.iter()))?;
        for case in cases {
            write_case(case, out)?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

fn totals<'c>(cases: impl Iterator<Item = &'c Case>) -> String {
    let (mut tests, mut failures, mut errors, mut skipped) = (0, 0, 0, 0);
    for case in cases {
        tests += 1;
        match case.outcome {
            Outcome::Passed => {}
            Outcome::Failed { .. } => failures += 1,
            Outcome::Error(_) => errors += 1,
            Outcome::Skipped(_) => skipped += 1,
        }
    }
    format!(r#"tests="{tests}" failures="{failures}" errors="{errors}" skipped="{skipped}""#)
}

fn write_case(case: &Case, out: &mut dyn Write) -> io::Result<()> {
    let head = format!(r#"    <testcase classname="{}" name="{}""#, escape(&case.class), escape(&case.name));
    match &case.outcome {
        Outcome::Passed => writeln!(out, "{head}/>"),
        Outcome::Failed { message, text } => {
            writeln!(
                out,
                "{head}>\n      <failure message=\"{}\">{}</failure>",
                escape(message),
                escape(text)
            )?;
            writeln!(out, "    </testcase>")
        }
        Outcome::Error(message) => {
            writeln!(out, "{head}>\n      <error message=\"{}\"/>\n    </testcase>", escape(message))
        }
        Outcome::Skipped(message) => {
            writeln!(out, "{head}>\n      <skipped message=\"{}\"/>\n    </testcase>", escape(message))
        }
    }
}

fn hypotheses(report: &Report, options: &Options) -> Vec<Case> {
    let mut cases: Vec<Case> = report
        .hypotheses
        .iter()
        .map(|found| {
            let mut text = format!("{}\n", found.summary);
            for link in &found.chain {
                let _ = writeln!(text, "{}: {}", link.object, link.finding);
            }
            for step in &found.remediation {
                let _ = writeln!(text, "{} {}", step.text, step.command.as_deref().unwrap_or_default());
            }
            fault(&found.cause, &found.object, &found.title, text, &found.confidence, options)
        })
        .collect();
    let verdict = phrases::verdict(report);
    match report.verdict {
        Verdict::NoFault => cases.insert(0, case("verdict", "no fault", Outcome::Passed)),
        Verdict::Inconclusive => cases.insert(0, case("verdict", "conclusive", Outcome::Error(verdict))),
        Verdict::RootCause => {}
    }
    cases
}

fn others(report: &Report, options: &Options) -> Vec<Case> {
    let found = report.other_findings.iter().map(|finding| {
        fault(
            &finding.cause,
            &finding.object,
            &finding.summary,
            finding.summary.clone(),
            &finding.confidence,
            options,
        )
    });
    let ignored = report.ignored.iter().map(|known| {
        case(&known.cause, &known.object.to_string(), Outcome::Skipped(format!("ignored: {}", known.reason)))
    });
    found.chain(ignored).collect()
}

fn fault(
    cause: &str,
    object: &ObjectRef,
    message: &str,
    text: String,
    confidence: &Confidence,
    options: &Options,
) -> Case {
    let message = format!("{message} ({} {:.2})", confidence.level.as_str(), confidence.score);
    let failed = confidence.level >= options.fail_on;
    case(cause, &object.to_string(), if failed { Outcome::Failed { message, text } } else { Outcome::Passed })
}

fn blind_spots(report: &Report) -> Vec<Case> {
    let spots = report.blind_spots.iter();
    spots.map(|spot| case("blind-spot", &spot.what, Outcome::Skipped(phrases::blind_spot(spot)))).collect()
}

fn case(class: &str, name: &str, outcome: Outcome) -> Case {
    Case { class: format!("sre-orch.{}", oneline(class)), name: oneline(name), outcome }
}

/// Text for attributes and elements, without the characters that XML 1.0 forbids even as references.
fn escape(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for char in crate::redact::strip_escapes(text).chars() {
        match char {
            '&' => result.push_str("&amp;"),
            '<' => result.push_str("&lt;"),
            '>' => result.push_str("&gt;"),
            '"' => result.push_str("&quot;"),
            '\'' => result.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => {}
            char => result.push(char),
        }
    }
    result
}

//! Renderings of synthetic reports, in every format, at several widths.

use sre_orch::report::ignore::IgnoreList;
use sre_orch::report::model::{Level, Report, Verdict};
use sre_orch::report::render::{Format, Options, render};
use sre_orch::report::schema;

use super::samples::{HOSTILE, hostile, inconclusive, no_fault, root_cause};

fn rendered(report: &Report, format: Format, options: &Options) -> String {
    let mut out = Vec::new();
    render(report, format, options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn at(report: &Report, format: Format, width: usize) -> String {
    rendered(report, format, &Options { width, ..Options::default() })
}

#[test]
fn table_of_a_root_cause() {
    insta::assert_snapshot!("table_80", at(&root_cause(), Format::Table, 80));
    insta::assert_snapshot!("table_200", at(&root_cause(), Format::Table, 200));
    insta::assert_snapshot!("table_40", at(&root_cause(), Format::Table, 40));
}

#[test]
fn table_without_a_cause() {
    insta::assert_snapshot!("no_fault_80", at(&no_fault(), Format::Table, 80));
    insta::assert_snapshot!("inconclusive_80", at(&inconclusive(), Format::Table, 80));
}

#[test]
fn wide() {
    insta::assert_snapshot!("wide_80", at(&root_cause(), Format::Wide, 80));
    insta::assert_snapshot!("wide_200", at(&root_cause(), Format::Wide, 200));
}

#[test]
fn for_people_and_machines() {
    insta::assert_snapshot!("markdown", at(&root_cause(), Format::Markdown, 80));
    insta::assert_snapshot!("markdown_inconclusive", at(&inconclusive(), Format::Markdown, 80));
    insta::assert_snapshot!("junit", at(&root_cause(), Format::Junit, 80));
    insta::assert_snapshot!("junit_no_fault", at(&no_fault(), Format::Junit, 80));
    insta::assert_snapshot!("junit_inconclusive", at(&inconclusive(), Format::Junit, 80));
    insta::assert_snapshot!("yaml_inconclusive", at(&inconclusive(), Format::Yaml, 80));
}

#[test]
fn a_low_hypothesis_takes_a_line_and_is_no_certainty() {
    let mut report = root_cause();
    let mut guess = report.hypotheses[0].clone();
    guess.confidence.level = Level::Low;
    guess.title = "Another guess".to_owned();
    let full = at(&report, Format::Markdown, 80).matches("### Evidence").count();
    report.hypotheses.push(guess.clone());
    let markdown = at(&report, Format::Markdown, 80);
    assert!(markdown.contains("### Less likely") && markdown.contains("Another guess"), "{markdown}");
    assert_eq!(markdown.matches("### Evidence").count(), full);
    let mut report = no_fault();
    report.hypotheses = vec![guess];
    let table = at(&report, Format::Table, 200);
    assert!(table.starts_with("Nothing certain found"), "{table}");
    assert!(table.contains("the best guess, low: Another guess"), "{table}");
}

#[test]
fn the_first_screen_holds_the_answer() {
    // With everything beside the answer too: another hypothesis, a finding and a blind spot.
    let lines = at(&root_cause(), Format::Table, 80).lines().count();
    assert!(lines <= 26, "{lines} lines");
}

#[test]
fn only_commands_are_longer_than_the_line() {
    for report in [root_cause(), no_fault(), inconclusive(), hostile()] {
        for (format, width) in
            [Format::Table, Format::Wide].into_iter().flat_map(|f| [40, 80, 120, 200].map(|w| (f, w)))
        {
            let text = at(&report, format, width);
            let mut command = false;
            for line in text.lines() {
                let begins = line.starts_with("             $ ") || line.starts_with("Check     $ ");
                command = begins || (command && line.starts_with("               "));
                assert!(command || line.chars().count() <= width, "{format:?} at {width}: {line:?}");
                assert_eq!(line, line.trim_end(), "trailing blanks");
            }
        }
    }
}

#[test]
fn colours_are_only_written_where_asked_for() {
    for format in [Format::Table, Format::Wide, Format::Markdown, Format::Junit, Format::Json, Format::Yaml] {
        assert!(!at(&root_cause(), format, 80).contains('\u{1b}'), "{format:?}");
    }
    let options = Options { color: true, ..Options::default() };
    let colored = rendered(&root_cause(), Format::Table, &options);
    assert!(colored.contains("\u{1b}[1m"));
    assert_eq!(sre_orch::redact::strip_escapes(&colored), at(&root_cause(), Format::Table, 80));
}

#[test]
fn hostile_text_reaches_no_terminal() {
    for format in [Format::Table, Format::Wide, Format::Markdown, Format::Junit, Format::Json, Format::Yaml] {
        let text = at(&hostile(), format, 80);
        let bad =
            text.chars().find(|c| (c.is_control() && *c != '\n') || ('\u{202a}'..='\u{202e}').contains(c));
        assert_eq!(bad, None, "{format:?}");
    }
}

#[test]
fn hostile_text_makes_no_markup() {
    let text = at(&hostile(), Format::Markdown, 80);
    let mut fenced = false;
    for line in text.lines() {
        let trimmed = line.trim_start();
        if line.starts_with("   ````") {
            fenced = !fenced;
            continue;
        }
        if fenced {
            continue;
        }
        // Outside of code spans nothing is left that Markdown, HTML or a chat would act on.
        let mut rest = trimmed.to_owned();
        while let Some(start) = rest.find("````") {
            let end = rest[start + 4..].find("````").expect("a code span that ends") + start + 8;
            rest.replace_range(start..end, "");
        }
        for bad in ["<img", "<!", "](", "https://", "@here", "</"] {
            assert!(!rest.replace("\\]", "").contains(bad), "{bad}: {line}");
        }
        assert!(!trimmed.starts_with("# heading"), "{line}");
    }
    assert!(!fenced);
}

#[test]
fn junit_stays_well_formed() {
    let text = at(&hostile(), Format::Junit, 80);
    let mut depth = 0;
    for tag in text.split('<').skip(2) {
        assert_eq!(tag.matches('>').count(), 1, "{tag}");
        let (inside, _) = tag.split_once('>').unwrap();
        depth += match (inside.starts_with('/'), inside.ends_with('/')) {
            (true, _) => -1,
            (_, true) => 0,
            _ => 1,
        };
    }
    assert_eq!(depth, 0);
}

#[test]
fn junit_fails_at_the_level_asked_for() {
    let failures = |fail_on| {
        let text = rendered(&root_cause(), Format::Junit, &Options { fail_on, ..Options::default() });
        text.matches("<failure").count()
    };
    assert_eq!([Level::Low, Level::Medium, Level::High].map(failures), [3, 2, 1]);
}

#[test]
fn machine_formats_read_back() {
    for report in [root_cause(), no_fault(), inconclusive(), hostile()] {
        let json: Report = serde_json::from_str(&at(&report, Format::Json, 80)).unwrap();
        assert_eq!(json, report);
        let yaml: Report = serde_yaml::from_str(&at(&report, Format::Yaml, 80)).unwrap();
        assert_eq!(yaml, report);
    }
}

#[test]
fn yaml_is_safe_for_older_parsers() {
    let mut report = no_fault();
    report.description = "yes".to_owned();
    report.source.context = "0x1F".to_owned();
    let text = at(&report, Format::Yaml, 80);
    assert!(text.contains("description: \"yes\"\n"), "{text}");
    assert!(text.contains("context: \"0x1F\"\n"), "{text}");
}

#[test]
fn reports_follow_the_schema() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for report in [root_cause(), no_fault(), inconclusive(), hostile()] {
        let value = serde_json::to_value(&report).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
}

#[test]
fn known_findings_are_moved_aside() {
    let file = "- {cause: oom-killed, object: Deployment/shop/checkout, reason: being resized, expires: 2026-05-04}\n\
                - {cause: job-failed, object: CronJob/shop/report, reason: known}\n";
    let list = IgnoreList::parse(file).unwrap();
    let mut report = root_cause();
    assert!(list.apply(&mut report, "2026-05-04".parse().unwrap()).is_empty());
    assert_eq!((report.hypotheses.len(), report.other_findings.len(), report.ignored.len()), (1, 0, 2));
    assert_eq!(report.verdict, Verdict::NoFault);
    assert_eq!(at(&report, Format::Junit, 80).matches("<failure").count(), 0);

    let mut later = root_cause();
    let warnings = list.apply(&mut later, "2026-05-05".parse().unwrap());
    assert_eq!(
        warnings,
        ["oom-killed on Deployment shop/checkout is no longer ignored: its entry expired on 2026-05-04"]
    );
    assert_eq!((later.verdict, later.hypotheses.len()), (Verdict::RootCause, 2));
}

#[test]
fn hostile_text_is_hostile() {
    assert!(HOSTILE.contains('\u{1b}') && HOSTILE.contains("```"));
}

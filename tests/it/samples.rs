//! Reports to render.

use sre_orch::cluster::{Kind, ObjectRef};
use sre_orch::evidence::Source;
use sre_orch::report::model::*;

pub(crate) fn object(kind: Kind, name: &str) -> ObjectRef {
    ObjectRef::new(kind, "shop", name)
}

fn confidence(level: Level, score: f64) -> Confidence {
    Confidence {
        level,
        score,
        why: "decisive: the last run ended OOMKilled; no other cause explains it".to_owned(),
    }
}

fn empty(verdict: Verdict) -> Report {
    Report {
        api_version: API_VERSION.to_owned(),
        kind: "Report".to_owned(),
        id: "01980000-0000-7000-8000-000000000000".to_owned(),
        generated_at: "2026-05-04T10:05:00Z".parse().unwrap(),
        description: "checkout keeps restarting".to_owned(),
        tool: Tool { version: "0.1.0".to_owned(), graph: "sha256:0123".to_owned() },
        source: SourceInfo {
            r#type: "cluster".to_owned(),
            context: "prod".to_owned(),
            server_version: "v1.36.2".to_owned(),
            captured_at: Some("2026-05-04T10:04:58Z".parse().unwrap()),
        },
        intent: IntentInfo {
            parser: "builtin".to_owned(),
            since: "PT1H".to_owned(),
            ..IntentInfo::default()
        },
        verdict,
        hypotheses: Vec::new(),
        other_findings: Vec::new(),
        ignored: Vec::new(),
        hygiene: Vec::new(),
        examined: Examined {
            namespaces: vec!["shop".to_owned()],
            counts: [("pods", 41), ("events", 12), ("logs", 3), ("services", 9)]
                .map(|(name, count)| (name.to_owned(), count))
                .into(),
        },
        blind_spots: Vec::new(),
        narrative: None,
        stats: Stats {
            api_requests: 14,
            bytes: 120_000,
            phases_ms: [("read".to_owned(), 210)].into(),
            ..Stats::default()
        },
    }
}

fn evidence(
    id: &str,
    source: Source,
    name: &str,
    path: &str,
    value: &str,
    excerpt: &str,
    count: i64,
) -> EvidenceItem {
    EvidenceItem {
        id: id.to_owned(),
        source,
        object: object(Kind::Pod, name),
        path: path.to_owned(),
        value: value.to_owned(),
        excerpt: excerpt.to_owned(),
        time: Some("2026-05-04T10:02:11Z".parse().unwrap()),
        count,
    }
}

/// A root cause with a chain, evidence, changes, steps and everything beside it.
pub(crate) fn root_cause() -> Report {
    let pod = "checkout-7d9f8b6c5d-x2x1z";
    let link = |kind, name: &str, finding: &str| Link {
        object: object(kind, name),
        finding: finding.to_owned(),
        evidence: vec!["e1".to_owned()],
    };
    let step = |text: &str, command: Option<&str>| Step {
        text: text.to_owned(),
        command: command.map(str::to_owned),
    };
    let hypothesis = Hypothesis {
        cause: "oom-killed".to_owned(),
        title: "Container exceeds its memory limit".to_owned(),
        category: "runtime".to_owned(),
        object: object(Kind::Deployment, "checkout"),
        confidence: confidence(Level::High, 0.96),
        summary:
            "Container app of Deployment checkout was killed 7 times at its memory limit of 128Mi, last at \
                  10:02. It began with revision 4, which lowered the limit from 512Mi."
                .to_owned(),
        chain: vec![
            link(Kind::Deployment, "checkout", "limits container app to 128Mi of memory"),
            link(Kind::Pod, pod, "container app ends with OOMKilled again and again"),
            link(Kind::Service, "checkout", "has no ready endpoint"),
        ],
        evidence: vec![
            evidence(
                "e1",
                Source::Status,
                pod,
                "status.containerStatuses[0].lastState.terminated.reason",
                "OOMKilled",
                "",
                7,
            ),
            evidence("e2", Source::Spec, pod, "spec.containers[0].resources.limits.memory", "128Mi", "", 1),
            evidence(
                "e3",
                Source::Event,
                pod,
                "",
                "BackOff",
                "Back-off restarting failed container app in pod checkout-7d9f8b6c5d-x2x1z_shop",
                31,
            ),
            evidence(
                "e4",
                Source::Log,
                pod,
                "app (previous)",
                "",
                "starting checkout 1.4.2 with 40 workers",
                1,
            ),
            evidence("e5", Source::Status, pod, "status.containerStatuses[0].restartCount", "7", "", 1),
        ],
        changes: vec![Change {
            object: object(Kind::Deployment, "checkout"),
            when: Some("2026-05-04T09:51:40Z".parse().unwrap()),
            what: "memory limit of app 512Mi → 128Mi".to_owned(),
        }],
        remediation: vec![
            step(
                "Raise the memory limit of container app",
                Some("kubectl -n shop set resources deployment/checkout -c app --limits=memory=512Mi"),
            ),
            step(
                "Or go back to the revision before",
                Some("kubectl -n shop rollout undo deployment/checkout"),
            ),
        ],
        checks: vec![step("Watch what the container uses", Some("kubectl -n shop top pod --containers"))],
    };
    let second = Hypothesis {
        cause: "image-not-found".to_owned(),
        title: "Image cannot be pulled".to_owned(),
        object: object(Kind::Deployment, "web"),
        confidence: confidence(Level::Low, 0.31),
        ..hypothesis.clone()
    };
    Report {
        hypotheses: vec![hypothesis, second],
        other_findings: vec![Finding {
            cause: "job-failed".to_owned(),
            object: object(Kind::CronJob, "report"),
            confidence: confidence(Level::Medium, 0.8),
            summary: "Job report-291 failed 3 times with exit code 2.".to_owned(),
        }],
        blind_spots: vec![spot()],
        ..empty(Verdict::RootCause)
    }
}

fn spot() -> BlindSpot {
    BlindSpot {
        what: "logs in namespace shop".to_owned(),
        why: "forbidden: pods/log".to_owned(),
        effect: "cannot tell a crash of the program from a missing file".to_owned(),
        rbac: Some(RbacRule {
            api_groups: vec![String::new()],
            resources: vec!["pods/log".to_owned()],
            verbs: vec!["get".to_owned()],
            namespace: Some("shop".to_owned()),
        }),
    }
}

/// Nothing is wrong.
pub(crate) fn no_fault() -> Report {
    empty(Verdict::NoFault)
}

/// Nothing can be told.
pub(crate) fn inconclusive() -> Report {
    let mut report = Report { blind_spots: vec![spot()], ..empty(Verdict::Inconclusive) };
    report.intent.not_found = vec![
        NotFound {
            text: "chekout".to_owned(),
            closest: vec!["checkout".to_owned(), "checkout-db".to_owned()],
        },
        NotFound { text: "zzz".to_owned(), closest: Vec::new() },
    ];
    report.intent.ambiguous = vec![Ambiguous {
        text: "web".to_owned(),
        matches: vec![object(Kind::Deployment, "web"), ObjectRef::new(Kind::Deployment, "blog", "web")],
    }];
    report
}

/// Text that tries to leave its place in every format.
pub(crate) const HOSTILE: &str = "\u{1b}[31mred\u{1b}]8;;http://evil\u{7}\u{9b}2J\u{202e}\u{0}]]> </failure> <img src=x \
    onerror=alert(1)> \"'&amp; [a](https://evil.example) @here <!channel> ```sh\n# heading\n- item | `code` yes";

/// The root cause with hostile text in every string that comes from the cluster.
pub(crate) fn hostile() -> Report {
    let mut report = root_cause();
    report.description = HOSTILE.to_owned();
    report.source.context = HOSTILE.to_owned();
    for hypothesis in &mut report.hypotheses {
        hypothesis.title = HOSTILE.to_owned();
        hypothesis.summary = HOSTILE.to_owned();
        hypothesis.confidence.why = HOSTILE.to_owned();
        hypothesis.object = object(Kind::Other(HOSTILE.into()), HOSTILE);
        for item in &mut hypothesis.evidence {
            item.excerpt = HOSTILE.to_owned();
            item.value = HOSTILE.to_owned();
            item.path = HOSTILE.to_owned();
        }
        for link in &mut hypothesis.chain {
            link.finding = HOSTILE.to_owned();
        }
        for change in &mut hypothesis.changes {
            change.what = HOSTILE.to_owned();
        }
        for step in hypothesis.remediation.iter_mut().chain(&mut hypothesis.checks) {
            step.text = HOSTILE.to_owned();
            step.command = Some(HOSTILE.to_owned());
        }
    }
    for finding in &mut report.other_findings {
        finding.summary = HOSTILE.to_owned();
        finding.cause = HOSTILE.to_owned();
    }
    for spot in &mut report.blind_spots {
        spot.what = HOSTILE.to_owned();
        spot.why = HOSTILE.to_owned();
    }
    report.narrative = Some(HOSTILE.to_owned());
    report
}

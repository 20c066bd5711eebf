//! The pipeline: from a description and what was read to a report.
//!
//! `investigate`, `serve` and every test call this; nothing here or below knows terminals,
//! HTTP servers or command lines.

use jiff::Timestamp;

use crate::cluster::topology::Topology;
use crate::cluster::{ClusterState, ObjectRef};
use crate::correlate::{Focus, anomaly, assemble, depend, explain};
use crate::diagnose::{self, Context};
use crate::knowledge::{Graph, matching};
use crate::logs::LogIndex;
use crate::report::model::{Finding, Hypothesis, Level, Verdict};

/// What the evidence says, before it becomes a report.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// Causes of what was described.
    pub hypotheses: Vec<Hypothesis>,
    /// Other real faults.
    pub other_findings: Vec<Finding>,
    /// Hygiene findings.
    pub hygiene: Vec<Finding>,
    /// The answer in one word.
    pub verdict: Verdict,
}

/// Analyses a state: the pure part of an investigation.
pub fn analyze(
    state: &ClusterState,
    topology: &Topology<'_>,
    graph: &Graph,
    focus: &Focus,
    since: Option<Timestamp>,
) -> Analysis {
    let logs = LogIndex::new(state, topology, since);
    let context = Context { state, topology, logs: &logs, now: state.now(), since };
    let facts = diagnose::diagnose(&context);
    let anomalies = anomaly::scan(&context, &facts);
    let candidates = matching::candidates(graph, state, &facts);
    let dependencies = depend::Dependencies::new(&context, &facts);
    let outcome = explain::explain(&context, &anomalies, &candidates, &dependencies, focus);
    let changes = |_: &ObjectRef| Vec::new();
    let mut assembler = assemble::Assembler::new(&anomalies, &facts, graph, focus, topology, &changes);
    let hypotheses = assembler.hypotheses(&outcome.hypotheses);
    let other_findings = assembler.findings(&outcome.others);
    let verdict = verdict(state, topology, focus, &anomalies, &hypotheses);
    tracing::debug!(
        facts = facts.len(),
        anomalies = anomalies.len(),
        candidates = candidates.len(),
        "analysed"
    );
    if tracing::enabled!(tracing::Level::TRACE) {
        for fact in facts.iter() {
            tracing::trace!(fact = fact.name, subject = %fact.subject, truth = ?fact.truth, params = ?fact.params, refs = ?fact.refs, affects = ?fact.affects);
        }
        for anomaly in &anomalies {
            tracing::trace!(anomaly = %anomaly.symptom, object = %anomaly.object, finding = anomaly.finding);
        }
        for candidate in &candidates {
            tracing::trace!(candidate = candidate.id(), blame = %candidate.blame, proof = ?candidate.proof);
        }
    }
    Analysis { hypotheses, other_findings, hygiene: assemble::hygiene(&candidates), verdict }
}

fn verdict(
    state: &ClusterState,
    topology: &Topology<'_>,
    focus: &Focus,
    anomalies: &[anomaly::Anomaly],
    hypotheses: &[Hypothesis],
) -> Verdict {
    let blind =
        state.coverage.iter().filter(|(kind, _)| assemble::is_essential(kind)).any(|(_, coverage)| {
            coverage.failures.iter().any(|(namespace, _)| {
                namespace.as_deref().is_none_or(|namespace| {
                    focus.namespaces.is_empty() || focus.namespaces.iter().any(|own| own == namespace)
                })
            })
        });
    let found = hypotheses.first().is_some_and(|first| first.confidence.level >= Level::Medium);
    if found {
        return Verdict::RootCause;
    }
    let named = focus.closure(topology);
    let wrong = anomalies.iter().any(|anomaly| {
        if focus.names_something() {
            named.contains(&anomaly.object)
        } else {
            focus.in_scope(&anomaly.object)
        }
    });
    if blind || wrong || focus.not_found { Verdict::Inconclusive } else { Verdict::NoFault }
}

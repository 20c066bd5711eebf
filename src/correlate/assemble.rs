//! Turns explanations into the report's hypotheses: words, chain, evidence, confidence.

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::topology::Topology;
use crate::cluster::{Kind, ObjectRef, Truth};
use crate::diagnose::Facts;
use crate::evidence::{Evidence, PREVIOUS_RUN, Source, shortened};
use crate::knowledge::schema::StepTemplate;
use crate::knowledge::template::Filler;
use crate::knowledge::{Candidate, Graph, Proof, Role};
use crate::redact;
use crate::report::model::{Change, EvidenceItem, Finding, Hypothesis, Level, Link};
use crate::symptom::Symptom;

use super::anomaly::Anomaly;
use super::confidence::Basis;
use super::explain::Ranked;
use super::focus::Focus;
use super::steps;

/// Most pieces of evidence of one hypothesis.
const MAX_EVIDENCE: usize = 12;
/// Longest excerpt, in characters.
const MAX_EXCERPT: usize = 400;
/// Longest summary, in characters.
const MAX_SUMMARY: usize = 600;

/// What assembling needs to know beside the explanations.
pub struct Assembler<'a> {
    /// Everything that is wrong.
    pub anomalies: &'a [Anomaly],
    /// All facts, for what is unknown.
    pub facts: &'a Facts,
    /// The knowledge graph.
    pub graph: &'a Graph,
    /// What the description points at.
    pub focus: &'a Focus,
    /// Relations, to tell replicas of one workload.
    pub topology: &'a Topology<'a>,
    /// Changes that may have started it, by workload.
    pub changes: &'a dyn Fn(&ObjectRef) -> Vec<Change>,
    next_evidence: usize,
    /// Objects whose observations are counted in a piece of evidence.
    counted: BTreeSet<(String, ObjectRef)>,
}

impl<'a> Assembler<'a> {
    /// Starts with evidence id `e1`.
    pub fn new(
        anomalies: &'a [Anomaly],
        facts: &'a Facts,
        graph: &'a Graph,
        focus: &'a Focus,
        topology: &'a Topology<'a>,
        changes: &'a dyn Fn(&ObjectRef) -> Vec<Change>,
    ) -> Self {
        Self { anomalies, facts, graph, focus, topology, changes, next_evidence: 1, counted: BTreeSet::new() }
    }

    /// The hypotheses that are probable enough, most probable first.
    pub fn hypotheses(&mut self, ranked: &[Ranked<'_>]) -> Vec<Hypothesis> {
        let mut found: Vec<Hypothesis> = Vec::new();
        let independent: Vec<(usize, f64)> = ranked
            .iter()
            .enumerate()
            .filter(|(_, one)| is_fault(one) && !self.basis(one, false).unasked)
            .map(|(index, one)| (index, one.weight))
            .collect();
        // Who says nothing in particular asks for every fault; who says something means one.
        let means_one = !self.focus.names_something()
            && (!self.focus.words.is_empty() || !self.focus.symptoms.is_empty());
        for (index, one) in ranked.iter().enumerate() {
            let mut others = independent.iter().filter(|(other, _)| *other != index);
            let divided = means_one && others.any(|(_, weight)| *weight >= 0.9 * one.weight);
            found.extend(self.hypothesis(one, divided));
        }
        // A cause named first by the cover stays first among equals.
        let mut order: Vec<(usize, Hypothesis)> = found.into_iter().enumerate().collect();
        order.sort_by(|(i, a), (j, b)| b.confidence.level.cmp(&a.confidence.level).then(i.cmp(j)));
        order.into_iter().map(|(_, hypothesis)| hypothesis).collect()
    }

    /// Whether the first is proven, so that more reading would add nothing; which of several proven
    /// faults is meant, reading does not tell.
    pub fn is_settled(&self, ranked: &[Ranked<'_>]) -> bool {
        let first = ranked.first().and_then(|first| self.basis(first, false).confidence());
        first.is_some_and(|first| first.level >= Level::High)
    }

    /// Real faults that do not explain what was described.
    pub fn findings(&mut self, ranked: &[Ranked<'_>]) -> Vec<Finding> {
        ranked
            .iter()
            .filter_map(|one| {
                let confidence = self.basis(one, false).confidence()?;
                let candidate = one.best.candidate;
                Some(Finding {
                    cause: candidate.id().to_owned(),
                    object: candidate.blame.clone(),
                    confidence,
                    summary: summary(candidate),
                })
            })
            .collect()
    }

    fn hypothesis(&mut self, ranked: &Ranked<'_>, divided: bool) -> Option<Hypothesis> {
        let confidence = self.basis(ranked, divided).confidence()?;
        let candidate = ranked.best.candidate;
        let mode = &candidate.mode.mode;
        let mut evidence = Vec::new();
        let own = candidate.fact.evidence.iter().chain(candidate.also.iter().flat_map(|fact| &fact.evidence));
        let root = distinct(own.filter_map(|one| self.cite(one, &mut evidence)));
        let chain = self.chain(ranked, root, &mut evidence);
        let filler = Filler::new(&candidate.fact, &mode.words);
        let steps = |templates: &[StepTemplate]| {
            steps::fitted(templates, filler, &candidate.fact, self.topology, safe)
        };
        Some(Hypothesis {
            cause: mode.id.clone(),
            title: mode.title.clone(),
            category: mode.category.clone(),
            object: candidate.blame.clone(),
            confidence,
            summary: sentence(&filler.text(&mode.summary)),
            chain,
            evidence,
            changes: (self.changes)(&candidate.fact.subject),
            remediation: steps(&mode.remediation),
            checks: steps(&mode.checks),
        })
    }

    fn basis(&self, ranked: &Ranked<'_>, divided: bool) -> Basis {
        let candidate = ranked.best.candidate;
        let mode = &candidate.mode.mode;
        let shown = self.symptoms(&ranked.best.object);
        let meant = &self.focus.symptoms;
        let seen = || shown.iter().chain(&mode.explains).chain(&mode.manifests);
        let fits = |akin: fn(Symptom, Symptom) -> bool| {
            meant.iter().any(|symptom| seen().any(|other| akin(*symptom, *other)))
        };
        let misfit = !meant.is_empty() && !fits(Symptom::is_akin);
        let told = fits(|a, b| a == b);
        let pointed = || told || self.focus.closure(self.topology).contains(&candidate.fact.subject);
        Basis {
            proof: candidate.proof,
            role: mode.role,
            supported: candidate.supported,
            contradicted: candidate.contradicted,
            hops: ranked.best.path.len(),
            weakest: ranked.best.weakest(),
            rival: ranked.rival,
            divided,
            not_found: self.focus.not_found,
            blind: candidate.proof < Proof::Decisive && self.hidden(candidate),
            misfit,
            elsewhere: ranked.elsewhere && !self.focus.names_something(),
            alternative: ranked.alternative,
            unasked: match candidate.fact.text("matters") {
                "if-described" => !pointed(),
                "if-told" => !told,
                _ => false,
            },
            link: ranked.link,
        }
    }

    /// Whether a fact that is unknown would make another failure mode fit the same subject.
    fn hidden(&self, candidate: &Candidate<'_>) -> bool {
        let mut unknown = self.facts.of(&candidate.fact.subject).filter(|fact| fact.truth == Truth::Unknown);
        unknown.any(|fact| {
            self.graph.modes().any(|mode| {
                mode.mode.id != candidate.id()
                    && mode.mode.role == Role::Cause
                    && mode.all.iter().chain(&mode.any).any(|one| one.could_match(fact))
            })
        })
    }

    fn symptoms(&self, object: &ObjectRef) -> Vec<Symptom> {
        self.anomalies
            .iter()
            .filter(|anomaly| anomaly.object == *object)
            .map(|anomaly| anomaly.symptom)
            .collect()
    }

    /// From the root to the symptom described.
    fn chain(
        &mut self,
        ranked: &Ranked<'_>,
        root: Vec<String>,
        evidence: &mut Vec<EvidenceItem>,
    ) -> Vec<Link> {
        let candidate = ranked.best.candidate;
        let mode = &candidate.mode.mode;
        let mut chain =
            vec![Link { object: candidate.blame.clone(), finding: mode.title.clone(), evidence: root }];
        let mut objects: Vec<(ObjectRef, Option<&super::depend::Dependency>)> = Vec::new();
        if candidate.fact.subject != candidate.blame {
            objects.push((candidate.fact.subject.clone(), None));
        }
        for (index, hop) in ranked.best.path.iter().enumerate().rev() {
            objects.push((hop.on.clone(), ranked.best.path.get(index + 1)));
        }
        objects.push((ranked.best.object.clone(), ranked.best.path.first()));
        for (object, hop) in objects {
            let anomaly = self
                .anomalies
                .iter()
                .filter(|anomaly| anomaly.object == object)
                .max_by_key(|anomaly| telling(anomaly.symptom));
            let finding = match (anomaly, hop) {
                (Some(anomaly), _) => anomaly.finding.clone(),
                (None, Some(hop)) => format!("{} {}", hop.how, hop.on),
                (None, None) => continue,
            };
            let sources = anomaly
                .into_iter()
                .flat_map(|anomaly| anomaly.evidence.iter().take(2))
                .chain(hop.into_iter().flat_map(|hop| hop.evidence.iter().take(1)));
            let cited = distinct(sources.filter_map(|one| self.cite(one, evidence)));
            let link = Link { object, finding: safe(&finding), evidence: cited };
            if chain.last().is_none_or(|last| last.object != link.object || last.finding != link.finding) {
                chain.push(link);
            }
        }
        chain
    }

    /// Adds evidence, or finds what says the same of another replica; gives its id.
    fn cite(&mut self, one: &Evidence, evidence: &mut Vec<EvidenceItem>) -> Option<String> {
        // A place without a value says nothing.
        if one.value.is_empty() && one.excerpt.is_empty() {
            return None;
        }
        let same_field = |known: &EvidenceItem| {
            one.source == Source::Status && known.object == one.object && known.path == one.path
        };
        // A part of a field that has the same value says no more than the field.
        let part = |known: &EvidenceItem| {
            one.source == Source::Status
                && known.value == one.value
                && (known.path.starts_with(&one.path) || one.path.starts_with(&known.path))
        };
        let same = |known: &&mut EvidenceItem| {
            known.source == one.source
                && (any_run(&known.path) == any_run(&one.path) || part(known))
                && (known.value == one.value || same_field(known))
                && self.topology.workload_of(&known.object) == self.topology.workload_of(&one.object)
                && (known.object.kind == one.object.kind || one.source != Source::Event)
        };
        if let Some(known) = evidence.iter_mut().find(same) {
            // The same observation again is one piece of evidence, seen more often.
            if self.counted.insert((known.id.clone(), one.object.clone())) {
                known.count += one.count;
            }
            if known.excerpt.is_empty() {
                known.excerpt = safe(&one.excerpt);
            }
            known.time = known.time.max(one.time);
            return Some(known.id.clone());
        }
        if evidence.len() >= MAX_EVIDENCE {
            return None;
        }
        let id = format!("e{}", self.next_evidence);
        self.next_evidence += 1;
        self.counted.insert((id.clone(), one.object.clone()));
        evidence.push(EvidenceItem {
            id: id.clone(),
            source: one.source,
            object: one.object.clone(),
            path: safe(&one.path),
            value: safe(&one.value),
            excerpt: safe(&one.excerpt),
            time: one.time,
            count: one.count,
        });
        Some(id)
    }
}

/// Ids in order, each once.
fn distinct(ids: impl Iterator<Item = String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for id in ids {
        if !found.contains(&id) {
            found.push(id);
        }
    }
    found
}

/// The place without the run of a container: a log says the same before and after a restart.
fn any_run(path: &str) -> &str {
    path.strip_suffix(PREVIOUS_RUN).unwrap_or(path)
}

/// Hygiene candidates as findings, one a failure mode and object.
pub fn hygiene(candidates: &[Candidate<'_>]) -> Vec<Finding> {
    let mut found: BTreeMap<(String, ObjectRef), Finding> = BTreeMap::new();
    for candidate in candidates.iter().filter(|candidate| candidate.mode.mode.role == Role::Hygiene) {
        let level = crate::report::model::Level::Low;
        let confidence = crate::report::model::Confidence {
            level,
            score: 0.3,
            why: "hygiene: explains nothing by itself".to_owned(),
        };
        found.entry((candidate.id().to_owned(), candidate.blame.clone())).or_insert_with(|| Finding {
            cause: candidate.id().to_owned(),
            object: candidate.blame.clone(),
            confidence,
            summary: summary(candidate),
        });
    }
    found.into_values().collect()
}

fn summary(candidate: &Candidate<'_>) -> String {
    let mode = &candidate.mode.mode;
    sentence(&Filler::new(&candidate.fact, &mode.words).text(&mode.summary))
}

fn is_fault(ranked: &Ranked<'_>) -> bool {
    !ranked.alternative
        && ranked.best.candidate.proof >= Proof::Computed
        && ranked.best.candidate.mode.mode.role == Role::Cause
}

/// Which of an object's anomalies says most in a chain.
fn telling(symptom: Symptom) -> u8 {
    match symptom {
        Symptom::Crashing
        | Symptom::NotStarted
        | Symptom::Pending
        | Symptom::NotCreated
        | Symptom::NodeUnhealthy => 5,
        Symptom::NoEndpoints | Symptom::Unbound | Symptom::Missing | Symptom::JobFailed => 4,
        Symptom::Initializing | Symptom::CannotDelete | Symptom::Evicted => 3,
        Symptom::CallFailing | Symptom::ResolutionFailing | Symptom::NotReady => 2,
        _ => 1,
    }
}

/// Redacted, without terminal escapes, bounded.
fn safe(text: &str) -> String {
    shortened(&redact::clean(text), MAX_EXCERPT)
}

/// As [`safe`], for sentences that quote.
fn sentence(text: &str) -> String {
    shortened(&redact::clean(text), MAX_SUMMARY)
}

/// Whether the kind is one without which nothing can be said about a namespace.
pub fn is_essential(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Pod | Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::Event | Kind::Service
    )
}

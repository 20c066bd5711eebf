//! The pipeline: from a description and what was read to a report.
//!
//! `investigate`, `serve` and every test call this; nothing here or below knows terminals,
//! HTTP servers or command lines.

mod assist;
#[cfg(test)]
mod growth_tests;
mod plan;
mod reach;
mod wanted;

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

use crate::agent::{self, AgentError, Collector, Limits, Source, Want};
use crate::cluster::topology::Topology;
use crate::cluster::types::{LabelSelector, Object};
use crate::cluster::{ClusterState, Kind, ObjectRef};
use crate::correlate::{Focus, anomaly, assemble, depend, explain, focus};
use crate::diagnose::{self, Context};
use crate::intent::{self, GroundedIntent, IntentParser, Names, Question, Understanding};
use crate::knowledge::{Graph, matching};
use crate::logs::LogIndex;
use crate::redact;
use crate::report::model::{
    API_VERSION, Change, Examined, Finding, Hypothesis, Level, Report, Stats, Tool, Verdict,
};
use crate::symptom::Symptom;

pub use assist::explain;
pub use plan::plan;

/// One investigation.
#[derive(Clone, Debug)]
pub struct Request {
    /// What the engineer typed; empty: is anything wrong?
    pub description: String,
    /// Where the complaint is; empty: everywhere.
    pub namespaces: Vec<String>,
    /// Labels of the workloads that the complaint is about, where the description names none.
    pub selector: Option<LabelSelector>,
    /// How far back events, log lines and changes count.
    pub since: SignedDuration,
    /// What reading may cost.
    pub limits: Limits,
    /// Whether hygiene findings are wanted.
    pub hygiene: bool,
    /// Whether a large cluster is looked over first, to read in full only where something stands
    /// out; everything is read where that proves no cause.
    pub triage: bool,
}

/// Told what the investigation does, for people who wait.
pub trait Progress: Send + Sync {
    /// A phase begins.
    fn phase(&self, name: &str);

    /// Something did not work, and the investigation goes on without it.
    fn warn(&self, message: &str) {
        tracing::warn!("{message}");
    }
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn phase(&self, _: &str) {}
}

/// Investigates: reads in a few rounds, analyses, reports.
///
/// # Errors
/// Where nothing at all could be read, or a chosen namespace does not exist.
pub async fn investigate(
    source: Source,
    graph: &Graph,
    request: &Request,
    progress: &dyn Progress,
) -> Result<Report, AgentError> {
    investigate_with(source, graph, request, None, progress).await.map(|investigation| investigation.report)
}

/// A report, and the names that exist where it was made.
#[derive(Clone, Debug)]
pub struct Investigation {
    /// The report.
    pub report: Report,
    /// The names of what was read.
    pub names: Names,
}

/// As [`investigate`]; another parser may help where the built-in one finds no object.
///
/// # Errors
/// As [`investigate`]; a parser that fails is a warning.
pub async fn investigate_with(
    source: Source,
    graph: &Graph,
    request: &Request,
    parser: Option<&dyn IntentParser>,
    progress: &dyn Progress,
) -> Result<Investigation, AgentError> {
    let mut clock = Clock::default();
    let mut understood = Understanding::new(intent::parse(&request.description));
    let limits = request.limits;
    let mut collector =
        Collector::new(source, agent::Request { namespaces: request.namespaces.clone(), limits });

    if request.triage && !request.hygiene {
        progress.phase("Looking over the cluster");
        narrow(&mut collector, &understood, request).await;
        clock.lap("triage");
    }
    progress.phase("Reading the inventory");
    collector.inventory().await?;
    let asked = parser
        .filter(|_| !request.description.is_empty())
        .filter(|parser| parser.is_needed(&ground(&understood, request, collector.state())));
    let names = if asked.is_some() { Names::of(collector.state()) } else { Names::default() };
    clock.lap("inventory");

    progress.phase("Reading what is related");
    let wants = related_kinds(&mut collector, request);
    // The other parser is asked meanwhile: reading takes its time as well.
    let question = Question { description: &request.description, names: &names };
    let (other, ()) = futures::join!(assist::ask(asked, question, progress), collector.read(&wants));
    if let Some((name, parsed)) = other {
        understood.add(name, parsed);
    }
    clock.lap("read");

    let mut grounding = Grounding::default();
    let mut work = Work {
        collector: &mut collector,
        graph,
        request,
        progress,
        clock: &mut clock,
        grounding: &mut grounding,
    };
    let mut analysis = work.conclude(&understood).await;
    if !analysis.settled && work.collector.widen() {
        // Nothing that stands out explains it: what does not stand out may.
        work.progress.phase("Reading the rest of the cluster");
        work.collector.inventory().await?;
        let wants = related_kinds(work.collector, request);
        work.collector.read(&wants).await;
        work.clock.lap("read");
        analysis = work.conclude(&understood).await;
    }
    if understood.has_other() && analysis.verdict != Verdict::RootCause {
        // What another parser reads may point elsewhere, but never away from a cause that is there.
        let builtin = understood.builtin_only();
        let own = focus_of(&ground(&builtin, request, collector.state()), request, collector.state());
        let first = analyze_state(collector.state(), graph, &own, request);
        if first.verdict == Verdict::RootCause {
            (analysis, understood) = (first, builtin);
        }
        clock.lap("correlate");
    }
    let collected = collector.finish();
    let grounded = grounding.of(&understood, request, &collected.state);
    let names = Names::of(&collected.state);
    // Freeing a hundred thousand objects takes its time, and nobody needs to wait for it.
    std::thread::spawn(move || drop(collected.state));
    let since = iso_duration(request.since);
    let llm = parser.and_then(IntentParser::usage);
    let stats = Stats { phases_ms: clock.laps, llm, ..collected.stats };
    let report = Report {
        api_version: API_VERSION.to_owned(),
        kind: "Report".to_owned(),
        id: uuid::Uuid::now_v7().to_string(),
        generated_at: Timestamp::now(),
        description: redact::text(&redact::strip_escapes(&request.description)).into_owned(),
        tool: Tool { version: env!("CARGO_PKG_VERSION").to_owned(), graph: graph.digest().to_owned() },
        source: collected.source,
        intent: grounded.info(&since),
        verdict: analysis.verdict,
        hypotheses: analysis.hypotheses,
        other_findings: analysis.other_findings,
        ignored: Vec::new(),
        hygiene: if request.hygiene { analysis.hygiene } else { Vec::new() },
        examined: Examined { namespaces: request.namespaces.clone(), counts: collected.counts },
        blind_spots: collected.blind_spots,
        narrative: None,
        stats,
    };
    Ok(Investigation { report, names })
}

/// Leaves out of a large cluster what is as it should be and what the description does not name.
async fn narrow(collector: &mut Collector, understood: &Understanding, request: &Request) {
    if collector.scout().await.is_none() {
        return;
    }
    let (state, scout) = collector.scouted();
    let meant = ground(understood, request, &scout.names(state));
    let named: Vec<(Kind, String)> =
        meant.objects.iter().map(|one| (one.object.kind.clone(), one.object.name.to_string())).collect();
    collector.narrow(&named, &meant.namespaces).await;
}

fn related_kinds(collector: &mut Collector, request: &Request) -> Vec<Want> {
    let chosen = collector.chosen().to_vec();
    let mut wants = agent::default_wants(collector.state(), &chosen, request.namespaces.is_empty());
    wants.extend(collector.served_resources());
    wants
}

/// What the later rounds share.
struct Work<'w> {
    collector: &'w mut Collector,
    graph: &'w Graph,
    request: &'w Request,
    progress: &'w dyn Progress,
    clock: &'w mut Clock,
    grounding: &'w mut Grounding,
}

impl Work<'_> {
    /// Reads logs and what is related, and correlates.
    async fn conclude(&mut self, understood: &Understanding) -> Analysis {
        let Self { collector, graph, request, progress, clock, grounding } = self;
        let chosen = collector.chosen().to_vec();
        progress.phase("Reading logs of suspects");
        let state = collector.state();
        let topology = Topology::new(state);
        let focus = focus_of(grounding.within(understood, request, &topology), request, state);
        let mut wants = wanted::first_logs(&topology, &focus, request);
        let related = reach::related(&topology, &chosen, &focus);
        wants.extend(related.iter().cloned());
        wants.extend(wanted::usage(state));
        drop(topology);
        collector.read(&wants).await;
        if !related.is_empty() {
            // Only now is it known what runs behind the Services of other namespaces.
            let state = collector.state();
            let wants = wanted::first_logs(&Topology::new(state), &focus, request);
            collector.read(&wants).await;
        }
        clock.lap("logs");

        progress.phase("Correlating");
        let mut analysis = analyze_state(collector.state(), graph, &focus, request);
        clock.lap("correlate");
        // Logs are the dearest to read: only where what was read so far does not settle it.
        let echoing = wanted::echoing(collector.state(), &focus, &analysis);
        if !analysis.settled || !echoing.is_empty() {
            progress.phase("Reading more logs");
            let mut wants = agent::all_kinds(&chosen);
            wants.extend(wanted::more_logs(collector.state(), &focus));
            wants.extend(wanted::gateways(collector.state(), &focus));
            wants.extend(agent::log_wants(collector.state(), &echoing));
            collector.read(&wants).await;
            reach::follow(collector, &chosen, &focus).await;
            clock.lap("logs");
            analysis = analyze_state(collector.state(), graph, &focus, request);
            clock.lap("correlate");
        }
        let accused = wanted::accused(collector.state(), &analysis);
        if !accused.is_empty() {
            collector.read(&accused).await;
            clock.lap("logs");
            analysis = analyze_state(collector.state(), graph, &focus, request);
            clock.lap("correlate");
        }
        analysis
    }
}

/// What the description means in what was read: found anew only where there is more that it may name.
#[derive(Default)]
struct Grounding {
    /// The meaning, what it is the meaning of, and how many objects there were.
    last: Option<(GroundedIntent, Understanding, usize)>,
}

impl Grounding {
    fn of(&mut self, understood: &Understanding, request: &Request, state: &ClusterState) -> &GroundedIntent {
        if !self.holds(understood, state) {
            return self.within(understood, request, &Topology::new(state));
        }
        &self.last.get_or_insert_default().0
    }

    fn within(
        &mut self,
        understood: &Understanding,
        request: &Request,
        topology: &Topology<'_>,
    ) -> &GroundedIntent {
        let state = topology.state();
        if !self.holds(understood, state) {
            let grounded = understood.ground(topology, &request.namespaces, state.now());
            self.last = Some((grounded, understood.clone(), state.named()));
        }
        &self.last.get_or_insert_default().0
    }

    fn holds(&self, understood: &Understanding, state: &ClusterState) -> bool {
        self.last.as_ref().is_some_and(|(_, of, named)| of == understood && *named == state.named())
    }
}

/// Milliseconds by phase.
#[derive(Debug)]
struct Clock {
    last: Instant,
    laps: std::collections::BTreeMap<String, u64>,
}

impl Default for Clock {
    fn default() -> Self {
        Self { last: Instant::now(), laps: std::collections::BTreeMap::new() }
    }
}

impl Clock {
    fn lap(&mut self, phase: &str) {
        let elapsed = u64::try_from(self.last.elapsed().as_millis()).unwrap_or(u64::MAX);
        *self.laps.entry(phase.to_owned()).or_insert(0) += elapsed;
        self.last = Instant::now();
    }
}

fn ground(understood: &Understanding, request: &Request, state: &ClusterState) -> GroundedIntent {
    let topology = Topology::new(state);
    understood.ground(&topology, &request.namespaces, state.now())
}

fn focus_of(grounded: &GroundedIntent, request: &Request, state: &ClusterState) -> Focus {
    let namespaces =
        if request.namespaces.is_empty() { grounded.namespaces.clone() } else { request.namespaces.clone() };
    let mut objects: Vec<ObjectRef> = grounded.objects.iter().map(|object| object.object.clone()).collect();
    if let Some(selector) = request.selector.as_ref().filter(|_| objects.is_empty()) {
        let chosen = |workload: &&crate::cluster::types::Workload| {
            let here =
                namespaces.is_empty() || namespaces.iter().any(|name| *name == workload.metadata.namespace);
            let labels = selector.matches(&workload.metadata.labels)
                || selector.matches(&workload.template().metadata.labels);
            here && labels && workload.kind != Kind::ReplicaSet
        };
        objects.extend(state.workloads.iter().filter(chosen).map(Object::object_ref));
    }
    Focus { objects, namespaces, ..pointed_at(grounded) }
}

/// What a description points at by itself.
pub fn pointed_at(grounded: &GroundedIntent) -> Focus {
    Focus {
        objects: grounded.objects.iter().map(|object| object.object.clone()).collect(),
        namespaces: grounded.namespaces.clone(),
        symptoms: grounded.symptoms.clone(),
        not_found: !grounded.not_found.is_empty(),
        words: grounded.telling.iter().flat_map(|word| focus::stems(word)).collect(),
        meanings: grounded.meanings.iter().flat_map(|part| focus::stems(part)).collect(),
    }
}

fn analyze_state(state: &ClusterState, graph: &Graph, focus: &Focus, request: &Request) -> Analysis {
    // A reference that does not read is the linter's to report; here it states nothing.
    let stated = crate::knowledge::component::relations(graph).unwrap_or_default();
    let topology = Topology::with_relations(state, stated);
    let since = state.now().checked_sub(request.since).ok();
    analyze(state, &topology, graph, focus, since)
}

fn iso_duration(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds % 3600 / 60, seconds % 60) {
        (hours, 0, 0) if hours > 0 => format!("PT{hours}H"),
        (0, minutes, 0) if minutes > 0 => format!("PT{minutes}M"),
        _ => format!("PT{seconds}S"),
    }
}

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
    /// Whether the first hypothesis is proven, so that more reading would add nothing.
    pub settled: bool,
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
    let mut candidates = matching::candidates(graph, state, &facts);
    candidates.retain(|candidate| focus.asks_for(&candidate.fact));
    let dependencies = depend::Dependencies::new(&context, &facts);
    let outcome = explain::explain(&context, &anomalies, &candidates, &dependencies, focus);
    let changes = |workload: &ObjectRef| {
        let found = diagnose::revision::changes_of(&context, workload);
        let mut told: Vec<Change> = found.into_iter().map(|change| change_info(&change)).collect();
        // Containers of one pod mostly run one image.
        told.dedup();
        told
    };
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
    let settled = assembler.is_settled(&outcome.hypotheses);
    Analysis { hypotheses, other_findings, hygiene: assemble::hygiene(&candidates), verdict, settled }
}

fn change_info(change: &diagnose::revision::Change) -> Change {
    let what = redact::text(&redact::strip_escapes(&change.what)).into_owned();
    Change { object: change.object.clone(), when: change.when, what }
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
    // What only a log says of something that does its work is wrong where the description says so.
    let counts = |symptom: Symptom| !symptom.is_soft() || focus.symptoms.contains(&symptom);
    let wrong = anomalies.iter().filter(|anomaly| counts(anomaly.symptom)).any(|anomaly| {
        if focus.names_something() {
            named.contains(&anomaly.object)
        } else {
            focus.in_scope(&anomaly.object)
        }
    });
    if blind || wrong || focus.not_found { Verdict::Inconclusive } else { Verdict::NoFault }
}

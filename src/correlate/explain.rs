//! Abduction: the smallest set of causes that explains what the description points at.

mod tie;
mod weigh;

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::{Kind, ObjectRef};
use crate::diagnose::Context;
use crate::knowledge::{Candidate, Proof, Role};
use crate::symptom::Symptom;

use super::anomaly::Anomaly;
use super::cover::{Worth, choose};
use super::depend::{Dependencies, Dependency, Strength};
use super::focus::Focus;

/// Score of an explanation from which on nothing else is looked for.
const GOOD: f64 = 0.6;
/// Most faults shown only because they are where the complaint is.
const MAX_NEAR: usize = 3;
/// Longest causal chain followed.
const MAX_DEPTH: usize = 6;

/// One way to explain the symptoms of one object.
#[derive(Clone, Debug)]
pub struct Explanation<'a> {
    /// The cause.
    pub candidate: &'a Candidate<'a>,
    /// The object whose symptoms it explains.
    pub object: ObjectRef,
    /// Dependencies from that object down to where the cause acts; empty: it acts there.
    pub path: Vec<Dependency>,
    /// How well it explains, for comparison only.
    pub score: f64,
}

impl Explanation<'_> {
    /// What makes two explanations the same hypothesis.
    fn key(&self) -> (String, ObjectRef) {
        (self.candidate.id().to_owned(), self.candidate.blame.clone())
    }

    /// The weakest dependency of the path.
    pub fn weakest(&self) -> Strength {
        self.path.iter().map(|hop| hop.strength).min().unwrap_or(Strength::Proven)
    }
}

/// A cause with everything in focus that it explains.
#[derive(Clone, Debug)]
pub struct Ranked<'a> {
    /// The best explanation through this cause.
    pub best: Explanation<'a>,
    /// The focus objects it explains.
    pub covers: BTreeSet<ObjectRef>,
    /// Weight of what it explains.
    pub weight: f64,
    /// Another cause explains the same objects as well.
    pub rival: bool,
    /// It explains only what a better cause explains already.
    pub alternative: bool,
    /// What the description tells is a symptom of something else, and of nothing that this explains.
    pub elsewhere: bool,
    /// What ties it to the description.
    pub link: Link,
}

/// What ties a cause to the description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// It explains what the description points at.
    Explains,
    /// It does not, but keeps a workload from calling what the description points at, which is well.
    Caller,
    /// It does not, but stops a controller whose work what is described is.
    Serves,
    /// It does not, but a word of the description is part of its name, or it hits pods of the node
    /// that is named.
    Echoes,
    /// It does not, but it is where the complaint is.
    Near,
}

/// What the abduction found.
#[derive(Debug, Default)]
pub struct Outcome<'a> {
    /// Causes of what the description points at, best first.
    pub hypotheses: Vec<Ranked<'a>>,
    /// Causes of other anomalies.
    pub others: Vec<Ranked<'a>>,
}

/// Finds the causes.
pub fn explain<'a>(
    context: &Context<'_>,
    anomalies: &'a [Anomaly],
    candidates: &'a [Candidate<'a>],
    dependencies: &'a Dependencies,
    focus: &Focus,
) -> Outcome<'a> {
    let search = Search::new(anomalies, candidates, dependencies, focus);
    let named = focus.closure(context.topology);
    let pointed_at: BTreeSet<ObjectRef> =
        if focus.names_something() || (focus.objects.len() == 1 && search.is_wrong_in(&named)) {
            named
        } else {
            let harms = |object: &ObjectRef| search.victims(object).any(|victim| focus.in_scope(victim));
            search.objects().into_iter().filter(|object| focus.in_scope(object) || harms(object)).collect()
        };
    let open = !focus.names_something();
    let mut hypotheses = search.cover(&pointed_at, focus);
    let known: BTreeSet<_> = hypotheses.iter().map(|ranked| ranked.best.key()).collect();
    let covered: BTreeSet<ObjectRef> =
        hypotheses.iter().flat_map(|ranked| search.reached_by(&ranked.best)).collect();
    let elsewhere: BTreeSet<ObjectRef> = search
        .objects()
        .into_iter()
        .filter(|object| !pointed_at.contains(object) && !covered.contains(object))
        .collect();
    let mut others = search.cover(&elsewhere, focus);
    others.retain(|ranked| !known.contains(&ranked.best.key()) && !ranked.alternative);
    if open && hypotheses.is_empty() && focus.namespaces.is_empty() {
        hypotheses = std::mem::take(&mut others);
    } else if !hypotheses.iter().any(|ranked| ranked.best.score >= GOOD) {
        // What is named is well, or nothing tells why not: what else is wrong may be meant.
        let mut near = 0;
        for ranked in &mut others {
            ranked.link = search.link(ranked, focus, &pointed_at);
            near += usize::from(ranked.link == Link::Near);
            if ranked.link == Link::Near && near > MAX_NEAR {
                ranked.link = Link::Explains;
            }
        }
        let (near, far) = others.into_iter().partition(|ranked| ranked.link != Link::Explains);
        hypotheses.extend(near);
        others = far;
    }
    Outcome { hypotheses, others }
}

struct Search<'a> {
    anomalies: BTreeMap<&'a ObjectRef, Vec<&'a Anomaly>>,
    candidates: BTreeMap<&'a ObjectRef, Vec<&'a Candidate<'a>>>,
    dependencies: &'a Dependencies,
    /// By what they depend on: objects with an anomaly that nothing proven explains by itself.
    dependents: BTreeMap<&'a ObjectRef, Vec<(&'a ObjectRef, &'a Dependency)>>,
    /// Where nothing is named, a word that is part of a name is all that points: of the object, or of
    /// one that misses what it does wrong.
    echoed: BTreeSet<ObjectRef>,
    /// Likewise, where the word only means what a part of the name means.
    suggested: BTreeSet<ObjectRef>,
}

impl<'a> Search<'a> {
    fn new(
        anomalies: &'a [Anomaly],
        candidates: &'a [Candidate<'a>],
        dependencies: &'a Dependencies,
        focus: &Focus,
    ) -> Self {
        let mut search = Self {
            anomalies: BTreeMap::new(),
            candidates: BTreeMap::new(),
            dependencies,
            dependents: BTreeMap::new(),
            echoed: BTreeSet::new(),
            suggested: BTreeSet::new(),
        };
        for anomaly in anomalies {
            search.anomalies.entry(&anomaly.object).or_default().push(anomaly);
        }
        for candidate in candidates.iter().filter(|candidate| candidate.mode.mode.role != Role::Hygiene) {
            let objects: BTreeSet<&ObjectRef> = candidate.accounts_for().chain([&candidate.blame]).collect();
            for object in objects {
                search.candidates.entry(object).or_default().push(candidate);
            }
        }
        let unexplained = |object: &&&ObjectRef| !search.own(object).iter().any(|own| is_proven_cause(own));
        let mut dependents: BTreeMap<&ObjectRef, Vec<_>> = BTreeMap::new();
        for object in search.anomalies.keys().filter(unexplained) {
            for dependency in dependencies.of(object) {
                dependents.entry(&dependency.on).or_default().push((*object, dependency));
            }
        }
        search.dependents = dependents;
        if !focus.names_something() {
            let objects: BTreeSet<&ObjectRef> =
                search.anomalies.keys().chain(search.candidates.keys()).copied().collect();
            let pointed_at = |points: fn(&Focus, &ObjectRef) -> bool| {
                let is = |object: &&&ObjectRef| {
                    points(focus, object) || search.victims(object).any(|victim| points(focus, victim))
                };
                objects.iter().filter(is).map(|object| (*object).clone()).collect()
            };
            let (echoed, suggested) = (pointed_at(Focus::echoes), pointed_at(Focus::suggests));
            (search.echoed, search.suggested) = (echoed, suggested);
        }
        search
    }

    /// Objects with an anomaly, or on which a failure mode shows a symptom of its own.
    fn objects(&self) -> Vec<ObjectRef> {
        let manifest = self
            .candidates
            .iter()
            .filter(|(object, candidates)| {
                candidates
                    .iter()
                    .any(|one| one.mode.mode.manifests.is_some() && one.fact.subject == ***object)
            })
            .map(|(object, _)| *object);
        let all: BTreeSet<&ObjectRef> = self.anomalies.keys().copied().chain(manifest).collect();
        all.into_iter().cloned().collect()
    }

    /// What misses what an object does wrong by itself.
    fn victims(&self, object: &ObjectRef) -> impl Iterator<Item = &'a ObjectRef> {
        let all = self.candidates.get(object).into_iter().flatten();
        let shown = all.filter(|one| one.mode.mode.manifests.is_some() && one.proof >= Proof::Computed);
        shown.flat_map(|candidate| &candidate.fact.affects)
    }

    fn is_wrong_in(&self, objects: &BTreeSet<ObjectRef>) -> bool {
        objects
            .iter()
            .any(|object| self.anomalies.contains_key(object) || self.candidates.contains_key(object))
    }

    fn symptoms(&self, object: &ObjectRef) -> BTreeSet<Symptom> {
        self.anomalies.get(object).into_iter().flatten().map(|anomaly| anomaly.symptom).collect()
    }

    /// Candidates that account for a symptom that this object has.
    fn own(&self, object: &ObjectRef) -> Vec<&'a Candidate<'a>> {
        let symptoms = self.symptoms(object);
        let fits = |candidate: &&&'a Candidate<'a>| {
            let mode = &candidate.mode.mode;
            let shown = mode.manifests.is_some()
                && (candidate.fact.subject == *object
                    || candidate.blame == *object
                    || candidate.fact.affects.contains(object));
            // Of a caller's failed call, the callee that does not answer is no explanation of itself.
            let of_caller = mode.role == Role::Effect
                && candidate.blame == *object
                && candidate.fact.subject != *object
                && !candidate.fact.affects.contains(object);
            let tells = shown || mode.explains.iter().any(|symptom| carried(*symptom, &symptoms));
            tells && !of_caller
        };
        let fitting: Vec<&'a Candidate<'a>> =
            self.candidates.get(object).into_iter().flatten().filter(fits).copied().collect();
        let ids: BTreeSet<&str> = fitting.iter().map(|candidate| candidate.id()).collect();
        fitting
            .iter()
            .filter(|candidate| !candidate.mode.mode.yields_to.iter().any(|id| ids.contains(id.as_str())))
            .copied()
            .collect()
    }

    /// Every explanation of an object's state, best first.
    fn explanations(&self, object: &ObjectRef, visited: &mut Vec<ObjectRef>) -> Vec<Explanation<'a>> {
        let mut found: Vec<Explanation<'a>> = self
            .own(object)
            .into_iter()
            .map(|candidate| Explanation {
                candidate,
                object: object.clone(),
                path: Vec::new(),
                score: strength_of(candidate),
            })
            .collect();
        let proven = found.iter().any(|own| is_proven_cause(own.candidate));
        if !proven && visited.len() < MAX_DEPTH {
            visited.push(object.clone());
            for dependency in self.dependencies.of(object) {
                if !visited.contains(&dependency.on) && self.carries(object, dependency) {
                    found.extend(self.through(object, dependency, visited));
                }
            }
            visited.pop();
        }
        prefer_deeper(&mut found);
        found.sort_by(|a, b| {
            b.score
                .total_cmp(&a.score)
                .then_with(|| a.path.len().cmp(&b.path.len()))
                .then_with(|| a.key().cmp(&b.key()))
        });
        found
    }

    fn through(
        &self,
        object: &ObjectRef,
        dependency: &Dependency,
        visited: &mut Vec<ObjectRef>,
    ) -> Vec<Explanation<'a>> {
        let beneath = self.explanations(&dependency.on, visited);
        let factor = match dependency.strength {
            Strength::Proven => 0.98,
            Strength::Likely => 0.85,
            Strength::Configured => 0.70,
        };
        beneath
            .into_iter()
            .map(|inner| {
                let mut path = vec![dependency.clone()];
                path.extend(inner.path);
                Explanation {
                    candidate: inner.candidate,
                    object: object.clone(),
                    path,
                    score: inner.score * factor,
                }
            })
            .collect()
    }

    /// Whether trouble of the dependency can show as the object's symptoms.
    fn carries(&self, object: &ObjectRef, dependency: &Dependency) -> bool {
        // What a node does to a workload, its failure modes state themselves.
        if dependency.on.kind == Kind::Node {
            return false;
        }
        let symptoms = self.symptoms(object);
        let own_only = |symptom: &Symptom| {
            matches!(
                symptom,
                Symptom::Pending
                    | Symptom::NotCreated
                    | Symptom::NotStarted
                    | Symptom::Missing
                    | Symptom::CannotDelete
                    | Symptom::Evicted
            )
        };
        let stuck_before_running = !symptoms.is_empty()
            && symptoms.iter().any(own_only)
            && !symptoms.contains(&Symptom::Initializing);
        let runs = object.kind.is_workload() || object.kind == Kind::Pod;
        if runs && stuck_before_running && dependency.on.kind != Kind::PersistentVolumeClaim {
            return false;
        }
        match dependency.strength {
            Strength::Proven => true,
            Strength::Likely | Strength::Configured => self.is_unwell(&dependency.on, 0),
        }
    }

    /// Whether callers of an object may notice that something is wrong: it does not do its work, or
    /// it runs and fails at what it calls in turn.
    fn is_unwell(&self, object: &ObjectRef, depth: usize) -> bool {
        let fails = self.symptoms(object).iter().any(|symptom| {
            matches!(
                symptom,
                Symptom::Errors | Symptom::CallFailing | Symptom::ResolutionFailing | Symptom::Forbidden
            )
        });
        let behind = object.kind == Kind::Service
            && depth == 0
            && self.dependencies.of(object).iter().any(|dependency| self.is_unwell(&dependency.on, 1));
        fails || behind || self.is_unavailable(object, depth)
    }

    /// Whether an object does not do its work: broken itself, or a Service without endpoints.
    fn is_unavailable(&self, object: &ObjectRef, depth: usize) -> bool {
        let broken = self.symptoms(object).iter().any(|symptom| {
            !matches!(
                symptom,
                Symptom::Errors
                    | Symptom::Slow
                    | Symptom::CallFailing
                    | Symptom::ResolutionFailing
                    | Symptom::Forbidden
                    | Symptom::NotScaling
                    | Symptom::StaleVersion
            )
        });
        let manifest = self.candidates.get(object).is_some_and(|candidates| {
            candidates
                .iter()
                .any(|one| one.mode.mode.manifests.is_some() && one.mode.mode.role == Role::Cause)
        });
        let behind = object.kind == Kind::Service
            && depth == 0
            && self.dependencies.of(object).iter().any(|dependency| self.is_unavailable(&dependency.on, 1));
        broken || manifest || behind
    }

    /// Explains the objects with as few causes as possible; alternatives come after.
    fn cover(&self, objects: &BTreeSet<ObjectRef>, focus: &Focus) -> Vec<Ranked<'a>> {
        let mut hypotheses: BTreeMap<(String, ObjectRef), Ranked<'a>> = BTreeMap::new();
        let mut worth: BTreeMap<ObjectRef, Worth> = BTreeMap::new();
        for object in objects {
            let explanations = self.explanations(object, &mut Vec::new());
            let Some(best) = explanations.first() else { continue };
            let weight = self.weight(object, focus);
            worth.insert(object.clone(), Worth { weight, best: best.score });
            for explanation in explanations {
                let weight = weight * explanation.score;
                let ranked = hypotheses.entry(explanation.key()).or_insert_with(|| Ranked {
                    best: explanation.clone(),
                    covers: BTreeSet::new(),
                    weight: 0.0,
                    rival: false,
                    alternative: false,
                    elsewhere: false,
                    link: Link::Explains,
                });
                if ranked.covers.insert(object.clone()) {
                    ranked.weight += weight;
                }
                if explanation.score > ranked.best.score {
                    ranked.best = explanation;
                }
            }
        }
        let mut chosen = choose(hypotheses, &worth, |chosen| self.reached_by(chosen));
        self.mark_elsewhere(&mut chosen, &worth, focus);
        chosen
    }

    /// Objects whose symptoms follow from an explanation: those on its path and those it affects,
    /// with everything that depends on them.
    fn reached_by(&self, explanation: &Explanation<'a>) -> BTreeSet<ObjectRef> {
        let mut reached: BTreeSet<ObjectRef> = explanation.candidate.accounts_for().cloned().collect();
        reached.insert(explanation.candidate.blame.clone());
        reached.insert(explanation.object.clone());
        reached.extend(explanation.path.iter().map(|hop| hop.on.clone()));
        let mut last: Vec<ObjectRef> = reached.iter().cloned().collect();
        for _ in 0..MAX_DEPTH {
            let dependents = last.iter().filter_map(|object| self.dependents.get(object)).flatten();
            let hit = dependents.filter(|(object, dependency)| self.carries(object, dependency));
            last =
                hit.map(|(object, _)| (*object).clone()).filter(|object| !reached.contains(object)).collect();
            reached.extend(last.iter().cloned());
        }
        reached
    }
}

/// Whether a candidate is a cause by itself, and proven.
fn is_proven_cause(candidate: &Candidate<'_>) -> bool {
    candidate.mode.mode.role == Role::Cause && candidate.proof >= Proof::Computed
}

/// Whether what a failure mode explains is among the symptoms, or brings one of them: a Job fails
/// because its pods do not start, or end.
fn carried(explained: Symptom, symptoms: &BTreeSet<Symptom>) -> bool {
    let fails_jobs = matches!(explained, Symptom::NotStarted | Symptom::Crashing);
    symptoms.contains(&explained) || (fails_jobs && symptoms.contains(&Symptom::JobFailed))
}

/// A callee that does not answer because of what it calls in turn is no end of the chain.
fn prefer_deeper(found: &mut [Explanation<'_>]) {
    let passed: BTreeSet<(ObjectRef, ObjectRef)> = found
        .iter()
        .flat_map(|one| one.path.iter().map(|hop| (hop.on.clone(), one.candidate.blame.clone())))
        .collect();
    for one in found.iter_mut().filter(|one| one.candidate.mode.mode.role == Role::Effect) {
        let blame = &one.candidate.blame;
        if passed.iter().any(|(through, deeper)| through == blame && deeper != blame) {
            one.score *= 0.9;
        }
    }
}

/// How well a candidate explains by itself.
fn strength_of(candidate: &Candidate<'_>) -> f64 {
    let proof = match candidate.proof {
        Proof::Decisive => 1.0,
        Proof::Computed => 0.92,
        Proof::Suggestive => 0.45,
    };
    let role = if candidate.mode.mode.role == Role::Effect { 0.4 } else { 1.0 };
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    let adjusted =
        proof * role + 0.02 * candidate.supported.min(3) as f64 - 0.2 * candidate.contradicted as f64;
    adjusted.max(0.01)
}

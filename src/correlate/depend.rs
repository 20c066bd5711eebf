//! Dependencies along which a fault in one object becomes a symptom of another.

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::address::{self, Address, Entrances, Target};
use crate::cluster::topology::Relation;
use crate::cluster::{Kind, ObjectRef};
use crate::diagnose::{Context, Facts};
use crate::evidence::Evidence;

/// How sure it is that trouble travels along a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// Only configured: nothing shows that the dependency is in use.
    Configured,
    /// Configured, and the caller's log tells of failed calls without saying to whom.
    Likely,
    /// By the objects' nature, or seen to fail.
    Proven,
}

/// One dependency of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Dependency {
    /// What is depended on.
    pub on: ObjectRef,
    /// How sure.
    pub strength: Strength,
    /// In words, for chains: `calls db:5432 (env DB_HOST)`.
    pub how: String,
    /// What shows it.
    pub evidence: Vec<Evidence>,
}

/// Dependencies of all objects.
#[derive(Clone, Debug, Default)]
pub struct Dependencies {
    by_object: BTreeMap<ObjectRef, Vec<Dependency>>,
    /// Callers whose logs tell of failed calls to nobody that is known.
    unplaced: BTreeSet<ObjectRef>,
}

/// Names under which facts refer to what their subject depends on.
const DEPENDENCY_REFS: [&str; 6] =
    ["callee", "callee_service", "waits_for", "dependency", "backend", "claim"];

impl Dependencies {
    /// Derives the dependencies from relations, facts and logs.
    pub fn new(context: &Context<'_>, facts: &Facts) -> Self {
        let mut all = Self::default();
        all.relations(context);
        all.facts(facts);
        all.logs(context);
        for (object, dependencies) in &mut all.by_object {
            if all.unplaced.contains(object) {
                let configured = dependencies.iter_mut().filter(|one| one.strength == Strength::Configured);
                configured.for_each(|one| one.strength = Strength::Likely);
            }
            // The strongest statement of each dependency stays.
            dependencies
                .sort_by(|a, b| a.on.cmp(&b.on).then(b.strength.cmp(&a.strength)).then(a.how.cmp(&b.how)));
            dependencies.dedup_by(|later, first| later.on == first.on);
        }
        all
    }

    /// What an object depends on, ordered by object.
    pub fn of(&self, object: &ObjectRef) -> &[Dependency] {
        self.by_object.get(object).map_or(&[], Vec::as_slice)
    }

    fn add(
        &mut self,
        object: &ObjectRef,
        on: ObjectRef,
        strength: Strength,
        how: String,
        evidence: Vec<Evidence>,
    ) {
        if *object != on {
            self.by_object.entry(object.clone()).or_default().push(Dependency {
                on,
                strength,
                how,
                evidence,
            });
        }
    }

    fn relations(&mut self, context: &Context<'_>) {
        for edge in context.topology.edges() {
            let (strength, how) = match (edge.relation, &edge.from.kind, &edge.to.kind) {
                (Relation::Selects, Kind::Service, _) => (Strength::Proven, "selects".to_owned()),
                (Relation::Routes, ..) => (Strength::Proven, "routes to".to_owned()),
                (Relation::Admits, ..) => (Strength::Proven, "is served by".to_owned()),
                (Relation::Scales, ..) => (Strength::Configured, "scales".to_owned()),
                (Relation::Mounts, _, Kind::PersistentVolumeClaim) => (Strength::Proven, "mounts".to_owned()),
                (Relation::ScheduledOn, ..) => (Strength::Proven, "runs on".to_owned()),
                (Relation::Owns, Kind::CronJob, Kind::Job) => (Strength::Proven, "runs".to_owned()),
                // What a custom resource made, and the custom resources that it builds on.
                (Relation::Owns, from, _) if from.custom().is_some() => {
                    (Strength::Proven, "manages".to_owned())
                }
                (Relation::References, from, to) if from.custom().is_some() && to.custom().is_some() => {
                    (Strength::Proven, "builds on".to_owned())
                }
                (Relation::References, Kind::PersistentVolumeClaim, _) => {
                    (Strength::Proven, "names".to_owned())
                }
                (Relation::Calls, ..) => {
                    (Strength::Configured, format!("is configured to call ({})", edge.stated_in))
                }
                _ => continue,
            };
            self.add(&edge.from, edge.to.clone(), strength, how, Vec::new());
        }
    }

    fn facts(&mut self, facts: &Facts) {
        for fact in facts.iter().filter(|fact| fact.truth == crate::cluster::Truth::True) {
            for name in DEPENDENCY_REFS {
                if let Some(on) = fact.refs.get(name) {
                    let strength = if fact.text("certainty") == "suggestive" {
                        Strength::Configured
                    } else {
                        Strength::Proven
                    };
                    let how = match name {
                        "waits_for" => "waits for",
                        "claim" => "needs the volume of",
                        _ => "calls",
                    };
                    self.add(&fact.subject, on.clone(), strength, how.to_owned(), fact.evidence.clone());
                }
            }
        }
    }

    /// Calls that logs show to fail, by their target.
    fn logs(&mut self, context: &Context<'_>) {
        let entrances = Entrances::new(context.state);
        for finding in context.logs.iter().filter(|finding| !finding.recovered && !finding.is_milestone()) {
            let Some(target) = &finding.target else {
                if matches!(finding.class, "call" | "dependency") {
                    self.unplaced.insert(finding.workload.clone());
                }
                continue;
            };
            let pod = ObjectRef::new(Kind::Pod, &finding.key.namespace, &finding.key.pod);
            let evidence = Evidence::new(
                crate::evidence::Source::Log,
                pod,
                format!("log of {}", finding.key.container),
                finding.signature,
            )
            .excerpt(finding.excerpt.clone())
            .at(finding.last)
            .times(finding.count);
            for on in resolve(context, &entrances, &finding.workload, target) {
                let how = format!("fails to call {target} ({})", finding.signature);
                self.add(&finding.workload, on, Strength::Proven, how, vec![evidence.clone()]);
            }
        }
    }
}

/// What a target of a log line is, also where its IP is not the Service's any more: then the
/// caller's configured calls with the same port are meant.
fn resolve(
    context: &Context<'_>,
    entrances: &Entrances,
    caller: &ObjectRef,
    target: &Address,
) -> Vec<ObjectRef> {
    match address::resolve(context.state, caller.ns(), &target.host) {
        Target::Service(service) | Target::Missing(service) => vec![service],
        Target::Pod(pod) => vec![context.topology.workload_of(&pod)],
        Target::External if address::is_ip(&target.host) && target.port.is_some() => context
            .topology
            .calls_of(caller)
            .filter(|call| call.address.port_or_default() == target.port)
            .filter_map(|call| match &call.target {
                Target::Service(service) | Target::Missing(service) => Some(service.clone()),
                _ => None,
            })
            .collect(),
        Target::External => entrances.of(&target.host).to_vec(),
        _ => Vec::new(),
    }
}

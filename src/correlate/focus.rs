//! The focus: which objects the description points at.

use std::collections::BTreeSet;

use crate::cluster::topology::{Relation, Topology};
use crate::cluster::types::Pod;
use crate::cluster::{Kind, ObjectRef};
use crate::diagnose::Fact;
use crate::symptom::Symptom;

/// What the description points at, grounded in the cluster.
#[derive(Clone, Debug, Default)]
pub struct Focus {
    /// The objects that the description names; empty: it names nothing.
    pub objects: Vec<ObjectRef>,
    /// Namespaces the complaint is about; empty: all.
    pub namespaces: Vec<String>,
    /// Symptoms that the description mentions; they rank, they do not filter.
    pub symptoms: Vec<Symptom>,
    /// Whether a name of the description was not found: caps confidence.
    pub not_found: bool,
    /// Telling words of the description, as stems: an object whose name has one may be meant.
    pub words: BTreeSet<String>,
    /// Parts of names, as stems, that mean what a word of the description means: `sms` for "texts".
    pub meanings: BTreeSet<String>,
}

impl Focus {
    /// Whether the description names an object that is more than a namespace.
    pub fn names_something(&self) -> bool {
        self.objects.iter().any(|object| object.kind != Kind::Namespace)
    }

    /// Whether an object lies where the complaint is; cluster-scoped objects always do.
    pub fn in_scope(&self, object: &ObjectRef) -> bool {
        self.namespaces.is_empty()
            || object.namespace.is_none()
            || self.namespaces.iter().any(|namespace| namespace == object.ns())
    }

    /// Whether a word of the description is part of an object's name: "no mails" and `mail-dispatcher`.
    ///
    /// Parts that a named object has as well tell nothing: they are the name of the whole.
    pub fn echoes(&self, object: &ObjectRef) -> bool {
        if self.words.is_empty() {
            return false;
        }
        let named = self.objects.iter().filter(|named| named.kind != Kind::Namespace);
        let own: BTreeSet<String> = named.flat_map(|named| stems(&named.name)).collect();
        stems(&object.name).any(|stem| self.words.contains(&stem) && !own.contains(&stem))
    }

    /// Whether part of an object's name means what a word of the description means: "no texts go out"
    /// and `sms-gateway`.
    pub fn suggests(&self, object: &ObjectRef) -> bool {
        !self.meanings.is_empty() && stems(&object.name).any(|stem| self.meanings.contains(&stem))
    }

    /// Whether a word of the description, or what one means, is part of an object's name.
    pub fn hints_at(&self, object: &ObjectRef) -> bool {
        self.echoes(object) || self.suggests(object)
    }

    /// Whether the description asks for what a fact states that is mostly meant so: it names the
    /// subject and what the fact affects or, where it names nothing of that kind, says that
    /// something is not there.
    pub fn asks_for(&self, fact: &Fact) -> bool {
        let matters = fact.text("matters");
        if !matters.starts_with("if-asked") {
            return true;
        }
        let absent = [Symptom::NotCreated, Symptom::Missing];
        let kind = fact.affects.first().map(|object| &object.kind);
        let says_where = self.objects.iter().any(|object| Some(&object.kind) == kind);
        let asked = match says_where {
            true => fact.affects.iter().any(|object| self.objects.contains(object)),
            false => matters == "if-asked" && self.symptoms.iter().any(|symptom| absent.contains(symptom)),
        };
        asked && self.objects.contains(&fact.subject)
    }

    /// The named objects with those that are the same thing to a person: a Service's workloads,
    /// a workload's Services, a CronJob's Jobs, an autoscaler's target, what a node's kubelet turned out.
    pub fn closure(&self, topology: &Topology<'_>) -> BTreeSet<ObjectRef> {
        let mut all: BTreeSet<ObjectRef> = BTreeSet::new();
        for object in
            self.objects.iter().filter(|object| object.kind != Kind::Namespace || self.objects.len() == 1)
        {
            let object = topology.workload_of(object);
            match object.kind {
                Kind::Service => all.extend(topology.workloads_behind(&object).cloned()),
                Kind::CronJob => all.extend(
                    topology
                        .from(&object)
                        .filter(|edge| edge.relation == Relation::Owns)
                        .map(|edge| edge.to.clone()),
                ),
                Kind::HorizontalPodAutoscaler => {
                    all.extend(topology.from(&object).map(|edge| edge.to.clone()))
                }
                Kind::Node => all.extend(turned_out(topology, &object.name)),
                Kind::PersistentVolumeClaim => all.extend(
                    topology
                        .to(&object)
                        .filter(|edge| edge.relation == Relation::Mounts)
                        .map(|edge| edge.from.clone()),
                ),
                _ => {
                    all.extend(topology.services_of(&object).cloned());
                    all.extend(
                        topology
                            .to(&object)
                            .filter(|edge| edge.relation == Relation::Scales)
                            .map(|edge| edge.from.clone()),
                    );
                    all.extend(
                        topology
                            .from(&object)
                            .filter(|edge| {
                                edge.relation == Relation::Mounts
                                    && edge.to.kind == Kind::PersistentVolumeClaim
                            })
                            .map(|edge| edge.to.clone()),
                    );
                }
            }
            all.insert(object);
        }
        all
    }
}

/// The parts of a name as stems, to compare with [`Focus::words`].
pub fn stems(name: &str) -> impl Iterator<Item = String> {
    let parts = name.split(|letter: char| !letter.is_alphanumeric());
    parts.filter(|part| part.chars().count() > 2).map(|part| {
        let lower = part.to_lowercase();
        lower.strip_suffix('s').map_or_else(|| lower.clone(), str::to_owned)
    })
}

/// Workloads whose pods the kubelet of a node refused or evicted.
fn turned_out<'t>(topology: &'t Topology<'_>, node: &'t str) -> impl Iterator<Item = ObjectRef> + use<'t> {
    let ended = move |pod: &&Pod| {
        pod.spec.node_name == node && pod.status.phase == "Failed" && !pod.status.reason.is_empty()
    };
    topology.state().pods.iter().filter(ended).map(|pod| topology.workload_of_pod(pod))
}

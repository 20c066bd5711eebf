//! Facts: typed statements about an object, with evidence.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde_json::Value;

use crate::cluster::{ObjectRef, Truth, work};
use crate::evidence::Evidence;

/// What a fact's name means, and what it carries.
#[derive(Clone, Copy, Debug)]
pub struct FactSpec {
    /// Dotted name, such as `image.pull`.
    pub name: &'static str,
    /// One sentence: what it states about its subject.
    pub about: &'static str,
    /// Parameters: name and meaning, with the values where they are few.
    pub params: &'static [(&'static str, &'static str)],
    /// Named related objects: name and meaning.
    pub refs: &'static [(&'static str, &'static str)],
}

/// One statement about one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// The name of its [`FactSpec`].
    pub name: &'static str,
    /// The object it is about: the workload, not its pod, wherever there is one.
    pub subject: ObjectRef,
    /// Whether it holds; unknown where what would tell was not read.
    pub truth: Truth,
    /// Values that matchers and templates use.
    pub params: BTreeMap<&'static str, Value>,
    /// Related objects that templates and `blame` use.
    pub refs: BTreeMap<&'static str, ObjectRef>,
    /// Objects other than the subject whose symptoms this fact directly accounts for.
    pub affects: Vec<ObjectRef>,
    /// What proves it.
    pub evidence: Vec<Evidence>,
    /// Since when it holds.
    pub since: Option<Timestamp>,
}

impl Fact {
    /// States that something holds for an object.
    pub fn new(name: &'static str, subject: ObjectRef) -> Self {
        Self {
            name,
            subject,
            truth: Truth::True,
            params: BTreeMap::new(),
            refs: BTreeMap::new(),
            affects: Vec::new(),
            evidence: Vec::new(),
            since: None,
        }
    }

    /// Sets whether it holds.
    #[must_use]
    pub fn truth(mut self, truth: Truth) -> Self {
        self.truth = truth;
        self
    }

    /// Adds a parameter.
    #[must_use]
    pub fn param(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.params.insert(name, value.into());
        self
    }

    /// Adds a related object.
    #[must_use]
    pub fn object(mut self, name: &'static str, object: ObjectRef) -> Self {
        self.refs.insert(name, object);
        self
    }

    /// Adds an object whose symptoms this accounts for.
    #[must_use]
    pub fn affects(mut self, object: ObjectRef) -> Self {
        if object != self.subject && !self.affects.contains(&object) {
            self.affects.push(object);
        }
        self
    }

    /// Adds evidence.
    #[must_use]
    pub fn evidence(mut self, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        self.evidence.extend(evidence);
        self
    }

    /// Sets since when it holds.
    #[must_use]
    pub fn since(mut self, since: impl Into<Option<Timestamp>>) -> Self {
        self.since = since.into();
        self
    }

    /// A parameter as text; empty where it is absent or no text.
    pub fn text(&self, name: &str) -> &str {
        self.params.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// All facts, in the order they were stated.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    facts: Vec<Fact>,
    by_name: BTreeMap<&'static str, Vec<usize>>,
    by_subject: HashMap<ObjectRef, Vec<usize>>,
}

impl Facts {
    /// Adds a fact. One that repeats another's name, subject and parameters is merged into it.
    pub fn add(&mut self, fact: Fact) {
        let same = |known: &&mut Fact| {
            known.name == fact.name && known.params == fact.params && known.truth == fact.truth
        };
        let about = self.by_subject.entry(fact.subject.clone()).or_default();
        let facts = &mut self.facts;
        for index in about.iter() {
            if let Some(known) = facts.get_mut(*index).filter(|known| same(known)) {
                for object in fact.affects {
                    if !known.affects.contains(&object) {
                        known.affects.push(object);
                    }
                }
                known.evidence.extend(
                    fact.evidence.into_iter().filter(|new| !known.evidence.contains(new)).collect::<Vec<_>>(),
                );
                known.since = known.since.into_iter().chain(fact.since).min();
                return;
            }
        }
        about.push(facts.len());
        self.by_name.entry(fact.name).or_default().push(facts.len());
        facts.push(fact);
    }

    /// Every fact.
    pub fn iter(&self) -> impl Iterator<Item = &Fact> {
        work::go_through(self.facts.len());
        self.facts.iter()
    }

    /// Facts of one name.
    pub fn named<'s>(&'s self, name: &str) -> impl Iterator<Item = &'s Fact> + use<'s> {
        self.at(self.by_name.get(name))
    }

    /// Facts about one object.
    pub fn of<'s>(&'s self, subject: &ObjectRef) -> impl Iterator<Item = &'s Fact> + use<'s> {
        self.at(self.by_subject.get(subject))
    }

    /// Facts of one name about one object.
    pub fn about<'s>(
        &'s self,
        name: &'s str,
        subject: &ObjectRef,
    ) -> impl Iterator<Item = &'s Fact> + use<'s> {
        self.of(subject).filter(move |fact| fact.name == name)
    }

    fn at<'s>(&'s self, indices: Option<&'s Vec<usize>>) -> impl Iterator<Item = &'s Fact> + use<'s> {
        let indices = indices.map(Vec::as_slice).unwrap_or_default();
        work::go_through(indices.len());
        indices.iter().filter_map(|index| self.facts.get(*index))
    }

    /// Whether a fact of this name holds for the object.
    pub fn holds(&self, name: &str, subject: &ObjectRef) -> bool {
        self.about(name, subject).any(|fact| fact.truth == Truth::True)
    }

    /// How many facts there are.
    pub fn len(&self) -> usize {
        self.facts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }
}

//! Which hypotheses explain what is wrong with as few causes as possible.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::explain::{Explanation, Ranked};
use crate::cluster::ObjectRef;
use crate::knowledge::{Proof, Role};

/// Takes the hypothesis that adds most, again and again, until nothing is left to explain; those that
/// add nothing come after, as alternatives. `reached_by` tells whose symptoms follow from one.
pub(super) fn choose<'a>(
    mut hypotheses: BTreeMap<(String, ObjectRef), Ranked<'a>>,
    worth: &BTreeMap<ObjectRef, Worth>,
    reached_by: impl Fn(&Explanation<'a>) -> BTreeSet<ObjectRef>,
) -> Vec<Ranked<'a>> {
    let mut covered: BTreeSet<ObjectRef> = BTreeSet::new();
    let mut chosen: Vec<Ranked<'a>> = Vec::new();
    let mut alternatives: Vec<Ranked<'a>> = Vec::new();
    let mut left: BinaryHeap<Valued> = hypotheses
        .iter()
        .map(|(key, ranked)| Valued { value: value(ranked, &covered, worth), key: Reverse(key.clone()) })
        .collect();
    while let Some(mut top) = left.pop() {
        let Some(ranked) = hypotheses.get(&top.key.0) else { continue };
        // What is covered since can only have made it worth less, and so every other.
        let now = value(ranked, &covered, worth);
        if now < top.value {
            top.value = now;
            left.push(top);
            continue;
        }
        let Some(mut next) = hypotheses.remove(&top.key.0) else { continue };
        if next.covers.is_subset(&covered) {
            // An effect whose mechanism is known says nothing more.
            if !is_effect(&next) || !chosen.iter().any(|cause| tells_mechanism(cause, &next)) {
                next.alternative = true;
                alternatives.push(next);
            }
            continue;
        }
        next.rival = hypotheses.values().any(|other| {
            other.best.score > 0.97 * next.best.score
                && other.best.candidate.mode.mode.role == Role::Cause
                && other.best.candidate.blame != next.best.candidate.blame
                && other.best.path.len() <= next.best.path.len()
                && other.covers.is_superset(&next.covers)
        });
        covered.extend(next.covers.iter().cloned());
        covered.extend(reached_by(&next.best));
        chosen.push(next);
    }
    chosen.extend(alternatives);
    chosen
}

/// What it is worth to explain an object, and how well the best explanation does.
pub(super) struct Worth {
    /// How bad its state is, and how well that fits the description.
    pub(super) weight: f64,
    /// The score of the best explanation.
    pub(super) best: f64,
}

/// A hypothesis by its key, ordered by what it would add; of equals, the first key is the greatest.
struct Valued {
    value: f64,
    key: Reverse<(String, ObjectRef)>,
}

impl Ord for Valued {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.total_cmp(&other.value).then_with(|| self.key.cmp(&other.key))
    }
}

impl PartialOrd for Valued {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Valued {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Valued {}

/// How much a hypothesis would add to what is explained already.
fn value(ranked: &Ranked<'_>, covered: &BTreeSet<ObjectRef>, worth: &BTreeMap<ObjectRef, Worth>) -> f64 {
    let new = ranked.covers.difference(covered).filter_map(|object| worth.get(object));
    new.map(|worth| {
        // A poor explanation of something that has a good one adds little.
        let relative = ranked.best.score / worth.best.max(0.01);
        worth.weight * ranked.best.score * relative.min(1.0).powi(4)
    })
    .sum::<f64>()
        + ranked.best.score * 0.01
}

fn is_effect(ranked: &Ranked<'_>) -> bool {
    ranked.best.candidate.mode.mode.role == Role::Effect
}

/// Whether a proven cause explains everything that an effect is seen on.
fn tells_mechanism(cause: &Ranked<'_>, effect: &Ranked<'_>) -> bool {
    !is_effect(cause)
        && cause.best.candidate.proof >= Proof::Computed
        && cause.best.candidate.contradicted == 0
        && effect.covers.is_subset(&cause.covers)
}

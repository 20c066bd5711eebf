//! Replica counts that go up and down all the time: an autoscaler that thrashes, or two controllers
//! that each restore their own number.

use super::{Context, Fact, FactSpec, Facts};
use crate::cluster::event::Event;
use crate::cluster::topology::Relation;
use crate::cluster::types::Object;
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::Evidence;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[FactSpec {
    name: "replicas.flap",
    about: "the workload's number of replicas went up and down again and again",
    params: &[
        ("by", "autoscaler, or contested where nobody who scaled up also scaled down"),
        ("times", "how often it went up and down again"),
    ],
    refs: &[("autoscaler", "the autoscaler that scales the workload")],
}];

/// Rounds of up and down within the window that no load explains.
const ROUNDS: i64 = 4;

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    for workload in context.state.workloads.iter().filter(|workload| workload.kind == Kind::Deployment) {
        let object = workload.object_ref();
        let scalings = recent(context, &object, "ScalingReplicaSet");
        let Some((times, evidence)) = most_contested(&scalings) else { continue };
        let mut edges = context.topology.to(&object);
        let autoscaler = edges.find(|edge| edge.relation == Relation::Scales).map(|edge| edge.from.clone());
        let own = autoscaler.as_ref().map_or(0, |autoscaler| both_ways(context, autoscaler));
        let mut fact = Fact::new("replicas.flap", object)
            .param("by", if own >= ROUNDS { "autoscaler" } else { "contested" })
            .param("times", times)
            .evidence(evidence);
        if let Some(autoscaler) = autoscaler {
            fact = fact.object("autoscaler", autoscaler);
        }
        facts.add(fact);
    }
}

fn recent<'a>(context: &Context<'a>, object: &ObjectRef, reason: &str) -> Vec<&'a Event> {
    let events: &'a [Event] = context.state.events_of(object);
    let in_window = |event: &&Event| {
        context.since.is_none_or(|since| event.last().get().is_none_or(|last| last >= since))
    };
    events.iter().filter(|event| event.reason == reason).filter(in_window).collect()
}

/// The ReplicaSet that was scaled both ways most often. A rollout scales one up and another down.
fn most_contested(events: &[&Event]) -> Option<(i64, Vec<Evidence>)> {
    let set = |event: &&Event| {
        let (_, rest) = event.message.split_once("replica set ")?;
        rest.split_whitespace().next().map(str::to_owned)
    };
    let mut names: Vec<String> = events.iter().filter_map(set).collect();
    names.sort();
    names.dedup();
    names
        .iter()
        .map(|name| {
            let of = |direction: &str| -> Vec<&Event> {
                let fits = |event: &&Event| {
                    event.message.starts_with(direction) && set(event).as_ref() == Some(name)
                };
                events.iter().copied().filter(fits).collect()
            };
            let (up, down) = (of("Scaled up"), of("Scaled down"));
            let total = |list: &[&Event]| list.iter().map(|event| event.times()).sum::<i64>();
            let evidence = up.iter().chain(&down).take(4).map(|event| Evidence::event(event)).collect();
            (total(&up).min(total(&down)), evidence)
        })
        .filter(|(rounds, _)| *rounds >= ROUNDS)
        .max_by_key(|(rounds, _)| *rounds)
}

/// How often an autoscaler itself went up and down again, by the order of the sizes that it set.
fn both_ways(context: &Context<'_>, autoscaler: &ObjectRef) -> i64 {
    let rescales = recent(context, autoscaler, "SuccessfulRescale");
    let total = |word: &str| -> i64 {
        rescales.iter().filter(|event| event.message.contains(word)).map(|event| event.times()).sum()
    };
    total("above target").min(total("below target"))
}

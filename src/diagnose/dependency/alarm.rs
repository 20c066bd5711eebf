//! Alarms of a broker: of its memory or its disk, and whether nobody empties its queues meanwhile.
//!
//! An alarm is a state: the line that set it holds until another clears it, however old it is.

use std::collections::BTreeSet;

use crate::cluster::ObjectRef;
use crate::cluster::types::Object;
use crate::diagnose::{Context, Fact, Facts, net};
use crate::evidence::{Evidence, Source};
use crate::logs;

/// What a broker that blocks its publishers lacks: its disk is full, or nobody consumes.
pub(super) fn explain(context: &Context<'_>, fact: Fact, facts: &mut Facts) -> Fact {
    let broker = fact.subject.clone();
    let told: BTreeSet<ObjectRef> = fact.affects.iter().cloned().collect();
    let absent = absent_consumers(context, &broker, &told);
    if let Some(first) = absent.first() {
        for caller in told {
            facts.add(Fact::new("dependency.blocked", caller).object("callee", broker.clone()));
        }
        let names: Vec<String> = absent.iter().map(|consumer| consumer.name.to_string()).collect();
        return fact.param("consumers", names).object("waits_for", first.clone());
    }
    match disk_alarm(context, &broker) {
        Some((line, evidence)) => {
            fact.param("signature", "store-full").param("line", line).evidence([evidence])
        }
        None => fact,
    }
}

/// Workloads that are configured to use a broker and are down without a word of it: while they are,
/// what they consume piles up.
fn absent_consumers(
    context: &Context<'_>,
    broker: &ObjectRef,
    told: &BTreeSet<ObjectRef>,
) -> BTreeSet<ObjectRef> {
    let suffers = |user: &ObjectRef| {
        let mut own = context.logs.of(user).filter(|finding| !finding.recovered);
        own.any(|finding| matches!(finding.class, "call" | "dependency"))
    };
    let down = |user: &ObjectRef| net::is_broken(context, user) && !net::any_ready(context, user);
    let services = context.topology.services_of(broker);
    let users = services.flat_map(|service| net::users_of(context, service));
    users
        .filter(|user| user.kind.is_workload() && !told.contains(user) && down(user) && !suffers(user))
        .collect()
}

/// The line by which a broker says that its disk is full, and nothing after it that this is over.
fn disk_alarm(context: &Context<'_>, broker: &ObjectRef) -> Option<(String, Evidence)> {
    for pod in context.topology.pods_of(broker) {
        let meta = &pod.metadata;
        for container in &pod.spec.containers {
            let log = context.state.logs.get(&meta.namespace, &meta.name, &container.name, false);
            let mut lines = log.into_iter().flat_map(|log| log.text.lines());
            let Some(line) = lines.rfind(|line| line.contains("disk resource limit alarm")) else {
                continue;
            };
            if line.contains("alarm set") {
                let line = crate::redact::text(line.trim()).into_owned();
                let told = format!("log of {}", container.name);
                let time = logs::time_of(&line, context.now);
                let evidence = Evidence::new(Source::Log, pod.object_ref(), told, "broker-alarm");
                return Some((line.clone(), evidence.excerpt(line).at(time)));
            }
        }
    }
    None
}

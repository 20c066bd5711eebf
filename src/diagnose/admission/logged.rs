//! Quotas that refuse what programs create themselves: hubs, runners, operators.
//!
//! No controller has an event of it, and no object is missing that another names. The program logs
//! what the API server said.

use std::collections::BTreeMap;

use super::message::{Amount, Refusal, refusal};
use super::{hard, no_room, resource_group, usage_evidence};
use crate::cluster::ObjectRef;
use crate::cluster::quantity::Quantity;
use crate::cluster::types::{Object, ResourceQuota};
use crate::diagnose::{Context, Fact, Facts, net};

/// States the quotas that logs tell of and that have no more room now.
pub(super) fn run(context: &Context<'_>, facts: &mut Facts) {
    let mut found: BTreeMap<(ObjectRef, String), Fact> = BTreeMap::new();
    for finding in context.logs.iter().filter(|one| one.signature == "quota-refused" && !one.recovered) {
        let message = finding.param("message");
        let Some(Refusal::Quota { quota, amounts }) = refusal(message) else { continue };
        let Some(quota) = meant(context, finding.workload.ns(), &quota) else { continue };
        for amount in amounts.iter().filter(|amount| is_short(quota, amount)) {
            let group = resource_group(&amount.resource);
            let fact = found.entry((quota.object_ref(), group.to_owned())).or_insert_with(|| {
                no_room(quota.object_ref(), amount, message)
                    .param("workloads", finding.workload.name.to_string())
                    .evidence([usage_evidence(quota)])
                    .since(finding.first)
            });
            *fact = fact.clone().affects(finding.workload.clone()).evidence([net::line(finding)]);
        }
    }
    for ((quota, group), fact) in found {
        // What an event says of it is said already.
        if !facts.about("quota.exceeded", &quota).any(|known| known.text("group") == group) {
            facts.add(fact);
        }
    }
}

/// The quota of that name beside the program, else the only one: a program may create elsewhere.
fn meant<'a>(context: &Context<'a>, namespace: &str, name: &str) -> Option<&'a ResourceQuota> {
    context.state.quotas.get(namespace, name).or_else(|| {
        let mut others = context.state.quotas.iter().filter(|quota| quota.metadata.name == name);
        others.next().filter(|_| others.next().is_none())
    })
}

/// Whether the quota has no room now for what was asked for.
fn is_short(quota: &ResourceQuota, amount: &Amount) -> bool {
    let used = quota.status.used.get(amount.resource.as_str()).copied().unwrap_or_default();
    let requested: Quantity = amount.requested.parse().unwrap_or_default();
    hard(quota).any(|(resource, hard)| *resource == amount.resource && used.plus(requested) > *hard)
}

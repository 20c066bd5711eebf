//! Objects that people create themselves, in namespaces whose quota has no room for one more.
//!
//! Such a refusal leaves no trace in the cluster: whoever ran the command got it. What is left
//! is an object that something needs and that is not there, and a quota that forbids it.

use super::super::{Context, Fact, Facts};
use super::{hard, usage_evidence};
use crate::cluster::address::Target;
use crate::cluster::quantity::Quantity;
use crate::cluster::topology::references;
use crate::cluster::types::{Object, ResourceQuota};
use crate::cluster::{Kind, ObjectRef, Truth};
use crate::evidence::Evidence;

/// Names at least this similar are taken for each other: then a name is wrong, and nothing was refused.
const SIMILAR: f64 = 0.9;

/// One object that is needed and absent: who needs it, and where that is stated.
struct Absent {
    object: ObjectRef,
    needed_by: Vec<ObjectRef>,
    stated: String,
}

/// States quotas without room for an object that is needed and does not exist.
pub(super) fn run(context: &Context<'_>, facts: &mut Facts) {
    for quota in &context.state.quotas {
        for (resource, hard) in hard(quota) {
            let Some((kind, group)) = counted(resource) else { continue };
            let used = quota.status.used.get(resource.as_str()).copied().unwrap_or_default();
            for absent in absent(context, &kind, &quota.metadata.namespace) {
                if used >= *hard || waiting_size(context, &absent.object, resource) > hard.minus(used) {
                    facts.add(refused(quota, group, resource, *hard, used, absent));
                }
            }
        }
    }
}

/// The kind of object that a quota's resource is about, where people create it by hand.
fn counted(resource: &str) -> Option<(Kind, &'static str)> {
    Some(match resource {
        "requests.storage" | "persistentvolumeclaims" | "count/persistentvolumeclaims" => {
            (Kind::PersistentVolumeClaim, "storage")
        }
        "services" | "count/services" => (Kind::Service, "services"),
        "secrets" | "count/secrets" => (Kind::Secret, "objects"),
        "configmaps" | "count/configmaps" => (Kind::ConfigMap, "objects"),
        _ => return None,
    })
}

/// The storage of the volume that is reserved for a claim that does not exist yet.
fn waiting_size(context: &Context<'_>, claim: &ObjectRef, resource: &str) -> Quantity {
    let waits = |volume: &&crate::cluster::types::PersistentVolume| {
        let reserved = volume.spec.claim_ref.as_ref();
        volume.status.phase == "Available"
            && reserved.is_some_and(|to| to.namespace == claim.ns() && to.name == *claim.name)
    };
    let reserved = context.state.volumes.iter().find(waits).filter(|_| resource == "requests.storage");
    reserved.and_then(|volume| volume.spec.capacity.get("storage").copied()).unwrap_or_default()
}

/// Objects of a kind that are needed in a namespace, do not exist, and are no slip of the pen.
fn absent(context: &Context<'_>, kind: &Kind, namespace: &str) -> Vec<Absent> {
    let found =
        if *kind == Kind::Service { called(context, namespace) } else { named(context, kind, namespace) };
    let missing =
        |absent: &Absent| context.state.exists(kind, namespace, &absent.object.name) == Truth::False;
    found.into_iter().filter(missing).filter(|absent| !resembles(context, &absent.object)).collect()
}

/// Claims, ConfigMaps and Secrets without which pods do not start.
fn named(context: &Context<'_>, kind: &Kind, namespace: &str) -> Vec<Absent> {
    let mut found: Vec<Absent> = Vec::new();
    let pods = context.state.pods.in_namespace(namespace).iter();
    for pod in pods.filter(|pod| pod.status.phase == "Pending" && !pod.is_deleting()) {
        let workload = context.topology.workload_of_pod(pod);
        for (named, name, _, place, optional) in references(&pod.spec) {
            if named != *kind || optional {
                continue;
            }
            let object = ObjectRef::new(named, namespace, &name);
            match found.iter_mut().find(|known| known.object == object) {
                Some(known) => known.needed_by.push(workload.clone()),
                None => found.push(Absent {
                    object,
                    needed_by: vec![workload.clone()],
                    stated: format!("named by {workload} ({place})"),
                }),
            }
        }
    }
    found
}

/// Services that are called and bear a workload's name: any other name is a wrong address.
fn called(context: &Context<'_>, namespace: &str) -> Vec<Absent> {
    let calls = context.topology.calls().iter().filter_map(|call| {
        let Target::Missing(service) = &call.target else { return None };
        let named = context.state.workloads.named(namespace, &service.name);
        let backend = named.iter().find(|found| found.kind != Kind::ReplicaSet)?;
        (service.ns() == namespace).then(|| Absent {
            object: service.clone(),
            needed_by: vec![call.caller.clone(), service.clone(), backend.object_ref()],
            stated: format!("called by {} ({})", call.caller, call.stated_in),
        })
    });
    calls.collect()
}

/// Whether another object of the namespace has nearly the same name.
fn resembles(context: &Context<'_>, object: &ObjectRef) -> bool {
    let state = context.state;
    let close = |name: &str| strsim::jaro_winkler(name, &object.name) >= SIMILAR;
    match object.kind {
        Kind::PersistentVolumeClaim => {
            state.claims.in_namespace(object.ns()).iter().any(|one| close(&one.metadata.name))
        }
        Kind::Secret => state.secrets.in_namespace(object.ns()).iter().any(|one| close(&one.metadata.name)),
        Kind::ConfigMap => {
            state.config_maps.in_namespace(object.ns()).iter().any(|one| close(&one.metadata.name))
        }
        _ => false,
    }
}

fn refused(
    quota: &ResourceQuota,
    group: &'static str,
    resource: &str,
    hard: Quantity,
    used: Quantity,
    absent: Absent,
) -> Fact {
    let fact = Fact::new("quota.exceeded", quota.object_ref())
        .param("group", group)
        .param("resource", resource)
        .param("hard", hard.to_string())
        .param("used", used.to_string())
        .param("certainty", "computed")
        .object("namespace", ObjectRef::cluster(Kind::Namespace, &quota.metadata.namespace))
        .object("missing", absent.object.clone())
        .evidence([usage_evidence(quota), Evidence::absence(absent.object, absent.stated)]);
    super::affecting(fact, absent.needed_by)
}

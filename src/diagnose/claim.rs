//! Claims that are not bound: which single property keeps which volume from fitting.
//!
//! Only what the binding controller and the provisioners look at is compared. A claim that
//! waits for its first consumer is no fault, and what a pod does inside its volume is for the
//! volume diagnoser.

mod fit;
mod provisioner;

use self::fit::{Mismatch, closest};
use super::health::{affecting, mounting, newest_event};
use super::{Context, Fact, FactSpec, Facts};
use crate::cluster::types::{
    Condition, Object, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass, Workload, condition,
};
use crate::cluster::{Kind, ObjectRef, Truth};
use crate::evidence::Evidence;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[
    FactSpec {
        name: "claim.unbound",
        about: "the claim is not bound although it should be, and this is what keeps it so",
        params: &[
            (
                "by",
                "class-missing, class-different, no-default-class, capacity, access-mode, selector, volume-mode, occupied, released, volume-missing, no-volume, source-missing, provisioning-failed, provisioner-silent or lost",
            ),
            ("wanted", "what the claim asks for"),
            ("have", "what the closest volume offers"),
            ("class", "the claim's storage class"),
            ("volume", "the closest volume's name"),
            ("earlier", "for a volume that is still bound to a deleted claim of the same name: that it is"),
            ("lacks", "why no volume is made for the class"),
            ("absent", "the class, where it does not exist"),
            ("candidates", "how many volumes were compared"),
            ("nearest", "classes that exist, where the claim's does not"),
            ("message", "the last event's message"),
            ("refusal", "what the provisioner says against what the claim asks for"),
            ("certainty", "decisive, computed or suggestive"),
        ],
        refs: &[
            ("volume", "the closest volume"),
            ("provisioner", "the workload that provisions for the class, where it is known"),
            ("class", "the storage class"),
            ("holder", "the claim that holds the volume"),
            ("workload", "a workload that mounts the claim"),
        ],
    },
    FactSpec {
        name: "claim.missing",
        about: "pods of the workload mount a claim that does not exist",
        params: &[
            ("claim", "the claim's name"),
            ("nearest", "the claim of the namespace with the most similar name"),
            ("message", "the event's message"),
            ("certainty", "decisive"),
        ],
        refs: &[("claim", "the claim that does not exist")],
    },
    FactSpec {
        name: "claim.blocks-ordinal",
        about: "the claim of one pod of a StatefulSet is not bound, and the set does not go past that pod",
        params: &[
            ("ordinal", "the pod's ordinal"),
            ("pod", "the pod that waits"),
            ("wanted", "how many pods the set wants"),
            ("have", "how many are ready"),
            ("shared", "whether lower ordinals use up the volumes"),
            ("class", "the claim's storage class"),
        ],
        refs: &[("workload", "the StatefulSet"), ("claim", "the claim")],
    },
    FactSpec {
        name: "claim.resize-failed",
        about: "the claim cannot be expanded to the size it asks for",
        params: &[
            ("wanted", "the size asked for"),
            ("have", "the size it has"),
            ("message", "why"),
            ("by", "not-allowed or failed"),
        ],
        refs: &[("class", "the storage class")],
    },
];

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    for claim in &context.state.claims {
        if claim.metadata.deletion_timestamp.is_some() {
            continue;
        }
        match claim.status.phase.as_str() {
            "Bound" => facts_of_bound(context, claim, facts),
            "Lost" => facts.add(lost(context, claim)),
            _ => {
                if let Some(fact) = unbound(context, claim) {
                    ordinal(context, claim, fact.text("by"), facts);
                    facts.add(fact);
                }
            }
        }
    }
    missing(context, facts);
}

/// Starts a fact about a claim: who mounts it is affected.
fn about(context: &Context<'_>, claim: &PersistentVolumeClaim) -> Fact {
    let object = claim.object_ref();
    let workloads = mounting(context, &object);
    let mut fact = Fact::new("claim.unbound", object).since(claim.metadata.creation_timestamp.get());
    if let Some(workload) = workloads.first() {
        fact = fact.object("workload", workload.clone());
    }
    if let Some(class) = claim.spec.storage_class_name.as_deref().filter(|class| !class.is_empty()) {
        fact = fact.param("class", class);
    }
    affecting(fact, workloads)
}

fn lost(context: &Context<'_>, claim: &PersistentVolumeClaim) -> Fact {
    let object = claim.object_ref();
    about(context, claim)
        .param("by", "lost")
        .param("wanted", claim.spec.volume_name.clone())
        .param("volume", claim.spec.volume_name.clone())
        .param("certainty", "decisive")
        .evidence([Evidence::status(object, "status.phase", "Lost")])
}

/// Why a pending claim is not bound; none where it only waits for a pod.
fn unbound(context: &Context<'_>, claim: &PersistentVolumeClaim) -> Option<Fact> {
    let object = claim.object_ref();
    let class = class_of(context, claim);
    let event = provisioner::said(context, &object, class.is_some());
    let volumes: Vec<&PersistentVolume> = context.state.volumes.iter().collect();
    let compared = closest(claim, class, &volumes, &context.state.claims);
    let mut fact =
        about(context, claim).evidence([Evidence::status(object.clone(), "status.phase", "Pending")]);
    if let Some(event) = event {
        fact = fact.param("message", event.message.clone()).evidence([Evidence::event(event)]);
    }
    if let Some(fact) = volume_missing(context, claim, fact.clone()) {
        return Some(fact);
    }
    let provisions = class.is_some_and(|class| class.provisioner != NO_PROVISIONER);
    // A volume that differs in one property tells more than the absence of a class which
    // nothing provisions for anyway: hand-made volumes need no class object.
    if let Some(near) = &compared
        && ((near.mismatches.len() == 1 && !provisions) || near.asked_for)
        && near.first() != Some(Mismatch::Class)
    {
        return near.first().map(|by| differing(fact, by, near, volumes.len()));
    }
    if let Some(fact) = class_fault(context, claim, class, fact.clone(), compared.as_ref()) {
        return Some(fact);
    }
    if let Some(fact) = source_missing(context, claim, fact.clone()) {
        return Some(fact);
    }
    if let Some(class) = class.filter(|class| class.provisioner != NO_PROVISIONER) {
        return provisioner::explain(context, claim, class, event, fact);
    }
    if waits_for_consumer(context, claim, class) {
        return None;
    }
    if !context.state.was_read(&Kind::PersistentVolume, "") {
        return Some(fact.param("by", "no-volume").truth(Truth::Unknown));
    }
    match compared {
        Some(near) => near.first().map(|by| differing(fact, by, &near, volumes.len())),
        None => Some(
            fact.param("by", "no-volume")
                .param("wanted", fit::asked(claim))
                .param("candidates", volumes.len())
                .param("certainty", "computed"),
        ),
    }
}

/// The provisioner of classes for hand-made volumes.
const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";

/// The class a claim asks for, or gets by default.
fn class_of<'a>(context: &Context<'a>, claim: &PersistentVolumeClaim) -> Option<&'a StorageClass> {
    match claim.spec.storage_class_name.as_deref() {
        Some("") => None,
        Some(name) => context.state.storage_classes.get("", name),
        None => context.state.storage_classes.iter().find(|class| class.is_default()),
    }
}

/// The claim against the volume that comes closest.
fn differing(fact: Fact, by: Mismatch, near: &fit::Near<'_>, candidates: usize) -> Fact {
    let volume = near.volume.object_ref();
    let mut fact = fact
        .param("by", by.as_str())
        .param("wanted", near.wanted(by))
        .param("have", near.have(by))
        .param("volume", &*volume.name)
        .param("candidates", candidates)
        .param("certainty", near.certainty(by))
        .evidence([Evidence::spec(volume.clone(), by.path(), near.have(by))]);
    if near.holder().as_ref() == Some(&fact.subject) {
        fact = fact.param("earlier", "an earlier claim of the same name, which was deleted");
    } else if let Some(holder) = near.holder() {
        fact = fact.object("holder", holder.clone()).evidence([Evidence::spec(
            volume.clone(),
            "spec.claimRef",
            holder.to_string(),
        )]);
    }
    if by == Mismatch::Class {
        fact = fact.param("lacks", "that class makes no volumes by itself");
    }
    let subject = fact.subject.clone();
    fact.object("volume", volume).evidence([Evidence::spec(subject, by.claim_path(), near.wanted(by))])
}

/// A class that does not exist, or none at all where one is needed.
fn class_fault(
    context: &Context<'_>,
    claim: &PersistentVolumeClaim,
    class: Option<&StorageClass>,
    fact: Fact,
    near: Option<&fit::Near<'_>>,
) -> Option<Fact> {
    if class.is_some() {
        return None;
    }
    let nearest = context
        .state
        .storage_classes
        .iter()
        .map(|class| class.metadata.name.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    let object = claim.object_ref();
    match claim.spec.storage_class_name.as_deref() {
        None if near.is_none() && context.state.was_read(&Kind::StorageClass, "") => Some(
            fact.param("by", "no-default-class")
                .param("wanted", "the default class")
                .param("nearest", nearest)
                .param("certainty", "computed")
                .evidence([Evidence::absence(
                    object,
                    "no StorageClass is the default, and the claim names none",
                )]),
        ),
        None | Some("") => None,
        Some(name) => {
            let volume = near.filter(|near| near.mismatches == [Mismatch::Class]);
            let class = ObjectRef::cluster(Kind::StorageClass, name);
            let truth = match context.state.exists(&Kind::StorageClass, "", name) {
                Truth::True => return None,
                Truth::False => Truth::True,
                Truth::Unknown if fact.text("message").contains("not found") => Truth::True,
                Truth::Unknown => Truth::Unknown,
            };
            let mut fact = fact
                .truth(truth)
                .param("by", if volume.is_some() { "class-different" } else { "class-missing" })
                .param("lacks", "there is no such class")
                .param("absent", name)
                .param("wanted", name)
                .param("nearest", nearest)
                .param("certainty", "decisive")
                .object("class", class.clone())
                .evidence([
                    Evidence::spec(object, "spec.storageClassName", name),
                    Evidence::absence(class, "no such StorageClass"),
                ]);
            if let Some(near) = volume {
                fact = fact
                    .param("volume", near.volume.metadata.name.clone())
                    .param("have", near.have(Mismatch::Class))
                    .object("volume", near.volume.object_ref());
            }
            Some(fact)
        }
    }
}

/// A volume that the claim names and that does not exist.
fn volume_missing(context: &Context<'_>, claim: &PersistentVolumeClaim, fact: Fact) -> Option<Fact> {
    let name = claim.spec.volume_name.as_str();
    if name.is_empty() || context.state.exists(&Kind::PersistentVolume, "", name) != Truth::False {
        return None;
    }
    let volume = ObjectRef::cluster(Kind::PersistentVolume, name);
    Some(
        fact.param("by", "volume-missing")
            .param("wanted", name)
            .param("volume", name)
            .param("certainty", "decisive")
            .evidence([
                Evidence::spec(claim.object_ref(), "spec.volumeName", name),
                Evidence::absence(volume.clone(), "no such volume"),
            ])
            .object("volume", volume),
    )
}

/// A snapshot or claim to copy from that does not exist.
fn source_missing(context: &Context<'_>, claim: &PersistentVolumeClaim, fact: Fact) -> Option<Fact> {
    let source = claim.spec.data_source_ref.as_ref().or(claim.spec.data_source.as_ref())?;
    let kind = Kind::from(source.kind.as_str());
    let gone = context.state.exists(&kind, &claim.metadata.namespace, &source.name) == Truth::False
        && !matches!(kind, Kind::Other(_));
    let said =
        fact.text("message").contains("not found") && fact.text("message").contains(source.name.as_str());
    (gone || said).then(|| {
        fact.param("by", "source-missing")
            .param("wanted", format!("{} {}", source.kind, source.name))
            .param("certainty", "decisive")
            .evidence([Evidence::spec(
                claim.object_ref(),
                "spec.dataSource",
                format!("{} {}", source.kind, source.name),
            )])
    })
}

/// Whether a claim waits for a pod by design, and no pod waits for it.
fn waits_for_consumer(
    context: &Context<'_>,
    claim: &PersistentVolumeClaim,
    class: Option<&StorageClass>,
) -> bool {
    let delayed = class.is_some_and(|class| class.volume_binding_mode == "WaitForFirstConsumer");
    let has_pod = mounting(context, &claim.object_ref())
        .iter()
        .any(|workload| !context.topology.pods_of(workload).is_empty());
    delayed && !has_pod
}

/// A bound claim that wants to grow and cannot.
fn facts_of_bound(context: &Context<'_>, claim: &PersistentVolumeClaim, facts: &mut Facts) {
    let (Some(wanted), Some(have)) =
        (claim.spec.resources.requests.get("storage"), claim.status.capacity.get("storage"))
    else {
        return;
    };
    if wanted <= have {
        return;
    }
    let object = claim.object_ref();
    let event = newest_event(context, &object, |event| {
        matches!(event.reason.as_str(), "VolumeResizeFailed" | "FileSystemResizeFailed" | "ExternalExpanding")
    });
    let class = class_of(context, claim);
    let forbidden = class.is_some_and(|class| class.allow_volume_expansion != Some(true));
    let failing =
        condition(&claim.status.conditions, "ControllerResizeError").is_some_and(Condition::is_true);
    if !forbidden && !failing && event.is_none_or(|event| event.reason == "ExternalExpanding") {
        return;
    }
    let mut fact = Fact::new("claim.resize-failed", object.clone())
        .param("wanted", wanted.to_string())
        .param("have", have.to_string())
        .param("by", if forbidden { "not-allowed" } else { "failed" })
        .evidence([Evidence::status(object, "status.capacity.storage", have.to_string())]);
    if let Some(event) = event {
        fact = fact.param("message", event.message.clone()).evidence([Evidence::event(event)]);
    }
    if let Some(class) = class {
        fact = fact.object("class", class.object_ref());
    }
    facts.add(fact);
}

/// A StatefulSet that does not go past the pod whose claim is unbound.
fn ordinal(context: &Context<'_>, claim: &PersistentVolumeClaim, by: &str, facts: &mut Facts) {
    let object = claim.object_ref();
    for set in
        context.state.workloads.in_namespace(object.ns()).iter().filter(|set| set.kind == Kind::StatefulSet)
    {
        let Some(ordinal) = ordinal_of(set, &object.name) else { continue };
        let pod = format!("{}-{ordinal}", set.metadata.name);
        let waiting =
            context.state.pods.get(object.ns(), &pod).is_some_and(|pod| pod.spec.node_name.is_empty());
        let lower_ready = (0..ordinal).all(|lower| {
            context
                .state
                .pods
                .get(object.ns(), &format!("{}-{lower}", set.metadata.name))
                .is_some_and(Pod::is_ready)
        });
        if ordinal == 0 || !waiting || !lower_ready || set.desired() <= ordinal {
            continue;
        }
        let mut fact = Fact::new("claim.blocks-ordinal", object.clone())
            .param("ordinal", ordinal)
            .param("pod", pod.clone())
            .param("wanted", set.desired())
            .param("have", set.status.ready_replicas)
            .param("shared", matches!(by, "occupied" | "no-volume" | "class-missing"))
            .object("workload", set.object_ref())
            .object("claim", object.clone())
            .affects(set.object_ref())
            .evidence([
                Evidence::status(object.clone(), "status.phase", "Pending"),
                Evidence::status(
                    set.object_ref(),
                    "status.readyReplicas",
                    format!("{} of {}", set.status.ready_replicas, set.desired()),
                ),
            ])
            .since(claim.metadata.creation_timestamp.get());
        if let Some(class) = claim.spec.storage_class_name.as_deref().filter(|class| !class.is_empty()) {
            fact = fact.param("class", class);
        }
        facts.add(fact);
    }
}

/// The ordinal of the set's pod that a claim belongs to.
fn ordinal_of(set: &Workload, claim: &str) -> Option<i64> {
    set.spec.volume_claim_templates.iter().find_map(|template| {
        let prefix = format!("{}-{}-", template.metadata.name, set.metadata.name);
        claim.strip_prefix(prefix.as_str())?.parse().ok()
    })
}

/// Claims that pods name and that do not exist.
fn missing(context: &Context<'_>, facts: &mut Facts) {
    for (workload, pods) in context.topology.pods_by_workload() {
        for pod in pods
            .iter()
            .filter(|pod| matches!(pod.status.phase.as_str(), "Pending" | "") && !pod.is_deleting())
        {
            let volumes =
                pod.spec.volumes.iter().filter_map(|volume| volume.persistent_volume_claim.as_ref());
            for volume in volumes {
                let claim = ObjectRef::new(Kind::PersistentVolumeClaim, workload.ns(), &volume.claim_name);
                if context.state.exists(&claim.kind, claim.ns(), &claim.name) != Truth::False {
                    continue;
                }
                let object = pod.object_ref();
                let mut fact = Fact::new("claim.missing", workload.clone())
                    .param("claim", &*claim.name)
                    .param("certainty", "decisive")
                    .object("claim", claim.clone())
                    .evidence([
                        Evidence::spec(
                            object.clone(),
                            "spec.volumes[].persistentVolumeClaim.claimName",
                            &*claim.name,
                        ),
                        Evidence::absence(claim.clone(), "no such claim"),
                    ])
                    .since(pod.metadata.creation_timestamp.get());
                if let Some(event) =
                    newest_event(context, &object, |event| event.message.contains(&*claim.name))
                {
                    fact = fact.evidence([Evidence::event(event)]);
                }
                if let Some(nearest) = nearest_claim(context, &claim) {
                    fact = fact.param("nearest", nearest);
                }
                facts.add(fact);
            }
        }
    }
}

/// The claim of the namespace with the most similar name.
fn nearest_claim(context: &Context<'_>, wanted: &ObjectRef) -> Option<String> {
    const SIMILAR: f64 = 0.75;
    let claims = context.state.claims.in_namespace(wanted.ns()).iter();
    claims
        .map(|claim| (strsim::jaro_winkler(&claim.metadata.name, &wanted.name), &claim.metadata.name))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name.to_string())
}

//! Claims whose volume a provisioner should make: what it said, or that it said nothing.

use super::super::Context;
use super::super::container::mentions;
use super::super::fact::Fact;
use super::super::health::newest_event;
use crate::cluster::event::Event;
use crate::cluster::types::{Container, Object, PersistentVolumeClaim, StorageClass};
use crate::cluster::{Kind, ObjectRef};

/// Seconds after which a provisioner that has not answered is taken to be absent.
const SILENT_AFTER: i64 = 60;

/// The event that tells most about a claim that is not bound.
///
/// As long as a claim waits, the volume controller repeats every few seconds that a volume should
/// come, while a provisioner backs off for minutes between its attempts: its failure counts, however
/// old it is. That the class did not exist is over once it does.
pub(super) fn said<'a>(context: &Context<'a>, claim: &ObjectRef, class_exists: bool) -> Option<&'a Event> {
    let over = |event: &Event| class_exists && about_the_class(&event.message);
    let newest = |reasons: &[&str]| {
        newest_event(context, claim, |event| reasons.contains(&event.reason.as_str()) && !over(event))
    };
    newest(&["ProvisioningFailed"])
        .or_else(|| newest(&["FailedBinding", "VolumeMismatch", "ExternalProvisioning"]))
}

/// Whether the volume controller says that the class does not exist.
fn about_the_class(message: &str) -> bool {
    message.starts_with("storageclass") && message.contains("not found")
}

/// What keeps a provisioner from making the claim's volume.
pub(super) fn explain(
    context: &Context<'_>,
    claim: &PersistentVolumeClaim,
    class: &StorageClass,
    event: Option<&Event>,
    fact: Fact,
) -> Option<Fact> {
    let event = event?;
    let mut fact = fact.object("class", class.object_ref()).param("wanted", class.provisioner.clone());
    if let Some(workload) = workload(context, &class.provisioner) {
        fact = fact.object("provisioner", workload);
    }
    match event.reason.as_str() {
        "ProvisioningFailed" if refuses_access(claim, &event.message) => Some(
            fact.param("by", "access-mode")
                .param("wanted", claim.spec.access_modes.join(", "))
                .param("refusal", event.message.trim_end_matches('.'))
                .param("certainty", "decisive"),
        ),
        "ProvisioningFailed" => Some(fact.param("by", "provisioning-failed").param("certainty", "decisive")),
        "ExternalProvisioning" => {
            let waited = context.state.age_seconds(event.first())?;
            let mut events = context.state.events_of(&claim.object_ref()).iter();
            let answered = events.any(|event| event.reason == "Provisioning");
            (waited >= SILENT_AFTER && !answered)
                .then(|| fact.param("by", "provisioner-silent").param("certainty", "computed"))
        }
        _ => None,
    }
}

/// Whether a driver refuses how the claim wants to share its volume. One node that reads and writes
/// is what every driver offers.
fn refuses_access(claim: &PersistentVolumeClaim, message: &str) -> bool {
    let text = message.to_lowercase();
    let shared = claim.spec.access_modes.iter().any(|mode| mode != "ReadWriteOnce");
    shared
        && mentions(
            &text,
            &[
                "access mode",
                "accessmode",
                "access type",
                "multi_node",
                "multi node",
                "multi-node",
                "multi writer",
                "multi-writer",
                "single_node",
                "readwrite",
                "readonlymany",
                "volume capabilit",
            ],
        )
        && mentions(&text, &["support", "invalid", "satisf", "only", "not allowed", "cannot"])
}

/// The workload that provisions under a name: one that runs the CSI provisioner and names the driver,
/// or is named after it.
fn workload(context: &Context<'_>, provisioner: &str) -> Option<ObjectRef> {
    let provisions = |container: &&Container| {
        container.name.ends_with("provisioner") || container.image.contains("provisioner")
    };
    let names = |container: &Container| {
        let values = container.env.iter().filter_map(|own| own.value.as_ref());
        container.args.iter().chain(&container.command).chain(values).any(|word| word.contains(provisioner))
    };
    let label = provisioner.rsplit('/').next().and_then(|driver| driver.split('.').next())?;
    let candidates = context.state.workloads.iter().filter(|workload| {
        matches!(workload.kind, Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet)
            && workload.template().spec.containers.iter().any(|container| provisions(&container))
    });
    let mut named = candidates.filter(|workload| {
        workload.metadata.name.contains(label) || workload.template().spec.containers.iter().any(names)
    });
    named.next().map(Object::object_ref)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_an_access_mode() {
        let mut claim = PersistentVolumeClaim::default();
        claim.spec.access_modes = ["ReadWriteMany".into()].into();
        for message in [
            "rpc error: code = InvalidArgument desc = Volume capabilities MULTI_NODE_MULTI_WRITER not supported. Only AccessModes[ReadWriteOnce] supported.",
            "rpc error: code = InvalidArgument desc = VolumeCapabilities is invalid: specified multi writer with mount access type",
            "rpc error: code = InvalidArgument desc = mountVolume is not supported for access mode: MULTI_NODE_MULTI_WRITER",
            "failed to provision volume with StorageClass \"local-path\": NodePath only supports ReadWriteOnce and ReadWriteOncePod (1.22+) access modes",
            "rpc error: code = InvalidArgument desc = multi node access modes are only supported on rbd `block` type volumes",
        ] {
            assert!(refuses_access(&claim, message), "{message}");
        }
        let quota = "rpc error: code = ResourceExhausted desc = volume quota exceeded, only 10 are allowed";
        assert!(!refuses_access(&claim, quota));
        claim.spec.access_modes = ["ReadWriteOnce".into()].into();
        assert!(!refuses_access(
            &claim,
            "rpc error: code = InvalidArgument desc = access mode not supported"
        ));
    }
}

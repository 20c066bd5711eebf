//! Claims, volumes, classes and attachments.

use super::{Condition, LabelSelector, Meta, NodeSelector, Text, Time, object, slim};
use crate::cluster::quantity::ResourceList;

slim! {
    /// A PersistentVolumeClaim.
    PersistentVolumeClaim { metadata: Meta, spec: PersistentVolumeClaimSpec, status: PersistentVolumeClaimStatus, }
    /// `spec` of a claim.
    PersistentVolumeClaimSpec {
        access_modes: Box<[Text]>,
        resources: super::Resources,
        /// None: the default class; empty: explicitly no class.
        storage_class_name: Option<Text>,
        volume_name: Text,
        volume_mode: Text,
        selector: Option<LabelSelector>,
        data_source: Option<TypedReference>,
        data_source_ref: Option<TypedReference>,
    }
    /// A reference with a kind.
    TypedReference { api_group: Text, kind: Text, name: Text, namespace: Text, }
    /// `status` of a claim.
    PersistentVolumeClaimStatus { phase: Text, capacity: ResourceList, access_modes: Box<[Text]>, conditions: Box<[Condition]>, }

    /// A PersistentVolume.
    PersistentVolume { metadata: Meta, spec: PersistentVolumeSpec, status: PersistentVolumeStatus, }
    /// `spec` of a volume.
    PersistentVolumeSpec {
        capacity: ResourceList,
        access_modes: Box<[Text]>,
        storage_class_name: Text,
        volume_mode: Text,
        persistent_volume_reclaim_policy: Text,
        claim_ref: Option<TypedReference>,
        node_affinity: VolumeNodeAffinity,
        host_path: Option<super::HostPath>,
        local: Option<super::HostPath>,
        nfs: Option<super::Nfs>,
        csi: Option<super::CsiVolume>,
    }
    /// Which nodes can reach a volume.
    VolumeNodeAffinity { required: NodeSelector, }
    /// `status` of a volume.
    PersistentVolumeStatus { phase: Text, reason: Text, message: Text, }

    /// A StorageClass.
    StorageClass {
        metadata: Meta,
        provisioner: Text,
        reclaim_policy: Text,
        volume_binding_mode: Text,
        allow_volume_expansion: Option<bool>,
    }

    /// A VolumeAttachment.
    VolumeAttachment { metadata: Meta, spec: VolumeAttachmentSpec, status: VolumeAttachmentStatus, }
    /// `spec` of an attachment.
    VolumeAttachmentSpec { attacher: Text, node_name: Text, source: AttachmentSource, }
    /// What is attached.
    AttachmentSource { persistent_volume_name: Text, }
    /// `status` of an attachment.
    VolumeAttachmentStatus { attached: bool, attach_error: Option<AttachError>, detach_error: Option<AttachError>, }
    /// Why attaching or detaching failed.
    AttachError { message: Text, time: Time, }
}

object!(
    PersistentVolumeClaim = PersistentVolumeClaim,
    PersistentVolume = PersistentVolume,
    StorageClass = StorageClass,
    VolumeAttachment = VolumeAttachment
);

impl StorageClass {
    /// Whether claims without a class get this one.
    pub fn is_default(&self) -> bool {
        ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"]
            .iter()
            .any(|key| self.metadata.annotation(key) == "true")
    }
}

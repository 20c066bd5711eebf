//! Claims, volumes, classes and attachments.

use super::{Condition, LabelSelector, Meta, NodeSelector, Time, object, slim};
use crate::cluster::quantity::ResourceList;

slim! {
    /// A PersistentVolumeClaim.
    PersistentVolumeClaim { metadata: Meta, spec: PersistentVolumeClaimSpec, status: PersistentVolumeClaimStatus, }
    /// `spec` of a claim.
    PersistentVolumeClaimSpec {
        access_modes: Box<[String]>,
        resources: super::Resources,
        /// None: the default class; empty: explicitly no class.
        storage_class_name: Option<String>,
        volume_name: String,
        volume_mode: String,
        selector: Option<LabelSelector>,
        data_source: Option<TypedReference>,
        data_source_ref: Option<TypedReference>,
    }
    /// A reference with a kind.
    TypedReference { api_group: String, kind: String, name: String, namespace: String, }
    /// `status` of a claim.
    PersistentVolumeClaimStatus { phase: String, capacity: ResourceList, access_modes: Box<[String]>, conditions: Box<[Condition]>, }

    /// A PersistentVolume.
    PersistentVolume { metadata: Meta, spec: PersistentVolumeSpec, status: PersistentVolumeStatus, }
    /// `spec` of a volume.
    PersistentVolumeSpec {
        capacity: ResourceList,
        access_modes: Box<[String]>,
        storage_class_name: String,
        volume_mode: String,
        persistent_volume_reclaim_policy: String,
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
    PersistentVolumeStatus { phase: String, reason: String, message: String, }

    /// A StorageClass.
    StorageClass {
        metadata: Meta,
        provisioner: String,
        reclaim_policy: String,
        volume_binding_mode: String,
        allow_volume_expansion: Option<bool>,
    }

    /// A VolumeAttachment.
    VolumeAttachment { metadata: Meta, spec: VolumeAttachmentSpec, status: VolumeAttachmentStatus, }
    /// `spec` of an attachment.
    VolumeAttachmentSpec { attacher: String, node_name: String, source: AttachmentSource, }
    /// What is attached.
    AttachmentSource { persistent_volume_name: String, }
    /// `status` of an attachment.
    VolumeAttachmentStatus { attached: bool, attach_error: Option<AttachError>, detach_error: Option<AttachError>, }
    /// Why attaching or detaching failed.
    AttachError { message: String, time: Time, }
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

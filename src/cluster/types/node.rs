//! Nodes and their leases.

use super::{Condition, Meta, Time, object, slim};
use crate::cluster::quantity::ResourceList;

slim! {
    /// A Node.
    Node { metadata: Meta, spec: NodeSpec, status: NodeStatus, }
    /// `spec` of a Node.
    NodeSpec {
        unschedulable: bool,
        taints: Box<[Taint]>,
        #[serde(rename = "podCIDR")]
        pod_cidr: String,
        #[serde(rename = "providerID")]
        provider_id: String,
    }
    /// What keeps pods off a node.
    Taint { key: String, value: String, effect: String, time_added: Time, }
    /// `status` of a Node.
    NodeStatus {
        capacity: ResourceList,
        allocatable: ResourceList,
        conditions: Box<[Condition]>,
        addresses: Box<[NodeAddress]>,
        node_info: NodeInfo,
    }
    /// An address of a node.
    NodeAddress { r#type: String, address: String, }
    /// What a node runs.
    NodeInfo { architecture: String, operating_system: String, kubelet_version: String, container_runtime_version: String, #[serde(rename = "bootID")] boot_id: String, }

    /// A Lease.
    Lease { metadata: Meta, spec: LeaseSpec, }
    /// `spec` of a Lease.
    LeaseSpec { holder_identity: String, lease_duration_seconds: i64, renew_time: Time, acquire_time: Time, lease_transitions: i64, }
}

object!(Node = Node, Lease = Lease);

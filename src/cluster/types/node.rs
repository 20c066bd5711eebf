//! Nodes and their leases.

use super::{Condition, Meta, Text, Time, object, slim};
use crate::cluster::quantity::ResourceList;

slim! {
    /// A Node.
    Node { metadata: Meta, spec: NodeSpec, status: NodeStatus, }
    /// `spec` of a Node.
    NodeSpec {
        unschedulable: bool,
        taints: Box<[Taint]>,
        #[serde(rename = "podCIDR")]
        pod_cidr: Text,
        #[serde(rename = "providerID")]
        provider_id: Text,
    }
    /// What keeps pods off a node.
    Taint { key: Text, value: Text, effect: Text, time_added: Time, }
    /// `status` of a Node.
    NodeStatus {
        capacity: ResourceList,
        allocatable: ResourceList,
        conditions: Box<[Condition]>,
        addresses: Box<[NodeAddress]>,
        node_info: NodeInfo,
    }
    /// An address of a node.
    NodeAddress { r#type: Text, address: Text, }
    /// What a node runs.
    NodeInfo { architecture: Text, operating_system: Text, kubelet_version: Text, container_runtime_version: Text, #[serde(rename = "bootID")] boot_id: Text, }

    /// A Lease.
    Lease { metadata: Meta, spec: LeaseSpec, }
    /// `spec` of a Lease.
    LeaseSpec { holder_identity: Text, lease_duration_seconds: i64, renew_time: Time, acquire_time: Time, lease_transitions: i64, }
}

object!(Node = Node, Lease = Lease);

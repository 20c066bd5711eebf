//! Whether NetworkPolicies admit one call, as Kubernetes defines it.
//!
//! A pod that no policy selects in a direction is open in it; else the union of the rules counts.

use std::net::IpAddr;

use crate::cluster::types::{
    IpBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicyRule, Object, Pod,
};
use crate::cluster::{ClusterState, ObjectRef};
use crate::diagnose::net;

/// Which side of the call is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// At the callee.
    Ingress,
    /// At the caller.
    Egress,
}

/// The other side of the call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Peer<'a> {
    /// A pod of the cluster.
    Pod(&'a Pod),
    /// A pod of another namespace that was not read.
    Elsewhere,
    /// An address outside, where it is known.
    Address(Option<IpAddr>),
}

/// Why a call is not admitted.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Denial {
    /// The policy to change: the one that comes closest, else the newest.
    pub(super) policy: ObjectRef,
    /// Every policy that selects the pod in this direction.
    pub(super) selecting: Vec<ObjectRef>,
    /// What of the closest rule does not fit.
    pub(super) near: Option<&'static str>,
}

/// Judges one direction of a call at `pod`; none where it is admitted.
pub(super) fn denied(
    state: &ClusterState,
    direction: Direction,
    pod: &Pod,
    peer: Peer<'_>,
    port: Option<u16>,
    protocol: &str,
) -> Option<Denial> {
    let selecting: Vec<&NetworkPolicy> = state
        .network_policies
        .in_namespace(&pod.metadata.namespace)
        .iter()
        .filter(|policy| applies(policy, direction) && policy.spec.pod_selector.matches(&pod.metadata.labels))
        .collect();
    if selecting.is_empty() {
        return None;
    }
    // The port is the callee's: at egress the peer's, at ingress the pod's own.
    let callee = match (direction, peer) {
        (Direction::Ingress, _) => Some(pod),
        (Direction::Egress, Peer::Pod(other)) => Some(other),
        (Direction::Egress, Peer::Elsewhere | Peer::Address(_)) => None,
    };
    let mut near: Option<(&NetworkPolicy, &'static str)> = None;
    for policy in &selecting {
        for rule in rules(policy, direction) {
            let peers = peers(rule, direction);
            let peer_fits = peers.is_empty() || peers.iter().any(|one| admits(state, one, policy, peer));
            let port_fits = rule.ports.is_empty()
                || rule.ports.iter().any(|one| port_matches(one, port, protocol, callee));
            match (peer_fits, port_fits) {
                (true, true) => return None,
                // A rule for other ports says nothing about the peer unless it names it.
                (true, false) if !peers.is_empty() => near = near.or(Some((policy, "port"))),
                (false, true) if !rule.ports.is_empty() => near = near.or(Some((policy, "peer"))),
                _ => {}
            }
        }
    }
    let newest =
        selecting.iter().max_by_key(|policy| (policy.metadata.creation_timestamp, &policy.metadata.name))?;
    Some(Denial {
        policy: near.map_or(*newest, |(policy, _)| policy).object_ref(),
        selecting: selecting.iter().map(|policy| policy.object_ref()).collect(),
        near: near.map(|(_, what)| what),
    })
}

/// Whether a policy restricts this direction; unset types mean ingress, and egress where it has rules.
fn applies(policy: &NetworkPolicy, direction: Direction) -> bool {
    let types = &policy.spec.policy_types;
    match direction {
        Direction::Ingress => types.is_empty() || types.iter().any(|one| one == "Ingress"),
        Direction::Egress if types.is_empty() => !policy.spec.egress.is_empty(),
        Direction::Egress => types.iter().any(|one| one == "Egress"),
    }
}

fn rules(policy: &NetworkPolicy, direction: Direction) -> &[NetworkPolicyRule] {
    match direction {
        Direction::Ingress => &policy.spec.ingress,
        Direction::Egress => &policy.spec.egress,
    }
}

fn peers(rule: &NetworkPolicyRule, direction: Direction) -> &[NetworkPolicyPeer] {
    match direction {
        Direction::Ingress => &rule.from,
        Direction::Egress => &rule.to,
    }
}

fn admits(state: &ClusterState, rule: &NetworkPolicyPeer, policy: &NetworkPolicy, peer: Peer<'_>) -> bool {
    if let Some(block) = &rule.ip_block {
        return match peer {
            Peer::Pod(pod) => pod.status.pod_ip.parse().is_ok_and(|ip| in_block(block, ip)),
            // An address that is not known may be in the range: the benefit of the doubt.
            Peer::Address(ip) => ip.is_none_or(|ip| in_block(block, ip)),
            Peer::Elsewhere => true,
        };
    }
    let pod = match peer {
        Peer::Pod(pod) => pod,
        // Its namespace may be the one that is selected; it is not the policy's own.
        Peer::Elsewhere => return rule.namespace_selector.is_some(),
        Peer::Address(_) => return false,
    };
    let namespace = match &rule.namespace_selector {
        None => pod.metadata.namespace == policy.metadata.namespace,
        Some(selector) => match state.namespaces.get("", &pod.metadata.namespace) {
            Some(namespace) => {
                let name = pod.metadata.namespace.clone();
                // The API server sets this label on every namespace; older snapshots lack it.
                selector.matches(&namespace.metadata.labels.with("kubernetes.io/metadata.name", name))
            }
            // The namespace's labels were not read: not to be called a denial.
            None => true,
        },
    };
    namespace && rule.pod_selector.as_ref().is_none_or(|selector| selector.matches(&pod.metadata.labels))
}

fn port_matches(rule: &NetworkPolicyPort, port: Option<u16>, protocol: &str, callee: Option<&Pod>) -> bool {
    if net::protocol(&rule.protocol) != protocol {
        return false;
    }
    let Some(wanted) = &rule.port else { return true };
    // A call whose port is not known may be the admitted one.
    let Some(port) = port.map(i64::from) else { return true };
    match (wanted.as_name(), wanted.as_int()) {
        (Some(name), _) => callee.is_none_or(|pod| {
            net::declared_ports(&pod.spec).any(|own| own.name == name && own.container_port == port)
        }),
        (None, Some(first)) => (first..=rule.end_port.unwrap_or(first)).contains(&port),
        (None, None) => false,
    }
}

fn in_block(block: &IpBlock, ip: IpAddr) -> bool {
    in_range(&block.cidr, ip) && !block.except.iter().any(|range| in_range(range, ip))
}

/// Whether an address is in a CIDR range; false for a range that does not parse.
fn in_range(cidr: &str, ip: IpAddr) -> bool {
    let Some((network, bits)) = cidr.split_once('/') else { return cidr.parse() == Ok(ip) };
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else { return false };
    match (network, ip) {
        (IpAddr::V4(network), IpAddr::V4(ip)) => {
            let mask =
                if bits == 0 { 0 } else { u32::MAX.checked_shl(32_u32.saturating_sub(bits)).unwrap_or(0) };
            u32::from(network) & mask == u32::from(ip) & mask
        }
        (IpAddr::V6(network), IpAddr::V6(ip)) => {
            let mask =
                if bits == 0 { 0 } else { u128::MAX.checked_shl(128_u32.saturating_sub(bits)).unwrap_or(0) };
            u128::from(network) & mask == u128::from(ip) & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Kind;
    use serde_json::{Value, json};

    fn pod(name: &str, ip: &str) -> Pod {
        serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": "shop", "labels": {"app": name}},
            "spec": {"containers": [{"name": "c", "ports": [{"name": "web", "containerPort": 8080}]}]},
            "status": {"podIP": ip, "phase": "Running"}
        }))
        .unwrap()
    }

    fn judged(spec: Value, direction: Direction, port: u16) -> bool {
        let mut state = ClusterState::default();
        let policy = json!({"metadata": {"name": "p", "namespace": "shop"}, "spec": spec});
        state.add_json(&Kind::NetworkPolicy, &policy.to_string()).unwrap();
        state.finish();
        let (caller, callee) = (pod("front", "10.0.0.1"), pod("api", "10.0.0.2"));
        let (own, peer) =
            if direction == Direction::Ingress { (&callee, &caller) } else { (&caller, &callee) };
        denied(&state, direction, own, Peer::Pod(peer), Some(port), "TCP").is_some()
    }

    #[test]
    fn a_policy_without_types_restricts_ingress_only() {
        let spec = json!({"podSelector": {}});
        assert!(judged(spec.clone(), Direction::Ingress, 8080));
        assert!(!judged(spec, Direction::Egress, 8080));
    }

    #[test]
    fn peers_and_ports_must_fit_in_one_rule() {
        let from = json!([{"podSelector": {"matchLabels": {"app": "front"}}}]);
        let fits = json!({"podSelector": {}, "ingress": [{"from": from, "ports": [{"port": "web"}]}]});
        assert!(!judged(fits, Direction::Ingress, 8080));
        let other = json!({"podSelector": {}, "ingress": [{"from": from, "ports": [{"port": 9090}]}, {"ports": [{"port": 81, "endPort": 90}]}]});
        assert!(judged(other.clone(), Direction::Ingress, 8080));
        assert!(!judged(other, Direction::Ingress, 85));
    }

    #[test]
    fn ranges_have_exceptions() {
        let spec = |except: Value| json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": except}}]}]});
        assert!(!judged(spec(json!([])), Direction::Egress, 8080));
        assert!(judged(spec(json!(["10.0.0.0/24"])), Direction::Egress, 8080));
        assert!(in_range("::/0", "fe80::1".parse().unwrap()));
        assert!(!in_range("10.0.0.0/99x", "10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn another_namespaces_selector_is_by_label() {
        let spec = json!({"podSelector": {}, "ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"team": "b"}}}]}]});
        let mut state = ClusterState::default();
        let policy = json!({"metadata": {"name": "p", "namespace": "shop"}, "spec": spec}).to_string();
        state.add_json(&Kind::NetworkPolicy, &policy).unwrap();
        state
            .add_json(&Kind::Namespace, r#"{"metadata": {"name": "shop", "labels": {"team": "a"}}}"#)
            .unwrap();
        state.finish();
        let (caller, callee) = (pod("front", "10.0.0.1"), pod("api", "10.0.0.2"));
        let denial = denied(&state, Direction::Ingress, &callee, Peer::Pod(&caller), Some(8080), "TCP");
        assert_eq!(denial.map(|denial| denial.policy.name.to_string()).as_deref(), Some("p"));
    }
}

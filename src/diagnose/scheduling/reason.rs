//! Why nodes do not take a pod: one vocabulary for the scheduler's messages and our own predicates.

/// What keeps a pod off a node. The order is the order of preference among equals: what is
/// specific to this pod before what is general.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum By {
    NodeSelector,
    NodeAffinity,
    NodeName,
    Cordon,
    NodeUnhealthy,
    Claim,
    ClaimMissing,
    NoVolume,
    ClaimInUse,
    VolumeAffinity,
    VolumeLimit,
    PodAntiAffinity,
    PodAffinity,
    TopologySpread,
    HostPort,
    ExtendedResource,
    Cpu,
    Memory,
    EphemeralStorage,
    TooManyPods,
    Taint,
    ResourceClaim,
    Other,
}

impl By {
    /// The word for it in facts.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::NodeSelector => "node-selector",
            Self::NodeAffinity => "node-affinity",
            Self::NodeName => "node-name",
            Self::Cordon => "cordon",
            Self::NodeUnhealthy => "node-unhealthy",
            Self::Claim => "claim",
            Self::ClaimMissing => "claim-missing",
            Self::NoVolume => "no-volume",
            Self::ClaimInUse => "claim-in-use",
            Self::VolumeAffinity => "volume-affinity",
            Self::VolumeLimit => "volume-limit",
            Self::PodAntiAffinity => "pod-anti-affinity",
            Self::PodAffinity => "pod-affinity",
            Self::TopologySpread => "topology-spread",
            Self::HostPort => "host-port",
            Self::ExtendedResource => "extended-resource",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::EphemeralStorage => "ephemeral-storage",
            Self::TooManyPods => "too-many-pods",
            Self::Taint => "taint",
            Self::ResourceClaim => "resource-claim",
            Self::Other => "other",
        }
    }

    /// The predicate that a resource's name stands for.
    pub(super) fn of_resource(name: &str) -> Self {
        match name {
            "cpu" => Self::Cpu,
            "memory" => Self::Memory,
            "ephemeral-storage" => Self::EphemeralStorage,
            "pods" => Self::TooManyPods,
            _ => Self::ExtendedResource,
        }
    }

    /// The predicate that a taint's key stands for.
    pub(super) fn of_taint(key: &str) -> Self {
        match key {
            "node.kubernetes.io/unschedulable" => Self::Cordon,
            "node.kubernetes.io/not-ready"
            | "node.kubernetes.io/unreachable"
            | "node.kubernetes.io/memory-pressure"
            | "node.kubernetes.io/disk-pressure"
            | "node.kubernetes.io/pid-pressure"
            | "node.kubernetes.io/network-unavailable"
            | "node.cloudprovider.kubernetes.io/uninitialized" => Self::NodeUnhealthy,
            _ => Self::Taint,
        }
    }

    /// Whether this and `other` are the same as far as a message can tell them apart.
    pub(super) fn same_in_message(self, other: Self) -> bool {
        let fold = |by| match by {
            Self::NodeAffinity => Self::NodeSelector,
            // A message of newer versions names no taint, so its kind is not known.
            Self::NodeUnhealthy => Self::Taint,
            other => other,
        };
        fold(self) == fold(other)
    }
}

/// One reason of a message: how many nodes gave it, and its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reason {
    pub(super) by: By,
    /// Nodes; the total where the reason is about the pod itself.
    pub(super) nodes: i64,
    pub(super) text: String,
}

/// What a FailedScheduling message says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rejection {
    /// Nodes of the cluster.
    pub(super) total: i64,
    pub(super) reasons: Vec<Reason>,
}

impl Rejection {
    /// Reads `0/4 nodes are available: 1 Insufficient cpu, 3 node(s) …`, old and new wording.
    pub(super) fn parse(message: &str) -> Self {
        let (head, rest) = message.split_once(" nodes are available: ").unwrap_or(("", message));
        let total = head.rsplit('/').next().and_then(|number| number.trim().parse().ok()).unwrap_or(0);
        let rest = [" preemption:", " no new claims to deallocate", " still not schedulable"]
            .iter()
            .fold(rest, |text, mark| text.split_once(mark).map_or(text, |(before, _)| before));
        let mut parts: Vec<String> = Vec::new();
        for part in rest.trim().trim_end_matches(['.', ',']).split(", ") {
            match parts.last_mut() {
                // A comma inside a reason, as in "had taint {a: b}, that the pod didn't tolerate".
                Some(open) if !part.starts_with(|c: char| c.is_ascii_digit()) => {
                    open.push_str(", ");
                    open.push_str(part);
                }
                _ => parts.push(part.to_owned()),
            }
        }
        let reasons = parts.iter().filter(|part| !part.is_empty()).map(|part| reason(part, total)).collect();
        Self { total, reasons }
    }

    /// The reason a predicate stands for, if the message gives it.
    pub(super) fn get(&self, by: By) -> Option<&Reason> {
        self.reasons.iter().find(|reason| reason.by.same_in_message(by))
    }
}

fn reason(part: &str, total: i64) -> Reason {
    let (count, text) = part
        .split_once(' ')
        .and_then(|(number, text)| Some((number.parse::<i64>().ok()?, text)))
        .unwrap_or((total, part));
    Reason { by: classify(text), nodes: count, text: text.trim().to_owned() }
}

fn classify(text: &str) -> By {
    const WORDS: [(&str, By); 22] = [
        ("Too many pods", By::TooManyPods),
        ("were unschedulable", By::Cordon),
        ("unbound immediate PersistentVolumeClaim", By::Claim),
        ("didn't find available persistent volumes", By::NoVolume),
        ("not have enough free storage", By::NoVolume),
        ("bound to non-existent persistentvolume", By::Claim),
        ("unbound persistentvolumeclaim", By::Claim),
        ("volume node affinity", By::VolumeAffinity),
        ("PersistentVolume's node affinity", By::VolumeAffinity),
        ("no available volume zone", By::VolumeAffinity),
        ("max volume count", By::VolumeLimit),
        ("ReadWriteOncePod", By::ClaimInUse),
        ("node affinity/selector", By::NodeSelector),
        ("match node selector", By::NodeSelector),
        ("Pod's node affinity", By::NodeSelector),
        ("requested node name", By::NodeName),
        ("requested hostname", By::NodeName),
        ("anti-affinity", By::PodAntiAffinity),
        ("pod affinity rules", By::PodAffinity),
        ("topology spread", By::TopologySpread),
        ("free ports", By::HostPort),
        ("allocate all claims", By::ResourceClaim),
    ];
    if let Some(resource) = text.trim().strip_prefix("Insufficient ") {
        return By::of_resource(resource.trim_end_matches('.'));
    }
    if text.contains("taint") {
        let key = text.split_once('{').and_then(|(_, rest)| rest.split([':', ' ', '}']).next());
        return key.map_or(By::Taint, By::of_taint);
    }
    if text.contains("persistentvolumeclaim") && text.contains("not found") {
        return By::ClaimMissing;
    }
    WORDS.iter().find(|(words, _)| text.contains(words)).map_or(By::Other, |(_, by)| *by)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(message: &str) -> Vec<(By, i64)> {
        Rejection::parse(message).reasons.into_iter().map(|reason| (reason.by, reason.nodes)).collect()
    }

    #[test]
    fn reads_counts_of_new_and_old_wording() {
        let new = "0/4 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }, \
                   1 node(s) were unschedulable, 2 Insufficient cpu. preemption: 0/4 nodes are available: 4 No.";
        assert_eq!(parsed(new), [(By::NodeUnhealthy, 1), (By::Cordon, 1), (By::Cpu, 2)]);
        let old = "0/3 nodes are available: 1 node(s) had taint {dedicated: gpu}, that the pod didn't tolerate, \
                   2 node(s) didn't match node selector.";
        assert_eq!(parsed(old), [(By::Taint, 1), (By::NodeSelector, 2)]);
    }

    #[test]
    fn reasons_about_the_pod_count_for_every_node() {
        let unbound = "0/4 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found";
        assert_eq!(parsed(unbound), [(By::Claim, 4)]);
        let missing = "0/2 nodes are available: persistentvolumeclaim \"data\" not found. preemption: 0/2";
        assert_eq!(parsed(missing), [(By::ClaimMissing, 2)]);
        assert_eq!(parsed("persistentvolumeclaim \"data\" not found"), [(By::ClaimMissing, 0)]);
    }

    #[test]
    fn extended_resources_and_both_affinities_are_told_apart() {
        assert_eq!(
            parsed("0/1 nodes are available: 1 Insufficient nvidia.com/gpu."),
            [(By::ExtendedResource, 1)]
        );
        let both = "0/3 nodes are available: 1 node(s) didn't match pod affinity rules, 2 node(s) didn't satisfy \
                    existing pods anti-affinity rules.";
        assert_eq!(parsed(both), [(By::PodAffinity, 1), (By::PodAntiAffinity, 2)]);
    }
}

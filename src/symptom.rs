//! What can be seen to be wrong: the vocabulary between descriptions, anomalies and causes.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! symptoms {
    ($($variant:ident => $name:literal, $doc:literal;)*) => {
        /// One kind of anomaly, decided from state that holds now, and the word for it in YAML.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum Symptom { $(#[doc = $doc] $variant,)* }

        impl Symptom {
            /// Every symptom.
            pub const ALL: &'static [Symptom] = &[$(Symptom::$variant,)*];

            /// The word for it in YAML and reports.
            pub fn as_str(self) -> &'static str {
                match self { $(Symptom::$variant => $name,)* }
            }

            /// What it means.
            pub fn about(self) -> &'static str {
                match self { $(Symptom::$variant => $doc,)* }
            }
        }
    };
}

symptoms! {
    NotCreated => "not-created", "a controller cannot create the pods or objects that it should";
    Missing => "missing", "something that is asked for does not exist or has no replicas";
    Pending => "pending", "a pod is not scheduled";
    NotStarted => "not-started", "a scheduled pod's container does not start";
    Initializing => "initializing", "an init container does not complete";
    Crashing => "crashing", "a container ends again and again";
    Restarting => "restarting", "a container was restarted lately but runs now";
    NotReady => "not-ready", "a running pod is not Ready";
    NoEndpoints => "no-endpoints", "a Service has no ready endpoint";
    Unreachable => "unreachable", "requests do not arrive: Service, Ingress or route";
    Untrusted => "untrusted", "clients do not trust the certificate that they are shown";
    CallFailing => "call-failing", "a workload's calls to something fail";
    ResolutionFailing => "resolution-failing", "a workload cannot resolve host names";
    Errors => "errors", "a workload answers or logs errors";
    WrongResponse => "wrong-response", "requests reach the wrong backend";
    Slow => "slow", "latency is high or work falls behind";
    Evicted => "evicted", "pods were evicted";
    RolloutStalled => "rollout-stalled", "a rollout does not complete or does not begin";
    StaleVersion => "stale-version", "pods run an older revision than the one applied";
    NotScaling => "not-scaling", "an autoscaler does not or cannot scale";
    NotOnSchedule => "not-on-schedule", "a CronJob does not run when it should";
    JobFailed => "job-failed", "a Job failed";
    JobStuck => "job-stuck", "a Job does not complete";
    Unbound => "unbound", "a claim is not bound to a volume";
    CannotDelete => "cannot-delete", "a deletion does not complete";
    CannotEvict => "cannot-evict", "an eviction or drain is refused";
    NodeUnhealthy => "node-unhealthy", "a node is not Ready or under pressure";
    ControlPlane => "control-plane", "a component of the cluster itself does not work";
    Forbidden => "forbidden", "a workload is denied access to the API or to a file";
}

/// Symptoms that look alike from outside.
const AKIN: [&[Symptom]; 5] = [
    &[
        Symptom::NotCreated,
        Symptom::Missing,
        Symptom::Pending,
        Symptom::NotStarted,
        Symptom::Initializing,
        Symptom::Crashing,
        Symptom::Restarting,
        Symptom::NotReady,
        Symptom::NoEndpoints,
        Symptom::Unreachable,
        Symptom::Evicted,
        Symptom::RolloutStalled,
    ],
    &[
        Symptom::Missing,
        Symptom::NotReady,
        Symptom::NoEndpoints,
        Symptom::Unreachable,
        Symptom::Untrusted,
        Symptom::CallFailing,
        Symptom::ResolutionFailing,
        Symptom::Errors,
        Symptom::WrongResponse,
        Symptom::Forbidden,
        Symptom::Slow,
    ],
    &[
        Symptom::NotOnSchedule,
        Symptom::JobFailed,
        Symptom::JobStuck,
        Symptom::Missing,
        Symptom::NotCreated,
        Symptom::NotStarted,
        Symptom::Crashing,
    ],
    &[
        Symptom::NodeUnhealthy,
        Symptom::NotReady,
        Symptom::Unreachable,
        Symptom::Evicted,
        Symptom::ControlPlane,
    ],
    &[Symptom::CannotEvict, Symptom::CannotDelete, Symptom::RolloutStalled, Symptom::StaleVersion],
];

impl Symptom {
    /// Whether people may use the word for one and mean the other: what does not start is not ready,
    /// and what is not ready cannot be reached.
    pub fn is_akin(self, other: Self) -> bool {
        self == other || AKIN.iter().any(|group| group.contains(&self) && group.contains(&other))
    }

    /// Whether only few faults look so, and whoever tells of it means one of them.
    pub fn is_specific(self) -> bool {
        matches!(
            self,
            Self::Untrusted
                | Self::WrongResponse
                | Self::StaleVersion
                | Self::NotScaling
                | Self::NotOnSchedule
                | Self::JobFailed
                | Self::JobStuck
                | Self::Unbound
                | Self::CannotDelete
                | Self::CannotEvict
        )
    }

    /// Whether something that has it may still do its work: a log or a metric tells of it, no state.
    pub fn is_soft(self) -> bool {
        matches!(
            self,
            Self::Errors
                | Self::CallFailing
                | Self::ResolutionFailing
                | Self::Forbidden
                | Self::Slow
                | Self::Restarting
        )
    }
}

impl fmt::Display for Symptom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serde_and_display_agree() {
        for symptom in Symptom::ALL {
            assert_eq!(serde_json::to_string(symptom).unwrap(), format!("\"{symptom}\""));
        }
    }
}

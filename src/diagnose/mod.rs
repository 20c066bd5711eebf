//! Diagnosers: typed, counterfactual answers about what was read.
//!
//! A diagnoser looks at a [`Context`] and states [`Fact`]s; it never says what caused what
//! (failure modes do), never does I/O, and never guesses: what was not read is unknown.
//! One diagnoser a file, each with the specification of the facts it states.

pub mod admission;
pub mod autoscaler;
pub mod build;
pub mod call;
pub mod chaos;
pub mod child_oom;
pub mod claim;
mod container;
pub mod container_start;
pub mod control;
pub mod crash;
mod cron_schedule;
pub mod cronjob;
pub mod custom_resource;
pub mod deletion;
pub mod dependency;
pub mod dns;
pub mod fact;
pub mod flapping;
pub mod gateway;
mod health;
pub mod hygiene;
pub mod image_pull;
pub mod ingress;
pub mod init_wait;
pub mod job;
pub mod log_signature;
pub mod mesh;
mod net;
pub mod network_policy;
pub mod node;
pub mod probe;
mod probe_port;
pub mod process;
pub mod rbac;
pub mod reference;
pub mod regression;
pub mod release;
pub mod resize;
pub mod revision;
pub mod rollout;
pub mod sandbox;
pub mod scheduling;
pub mod service;
pub mod shutdown;
pub mod store;
pub mod telemetry;
#[cfg(test)]
mod test_state;
pub mod usage;
pub mod volume;

pub use fact::{Fact, FactSpec, Facts};
pub use health::still_starting;

use jiff::Timestamp;

use crate::cluster::ClusterState;
use crate::cluster::topology::Topology;
use crate::logs::LogIndex;

/// What a diagnoser may look at.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Everything that was read.
    pub state: &'a ClusterState,
    /// Relations between the objects.
    pub topology: &'a Topology<'a>,
    /// Log lines with a meaning, by workload and container.
    pub logs: &'a LogIndex,
    /// The capture time.
    pub now: Timestamp,
    /// Events, log lines and changes before this time are history.
    pub since: Option<Timestamp>,
}

/// One diagnoser: its name, the facts it may state, and how it finds them.
pub struct Diagnoser {
    /// The file's name, used in logs.
    pub name: &'static str,
    /// What it may state; the linter checks failure modes against it.
    pub facts: &'static [FactSpec],
    /// States facts. Later diagnosers see the facts of earlier ones.
    pub run: fn(&Context<'_>, &mut Facts),
}

/// Declares the diagnosers, in the order they run.
macro_rules! diagnosers {
    ($($module:ident),* $(,)?) => {
        /// Every diagnoser, in the order they run.
        pub const DIAGNOSERS: &[Diagnoser] = &[
            $(Diagnoser { name: stringify!($module), facts: $module::FACTS, run: $module::run },)*
        ];
    };
}

diagnosers![
    log_signature,
    service,
    network_policy,
    dns,
    call,
    rbac,
    ingress,
    gateway,
    scheduling,
    admission,
    claim,
    volume,
    node,
    control,
    store,
    deletion,
    image_pull,
    reference,
    container_start,
    sandbox,
    crash,
    child_oom,
    probe,
    revision,
    rollout,
    dependency,
    regression,
    telemetry,
    job,
    cronjob,
    autoscaler,
    process,
    init_wait,
    shutdown,
    resize,
    release,
    hygiene,
    flapping,
    build,
    usage,
    custom_resource,
    mesh,
    chaos,
];

/// Runs every diagnoser.
pub fn diagnose(context: &Context<'_>) -> Facts {
    let mut facts = Facts::default();
    for diagnoser in DIAGNOSERS {
        (diagnoser.run)(context, &mut facts);
    }
    facts
}

/// The specification of a fact, by name.
pub fn fact_spec(name: &str) -> Option<&'static FactSpec> {
    DIAGNOSERS.iter().flat_map(|diagnoser| diagnoser.facts).find(|spec| spec.name == name)
}

//! Log understanding: which lines mean something, what, and about which target.
//!
//! Log text is data from the workload: it is matched, redacted and quoted, never obeyed.

use jiff::Timestamp;

use crate::cluster::ClusterState;
use crate::cluster::ObjectRef;
use crate::cluster::address::Address;
use crate::cluster::logs::LogKey;
use crate::cluster::topology::Topology;
use std::collections::BTreeMap;

/// One meaning found in one container's log, all its repetitions together.
#[derive(Clone, Debug, PartialEq)]
pub struct LogFinding {
    /// The workload that the pod belongs to.
    pub workload: ObjectRef,
    /// Which log it was found in (the first, where several replicas say the same).
    pub key: LogKey,
    /// The signature's id, such as `connection-refused`.
    pub signature: &'static str,
    /// The signature's class: `call`, `crash`, `resource`, `config`, `permission`, `start`, `server`.
    pub class: &'static str,
    /// The host and port that the line is about, where it names one.
    pub target: Option<Address>,
    /// Named parts of the line, such as `user`, `variable`, `path`, `resource`.
    pub params: BTreeMap<&'static str, String>,
    /// The line (with the rest of its trace cut), redacted, terminal escapes stripped.
    pub excerpt: String,
    /// When it was first and last logged, where lines carry times.
    pub first: Option<Timestamp>,
    /// See `first`.
    pub last: Option<Timestamp>,
    /// How often it was logged.
    pub count: i64,
    /// Position of the first occurrence, counted in lines from the start of the log.
    pub line: usize,
    /// Lines of the log after the last occurrence that report normal work.
    pub recovered: bool,
    /// Whether it is among the last lines before the process ended.
    pub at_end: bool,
}

/// All findings, by workload.
#[derive(Clone, Debug, Default)]
pub struct LogIndex {
    findings: Vec<LogFinding>,
}

impl LogIndex {
    /// Analyses every log of the state.
    pub fn new(_state: &ClusterState, _topology: &Topology<'_>, _since: Option<Timestamp>) -> Self {
        Self::default()
    }

    /// Every finding, ordered by workload, container and line.
    pub fn iter(&self) -> impl Iterator<Item = &LogFinding> {
        self.findings.iter()
    }

    /// Findings of one workload.
    pub fn of<'s>(&'s self, workload: &'s ObjectRef) -> impl Iterator<Item = &'s LogFinding> + use<'s> {
        self.findings.iter().filter(move |finding| finding.workload == *workload)
    }
}

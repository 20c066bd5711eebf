//! Container logs as they were read.

use std::collections::BTreeMap;

/// Names one log: a container's current run or the one before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogKey {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub pod: String,
    /// The container's name.
    pub container: String,
    /// Whether this is the log of the run before the current one.
    pub previous: bool,
}

/// One log, or why it could not be read.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// The text, invalid UTF-8 replaced, terminal escapes not yet stripped.
    pub text: String,
    /// Whether bounds cut older lines off.
    pub truncated: bool,
    /// Why the log could not be read.
    pub error: Option<String>,
}

/// All logs that were read, in a fixed order.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    entries: BTreeMap<LogKey, Log>,
}

impl Logs {
    /// Adds a log.
    pub fn insert(&mut self, key: LogKey, log: Log) {
        self.entries.insert(key, log);
    }

    /// Takes over the logs of a part that was read separately.
    pub fn absorb(&mut self, part: Self) {
        self.entries.extend(part.entries);
    }

    /// The log of one run of a container.
    pub fn get(&self, namespace: &str, pod: &str, container: &str, previous: bool) -> Option<&Log> {
        self.entries.get(&LogKey {
            namespace: namespace.to_owned(),
            pod: pod.to_owned(),
            container: container.to_owned(),
            previous,
        })
    }

    /// Every log, ordered by namespace, pod, container, current before previous.
    pub fn iter(&self) -> impl Iterator<Item = (&LogKey, &Log)> {
        self.entries.iter()
    }

    /// Whether the log of this run was asked for already.
    pub fn contains(&self, key: &LogKey) -> bool {
        self.entries.contains_key(key)
    }

    /// Bytes of all texts.
    pub fn bytes(&self) -> usize {
        self.entries.values().map(|log| log.text.len()).sum()
    }
}

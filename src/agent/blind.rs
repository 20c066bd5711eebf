//! Blind spots: what could not be read, gathered so that one cause is said once.

use std::collections::{BTreeMap, BTreeSet};

use super::snapshot::group;
use crate::cluster::Kind;
use crate::report::model::{BlindSpot, RbacRule};

/// What was not read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// A kind's list.
    Kind(Kind),
    /// Lists of an API group of custom resources, by plural name.
    Group(&'static str),
    /// Values of ConfigMaps, whose metadata was read.
    Values,
    /// Container logs.
    Logs,
    /// One object that is not of its kind's shape.
    Object(String),
    /// A file of a snapshot.
    File(String),
}

/// How it failed; one blind spot a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// RBAC refused it.
    Forbidden,
    /// It was not captured.
    Missing,
    /// Time or another bound ran out before; all such things are one blind spot.
    Unreached,
    /// Anything else.
    Failed,
}

/// Blind spots so far.
#[derive(Clone, Debug, Default)]
pub(super) struct BlindSpots {
    entries: BTreeMap<(Subject, Class), Entry>,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    /// Namespaces it concerns; empty: the cluster.
    namespaces: BTreeSet<String>,
    /// Particular objects, where it is not the whole list.
    names: BTreeSet<String>,
    why: String,
    /// Whether an RBAC rule would help.
    rbac: bool,
}

impl BlindSpots {
    /// Notes what was not read. `rbac`: whether a rule would remove it.
    pub(super) fn add(
        &mut self,
        subject: Subject,
        class: Class,
        namespace: Option<&str>,
        name: Option<String>,
        why: &str,
        rbac: bool,
    ) {
        let entry = self.entries.entry((subject, class)).or_default();
        entry.namespaces.extend(namespace.map(str::to_owned));
        entry.names.extend(name);
        // The least of the messages, so that the order of answers does not show.
        if entry.why.is_empty() || why < entry.why.as_str() {
            why.clone_into(&mut entry.why);
        }
        entry.rbac |= rbac;
    }

    /// As the report lists them.
    pub(super) fn report(&self) -> Vec<BlindSpot> {
        let reached = self.entries.iter().filter(|((_, class), _)| *class != Class::Unreached);
        reached.map(|((subject, _), entry)| entry.report(subject)).chain(self.unreached()).collect()
    }

    /// What there was no time for: one cause, so one blind spot.
    fn unreached(&self) -> Option<BlindSpot> {
        let late = self.entries.iter().filter(|((_, class), _)| *class == Class::Unreached);
        let late: Vec<(&Subject, &Entry)> = late.map(|((subject, _), entry)| (subject, entry)).collect();
        match late.as_slice() {
            [] => None,
            [(subject, entry)] => Some(entry.report(subject)),
            [(_, first), ..] => Some(BlindSpot {
                what: some(&late.iter().map(|(subject, _)| subject.name()).collect()),
                why: first.why.clone(),
                effect: "cannot tell anything that only these would show".to_owned(),
                rbac: None,
            }),
        }
    }
}

impl Subject {
    fn name(&self) -> String {
        match self {
            Self::Kind(kind) => kind.plural().to_owned(),
            Self::Group(group) => format!("custom resources of {group}"),
            Self::Values => "values of ConfigMaps".to_owned(),
            Self::Logs => "logs".to_owned(),
            Self::Object(object) => object.clone(),
            Self::File(path) => format!("file {path}"),
        }
    }
}

impl Entry {
    fn report(&self, subject: &Subject) -> BlindSpot {
        let what = match subject {
            Subject::Logs | Subject::Values | Subject::Group(_) if !self.names.is_empty() => {
                format!("{}: {}", subject.name(), some(&self.names))
            }
            subject => subject.name(),
        };
        let scope = match self.namespaces.len() {
            0 => String::new(),
            1 => format!(" in namespace {}", some(&self.namespaces)),
            _ => format!(" in namespaces {}", some(&self.namespaces)),
        };
        BlindSpot {
            what: format!("{what}{scope}"),
            why: self.why.clone(),
            effect: effect(subject).to_owned(),
            rbac: self.rbac.then(|| self.rule(subject)).flatten(),
        }
    }

    /// The smallest rule that would remove the blind spot.
    fn rule(&self, subject: &Subject) -> Option<RbacRule> {
        let one = |resource: &str| vec![resource.to_owned()];
        let (group, resources, verb) = match subject {
            Subject::Kind(kind) => (group(kind), one(kind.plural()), "list"),
            Subject::Group(group) => (*group, self.names.iter().cloned().collect(), "list"),
            Subject::Values => ("", one(Kind::ConfigMap.plural()), "get"),
            Subject::Logs => ("", one("pods/log"), "get"),
            Subject::Object(_) | Subject::File(_) => return None,
        };
        let mut namespaces = self.namespaces.iter();
        let namespace = match (namespaces.next(), namespaces.next()) {
            (Some(only), None) => Some(only.clone()),
            _ => None,
        };
        Some(RbacRule {
            api_groups: vec![group.to_owned()],
            resources,
            verbs: vec![verb.to_owned()],
            namespace,
        })
    }
}

/// A few of the names, and how many more there are.
fn some(names: &BTreeSet<String>) -> String {
    const SHOWN: usize = 8;
    let mut text = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if let Some(more) = names.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

/// What cannot be told without it.
fn effect(subject: &Subject) -> &'static str {
    match subject {
        Subject::Logs => "cannot tell what these containers have logged",
        Subject::Values => "cannot tell a wrong value from a right one",
        Subject::Object(_) => "this object is left out",
        Subject::Group(_) => "cannot tell what the controllers of these say about them",
        Subject::File(_) => "what it holds is left out",
        Subject::Kind(kind) => match kind {
            Kind::Namespace => "cannot tell which namespaces exist; only the known ones are looked at",
            Kind::Node => "cannot tell node faults, taints and capacity from faults of the workloads",
            Kind::Pod => "cannot tell which pods run and why others do not",
            Kind::Event => "cannot see refusals that only events report, such as scheduling and admission",
            Kind::Secret => "cannot tell a missing Secret or key from one that is there",
            Kind::ConfigMap => "cannot tell a missing ConfigMap, key or value from one that is there",
            Kind::Service | Kind::EndpointSlice | Kind::Endpoints => {
                "cannot tell where calls are routed and whether anything answers"
            }
            Kind::NetworkPolicy => "cannot tell whether a policy blocks a call",
            Kind::PersistentVolumeClaim | Kind::PersistentVolume | Kind::StorageClass => {
                "cannot tell why storage is not bound"
            }
            Kind::ResourceQuota | Kind::LimitRange => "cannot tell how much of a quota is left",
            Kind::Role | Kind::ClusterRole | Kind::RoleBinding | Kind::ClusterRoleBinding => {
                "cannot tell what a service account may do"
            }
            kind if kind.is_workload() => "cannot tell what these workloads want and have",
            _ => "cannot claim that such an object is absent",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_of_one_cause_are_said_together() {
        let mut spots = BlindSpots::default();
        for namespace in ["b", "a"] {
            spots.add(
                Subject::Kind(Kind::Secret),
                Class::Forbidden,
                Some(namespace),
                None,
                "forbidden",
                true,
            );
        }
        let report = spots.report();
        assert_eq!(report.len(), 1);
        assert_eq!(report[0].what, "secrets in namespaces a, b");
        let rule = report[0].rbac.as_ref().expect("a rule");
        assert_eq!(rule.namespace, None);
        assert_eq!(rule.verbs, ["list"]);
    }

    #[test]
    fn what_time_ran_out_for_is_said_once() {
        let mut spots = BlindSpots::default();
        for kind in [Kind::Secret, Kind::Event] {
            spots.add(Subject::Kind(kind), Class::Unreached, None, None, "not reached within 1s", false);
        }
        let report = spots.report();
        assert_eq!(report.len(), 1);
        assert_eq!(report[0].what, "events, secrets");
    }

    #[test]
    fn logs_need_the_subresource() {
        let mut spots = BlindSpots::default();
        spots.add(Subject::Logs, Class::Forbidden, Some("shop"), None, "forbidden", true);
        let rule = spots.report().remove(0).rbac.expect("a rule");
        assert_eq!((rule.resources, rule.namespace), (vec!["pods/log".to_owned()], Some("shop".to_owned())));
    }
}

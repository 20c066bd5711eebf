//! The permissions that reading needs: what `sre-orch rbac` prints and `doctor` checks against.

use std::collections::BTreeMap;

use super::snapshot::group;
use crate::cluster::{Kind, custom};
use crate::report::model::RbacRule;

/// The rules of the ClusterRole that sees everything the agent can use; nothing in it writes.
///
/// Secrets are only ever read as metadata, but RBAC cannot say so: a cluster that does not grant
/// them loses the diagnosis of missing Secrets and keys, and nothing else.
pub fn rules() -> Vec<RbacRule> {
    let lists = lists(Kind::ALL.iter().cloned());
    lists.into_iter().chain([rule("", vec!["pods/log".to_owned()], &["get"])]).collect()
}

/// The rules for custom resources, which are read where the cluster serves them.
pub fn custom_rules() -> Vec<RbacRule> {
    lists(custom::kinds())
}

/// A rule a group, that allows to list these kinds.
fn lists(kinds: impl Iterator<Item = Kind>) -> Vec<RbacRule> {
    let mut resources: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for kind in kinds {
        resources.entry(group(&kind)).or_default().push(kind.plural().to_owned());
    }
    let lists = resources.into_iter().map(|(group, resources)| {
        let reads: &[&str] = if group.is_empty() { &["get", "list"] } else { &["list"] };
        rule(group, resources, reads)
    });
    lists.collect()
}

fn rule(group: &str, resources: Vec<String>, verbs: &[&str]) -> RbacRule {
    RbacRule {
        api_groups: vec![group.to_owned()],
        resources,
        verbs: verbs.iter().map(|verb| (*verb).to_owned()).collect(),
        namespace: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_can_be_listed_and_nothing_written() {
        let rules: Vec<RbacRule> = rules().into_iter().chain(custom_rules()).collect();
        for kind in Kind::ALL.iter().cloned().chain(custom::kinds()) {
            let covers = |rule: &&RbacRule| {
                rule.api_groups == [group(&kind)] && rule.resources.iter().any(|name| name == kind.plural())
            };
            let rule = rules.iter().find(covers).expect("a rule");
            assert!(rule.verbs.iter().any(|verb| verb == "list"), "{kind}");
        }
        assert!(rules.iter().flat_map(|rule| &rule.verbs).all(|verb| verb == "get" || verb == "list"));
    }
}

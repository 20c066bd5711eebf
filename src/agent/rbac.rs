//! The permissions that reading needs: what `sre-orch rbac` prints and `doctor` checks against.

use std::collections::BTreeMap;

use super::snapshot::group;
use crate::cluster::Kind;
use crate::report::model::RbacRule;

/// The rules of the ClusterRole that sees everything the agent can use; nothing in it writes.
///
/// Secrets are only ever read as metadata, but RBAC cannot say so: a cluster that does not grant
/// them loses the diagnosis of missing Secrets and keys, and nothing else.
pub fn rules() -> Vec<RbacRule> {
    let mut resources: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for kind in Kind::ALL {
        resources.entry(group(kind)).or_default().push(kind.plural().to_owned());
    }
    let rule = |group: &str, resources: Vec<String>, verbs: &[&str]| RbacRule {
        api_groups: vec![group.to_owned()],
        resources,
        verbs: verbs.iter().map(|verb| (*verb).to_owned()).collect(),
        namespace: None,
    };
    let lists = resources.into_iter().map(|(group, resources)| {
        let reads: &[&str] = if group.is_empty() { &["get", "list"] } else { &["list"] };
        rule(group, resources, reads)
    });
    lists.chain([rule("", vec!["pods/log".to_owned()], &["get"])]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_can_be_listed_and_nothing_written() {
        let rules = rules();
        for kind in Kind::ALL {
            let covers = |rule: &&RbacRule| {
                rule.api_groups == [group(kind)] && rule.resources.iter().any(|name| name == kind.plural())
            };
            let rule = rules.iter().find(covers).expect("a rule");
            assert!(rule.verbs.iter().any(|verb| verb == "list"), "{kind}");
        }
        assert!(rules.iter().flat_map(|rule| &rule.verbs).all(|verb| verb == "get" || verb == "list"));
    }
}

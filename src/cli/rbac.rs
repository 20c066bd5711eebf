//! `sre-orch rbac`: the permissions that an investigation uses.

use std::fmt::Write as _;

use clap::Args;

use crate::agent::rbac;
use crate::cluster::{Kind, custom};
use crate::report::model::RbacRule;

use super::Context;
use super::error::{CliError, Exit};

/// The resource that has a rule and a comment of its own.
const SECRETS: &str = "secrets";

/// Print the ClusterRole that sre-orch needs
///
/// Without one of these permissions sre-orch still works, and says what it could not see. Apply it
/// with `sre-orch rbac | kubectl apply -f -`, then bind it to whoever investigates.
#[derive(Clone, Debug, Args)]
pub(super) struct RbacArgs {
    /// Print a Role for this namespace alone instead, without cluster-scoped kinds
    #[arg(short, long, value_name = "NS", env = "SRE_ORCH_NAMESPACE")]
    namespace: Option<String>,
}

pub(super) fn run(args: RbacArgs, context: &Context) -> Result<Exit, CliError> {
    context.ui.print(manifest(args.namespace.as_deref()))?;
    Ok(Exit::Done)
}

/// The Role or ClusterRole as YAML, rules by API group.
fn manifest(namespace: Option<&str>) -> String {
    let (kind, binding) = match namespace {
        Some(_) => ("Role", "rolebinding"),
        None => ("ClusterRole", "clusterrolebinding"),
    };
    let place = namespace.map(|namespace| format!(" --namespace={namespace}")).unwrap_or_default();
    let mut text = format!(
        "# What sre-orch reads. Bind it to a user, group or service account, for example:\n\
         #   kubectl create {binding} sre-orch{place} --{}=sre-orch --user=NAME\n\
         apiVersion: rbac.authorization.k8s.io/v1\n\
         kind: {kind}\n\
         metadata:\n  name: sre-orch\n",
        kind.to_lowercase()
    );
    if let Some(namespace) = namespace {
        let _ = writeln!(text, "  namespace: {}", serde_json::Value::from(namespace));
    }
    text.push_str("rules:\n");
    let rules = rbac::rules();
    for rule in &rules {
        let wanted = |resource: &&String| {
            *resource != SECRETS && (namespace.is_none() || is_namespaced(rule, resource))
        };
        let resources: Vec<&String> = rule.resources.iter().filter(wanted).collect();
        write_rule(&mut text, rule, &resources);
    }
    text.push_str(
        "# Custom resources: read where the cluster serves them, so remove what it does not have.\n",
    );
    for rule in rbac::custom_rules() {
        let wanted = |resource: &&String| namespace.is_none() || is_namespaced(&rule, resource);
        let resources: Vec<&String> = rule.resources.iter().filter(wanted).collect();
        write_rule(&mut text, &rule, &resources);
    }
    text.push_str(
        "# Secrets are read as metadata only (which exist, and the names of their keys), but RBAC cannot\n\
         # grant metadata without values. Without this rule sre-orch cannot tell whether a Secret or a key\n\
         # that a pod refers to exists; remove it where that is not worth the permission.\n",
    );
    let secrets = String::from(SECRETS);
    for rule in rules.iter().filter(|rule| rule.resources.contains(&secrets)) {
        write_rule(&mut text, rule, &[&secrets]);
    }
    text
}

fn write_rule(text: &mut String, rule: &RbacRule, resources: &[&String]) {
    if resources.is_empty() {
        return;
    }
    let group = rule.api_groups.join(", ");
    let _ = writeln!(text, "- apiGroups: [\"{group}\"]\n  resources:");
    for resource in resources {
        let _ = writeln!(text, "  - {resource}");
    }
    let _ = writeln!(text, "  verbs: [{}]", rule.verbs.join(", "));
}

/// Whether a Role can grant a resource: it belongs to a namespaced kind, or is a part of one.
fn is_namespaced(rule: &RbacRule, resource: &str) -> bool {
    let plural = resource.split('/').next().unwrap_or_default();
    let group = rule.api_groups.first().map(String::as_str).unwrap_or_default();
    let of_group = |kind: &Kind| kind.api_version().split_once('/').map_or("", |(group, _)| group) == group;
    let own = Kind::ALL.iter().cloned().chain(custom::kinds());
    own.filter(of_group).any(|kind| kind.plural() == plural && kind.namespaced())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(namespace: Option<&str>) -> (serde_json::Value, Vec<(String, Vec<String>)>) {
        let role: serde_json::Value = serde_yaml::from_str(&manifest(namespace)).unwrap();
        let texts = |value: &serde_json::Value| -> Vec<String> {
            value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        let mut rules = Vec::new();
        for rule in role["rules"].as_array().unwrap() {
            for resource in texts(&rule["resources"]) {
                rules.push((format!("{resource}.{}", texts(&rule["apiGroups"])[0]), texts(&rule["verbs"])));
            }
        }
        (role, rules)
    }

    #[test]
    fn only_reading_is_granted() {
        let (role, rules) = rules(None);
        assert_eq!(role["kind"], "ClusterRole");
        assert!(rules.iter().flat_map(|(_, verbs)| verbs).all(|verb| verb == "get" || verb == "list"));
        for resource in [
            "pods.",
            "pods/log.",
            "secrets.",
            "deployments.apps",
            "pods.metrics.k8s.io",
            "issuers.cert-manager.io",
        ] {
            assert_eq!(rules.iter().filter(|(name, _)| name == resource).count(), 1, "{resource}");
        }
    }

    #[test]
    fn a_role_names_no_cluster_scoped_kind() {
        let (role, rules) = rules(Some("shop"));
        assert_eq!(
            (role["kind"].as_str(), role["metadata"]["namespace"].as_str()),
            (Some("Role"), Some("shop"))
        );
        assert!(rules.iter().all(|(name, _)| {
            !["nodes.", "namespaces.", "clusterissuers.cert-manager.io"].contains(&name.as_str())
        }));
    }
}

//! Denied API requests: which role, binding or account lacks what.

use std::sync::LazyLock;

use regex::Regex;

use super::{Context, Fact, FactSpec, Facts, net};
use crate::cluster::topology::references;
use crate::cluster::types::{Object, PolicyRule, Role, RoleBinding, Text, Workload};
use crate::cluster::{Kind, ObjectRef, Truth};
use crate::evidence::Evidence;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[
    FactSpec {
        name: "rbac.denied",
        about: "the API server denies a workload's service account a request, and the roles say why",
        params: &[
            (
                "class",
                "role-lacks, role-missing, wrong-subject, other-namespace, not-bound, no-account, granted or unread",
            ),
            ("user", "the user as logged"),
            ("verb", "the verb"),
            ("resource", "the resource with its API group"),
            ("scope", "the namespace of the request, or `the cluster`"),
            ("role", "the role that is bound, or that the binding names"),
            ("subjects", "the binding's subjects"),
        ],
        refs: &[
            ("role", "the Role that lacks the rule"),
            ("binding", "the binding that is wrong"),
            ("account", "the service account"),
        ],
    },
    FactSpec {
        name: "rbac.token",
        about: "a process looks for its service account's token, which is not mounted",
        params: &[("class", "pod (the pod spec turns it off), account or unknown"), ("line", "the log line")],
        refs: &[("account", "the service account, where it turns the mount off")],
    },
];

/// A denied request.
struct Request {
    account: Option<(String, String)>,
    user: String,
    verb: String,
    resource: String,
    group: String,
    /// Empty for the cluster.
    namespace: String,
}

#[expect(clippy::unwrap_used, reason = "constant pattern, compiled by a test")]
static DENIED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)user \\*["']?(?P<user>[^"'\\\s]+)\\*["']? cannot (?P<verb>[a-z]+) (?:resource \\*["'](?P<resource>[^"'\\]+)\\*["'] in API group \\*["'](?P<group>[^"'\\]*)\\*["']|path \\*["'](?P<path>[^"'\\]+))(?:.{0,20}in the namespace \\*["'](?P<namespace>[^"'\\]+))?"#,
    )
    .unwrap()
});

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    for finding in context.logs.iter().filter(|finding| !finding.recovered) {
        match finding.signature {
            "rbac-forbidden" => {
                if let Some(request) = parse(&finding.excerpt) {
                    let fact = denied(context, &finding.workload, &request).evidence([net::line(finding)]);
                    facts.add(waiting(context, &request).into_iter().fold(fact, Fact::affects));
                }
            }
            "token-missing" => {
                facts.add(token(context, &finding.workload, &finding.excerpt).evidence([net::line(finding)]));
            }
            _ => {}
        }
    }
}

fn parse(line: &str) -> Option<Request> {
    let captures = DENIED.captures(line)?;
    let part = |name: &str| captures.name(name).map_or("", |part| part.as_str()).to_owned();
    let user = part("user");
    let account = user
        .strip_prefix("system:serviceaccount:")
        .and_then(|rest| rest.split_once(':'))
        .map(|(namespace, name)| (namespace.to_owned(), name.to_owned()));
    let resource = if part("path").is_empty() { part("resource") } else { part("path") };
    Some(Request {
        account,
        user,
        verb: part("verb").to_lowercase(),
        resource,
        group: part("group"),
        namespace: part("namespace"),
    })
}

fn denied(context: &Context<'_>, workload: &ObjectRef, request: &Request) -> Fact {
    let resource = if request.group.is_empty() {
        request.resource.clone()
    } else {
        format!("{}.{}", request.resource, request.group)
    };
    let scope = if request.namespace.is_empty() {
        "the cluster".to_owned()
    } else {
        format!("namespace {}", request.namespace)
    };
    let fact = Fact::new("rbac.denied", workload.clone())
        .param("user", request.user.clone())
        .param("verb", request.verb.clone())
        .param("resource", resource)
        .param("scope", scope);
    let Some((namespace, name)) = &request.account else { return fact.param("class", "unread") };
    let account = ObjectRef::new(Kind::ServiceAccount, namespace, name);
    let read =
        context.state.was_read(&Kind::RoleBinding, namespace) || !context.state.role_bindings.is_empty();
    let fact = fact.object("account", account.clone());
    if !read {
        return fact.param("class", "unread");
    }
    let applies = |binding: &&RoleBinding| {
        binding.kind == Kind::ClusterRoleBinding || binding.body.metadata.namespace == request.namespace
    };
    let bound: Vec<&RoleBinding> = context
        .state
        .role_bindings
        .iter()
        .filter(applies)
        .filter(|binding| names(binding, namespace, name))
        .filter(|binding| !is_everyones(binding))
        .collect();
    if let Some(found) =
        bound.iter().find(|binding| role_of(context, binding).is_none() && roles_read(context, binding))
    {
        return with_binding(fact.param("class", "role-missing"), found);
    }
    if bound.iter().any(|binding| role_of(context, binding).is_some_and(|role| grants(role, request))) {
        // Granted by now: the log is older than the grant.
        return fact.param("class", "granted");
    }
    if let Some(near) = wrong_subject(context, namespace, name, request) {
        return with_binding(fact.param("class", "wrong-subject"), near);
    }
    let best = bound
        .iter()
        .filter_map(|binding| Some((*binding, role_of(context, binding)?)))
        .max_by_key(|(_, role)| fit(role, request, name));
    if let Some((binding, role)) = best {
        let rules: Vec<String> = role.body.rules.iter().map(rule_text).collect();
        let stated = Evidence::spec(role.object_ref(), "rules", rules.join("; "));
        return with_binding(fact.param("class", "role-lacks"), binding)
            .object("role", role.object_ref())
            .evidence([stated]);
    }
    let elsewhere = context.state.role_bindings.iter().find(|binding| {
        names(binding, namespace, name)
            && !is_everyones(binding)
            && role_of(context, binding).is_some_and(|role| grants(role, request))
    });
    if let Some(binding) = elsewhere {
        return with_binding(fact.param("class", "other-namespace"), binding);
    }
    let absence = Evidence::absence(account, "no binding that applies names the account");
    fact.param("class", "not-bound").evidence([absence])
}

/// Workloads that lack what the denied request would have made: a Secret or ConfigMap in its namespace
/// that they name and that is not there.
fn waiting(context: &Context<'_>, request: &Request) -> Vec<ObjectRef> {
    let kind = match request.resource.as_str() {
        "secrets" => Kind::Secret,
        "configmaps" => Kind::ConfigMap,
        _ => return Vec::new(),
    };
    if !matches!(request.verb.as_str(), "create" | "update" | "patch") {
        return Vec::new();
    }
    let absent = |name: &str| context.state.exists(&kind, &request.namespace, name) == Truth::False;
    let lacks = |workload: &&Workload| {
        references(&workload.template().spec)
            .iter()
            .any(|(of, name, _, _, optional)| *of == kind && !optional && absent(name))
    };
    let workloads = context.state.workloads.in_namespace(&request.namespace).iter();
    workloads.filter(lacks).map(Object::object_ref).collect()
}

fn with_binding(fact: Fact, binding: &RoleBinding) -> Fact {
    let subjects: Vec<String> = binding
        .body
        .subjects
        .iter()
        .map(|subject| format!("{} {}/{}", subject.kind, subject.namespace, subject.name))
        .collect();
    let role = &binding.body.role_ref;
    fact.param("role", format!("{} {}", role.kind, role.name))
        .param("subjects", subjects.clone())
        .object("binding", binding.object_ref())
        .evidence([Evidence::spec(binding.object_ref(), "subjects", subjects.join(", "))])
}

/// Whether a binding names the account: itself, as a user, or by a group it is in.
fn names(binding: &RoleBinding, namespace: &str, name: &str) -> bool {
    binding.body.subjects.iter().any(|subject| match subject.kind.as_str() {
        "ServiceAccount" => subject.name == name && subject.namespace == namespace,
        "User" => subject.name == format!("system:serviceaccount:{namespace}:{name}"),
        "Group" => {
            matches!(subject.name.as_str(), "system:serviceaccounts" | "system:authenticated")
                || subject.name == format!("system:serviceaccounts:{namespace}")
        }
        _ => false,
    })
}

/// Bindings that every account has say nothing about this one.
fn is_everyones(binding: &RoleBinding) -> bool {
    binding.body.subjects.iter().all(|subject| {
        subject.kind == "Group"
            && matches!(
                subject.name.as_str(),
                "system:serviceaccounts" | "system:authenticated" | "system:unauthenticated"
            )
    })
}

/// A binding whose role would do, but whose subject is off: another namespace, or a similar name.
fn wrong_subject<'a>(
    context: &Context<'a>,
    namespace: &str,
    name: &str,
    request: &Request,
) -> Option<&'a RoleBinding> {
    let off = |binding: &&RoleBinding| {
        binding.body.subjects.iter().any(|subject| {
            let close = net::nearest(&subject.name, std::iter::once(name)).is_some();
            let exists = context.state.service_accounts.get(&subject.namespace, &subject.name).is_some();
            let elsewhere = subject.name == name && subject.namespace != namespace;
            let misspelt = close && subject.namespace == namespace;
            subject.kind == "ServiceAccount" && !exists && (elsewhere || misspelt)
        })
    };
    let applies = |binding: &&RoleBinding| {
        binding.kind == Kind::ClusterRoleBinding || binding.body.metadata.namespace == request.namespace
    };
    context
        .state
        .role_bindings
        .iter()
        .filter(applies)
        .filter(off)
        .find(|binding| role_of(context, binding).is_none_or(|role| grants(role, request)))
}

fn role_of<'a>(context: &Context<'a>, binding: &RoleBinding) -> Option<&'a Role> {
    let reference = &binding.body.role_ref;
    let kind = Kind::from(reference.kind.as_str());
    let namespace = if kind == Kind::Role { binding.body.metadata.namespace.as_str() } else { "" };
    context.state.roles.named(namespace, &reference.name).iter().find(|role| role.kind == kind)
}

fn roles_read(context: &Context<'_>, binding: &RoleBinding) -> bool {
    let kind = Kind::from(binding.body.role_ref.kind.as_str());
    context.state.was_read(&kind, &binding.body.metadata.namespace)
}

fn grants(role: &Role, request: &Request) -> bool {
    role.body.rules.iter().any(|rule| allows(rule, request))
}

fn allows(rule: &PolicyRule, request: &Request) -> bool {
    let has = |list: &[Text], wanted: &str| list.iter().any(|one| one == "*" || one == wanted);
    let sub = request.resource.split_once('/').map(|(_, sub)| format!("*/{sub}"));
    let resource = has(&rule.resources, &request.resource)
        || sub.is_some_and(|sub| rule.resources.iter().any(|one| *one == sub));
    has(&rule.verbs, &request.verb)
        && has(&rule.api_groups, &request.group)
        && resource
        && rule.resource_names.is_empty()
}

/// How close a role comes: same resource, own role rather than a shared one, similar name.
fn fit(role: &Role, request: &Request, account: &str) -> (bool, bool, bool) {
    let resource =
        role.body.rules.iter().any(|rule| rule.resources.iter().any(|one| *one == request.resource));
    let name = &role.body.metadata.name;
    (resource, role.kind == Kind::Role, name.contains(account) || account.contains(name.as_str()))
}

fn rule_text(rule: &PolicyRule) -> String {
    format!("{} {}", rule.verbs.join(","), rule.resources.join(","))
}

fn token(context: &Context<'_>, workload: &ObjectRef, line: &str) -> Fact {
    let fact = Fact::new("rbac.token", workload.clone()).param("line", line);
    let Some(spec) = net::spec_of(context, workload) else { return fact.param("class", "unknown") };
    if spec.automount_service_account_token == Some(false) {
        let stated =
            Evidence::spec(workload.clone(), "spec.template.spec.automountServiceAccountToken", "false");
        return fact.param("class", "pod").evidence([stated]);
    }
    let account = context.state.service_accounts.get(workload.ns(), spec.service_account());
    match account.filter(|account| account.automount_service_account_token == Some(false)) {
        Some(account) if spec.automount_service_account_token.is_none() => {
            let object = account.object_ref();
            let stated = Evidence::spec(object.clone(), "automountServiceAccountToken", "false");
            fact.param("class", "account").object("account", object).evidence([stated])
        }
        _ => fact.param("class", "unknown"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_denials_quoted_or_escaped() {
        let plain = r#"pods is forbidden: User "system:serviceaccount:ops:sweeper" cannot list resource "pods" in API group "" in the namespace "shop""#;
        let request = parse(plain).unwrap();
        assert_eq!(request.account, Some(("ops".to_owned(), "sweeper".to_owned())));
        assert_eq!(
            (request.verb.as_str(), request.resource.as_str(), request.namespace.as_str()),
            ("list", "pods", "shop")
        );
        let escaped = plain.replace('"', "\\\"");
        assert_eq!(parse(&escaped).unwrap().namespace, "shop");
        let cluster = r#"User "system:serviceaccount:ops:sweeper" cannot watch resource "nodes" in API group "" at the cluster scope"#;
        assert_eq!(parse(cluster).unwrap().namespace, "");
        assert!(parse("403 Forbidden").is_none());
    }
}

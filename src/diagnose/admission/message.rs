//! What the API server's refusals say, old and new wording.

use regex::Regex;
use std::sync::LazyLock;

/// Why an object was not admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A quota would be exceeded: its name, and per resource what is requested, used and allowed.
    Quota { quota: String, amounts: Vec<Amount> },
    /// A quota demands requests or limits that the pod does not state.
    QuotaUnspecified { quota: String, missing: String },
    /// A quota's usage was not computed yet.
    QuotaUnknown { quota: String },
    /// A LimitRange's bound: what it bounds and how it is violated.
    LimitRange { bound: String },
    /// The ServiceAccount does not exist.
    ServiceAccount { name: String },
    /// The namespace's Pod Security level forbids the pod.
    PodSecurity { level: String, violations: String },
    /// No security context constraint (OpenShift) or Pod Security Policy that may be used allows the pod.
    Constraint { violations: String },
    /// The PriorityClass does not exist.
    PriorityClass { name: String },
    /// The RuntimeClass does not exist.
    RuntimeClass { name: String },
    /// A webhook said no.
    WebhookDenies { webhook: String, reason: String },
    /// A webhook could not be asked.
    WebhookFails { webhook: String, reason: String },
    /// A ValidatingAdmissionPolicy said no.
    Policy { policy: String, reason: String },
    /// The namespace is being deleted.
    Terminating,
    /// The object is not valid.
    Invalid { reason: String },
    /// The controller itself is not allowed to create it.
    Forbidden { reason: String },
}

/// One resource of an exceeded quota.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) resource: String,
    pub(super) requested: String,
    pub(super) used: String,
    pub(super) limited: String,
}

/// A constant pattern.
fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

macro_rules! patterns {
    ($($name:ident = $text:literal;)*) => { $(static $name: LazyLock<Option<Regex>> = LazyLock::new(|| pattern($text));)* };
}

patterns! {
    EXCEEDED = r"exceeded quota: ([^,]+), requested: (.+?), used: (.+?), limited: ([^\n]+)";
    UNSPECIFIED = r"failed quota: ([^:]+): must specify ([^\n]+)";
    UNKNOWN = r"status unknown for quota: ([^,]+)";
    RANGE = r"((?:maximum|minimum) \S+ usage per (?:Container|Pod|PersistentVolumeClaim)[^\n\]]*|\S+ max limit to request ratio per [^\n\]]*)";
    ACCOUNT = r#"(?:error looking up service account \S+|serviceaccounts?) ?:? ?.*?"([^"]+)" not found"#;
    SECURITY = r#"violates PodSecurity "([^":]+)[^"]*": ([^\n]+)"#;
    CONSTRAINT = r"unable to (?:validate against any|admit pod under any) (?:security context constraint|pod security policy):? ?\[?([^\n]*?)\]?$";
    PRIORITY = r"no PriorityClass with name (\S+) was found";
    RUNTIME = r#"RuntimeClass(?:\.node\.k8s\.io)? "([^"]+)" not found"#;
    DENIES = r#"admission webhook "([^"]+)" denied the request(?: without explanation|:\s*((?s:.+)))?"#;
    FAILS = r#"failed calling (?:admission )?webhook "([^"]+)": ([^\n]+)"#;
    POLICY = r"ValidatingAdmissionPolicy '([^']+)'(?: with binding '[^']+')? denied request: ([^\n]+)";
}

/// Reads a refusal; none where the message is not one of these.
pub(super) fn refusal(message: &str) -> Option<Refusal> {
    quota(message).or_else(|| webhook(message)).or_else(|| reference(message)).or_else(|| other(message))
}

/// The groups of a pattern's first match; an absent group is empty.
fn groups(pattern: &LazyLock<Option<Regex>>, message: &str) -> Option<[String; 4]> {
    let captures = LazyLock::force(pattern).as_ref()?.captures(message)?;
    let group = |index| captures.get(index).map_or(String::new(), |found| found.as_str().trim().to_owned());
    Some([group(1), group(2), group(3), group(4)])
}

fn quota(message: &str) -> Option<Refusal> {
    if let Some([quota, requested, used, limited]) = groups(&EXCEEDED, message) {
        let amounts = pairs(&requested)
            .map(|(resource, amount)| Amount {
                used: value(&used, resource),
                limited: value(&limited, resource),
                resource: resource.to_owned(),
                requested: amount.to_owned(),
            })
            .collect();
        return Some(Refusal::Quota { quota, amounts });
    }
    if let Some([quota, missing, ..]) = groups(&UNSPECIFIED, message) {
        return Some(Refusal::QuotaUnspecified { quota, missing });
    }
    groups(&UNKNOWN, message).map(|[quota, ..]| Refusal::QuotaUnknown { quota })
}

fn webhook(message: &str) -> Option<Refusal> {
    if let Some([webhook, reason, ..]) = groups(&FAILS, message) {
        return Some(Refusal::WebhookFails { webhook, reason });
    }
    if let Some([webhook, reason, ..]) = groups(&DENIES, message) {
        return Some(Refusal::WebhookDenies { webhook, reason });
    }
    groups(&POLICY, message).map(|[policy, reason, ..]| Refusal::Policy { policy, reason })
}

fn reference(message: &str) -> Option<Refusal> {
    if let Some([name, ..]) = groups(&PRIORITY, message) {
        return Some(Refusal::PriorityClass { name });
    }
    if let Some([name, ..]) = groups(&RUNTIME, message) {
        return Some(Refusal::RuntimeClass { name });
    }
    groups(&ACCOUNT, message).map(|[name, ..]| Refusal::ServiceAccount { name })
}

fn other(message: &str) -> Option<Refusal> {
    if let Some([level, violations, ..]) = groups(&SECURITY, message) {
        return Some(Refusal::PodSecurity { level, violations });
    }
    if let Some([refusals, ..]) = groups(&CONSTRAINT, message) {
        return Some(Refusal::Constraint { violations: violations(&refusals) });
    }
    if let Some([bound, ..]) = groups(&RANGE, message) {
        return Some(Refusal::LimitRange { bound });
    }
    if message.contains("because it is being terminated") {
        return Some(Refusal::Terminating);
    }
    if message.contains("is forbidden: User ") {
        return Some(Refusal::Forbidden { reason: message.to_owned() });
    }
    message.contains(" is invalid: ").then(|| Refusal::Invalid { reason: message.to_owned() })
}

/// What constraints that may be used forbid; those that may not be used say nothing of the pod.
fn violations(refusals: &str) -> String {
    let each = refusals.split(", provider ").map(|one| one.trim_start_matches("provider ").trim());
    let telling: Vec<&str> =
        each.filter(|one| !one.is_empty() && !one.contains("not usable by user or serviceaccount")).collect();
    if telling.is_empty() {
        "its service account may use none of them".to_owned()
    } else {
        telling.join("; ")
    }
}

/// `a=1,b=2` as pairs.
fn pairs(list: &str) -> impl Iterator<Item = (&str, &str)> {
    list.split(',').filter_map(|pair| pair.trim().split_once('='))
}

fn value(list: &str, resource: &str) -> String {
    pairs(list).find(|(name, _)| *name == resource).map_or(String::new(), |(_, amount)| amount.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_quota_amounts_by_resource() {
        let message = "pods \"web-1\" is forbidden: exceeded quota: team, requested: limits.cpu=2,requests.memory=1Gi, \
                       used: limits.cpu=9,requests.memory=7Gi, limited: limits.cpu=10,requests.memory=8Gi";
        let Some(Refusal::Quota { quota, amounts }) = refusal(message) else { panic!("no quota") };
        assert_eq!((quota.as_str(), amounts.len()), ("team", 2));
        let memory = amounts.last().unwrap();
        assert_eq!((&*memory.requested, &*memory.used, &*memory.limited), ("1Gi", "7Gi", "8Gi"));
    }

    #[test]
    fn tells_refusals_apart() {
        let is = |message: &str, fits: fn(&Refusal) -> bool| {
            assert!(refusal(message).as_ref().is_some_and(fits), "{message}")
        };
        is("failed quota: q: must specify limits.cpu for: app", |r| {
            matches!(r, Refusal::QuotaUnspecified { .. })
        });
        is("is forbidden: maximum cpu usage per Container is 1, but limit is 2", |r| {
            matches!(r, Refusal::LimitRange { .. })
        });
        is("[minimum memory usage per Container is 64Mi. No request is specified]", |r| {
            matches!(r, Refusal::LimitRange { .. })
        });
        is("error looking up service account shop/web: serviceaccount \"web\" not found", |r| {
            *r == Refusal::ServiceAccount { name: "web".to_owned() }
        });
        is(
            "violates PodSecurity \"restricted:latest\": runAsNonRoot != true",
            |r| matches!(r, Refusal::PodSecurity { level, .. } if level == "restricted"),
        );
        is(
            "forbidden: unable to validate against any security context constraint: [provider \"anyuid\": Forbidden: \
             not usable by user or serviceaccount, provider restricted-v2: .containers[0].runAsUser: Invalid value: 0: \
             must be in the ranges: [1000660000, 1000669999]]",
            |r| matches!(r, Refusal::Constraint { violations } if violations.starts_with("restricted-v2: .containers[0].runAsUser")),
        );
        is(
            "unable to admit pod under any pod security policy: []",
            |r| matches!(r, Refusal::Constraint { violations } if violations.contains("may use none")),
        );
        is("no PriorityClass with name high was found", |r| matches!(r, Refusal::PriorityClass { .. }));
        is("pod rejected: RuntimeClass \"kata\" not found", |r| matches!(r, Refusal::RuntimeClass { .. }));
        is("admission webhook \"v.io\" denied the request: no", |r| {
            matches!(r, Refusal::WebhookDenies { .. })
        });
        is("failed calling webhook \"v.io\": x509: certificate has expired", |r| {
            matches!(r, Refusal::WebhookFails { .. })
        });
        is("ValidatingAdmissionPolicy 'p' with binding 'b' denied request: failed expression", |r| {
            matches!(r, Refusal::Policy { .. })
        });
        is("unable to create new content in namespace x because it is being terminated", |r| {
            *r == Refusal::Terminating
        });
        assert_eq!(refusal("Created pod: web-1"), None);
    }
}

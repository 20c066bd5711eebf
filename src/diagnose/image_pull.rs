//! Why an image is not pulled: the class of the registry's answer, and what differs from images that work.
//!
//! Wordings of containerd, CRI-O and Docker are taken alike. A container that has started since is history.

mod known;

use std::cell::OnceCell;
use std::collections::BTreeSet;

use known::KnownImages;

use super::container::{Instance, between, instances, mentions, state};
use super::{Context, Fact, FactSpec, Facts};
use crate::cluster::types::Pod;
use crate::cluster::{Kind, ObjectRef, Truth};
use crate::evidence::Evidence;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[FactSpec {
    name: "image.pull",
    about: "a container waits for its image, and this is why it is not pulled",
    params: &[
        (
            "class",
            "not-found, missing-secret, rejected, dns, unreachable, rate-limit, invalid-name, never, architecture, disk or unknown",
        ),
        ("container", "the container"),
        ("image", "the image as the spec names it"),
        ("registry", "the registry's host"),
        ("secret", "the pull secret that is named but absent, or rejected"),
        ("secrets", "none, absent or present: the pull secrets that the pod names"),
        ("closest", "a similar image that this workload ran before or a sibling runs now"),
        ("answer", "what the registry or runtime said"),
        ("certificate", "what is wrong with the registry's certificate, in words"),
        ("certainty", "suggestive where the registry's answer has two readings"),
    ],
    refs: &[("secret", "the pull secret")],
}];

/// Waiting reasons that are about the image.
const WAITING: [&str; 9] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
    "ImageVolumePullError",
    "ErrImagePullBackOff",
];

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    let known = OnceCell::new();
    for instance in instances(context) {
        if !WAITING.contains(&instance.waiting()) {
            continue;
        }
        let texts = texts(context, &instance);
        let answer = texts.iter().find(|text| classify(text).is_some());
        let mut class = answer.and_then(|text| classify(text)).unwrap_or("unknown");
        match instance.waiting() {
            "ErrImageNeverPull" => class = "never",
            "InvalidImageName" => class = "invalid-name",
            _ => {}
        }
        let known = known.get_or_init(|| KnownImages::of(context));
        state(facts, explain(context, &instance, known, class, answer.map_or("", String::as_str)));
    }
}

/// What was said about the pull, most telling first.
fn texts(context: &Context<'_>, instance: &Instance<'_>) -> Vec<String> {
    let mut texts = vec![instance.waiting_message().to_owned()];
    let image = instance.image();
    for event in instance.events(context.state) {
        let about_pull =
            matches!(event.reason.as_str(), "Failed" | "BackOff" | "InspectFailed" | "ErrImageNeverPull");
        let other_image = event.message.contains("image \"") && !event.message.contains(image);
        if about_pull && !other_image {
            texts.push(event.message.to_string());
        }
    }
    texts
}

/// The class of a message; none where it says no more than that the pull failed.
fn classify(message: &str) -> Option<&'static str> {
    let text = message.to_lowercase();
    let lookup = text.contains("lookup ")
        && mentions(&text, &["no such host", "server misbehaving", ":53", "temporary failure"]);
    Some(match () {
        () if mentions(&text, &["invalidimagename", "couldn't parse image", "invalid reference format"]) => {
            "invalid-name"
        }
        () if mentions(&text, &["errimageneverpull", "pull policy of never"]) => "never",
        () if mentions(
            &text,
            &[
                "no match for platform",
                "no matching manifest for",
                "no image found in manifest list for architecture",
            ],
        ) =>
        {
            "architecture"
        }
        () if mentions(&text, &["toomanyrequests", "too many requests", "rate limit"]) => "rate-limit",
        () if lookup
            || mentions(&text, &["temporary failure in name resolution", "name or service not known"]) =>
        {
            "dns"
        }
        () if mentions(&text, &["no space left on device"]) => "disk",
        () if mentions(
            &text,
            &[
                "unauthorized",
                "pull access denied",
                "403 forbidden",
                "no basic auth",
                "authentication required",
                "insufficient_scope",
                "authorization failed",
                "denied:",
                "access denied",
                "requested access to the resource is denied",
                "incorrect username or password",
            ],
        ) =>
        {
            "auth"
        }
        () if mentions(
            &text,
            &[
                "manifest unknown",
                "name unknown",
                "code = notfound",
                ": not found",
                "manifest for",
                "404 not found",
                "does not exist",
                "repository not known",
            ],
        ) =>
        {
            "not-found"
        }
        () if mentions(
            &text,
            &[
                "dial tcp",
                "i/o timeout",
                "connection refused",
                "connection reset",
                "no route to host",
                "tls handshake",
                "x509:",
                "deadline exceeded",
                "client.timeout",
                "http response to https client",
                "network is unreachable",
                "unexpected eof",
                "502 bad gateway",
                "503 service unavailable",
                "500 internal server error",
                "registryunavailable",
            ],
        ) =>
        {
            "unreachable"
        }
        () => return None,
    })
}

fn explain(
    context: &Context<'_>,
    instance: &Instance<'_>,
    known: &KnownImages<'_>,
    class: &'static str,
    answer: &str,
) -> Fact {
    let image = instance.image();
    let secrets = PullSecrets::of(context, instance);
    let typo = known.typo(context, instance);
    let closest = typo.clone().or_else(|| known.closest(context, instance));
    let mut certainty = "decisive";
    let class = match class {
        // Registries answer the same for what is private and what does not exist.
        "auth" => {
            let ambiguous = answer.to_lowercase().contains("may require");
            if typo.is_some() {
                certainty = "computed";
                "not-found"
            } else if secrets.missing() {
                "missing-secret"
            } else if secrets.named.is_empty() {
                // Docker Hub's own images are public: who refuses one (a mirror, say) does not have it.
                if is_official(image) || (ambiguous && closest.is_some()) {
                    certainty = "computed";
                    "not-found"
                } else {
                    if ambiguous {
                        certainty = "computed";
                    }
                    "missing-secret"
                }
            } else if secrets.unread {
                certainty = "computed";
                "missing-secret"
            } else {
                certainty = "computed";
                "rejected"
            }
        }
        // The answer is lost, but the kubelet said that it had no credentials to give.
        "unknown" if secrets.missing() => {
            certainty = "computed";
            "missing-secret"
        }
        "unknown" => {
            certainty = "suggestive";
            "unknown"
        }
        // A port nobody listens on is as often a mistyped host as a broken registry.
        "unreachable" => {
            certainty = "computed";
            "unreachable"
        }
        other => other,
    };
    let kind = if secrets.named.is_empty() {
        "none"
    } else if secrets.missing() {
        "absent"
    } else {
        "present"
    };
    let mut fact = Fact::new("image.pull", instance.workload.clone())
        .param("class", class)
        .param("container", instance.name())
        .param("image", image)
        .param("registry", registry(image))
        .param("secrets", kind)
        .param("certainty", certainty)
        .evidence([instance.waiting_evidence()]);
    if let Some(reason) = short_answer(answer) {
        fact = fact.param("answer", reason);
    }
    if let Some(fault) = certificate_fault(answer) {
        fact = fact.param("certificate", fault);
    }
    if let Some(closest) = closest {
        fact = fact.param("closest", closest);
    }
    if matches!(class, "missing-secret" | "rejected")
        && let Some(secret) = secrets.absent.first().or(secrets.named.first())
    {
        let object = ObjectRef::new(Kind::Secret, instance.namespace(), secret);
        if secrets.known_absent {
            fact = fact.evidence([Evidence::absence(
                object.clone(),
                "the Secret named in imagePullSecrets does not exist",
            )]);
        }
        fact = fact.param("secret", secret.clone()).object("secret", object);
    }
    let event = instance.events(context.state).into_iter().find(|event| {
        !answer.is_empty() && event.message == answer || event.reason == "FailedToRetrieveImagePullSecret"
    });
    fact.evidence(event.map(Evidence::event)).since(instance.pod.metadata.creation_timestamp.get())
}

/// What is wrong with the registry's certificate, as Go's TLS words it.
fn certificate_fault(answer: &str) -> Option<&'static str> {
    let text = answer.to_lowercase();
    Some(match () {
        () if mentions(&text, &["certificate has expired", "is after"]) => {
            "it has expired or is not yet valid"
        }
        () if text.contains("unknown authority") => "the node does not trust who signed it",
        () if mentions(&text, &["certificate is valid for", "doesn't contain any ip sans"]) => {
            "it is for another name"
        }
        () if text.contains("x509:") => "it is not accepted",
        () => return None,
    })
}

/// The pull secrets a pod names, itself or through its service account.
struct PullSecrets {
    named: Vec<String>,
    absent: Vec<String>,
    /// Whether the Secret list says so, not only the kubelet.
    known_absent: bool,
    unread: bool,
}

impl PullSecrets {
    fn of(context: &Context<'_>, instance: &Instance<'_>) -> Self {
        let namespace = instance.namespace();
        let named = Self::names(context, instance.pod);
        let exists = |name: &str| context.state.exists(&Kind::Secret, namespace, name);
        let absent: Vec<String> =
            named.iter().filter(|name| exists(name) == Truth::False).map(|name| (*name).to_owned()).collect();
        let known_absent = !absent.is_empty();
        let said = context
            .state
            .events_of(&instance.pod_ref())
            .iter()
            .filter(|event| event.reason == "FailedToRetrieveImagePullSecret")
            .filter_map(|event| between(&event.message, "(", ")"))
            .flat_map(|names| names.split([',', ' ']))
            .filter(|name| !name.is_empty() && named.contains(name) && exists(name) == Truth::Unknown);
        let mut all: Vec<String> = absent;
        all.extend(said.map(str::to_owned));
        all.dedup();
        Self {
            unread: all.is_empty() && named.iter().any(|name| exists(name) == Truth::Unknown),
            named: named.into_iter().map(str::to_owned).collect(),
            absent: all,
            known_absent,
        }
    }

    /// The pull secrets that a pod or its service account names.
    fn names<'c>(context: &'c Context<'_>, pod: &'c Pod) -> BTreeSet<&'c str> {
        let account = context.state.service_accounts.get(&pod.metadata.namespace, pod.spec.service_account());
        let given = account.into_iter().flat_map(|account| account.image_pull_secrets.iter());
        let all = pod.spec.image_pull_secrets.iter().chain(given);
        all.map(|secret| secret.name.as_str()).filter(|name| !name.is_empty()).collect()
    }

    /// Whether every secret that the pod names is absent.
    fn missing(&self) -> bool {
        !self.named.is_empty() && self.absent.len() >= self.named.len()
    }
}

/// Repository and tag or digest.
fn split_tag(image: &str) -> (&str, &str) {
    if let Some((repository, digest)) = image.split_once('@') {
        return (repository, digest);
    }
    match image.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, tag),
        _ => (image, ""),
    }
}

/// The registry's host; Docker Hub where the image names none.
fn registry(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => "docker.io",
    }
}

/// Whether an image is one of Docker Hub's own, which are never private.
fn is_official(image: &str) -> bool {
    let path = image.strip_prefix("docker.io/").unwrap_or(image);
    let path = path.strip_prefix("library/").unwrap_or(path);
    !path.contains('/')
}

/// The end of a chain of errors, which is what the registry said.
fn short_answer(answer: &str) -> Option<String> {
    let text = answer.split_whitespace().collect::<Vec<_>>().join(" ");
    let tail: String = match text.char_indices().rev().nth(199) {
        Some((start, _)) => text.get(start..).unwrap_or_default().to_owned(),
        None => text,
    };
    (!tail.is_empty()).then_some(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_certificates() {
        let expired = "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-11-23T20:00:00Z is after 2026-11-20T00:00:00Z";
        assert_eq!(certificate_fault(expired), Some("it has expired or is not yet valid"));
        let unknown = "x509: certificate signed by unknown authority";
        assert_eq!(certificate_fault(unknown), Some("the node does not trust who signed it"));
        assert_eq!(certificate_fault("dial tcp 10.0.0.1:443: i/o timeout"), None);
    }

    #[test]
    fn classes_of_old_and_new_wordings() {
        let class = |text: &str| classify(text).unwrap_or("unknown");
        assert_eq!(
            class(
                r#"rpc error: code = NotFound desc = failed to pull and unpack image "r.example/web:9": failed to resolve reference "r.example/web:9": r.example/web:9: not found"#
            ),
            "not-found"
        );
        assert_eq!(
            class(
                "Error response from daemon: manifest for web:9 not found: manifest unknown: manifest unknown"
            ),
            "not-found"
        );
        assert_eq!(class("reading manifest 9 in r.example/web: manifest unknown"), "not-found");
        assert_eq!(
            class(
                "Error response from daemon: pull access denied for web, repository does not exist or may require 'docker login'"
            ),
            "auth"
        );
        assert_eq!(
            class("pulling from host r.example failed with status code [manifests 9]: 401 Unauthorized"),
            "auth"
        );
        assert_eq!(
            class(
                "failed to fetch anonymous token: unexpected status from GET request to https://r.example/token: 403 Forbidden"
            ),
            "auth"
        );
        assert_eq!(
            class(
                r#"failed to do request: Head "https://r.example/v2/web/manifests/9": dial tcp: lookup r.example on 10.0.0.2:53: no such host"#
            ),
            "dns"
        );
        assert_eq!(class("dial tcp 192.0.2.1:443: i/o timeout"), "unreachable");
        assert_eq!(
            class("tls: failed to verify certificate: x509: certificate signed by unknown authority"),
            "unreachable"
        );
        assert_eq!(
            class(
                "429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit"
            ),
            "rate-limit"
        );
        assert_eq!(class("no match for platform in manifest: not found"), "architecture");
        assert_eq!(
            class(
                r#"Failed to apply default image tag "Web:1": couldn't parse image name "Web:1": invalid reference format"#
            ),
            "invalid-name"
        );
        assert_eq!(class(r#"Back-off pulling image "r.example/web:9""#), "unknown");
    }

    #[test]
    fn parts_of_an_image() {
        assert_eq!(split_tag("r.example:5000/a/web:1.2"), ("r.example:5000/a/web", "1.2"));
        assert_eq!(split_tag("r.example:5000/a/web"), ("r.example:5000/a/web", ""));
        assert_eq!(registry("r.example:5000/a/web"), "r.example:5000");
        assert_eq!(registry("team/web"), "docker.io");
        assert!(is_official("nginx:1"));
        assert!(!is_official("team/web"));
    }
}

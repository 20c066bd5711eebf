//! Helm releases whose newest revision failed or never ended, read from the labels of their Secrets.
//!
//! A release's content is in the Secret's data, which is never read; its state is in the labels.

use std::collections::BTreeMap;

use super::health::affecting;
use super::{Context, Fact, FactSpec, Facts};
use crate::cluster::types::{Object, Secret, Text, Workload};
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::Evidence;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[FactSpec {
    name: "release.unfinished",
    about: "the newest revision of a Helm release failed, or is pending for long",
    params: &[
        ("release", "the release"),
        ("status", "failed, pending-install, pending-upgrade or pending-rollback"),
        ("revision", "the revision"),
        ("seconds", "since when"),
        (
            "matters",
            "if-described: a failed release may be known; one that is pending for long is never meant so",
        ),
    ],
    refs: &[],
}];

/// Seconds after which nobody waits for an operation any more.
const PENDING: i64 = 900;

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    let mut newest: BTreeMap<(&str, &str), (u64, &Secret)> = BTreeMap::new();
    for secret in context.state.secrets.iter() {
        let labels = &secret.metadata.labels;
        if labels.get("owner").map(Text::as_str) != Some("helm") {
            continue;
        }
        let (Some(name), Some(version)) = (labels.get("name"), labels.get("version")) else { continue };
        let Ok(version) = version.parse::<u64>() else { continue };
        let entry = newest.entry((&secret.metadata.namespace, name)).or_insert((version, secret));
        if version > entry.0 {
            *entry = (version, secret);
        }
    }
    for ((_, name), (version, secret)) in newest {
        if let Some(fact) = unfinished(context, name, version, secret) {
            facts.add(fact);
        }
    }
}

fn unfinished(context: &Context<'_>, name: &str, version: u64, secret: &Secret) -> Option<Fact> {
    let labels = &secret.metadata.labels;
    let status = labels.get("status")?.as_str();
    let modified: Option<i64> = labels.get("modifiedAt").and_then(|time| time.parse().ok());
    let created = secret.metadata.creation_timestamp.get().map(|time| time.as_second());
    let seconds = context.now.as_second() - modified.or(created)?;
    let stuck = status.starts_with("pending-") && seconds > PENDING;
    let object: ObjectRef = secret.object_ref();
    (stuck || status == "failed").then(|| {
        let fact = Fact::new("release.unfinished", object.clone());
        // A release may have failed because its workloads do; one that is pending keeps them as they are.
        let fact = match stuck {
            true => affecting(fact, deployed(context, name, &secret.metadata.namespace)),
            false => fact.param("matters", "if-described"),
        };
        fact.param("release", name)
            .param("status", status)
            .param("revision", version)
            .param("seconds", seconds)
            .evidence([Evidence::new(
                crate::evidence::Source::Status,
                object,
                "metadata.labels.status",
                status,
            )])
    })
}

/// The workloads of a release, as Helm's annotation, the usual label or their name tells.
fn deployed(context: &Context<'_>, release: &str, namespace: &str) -> Vec<ObjectRef> {
    let belongs = |workload: &&Workload| {
        let meta = &workload.metadata;
        let annotated = meta.annotations.0.get("meta.helm.sh/release-name");
        let told = annotated.or(meta.labels.get("app.kubernetes.io/instance")).or(meta.labels.get("release"));
        workload.kind != Kind::ReplicaSet && told.map_or(meta.name == release, |told| told == release)
    };
    context.state.workloads.in_namespace(namespace).iter().filter(belongs).map(Object::object_ref).collect()
}

//! Files mounted with `subPath` from a ConfigMap or Secret that has no such key.
//!
//! The kubelet makes a directory of that name instead: the runtime cannot mount it over a file of the
//! image, and where the image has none, the process finds a directory where it expects its file.

use super::super::Context;
use super::super::container::Instance;
use super::{Missing, has_key, volume_references};
use crate::cluster::types::VolumeMount;
use crate::cluster::{Kind, Truth};
use crate::evidence::{Evidence, Source};

/// The file that the container cannot be started with, or that it stumbles over.
pub(super) fn missing_file(context: &Context<'_>, instance: &Instance<'_>) -> Option<Missing> {
    let container = instance.spec?;
    container.volume_mounts.iter().filter(|mount| !mount.sub_path.is_empty()).find_map(|mount| {
        let evidence = stumbled(context, instance, mount)?;
        let (kind, name, shown) = without_file(context, instance, mount)?;
        Some(Missing {
            kind,
            name,
            key: Some(mount.sub_path.to_string()),
            shown,
            place: Some(format!("container {} mounts it at {}", container.name, mount.mount_path)),
            evidence: vec![evidence],
            certainty: "decisive",
        })
    })
}

/// The runtime's or the process' word that the mount is not the file it should be.
fn stumbled(context: &Context<'_>, instance: &Instance<'_>, mount: &VolumeMount) -> Option<Evidence> {
    let path = mount.mount_path.as_str();
    let refused =
        |message: &str| message.contains(path) && message.to_lowercase().contains("not a directory");
    if instance.ended().is_some_and(|ended| refused(&ended.message)) {
        return instance.ended_evidence();
    }
    if refused(instance.waiting_message()) {
        return Some(instance.waiting_evidence());
    }
    let mut logged = context.logs.of(instance.workload).filter(|finding| {
        let text = finding.excerpt.to_lowercase();
        finding.key.container == instance.name()
            && finding.at_end
            && finding.excerpt.contains(path)
            && (text.contains("is a directory") || text.contains("eisdir"))
    });
    logged.next().map(|finding| {
        let place = format!("log of {}", instance.name());
        Evidence::new(Source::Log, instance.pod_ref(), place, finding.signature)
            .excerpt(finding.excerpt.clone())
            .at(finding.last)
    })
}

/// The only ConfigMap or Secret behind a mount, if it does not show the mounted file; with the files
/// that it does show where the volume lists them. None where any part is unknown.
fn without_file(
    context: &Context<'_>,
    instance: &Instance<'_>,
    mount: &VolumeMount,
) -> Option<(Kind, String, Option<String>)> {
    let place = format!("volume {}", mount.name);
    let mut found =
        volume_references(&instance.pod.spec).into_iter().filter(|(.., stated, _)| *stated == place);
    let (Some((kind, name, items, ..)), None) = (found.next(), found.next()) else { return None };
    let namespace = instance.namespace();
    if context.state.exists(&kind, namespace, name) != Truth::True {
        return None;
    }
    if items.is_empty() {
        let absent = has_key(context, &kind, namespace, name, &mount.sub_path) == Some(false);
        return absent.then(|| (kind, name.to_owned(), None));
    }
    // The mount may also be of a directory that the items' paths make.
    let covers = |path: &&str| {
        let rest = path.strip_prefix(mount.sub_path.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let shown: Vec<&str> = items.iter().map(|item| item.path.as_str()).collect();
    (!shown.iter().any(covers)).then(|| (kind, name.to_owned(), Some(shown.join(", "))))
}

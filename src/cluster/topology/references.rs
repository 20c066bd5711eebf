//! The objects that a pod spec names.

use crate::cluster::object::Kind;
use crate::cluster::types::*;

use super::Relation;

/// Whether two pod specs surely name the same objects; looks only at whether they share their parts.
pub(super) fn same_references(one: &PodSpec, other: &PodSpec) -> bool {
    one.containers.is(&other.containers)
        && one.init_containers.is(&other.init_containers)
        && one.volumes.is(&other.volumes)
        && one.image_pull_secrets == other.image_pull_secrets
        && one.service_account_name == other.service_account_name
        && one.priority_class_name == other.priority_class_name
        && one.runtime_class_name == other.runtime_class_name
}

/// The objects that a pod spec names: kind, name, relation, where, and whether it may be absent.
pub fn references(spec: &PodSpec) -> Vec<(Kind, String, Relation, String, bool)> {
    let mut found = Vec::new();
    let mut add = |kind: Kind, name: &str, relation, stated_in: String, optional: bool| {
        if !name.is_empty() {
            found.push((kind, name.to_owned(), relation, stated_in, optional));
        }
    };
    for container in spec.all_containers() {
        for variable in &container.env {
            let Some(source) = &variable.value_from else { continue };
            let place = || format!("container {} env {}", container.name, variable.name);
            if let Some(key) = &source.config_map_key_ref {
                add(Kind::ConfigMap, &key.name, Relation::References, place(), key.optional);
            }
            if let Some(key) = &source.secret_key_ref {
                add(Kind::Secret, &key.name, Relation::References, place(), key.optional);
            }
        }
        for source in &container.env_from {
            let place = || format!("container {} envFrom", container.name);
            if let Some(reference) = &source.config_map_ref {
                add(Kind::ConfigMap, &reference.name, Relation::References, place(), reference.optional);
            }
            if let Some(reference) = &source.secret_ref {
                add(Kind::Secret, &reference.name, Relation::References, place(), reference.optional);
            }
        }
    }
    for volume in &spec.volumes {
        let place = || format!("volume {}", volume.name);
        if let Some(source) = &volume.config_map {
            add(Kind::ConfigMap, &source.name, Relation::Mounts, place(), source.optional);
        }
        if let Some(source) = &volume.secret {
            add(Kind::Secret, &source.secret_name, Relation::Mounts, place(), source.optional);
        }
        if let Some(source) = &volume.persistent_volume_claim {
            add(Kind::PersistentVolumeClaim, &source.claim_name, Relation::Mounts, place(), false);
        }
        for source in volume.projected.iter().flat_map(|projected| &projected.sources) {
            if let Some(map) = &source.config_map {
                add(Kind::ConfigMap, &map.name, Relation::Mounts, place(), map.optional);
            }
            if let Some(secret) = &source.secret {
                add(Kind::Secret, &secret.name, Relation::Mounts, place(), secret.optional);
            }
        }
    }
    for secret in &spec.image_pull_secrets {
        // The kubelet starts pods without a pull secret, so its absence alone is no fault.
        add(Kind::Secret, &secret.name, Relation::References, "imagePullSecrets".to_owned(), true);
    }
    add(
        Kind::ServiceAccount,
        spec.service_account(),
        Relation::References,
        "serviceAccountName".to_owned(),
        false,
    );
    add(
        Kind::PriorityClass,
        &spec.priority_class_name,
        Relation::References,
        "priorityClassName".to_owned(),
        false,
    );
    add(
        Kind::RuntimeClass,
        &spec.runtime_class_name,
        Relation::References,
        "runtimeClassName".to_owned(),
        false,
    );
    found
}

//! ConfigMaps and Secrets, or keys of them, that a pod needs to start and that are not there.
//!
//! What the kubelet says comes first; what only the spec says counts for containers that have not
//! started. References marked `optional` are never missing.

use super::container::{Instance, between, instances, nearest, state};
use super::{Context, Fact, FactSpec, Facts};
use crate::cluster::types::{KeySelector, KeyToPath, Object, PodSpec, Text};
use crate::cluster::{Kind, ObjectRef, Truth};
use crate::evidence::Evidence;

mod sub_path;

use sub_path::missing_file;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[FactSpec {
    name: "reference.missing",
    about: "a container cannot start because a ConfigMap or Secret, or a key of it, is not there",
    params: &[
        ("kind", "Secret or ConfigMap"),
        ("missing", "object or key"),
        ("name", "the object's name"),
        ("key", "the key, where the object exists without it"),
        ("place", "where the reference is stated, such as `container app env PASSWORD`"),
        ("line", "what a process logs that misses what an optional reference would give it"),
        ("container", "the container that does not start"),
        ("shown", "the only files that the volume shows, where its items leave out the one that is mounted"),
        ("closest", "the most similar name or key that does exist"),
        ("elsewhere", "another namespace that has an object of this name"),
        ("certainty", "computed where only the spec says so"),
    ],
    refs: &[("object", "the ConfigMap or Secret")],
}];

/// A reference that is not met.
struct Missing {
    kind: Kind,
    name: String,
    key: Option<String>,
    shown: Option<String>,
    place: Option<String>,
    evidence: Vec<Evidence>,
    certainty: &'static str,
}

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    for instance in instances(context) {
        let missing = match instance.waiting() {
            "CreateContainerConfigError" | "CreateContainerError" => said_by_status(&instance),
            "ContainerCreating" | "PodInitializing" | "" if instance.status.state.running.is_none() => {
                said_by_mount(context, &instance).or_else(|| missing_file(context, &instance))
            }
            "CrashLoopBackOff" | "RunContainerError" => missing_file(context, &instance),
            _ => continue,
        };
        let missing = match missing {
            Some(missing) => Some(missing),
            None if instance.ended().is_none() => unmet_by_spec(context, &instance),
            None => None,
        };
        if let Some(missing) = missing {
            state(facts, explain(context, &instance, missing));
        }
    }
}

fn said_by_status(instance: &Instance<'_>) -> Option<Missing> {
    let (kind, name, key) = parse(instance.waiting_message())?;
    Some(Missing {
        kind,
        name,
        key,
        shown: None,
        place: None,
        evidence: vec![instance.waiting_evidence()],
        certainty: "decisive",
    })
}

/// Mount failures of a pod whose containers are still being created.
fn said_by_mount(context: &Context<'_>, instance: &Instance<'_>) -> Option<Missing> {
    let events = instance.events(context.state);
    events.into_iter().filter(|event| event.reason == "FailedMount" || event.reason == "Failed").find_map(
        |event| {
            let (kind, mut name, key) = parse(&event.message)?;
            if name.is_empty() {
                name = mounted(instance, &kind, between(&event.message, "for volume \"", "\"")?)?;
            }
            let volume =
                between(&event.message, "for volume \"", "\"").map(|volume| format!("volume {volume}"));
            Some(Missing {
                kind,
                name,
                key,
                shown: None,
                place: volume,
                evidence: vec![Evidence::event(event)],
                certainty: "decisive",
            })
        },
    )
}

/// The ConfigMap or Secret that a volume holds, for messages that name only the volume.
fn mounted(instance: &Instance<'_>, kind: &Kind, volume: &str) -> Option<String> {
    let place = format!("volume {volume}");
    let found = volume_references(&instance.pod.spec);
    found
        .into_iter()
        .find(|(own, .., stated, _)| own == kind && *stated == place)
        .map(|(_, name, ..)| name.to_owned())
}

/// Kind, name and key of a message of the kubelet, in each of its wordings.
fn parse(message: &str) -> Option<(Kind, String, Option<String>)> {
    // couldn't find key K in Secret NS/NAME
    if let Some(rest) = message.split_once("couldn't find key ").map(|(_, rest)| rest) {
        let (key, rest) = rest.split_once(" in ")?;
        let (kind, path) = rest.split_once(' ')?;
        let kind = if kind.eq_ignore_ascii_case("secret") { Kind::Secret } else { Kind::ConfigMap };
        let path = path.split_whitespace().next()?;
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        return Some((kind, clean(name), Some(clean(key))));
    }
    // configmap references non-existent config key: K; secret "n" … references non-existent secret key: K
    for (marker, kind) in
        [("non-existent config key: ", Kind::ConfigMap), ("non-existent secret key: ", Kind::Secret)]
    {
        if let Some((before, key)) = message.split_once(marker) {
            let name = between(before, "object \"", "\"")
                .or(between(before, "configmap \"", "\""))
                .or(between(before, "secret \"", "\""));
            let key = key.split_whitespace().next().unwrap_or_default();
            return Some((kind, name.map(clean).unwrap_or_default(), Some(clean(key))));
        }
    }
    for (word, kind) in [
        ("secret", Kind::Secret),
        ("secrets", Kind::Secret),
        ("configmap", Kind::ConfigMap),
        ("configmaps", Kind::ConfigMap),
    ] {
        let marker = format!("{word} \"");
        if let Some((_, rest)) = message.split_once(&marker)
            && let Some((name, rest)) = rest.split_once('"')
            && rest.trim_start().starts_with("not found")
        {
            return Some((kind, clean(name), None));
        }
    }
    None
}

fn clean(name: &str) -> String {
    let name = name.trim().trim_matches(['"', '\'', ',', ';', '.']);
    name.rsplit_once('/').map_or(name, |(_, last)| last).to_owned()
}

/// The first required reference of the container or the pod's volumes that does not exist.
fn unmet_by_spec(context: &Context<'_>, instance: &Instance<'_>) -> Option<Missing> {
    let namespace = instance.namespace();
    let unmet = |kind: Kind, name: &str, key: Option<&str>, place: String, optional: bool| {
        if optional || name.is_empty() {
            return None;
        }
        let absent = context.state.exists(&kind, namespace, name) == Truth::False;
        let keyless = key.is_some_and(|key| has_key(context, &kind, namespace, name, key) == Some(false));
        (absent || keyless).then(|| Missing {
            evidence: vec![instance.waiting_evidence()],
            name: name.to_owned(),
            key: key.filter(|_| !absent).map(str::to_owned),
            kind,
            shown: None,
            place: Some(place),
            certainty: "computed",
        })
    };
    let container = instance.spec?;
    for (kind, selector, place) in key_references(&container.name, container) {
        if let Some(found) = unmet(kind, &selector.name, Some(&selector.key), place, selector.optional) {
            return Some(found);
        }
    }
    for source in &container.env_from {
        let place = || format!("container {} envFrom", container.name);
        let map = source.config_map_ref.iter().map(|reference| (Kind::ConfigMap, reference));
        for (kind, reference) in
            map.chain(source.secret_ref.iter().map(|reference| (Kind::Secret, reference)))
        {
            if let Some(found) = unmet(kind, &reference.name, None, place(), reference.optional) {
                return Some(found);
            }
        }
    }
    for (kind, name, items, place, optional) in volume_references(&instance.pod.spec) {
        for key in std::iter::once(None).chain(items.iter().map(|item| Some(item.key.as_str()))) {
            if let Some(found) = unmet(kind.clone(), name, key, place.clone(), optional) {
                return Some(found);
            }
        }
    }
    None
}

fn key_references<'c>(
    name: &str,
    container: &'c crate::cluster::types::Container,
) -> Vec<(Kind, &'c KeySelector, String)> {
    let mut found = Vec::new();
    for variable in &container.env {
        let Some(source) = &variable.value_from else { continue };
        let place = format!("container {name} env {}", variable.name);
        found.extend(source.secret_key_ref.iter().map(|key| (Kind::Secret, key, place.clone())));
        found.extend(source.config_map_key_ref.iter().map(|key| (Kind::ConfigMap, key, place.clone())));
    }
    found
}

fn volume_references(spec: &PodSpec) -> Vec<(Kind, &str, &[KeyToPath], String, bool)> {
    let mut found: Vec<(Kind, &str, &[KeyToPath], String, bool)> = Vec::new();
    for volume in &spec.volumes {
        let place = format!("volume {}", volume.name);
        if let Some(map) = &volume.config_map {
            found.push((Kind::ConfigMap, &map.name, &map.items, place.clone(), map.optional));
        }
        if let Some(secret) = &volume.secret {
            found.push((Kind::Secret, &secret.secret_name, &secret.items, place.clone(), secret.optional));
        }
        for source in volume.projected.iter().flat_map(|projected| &projected.sources) {
            if let Some(map) = &source.config_map {
                found.push((Kind::ConfigMap, &map.name, &map.items, place.clone(), map.optional));
            }
            if let Some(secret) = &source.secret {
                found.push((Kind::Secret, &secret.name, &secret.items, place.clone(), secret.optional));
            }
        }
    }
    found
}

/// Whether a ConfigMap or Secret has a key; none where that is not known.
pub(super) fn has_key(
    context: &Context<'_>,
    kind: &Kind,
    namespace: &str,
    name: &str,
    key: &str,
) -> Option<bool> {
    match kind {
        Kind::Secret => context.state.secrets.get(namespace, name)?.has_key(key),
        _ => context.state.config_maps.get(namespace, name)?.has_key(key),
    }
}

fn explain(context: &Context<'_>, instance: &Instance<'_>, missing: Missing) -> Fact {
    let namespace = instance.namespace();
    let object = ObjectRef::new(missing.kind.clone(), namespace, &missing.name);
    let place =
        missing.place.or_else(|| place_of(instance, &missing.kind, &missing.name, missing.key.as_deref()));
    let mut fact = Fact::new("reference.missing", instance.workload.clone())
        .param("kind", missing.kind.as_str())
        .param("missing", if missing.key.is_some() { "key" } else { "object" })
        .param("name", missing.name.clone())
        .param("container", instance.name())
        .param("certainty", missing.certainty)
        .object("object", object.clone())
        .evidence(missing.evidence)
        .since(instance.pod.metadata.creation_timestamp.get());
    if let Some(place) = place {
        fact = fact.param("place", place);
    }
    let closest = match &missing.key {
        Some(key) => nearest_key(context, &missing.kind, namespace, &missing.name, key),
        None => {
            nearest(&missing.name, names(context, &missing.kind, namespace).into_iter()).map(str::to_owned)
        }
    };
    if let Some(closest) = closest {
        fact = fact.param("closest", closest);
    }
    if let Some(shown) = missing.shown {
        fact = fact.param("shown", shown);
    }
    match missing.key {
        Some(key) => fact.param("key", key),
        None => {
            if context.state.exists(&missing.kind, namespace, &missing.name) == Truth::False {
                fact = fact.evidence([Evidence::absence(object, "not in the list of its namespace")]);
            }
            match elsewhere(context, &missing.kind, namespace, &missing.name) {
                Some(other) => fact.param("elsewhere", other),
                None => fact,
            }
        }
    }
}

/// Where the container states the reference.
fn place_of(instance: &Instance<'_>, kind: &Kind, name: &str, key: Option<&str>) -> Option<String> {
    let container = instance.spec?;
    let by_key = key_references(&container.name, container)
        .into_iter()
        .find(|(own, selector, _)| {
            own == kind && selector.name == name && key.is_none_or(|key| selector.key == key)
        })
        .map(|(_, _, place)| place);
    let by_volume = || {
        let found = volume_references(&instance.pod.spec);
        found.into_iter().find(|(own, other, ..)| own == kind && *other == name).map(|(.., place, _)| place)
    };
    let by_source = || {
        let named = container.env_from.iter().any(|source| match kind {
            Kind::Secret => source.secret_ref.as_ref().is_some_and(|reference| reference.name == name),
            _ => source.config_map_ref.as_ref().is_some_and(|reference| reference.name == name),
        });
        named.then(|| format!("container {} envFrom", container.name))
    };
    by_key.or_else(by_source).or_else(by_volume)
}

fn names<'s>(context: &Context<'s>, kind: &Kind, namespace: &str) -> Vec<&'s str> {
    match kind {
        Kind::Secret => context
            .state
            .secrets
            .in_namespace(namespace)
            .iter()
            .map(|item| item.metadata.name.as_str())
            .collect(),
        _ => context
            .state
            .config_maps
            .in_namespace(namespace)
            .iter()
            .map(|item| item.metadata.name.as_str())
            .collect(),
    }
}

fn nearest_key(context: &Context<'_>, kind: &Kind, namespace: &str, name: &str, key: &str) -> Option<String> {
    let (own, writers): (Vec<&str>, _) = match kind {
        Kind::Secret => {
            let secret = context.state.secrets.get(namespace, name)?;
            (secret.keys.0.iter().map(Text::as_str).collect(), &secret.metadata.managed_fields)
        }
        _ => {
            let map = context.state.config_maps.get(namespace, name)?;
            (map.data.keys().map(Text::as_str).collect(), &map.metadata.managed_fields)
        }
    };
    let owned = writers.iter().flat_map(|writer| &writer.fields.data).map(Text::as_str);
    let all: Vec<&str> = own.into_iter().chain(owned).collect();
    nearest(key, all.iter().copied()).or(all.first().copied().filter(|_| all.len() == 1)).map(str::to_owned)
}

/// Another namespace that has what this one lacks.
fn elsewhere(context: &Context<'_>, kind: &Kind, namespace: &str, name: &str) -> Option<String> {
    let found = |meta: &crate::cluster::types::Meta| {
        (meta.name == name && meta.namespace != namespace).then(|| meta.namespace.to_string())
    };
    match kind {
        Kind::Secret => context.state.secrets.iter().find_map(|item| found(item.meta())),
        _ => context.state.config_maps.iter().find_map(|item| found(item.meta())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_old_and_new_kubelets() {
        let parsed = |text: &str| parse(text).map(|(kind, name, key)| (kind.to_string(), name, key));
        let expect = |kind: &str, name: &str, key: Option<&str>| {
            Some((kind.to_owned(), name.to_owned(), key.map(str::to_owned)))
        };
        assert_eq!(parsed("secret \"db-auth\" not found"), expect("Secret", "db-auth", None));
        assert_eq!(parsed("configmap \"web-conf\" not found"), expect("ConfigMap", "web-conf", None));
        assert_eq!(
            parsed("couldn't find key PASS in Secret shop/db-auth"),
            expect("Secret", "db-auth", Some("PASS"))
        );
        assert_eq!(
            parsed("couldn't find key mode in ConfigMap shop/web-conf"),
            expect("ConfigMap", "web-conf", Some("mode"))
        );
        assert_eq!(
            parsed("MountVolume.SetUp failed for volume \"conf\" : configmap \"web-conf\" not found"),
            expect("ConfigMap", "web-conf", None)
        );
        assert_eq!(
            parsed(
                "MountVolume.SetUp failed for volume \"conf\" : configmap references non-existent config key: app.yaml"
            ),
            expect("ConfigMap", "", Some("app.yaml"))
        );
        assert_eq!(
            parsed("MountVolume.SetUp failed for volume \"x\" : object \"shop\"/\"web-conf\" not registered"),
            None
        );
        assert_eq!(parsed("container has runAsNonRoot and image will run as root"), None);
    }
}

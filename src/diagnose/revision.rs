//! What changed: between the revisions of a workload, in what its pods read, and on their nodes.
//!
//! Compares objects as they are; says nothing of whether a change did harm.

use jiff::Timestamp;

use super::{Context, Fact, FactSpec, Facts};
use crate::cluster::types::{Container, Node, Object, PodSpec, PodTemplate, Probe, Workload, condition};
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::{Evidence, Source};

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[
    FactSpec {
        name: "change.template",
        about: "the workload's newest revision differs from the one before",
        params: &[
            ("what", "the differences in words, such as `image 1.4.1 → 1.4.2`"),
            ("field", "the first of image, command, env, probe, resources, mount, node, security or other"),
            ("age", "seconds since the newest revision was made"),
        ],
        refs: &[],
    },
    FactSpec {
        name: "change.config",
        about: "a ConfigMap or Secret that the pods read was written after they started",
        params: &[
            ("kind", "ConfigMap or Secret"),
            ("name", "its name"),
            ("place", "where it is read"),
            ("used_as", "env (read once, at the start), file, or both"),
            (
                "phase",
                "running: the containers still have what they read before; restarted: they have read it anew",
            ),
            ("age", "seconds since it was written"),
            ("manager", "who wrote it"),
        ],
        refs: &[("object", "the ConfigMap or Secret")],
    },
];

/// One thing that changed, in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The object that changed.
    pub object: ObjectRef,
    /// When, where that is recorded.
    pub when: Option<Timestamp>,
    /// What, such as `image 1.4.1 → 1.4.2`.
    pub what: String,
}

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    for workload in &context.state.workloads {
        if workload.metadata.controller().is_some() {
            continue;
        }
        let object = workload.object_ref();
        if let Some(fact) = template_fact(context, workload, &object) {
            facts.add(fact);
        }
        for written in written_after_start(context, &object) {
            facts.add(written.fact(context, &object));
        }
    }
}

/// Variables that the newest revision of a workload gave a container, and those that it took away;
/// none where the container's image is another as well, which may know other names.
pub(super) fn renamed_variables(
    context: &Context<'_>,
    workload: &ObjectRef,
    container: &str,
) -> Option<(Vec<String>, Vec<String>)> {
    let found = context.state.workload_of(workload)?;
    let (previous, newest, _) = last_two(context, found, workload)?;
    let mut old = previous.spec.all_containers();
    let mut new = newest.spec.all_containers();
    let (old, new) = (old.find(|one| one.name == container)?, new.find(|one| one.name == container)?);
    let less = |these: &Container, those: &Container| -> Vec<String> {
        let known = |name: &str| those.env.iter().any(|own| own.name == name);
        these.env.iter().map(|own| own.name.to_string()).filter(|name| !known(name)).collect()
    };
    (old.image == new.image).then(|| (less(new, old), less(old, new)))
}

/// Everything that changed on or under a workload, newest first: its template, what its pods read,
/// the nodes they run on, and the quotas of its namespace.
pub fn changes_of(context: &Context<'_>, workload: &ObjectRef) -> Vec<Change> {
    let mut changes = Vec::new();
    if let Some(found) = context.state.workload_of(workload)
        && let Some((previous, newest, when)) = last_two(context, found, workload)
    {
        let what = differences(&previous.spec, &newest.spec);
        changes.extend(what.into_iter().map(|(_, what)| Change { object: workload.clone(), when, what }));
    }
    changes.extend(written_after_start(context, workload).into_iter().map(|written| Change {
        what: format!("written by {} after the pods started", written.manager),
        object: written.object,
        when: written.when,
    }));
    changes.extend(node_changes(context, workload));
    changes.extend(quota_changes(context, workload.ns()));
    changes.retain(|change| change.when.is_none() || context.since.is_none() || change.when >= context.since);
    changes.sort_by(|a, b| b.when.cmp(&a.when).then_with(|| a.what.cmp(&b.what)));
    changes
}

fn template_fact(context: &Context<'_>, workload: &Workload, object: &ObjectRef) -> Option<Fact> {
    let (previous, newest, when) = last_two(context, workload, object)?;
    let found = differences(&previous.spec, &newest.spec);
    let (field, _) = found.first()?;
    let what = found.iter().map(|(_, what)| what.as_str()).collect::<Vec<_>>().join("; ");
    let evidence = Evidence::new(Source::Change, object.clone(), "spec.template", what.clone()).at(when);
    let mut fact = Fact::new("change.template", object.clone())
        .param("what", what)
        .param("field", *field)
        .evidence([evidence])
        .since(when);
    if let Some(when) = when {
        fact = fact.param("age", context.now.as_second() - when.as_second());
    }
    Some(fact)
}

/// The templates of the previous and the newest revision, and when the newest was made.
fn last_two<'a>(
    context: &Context<'a>,
    workload: &'a Workload,
    object: &ObjectRef,
) -> Option<(&'a PodTemplate, &'a PodTemplate, Option<Timestamp>)> {
    let namespace = workload.metadata.namespace.as_str();
    let owned = |meta: &crate::cluster::types::Meta| {
        meta.controller()
            .is_some_and(|owner| owner.name == workload.metadata.name && owner.kind == workload.kind.as_str())
    };
    let mut revisions: Vec<(i64, &PodTemplate, Option<Timestamp>)> = match workload.kind {
        Kind::Deployment => context
            .topology
            .controlled_workloads(object)
            .filter(|set| set.kind == Kind::ReplicaSet)
            .filter_map(|set| {
                let revision = set.metadata.annotation("deployment.kubernetes.io/revision").parse().ok()?;
                Some((revision, set.template(), set.metadata.creation_timestamp.get()))
            })
            .collect(),
        Kind::StatefulSet | Kind::DaemonSet => context
            .state
            .controller_revisions
            .in_namespace(namespace)
            .iter()
            .filter(|revision| owned(&revision.metadata))
            .map(|revision| {
                (revision.revision, &revision.data.spec.template, revision.metadata.creation_timestamp.get())
            })
            .collect(),
        _ => return None,
    };
    revisions.sort_by_key(|(revision, ..)| *revision);
    let (_, newest, when) = revisions.pop()?;
    let (_, previous, _) = revisions.pop()?;
    Some((previous, newest, when))
}

/// Differences of two pod specs, as (field, words), the most telling first.
pub fn differences(old: &PodSpec, new: &PodSpec) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for container in new.all_containers() {
        match old.all_containers().find(|other| other.name == container.name) {
            Some(other) => compare(other, container, &mut found),
            None => found.push(("other", format!("container {} added", container.name))),
        }
    }
    for container in old.all_containers() {
        if !new.all_containers().any(|other| other.name == container.name) {
            found.push(("other", format!("container {} removed", container.name)));
        }
    }
    let mut note = |field, changed: bool, what: String| {
        if changed {
            found.push((field, what));
        }
    };
    note(
        "node",
        old.node_selector != new.node_selector,
        format!("nodeSelector {} → {}", pairs(&old.node_selector), pairs(&new.node_selector)),
    );
    note("node", old.affinity != new.affinity, "affinity changed".to_owned());
    note("node", old.tolerations != new.tolerations, "tolerations changed".to_owned());
    note("security", old.security_context != new.security_context, "securityContext changed".to_owned());
    note(
        "other",
        old.service_account() != new.service_account(),
        format!("serviceAccountName {} → {}", old.service_account(), new.service_account()),
    );
    note("mount", old.volumes != new.volumes, "volumes changed".to_owned());
    note("other", old.image_pull_secrets != new.image_pull_secrets, "imagePullSecrets changed".to_owned());
    note(
        "other",
        old.dns_policy != new.dns_policy || old.dns_config != new.dns_config,
        "DNS settings changed".to_owned(),
    );
    let rank = |field: &str| {
        ["image", "command", "env", "probe", "resources", "mount"]
            .iter()
            .position(|name| *name == field)
            .unwrap_or(9)
    };
    found.sort_by_key(|(field, _)| rank(field));
    found
}

fn compare(old: &Container, new: &Container, found: &mut Vec<(&'static str, String)>) {
    let name = &new.name;
    if old.image != new.image {
        found.push(("image", format!("image {}", short_change(&old.image, &new.image))));
    }
    if (&old.command, &old.args) != (&new.command, &new.args) {
        let words = |container: &Container| {
            container.command.iter().chain(&container.args).cloned().collect::<Vec<_>>().join(" ")
        };
        let clip = |text: String| text.chars().take(80).collect::<String>();
        found.push(("command", format!("command of {name} `{}` → `{}`", clip(words(old)), clip(words(new)))));
    }
    for variable in &new.env {
        match old.env.iter().find(|other| other.name == variable.name) {
            None => found.push(("env", format!("env {} added", variable.name))),
            Some(other) if other != variable => found.push(("env", format!("env {} changed", variable.name))),
            Some(_) => {}
        }
    }
    for variable in &old.env {
        if !new.env.iter().any(|other| other.name == variable.name) {
            found.push(("env", format!("env {} removed", variable.name)));
        }
    }
    if old.env_from != new.env_from {
        found.push(("env", format!("envFrom of {name} changed")));
    }
    for (kind, before, after) in [
        ("liveness", &old.liveness_probe, &new.liveness_probe),
        ("readiness", &old.readiness_probe, &new.readiness_probe),
        ("startup", &old.startup_probe, &new.startup_probe),
    ] {
        if before != after {
            found.push(("probe", probe_change(kind, before.as_deref(), after.as_deref())));
        }
    }
    if old.resources != new.resources {
        for (word, before, after) in [
            ("limit", &old.resources.limits, &new.resources.limits),
            ("request", &old.resources.requests, &new.resources.requests),
        ] {
            for resource in before.keys().chain(after.keys().filter(|key| !before.contains_key(*key))) {
                if before.get(resource) != after.get(resource) {
                    let text = |list: &crate::cluster::quantity::ResourceList| {
                        list.get(resource).map_or("none".to_owned(), ToString::to_string)
                    };
                    found.push((
                        "resources",
                        format!("{resource} {word} of {name} {} → {}", text(before), text(after)),
                    ));
                }
            }
        }
    }
    if old.volume_mounts != new.volume_mounts {
        found.push(("mount", format!("volumeMounts of {name} changed")));
    }
    if old.security_context != new.security_context {
        found.push(("security", format!("securityContext of {name} changed")));
    }
    if old.ports != new.ports {
        found.push(("other", format!("ports of {name} changed")));
    }
}

fn probe_change(kind: &str, before: Option<&Probe>, after: Option<&Probe>) -> String {
    match (before, after) {
        (None, _) => format!("{kind} probe added"),
        (_, None) => format!("{kind} probe removed"),
        (Some(before), Some(after)) => {
            let port = |probe: &Probe| probe.port().map(ToString::to_string).unwrap_or_default();
            let path =
                |probe: &Probe| probe.http_get.as_ref().map(|get| get.path.clone()).unwrap_or_default();
            if port(before) != port(after) {
                format!("{kind} probe port {} → {}", port(before), port(after))
            } else if path(before) != path(after) {
                format!("{kind} probe path {} → {}", path(before), path(after))
            } else {
                format!("{kind} probe changed")
            }
        }
    }
}

/// `repo:1 → repo:2` without what both have in common.
fn short_change(old: &str, new: &str) -> String {
    match (old.rsplit_once(':'), new.rsplit_once(':')) {
        (Some((before, old_tag)), Some((after, new_tag))) if before == after => {
            let tag = |tag: &str| if tag.is_empty() { "(no tag)".to_owned() } else { tag.to_owned() };
            format!("{} → {}", tag(old_tag), tag(new_tag))
        }
        _ => format!("{old} → {new}"),
    }
}

fn pairs(map: &crate::cluster::selector::Labels) -> String {
    if map.is_empty() {
        return "none".to_owned();
    }
    map.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

/// A ConfigMap or Secret written after the pods that read it started.
struct Written {
    object: ObjectRef,
    when: Option<Timestamp>,
    manager: String,
    place: String,
    used_as: &'static str,
    phase: &'static str,
}

impl Written {
    fn fact(&self, context: &Context<'_>, workload: &ObjectRef) -> Fact {
        let age = self.when.map_or(0, |when| context.now.as_second() - when.as_second());
        Fact::new("change.config", workload.clone())
            .param("kind", self.object.kind.as_str())
            .param("name", self.object.name.to_string())
            .param("place", self.place.clone())
            .param("used_as", self.used_as)
            .param("phase", self.phase)
            .param("manager", self.manager.clone())
            .param("age", age)
            .object("object", self.object.clone())
            .evidence([Evidence::new(
                Source::Change,
                self.object.clone(),
                "metadata.managedFields",
                format!("written by {}", self.manager),
            )
            .at(self.when)])
            .since(self.when)
    }
}

/// A write within this many seconds of its object's creation is the creation.
const CREATION: i64 = 5;

fn written_after_start(context: &Context<'_>, workload: &ObjectRef) -> Vec<Written> {
    let pods = context.topology.pods_of(workload);
    let running = pods.iter().filter(|pod| !pod.is_deleting() && !pod.is_finished());
    let Some(pod) = running.clone().next() else { return Vec::new() };
    let begun = pod.status.start_time.get().or(pod.metadata.creation_timestamp.get());
    // A restarted container has read its variables anew.
    let started = running
        .clone()
        .flat_map(|pod| &pod.status.container_statuses)
        .filter_map(|status| status.state.running.as_ref()?.started_at.get())
        .min();
    let mut found: Vec<Written> = Vec::new();
    for (kind, name, _, place, _) in crate::cluster::topology::references(&pod.spec) {
        let meta = match kind {
            Kind::ConfigMap => context.state.config_maps.get(workload.ns(), &name).map(|map| &map.metadata),
            Kind::Secret => context.state.secrets.get(workload.ns(), &name).map(|secret| &secret.metadata),
            _ => None,
        };
        let Some(meta) = meta else { continue };
        let Some(write) = meta.last_write() else { continue };
        let (Some(when), Some(created)) = (write.time.get(), meta.creation_timestamp.get()) else { continue };
        if begun.is_none_or(|begun| when <= begun)
            || when.as_second() - created.as_second() <= CREATION
            || place == "imagePullSecrets"
        {
            continue;
        }
        let used_as = if place.starts_with("volume") { "file" } else { "env" };
        if let Some(known) =
            found.iter_mut().find(|known| known.object.kind == kind && *known.object.name == *name)
        {
            if known.used_as != used_as {
                known.used_as = "both";
            }
            continue;
        }
        found.push(Written {
            object: ObjectRef::new(kind, workload.ns(), &name),
            when: Some(when),
            manager: write.manager.to_string(),
            place,
            used_as,
            phase: if started.is_some_and(|started| when > started) { "running" } else { "restarted" },
        });
    }
    found
}

/// What changed on the nodes of a workload's pods; on every node where one has found none.
fn node_changes(context: &Context<'_>, workload: &ObjectRef) -> Vec<Change> {
    let nodes = &context.state.nodes;
    if workload.kind == Kind::Node {
        return nodes.get("", &workload.name).map(changes_of_node).unwrap_or_default();
    }
    let pods = context.topology.pods_of(workload);
    let unscheduled = |pod: &&crate::cluster::types::Pod| pod.spec.node_name.is_empty() && !pod.is_finished();
    if pods.iter().copied().any(|pod| unscheduled(&pod)) {
        return nodes.iter().flat_map(changes_of_node).collect();
    }
    let mut names: Vec<&str> = pods.iter().map(|pod| pod.spec.node_name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().filter_map(|name| nodes.get("", name)).flat_map(changes_of_node).collect()
}

fn changes_of_node(node: &Node) -> Vec<Change> {
    let object = node.object_ref();
    let change = |when, what| Change { object: object.clone(), when, what };
    let mut changes = Vec::new();
    let ready = condition(&node.status.conditions, "Ready");
    let changed = ready
        .filter(|ready| ready.last_transition_time > node.metadata.creation_timestamp && !ready.is_true());
    changes.extend(changed.map(|ready| {
        change(ready.last_transition_time.get(), format!("Ready became {}: {}", ready.status, ready.reason))
    }));
    let dated = node.spec.taints.iter().filter(|taint| taint.time_added.is_some());
    changes.extend(
        dated.map(|taint| {
            change(taint.time_added.get(), format!("taint {}:{} added", taint.key, taint.effect))
        }),
    );
    // Most taints and every label and cordon carry no time of their own; who wrote them is recorded.
    let by_hand = node.metadata.managed_fields.iter().filter(|write| {
        write.subresource.is_empty()
            && write.manager.starts_with("kubectl")
            && write
                .time
                .get()
                .zip(node.metadata.creation_timestamp.get())
                .is_some_and(|(when, created)| when.as_second() - created.as_second() > CREATION)
    });
    changes.extend(by_hand.map(|write| change(write.time.get(), format!("written by {}", write.manager))));
    changes
}

fn quota_changes(context: &Context<'_>, namespace: &str) -> Vec<Change> {
    let changed = |quota: &crate::cluster::types::ResourceQuota| {
        let write = quota.metadata.last_write()?;
        let (when, created) = (write.time.get()?, quota.metadata.creation_timestamp.get()?);
        (when.as_second() - created.as_second() > CREATION).then(|| Change {
            object: quota.object_ref(),
            when: Some(when),
            what: format!("quota written by {}", write.manager),
        })
    };
    context.state.quotas.in_namespace(namespace).iter().filter_map(changed).collect()
}

//! Log lines with a meaning, as facts about their workload.
//!
//! Recovered errors (start-up retries that ended) are not stated: history is no fact.

use super::volume::Behind;
use super::{Context, Fact, FactSpec, Facts, net};
use crate::cluster::types::VolumeMount;
use crate::cluster::{Kind, ObjectRef};
use crate::logs::LogFinding;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[FactSpec {
    name: "log.signature",
    about: "a log line of the workload has a known meaning, and nothing after it says that it passed",
    params: &[
        ("signature", "the signature's id, such as connection-refused"),
        ("class", "the signature's class, such as call, crash or config"),
        ("container", "the container whose log it is"),
        ("target", "host:port that the line is about, where it names one"),
        ("at_end", "whether it is among the last lines before the process ended"),
        ("line", "the line itself, redacted"),
        ("variable", "an environment variable that the line names"),
        ("path", "a file or URL path that the line names"),
        ("port", "a port that the line names"),
        ("user", "a user or service account that the line names"),
        ("product", "the product that answered, such as mysql"),
        ("verb", "an API verb that was denied"),
        ("resource", "an API resource that was denied"),
        ("status", "an HTTP status or gRPC code"),
        ("error", "the error or exception type"),
        ("volume", "for a read-only file system: the volume that is mounted so"),
        ("mount", "where it is mounted"),
        ("root", "readOnlyRootFilesystem, where that makes it read-only"),
    ],
    refs: &[
        ("config", "the ConfigMap that the container mounts where the file lies that the line names"),
        ("server", "the workload of the cluster whose certificate the line is about"),
    ],
}];

/// The parameters of a finding that become parameters of the fact.
const CARRIED: [&str; 9] =
    ["variable", "path", "port", "user", "product", "verb", "resource", "status", "error"];

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    for finding in context.logs.iter().filter(|finding| !finding.recovered && !finding.is_milestone()) {
        let mut fact = Fact::new("log.signature", finding.workload.clone())
            .param("signature", finding.signature)
            .param("class", finding.class)
            .param("container", finding.key.container.clone())
            .param("at_end", finding.at_end)
            .param("line", finding.excerpt.clone())
            .evidence([net::line(finding)])
            .since(finding.first);
        if let Some(target) = &finding.target {
            fact = fact.param("target", target.to_string());
        }
        for name in CARRIED {
            if let Some(value) = finding.params.get(name) {
                fact = fact.param(name, value.clone());
            }
        }
        if let Some((file, config)) = config_file(context, finding) {
            fact = fact.object("config", config);
            if !file.is_empty() {
                fact = fact.param("path", file);
            }
        }
        // Its certificate is what the callee shows, whoever complains; one that is not valid yet
        // may be the caller's clock.
        let expired = finding.signature == "certificate-expired" && finding.param("reason") == "expired";
        if expired && let Some(server) = super::dependency::server_by_target(context, finding) {
            fact = fact.object("server", server);
        }
        if finding.signature == "read-only-filesystem" {
            fact = read_only(context, finding, fact);
        }
        facts.add(fact);
    }
}

/// Adds what makes a file system read-only: a mount, or the container's root file system.
fn read_only(context: &Context<'_>, finding: &LogFinding, fact: Fact) -> Fact {
    if let Some(behind) = Behind::find(context, finding) {
        return match behind.read_only() {
            Some((volume, mount)) => fact.param("volume", volume).param("mount", mount),
            None => fact,
        };
    }
    let pod = context.state.pods.get(&finding.key.namespace, &finding.key.pod);
    let mut containers = pod.into_iter().flat_map(|pod| pod.spec.all_containers());
    let own = containers.find(|container| container.name == finding.key.container);
    match own.is_some_and(|own| own.security_context.read_only_root_filesystem == Some(true)) {
        true => fact.param("root", "readOnlyRootFilesystem"),
        false => fact,
    }
}

/// The file that a line is about and the ConfigMap that it lies in: by the line's own path, else by
/// the only ConfigMap that the container mounts, where the line is about a file's content.
fn config_file(context: &Context<'_>, finding: &LogFinding) -> Option<(String, ObjectRef)> {
    let stated = finding.params.get("file").or(finding.params.get("path"));
    let about_content = matches!(finding.signature, "config-parse-error" | "config-invalid");
    let separators = |c: char| c.is_whitespace() || "\"'`=()[]{},;:".contains(c);
    let words = finding.excerpt.split(separators).filter(|word| about_content && word.starts_with('/'));
    let mut files = stated.map(String::as_str).into_iter().chain(words);
    let found = files.find_map(|file| Some((file.to_owned(), config_map(context, finding, file)?)));
    let only = || {
        let unnamed = stated.is_none()
            && (finding.signature == "config-parse-error"
                || about_content && finding.excerpt.contains("JSON"));
        Some((String::new(), unnamed.then(|| only_config_map(context, finding)).flatten()?))
    };
    found.or_else(only)
}

/// The ConfigMap that a container mounts, where it is just one.
fn only_config_map(context: &Context<'_>, finding: &LogFinding) -> Option<ObjectRef> {
    let pod = context.state.pods.get(&finding.key.namespace, &finding.key.pod)?;
    let container = pod.spec.all_containers().find(|one| one.name == finding.key.container)?;
    let mounted = |name: &str| container.volume_mounts.iter().any(|mount| mount.name == name);
    let mut maps = pod
        .spec
        .volumes
        .iter()
        .filter(|volume| mounted(&volume.name))
        .filter_map(|volume| volume.config_map.as_ref());
    let map = maps.next().filter(|_| maps.next().is_none())?;
    Some(ObjectRef::new(Kind::ConfigMap, &finding.key.namespace, &map.name))
}

/// The ConfigMap whose mount a file of a container lies in.
fn config_map(context: &Context<'_>, finding: &LogFinding, file: &str) -> Option<ObjectRef> {
    let pod = context.state.pods.get(&finding.key.namespace, &finding.key.pod)?;
    let container = pod.spec.all_containers().find(|one| one.name == finding.key.container)?;
    let holds = |mount: &&VolumeMount| {
        file.strip_prefix(mount.mount_path.trim_end_matches('/'))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    // Of nested mounts the innermost holds the file.
    let mount = container.volume_mounts.iter().filter(holds).max_by_key(|mount| mount.mount_path.len())?;
    let volume = pod.spec.volumes.iter().find(|volume| volume.name == mount.name)?;
    let map = volume.config_map.as_ref()?;
    Some(ObjectRef::new(Kind::ConfigMap, &finding.key.namespace, &map.name))
}

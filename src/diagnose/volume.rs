//! Volumes of pods that are on a node: mounts that fail, files that are denied, disks that are full.
//!
//! ConfigMaps and Secrets that do not exist are references, not volumes, and are left to the
//! diagnoser of references.

mod driver;

use super::health::{newest_event, node_ref};
use super::{Context, Fact, FactSpec, Facts};
use crate::cluster::types::{Container, Object, Pod, Text, Volume, VolumeMount};
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::Evidence;
use crate::logs::LogFinding;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[
    FactSpec {
        name: "volume.mount-failed",
        about: "a volume of the workload's pod cannot be attached or mounted, and the pod waits for it",
        params: &[
            (
                "by",
                "multi-attach, permission-denied, host-path-type, nfs, driver-missing, driver-failing (its pod is on the node and not ready), filesystem, not-attached, timeout, missing-volume or other",
            ),
            ("volume", "the volume's name in the message"),
            ("message", "the kubelet's or attach controller's words"),
            ("driver", "the CSI driver that is not there"),
            ("kept_off", "why the DaemonSet that brings it makes no pod on the node"),
            ("certainty", "decisive where the message names the reason"),
        ],
        refs: &[
            ("claim", "the claim of the volume"),
            ("node", "the node where the pod is"),
            ("agent", "the DaemonSet that should bring the driver to the node"),
            ("dependency", "the same, where its pod is on the node"),
            ("other_node", "the node that has the volume"),
            ("other", "the workload whose pod has the volume"),
        ],
    },
    FactSpec {
        name: "volume.full",
        about: "the process fails because the volume behind the path in its log is full",
        params: &[
            ("path", "the file"),
            ("mount", "where the volume is mounted"),
            ("volume", "the volume's name in the pod"),
            ("medium", "claim, empty-dir, host-path, nfs, shared-memory or root"),
            ("limit", "the volume's size limit, where it has one"),
            ("line", "the log line"),
            ("container", "the container"),
        ],
        refs: &[("claim", "the claim of the volume")],
    },
    FactSpec {
        name: "volume.denied",
        about: "the process may not read or write the volume behind the path in its log",
        params: &[
            ("path", "the file"),
            ("mount", "where the volume is mounted"),
            ("volume", "the volume's name in the pod"),
            ("medium", "claim, empty-dir, host-path, nfs, config-map or secret"),
            ("user", "the user the process runs as"),
            ("group", "fsGroup, where it is set"),
            ("read_only", "whether the mount is read-only"),
            ("line", "the log line"),
            ("container", "the container"),
        ],
        refs: &[("claim", "the claim of the volume"), ("storage", "the volume behind the claim")],
    },
];

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    for (workload, pods) in context.topology.pods_by_workload() {
        for pod in pods.iter().filter(|pod| waits_for_volume(pod)) {
            if let Some(fact) = mount_failed(context, workload, pod) {
                facts.add(fact);
            }
        }
    }
    for finding in context.logs.iter().filter(|finding| !finding.recovered) {
        let fact = match finding.signature {
            "disk-full" => full(context, finding),
            "permission-denied" => denied(context, finding),
            _ => None,
        };
        if let Some(fact) = fact {
            facts.add(fact);
        }
    }
}

/// Whether a pod has its node and no container of it has started.
fn waits_for_volume(pod: &Pod) -> bool {
    let started =
        pod.status.all_containers().any(|status| status.state.running.is_some() || status.restart_count > 0);
    !pod.spec.node_name.is_empty() && !pod.is_finished() && !pod.is_deleting() && !started
}

fn mount_failed(context: &Context<'_>, workload: &ObjectRef, pod: &Pod) -> Option<Fact> {
    let object = pod.object_ref();
    let event = newest_event(context, &object, |event| {
        matches!(event.reason.as_str(), "FailedAttachVolume" | "FailedMount" | "FailedMapVolume")
            && class(&event.message).is_some()
    })?;
    let said = class(&event.message)?;
    let volume = quoted(&event.message).or_else(|| unmounted(&event.message)).unwrap_or_default();
    let claim = claim_of_volume(context, pod, volume);
    // The controller's word on who has the volume is an event of its own, which expires first.
    let held = matches!(said, "timeout" | "not-attached")
        && claim.as_ref().is_some_and(|claim| is_attached_elsewhere(context, pod, claim));
    let by = if held { "multi-attach" } else { said };
    let mut fact = Fact::new("volume.mount-failed", workload.clone())
        .param("by", by)
        .param("volume", volume)
        .param("message", event.message.clone())
        .param("certainty", if held || matches!(by, "other" | "timeout") { "computed" } else { "decisive" })
        .object("node", node_ref(&pod.spec.node_name))
        .evidence([Evidence::event(event)])
        .since(event.first().get());
    if let Some(claim) = &claim {
        fact = fact.object("claim", claim.clone());
    }
    if by == "driver-missing" {
        let name = driver_in(&event.message);
        fact = driver::explain(context, fact.param("driver", name), name);
    }
    if by == "multi-attach" {
        fact = held_elsewhere(context, fact, pod, claim.as_ref());
    }
    Some(fact)
}

/// Whether a volume for one node is attached to another than the pod's, where a pod still uses it.
fn is_attached_elsewhere(context: &Context<'_>, pod: &Pod, claim: &ObjectRef) -> bool {
    let Some(found) = context.state.claims.get(claim.ns(), &claim.name) else { return false };
    let volume = found.spec.volume_name.as_str();
    let many = |mode: &Text| matches!(mode.as_str(), "ReadWriteMany" | "ReadOnlyMany");
    if volume.is_empty() || found.spec.access_modes.iter().any(many) {
        return false;
    }
    let mut nodes = context
        .state
        .volume_attachments
        .iter()
        .filter(|one| one.spec.source.persistent_volume_name == volume)
        .map(|one| one.spec.node_name.as_str())
        .peekable();
    nodes.peek().is_some() && nodes.all(|node| node != pod.spec.node_name)
}

/// The pod and node that have a volume which only one node may have.
fn held_elsewhere(context: &Context<'_>, mut fact: Fact, pod: &Pod, claim: Option<&ObjectRef>) -> Fact {
    let Some(claim) = claim else { return fact };
    let holds = |other: &&Pod| {
        other.metadata.name != pod.metadata.name
            && !other.spec.node_name.is_empty()
            && other.spec.node_name != pod.spec.node_name
            && super::scheduling::claim_names(other).iter().any(|name| **name == *claim.name)
    };
    if let Some(other) = context.state.pods.in_namespace(claim.ns()).iter().find(|other| holds(other)) {
        fact = fact
            .object("other", context.topology.workload_of_pod(other))
            .object("other_node", node_ref(&other.spec.node_name))
            .evidence([Evidence::spec(other.object_ref(), "spec.nodeName", other.spec.node_name.clone())]);
    }
    let volume =
        context.state.claims.get(claim.ns(), &claim.name).map(|claim| claim.spec.volume_name.as_str());
    let attachment = context.state.volume_attachments.iter().find(|attachment| {
        Some(attachment.spec.source.persistent_volume_name.as_str()) == volume
            && attachment.spec.node_name != pod.spec.node_name
    });
    match attachment {
        Some(attachment) => {
            fact.object("other_node", node_ref(&attachment.spec.node_name)).evidence([Evidence::spec(
                attachment.object_ref(),
                "spec.nodeName",
                attachment.spec.node_name.clone(),
            )])
        }
        None => fact,
    }
}

/// The class of a mount or attach failure; none for what other diagnosers handle.
fn class(message: &str) -> Option<&'static str> {
    let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
    let reference = has(&[
        "configmap \"",
        "secret \"",
        "configmap cache",
        "secret cache",
        "kube-api-access",
        "references non-existent",
    ]);
    if reference && !has(&["Multi-Attach"]) {
        return None;
    }
    Some(if has(&["Multi-Attach", "already exclusively attached", "already used by pod"]) {
        "multi-attach"
    } else if has(&["hostPath type check failed"]) {
        "host-path-type"
    } else if has(&["driver name", "not found in the list of registered CSI drivers"]) {
        "driver-missing"
    } else if has(&["access denied by server", "mount.nfs", "nfs: "]) {
        "nfs"
    } else if has(&["permission denied", "Permission denied", "operation not permitted"]) {
        "permission-denied"
    } else if has(&["wrong fs type", "bad superblock", "fsck", "failed to format"]) {
        "filesystem"
    } else if has(&["no such file or directory", "special device", "does not exist", "path \""]) {
        "missing-volume"
    } else if has(&["not attached", "AttachVolume.Attach failed", "attach timeout"]) {
        "not-attached"
    } else if has(&["timed out", "timeout", "deadline exceeded"]) {
        "timeout"
    } else {
        "other"
    })
}

/// The first quoted word, which names the volume.
fn quoted(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once('"')?;
    rest.split_once('"').map(|(name, _)| name)
}

/// The first volume of those that the kubelet waits for: `unmounted volumes=[data tmp]`.
fn unmounted(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("unmounted volumes=[")?;
    rest.split([' ', ']']).next().filter(|name| !name.is_empty())
}

fn driver_in(message: &str) -> &str {
    message
        .split_once("driver name ")
        .and_then(|(_, rest)| rest.split_whitespace().next())
        .unwrap_or_default()
}

/// The claim behind a volume, which messages call by the pod's name for it or the volume's own.
fn claim_of_volume(context: &Context<'_>, pod: &Pod, name: &str) -> Option<ObjectRef> {
    let namespace = pod.metadata.namespace.as_str();
    let claims = super::scheduling::claim_names(pod);
    let by_volume =
        pod.spec.volumes.iter().find(|volume| volume.name == name).and_then(|volume| {
            volume.persistent_volume_claim.as_ref().map(|claim| claim.claim_name.to_string())
        });
    let by_storage = || {
        claims
            .iter()
            .find(|claim| {
                context.state.claims.get(namespace, claim).is_some_and(|claim| claim.spec.volume_name == name)
            })
            .cloned()
    };
    let only = || match claims.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    };
    let claim = by_volume.or_else(by_storage).or_else(only)?;
    Some(ObjectRef::new(Kind::PersistentVolumeClaim, namespace, &claim))
}

/// What lies behind a path of a log line.
pub(super) struct Behind<'a> {
    pod: &'a Pod,
    container: &'a Container,
    mount: &'a VolumeMount,
    volume: &'a Volume,
    path: String,
}

impl<'a> Behind<'a> {
    /// Joins the path of a line to the longest mount that holds it.
    pub(super) fn find(context: &Context<'a>, finding: &LogFinding) -> Option<Self> {
        let path = finding.params.get("path").filter(|path| path.starts_with('/'))?;
        let pod = context.state.pods.get(&finding.key.namespace, &finding.key.pod)?;
        let container =
            pod.spec.all_containers().find(|container| container.name == finding.key.container)?;
        let holds = |mount: &&VolumeMount| {
            let directory = mount.mount_path.trim_end_matches('/');
            path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let mount =
            container.volume_mounts.iter().filter(holds).max_by_key(|mount| mount.mount_path.len())?;
        let volume = pod.spec.volumes.iter().find(|volume| volume.name == mount.name)?;
        Some(Self { pod, container, mount, volume, path: path.clone() })
    }

    /// The only volume of a container that holds data, for lines without an absolute path.
    fn only(context: &Context<'a>, finding: &LogFinding) -> Option<Self> {
        let pod = context.state.pods.get(&finding.key.namespace, &finding.key.pod)?;
        let container =
            pod.spec.all_containers().find(|container| container.name == finding.key.container)?;
        let volume = |mount: &VolumeMount| pod.spec.volumes.iter().find(|volume| volume.name == mount.name);
        let holds_data = |mount: &&VolumeMount| {
            volume(mount).is_some_and(|volume| {
                volume.persistent_volume_claim.is_some()
                    || volume.empty_dir.is_some()
                    || volume.host_path.is_some()
                    || volume.nfs.is_some()
            })
        };
        let mounts: Vec<&VolumeMount> = container.volume_mounts.iter().filter(holds_data).collect();
        let [mount] = mounts.as_slice() else { return None };
        let path = finding.params.get("path").cloned().unwrap_or_else(|| mount.mount_path.to_string());
        Some(Self { pod, container, mount, volume: volume(mount)?, path })
    }

    /// The volume's name and where it is mounted, if the mount or its kind keeps it from being written.
    pub(super) fn read_only(&self) -> Option<(&'a str, &'a str)> {
        let claim = self.volume.persistent_volume_claim.as_ref().is_some_and(|claim| claim.read_only);
        let kept = claim || matches!(self.medium(), "config-map" | "secret");
        (self.mount.read_only || kept).then_some((self.mount.name.as_str(), self.mount.mount_path.as_str()))
    }

    fn medium(&self) -> &'static str {
        let volume = self.volume;
        if volume.persistent_volume_claim.is_some() || volume.ephemeral.is_some() {
            "claim"
        } else if volume.empty_dir.is_some() {
            "empty-dir"
        } else if volume.host_path.is_some() {
            "host-path"
        } else if volume.nfs.is_some() {
            "nfs"
        } else if volume.config_map.is_some() {
            "config-map"
        } else if volume.secret.is_some() {
            "secret"
        } else {
            "other"
        }
    }

    fn claim(&self) -> Option<ObjectRef> {
        let claim = self.volume.persistent_volume_claim.as_ref()?;
        Some(ObjectRef::new(Kind::PersistentVolumeClaim, &self.pod.metadata.namespace, &claim.claim_name))
    }

    /// Adds what both facts say.
    fn describe(&self, fact: Fact, finding: &LogFinding) -> Fact {
        let log = Evidence::new(
            crate::evidence::Source::Log,
            self.pod.object_ref(),
            format!("log of {}", finding.key.container),
            finding.signature,
        )
        .excerpt(finding.excerpt.clone())
        .at(finding.last)
        .times(finding.count);
        let mount = format!("{} from volume {} ({})", self.mount.mount_path, self.mount.name, self.medium());
        let fact = fact
            .param("path", self.path.clone())
            .param("mount", self.mount.mount_path.clone())
            .param("volume", self.mount.name.clone())
            .param("medium", self.medium())
            .param("line", finding.excerpt.clone())
            .param("container", self.container.name.clone())
            .evidence([log, Evidence::spec(self.pod.object_ref(), "volumeMounts", mount)])
            .since(finding.first);
        match self.claim() {
            Some(claim) => fact.object("claim", claim),
            None => fact,
        }
    }
}

fn full(context: &Context<'_>, finding: &LogFinding) -> Option<Fact> {
    let fact = Fact::new("volume.full", finding.workload.clone());
    if is_shared_memory(finding) {
        return without_volume(context, finding, fact, "shared-memory");
    }
    let Some(behind) = Behind::find(context, finding) else {
        return full_without_path(context, finding, fact);
    };
    let limit = behind
        .volume
        .empty_dir
        .as_ref()
        .map(|directory| directory.size_limit.to_string())
        .filter(|limit| !limit.is_empty());
    let claimed = behind.claim().and_then(|claim| {
        let claim = context.state.claims.get(claim.ns(), &claim.name)?;
        claim.status.capacity.get("storage").map(ToString::to_string)
    });
    let fact = behind.describe(fact, finding);
    Some(match limit.or(claimed) {
        Some(limit) => fact.param("limit", limit),
        None => fact,
    })
}

/// A full disk whose line names no path: the only data volume, where there is just one.
fn full_without_path(context: &Context<'_>, finding: &LogFinding, fact: Fact) -> Option<Fact> {
    if let Some(behind) = Behind::only(context, finding) {
        return Some(behind.describe(fact, finding));
    }
    without_volume(context, finding, fact, "root")
}

/// Whether what is full is the pod's `/dev/shm`: 64 MiB unless a volume in memory is mounted there.
fn is_shared_memory(finding: &LogFinding) -> bool {
    let line = finding.excerpt.to_lowercase();
    line.contains("/dev/shm") || line.contains("shared memory")
}

fn without_volume(
    context: &Context<'_>,
    finding: &LogFinding,
    fact: Fact,
    medium: &'static str,
) -> Option<Fact> {
    let pod = context.state.pods.get(&finding.key.namespace, &finding.key.pod)?;
    let log = Evidence::new(
        crate::evidence::Source::Log,
        pod.object_ref(),
        format!("log of {}", finding.key.container),
        finding.signature,
    );
    Some(
        fact.param("medium", medium)
            .param("line", finding.excerpt.clone())
            .param("container", finding.key.container.clone())
            .evidence([log.excerpt(finding.excerpt.clone()).times(finding.count)]),
    )
}

/// Whether a denial without a path is about a file, not about a port, a user or a system call.
fn about_a_file(line: &str) -> bool {
    let line = line.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| line.contains(word));
    has(&["permission denied", "eacces", "access denied"])
        && has(&["open", "file", "read", "writ", "creat", "mkdir", "directory", "save"])
        && !has(&["bind", "listen", "socket", "connect", "port ", "setuid", "setgid", "publickey", "exec"])
}

fn denied(context: &Context<'_>, finding: &LogFinding) -> Option<Fact> {
    // A relative path is under the working directory, which for a data store is its volume.
    let absolute = finding.params.get("path").is_some_and(|path| path.starts_with('/'));
    let behind = match Behind::find(context, finding) {
        None if !absolute && about_a_file(&finding.excerpt) => Behind::only(context, finding)?,
        found => found?,
    };
    let pod = &behind.pod.spec.security_context;
    let own = &behind.container.security_context;
    let mut fact = behind
        .describe(Fact::new("volume.denied", finding.workload.clone()), finding)
        .param("read_only", behind.mount.read_only);
    if let Some(user) = own.run_as_user.or(pod.run_as_user) {
        fact = fact.param("user", user).evidence([Evidence::spec(
            behind.pod.object_ref(),
            "securityContext.runAsUser",
            user.to_string(),
        )]);
    }
    if let Some(group) = pod.fs_group {
        fact = fact.param("group", group);
    }
    if let Some(claim) = behind.claim()
        && let Some(found) = context.state.claims.get(claim.ns(), &claim.name)
        && !found.spec.volume_name.is_empty()
    {
        fact = fact.object("storage", ObjectRef::cluster(Kind::PersistentVolume, &found.spec.volume_name));
    }
    Some(fact)
}

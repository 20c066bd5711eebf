//! Why a container that has its image and its configuration objects does not start.
//!
//! Reads the runtime's error (containerd, CRI-O, Docker), and looks for what makes it come true: a
//! mount over the command's directory, the node's architecture, a hook. A container that runs is history.

use super::container::{Instance, between, instances, mentions, pod_events, state};
use super::{Context, Fact, FactSpec, Facts};
use crate::cluster::types::Text;
use crate::evidence::Evidence;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[
    FactSpec {
        name: "start.failed",
        about: "the runtime cannot start the container's process, or a hook ends it",
        params: &[
            (
                "class",
                "not-found, shadowed, not-executable, arguments, architecture, workdir, hook, mount, memory, device, privilege, security-profile or other",
            ),
            ("container", "the container"),
            ("command", "what was to be executed"),
            ("mode", "the mode of the volume's files, where it keeps the command from being executed"),
            ("mount", "the mount path that covers the command"),
            ("volume", "the volume mounted there"),
            ("architecture", "the node's architecture"),
            ("image", "the image"),
            ("message", "what the runtime said"),
            ("exit_code", "the hook's or the shell's exit code"),
            ("limit", "the container's memory limit"),
            ("seconds", "how long the hook has been running, where it does not end"),
            ("certainty", "suggestive where only a log line says so"),
        ],
        refs: &[],
    },
    FactSpec {
        name: "container.config",
        about: "the kubelet refuses the container's configuration before it is created",
        params: &[
            ("class", "run-as-root, non-numeric-user, sub-path, invalid-env or other"),
            ("container", "the container"),
            ("image", "the image"),
            ("message", "what the kubelet said"),
        ],
        refs: &[],
    },
    FactSpec {
        name: "image.slow",
        about: "an image has been pulled for minutes without an end or an error",
        params: &[("container", "the container"), ("image", "the image"), ("seconds", "how long")],
        refs: &[],
    },
];

/// Seconds after which a pull that has neither ended nor failed is worth a word.
const SLOW_PULL: i64 = 300;

/// Seconds from which on a postStart hook that has not ended is worth a word.
const LONG_HOOK: i64 = 60;

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    for instance in instances(context) {
        let unmet = facts.holds("reference.missing", instance.workload);
        let refused = configuration(&instance).filter(|_| !unmet);
        // A mount of what is not there is told by what is not there.
        let failed = || start(context, &instance).filter(|fact| !unmet || fact.text("class") != "mount");
        if let Some(fact) = refused.or_else(failed) {
            state(facts, fact);
        } else if let Some(fact) = slow_pull(context, &instance) {
            state(facts, fact);
        }
    }
}

fn configuration(instance: &Instance<'_>) -> Option<Fact> {
    if !matches!(instance.waiting(), "CreateContainerConfigError" | "CreateContainerError") {
        return None;
    }
    let message = instance.waiting_message();
    let text = message.to_lowercase();
    let class = if mentions(&text, &["image will run as root", "runasuser breaks non-root"]) {
        "run-as-root"
    } else if text.contains("non-numeric user") {
        "non-numeric-user"
    } else if mentions(&text, &["subpath", "sub path"]) {
        "sub-path"
    } else if mentions(&text, &["invalid environment variable", "invalid environment"]) {
        "invalid-env"
    } else if instance.waiting() == "CreateContainerConfigError"
        && !text.is_empty()
        && !mentions(&text, &["not found", "couldn't find key", "non-existent"])
    {
        "other"
    } else {
        return None;
    };
    Some(
        Fact::new("container.config", instance.workload.clone())
            .param("class", class)
            .param("container", instance.name())
            .param("image", instance.image())
            .param("message", message)
            .evidence([instance.waiting_evidence()])
            .since(instance.pod.metadata.creation_timestamp.get()),
    )
}

fn start(context: &Context<'_>, instance: &Instance<'_>) -> Option<Fact> {
    hook(context, instance)
        .or_else(|| endless_hook(context, instance))
        .or_else(|| runtime_error(context, instance))
        .or_else(|| from_log(context, instance))
}

/// A postStart hook that fails takes its container with it.
fn hook(context: &Context<'_>, instance: &Instance<'_>) -> Option<Fact> {
    let waits =
        matches!(instance.waiting(), "PostStartHookError" | "PreStartHookError" | "PreCreateHookError");
    let event = pod_events(context.state, instance.pod).into_iter().find(|event| {
        event.reason == "FailedPostStartHook" && event.container().is_none_or(|name| name == instance.name())
    });
    if !waits && (event.is_none() || !instance.is_crashing(context)) {
        return None;
    }
    let message =
        if waits { instance.waiting_message() } else { event.map_or("", |event| event.message.as_str()) };
    let command = hook_command(instance);
    let code = between(message, "exited with ", ":").and_then(|code| code.trim().parse::<i64>().ok());
    let mut fact = fact(instance, "hook").param("message", message).evidence(event.map(Evidence::event));
    if waits {
        fact = fact.evidence([instance.waiting_evidence()]);
    }
    if let Some(command) = command {
        fact = fact.param("command", command);
    }
    Some(match code {
        Some(code) => fact.param("exit_code", code),
        None => fact,
    })
}

/// What a container's postStart hook does.
fn hook_command(instance: &Instance<'_>) -> Option<String> {
    let handler = instance.spec?.lifecycle.post_start.as_ref()?;
    let exec = handler.exec.as_ref().map(|exec| exec.command.join(" "));
    exec.or_else(|| handler.http_get.as_ref().map(|get| format!("GET {} on port {}", get.path, get.port)))
}

/// A postStart hook that does not come to an end.
///
/// The kubelet waits for it before it reports the container or starts the next one: the event says
/// Started while the status stays at ContainerCreating.
fn endless_hook(context: &Context<'_>, instance: &Instance<'_>) -> Option<Fact> {
    instance.spec?.lifecycle.post_start.as_ref()?;
    if instance.waiting() != "ContainerCreating" {
        return None;
    }
    let own = |text: &str| text.split([' ', '"']).any(|word| word == instance.name());
    let started = pod_events(context.state, instance.pod).into_iter().find(|event| {
        let named = event.container().map_or_else(|| own(&event.message), |name| name == instance.name());
        event.reason == "Started" && named
    })?;
    let seconds = context.state.age_seconds(started.last()).filter(|seconds| *seconds >= LONG_HOOK)?;
    let fact = fact(instance, "hook")
        .param("seconds", seconds)
        .evidence([Evidence::event(started), instance.waiting_evidence()]);
    Some(match hook_command(instance) {
        Some(command) => fact.param("command", command),
        None => fact,
    })
}

fn fact(instance: &Instance<'_>, class: &'static str) -> Fact {
    Fact::new("start.failed", instance.workload.clone())
        .param("class", class)
        .param("container", instance.name())
        .param("image", instance.image())
        .since(instance.pod.metadata.creation_timestamp.get())
}

/// The error of the runtime, from the state that waits or from how the last start ended.
fn runtime_error(context: &Context<'_>, instance: &Instance<'_>) -> Option<Fact> {
    let waits = matches!(instance.waiting(), "RunContainerError" | "CreateContainerError");
    let ended = instance.ended().filter(|ended| {
        matches!(ended.reason.as_str(), "StartError" | "ContainerCannotRun" | "RunContainerError")
            && instance.status.state.running.is_none()
    });
    let event = || {
        let events = instance.events(context.state);
        events.into_iter().find(|event| {
            event.reason == "Failed"
                && mentions(
                    &event.message,
                    &["runc", "crun", "OCI runtime", "oci runtime", "container process"],
                )
        })
    };
    let message = if waits && !instance.waiting_message().is_empty() {
        instance.waiting_message().to_owned()
    } else if let Some(ended) = ended {
        ended.message.to_string()
    } else if waits
        || (instance.waiting() == "CrashLoopBackOff"
            && instance.ended().is_none_or(|ended| ended.exit_code == 128))
    {
        event()?.message.to_string()
    } else {
        return None;
    };
    let class = classify(&message);
    let mut fact = fact(instance, class).param("message", message.clone());
    fact = fact.evidence(waits.then(|| instance.waiting_evidence()));
    fact = fact.evidence(ended.and_then(|_| instance.ended_evidence()));
    Some(match class {
        "not-found" => not_found(instance, fact, command_of(instance, &message)),
        "architecture" => architecture(context, instance, fact),
        "memory" => match limit(instance) {
            Some(limit) => fact.param("limit", limit),
            None => fact,
        },
        _ => match command_of(instance, &message) {
            Some(command) => without_mode(instance, fact, &command).param("command", command),
            None => fact,
        },
    })
}

/// Adds the volume of a ConfigMap or Secret that a program lies in without being executable there.
fn without_mode(instance: &Instance<'_>, fact: Fact, path: &str) -> Fact {
    /// What the kubelet gives such files where the volume does not say otherwise.
    const DEFAULT: i64 = 0o644;
    let Some(container) = instance.spec.filter(|_| fact.text("class") == "not-executable") else {
        return fact;
    };
    let within = |mount: &str| {
        let mount = mount.trim_end_matches('/');
        path.strip_prefix(mount).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let mounts = container.volume_mounts.iter().filter(|mount| within(&mount.mount_path));
    let Some(mount) = mounts.max_by_key(|mount| mount.mount_path.len()) else { return fact };
    let volume = instance.pod.spec.volumes.iter().find(|volume| volume.name == mount.name);
    let mode = volume.and_then(|volume| {
        let map = volume.config_map.as_ref().map(|map| map.default_mode);
        map.or_else(|| volume.secret.as_ref().map(|secret| secret.default_mode))
    });
    match mode.map(|mode| mode.unwrap_or(DEFAULT)).filter(|mode| mode & 0o111 == 0) {
        Some(mode) => fact.param("mode", format!("{mode:04o}")).param("volume", mount.name.clone()),
        None => fact,
    }
}

/// The class of a runtime's start error.
fn classify(message: &str) -> &'static str {
    let text = message.to_lowercase();
    match () {
        () if mentions(&text, &["oom-killed", "memory limit too low", "cannot allocate memory"]) => "memory",
        () if text.contains("exec format error") => "architecture",
        () if mentions(&text, &["chdir to cwd", "working directory", "mkdir cwd"]) => "workdir",
        () if text.contains("permission denied")
            && mentions(&text, &["exec", "starting container process"]) =>
        {
            "not-executable"
        }
        () if text.contains("executable file not found") => "not-found",
        // crun names the file between the words: executable file `serve` not found in $PATH.
        () if text.contains("executable file") && text.contains("not found") => "not-found",
        () if mentions(&text, &["apparmor", "seccomp", "selinux"])
            && mentions(&text, &["profile", "not found", "no such file"]) =>
        {
            "security-profile"
        }
        () if text.contains("exec:") && text.contains("no such file or directory") => "not-found",
        () if text.contains("is a directory") && text.contains("exec") => "not-executable",
        () if mentions(
            &text,
            &["error mounting", "failed to mount", "not a directory", "read-only file system: unknown"],
        ) =>
        {
            "mount"
        }
        () if mentions(
            &text,
            &["operation not permitted", "unable to find user", "no matching entries in passwd"],
        ) =>
        {
            "privilege"
        }
        () if mentions(&text, &["device", "cdi"]) => "device",
        () => "other",
    }
}

/// What was to be executed: as the message names it, else as the spec does.
fn command_of(instance: &Instance<'_>, message: &str) -> Option<String> {
    let quoted = between(message, "exec: \"", "\"").or_else(|| between(message, "executable file `", "`"));
    let own = || instance.spec.and_then(|spec| spec.command.first()).map(Text::as_str);
    quoted.or_else(own).map(str::to_owned)
}

/// A command that is not there: is something mounted over its directory?
fn not_found(instance: &Instance<'_>, fact: Fact, command: Option<String>) -> Fact {
    let Some(command) = command else { return fact };
    let covered = covering_mount(instance, &command);
    let fact = fact.param("command", command);
    match covered {
        Some((mount, volume)) => {
            fact.param("class", "shadowed").param("mount", mount).param("volume", volume)
        }
        None => fact,
    }
}

/// Directories of `$PATH` in nearly every image; a mount over one of them hides its programs.
const PATH: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// The mount that hides a path, and its volume. A mount of the very file (`subPath`) hides nothing.
fn covering_mount(instance: &Instance<'_>, path: &str) -> Option<(String, String)> {
    let mounts = &instance.spec?.volume_mounts;
    let directory_of = |mount: &str| {
        let mount = mount.trim_end_matches('/');
        if path.starts_with('/') {
            path.strip_prefix(mount).is_some_and(|rest| rest.starts_with('/'))
        } else {
            !path.contains('/')
                && PATH.iter().any(|directory| {
                    *directory == mount
                        || directory.strip_prefix(mount).is_some_and(|rest| rest.starts_with('/'))
                })
        }
    };
    mounts
        .iter()
        .filter(|mount| !mount.mount_path.is_empty() && directory_of(&mount.mount_path))
        .max_by_key(|mount| mount.mount_path.len())
        .map(|mount| (mount.mount_path.to_string(), mount.name.to_string()))
}

fn architecture(context: &Context<'_>, instance: &Instance<'_>, fact: Fact) -> Fact {
    let node = context.state.nodes.get("", &instance.pod.spec.node_name);
    match node.map(|node| node.status.node_info.architecture.clone()).filter(|name| !name.is_empty()) {
        Some(architecture) => fact.param("architecture", architecture),
        None => fact,
    }
}

fn limit(instance: &Instance<'_>) -> Option<String> {
    instance.spec?.resources.limits.get("memory").map(ToString::to_string)
}

/// Shells start and then do not find or cannot run the program: only the log says what.
fn from_log(context: &Context<'_>, instance: &Instance<'_>) -> Option<Fact> {
    if !instance.is_crashing(context) {
        return None;
    }
    let code = instance.ended().map_or(0, |ended| ended.exit_code);
    let finding = context.logs.of(instance.workload).find(|finding| {
        finding.key.container == instance.name()
            && finding.at_end
            && matches!(
                finding.signature,
                "exec-format-error"
                    | "command-not-found"
                    | "missing-file"
                    | "permission-denied"
                    | "config-invalid"
            )
    });
    let path = finding.and_then(|finding| {
        finding.params.get("path").or(finding.params.get("file")).or(finding.params.get("name"))
    });
    let class = match finding.map(|finding| finding.signature) {
        Some("exec-format-error") => "architecture",
        Some("command-not-found") => "not-found",
        // A data file that is missing is the application's matter; the program itself is ours.
        Some("missing-file") if path.is_some_and(|path| is_program(instance, path)) => "not-found",
        Some("permission-denied") if code == 126 => "not-executable",
        Some("config-invalid") if finding.is_some_and(|finding| is_argument(instance, finding)) => {
            "arguments"
        }
        _ if code == 127 => "not-found",
        _ if code == 126 => "not-executable",
        _ => return None,
    };
    let mut fact = fact(instance, class)
        .param("certainty", "computed")
        .param("exit_code", code)
        .evidence(instance.ended_evidence());
    if let Some(finding) = finding {
        let evidence = Evidence::new(
            crate::evidence::Source::Log,
            instance.pod_ref(),
            format!("log of {}", instance.name()),
            finding.signature,
        )
        .excerpt(finding.excerpt.clone())
        .at(finding.last);
        fact = fact.param("message", finding.excerpt.clone()).evidence([evidence]);
    }
    Some(match class {
        "architecture" => architecture(context, instance, fact),
        "not-found" => not_found(instance, fact, path.cloned().or_else(|| command_of(instance, ""))),
        _ => match path {
            Some(path) => without_mode(instance, fact, path).param("command", path.clone()),
            None => fact,
        },
    })
}

/// Whether the option that the process does not know is one that the template gives it.
fn is_argument(instance: &Instance<'_>, finding: &crate::logs::LogFinding) -> bool {
    let Some(spec) = instance.spec else { return false };
    // A shell's own line is one argument; the option is a word of it.
    let words = spec.command.iter().chain(&spec.args).flat_map(|argument| argument.split_whitespace());
    let mut options = words.filter(|word| word.starts_with('-'));
    let name =
        |word: &str| word.trim_start_matches('-').split(['=', ':']).next().unwrap_or_default().to_lowercase();
    finding.params.get("field").is_some_and(|field| {
        let field = name(field);
        field.len() > 1 && options.any(|option| name(option) == field)
    })
}

/// Whether a path is what the container was told to run.
fn is_program(instance: &Instance<'_>, path: &str) -> bool {
    let script = [".sh", ".py", ".js", ".mjs", ".rb", ".jar", ".php", ".pl", ".dll"]
        .iter()
        .any(|suffix| path.ends_with(suffix));
    let named = instance
        .spec
        .is_some_and(|spec| spec.command.iter().chain(&spec.args).any(|word| word.contains(path)));
    named || (script && path.starts_with('/') && covering_mount(instance, path).is_some())
}

fn slow_pull(context: &Context<'_>, instance: &Instance<'_>) -> Option<Fact> {
    if !matches!(instance.waiting(), "ContainerCreating" | "PodInitializing") {
        return None;
    }
    let image = instance.image();
    let about = pod_events(context.state, instance.pod);
    let mut about = about.into_iter().filter(|event| event.message.contains(image) && !image.is_empty());
    let newest =
        about.find(|event| matches!(event.reason.as_str(), "Pulling" | "Pulled" | "Failed" | "BackOff"))?;
    let seconds = context.state.age_seconds(newest.last())?;
    (newest.reason == "Pulling" && seconds >= SLOW_PULL).then(|| {
        Fact::new("image.slow", instance.workload.clone())
            .param("container", instance.name())
            .param("image", image)
            .param("seconds", seconds)
            .evidence([Evidence::event(newest)])
            .since(newest.first().get())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_runtime_errors() {
        let prefix = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: ";
        let class = |text: &str| classify(&format!("{prefix}{text}"));
        assert_eq!(class("exec: \"serve\": executable file not found in $PATH: unknown"), "not-found");
        assert_eq!(
            class("exec: \"/app/serve\": stat /app/serve: no such file or directory: unknown"),
            "not-found"
        );
        assert_eq!(class("exec: \"/app/serve\": permission denied: unknown"), "not-executable");
        assert_eq!(class("exec /app/serve: exec format error"), "architecture");
        assert_eq!(
            class("chdir to cwd (\"/srv\") set in config.json failed: no such file or directory: unknown"),
            "workdir"
        );
        assert_eq!(class("container init was OOM-killed (memory limit too low?): unknown"), "memory");
        assert_eq!(
            class(
                "error during container init: error mounting \"/x\" to rootfs at \"/y\": not a directory: unknown"
            ),
            "mount"
        );
    }
}

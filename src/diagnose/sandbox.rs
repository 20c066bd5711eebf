//! Why a pod's sandbox (its network and its pause container) is not created.

use super::container::{between, mentions, pod_events, state};
use super::{Context, Fact, FactSpec, Facts};
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::Evidence;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[FactSpec {
    name: "sandbox.failed",
    about: "the pod's sandbox is not created, so none of its containers starts",
    params: &[
        ("class", "ip-exhausted, cni, runtime-handler, security-profile, memory, pause-image or other"),
        ("message", "what the kubelet said"),
        ("node", "the node"),
        ("plugin", "the network plugin that the message names"),
        ("limit", "the smallest memory limit of the pod's containers"),
        ("elsewhere", "yes where other pods of the node run, no where none does"),
    ],
    refs: &[("node", "the node that the pod is on")],
}];

const REASONS: [&str; 5] = [
    "FailedCreatePodSandBox",
    "FailedCreatePodSandbox",
    "NetworkNotReady",
    "FailedPodSandBoxStatus",
    "FailedSync",
];

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    for (workload, pods) in context.topology.pods_by_workload() {
        for pod in pods.iter().filter(|pod| !pod.is_deleting() && !pod.is_finished()) {
            let started = pod.status.all_containers().any(|status| {
                status.state.running.is_some()
                    || status.state.terminated.is_some()
                    || status.last_state.terminated.is_some()
            });
            if started || pod.spec.node_name.is_empty() {
                continue;
            }
            let events = pod_events(context.state, pod);
            let Some(event) = events.into_iter().find(|event| REASONS.contains(&event.reason.as_str()))
            else {
                continue;
            };
            let Some(class) = classify(&event.reason, &event.message) else { continue };
            let node = ObjectRef::cluster(Kind::Node, &pod.spec.node_name);
            let others = context.state.pods.iter().any(|other| {
                other.spec.node_name == pod.spec.node_name && !other.spec.host_network && other.is_ready()
            });
            let mut fact = Fact::new("sandbox.failed", workload.clone())
                .param("class", class)
                .param("message", event.message.clone())
                .param("node", pod.spec.node_name.clone())
                .param("elsewhere", if others { "yes" } else { "no" })
                .object("node", node)
                .evidence([Evidence::event(event)])
                .since(event.first().get());
            if let Some(plugin) = between(&event.message, "plugin type=\"", "\"") {
                fact = fact.param("plugin", plugin);
            }
            let limits =
                pod.spec.containers.iter().filter_map(|container| container.resources.limits.get("memory"));
            if class == "memory"
                && let Some(limit) = limits.min()
            {
                fact = fact.param("limit", limit.to_string());
            }
            state(facts, fact);
        }
    }
}

fn classify(reason: &str, message: &str) -> Option<&'static str> {
    let text = message.to_lowercase();
    Some(match () {
        () if mentions(&text, &["oom-killed", "memory limit too low"]) => "memory",
        () if mentions(
            &text,
            &[
                "no available ip",
                "no ip addresses available",
                "failed to assign an ip",
                "insufficient ip",
                "ip address exhausted",
                "failed to request ipv4",
                "range set is full",
                "no more ips",
            ],
        ) =>
        {
            "ip-exhausted"
        }
        () if mentions(&text, &["no runtime for", "runtime handler", "runtimehandler"]) => "runtime-handler",
        () if mentions(&text, &["apparmor", "seccomp"]) => "security-profile",
        () if mentions(&text, &["pause", "sandbox image"]) && mentions(&text, &["pull", "image"]) => {
            "pause-image"
        }
        () if mentions(
            &text,
            &[
                "cni",
                "network plugin",
                "failed to setup network",
                "networkplugin",
                "network is not ready",
                "plugin type=",
            ],
        ) =>
        {
            "cni"
        }
        () if reason == "FailedSync" => return None,
        () => "other",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_sandbox_errors() {
        let class = |text: &str| classify("FailedCreatePodSandBox", text);
        assert_eq!(
            class(
                "plugin type=\"host-local\" failed (add): failed to allocate for range 0: no IP addresses available in range set"
            ),
            Some("ip-exhausted")
        );
        assert_eq!(
            class("failed to setup network for sandbox: plugin type=\"bridge\" failed (add)"),
            Some("cni")
        );
        assert_eq!(
            class("failed to get sandbox runtime: no runtime for \"gvisor\" is configured"),
            Some("runtime-handler")
        );
        assert_eq!(class("container init was OOM-killed (memory limit too low?)"), Some("memory"));
        assert_eq!(classify("FailedSync", "error determining status"), None);
    }
}

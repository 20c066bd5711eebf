//! Callers without a mesh's proxy whose plain connections a server in STRICT mode resets.

use crate::cluster::ObjectRef;
use crate::cluster::address::{self, Target};
use crate::cluster::selector::matches_all;
use crate::cluster::types::{CustomResource, Object, Pod};
use crate::diagnose::{Context, Fact, FactSpec, Facts, net};
use crate::evidence::Evidence;

pub(super) const FACT: FactSpec = FactSpec {
    name: "mesh.plaintext",
    about: "a workload without the mesh's proxy calls one that only takes mutual TLS",
    params: &[
        ("host", "the host as logged"),
        ("line", "the log line of the caller"),
        ("inject", "what keeps the proxy out of the caller's pods, where its labels say so"),
    ],
    refs: &[("callee", "the called workload"), ("policy", "the PeerAuthentication that demands it")],
};

/// Where policies for the whole mesh stand, unless its root was moved.
const ROOT: &str = "istio-system";

/// States each such caller whose connections are reset.
pub(super) fn state(context: &Context<'_>, facts: &mut Facts) {
    let policies: Vec<&CustomResource> = context
        .state
        .custom_resources
        .iter()
        .filter(|one| one.kind.as_str() == "PeerAuthentication")
        .collect();
    if policies.is_empty() {
        return;
    }
    let resets = net::failed_calls(context).filter(|finding| finding.signature == "connection-reset");
    for finding in resets {
        let Some(target) = &finding.target else { continue };
        let caller = &finding.workload;
        let callees = match address::resolve(context.state, caller.ns(), &target.host) {
            Target::Service(service) => net::behind(context, &service),
            Target::Pod(pod) => vec![context.topology.workload_of(&pod)],
            _ => continue,
        };
        let Some(client) = net::live_pods(context, caller).first().copied() else { continue };
        let strict = |callee: &ObjectRef| {
            let pod = net::live_pods(context, callee).first().copied().filter(|pod| is_in_mesh(pod))?;
            strict(&policies, pod)
        };
        let Some((callee, policy)) = callees.iter().find_map(|one| Some((one, strict(one)?))) else {
            continue;
        };
        if is_in_mesh(client) {
            continue;
        }
        let stated = Evidence::spec(policy.object_ref(), "spec.mtls.mode", "STRICT");
        let absent = Evidence::absence(client.object_ref(), "no container istio-proxy");
        let mut fact = Fact::new(FACT.name, caller.clone())
            .param("host", target.host.clone())
            .param("line", finding.excerpt.clone())
            .object("callee", callee.clone())
            .object("policy", policy.object_ref())
            .evidence([absent, stated, net::line(finding)])
            .since(finding.first);
        if client.metadata.labels.get("sidecar.istio.io/inject").is_some_and(|value| value == "false") {
            fact = fact.param("inject", "sidecar.istio.io/inject: false");
        }
        facts.add(fact);
    }
}

/// Whether a proxy of the mesh takes the pod's connections: beside it, or of its node.
fn is_in_mesh(pod: &Pod) -> bool {
    pod.spec.all_containers().any(|container| container.name == "istio-proxy")
        || pod.metadata.labels.get("security.istio.io/tlsMode").is_some_and(|mode| mode == "istio")
        || pod.metadata.annotation("ambient.istio.io/redirection") == "enabled"
}

/// The policy that makes a pod take mutual TLS only: that for its labels, else of its namespace, else
/// of the mesh, whichever states a mode.
fn strict<'a>(policies: &[&'a CustomResource], pod: &Pod) -> Option<&'a CustomResource> {
    let namespace = &pod.metadata.namespace;
    let rank = |policy: &CustomResource| {
        let own = policy.metadata.namespace == *namespace;
        match (own, policy.selector.is_empty()) {
            (true, false) => matches_all(&policy.selector, &pod.metadata.labels).then_some(0),
            (true, true) => Some(1),
            (false, true) => (policy.metadata.namespace == ROOT).then_some(2),
            (false, false) => None,
        }
    };
    // One that is about single ports, or leaves it to another, states no mode.
    let all = policies.iter().filter_map(|policy| Some((rank(policy)?, *policy)));
    let (_, policy) =
        all.filter(|(rank, policy)| *rank == 0 || states(policy)).min_by_key(|(rank, _)| *rank)?;
    (policy.mtls == "STRICT").then_some(policy)
}

fn states(policy: &CustomResource) -> bool {
    !matches!(policy.mtls.as_str(), "" | "UNSET")
}

//! Services without a ready endpoint, with none where it counts, or without an address.

use crate::cluster::ObjectRef;
use crate::cluster::address::{self, Address, Target};
use crate::cluster::types::{Object, Service};
use crate::diagnose::net;
use crate::diagnose::{Context, Fact, FactSpec, Facts};
use crate::evidence::Evidence;

pub(super) const NO_ENDPOINTS: FactSpec = FactSpec {
    name: "service.no-endpoints",
    about: "a Service's selector fits a workload, but no pod behind it is ready",
    params: &[
        ("class", "zero-replicas, no-pods or not-ready"),
        ("pods", "how many pods the selector matches"),
        ("desired", "how many pods the workloads want"),
    ],
    refs: &[("workload", "the workload behind it")],
};

pub(super) const LOCAL_ONLY: FactSpec = FactSpec {
    name: "service.local-policy",
    about: "internalTrafficPolicy Local drops the calls from nodes that run no ready pod of the Service",
    params: &[
        ("nodes", "the nodes of callers without a local endpoint"),
        ("served", "the nodes with endpoints"),
    ],
    refs: &[("caller", "a workload whose pods run on such a node")],
};

pub(super) const LOAD_BALANCER: FactSpec = FactSpec {
    name: "service.load-balancer",
    about: "a LoadBalancer Service has no address because its controller fails to make one",
    params: &[("reason", "the event's reason"), ("message", "the event's message")],
    refs: &[],
};

pub(super) fn examine(context: &Context<'_>, service: &Service, facts: &mut Facts) {
    let object = service.object_ref();
    let behind = net::behind(context, &object);
    let Some(workload) = behind.iter().find(|one| !net::any_ready(context, one)).or(behind.first()) else {
        return;
    };
    if behind.iter().any(|one| net::any_ready(context, one)) {
        local_only(context, service, &behind, facts);
        return;
    }
    let pods: usize = behind.iter().map(|one| net::live_pods(context, one).len()).sum();
    let desired: i64 = behind
        .iter()
        .map(|one| context.state.workload_of(one).map_or(1, crate::cluster::types::Workload::desired))
        .sum();
    let class = match (pods, desired) {
        (0, 0) => "zero-replicas",
        (0, _) => "no-pods",
        _ => "not-ready",
    };
    let fact = Fact::new(NO_ENDPOINTS.name, object.clone())
        .param("class", class)
        .param("pods", pods)
        .param("desired", desired)
        .object("workload", workload.clone())
        .evidence([Evidence::absence(
            object.clone(),
            format!("no ready endpoint; {pods} of {desired} pods exist"),
        )]);
    facts.add(net::users_of(context, &object).into_iter().fold(fact, Fact::affects));
}

fn local_only(context: &Context<'_>, service: &Service, behind: &[ObjectRef], facts: &mut Facts) {
    if service.spec.internal_traffic_policy != "Local" {
        return;
    }
    let nodes = |workload: &ObjectRef, ready: bool| -> Vec<String> {
        net::live_pods(context, workload)
            .iter()
            .filter(|pod| !ready || pod.is_ready())
            .map(|pod| pod.spec.node_name.to_string())
            .filter(|node| !node.is_empty())
            .collect()
    };
    let served: std::collections::BTreeSet<String> = behind.iter().flat_map(|one| nodes(one, true)).collect();
    let object = service.object_ref();
    for caller in net::users_of(context, &object) {
        let unserved: std::collections::BTreeSet<String> =
            nodes(&caller, false).into_iter().filter(|node| !served.contains(node)).collect();
        let means = |target: &Address| {
            address::resolve(context.state, caller.ns(), &target.host) == Target::Service(object.clone())
        };
        let failing = context.logs.of(&caller).any(|finding| {
            finding.class == "call" && !finding.recovered && finding.target.as_ref().is_some_and(means)
        });
        if unserved.is_empty() || !failing {
            continue;
        }
        let fact = Fact::new(LOCAL_ONLY.name, object.clone())
            .param("nodes", unserved.into_iter().collect::<Vec<_>>())
            .param("served", served.iter().cloned().collect::<Vec<_>>())
            .object("caller", caller.clone())
            .affects(caller)
            .evidence([Evidence::spec(object.clone(), "spec.internalTrafficPolicy", "Local")]);
        facts.add(fact);
    }
}

pub(super) fn load_balancer(context: &Context<'_>, service: &Service, facts: &mut Facts) {
    if service.spec.r#type != "LoadBalancer" || !service.status.load_balancer.ingress.is_empty() {
        return;
    }
    const REASONS: [&str; 4] = [
        "SyncLoadBalancerFailed",
        "CreatingLoadBalancerFailed",
        "AllocationFailed",
        "UnAvailableLoadBalancer",
    ];
    let object = service.object_ref();
    let failed =
        context.state.events_of(&object).iter().rev().find(|event| REASONS.contains(&event.reason.as_str()));
    if let Some(event) = failed {
        facts.add(
            Fact::new(LOAD_BALANCER.name, object.clone())
                .param("reason", event.reason.clone())
                .param("message", event.message.clone())
                .evidence([
                    Evidence::event(event),
                    Evidence::absence(object, "status.loadBalancer.ingress is empty"),
                ]),
        );
    }
}

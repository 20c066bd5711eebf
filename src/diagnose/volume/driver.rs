//! Who brings a storage driver to the nodes, and why it is not on one of them.
//!
//! A driver registers with the kubelet of each node from a DaemonSet's pod there. States no facts.

use super::super::{Context, Fact, scheduling};
use crate::cluster::Kind;
use crate::cluster::types::{Object, Workload};

/// Parts of drivers' names that name no driver.
const COMMON: [&str; 12] =
    ["csi", "com", "io", "org", "net", "k8s", "driver", "drivers", "storage", "cloud", "sigs", "dev"];

/// Adds to the fact of a driver that is missing on a node which DaemonSet should bring it there, and
/// why that does not reach the node.
pub(super) fn explain(context: &Context<'_>, fact: Fact, driver: &str) -> Fact {
    let Some(node) = fact.refs.get("node").cloned() else { return fact };
    let Some(set) = bringer(context, driver) else { return fact };
    let agent = set.object_ref();
    let fact = fact.object("agent", agent.clone());
    let on_node = context.topology.pods_of(&agent).iter().find(|pod| pod.spec.node_name == *node.name);
    match on_node {
        // It is there and does not work: that has a cause of its own.
        Some(pod) if !pod.is_ready() => fact.param("by", "driver-failing").object("dependency", agent),
        Some(_) => fact,
        None => match scheduling::unreached(context, set, &node) {
            Some(left_out) => {
                let why = match left_out.text("have") {
                    "" => format!("the node lacks {}", left_out.text("wanted")),
                    taint => format!("its pods do not tolerate the taint {taint}"),
                };
                fact.param("kept_off", why).evidence(left_out.evidence)
            }
            None => fact,
        },
    }
}

/// The DaemonSet that brings a driver: it names the driver, or is named after it; of several the one
/// that has pods.
fn bringer<'a>(context: &Context<'a>, driver: &str) -> Option<&'a Workload> {
    let own = driver.split('.').find(|part| !COMMON.contains(part)).filter(|_| driver.len() > 3)?;
    let state: &'a crate::cluster::ClusterState = context.state;
    let sets = state.workloads.iter().filter(|workload| workload.kind == Kind::DaemonSet);
    let fitting = sets.filter_map(|set| {
        let (names, named) = (names(set, driver), is_named_after(set, own));
        let has_pods = !context.topology.pods_of(&set.object_ref()).is_empty();
        (names || named).then_some(((names, has_pods), set))
    });
    fitting.max_by_key(|(fit, _)| *fit).map(|(_, set)| set)
}

/// Whether its arguments, environment or directories on the node name the driver.
fn names(set: &Workload, driver: &str) -> bool {
    let spec = &set.template().spec;
    let values = |container: &crate::cluster::types::Container| {
        let own = container.env.iter().filter_map(|own| own.value.as_ref());
        container.args.iter().chain(&container.command).chain(own).any(|word| word.contains(driver))
    };
    let directory = |path: &str| path.split('/').any(|part| part == driver);
    spec.containers.iter().any(values)
        || spec.volumes.iter().any(|one| one.host_path.as_ref().is_some_and(|host| directory(&host.path)))
}

fn is_named_after(set: &Workload, own: &str) -> bool {
    let fits = |text: &str| text.contains("csi") && text.contains(own);
    fits(&set.metadata.name) || set.template().spec.containers.iter().any(|one| fits(&one.image))
}

//! The scheduler's predicates, evaluated over the nodes that were read.
//!
//! They answer "what keeps this pod off that node", one failure a predicate, all of them
//! (the scheduler's own message names only the first per node).

use std::collections::{BTreeMap, BTreeSet};

use super::super::health::pod_ref;
use super::reason::By;
use crate::cluster::quantity::{Quantity, ResourceList};
use crate::cluster::selector::{matches_all, untolerated};
use crate::cluster::types::*;
use crate::cluster::{ClusterState, ObjectRef};

/// A node with the pods on it.
pub(super) struct NodeView<'a> {
    pub(super) node: &'a Node,
    pub(super) pods: Vec<&'a Pod>,
    used: Totals<'a>,
}

/// Amounts that are added up, by resource.
pub(in crate::diagnose) type Totals<'a> = BTreeMap<&'a str, Quantity>;

/// Every node that was read.
pub(super) struct Nodes<'a> {
    state: &'a ClusterState,
    pub(super) views: Vec<NodeView<'a>>,
}

/// One predicate that fails on one node.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Failure {
    pub(super) by: By,
    /// What the pod asks for, in words.
    pub(super) wanted: String,
    /// What the node offers instead; empty where there is nothing to say.
    pub(super) have: String,
    /// The amounts, where a resource is short.
    pub(super) shortage: Option<Shortage>,
    /// The pod in the way.
    pub(super) blocker: Option<ObjectRef>,
}

/// A resource that does not suffice on a node.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shortage {
    pub(super) resource: String,
    pub(super) requested: Quantity,
    pub(super) free: Quantity,
    pub(super) allocatable: Quantity,
}

impl Failure {
    fn new(by: By, wanted: impl Into<String>, have: impl Into<String>) -> Self {
        Self { by, wanted: wanted.into(), have: have.into(), shortage: None, blocker: None }
    }
}

impl<'a> Nodes<'a> {
    /// Puts every pod on its node.
    pub(super) fn new(state: &'a ClusterState) -> Self {
        let mut pods: BTreeMap<&str, Vec<&Pod>> = BTreeMap::new();
        for pod in state.pods.iter().filter(|pod| !pod.is_finished() && !pod.spec.node_name.is_empty()) {
            pods.entry(&pod.spec.node_name).or_default().push(pod);
        }
        let views = state.nodes.iter().map(|node| {
            let pods = pods.remove(node.metadata.name.as_str()).unwrap_or_default();
            let mut used = Totals::new();
            for pod in &pods {
                add(&mut used, requests(&pod.spec));
            }
            NodeView { node, pods, used }
        });
        let views = views.collect();
        Self { state, views }
    }

    /// What keeps the pod off each node, in the order of `views`.
    pub(super) fn failures(&self, pod: &Pod) -> Vec<Vec<Failure>> {
        let mut all: Vec<Vec<Failure>> = self.views.iter().map(|view| own_failures(view, pod)).collect();
        self.inter_pod(pod, &mut all);
        self.spread(pod, &mut all);
        self.volumes(pod, &mut all);
        all
    }

    fn add(&self, all: &mut [Vec<Failure>], failure: impl Fn(&NodeView<'a>) -> Option<Failure>) {
        for (view, failures) in self.views.iter().zip(all) {
            failures.extend(failure(view));
        }
    }

    /// Required affinity and anti-affinity between pods, in both directions.
    fn inter_pod(&self, pod: &Pod, all: &mut [Vec<Failure>]) {
        let affinity = &pod.spec.affinity;
        for term in &affinity.pod_anti_affinity.required_during_scheduling_ignored_during_execution {
            let taken = self.domains(term, &pod.metadata.namespace);
            let wanted =
                format!("no pod with {} per {}", selector_text(&term.label_selector), term.topology_key);
            self.add(all, |view| {
                let blocker = taken.get(label(view.node, &term.topology_key)?)?;
                let mut failure = Failure::new(By::PodAntiAffinity, &wanted, format!("{blocker} is there"));
                failure.blocker = Some(blocker.clone());
                Some(failure)
            });
        }
        for term in &affinity.pod_affinity.required_during_scheduling_ignored_during_execution {
            let present = self.domains(term, &pod.metadata.namespace);
            let own =
                term.label_selector.as_ref().is_some_and(|selector| selector.matches(&pod.metadata.labels));
            // The first pod of a group that wants its own kind is let through anywhere.
            if present.is_empty() && own {
                continue;
            }
            let wanted = format!(
                "a pod with {} in the same {}",
                selector_text(&term.label_selector),
                term.topology_key
            );
            self.add(all, |view| {
                let here =
                    label(view.node, &term.topology_key).is_some_and(|domain| present.contains_key(domain));
                (!here).then(|| Failure::new(By::PodAffinity, &wanted, "none is there"))
            });
        }
        self.others_anti_affinity(pod, all);
    }

    /// Anti-affinity that pods already running have against the new one.
    fn others_anti_affinity(&self, pod: &Pod, all: &mut [Vec<Failure>]) {
        for view in &self.views {
            for other in &view.pods {
                let terms = &other
                    .spec
                    .affinity
                    .pod_anti_affinity
                    .required_during_scheduling_ignored_during_execution;
                for term in
                    terms.iter().filter(|term| self.term_matches(term, &other.metadata.namespace, pod))
                {
                    let Some(domain) = label(view.node, &term.topology_key) else { continue };
                    self.add(all, |candidate| {
                        (label(candidate.node, &term.topology_key) == Some(domain)).then(|| Failure {
                            blocker: Some(pod_ref(other)),
                            ..Failure::new(
                                By::PodAntiAffinity,
                                format!("a {} without {}", term.topology_key, pod_ref(other)),
                                format!("{} there refuses such neighbours", pod_ref(other)),
                            )
                        })
                    });
                }
            }
        }
    }

    /// Domains of a term's topology key where a matching pod runs, with one such pod.
    fn domains(&self, term: &PodAffinityTerm, namespace: &str) -> BTreeMap<&'a str, ObjectRef> {
        let mut found = BTreeMap::new();
        for view in &self.views {
            let Some(domain) = label(view.node, &term.topology_key) else { continue };
            if let Some(pod) = view.pods.iter().find(|pod| self.term_matches(term, namespace, pod)) {
                found.entry(domain).or_insert_with(|| pod_ref(pod));
            }
        }
        found
    }

    /// Whether a term of a pod in `namespace` is about this pod.
    fn term_matches(&self, term: &PodAffinityTerm, namespace: &str, pod: &Pod) -> bool {
        let own = &pod.metadata.namespace;
        let listed = term.namespaces.contains(own);
        let selected = term.namespace_selector.as_ref().is_some_and(|selector| {
            selector.is_empty()
                || self
                    .state
                    .namespaces
                    .get("", own)
                    .is_some_and(|found| selector.matches(&found.metadata.labels))
        });
        let same = term.namespaces.is_empty() && term.namespace_selector.is_none() && own == namespace;
        (listed || selected || same)
            && term.label_selector.as_ref().is_some_and(|selector| selector.matches(&pod.metadata.labels))
    }

    /// Topology spread that forbids scheduling.
    fn spread(&self, pod: &Pod, all: &mut [Vec<Failure>]) {
        let constraints = pod.spec.topology_spread_constraints.iter();
        for constraint in constraints.filter(|constraint| constraint.when_unsatisfiable != "ScheduleAnyway") {
            let Some(selector) = &constraint.label_selector else { continue };
            let key = &constraint.topology_key;
            let mut domains: BTreeMap<&str, i64> = BTreeMap::new();
            for view in self.views.iter().filter(|view| selection(view.node, pod).is_none()) {
                let Some(domain) = label(view.node, key) else { continue };
                let matching = view.pods.iter().filter(|other| {
                    other.metadata.namespace == pod.metadata.namespace
                        && selector.matches(&other.metadata.labels)
                });
                *domains.entry(domain).or_default() += i64::try_from(matching.count()).unwrap_or(i64::MAX);
            }
            let enough =
                constraint.min_domains.unwrap_or(1) <= i64::try_from(domains.len()).unwrap_or(i64::MAX);
            let least = if enough { domains.values().copied().min().unwrap_or(0) } else { 0 };
            let own = i64::from(selector.matches(&pod.metadata.labels));
            let wanted = format!("at most {} more pods per {key} than elsewhere", constraint.max_skew.max(1));
            self.add(all, |view| match label(view.node, key) {
                None => Some(Failure::new(By::TopologySpread, &wanted, format!("no label {key}"))),
                Some(domain) => {
                    let here = domains.get(domain).copied().unwrap_or(0);
                    (here + own - least > constraint.max_skew.max(1)).then(|| {
                        Failure::new(
                            By::TopologySpread,
                            &wanted,
                            format!("{key}={domain} has {here}, the least {least}"),
                        )
                    })
                }
            });
        }
    }

    /// Volumes that can be reached from some nodes only.
    fn volumes(&self, pod: &Pod, all: &mut [Vec<Failure>]) {
        for name in claim_names(pod) {
            let Some(claim) = self.state.claims.get(&pod.metadata.namespace, &name) else { continue };
            let Some(volume) = self.state.volumes.get("", &claim.spec.volume_name) else { continue };
            let terms = &volume.spec.node_affinity.required.node_selector_terms;
            if terms.is_empty() {
                continue;
            }
            self.add(all, |view| {
                (!terms.iter().any(|term| term.matches(view.node))).then(|| {
                    Failure::new(
                        By::VolumeAffinity,
                        format!(
                            "a node that reaches PersistentVolume {} ({})",
                            volume.metadata.name,
                            terms_text(terms)
                        ),
                        "",
                    )
                })
            });
        }
    }

    /// The values that nodes have for a label, for near misses.
    pub(super) fn label_values(&self, key: &str) -> BTreeSet<&'a str> {
        self.views.iter().filter_map(|view| label(view.node, key)).collect()
    }
}

/// Names of the claims that a pod mounts.
pub(in crate::diagnose) fn claim_names(pod: &Pod) -> Vec<String> {
    let ephemeral =
        |volume: &Volume| volume.ephemeral.as_ref().map(|_| format!("{}-{}", pod.metadata.name, volume.name));
    let named =
        |volume: &Volume| volume.persistent_volume_claim.as_ref().map(|claim| claim.claim_name.to_string());
    pod.spec.volumes.iter().filter_map(|volume| named(volume).or_else(|| ephemeral(volume))).collect()
}

/// Predicates that look at one node and the pods on it.
fn own_failures(view: &NodeView<'_>, pod: &Pod) -> Vec<Failure> {
    let node = view.node;
    let mut failures = Vec::new();
    failures.extend(selection(node, pod));
    let cordoned = node.spec.unschedulable
        && !pod.spec.tolerations.iter().any(|toleration| {
            toleration.tolerates(&Taint {
                key: "node.kubernetes.io/unschedulable".into(),
                effect: "NoSchedule".into(),
                ..Taint::default()
            })
        });
    if cordoned {
        failures.push(Failure::new(By::Cordon, "a schedulable node", "it is cordoned"));
    }
    for taint in untolerated(node, &pod.spec.tolerations) {
        let by = By::of_taint(&taint.key);
        if by != By::Cordon || !cordoned {
            let text = taint_text(taint);
            failures.push(Failure::new(by, format!("a toleration of {text}"), text));
        }
    }
    failures.extend(shortages(view, pod));
    failures.extend(host_ports(view, pod));
    failures
}

/// A taint as kubectl writes it.
pub(super) fn taint_text(taint: &Taint) -> String {
    let value = if taint.value.is_empty() { String::new() } else { format!("={}", taint.value) };
    format!("{}{value}:{}", taint.key, taint.effect)
}

/// The node selector or affinity that the node does not meet.
pub(super) fn selection(node: &Node, pod: &Pod) -> Option<Failure> {
    let labels = &node.metadata.labels;
    if !matches_all(&pod.spec.node_selector, labels) {
        let unmet: Vec<String> = pod
            .spec
            .node_selector
            .iter()
            .filter(|(key, value)| labels.get(*key) != Some(*value))
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        return Some(Failure::new(By::NodeSelector, unmet.join(", "), ""));
    }
    let terms = &pod.spec.affinity.node_affinity.required_during_scheduling_ignored_during_execution;
    let terms = &terms.node_selector_terms;
    if !terms.is_empty() && !terms.iter().any(|term| term.matches(node)) {
        return Some(Failure::new(By::NodeAffinity, terms_text(terms), ""));
    }
    None
}

fn shortages(view: &NodeView<'_>, pod: &Pod) -> Vec<Failure> {
    let allocatable = &view.node.status.allocatable;
    let mut failures = Vec::new();
    if let Some(most) = allocatable.get("pods") {
        let running = i64::try_from(view.pods.len()).unwrap_or(i64::MAX);
        if Quantity::from_units(running.saturating_add(1)) > *most {
            let have = format!("{running} of {most} pods run there");
            failures.push(Failure::new(By::TooManyPods, "room for one more pod", have));
        }
    }
    // A node whose allocatable was not read tells nothing.
    if allocatable.is_empty() {
        return failures;
    }
    for (resource, requested) in requests(&pod.spec) {
        let total = allocatable.get(resource).copied().unwrap_or_default();
        let free = total.minus(view.used.get(resource).copied().unwrap_or_default());
        if requested > free && requested > Quantity::ZERO {
            failures.push(Failure {
                shortage: Some(Shortage {
                    resource: resource.to_owned(),
                    requested,
                    free,
                    allocatable: total,
                }),
                ..Failure::new(
                    By::of_resource(resource),
                    format!("{requested} {resource}"),
                    format!("{free} of {total} free"),
                )
            });
        }
    }
    failures
}

fn host_ports(view: &NodeView<'_>, pod: &Pod) -> Option<Failure> {
    let ports = |pod: &Pod| -> Vec<(i64, String)> {
        let containers = pod.spec.all_containers();
        let ports = containers.flat_map(|container| &container.ports);
        let host = |port: &ContainerPort| match (port.host_port, pod.spec.host_network) {
            (0, true) => port.container_port,
            (port, _) => port,
        };
        ports
            .map(|port| {
                (
                    host(port),
                    if port.protocol.is_empty() { "TCP".to_owned() } else { port.protocol.to_string() },
                )
            })
            .filter(|(port, _)| *port != 0)
            .collect()
    };
    let wanted = ports(pod);
    if wanted.is_empty() {
        return None;
    }
    for other in &view.pods {
        if let Some((port, protocol)) = ports(other).into_iter().find(|port| wanted.contains(port)) {
            return Some(Failure {
                blocker: Some(pod_ref(other)),
                ..Failure::new(
                    By::HostPort,
                    format!("host port {port}/{protocol}"),
                    format!("{} has it", pod_ref(other)),
                )
            });
        }
    }
    None
}

/// What a pod requests: the sum of its containers, or its largest init container, plus overhead.
pub(in crate::diagnose) fn requests(spec: &PodSpec) -> Totals<'_> {
    let mut sum = Totals::new();
    for container in &spec.containers {
        add(&mut sum, of_container(container));
    }
    let mut initial = Totals::new();
    for container in &spec.init_containers {
        if container.restart_policy == "Always" {
            add(&mut sum, of_container(container));
            continue;
        }
        for (name, amount) in of_container(container) {
            let most = initial.entry(name).or_default();
            *most = (*most).max(amount);
        }
    }
    for (name, amount) in initial {
        let total = sum.entry(name).or_default();
        *total = (*total).max(amount);
    }
    add(&mut sum, amounts(&spec.overhead));
    sum
}

/// A container's requests; a limit without a request is the request.
fn of_container(container: &Container) -> Totals<'_> {
    amounts(&container.resources.limits).chain(amounts(&container.resources.requests)).collect()
}

fn amounts(list: &ResourceList) -> impl Iterator<Item = (&str, Quantity)> {
    list.iter().map(|(name, amount)| (name.as_str(), *amount))
}

fn add<'a>(sum: &mut Totals<'a>, more: impl IntoIterator<Item = (&'a str, Quantity)>) {
    for (name, amount) in more {
        let total = sum.entry(name).or_default();
        *total = total.plus(amount);
    }
}

fn label<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    node.metadata.labels.get(key).map(Text::as_str)
}

fn selector_text(selector: &Option<LabelSelector>) -> String {
    let Some(selector) = selector else { return "no labels".to_owned() };
    let labels = selector.match_labels.iter().map(|(key, value)| format!("{key}={value}"));
    let requirements = selector.match_expressions.iter().map(ToString::to_string);
    labels.chain(requirements).collect::<Vec<_>>().join(", ")
}

fn terms_text(terms: &[NodeSelectorTerm]) -> String {
    let term = |term: &NodeSelectorTerm| {
        let requirements = term.match_expressions.iter().chain(&term.match_fields);
        requirements.map(ToString::to_string).collect::<Vec<_>>().join(" and ")
    };
    terms.iter().map(term).collect::<Vec<_>>().join(", or ")
}

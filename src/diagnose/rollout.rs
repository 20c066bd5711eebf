//! Rollouts that do not go on, and workloads that were told to run nothing.

use super::health::still_starting;
use super::{Context, Fact, FactSpec, Facts};
use crate::cluster::topology::Relation;
use crate::cluster::types::{Object, Pod, Workload, condition};
use crate::cluster::{Kind, ObjectRef, Truth};
use crate::evidence::Evidence;
use crate::logs::LogFinding;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[
    FactSpec {
        name: "rollout.stalled",
        about: "the newest revision's pods do not become ready, and the rollout waits for them",
        params: &[
            ("revision", "the newest revision"),
            ("updated", "pods of the newest revision"),
            ("desired", "pods wanted"),
            ("old_ready", "ready pods of the older revision, which still serve"),
            ("deadline", "exceeded where the controller says so"),
            ("changed", "what the newest revision changed, in words"),
        ],
        refs: &[],
    },
    FactSpec {
        name: "rollout.paused",
        about: "the rollout is paused although the template has changed",
        params: &[
            ("image", "the image that waits to be rolled out"),
            ("running", "the image that runs"),
            ("since_seconds", "seconds since it was paused"),
        ],
        refs: &[],
    },
    FactSpec {
        name: "rollout.held",
        about: "pods stay on the older revision because the update strategy says so",
        params: &[
            ("by", "on-delete or partition"),
            ("partition", "the partition"),
            ("outdated", "pods of the older revision"),
            ("image", "the image that waits to be rolled out"),
            ("running", "the image that runs"),
            ("matters", "if-told where some pods are updated and all are ready: a canary"),
        ],
        refs: &[],
    },
    FactSpec {
        name: "workload.zero",
        about: "the workload is scaled to no replicas although something still targets it",
        params: &[
            ("by", "service, ingress, caller, autoscaler: what still targets it"),
            ("service", "the Service that sends to it"),
            ("who", "who needs it"),
            (
                "matters",
                "if-described where another workload runs the application, and nobody calls this one",
            ),
        ],
        refs: &[("service", "the Service that sends to it"), ("caller", "a workload that calls it")],
    },
    FactSpec {
        name: "workload.ordinal",
        about: "a StatefulSet's pods are made in order, and one that is not ready holds up the rest",
        params: &[
            ("pod", "the pod that holds up the rest"),
            ("ordinal", "its ordinal"),
            ("missing", "how many are not made"),
            ("peer", "the pod that it looks for, although that is only made once it is ready"),
            ("line", "what its log says of the peer"),
            ("certainty", "suggestive unless it looks for a peer: it has a reason of its own"),
        ],
        refs: &[],
    },
];

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    for workload in context.state.workloads.iter().filter(|workload| workload.metadata.controller().is_none())
    {
        if workload.metadata.deletion_timestamp.is_some() {
            continue;
        }
        let found = match workload.kind {
            Kind::Deployment => {
                vec![paused(context, workload), stalled(context, workload, facts), zero(context, workload)]
            }
            Kind::StatefulSet => {
                vec![held(context, workload), ordinal(context, workload), zero(context, workload)]
            }
            Kind::DaemonSet => vec![held(context, workload)],
            _ => continue,
        };
        found.into_iter().flatten().for_each(|fact| facts.add(fact));
    }
}

/// The ReplicaSets of a Deployment.
fn sets<'a>(context: &Context<'a>, workload: &Workload) -> Vec<&'a Workload> {
    let owner = ObjectRef::new(Kind::Deployment, &workload.metadata.namespace, &workload.metadata.name);
    let mut sets: Vec<&Workload> = context.topology.controlled_workloads(&owner).collect();
    sets.retain(|set| set.kind == Kind::ReplicaSet);
    sets.sort_by_key(|set| revision(set));
    sets
}

fn revision(set: &Workload) -> i64 {
    set.metadata.annotation("deployment.kubernetes.io/revision").parse().unwrap_or(0)
}

fn images(workload: &Workload) -> String {
    let images = workload.template().spec.containers.iter().map(|container| container.image.as_str());
    images.collect::<Vec<_>>().join(", ")
}

fn paused(context: &Context<'_>, workload: &Workload) -> Option<Fact> {
    if !workload.spec.paused {
        return None;
    }
    let sets = sets(context, workload);
    let same = |set: &&&Workload| set.template().spec.containers == workload.template().spec.containers;
    let ahead = !sets.is_empty() && !sets.iter().any(|set| same(&set));
    let waiting = sets.iter().find(same).is_some_and(|set| {
        set.spec.replicas.unwrap_or(0) < workload.desired()
            && sets.iter().any(|other| !same(&other) && other.spec.replicas.unwrap_or(0) > 0)
    });
    let outdated = sets.is_empty() && workload.status.updated_replicas < workload.desired();
    if !ahead && !waiting && !outdated {
        return None;
    }
    let object = workload.object_ref();
    let progressing = condition(&workload.status.conditions, "Progressing");
    let running = sets.iter().rev().find(|set| set.status.replicas > 0 && !same(set));
    let mut fact = Fact::new("rollout.paused", object.clone())
        .param("image", images(workload))
        .evidence([Evidence::spec(object.clone(), "spec.paused", "true")])
        .since(progressing.and_then(|condition| condition.last_transition_time.get()));
    if let Some(seconds) =
        progressing.and_then(|condition| context.state.age_seconds(condition.last_transition_time))
    {
        fact = fact.param("since_seconds", seconds);
    }
    Some(match running {
        Some(set) => fact.param("running", images(set)).evidence([Evidence::spec(
            set.object_ref(),
            "spec.template.spec.containers[].image",
            images(set),
        )]),
        None => fact,
    })
}

fn stalled(context: &Context<'_>, workload: &Workload, facts: &Facts) -> Option<Fact> {
    let sets = sets(context, workload);
    let (newest, older) = sets.split_last()?;
    let progressing = condition(&workload.status.conditions, "Progressing");
    let exceeded = progressing.is_some_and(|condition| condition.reason == "ProgressDeadlineExceeded");
    let wanted = newest.spec.replicas.unwrap_or(0);
    let behind = wanted > 0 && newest.status.ready_replicas < wanted;
    let old_ready: i64 = older.iter().map(|set| set.status.ready_replicas).sum();
    let mixed = older.iter().any(|set| set.spec.replicas.unwrap_or(0) > 0);
    if workload.spec.paused || !behind || !(mixed || (exceeded && revision(newest) > 1)) {
        return None;
    }
    if !exceeded && goes_on(context, newest) {
        return None;
    }
    let object = workload.object_ref();
    let mut fact = Fact::new("rollout.stalled", object.clone())
        .param("revision", revision(newest))
        .param("updated", newest.status.replicas)
        .param("desired", workload.desired())
        .param("old_ready", old_ready)
        .evidence([Evidence::status(
            newest.object_ref(),
            "status.readyReplicas",
            newest.status.ready_replicas.to_string(),
        )
        .at(newest.metadata.creation_timestamp.get())])
        .since(newest.metadata.creation_timestamp.get());
    if exceeded {
        fact = fact.param("deadline", "exceeded").evidence(progressing.map(|found| {
            Evidence::status(object.clone(), "status.conditions[Progressing].reason", &found.reason)
                .excerpt(found.message.clone())
        }));
    }
    let changed = facts.about("change.template", &object).next().map(|change| change.text("what").to_owned());
    Some(match changed {
        Some(changed) => fact.param("changed", changed),
        None => fact,
    })
}

/// Whether the newest revision has its pods, and those that are not ready have time left.
fn goes_on(context: &Context<'_>, newest: &Workload) -> bool {
    let set = newest.object_ref();
    let mut pods = context.topology.controlled_pods(&set).filter(|pod| !pod.is_ready()).peekable();
    pods.peek().is_some() && pods.all(|pod| still_starting(context, pod))
}

/// Pods kept on an older revision by `OnDelete` or a partition.
fn held(context: &Context<'_>, workload: &Workload) -> Option<Fact> {
    let strategy = &workload.spec.update_strategy;
    let (by, outdated) = match workload.kind {
        Kind::StatefulSet => {
            let status = &workload.status;
            let differs =
                !status.update_revision.is_empty() && status.current_revision != status.update_revision;
            let outdated = (workload.desired() - status.updated_replicas).max(0);
            let partition = strategy.rolling_update.partition.unwrap_or(0);
            if !differs || outdated == 0 {
                return None;
            }
            match strategy.r#type.as_str() {
                "OnDelete" => ("on-delete", outdated),
                _ if partition > 0 && outdated <= partition => ("partition", outdated),
                _ => return None,
            }
        }
        _ => {
            let outdated =
                workload.status.desired_number_scheduled - workload.status.updated_number_scheduled;
            if strategy.r#type != "OnDelete" || outdated <= 0 {
                return None;
            }
            ("on-delete", outdated)
        }
    };
    let object = workload.object_ref();
    let new: Vec<&str> =
        workload.template().spec.containers.iter().map(|container| container.image.as_str()).collect();
    let running = context
        .topology
        .pods_of(&object)
        .iter()
        .flat_map(|pod| &pod.spec.containers)
        .map(|container| container.image.as_str())
        .find(|image| !new.contains(image));
    let path = if by == "partition" {
        "spec.updateStrategy.rollingUpdate.partition"
    } else {
        "spec.updateStrategy.type"
    };
    let value = if by == "partition" {
        strategy.rolling_update.partition.unwrap_or(0).to_string()
    } else {
        strategy.r#type.to_string()
    };
    let mut fact = Fact::new("rollout.held", object.clone())
        .param("by", by)
        .param("outdated", outdated)
        .param("image", new.join(", "))
        .evidence([
            Evidence::spec(object.clone(), path, value),
            Evidence::status(object, "status.updatedReplicas", workload.status.updated_replicas.to_string()),
        ]);
    if let Some(partition) = strategy.rolling_update.partition.filter(|_| by == "partition") {
        fact = fact.param("partition", partition);
        // A canary: who asks why the version is old hears of it, others do not.
        let canary = partition > 0 && workload.status.ready_replicas >= workload.desired();
        if canary && workload.status.updated_replicas > 0 {
            fact = fact.param("matters", "if-told");
        }
    }
    Some(match running {
        Some(running) => fact.param("running", running),
        None => fact,
    })
}

/// No replicas, although a Service with traffic, an Ingress, an autoscaler or a caller targets it.
fn zero(context: &Context<'_>, workload: &Workload) -> Option<Fact> {
    if workload.spec.replicas != Some(0) {
        return None;
    }
    let object = workload.object_ref();
    let mut fact = Fact::new("workload.zero", object.clone()).evidence([Evidence::spec(
        object.clone(),
        "spec.replicas",
        "0",
    )]);
    let services: Vec<&ObjectRef> = context
        .topology
        .services_of(&object)
        .filter(|service| !has_other_backend(context, service, &object))
        .collect();
    let service = services.first();
    if let Some(service) = service {
        fact = fact.param("service", service.name.to_string()).object("service", (*service).clone());
    }
    for service in &services {
        fact = fact.affects((*service).clone());
    }
    let targets = services.iter().flat_map(|service| context.topology.to(service));
    let mut by = None;
    for edge in targets {
        match edge.relation {
            Relation::Routes => by = Some(("ingress", edge.from.clone())),
            Relation::Calls if edge.from != object && by.is_none() => {
                by = Some(("caller", edge.from.clone()))
            }
            _ => {}
        }
        fact = fact.affects(edge.from.clone());
    }
    let scaled = context
        .topology
        .to(&object)
        .find(|edge| edge.relation == Relation::Scales)
        .map(|edge| ("autoscaler", edge.from.clone()));
    let by = by.or(scaled).or_else(|| service.map(|service| ("service", (*service).clone())));
    let (by, who) = by?;
    if by == "caller" {
        fact = fact.object("caller", who.clone());
    }
    if by == "service" && has_twin(context, workload) {
        fact = fact.param("matters", "if-told");
    }
    Some(fact.param("by", by).param("who", who.to_string()).since(scaled_at(context, &object)))
}

/// Whether another workload runs the same application: the idle slot of a blue-green pair has a
/// Service too, which nobody calls.
fn has_twin(context: &Context<'_>, workload: &Workload) -> bool {
    const APPLICATION: [&str; 3] = ["app.kubernetes.io/name", "app", "k8s-app"];
    let application = |one: &Workload| {
        APPLICATION
            .iter()
            .find_map(|key| one.template().metadata.labels.get(*key).map(|name| name.to_string()))
    };
    let Some(own) = application(workload) else { return false };
    context.state.workloads.in_namespace(&workload.metadata.namespace).iter().any(|other| {
        other.kind == workload.kind
            && other.metadata.name != workload.metadata.name
            && application(other).is_some_and(|name| name == own)
            && context.topology.pods_of(&other.object_ref()).iter().any(|pod| pod.is_ready())
    })
}

/// Whether a Service has ready pods of another workload, so that it needs not this one.
fn has_other_backend(context: &Context<'_>, service: &ObjectRef, own: &ObjectRef) -> bool {
    context
        .topology
        .workloads_behind(service)
        .filter(|workload| *workload != own)
        .any(|workload| context.topology.pods_of(workload).iter().any(|pod| pod.is_ready()))
}

/// When the workload was scaled down, as its events say.
fn scaled_at(context: &Context<'_>, object: &ObjectRef) -> Option<jiff::Timestamp> {
    let events = context.state.events_of(object).iter().rev();
    events.filter(|event| event.message.contains("to 0")).find_map(|event| event.last().get())
}

/// `OrderedReady`: a pod that is not ready keeps those with higher ordinals from being made.
fn ordinal(context: &Context<'_>, workload: &Workload) -> Option<Fact> {
    let desired = workload.desired();
    if workload.spec.pod_management_policy == "Parallel" || workload.status.ready_replicas >= desired {
        return None;
    }
    let object = workload.object_ref();
    let pods = context.topology.pods_of(&object);
    let missing = desired - i64::try_from(pods.len()).unwrap_or(i64::MAX);
    let number = |name: &str| name.rsplit_once('-').and_then(|(_, ordinal)| ordinal.parse::<i64>().ok());
    let blocking = pods
        .iter()
        .filter(|pod| !pod.is_ready())
        .filter_map(|pod| Some((number(&pod.metadata.name)?, *pod)))
        .min_by_key(|(ordinal, _)| *ordinal)?;
    if missing <= 0 {
        return None;
    }
    let (ordinal, pod) = blocking;
    let fact = Fact::new("workload.ordinal", object)
        .param("pod", pod.metadata.name.clone())
        .param("ordinal", ordinal)
        .param("missing", missing)
        .evidence([Evidence::status(pod.object_ref(), "status.phase", &pod.status.phase)])
        .since(pod.metadata.creation_timestamp.get());
    Some(match peer_wanted(context, workload, pod) {
        Some((finding, peer)) => fact
            .param("line", finding.excerpt.clone())
            .param("peer", &*peer.name)
            .evidence([super::net::line(finding), Evidence::absence(peer, "no such pod")]),
        None => fact.param("certainty", "suggestive"),
    })
}

/// The deadlock of `OrderedReady` with processes that get ready only together: what the pod that
/// holds up the rest logs of one of them.
fn peer_wanted<'a>(
    context: &Context<'a>,
    workload: &Workload,
    pod: &Pod,
) -> Option<(&'a LogFinding, ObjectRef)> {
    let object = workload.object_ref();
    // Without the Service that names them, no pod of the set is found, made or not.
    if context.state.exists(&Kind::Service, object.ns(), &workload.spec.service_name) != Truth::True {
        return None;
    }
    let absent = |name: &str| {
        let number = name.strip_prefix(&*object.name).and_then(|rest| rest.strip_prefix('-'));
        number.is_some_and(|number| number.parse::<i64>().is_ok_and(|number| number < workload.desired()))
            && context.state.pods.get(object.ns(), name).is_none()
    };
    let found = context.logs.iter().filter(|finding| {
        finding.workload == object && finding.key.pod == pod.metadata.name && !finding.recovered
    });
    let wanted = found.filter_map(|finding| {
        let peer = finding.target.as_ref()?.host.split('.').next().filter(|peer| absent(peer))?;
        Some((finding, ObjectRef::new(Kind::Pod, object.ns(), peer)))
    });
    wanted.last()
}

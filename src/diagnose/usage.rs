//! CPU and memory in use against what containers may use.
//!
//! From the metrics API, range metrics and alerts. Names of metrics and alerts differ between
//! exporters, so roles are told by words that their names share, not by one exporter's spelling.

use std::collections::BTreeMap;

use super::container::{Instance, instances, mentions};
use super::{Context, Fact, FactSpec, Facts, net};
use crate::cluster::event::Event;
use crate::cluster::quantity::Quantity;
use crate::cluster::selector::Labels;
use crate::cluster::telemetry::{Alert, Series};
use crate::cluster::topology::Relation;
use crate::cluster::types::{Object, Text};
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::{Evidence, Source};
use crate::logs::LogFinding;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[
    FactSpec {
        name: "usage.cpu",
        about: "the workload's CPU usage is at its limit, throttled, or has jumped",
        params: &[
            ("class", "at-limit, throttled, overload or suspected"),
            ("container", "the container"),
            ("usage", "the usage"),
            ("limit", "the limit"),
            ("percent", "usage in percent of the limit"),
            ("factor", "how many times the earlier usage"),
            ("line", "what the log or alert says"),
            ("certainty", "suggestive where no metric says so"),
            ("unanswered", "who waits in vain: its probes, or a caller"),
        ],
        refs: &[],
    },
    FactSpec {
        name: "usage.memory",
        about: "the container's memory usage is near its limit",
        params: &[
            ("container", "the container"),
            ("usage", "the usage"),
            ("limit", "the limit"),
            ("percent", "usage in percent of the limit"),
        ],
        refs: &[],
    },
];

/// Percent of a limit from which usage counts as at it.
const AT_LIMIT: i128 = 90;
/// A CPU limit up to which slow answers alone raise the suspicion.
const TINY_CPU_MILLI: i128 = 100;
/// Share of its periods in which a workload that is throttled for good is held back.
const MOSTLY: f64 = 0.5;
/// How many times its earlier usage makes a jump.
const JUMP: f64 = 4.0;
/// How many times its earlier usage makes a rise that throttling goes with.
const RISE: f64 = 2.0;

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    for instance in instances(context).iter().filter(|instance| !instance.init) {
        from_metrics(context, instance, facts);
        suspected(context, instance, facts);
    }
    for (workload, sign) in telemetry(context) {
        let limit = cpu_limit(context, &workload);
        if let Some(fact) = sign.fact(workload.clone(), limit) {
            let fact = unanswered(context, facts, &workload, fact);
            facts.add(fact);
        }
    }
}

/// Adds who waits for the workload in vain: being at a limit alone harms nobody.
fn unanswered(context: &Context<'_>, facts: &Facts, workload: &ObjectRef, fact: Fact) -> Fact {
    let call = facts.named("call.failing").find(|call| {
        call.subject != *workload
            && call.refs.get("callee") == Some(workload)
            && call.text("signature") == "connection-timeout"
    });
    if let Some(call) = call {
        let fact = fact.param("unanswered", call.subject.to_string());
        return fact.affects(call.subject.clone()).evidence(call.evidence.iter().cloned());
    }
    let events =
        context.topology.pods_of(workload).iter().flat_map(|pod| {
            context.state.events_of(&pod.object_ref()).iter().filter(|event| is_timeout(event))
        });
    match events.max_by_key(|event| event.last()) {
        Some(event) => fact.param("unanswered", "its probes").evidence([Evidence::event(event)]),
        None => starved(context, workload, fact),
    }
}

/// Adds what the log of a workload at its limit says of threads that do not get to run, and the
/// workloads that call it and say that they wait.
fn starved(context: &Context<'_>, workload: &ObjectRef, fact: Fact) -> Fact {
    let own = context.logs.with(workload, "hang").find(|finding| !finding.recovered);
    let Some(own) = own else { return fact };
    let fact =
        fact.param("unanswered", "its callers").param("line", own.excerpt.clone()).evidence([net::line(own)]);
    let waits = |finding: &&LogFinding| {
        let slow = ["connection-timeout", "slow", "queue-full", "upstream-error", "hang"];
        slow.contains(&finding.signature) && !finding.recovered
    };
    let entrances = context.topology.services_of(workload).chain([workload]);
    let calls = entrances.flat_map(|entrance| context.topology.to(entrance));
    let calls = calls.filter(|edge| edge.relation == Relation::Calls && edge.from != *workload);
    calls.fold(fact, |fact, edge| match context.logs.of(&edge.from).find(waits) {
        Some(line) => fact.affects(edge.from.clone()).evidence([net::line(line)]),
        None => fact,
    })
}

/// Whether a probe was not answered in time.
fn is_timeout(event: &Event) -> bool {
    event.reason == "Unhealthy"
        && mentions(&event.message.to_lowercase(), &["deadline exceeded", "client.timeout", "timed out"])
}

fn from_metrics(context: &Context<'_>, instance: &Instance<'_>, facts: &mut Facts) {
    let Some(metrics) = context.state.pod_metrics.get(instance.namespace(), &instance.pod.metadata.name)
    else {
        return;
    };
    let Some(usage) = metrics.containers.iter().find(|container| container.name == instance.name()) else {
        return;
    };
    let Some(spec) = instance.spec else { return };
    for (resource, name) in [("cpu", "usage.cpu"), ("memory", "usage.memory")] {
        let (Some(used), Some(limit)) = (usage.usage.get(resource), spec.resources.limits.get(resource))
        else {
            continue;
        };
        let percent = percent(*used, *limit);
        if percent < AT_LIMIT {
            continue;
        }
        let mut fact = Fact::new(name, instance.workload.clone())
            .param("container", instance.name())
            .param("usage", used.to_string())
            .param("limit", limit.to_string())
            .param("percent", i64::try_from(percent).unwrap_or(i64::MAX))
            .evidence([Evidence::new(
                Source::Metric,
                instance.pod_ref(),
                format!("containers[{}].usage.{resource}", instance.name()),
                format!("{used} of {limit}"),
            )
            .at(metrics.timestamp.get())]);
        if resource == "cpu" {
            fact = unanswered(context, facts, instance.workload, fact.param("class", "at-limit"));
        }
        super::container::state(facts, fact);
    }
}

/// A container's memory usage in percent of its limit, where both are known.
pub(super) fn memory_percent(context: &Context<'_>, instance: &Instance<'_>) -> Option<i128> {
    let metrics = context.state.pod_metrics.get(instance.namespace(), &instance.pod.metadata.name)?;
    let usage = metrics.containers.iter().find(|container| container.name == instance.name())?;
    let (used, limit) = (usage.usage.get("memory")?, instance.spec?.resources.limits.get("memory")?);
    Some(percent(*used, *limit))
}

fn percent(used: Quantity, limit: Quantity) -> i128 {
    if limit.milli() <= 0 { 0 } else { used.milli() * 100 / limit.milli() }
}

/// Slow answers and timed-out probes under a CPU limit that hardly any process could live with.
fn suspected(context: &Context<'_>, instance: &Instance<'_>, facts: &mut Facts) {
    let Some(limit) = instance.spec.and_then(|spec| spec.resources.limits.get("cpu")) else { return };
    if limit.milli() > TINY_CPU_MILLI || limit.milli() <= 0 || facts.holds("usage.cpu", instance.workload) {
        return;
    }
    let slow = context.logs.of(instance.workload).find(|finding| {
        finding.key.container == instance.name()
            && matches!(finding.signature, "slow" | "slow-request" | "slow-operation")
    });
    let timed_out = instance.events(context.state).into_iter().find(|event| is_timeout(event));
    let certainty = match (slow, timed_out) {
        (Some(_), Some(_)) => "computed",
        (Some(_), None) => "suggestive",
        _ => return,
    };
    let mut fact = Fact::new("usage.cpu", instance.workload.clone())
        .param("class", "suspected")
        .param("container", instance.name())
        .param("limit", limit.to_string())
        .param("certainty", certainty)
        .evidence([Evidence::spec(
            instance.pod_ref(),
            format!("spec.containers[{}].resources.limits.cpu", instance.name()),
            limit.to_string(),
        )])
        .evidence(timed_out.map(Evidence::event));
    if let Some(finding) = slow {
        fact = fact.param("line", finding.excerpt.clone()).since(finding.first).evidence([Evidence::new(
            Source::Log,
            instance.pod_ref(),
            format!("log of {}", instance.name()),
            finding.signature,
        )
        .excerpt(finding.excerpt.clone())
        .times(finding.count)]);
    }
    super::container::state(facts, fact);
}

/// What alerts and range metrics say of one workload's CPU.
#[derive(Default)]
struct Sign {
    throttled: bool,
    factor: f64,
    usage: f64,
    evidence: Vec<Evidence>,
    line: Option<String>,
    since: Option<jiff::Timestamp>,
}

impl Sign {
    /// `limit` is the CPU limit of the workload's largest container, in cores.
    fn fact(self, workload: ObjectRef, limit: Option<f64>) -> Option<Fact> {
        // A rise alone is work; it is trouble where it meets a bound. Throttling that began
        // together with a rise is the rise's doing, not the limit's.
        let bound = self.throttled || self.usage >= limit.map_or(1.0, |limit| limit * 0.8);
        let jumped = bound && self.factor >= if self.throttled { RISE } else { JUMP };
        let class = match (self.throttled, jumped) {
            (_, true) => "overload",
            (true, false) => "throttled",
            (false, false) => return None,
        };
        let mut fact =
            Fact::new("usage.cpu", workload).param("class", class).evidence(self.evidence).since(self.since);
        if jumped {
            fact = fact.param("factor", (self.factor * 10.0).round() / 10.0);
        }
        if self.usage > 0.0 {
            fact = fact.param("usage", format!("{:.2} cores", self.usage));
        }
        Some(match self.line {
            Some(line) => fact.param("line", line),
            None => fact,
        })
    }
}

fn cpu_limit(context: &Context<'_>, workload: &ObjectRef) -> Option<f64> {
    let containers = &context.state.workload_of(workload)?.template().spec.containers;
    let limits = containers.iter().filter_map(|container| container.resources.limits.get("cpu"));
    limits.max().map(|limit| limit.as_f64())
}

/// Words of alerts and metrics about throttling.
const THROTTLING: [&str; 3] = ["throttl", "cfs", "cpu_quota"];

fn telemetry(context: &Context<'_>) -> BTreeMap<ObjectRef, Sign> {
    let mut signs: BTreeMap<ObjectRef, Sign> = BTreeMap::new();
    for series in &context.state.series {
        let name = series.metric.get("__name__").map(|name| name.to_lowercase()).unwrap_or_default();
        if !name.contains("cpu") && !mentions(&name, &THROTTLING) {
            continue;
        }
        let Some(workload) = subject(context, &series.metric) else { continue };
        if name.ends_with("_total") && mentions(&name, &["throttl", "cfs"]) {
            // Counters tell nothing by their height: see `throttled_share`.
            continue;
        }
        let Some((before, after)) = levels(series) else { continue };
        let sign = signs.entry(workload.clone()).or_default();
        if mentions(&name, &THROTTLING) {
            if after >= 0.2 && after >= before * JUMP {
                sign.throttled = true;
                sign.evidence.push(Evidence::new(
                    Source::Metric,
                    workload,
                    name,
                    format!("{before:.3} → {after:.3}"),
                ));
            }
        } else if after >= 0.05 && after >= before * RISE {
            sign.factor = sign.factor.max(if before > 0.0 { after / before } else { JUMP });
            sign.usage = sign.usage.max(after);
            sign.evidence.push(Evidence::new(
                Source::Metric,
                workload,
                name,
                format!("{before:.3} → {after:.3}"),
            ));
        }
    }
    for (workload, share) in throttled_share(context) {
        let sign = signs.entry(workload.clone()).or_default();
        sign.throttled = true;
        let value = format!("{:.0} % of the periods", share * 100.0);
        sign.evidence.push(Evidence::new(Source::Metric, workload, "throttled CFS periods", value));
    }
    for alert in context.state.alerts.iter().filter(|alert| is_active(alert)) {
        let text =
            alert.labels.values().chain(alert.annotations.values()).cloned().collect::<Vec<_>>().join(" ");
        let lower = text.to_lowercase();
        if !lower.contains("cpu") && !mentions(&lower, &THROTTLING) {
            continue;
        }
        let Some(workload) = subject(context, &alert.labels) else { continue };
        let sign = signs.entry(workload.clone()).or_default();
        if mentions(&lower, &THROTTLING) {
            sign.throttled = true;
        }
        if let Some(percent) = growth(&lower) {
            sign.factor = sign.factor.max(1.0 + percent / 100.0);
        }
        let name = alert.labels.get("alertname").cloned().unwrap_or_default();
        let said = alert
            .annotations
            .get("description")
            .or(alert.annotations.get("summary"))
            .cloned()
            .unwrap_or_default();
        sign.line.get_or_insert_with(|| said.to_string());
        sign.since = sign.since.or(alert.starts_at.get());
        sign.evidence
            .push(Evidence::new(Source::Alert, workload, "", name).excerpt(said).at(alert.starts_at.get()));
    }
    signs
}

/// Workloads that were throttled in most periods of the scheduler, by its two counters.
fn throttled_share(context: &Context<'_>) -> BTreeMap<ObjectRef, f64> {
    let mut periods: BTreeMap<ObjectRef, (f64, f64)> = BTreeMap::new();
    for series in &context.state.series {
        let name = series.metric.get("__name__").map_or("", Text::as_str);
        let throttled = match name {
            _ if name.ends_with("throttled_periods_total") => true,
            _ if name.ends_with("cfs_periods_total") => false,
            _ => continue,
        };
        let Some(workload) = subject(context, &series.metric) else { continue };
        let (hit, all) = periods.entry(workload).or_default();
        *(if throttled { hit } else { all }) += growth_of(series);
    }
    let share = |(workload, (hit, all)): (ObjectRef, (f64, f64))| (workload, hit / all);
    periods
        .into_iter()
        .filter(|(_, (_, all))| *all > 0.0)
        .map(share)
        .filter(|(_, one)| *one >= MOSTLY)
        .collect()
}

/// How much a counter grew, over its resets.
fn growth_of(series: &Series) -> f64 {
    let values: Vec<f64> = series.values.iter().filter_map(|sample| sample.value()).collect();
    values
        .iter()
        .zip(values.iter().skip(1))
        .map(|(a, b)| (b - a).max(0.0))
        .filter(|one| one.is_finite())
        .sum()
}

fn is_active(alert: &Alert) -> bool {
    matches!(alert.status.state.as_str(), "" | "active" | "firing" | "unprocessed")
}

/// The growth that an alert states, in percent.
fn growth(text: &str) -> Option<f64> {
    let (_, rest) = text.split_once("(+")?;
    rest.split_once('%')?.0.trim().parse().ok()
}

/// The workload that labels name: a pod, a workload, or a Service with one workload behind it.
fn subject(context: &Context<'_>, labels: &Labels) -> Option<ObjectRef> {
    let namespaces: Vec<&str> = match labels.get("namespace").or(labels.get("kubernetes_namespace")) {
        Some(namespace) => vec![namespace],
        None => context.state.namespaces.iter().map(|namespace| namespace.metadata.name.as_str()).collect(),
    };
    for namespace in namespaces {
        if let Some(pod) = labels.get("pod").or(labels.get("pod_name")) {
            return Some(context.topology.workload_of(&ObjectRef::new(Kind::Pod, namespace, pod)));
        }
        for (label, kind) in [
            ("deployment", Kind::Deployment),
            ("statefulset", Kind::StatefulSet),
            ("daemonset", Kind::DaemonSet),
        ] {
            if let Some(name) = labels.get(label)
                && let Some(workload) = context.state.workload(&kind, namespace, name)
            {
                return Some(workload.object_ref());
            }
        }
        for label in ["workload", "service", "app", "container", "job"] {
            let Some(name) = labels.get(label) else { continue };
            let named = context.state.workloads.named(namespace, name).iter().find(|workload| {
                matches!(workload.kind, Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet)
            });
            if let Some(workload) = named {
                return Some(workload.object_ref());
            }
            let service = ObjectRef::new(Kind::Service, namespace, name);
            let mut behind = context.topology.workloads_behind(&service);
            if let (Some(only), None) = (behind.next(), behind.next()) {
                return Some(only.clone());
            }
        }
    }
    None
}

/// The median of a series' first quarter and the upper quartile of its second half.
fn levels(series: &Series) -> Option<(f64, f64)> {
    let values: Vec<f64> =
        series.values.iter().filter_map(|sample| sample.value()).filter(|value| value.is_finite()).collect();
    if values.len() < 8 {
        return None;
    }
    let rank = |part: &[f64], numerator: usize| {
        let mut sorted = part.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() * numerator / 4).copied()
    };
    Some((rank(values.get(..values.len() / 4)?, 2)?, rank(values.get(values.len() / 2..)?, 3)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::telemetry::Sample;

    #[test]
    fn levels_of_a_jump() {
        let values = (0..24)
            .map(|index| Sample(f64::from(index), if index < 15 { "0.01" } else { "0.2" }.to_owned()))
            .collect();
        let series = Series { metric: Labels::default(), values };
        assert_eq!(levels(&series), Some((0.01, 0.2)));
    }

    #[test]
    fn counters_grow_over_their_resets() {
        let values = ["4000", "4100", "20", "120"].map(|value| Sample(0.0, value.to_owned())).into();
        let series = Series { metric: Labels::default(), values };
        assert!((growth_of(&series) - 200.0).abs() < 1e-9);
    }

    #[test]
    fn growth_of_an_alert() {
        assert_eq!(growth("normal=0.00 cores -> current=0.15 cores (+3744.6%)"), Some(3744.6));
        assert_eq!(growth("cpu is high"), None);
    }
}

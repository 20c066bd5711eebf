//! Metrics, as Prometheus reads them.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::store::Counts;

/// The media type of what [`Metrics::render`] writes.
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Labels of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    /// The route's pattern, so that ids make no new series.
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

/// Labels of an investigation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InvestigationLabels {
    /// The verdict, or `failed` or `cancelled`.
    verdict: String,
}

/// Labels of an answer to a cluster request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClusterLabels {
    /// `cluster` or `cache`.
    from: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StatusLabels {
    status: &'static str,
}

/// Everything that is counted. Cheap to share by reference.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    investigations: Family<InvestigationLabels, Counter>,
    investigation_seconds: Histogram,
    cluster_requests: Family<ClusterLabels, Counter>,
    llm_calls: Counter,
    queue_depth: Gauge,
    incidents: Family<StatusLabels, Gauge>,
    store_bytes: Gauge,
    connections: Gauge,
    ready: Gauge,
}

fn quick() -> Histogram {
    Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0])
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("sre_orch");
        let metrics = Self {
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(quick as fn() -> Histogram),
            investigations: Family::default(),
            investigation_seconds: Histogram::new([
                0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
            ]),
            cluster_requests: Family::default(),
            llm_calls: Counter::default(),
            queue_depth: Gauge::default(),
            incidents: Family::default(),
            store_bytes: Gauge::default(),
            connections: Gauge::default(),
            ready: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register("http_requests", "Requests answered", metrics.requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Time from a request's headers to the answer's",
            Unit::Seconds,
            metrics.request_seconds.clone(),
        );
        registry.register("investigations", "Investigations ended", metrics.investigations.clone());
        registry.register_with_unit(
            "investigation_duration",
            "Time from claim to end of an investigation",
            Unit::Seconds,
            metrics.investigation_seconds.clone(),
        );
        registry.register(
            "cluster_requests",
            "Answers to requests for cluster state, by who gave them",
            metrics.cluster_requests.clone(),
        );
        registry.register("llm_calls", "Calls to a language model", metrics.llm_calls.clone());
        registry.register("queue_depth", "Incidents that wait", metrics.queue_depth.clone());
        registry.register("incidents", "Incidents stored", metrics.incidents.clone());
        registry.register_with_unit(
            "store",
            "Size of all incidents",
            Unit::Bytes,
            metrics.store_bytes.clone(),
        );
        registry.register("connections", "Connections open", metrics.connections.clone());
        registry.register("ready", "1 where the server can investigate", metrics.ready.clone());
        Self { registry, ..metrics }
    }
}

impl Metrics {
    /// A request was answered.
    pub(crate) fn request(&self, method: &str, route: &str, status: u16, took: Duration) {
        let labels = RequestLabels { method: method.to_owned(), route: route.to_owned(), status };
        self.requests.get_or_create(&labels).inc();
        self.request_seconds
            .get_or_create(&RouteLabels { route: route.to_owned() })
            .observe(took.as_secs_f64());
    }

    /// An investigation ended.
    pub(crate) fn investigation(&self, verdict: &str, took: Option<Duration>) {
        self.investigations.get_or_create(&InvestigationLabels { verdict: verdict.to_owned() }).inc();
        if let Some(took) = took {
            self.investigation_seconds.observe(took.as_secs_f64());
        }
    }

    /// A request for cluster state was answered.
    pub(crate) fn cluster_request(&self, from_cache: bool) {
        let from = if from_cache { "cache" } else { "cluster" };
        self.cluster_requests.get_or_create(&ClusterLabels { from }).inc();
    }

    /// A language model was called.
    pub(crate) fn llm_calls(&self, calls: u64) {
        self.llm_calls.inc_by(calls);
    }

    /// Connections are open.
    pub(crate) fn connections(&self, open: usize) {
        self.connections.set(i64::try_from(open).unwrap_or(i64::MAX));
    }

    /// Writes all, with what the store says and whether the server is ready.
    pub(crate) fn render(&self, counts: Counts, ready: bool) -> Result<String, std::fmt::Error> {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.queue_depth.set(number(counts.pending));
        for (status, count) in
            [("pending", counts.pending), ("running", counts.running), ("finished", counts.finished)]
        {
            self.incidents.get_or_create(&StatusLabels { status }).set(number(count));
        }
        self.store_bytes.set(number(counts.bytes));
        self.ready.set(i64::from(ready));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

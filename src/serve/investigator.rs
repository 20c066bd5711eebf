//! What investigates: the pipeline over one cluster or snapshot.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::SignedDuration;

use super::cache::ClusterCache;
use super::metrics::Metrics;
use crate::agent::{AgentError, Limits, Source};
use crate::cluster::types::LabelSelector;
use crate::knowledge::Graph;
use crate::pipeline::{self, Progress, Request};
use crate::redact;
use crate::report::model::Report;
use crate::store::{Failure, Question, Since};

/// Longest that readiness waits for the cluster.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

/// Answers questions about a cluster.
pub trait Investigator: Send + Sync + 'static {
    /// Investigates one question.
    fn investigate(
        &self,
        question: Question,
        progress: Arc<dyn Progress>,
    ) -> BoxFuture<'static, Result<Report, Failure>>;

    /// Whether it could investigate now, else why not.
    fn ready(&self) -> BoxFuture<'static, Result<(), String>>;

    /// The longest that one investigation may take.
    fn deadline(&self) -> Duration;
}

/// What every investigation of a server shares.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// Namespaces where the question names none; empty: all.
    pub namespaces: Vec<String>,
    /// How far back to look where the question does not say.
    pub since: SignedDuration,
    /// What reading may cost.
    pub limits: Limits,
    /// Whether reports list hygiene findings.
    pub hygiene: bool,
}

/// Runs the pipeline over a cluster or snapshot, whose answers investigations share for a while.
#[derive(Debug)]
pub struct PipelineInvestigator {
    /// Reads through the cache.
    source: Source,
    /// Reads past it.
    direct: Source,
    graph: Arc<Graph>,
    defaults: Defaults,
    metrics: Arc<Metrics>,
}

impl PipelineInvestigator {
    /// Shares answers for `fresh`. Call within the runtime that is to read the cluster.
    pub fn new(
        source: Source,
        graph: Arc<Graph>,
        defaults: Defaults,
        fresh: Duration,
        metrics: Arc<Metrics>,
    ) -> Self {
        let cached = ClusterCache::new(source.client.clone(), fresh, Arc::clone(&metrics));
        let client = kube::Client::new(cached, source.default_namespace.clone());
        let direct = source.clone();
        Self { source: Source { client, ..source }, direct, graph, defaults, metrics }
    }

    fn request(&self, question: Question) -> Request {
        let labels = question.labels.into_iter().map(|(key, value)| (key, value.into()));
        let selector = LabelSelector { match_labels: labels.collect(), ..LabelSelector::default() };
        let namespaces = question.namespace.map(|namespace| vec![namespace]);
        Request {
            description: question.description,
            namespaces: namespaces.unwrap_or_else(|| self.defaults.namespaces.clone()),
            selector: Some(selector).filter(|selector| !selector.match_labels.is_empty()),
            since: question.since.as_ref().map_or(self.defaults.since, Since::duration),
            limits: self.defaults.limits,
            hygiene: self.defaults.hygiene,
            triage: true,
        }
    }
}

impl Investigator for PipelineInvestigator {
    fn investigate(
        &self,
        question: Question,
        progress: Arc<dyn Progress>,
    ) -> BoxFuture<'static, Result<Report, Failure>> {
        let request = self.request(question);
        let (source, graph, metrics) =
            (self.source.clone(), Arc::clone(&self.graph), Arc::clone(&self.metrics));
        async move {
            let report = pipeline::investigate(source, &graph, &request, &*progress).await;
            let report = report.map_err(|error| failure(&error))?;
            metrics.llm_calls(report.stats.llm.as_ref().map_or(0, |llm| llm.calls));
            Ok(report)
        }
        .boxed()
    }

    fn ready(&self) -> BoxFuture<'static, Result<(), String>> {
        if self.direct.is_snapshot() {
            return futures::future::ready(Ok(())).boxed();
        }
        let client = self.direct.client.clone();
        async move {
            match tokio::time::timeout(READY_TIMEOUT, client.apiserver_version()).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => {
                    Err(format!("the API server cannot be read: {}", redact::clean(&error.to_string())))
                }
                Err(_) => Err(format!("the API server did not answer within {} s", READY_TIMEOUT.as_secs())),
            }
        }
        .boxed()
    }

    fn deadline(&self) -> Duration {
        // Reading ends at its own deadline; what follows is computing.
        self.defaults.limits.timeout.saturating_add(Duration::from_secs(60))
    }
}

/// A stable word and what the agent says.
fn failure(error: &AgentError) -> Failure {
    let code = match error {
        AgentError::NoSuchNamespace { .. } => "namespace-not-found",
        AgentError::Unreachable { .. } => "cluster-unreachable",
        AgentError::Unauthorized { .. } => "cluster-unauthorized",
        AgentError::NothingReadable { .. } => "nothing-readable",
        _ => "investigation-failed",
    };
    Failure { code, detail: redact::clean(&error.to_string()).into_owned() }
}

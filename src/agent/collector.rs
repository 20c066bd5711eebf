//! The collector: reads what is wanted, in rounds, under one deadline, from a cluster or a
//! snapshot alike.
//!
//! It reads and remembers; it judges nothing. What it could not read is in the coverage of the
//! state, so that nobody claims an absence, and in the blind spots.

mod custom;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(super) use custom::served_versions;

use super::blind::{BlindSpots, Class, Subject};
use super::error::AgentError;
use super::fetch::{Failure, Fetcher, Limits};
use super::job::{Job, Reading};
use super::source::Source;
use super::triage::{Scout, Suspect, TABLES};
use super::{unreachable, wants};
use crate::cluster::logs::LogKey;
use crate::cluster::types::Object;
use crate::cluster::{ClusterState, Kind};
use crate::report::model::{BlindSpot, SourceInfo, Stats};

/// Namespaces that a kind is read in one by one where it cannot be listed at once.
const MAX_NAMESPACES: usize = 200;

/// What to look at, and what it may cost.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Where the complaint is; empty: everywhere.
    pub namespaces: Vec<String>,
    /// What reading may cost.
    pub limits: Limits,
}

/// One thing that somebody wants to know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Want {
    /// A kind's objects, in one namespace or (none) wherever the request looks.
    Kind {
        /// The kind.
        kind: Kind,
        /// The namespace.
        namespace: Option<String>,
    },
    /// A container's log.
    Logs(LogKey),
    /// A ConfigMap's values.
    ConfigMapValues {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

/// Everything that was read.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    /// The objects, logs and metrics.
    pub state: ClusterState,
    /// How many objects were looked at, in full or in a table, by plural name.
    pub counts: BTreeMap<String, usize>,
    /// What could not be read.
    pub blind_spots: Vec<BlindSpot>,
    /// What it cost; phases are the caller's.
    pub stats: Stats,
    /// Where it came from.
    pub source: SourceInfo,
}

/// Where kinds without a namespace of their own are read.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Scope {
    Cluster,
    Namespaces(Vec<String>),
}

/// Reads a cluster or a snapshot.
#[derive(Debug)]
pub struct Collector {
    source: Source,
    request: Request,
    fetcher: Arc<Fetcher>,
    state: ClusterState,
    sorted: bool,
    scope: Scope,
    /// Namespaces read in full; empty: all.
    chosen: Vec<String>,
    scout: Scout,
    blind: BlindSpots,
    /// Logs that were not read, and why.
    missing_logs: BTreeMap<LogKey, (Class, String)>,
    done: BTreeSet<Job>,
    log_containers: BTreeSet<(String, String, String)>,
    /// Where the names that were looked up last are.
    found: BTreeSet<String>,
    objects: u64,
    first_failure: Option<Failure>,
}

impl Collector {
    /// Starts: the deadline runs from here.
    pub fn new(source: Source, request: Request) -> Self {
        let fetcher = Arc::new(Fetcher::new(source.client.clone(), request.limits));
        let scope = if request.namespaces.is_empty() {
            Scope::Cluster
        } else {
            Scope::Namespaces(with_system(&request.namespaces))
        };
        let mut blind = BlindSpots::default();
        for (path, why) in &source.unreadable {
            blind.add(Subject::File(path.clone()), Class::Failed, None, None, why, false);
        }
        let state = ClusterState {
            now: source.captured_at,
            server_version: source.server_version.clone(),
            alerts: source.alerts.clone(),
            series: source.series.clone(),
            ..ClusterState::default()
        };
        Self {
            source,
            chosen: request.namespaces.clone(),
            scout: Scout::default(),
            request,
            fetcher,
            state,
            sorted: false,
            scope,
            blind,
            missing_logs: BTreeMap::new(),
            done: BTreeSet::new(),
            log_containers: BTreeSet::new(),
            found: BTreeSet::new(),
            objects: 0,
            first_failure: None,
        }
    }

    /// What the printed tables of a large cluster say; none where everything is to be read: in a
    /// snapshot, in chosen namespaces, in a small cluster, and where tables cannot be had.
    pub async fn scout(&mut self) -> Option<&Scout> {
        if self.source.is_snapshot() || self.scope != Scope::Cluster {
            return None;
        }
        let lists = [Kind::Namespace, Kind::Node].map(|kind| Job::list(kind, None));
        let mut jobs = vec![Job::Version, Job::Warnings { namespace: None }, Job::Stuck];
        jobs.extend(lists);
        jobs.extend(TABLES.iter().map(|kind| Job::Table { kind: kind.clone() }));
        self.run(jobs).await;
        self.state();
        self.scout.is_large().then_some(&self.scout)
    }

    /// What was read so far and what the tables say, for whoever looks at both.
    pub fn scouted(&mut self) -> (&ClusterState, &Scout) {
        self.state();
        (&self.state, &self.scout)
    }

    /// From here on, reads only the namespaces in which something stands out or that these names
    /// are in, if there are some and not too many.
    pub async fn narrow(&mut self, named: &[Suspect], namespaces: &[String]) {
        let mut places = self.scout.place(&self.state, named);
        places.namespaces.extend(namespaces.iter().cloned());
        let jobs = places.lookups.iter().cloned().map(|(kind, name)| Job::Places { kind, name });
        self.found.clear();
        self.run(jobs.collect()).await;
        places.namespaces.append(&mut self.found);
        if let Some(chosen) = places.chosen() {
            self.scope = Scope::Namespaces(with_system(&chosen));
            self.chosen = chosen;
        }
    }

    /// From here on, reads the whole cluster again, if it was left out. Says whether it was.
    pub fn widen(&mut self) -> bool {
        let narrowed = self.is_narrowed();
        if narrowed {
            self.scope = Scope::Cluster;
            self.chosen.clear();
            // Slices of one name may be several objects, so that those read twice would count twice.
            self.state.endpoint_slices = Default::default();
            self.state.coverage.remove(&Kind::EndpointSlice);
        }
        narrowed
    }

    fn is_narrowed(&self) -> bool {
        self.request.namespaces.is_empty() && !self.chosen.is_empty()
    }

    /// The namespaces that are read in full; empty: all.
    pub fn chosen(&self) -> &[String] {
        &self.chosen
    }

    /// The first round: namespaces, nodes, workloads, pods, Services and warnings; enough to know
    /// what the words of a description mean.
    ///
    /// # Errors
    /// Where nothing at all can be read, or a namespace of the request does not exist.
    pub async fn inventory(&mut self) -> Result<(), AgentError> {
        let mut jobs = vec![Job::Version, Job::list(Kind::Namespace, None)];
        if self.scope == Scope::Cluster {
            jobs.push(Job::Warnings { namespace: None });
        }
        for kind in wants::INVENTORY {
            jobs.extend(self.expand(kind, None));
        }
        self.run(jobs).await;
        if self.state.coverage.values().all(|read| !read.cluster && read.namespaces.is_empty()) {
            return Err(self.nothing());
        }
        self.check_namespaces()
    }

    /// Reads what is wanted and was not read before.
    pub async fn read(&mut self, wants: &[Want]) {
        let mut jobs = Vec::new();
        for want in wants {
            match want {
                Want::Kind { kind, namespace } => jobs.extend(self.expand(kind, namespace.as_deref())),
                Want::Logs(key) => jobs.extend(self.log_job(key)),
                Want::ConfigMapValues { namespace, name } => {
                    jobs.push(Job::Config { namespace: namespace.clone(), name: name.clone() });
                }
            }
        }
        self.run(jobs).await;
    }

    /// What was read so far, sorted.
    pub fn state(&mut self) -> &ClusterState {
        if !self.sorted {
            self.state.now = self.source.captured_at.or(self.fetcher.date());
            self.complete_coverage();
            self.state.finish();
            self.sorted = true;
        }
        &self.state
    }

    /// Cancel this to end reading at once; what was not read becomes a blind spot.
    pub fn cancellation(&self) -> CancellationToken {
        self.fetcher.cancel().clone()
    }

    /// The namespaces that are looked at; empty: all.
    pub fn namespaces(&self) -> &[String] {
        match &self.scope {
            Scope::Cluster => &[],
            Scope::Namespaces(namespaces) => namespaces,
        }
    }

    /// Ends reading.
    pub fn finish(mut self) -> Collected {
        self.state();
        self.miss_logs();
        let source = SourceInfo {
            r#type: if self.source.is_snapshot() { "snapshot" } else { "cluster" }.to_owned(),
            context: self.source.context.clone(),
            server_version: self.state.server_version.clone(),
            captured_at: self.state.now,
        };
        let stats = Stats {
            api_requests: self.fetcher.requests(),
            bytes: self.fetcher.bytes(),
            objects: self.objects,
            log_bytes: self.state.logs.bytes() as u64,
            ..Stats::default()
        };
        let mut counts = self.state.counts();
        if self.is_narrowed() {
            for (kind, count) in self.scout.counts() {
                let known = counts.entry(kind).or_default();
                *known = count.max(*known);
            }
        }
        Collected { state: self.state, counts, blind_spots: self.blind.report(), stats, source }
    }

    /// The lists that a kind needs.
    fn expand(&self, kind: &Kind, namespace: Option<&str>) -> Vec<Job> {
        let version = match kind.custom() {
            Some(resource) => self.versions(resource).first().copied(),
            None => Some(kind.api_version()),
        };
        let Some(version) = version else { return Vec::new() };
        let list = |namespace: Option<String>| Job::List { kind: kind.clone(), namespace, version };
        // Custom resources are few, so that what stands out elsewhere does not narrow them.
        if !kind.namespaced() || (kind.custom().is_some() && self.request.namespaces.is_empty()) {
            return vec![list(None)];
        }
        match (namespace, &self.scope) {
            (Some(namespace), _) => vec![list(Some(namespace.to_owned()))],
            (None, Scope::Cluster) => vec![list(None)],
            (None, Scope::Namespaces(namespaces)) => namespaces
                .iter()
                .filter(|namespace| self.is_chosen(namespace) || wants::tells_of_system(kind))
                .map(|namespace| list(Some(namespace.clone())))
                .collect(),
        }
    }

    /// Whether a namespace is read in full, and not only to know how the cluster is.
    fn is_chosen(&self, namespace: &str) -> bool {
        self.chosen.iter().any(|chosen| chosen == namespace)
    }

    /// A log, as long as the bound on containers is not reached.
    fn log_job(&mut self, key: &LogKey) -> Option<Job> {
        let container = (key.namespace.clone(), key.pod.clone(), key.container.clone());
        let known = self.log_containers.contains(&container);
        if !known && self.log_containers.len() >= self.request.limits.log_containers {
            return None;
        }
        self.log_containers.insert(container);
        Some(Job::Log(key.clone()))
    }

    /// Runs jobs concurrently, and what follows from their failures.
    async fn run(&mut self, jobs: Vec<Job>) {
        let mut pending = jobs;
        while !pending.is_empty() {
            let mut tasks = JoinSet::new();
            for (index, job) in pending.into_iter().enumerate() {
                if self.is_done(&job) || !self.done.insert(job.clone()) {
                    continue;
                }
                let (fetcher, limits) = (Arc::clone(&self.fetcher), self.request.limits);
                tasks.spawn(async move {
                    let reading = job.run(&fetcher, &limits).await;
                    (index, job, reading)
                });
            }
            let mut readings = Vec::new();
            while let Some(joined) = tasks.join_next().await {
                readings.extend(joined.ok());
            }
            // In the order asked for, whatever answered first.
            readings.sort_by_key(|(index, ..)| *index);
            pending = readings.into_iter().flat_map(|(_, job, reading)| self.take(&job, reading)).collect();
        }
    }

    /// A namespace's list is done where the cluster's is.
    fn is_done(&self, job: &Job) -> bool {
        match job {
            Job::List { kind, namespace: Some(namespace), .. } => self.state.was_read(kind, namespace),
            _ => false,
        }
    }

    /// Takes what a job read; gives the jobs that its failure asks for.
    fn take(&mut self, job: &Job, reading: Reading) -> Vec<Job> {
        self.sorted = false;
        self.objects += reading.objects;
        for (object, why) in &reading.unreadable {
            self.blind.add(Subject::Object(object.clone()), Class::Failed, None, None, why, false);
        }
        if !reading.state.server_version.is_empty() {
            self.state.server_version.clone_from(&reading.state.server_version);
        }
        match job {
            Job::Config { .. } => {
                for config in &reading.state.config_maps {
                    self.state.config_maps.upsert(config.clone());
                }
            }
            Job::Table { kind } => {
                if let Some(rows) = reading.rows {
                    self.scout.add(kind.clone(), rows);
                }
            }
            Job::Places { .. } => self.found.extend(reading.places),
            _ => self.state.absorb(reading.state),
        }
        match reading.failure {
            None => {
                self.cover(job);
                Vec::new()
            }
            Some(failure) => {
                if self.first_failure.is_none() || matches!(failure, Failure::Unauthorized(_)) {
                    self.first_failure = Some(failure.clone());
                }
                self.fail(job, &failure)
            }
        }
    }

    fn cover(&mut self, job: &Job) {
        let Job::List { kind, namespace, .. } = job else { return };
        let mut kinds = vec![kind.clone()];
        if *kind == Kind::Endpoints {
            // They stand in for slices, which could not be had.
            kinds.push(Kind::EndpointSlice);
        }
        for kind in kinds {
            let coverage = self.state.coverage.entry(kind).or_default();
            match namespace {
                Some(namespace) => {
                    coverage.namespaces.insert(namespace.clone());
                }
                None => coverage.cluster = true,
            }
        }
    }

    /// Notes a failure; gives the jobs to try instead.
    fn fail(&mut self, job: &Job, failure: &Failure) -> Vec<Job> {
        match job {
            // Of these the lists themselves tell more, and are read where these are not.
            Job::Version | Job::Warnings { .. } | Job::Stuck | Job::Table { .. } | Job::Places { .. } => {
                Vec::new()
            }
            Job::List { kind, namespace, version } => match kind.custom() {
                Some(resource) => self.fail_custom(resource, namespace.as_deref(), version, failure),
                None => self.fail_list(kind, namespace.as_deref(), failure),
            },
            Job::Log(key) => {
                self.fail_log(key, failure);
                Vec::new()
            }
            Job::Config { namespace, name } => {
                if !matches!(failure, Failure::NotFound(_)) {
                    let name = Some(name.clone());
                    let (class, rbac) = self.class(failure);
                    let why = failure.why();
                    self.blind.add(Subject::Values, class, Some(namespace), name, &why, rbac);
                }
                Vec::new()
            }
        }
    }

    fn class(&self, failure: &Failure) -> (Class, bool) {
        match failure {
            Failure::Forbidden(_) => (Class::Forbidden, !self.source.is_snapshot()),
            Failure::NotFound(_) => (Class::Missing, false),
            Failure::Unreached(_) => (Class::Unreached, false),
            _ => (Class::Failed, false),
        }
    }

    fn fail_list(&mut self, kind: &Kind, namespace: Option<&str>, failure: &Failure) -> Vec<Job> {
        let forbidden = matches!(failure, Failure::Forbidden(_));
        if forbidden && namespace.is_none() && kind.namespaced() {
            return self.one_by_one(kind, failure);
        }
        let mut follow = Vec::new();
        if *kind == Kind::EndpointSlice && (forbidden || matches!(failure, Failure::NotFound(_))) {
            follow.push(Job::list(Kind::Endpoints, namespace.map(str::to_owned)));
        }
        if self.hides(kind, namespace, failure) && follow.is_empty() {
            let coverage = self.state.coverage.entry(kind.clone()).or_default();
            coverage.failures.push((namespace.map(str::to_owned), failure.why()));
            let (class, rbac) = self.class(failure);
            let why = match class {
                Class::Missing if self.source.is_snapshot() => "not in the snapshot".to_owned(),
                _ => failure.why(),
            };
            self.blind.add(Subject::Kind(kind.clone()), class, namespace, None, &why, rbac);
        }
        follow
    }

    /// Whether a failure hides something. An API that is not served has no objects to hide; a
    /// list that nobody captured is worth a word only where it was asked for, or is of a kind
    /// that every answer needs and that was captured nowhere.
    fn hides(&self, kind: &Kind, namespace: Option<&str>, failure: &Failure) -> bool {
        if !matches!(failure, Failure::NotFound(_)) {
            return true;
        }
        let asked_for = namespace.is_none_or(|name| self.is_chosen(name));
        wants::ESSENTIAL.contains(kind) && asked_for
    }

    /// The namespaces to read a kind in where the whole cluster's list is refused.
    fn one_by_one(&mut self, kind: &Kind, failure: &Failure) -> Vec<Job> {
        let mut names: BTreeSet<String> = self.source.known_namespaces.iter().cloned().collect();
        names.extend(self.state.namespaces.iter().map(|namespace| namespace.meta().name.to_string()));
        if names.is_empty() {
            names.insert(self.source.default_namespace.clone());
        }
        let listed = self.state.was_read(&Kind::Namespace, "");
        if !self.source.is_snapshot() && (!listed || names.len() > MAX_NAMESPACES) {
            let why =
                format!("{}; read only in {} namespaces", failure.why(), names.len().min(MAX_NAMESPACES));
            self.blind.add(Subject::Kind(kind.clone()), Class::Forbidden, None, None, &why, true);
        }
        names
            .into_iter()
            .take(MAX_NAMESPACES)
            .map(|namespace| Job::list(kind.clone(), Some(namespace)))
            .collect()
    }

    fn fail_log(&mut self, key: &LogKey, failure: &Failure) {
        match failure {
            // A container that has not run, a run that never was, a pod that is gone: no log, and no secret.
            Failure::BadRequest(_) | Failure::NotFound(_) => {}
            Failure::Forbidden(_) => {
                let (class, rbac) = self.class(failure);
                self.blind.add(Subject::Logs, class, Some(&key.namespace), None, &failure.why(), rbac);
            }
            failure => {
                let why = failure.why();
                let why = if self.source.is_snapshot()
                    && why.starts_with("unable to retrieve container logs for ")
                {
                    "not in the snapshot".to_owned()
                } else {
                    why
                };
                let (class, _) = self.class(failure);
                self.missing_logs.insert(key.clone(), (class, why));
            }
        }
    }

    /// Says which logs were missed, now that all is known: those of containers that work hide no
    /// fault of theirs, and of one that fails the log of either run tells why.
    fn miss_logs(&mut self) {
        for (key, (class, why)) in std::mem::take(&mut self.missing_logs) {
            if wants::hides_failure(&self.state, &key) {
                let name = format!("{}/{}", key.pod, key.container);
                self.blind.add(Subject::Logs, class, Some(&key.namespace), Some(name), &why, false);
            }
        }
    }

    /// A kind that was read in every namespace was read in the cluster.
    fn complete_coverage(&mut self) {
        if !self.state.was_read(&Kind::Namespace, "") {
            return;
        }
        let names: Vec<String> =
            self.state.namespaces.iter().map(|namespace| namespace.meta().name.to_string()).collect();
        for (kind, coverage) in &mut self.state.coverage {
            if kind.namespaced() && names.iter().all(|name| coverage.namespaces.contains(name)) {
                coverage.cluster = true;
            }
        }
    }

    /// Whether the namespaces asked for exist, as far as that can be told.
    fn check_namespaces(&mut self) -> Result<(), AgentError> {
        if !self.state.was_read(&Kind::Namespace, "") {
            return Ok(());
        }
        self.state();
        let known: Vec<&str> =
            self.state.namespaces.iter().map(|namespace| namespace.meta().name.as_str()).collect();
        for name in &self.request.namespaces {
            if !known.contains(&name.as_str()) {
                return Err(AgentError::no_such_namespace(name, &known));
            }
        }
        Ok(())
    }

    fn nothing(&self) -> AgentError {
        unreachable::error(&self.source, self.first_failure.as_ref())
    }
}

/// The namespaces of a request and the system's, where DNS and controllers run.
pub(super) fn with_system(namespaces: &[String]) -> Vec<String> {
    let mut scope: Vec<String> = Vec::new();
    for name in namespaces.iter().map(String::as_str).chain(["kube-system"]) {
        if !scope.iter().any(|known| known == name) {
            scope.push(name.to_owned());
        }
    }
    scope
}

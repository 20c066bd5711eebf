//! The work: incidents are submitted, claimed by workers, investigated, and concluded.
//!
//! The queue is the store: what waits there is what is to be done, so that nothing can be lost
//! between the two. Whoever brings an incident into a final state, and nobody else, writes its
//! last log line.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

use super::investigator::Investigator;
use super::metrics::Metrics;
use super::problem::{Kind, Problem};
use super::progress::{Event, Hub, Watched};
use crate::report::model::Verdict;
use crate::store::{
    Change, Creation, Failure, Finding, Incident, IncidentRepository, NewIncident, PackedReport, Status,
    StoreError, Swap,
};

/// How often a worker looks for work that nobody told it of.
const LOOK: Duration = Duration::from_secs(1);

/// Takes incidents in and has them investigated.
pub(crate) struct Desk {
    store: Arc<dyn IncidentRepository>,
    investigator: Arc<dyn Investigator>,
    pub(crate) hub: Arc<Hub>,
    metrics: Arc<Metrics>,
    /// Where investigations run: never on the threads that answer requests.
    runtime: Handle,
    wake: Notify,
    running: Mutex<HashMap<Uuid, CancellationToken>>,
    stop: CancellationToken,
    closed: AtomicBool,
    /// Incidents that are being taken in just now.
    submitting: AtomicUsize,
}

/// What became of a wish to cancel.
#[derive(Debug)]
pub(crate) enum Cancelled {
    /// It is cancelled.
    Done(Arc<Incident>),
    /// It was in a final state already.
    Finished,
    /// There is no such incident.
    Missing,
}

impl Desk {
    pub(crate) fn new(
        store: Arc<dyn IncidentRepository>,
        investigator: Arc<dyn Investigator>,
        metrics: Arc<Metrics>,
        runtime: Handle,
    ) -> Arc<Self> {
        Arc::new(Self {
            store,
            investigator,
            hub: Arc::default(),
            metrics,
            runtime,
            wake: Notify::new(),
            running: Mutex::default(),
            stop: CancellationToken::new(),
            closed: AtomicBool::new(false),
            submitting: AtomicUsize::new(0),
        })
    }

    /// Takes an incident in, unless the server is about to end.
    pub(crate) async fn submit(&self, new: NewIncident) -> Result<Creation, Problem> {
        // Counted before the question is asked: whoever closes waits for those who were not refused.
        self.submitting.fetch_add(1, Ordering::SeqCst);
        let result = if self.closed.load(Ordering::SeqCst) {
            Err(Problem::new(Kind::ShuttingDown, "no more incidents are taken; try again elsewhere or later")
                .retry_after(5))
        } else {
            self.take(new).await.map_err(Problem::from)
        };
        self.submitting.fetch_sub(1, Ordering::SeqCst);
        result
    }

    async fn take(&self, new: NewIncident) -> Result<Creation, StoreError> {
        let id = new.id;
        // Before it can be claimed: no event may be missing.
        self.hub.open(id);
        let created = self.store.create(new).await;
        if let Ok(Creation::Created(incident)) = &created {
            let Incident { request_id, .. } = &**incident;
            tracing::info!(incident = %id, request_id, status = "pending", "incident accepted");
            self.wake.notify_one();
        } else {
            self.hub.push(id, Event::Status(Status::Cancelled));
        }
        created
    }

    /// Cancels an incident, whether it waits or runs.
    pub(crate) async fn cancel(&self, id: Uuid) -> Result<Cancelled, StoreError> {
        let mut expected = Status::Pending;
        loop {
            match self.store.transition(id, expected, Change::Cancel, Timestamp::now()).await? {
                Swap::Done(incident) => {
                    self.conclude(&incident);
                    if let Some(token) = self.tokens().get(&id) {
                        token.cancel();
                    }
                    return Ok(Cancelled::Done(incident));
                }
                // It can only have gone on; a status never comes back.
                Swap::Differs(status) if !status.is_final() => expected = status,
                Swap::Differs(_) => return Ok(Cancelled::Finished),
                Swap::Missing => return Ok(Cancelled::Missing),
            }
        }
    }

    /// Works until the server ends.
    pub(crate) async fn work(self: Arc<Self>) {
        while !self.stop.is_cancelled() {
            match self.store.claim(Timestamp::now()).await {
                Ok(Some(incident)) => {
                    // There may be more than one waiting; the next worker looks.
                    self.wake.notify_one();
                    self.investigate(incident).await;
                    continue;
                }
                Ok(None) => {}
                Err(error) => tracing::error!(%error, "cannot claim work"),
            }
            tokio::select! {
                () = self.wake.notified() => {}
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn investigate(&self, incident: Arc<Incident>) {
        let Incident { id, request_id, .. } = &*incident;
        let id = *id;
        let token = self.stop.child_token();
        self.tokens().insert(id, token.clone());
        self.hub.push(id, Event::Status(Status::Running));
        let span = tracing::info_span!("incident", incident = %id, request_id);
        let progress = Arc::new(Watched { hub: Arc::clone(&self.hub), id });
        let work = self.investigator.investigate(incident.question.clone(), progress);
        let task = async move { work.await.and_then(|report| pack(&report)) };
        let mut task = self.runtime.spawn(task.instrument(span));
        let change = tokio::select! {
            biased;
            () = token.cancelled() => Change::Cancel,
            ended = &mut task => match ended {
                Ok(Ok((finding, report))) => Change::Complete(finding, report),
                Ok(Err(failure)) => Change::Fail(failure),
                Err(_) => Change::Fail(failed("internal", "the investigation ended unexpectedly; this is a bug in sre-orch, please report it")),
            },
            () = tokio::time::sleep(self.investigator.deadline()) => {
                Change::Fail(failed("deadline", "the investigation did not end in time"))
            }
        };
        task.abort();
        self.finish(id, change).await;
        self.tokens().remove(&id);
    }

    /// Stores the end of an investigation, unless it was cancelled meanwhile.
    async fn finish(&self, id: Uuid, change: Change) {
        let mut change = change;
        loop {
            match self.store.transition(id, Status::Running, change.clone(), Timestamp::now()).await {
                Ok(Swap::Done(incident)) => return self.conclude(&incident),
                Ok(Swap::Differs(_) | Swap::Missing) => return,
                Err(error @ StoreError::TooLarge { .. }) => {
                    change = Change::Fail(failed("report-too-large", &error.to_string()));
                }
                Err(error) => {
                    tracing::error!(incident = %id, %error, "cannot store the end of an incident; trying again");
                    tokio::time::sleep(LOOK).await;
                }
            }
        }
    }

    /// The last word on an incident: log line, metrics, event.
    fn conclude(&self, incident: &Incident) {
        let Incident { id, request_id, status, finding, error, .. } = incident;
        let took =
            incident.started_at.zip(incident.completed_at).map(|(start, end)| end.duration_since(start));
        let took = took.map(|took| took.unsigned_abs());
        let verdict = finding.as_ref().map(|finding| word(finding.verdict));
        let cause = finding.as_ref().and_then(|finding| finding.causes.first());
        let took_ms = took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        let why = error.as_ref().map(|error| error.detail.as_str());
        tracing::info!(incident = %id, request_id, status = status.as_str(), verdict, cause, took_ms, why, "incident finished");
        self.metrics.investigation(verdict.unwrap_or(status.as_str()), took);
        self.hub.push(*id, Event::Status(*status));
    }

    /// Ends the work: what was accepted may finish until the deadline, the rest is cancelled.
    pub(crate) async fn drain(&self, deadline: Instant) {
        self.closed.store(true, Ordering::SeqCst);
        while self.submitting.load(Ordering::SeqCst) > 0 && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        loop {
            match self.store.counts().await {
                Ok(counts) if counts.running > 0 || (counts.pending > 0 && !self.store.is_durable()) => {}
                _ => break,
            }
            if Instant::now() >= deadline {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // Workers claim no more, and what they do is cancelled with this.
        self.stop.cancel();
        let waiting = !self.store.is_durable();
        while let (true, Ok(Some(incident))) = (waiting, self.store.claim(Timestamp::now()).await) {
            self.finish(incident.id, Change::Cancel).await;
        }
        let end = Instant::now() + LOOK;
        while !self.tokens().is_empty() && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn tokens(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, CancellationToken>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pack(report: &crate::report::model::Report) -> Result<(Finding, PackedReport), Failure> {
    let packed = PackedReport::pack(report).map_err(|error| failed("internal", &error.to_string()))?;
    Ok((Finding::from(report), packed))
}

fn failed(code: &'static str, detail: &str) -> Failure {
    Failure { code, detail: detail.to_owned() }
}

/// The verdict as reports spell it.
pub(crate) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::RootCause => "root_cause",
        Verdict::NoFault => "no_fault",
        Verdict::Inconclusive => "inconclusive",
    }
}

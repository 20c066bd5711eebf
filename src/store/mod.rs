//! Where incidents are kept while and after they are investigated.
//!
//! [`IncidentRepository`] is all that the server knows of a store. It is shaped for a database:
//! work is handed out by an atomic claim, a status only changes by compare-and-set, lists are read
//! by cursor, and everything that has to happen at once is one call. Nothing here knows HTTP or
//! the pipeline. [`MemoryRepository`] is the implementation that comes with the server.

mod incident;
mod memory;
mod packed;

use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;
use uuid::Uuid;

pub use incident::{AlertGroup, Failure, Feedback, Finding, Incident, Question, Since, SinceError, Status};
pub use memory::{Bounds, MemoryRepository};
pub use packed::PackedReport;

/// Why a store did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// As many incidents wait as may wait.
    #[error("as many incidents wait as may wait ({0})")]
    QueueFull(usize),
    /// Everything stored is still being worked on, and there is no room for more.
    #[error("the store is full of incidents that are not finished")]
    Full,
    /// One incident alone is more than the store may hold.
    #[error("the report has {bytes} bytes packed, and the store may hold {most}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The store's bound.
        most: usize,
    },
    /// The store cannot be reached.
    #[error("the store cannot be reached: {0}")]
    Unavailable(String),
}

/// An incident to be.
#[derive(Clone, Debug)]
pub struct NewIncident {
    /// Its id; version 7, so that ids order by time.
    pub id: Uuid,
    /// What is asked.
    pub question: Question,
    /// The HTTP request that brought it.
    pub request_id: String,
    /// When it came.
    pub created_at: Timestamp,
    /// Makes a repeated request harmless.
    pub idempotency: Option<Idempotency>,
    /// The alerts it was made of.
    pub alert: Option<AlertGroup>,
}

/// What tells a repeated request from another one with the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// Digest of the client and the key it chose.
    pub key: [u8; 32],
    /// Digest of what it asked.
    pub fingerprint: [u8; 32],
}

/// What became of a [`NewIncident`].
#[derive(Clone, Debug)]
pub enum Creation {
    /// It is stored and waits to be claimed.
    Created(Arc<Incident>),
    /// The same request made this incident before.
    Replayed(Arc<Incident>),
    /// The key was used for another request.
    KeyReused,
    /// Its alert group has this incident already, which now counts the repeat.
    Folded(Arc<Incident>),
}

/// A change of status.
#[derive(Clone, Debug)]
pub enum Change {
    /// To [`Status::Completed`].
    Complete(Finding, PackedReport),
    /// To [`Status::Failed`].
    Fail(Failure),
    /// To [`Status::Cancelled`].
    Cancel,
}

/// What a compare-and-set found.
#[derive(Clone, Debug)]
pub enum Swap {
    /// The status was the one expected; this is the incident after the change.
    Done(Arc<Incident>),
    /// It was another one, and nothing changed.
    Differs(Status),
    /// There is no such incident.
    Missing,
}

/// What became of a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It is gone.
    Removed,
    /// It is not finished, and stays.
    Active(Status),
    /// There is no such incident.
    Missing,
}

/// Which incidents a list shall have; nothing set: all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only with this status.
    pub status: Option<Status>,
    /// Only those asked about, or found in, this namespace.
    pub namespace: Option<String>,
    /// Only those with a hypothesis of this failure mode.
    pub cause: Option<String>,
    /// Only created at this time or later.
    pub created_after: Option<Timestamp>,
    /// Only created before this time.
    pub created_before: Option<Timestamp>,
}

impl Filter {
    /// Whether an incident belongs to the list.
    pub fn matches(&self, incident: &Incident) -> bool {
        self.status.is_none_or(|status| incident.status == status)
            && self.namespace.as_ref().is_none_or(|namespace| incident.is_about(namespace))
            && self.cause.as_ref().is_none_or(|cause| incident.has_cause(cause))
            && self.created_after.is_none_or(|time| incident.created_at >= time)
            && self.created_before.is_none_or(|time| incident.created_at < time)
    }
}

/// A piece of a list, newest first.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The incidents.
    pub incidents: Vec<Arc<Incident>>,
    /// Where the next piece starts: after this id. None at the end.
    pub next: Option<Uuid>,
}

/// What is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Waiting to be claimed.
    pub pending: usize,
    /// Claimed.
    pub running: usize,
    /// In a final state.
    pub finished: usize,
    /// Bytes of all.
    pub bytes: usize,
}

/// Keeps incidents. Every call is atomic; calls may come from many tasks at once.
pub trait IncidentRepository: Send + Sync + 'static {
    /// Stores an incident as [`Status::Pending`], unless the same request or alert group has one.
    fn create(&self, new: NewIncident) -> BoxFuture<'_, Result<Creation, StoreError>>;

    /// One incident.
    fn get(&self, id: Uuid) -> BoxFuture<'_, Result<Option<Arc<Incident>>, StoreError>>;

    /// At most `limit` incidents that the filter takes, newest first, older than the id `after`
    /// (which need not exist any more).
    fn list(
        &self,
        filter: Filter,
        after: Option<Uuid>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Listing, StoreError>>;

    /// Takes the oldest pending incident and makes it [`Status::Running`]: no two callers get the
    /// same one.
    fn claim(&self, at: Timestamp) -> BoxFuture<'_, Result<Option<Arc<Incident>>, StoreError>>;

    /// Changes the status where it is the one expected.
    fn transition(
        &self,
        id: Uuid,
        expected: Status,
        change: Change,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<Swap, StoreError>>;

    /// Removes an incident that is in a final state.
    fn remove(&self, id: Uuid) -> BoxFuture<'_, Result<Removal, StoreError>>;

    /// Adds feedback; none where there is no such incident. Only the newest
    /// [`Incident::MOST_FEEDBACK`] stay.
    fn add_feedback(
        &self,
        id: Uuid,
        feedback: Feedback,
    ) -> BoxFuture<'_, Result<Option<Arc<Incident>>, StoreError>>;

    /// Notes that an alert group is resolved; none where it has no open incident. A group that
    /// fires again afterwards gets a new incident.
    fn resolve(&self, group: &str, at: Timestamp)
    -> BoxFuture<'_, Result<Option<Arc<Incident>>, StoreError>>;

    /// How much is stored.
    fn counts(&self) -> BoxFuture<'_, Result<Counts, StoreError>>;

    /// Whether what waits is still there for others when this process ends. Where it is not, the
    /// server cancels it before it ends.
    fn is_durable(&self) -> bool;
}

//! Incidents in memory, bounded in number and bytes.
//!
//! One mutex guards everything; every call takes it once, for map operations only, and never
//! awaits. What has to go goes in the order in which it was finished; what is not finished stays.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Change, Counts, Creation, Feedback, Filter, Idempotency, Incident, IncidentRepository, Listing,
    NewIncident, Removal, Status, StoreError, Swap,
};

/// What the store may hold.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Incidents in all.
    pub incidents: usize,
    /// Bytes of all.
    pub bytes: usize,
    /// Incidents that wait.
    pub pending: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { incidents: 10_000, bytes: 256 << 20, pending: 256 }
    }
}

/// Keeps incidents in memory; they are gone when the process ends.
#[derive(Debug, Default)]
pub struct MemoryRepository {
    bounds: Bounds,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    entries: BTreeMap<Uuid, Entry>,
    /// In the order in which they are to be claimed.
    pending: BTreeSet<Uuid>,
    /// In the order in which they may go.
    finished: BTreeSet<(Option<Timestamp>, Uuid)>,
    keys: HashMap<[u8; 32], ([u8; 32], Uuid)>,
    /// Groups with an incident that is not resolved.
    groups: HashMap<String, Uuid>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    incident: Arc<Incident>,
    key: Option<[u8; 32]>,
}

impl MemoryRepository {
    /// An empty store.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, inner: Mutex::default() }
    }

    /// No code can panic while it holds the lock half-way through a change.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn create_now(&self, new: NewIncident) -> Result<Creation, StoreError> {
        let mut inner = self.lock();
        if let Some(known) = inner.known(new.idempotency) {
            return Ok(known);
        }
        if let Some(alert) = &new.alert
            && let Some(id) = inner.groups.get(&alert.key).copied()
            && let Some(incident) = inner.fold(id, alert.firing, alert.last_at)
        {
            return Ok(Creation::Folded(incident));
        }
        if inner.pending.len() >= self.bounds.pending {
            return Err(StoreError::QueueFull(self.bounds.pending));
        }
        let NewIncident { id, question, request_id, created_at, idempotency, alert } = new;
        let incident = Arc::new(Incident {
            id,
            question,
            request_id,
            status: Status::Pending,
            created_at,
            started_at: None,
            completed_at: None,
            finding: None,
            report: None,
            error: None,
            feedback: Vec::new(),
            alert,
        });
        let size = incident.size();
        while inner.entries.len() >= self.bounds.incidents || inner.bytes + size > self.bounds.bytes {
            if !inner.evict() {
                return Err(StoreError::Full);
            }
        }
        inner.insert(Arc::clone(&incident), idempotency);
        Ok(Creation::Created(incident))
    }

    fn transition_now(
        &self,
        id: Uuid,
        expected: Status,
        change: Change,
        at: Timestamp,
    ) -> Result<Swap, StoreError> {
        if let Change::Complete(_, report) = &change
            && report.size() > self.bounds.bytes / 2
        {
            return Err(StoreError::TooLarge { bytes: report.size(), most: self.bounds.bytes / 2 });
        }
        let mut inner = self.lock();
        let Some(status) = inner.entries.get(&id).map(|entry| entry.incident.status) else {
            return Ok(Swap::Missing);
        };
        if status != expected || status.is_final() {
            return Ok(Swap::Differs(status));
        }
        let changed = inner.update(id, |incident| {
            incident.completed_at = Some(at);
            match change {
                Change::Complete(finding, report) => {
                    incident.status = Status::Completed;
                    incident.finding = Some(finding);
                    incident.report = Some(report);
                }
                Change::Fail(failure) => {
                    incident.status = Status::Failed;
                    incident.error = Some(failure);
                }
                Change::Cancel => incident.status = Status::Cancelled,
            }
        });
        inner.pending.remove(&id);
        inner.finished.insert((Some(at), id));
        // The newest one is the last to go.
        while inner.bytes > self.bounds.bytes && inner.finished.len() > 1 && inner.evict() {}
        Ok(changed.map_or(Swap::Missing, Swap::Done))
    }

    fn claim_now(&self, at: Timestamp) -> Option<Arc<Incident>> {
        let mut inner = self.lock();
        let id = inner.pending.pop_first()?;
        inner.update(id, |incident| {
            incident.status = Status::Running;
            incident.started_at = Some(at);
        })
    }

    fn list_now(&self, filter: &Filter, after: Option<Uuid>, limit: usize) -> Listing {
        let inner = self.lock();
        let mut incidents: Vec<Arc<Incident>> = Vec::new();
        let older = match after {
            Some(id) => inner.entries.range(..id),
            None => inner.entries.range(..),
        };
        for entry in older.rev().map(|(_, entry)| entry).filter(|entry| filter.matches(&entry.incident)) {
            if incidents.len() == limit {
                let next = incidents.last().map(|last| last.id);
                return Listing { incidents, next };
            }
            incidents.push(Arc::clone(&entry.incident));
        }
        Listing { incidents, next: None }
    }

    fn remove_now(&self, id: Uuid) -> Removal {
        let mut inner = self.lock();
        match inner.entries.get(&id).map(|entry| entry.incident.status) {
            None => Removal::Missing,
            Some(status) if !status.is_final() => Removal::Active(status),
            Some(_) => {
                inner.drop_entry(id);
                Removal::Removed
            }
        }
    }

    fn counts_now(&self) -> Counts {
        let inner = self.lock();
        let (pending, finished) = (inner.pending.len(), inner.finished.len());
        let running = inner.entries.len().saturating_sub(pending + finished);
        Counts { pending, running, finished, bytes: inner.bytes }
    }
}

impl Inner {
    /// What a key stands for already.
    fn known(&self, idempotency: Option<Idempotency>) -> Option<Creation> {
        let Idempotency { key, fingerprint } = idempotency?;
        let (known, id) = self.keys.get(&key)?;
        if *known != fingerprint {
            return Some(Creation::KeyReused);
        }
        self.entries.get(id).map(|entry| Creation::Replayed(Arc::clone(&entry.incident)))
    }

    fn fold(&mut self, id: Uuid, firing: usize, at: Timestamp) -> Option<Arc<Incident>> {
        self.update(id, |incident| {
            if let Some(alert) = &mut incident.alert {
                alert.firing = firing;
                alert.notifications += 1;
                alert.last_at = at;
            }
        })
    }

    fn insert(&mut self, incident: Arc<Incident>, idempotency: Option<Idempotency>) {
        let id = incident.id;
        if let Some(Idempotency { key, fingerprint }) = idempotency {
            self.keys.insert(key, (fingerprint, id));
        }
        if let Some(alert) = &incident.alert {
            self.groups.insert(alert.key.clone(), id);
        }
        self.bytes += incident.size();
        self.pending.insert(id);
        self.entries.insert(id, Entry { incident, key: idempotency.map(|one| one.key) });
    }

    /// Changes an incident; those who hold it keep what they saw.
    fn update(&mut self, id: Uuid, change: impl FnOnce(&mut Incident)) -> Option<Arc<Incident>> {
        let entry = self.entries.get_mut(&id)?;
        let before = entry.incident.size();
        change(Arc::make_mut(&mut entry.incident));
        self.bytes = self.bytes.saturating_sub(before) + entry.incident.size();
        Some(Arc::clone(&entry.incident))
    }

    /// Removes what was finished first.
    fn evict(&mut self) -> bool {
        let Some((_, id)) = self.finished.first().copied() else { return false };
        self.drop_entry(id);
        true
    }

    fn drop_entry(&mut self, id: Uuid) {
        let Some(Entry { incident, key }) = self.entries.remove(&id) else { return };
        self.bytes = self.bytes.saturating_sub(incident.size());
        self.finished.remove(&(incident.completed_at, id));
        self.pending.remove(&id);
        if let Some(key) = key {
            self.keys.remove(&key);
        }
        if let Some(alert) = &incident.alert
            && self.groups.get(&alert.key) == Some(&id)
        {
            self.groups.remove(&alert.key);
        }
    }
}

impl IncidentRepository for MemoryRepository {
    fn create(&self, new: NewIncident) -> BoxFuture<'_, Result<Creation, StoreError>> {
        ready(self.create_now(new)).boxed()
    }

    fn get(&self, id: Uuid) -> BoxFuture<'_, Result<Option<Arc<Incident>>, StoreError>> {
        let found = self.lock().entries.get(&id).map(|entry| Arc::clone(&entry.incident));
        ready(Ok(found)).boxed()
    }

    fn list(
        &self,
        filter: Filter,
        after: Option<Uuid>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Listing, StoreError>> {
        ready(Ok(self.list_now(&filter, after, limit.max(1)))).boxed()
    }

    fn claim(&self, at: Timestamp) -> BoxFuture<'_, Result<Option<Arc<Incident>>, StoreError>> {
        ready(Ok(self.claim_now(at))).boxed()
    }

    fn transition(
        &self,
        id: Uuid,
        expected: Status,
        change: Change,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<Swap, StoreError>> {
        ready(self.transition_now(id, expected, change, at)).boxed()
    }

    fn remove(&self, id: Uuid) -> BoxFuture<'_, Result<Removal, StoreError>> {
        ready(Ok(self.remove_now(id))).boxed()
    }

    fn add_feedback(
        &self,
        id: Uuid,
        feedback: Feedback,
    ) -> BoxFuture<'_, Result<Option<Arc<Incident>>, StoreError>> {
        let added = self.lock().update(id, |incident| {
            if incident.feedback.len() >= Incident::MOST_FEEDBACK {
                incident.feedback.remove(0);
            }
            incident.feedback.push(feedback);
        });
        ready(Ok(added)).boxed()
    }

    fn resolve(
        &self,
        group: &str,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<Option<Arc<Incident>>, StoreError>> {
        let mut inner = self.lock();
        let resolved = inner.groups.remove(group).and_then(|id| {
            inner.update(id, |incident| {
                if let Some(alert) = &mut incident.alert {
                    alert.firing = 0;
                    alert.notifications += 1;
                    alert.last_at = at;
                    alert.resolved_at = Some(at);
                }
            })
        });
        ready(Ok(resolved)).boxed()
    }

    fn counts(&self) -> BoxFuture<'_, Result<Counts, StoreError>> {
        ready(Ok(self.counts_now())).boxed()
    }

    fn is_durable(&self) -> bool {
        false
    }
}

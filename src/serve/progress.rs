//! What an investigation is doing, for those who watch it.
//!
//! The log of an incident's events lives from its creation to its final state; who comes later
//! reads the final state from the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use uuid::Uuid;

use crate::pipeline::Progress;
use crate::store::Status;

/// Events kept of one incident; an investigation has about ten.
const MOST_EVENTS: usize = 64;

/// Something happened to an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Its status changed.
    Status(Status),
    /// Its investigation does something else now.
    Phase(String),
}

impl Event {
    /// Whether nothing follows.
    pub(crate) fn is_last(&self) -> bool {
        matches!(self, Self::Status(status) if status.is_final())
    }
}

/// The logs of all incidents that are not finished.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    logs: Mutex<HashMap<Uuid, watch::Sender<Vec<Event>>>>,
}

impl Hub {
    /// Starts the log of an incident.
    pub(crate) fn open(&self, id: Uuid) {
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        logs.entry(id).or_insert_with(|| watch::Sender::new(vec![Event::Status(Status::Pending)]));
    }

    /// Adds an event; the last one ends the log.
    pub(crate) fn push(&self, id: Uuid, event: Event) {
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        let last = event.is_last();
        if let Some(log) = logs.get(&id) {
            log.send_modify(|events| {
                if events.len() < MOST_EVENTS || last {
                    events.push(event);
                }
            });
        }
        if last {
            logs.remove(&id);
        }
    }

    /// The log of an incident; none where it is finished, or worked on elsewhere.
    pub(crate) fn watch(&self, id: Uuid) -> Option<watch::Receiver<Vec<Event>>> {
        let logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        logs.get(&id).map(watch::Sender::subscribe)
    }
}

/// Writes phases into an incident's log.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) hub: Arc<Hub>,
    pub(crate) id: Uuid,
}

impl Progress for Watched {
    fn phase(&self, name: &str) {
        self.hub.push(self.id, Event::Phase(name.to_owned()));
    }
}

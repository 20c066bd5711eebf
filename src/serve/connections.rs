//! Connections that are open: how many there may be, and which one has to go for a new one.
//!
//! Whoever opens connections and sends nothing takes room from nobody: where there is no room left,
//! the connection that has been idle for longest is closed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::metrics::Metrics;

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    number: u64,
    /// Requests being answered.
    busy: AtomicUsize,
    /// Milliseconds after [`Connections::start`] of its last sign of life.
    last: AtomicU64,
    start: Instant,
    /// Cancelled to make it go.
    pub(crate) close: CancellationToken,
}

/// Held while a request is answered.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Connection>);

impl Connection {
    /// Keeps the connection from being taken for idle.
    pub(crate) fn busy(self: Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(self)
    }

    fn touch(&self) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.touch();
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// All connections.
#[derive(Debug)]
pub(crate) struct Connections {
    most: usize,
    start: Instant,
    open: Mutex<HashMap<u64, Arc<Connection>>>,
    numbers: AtomicU64,
    metrics: Arc<Metrics>,
}

/// A place among the connections, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    connections: Arc<Connections>,
    pub(crate) connection: Arc<Connection>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.remove(&self.connection.number);
        self.connections.metrics.connections(open.len());
    }
}

impl Connections {
    /// At most so many.
    pub(crate) fn new(most: usize, metrics: Arc<Metrics>) -> Arc<Self> {
        let most = most.max(1);
        Arc::new(Self {
            most,
            start: Instant::now(),
            open: Mutex::default(),
            numbers: AtomicU64::new(0),
            metrics,
        })
    }

    /// A place for a new connection; none where all are busy.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Place> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= self.most {
            let idle = open.values().filter(|one| one.busy.load(Ordering::Relaxed) == 0);
            let oldest = idle.min_by_key(|one| (one.last.load(Ordering::Relaxed), one.number)).cloned()?;
            oldest.close.cancel();
            open.remove(&oldest.number);
        }
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let connection = Arc::new(Connection {
            number,
            busy: AtomicUsize::new(0),
            last: AtomicU64::new(0),
            start: self.start,
            close: CancellationToken::new(),
        });
        connection.touch();
        open.insert(number, Arc::clone(&connection));
        self.metrics.connections(open.len());
        Some(Place { connections: Arc::clone(self), connection })
    }

    #[cfg(test)]
    fn count(&self) -> usize {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_idle_goes_and_the_busy_stay() {
        let connections = Connections::new(2, Arc::default());
        let first = connections.enter().unwrap();
        let second = connections.enter().unwrap();
        let busy = Arc::clone(&first.connection).busy();
        let third = connections.enter().unwrap();
        assert!(second.connection.close.is_cancelled() && !first.connection.close.is_cancelled());
        let _busy = Arc::clone(&third.connection).busy();
        assert!(connections.enter().is_none());
        drop(busy);
        assert!(connections.enter().is_some() && first.connection.close.is_cancelled());
        drop((first, second, third));
        assert_eq!(connections.count(), 0);
    }
}

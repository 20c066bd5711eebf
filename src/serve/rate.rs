//! How many requests one client may send: a token bucket for each.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::auth::Caller;

/// Clients remembered at most; those who were quiet for longest are forgotten first.
const MOST_CLIENTS: usize = 10_000;

/// Limits clients.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    per_second: f64,
    buckets: Mutex<HashMap<Caller, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl RateLimiter {
    /// So many requests a second, twice as many at once; 0: any number.
    pub(crate) fn new(per_second: u32) -> Self {
        Self { per_second: f64::from(per_second), buckets: Mutex::default() }
    }

    /// Takes one request off a client's account; where there is none left, how long to wait.
    pub(crate) fn take(&self, caller: &Caller, now: Instant) -> Result<(), Duration> {
        if self.per_second <= 0.0 {
            return Ok(());
        }
        let most = self.per_second * 2.0;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST_CLIENTS && !buckets.contains_key(caller) {
            self.forget(&mut buckets, now);
        }
        let bucket = buckets.entry(caller.clone()).or_insert(Bucket { left: most, at: now });
        let earned = now.saturating_duration_since(bucket.at).as_secs_f64() * self.per_second;
        bucket.left = (bucket.left + earned).min(most);
        bucket.at = now;
        if bucket.left >= 1.0 {
            bucket.left -= 1.0;
            Ok(())
        } else {
            Err(Duration::from_secs_f64((1.0 - bucket.left) / self.per_second))
        }
    }

    /// Forgets those whose account is full again, or everybody where that does not help: whoever
    /// has so many addresses is not stopped by remembering them.
    fn forget(&self, buckets: &mut HashMap<Caller, Bucket>, now: Instant) {
        buckets.retain(|_, bucket| now.saturating_duration_since(bucket.at) < Duration::from_secs(2));
        if buckets.len() >= MOST_CLIENTS {
            buckets.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_its_rate_and_no_more() {
        let limiter = RateLimiter::new(10);
        let (one, other) = (Caller::Token(1), Caller::Token(2));
        let start = Instant::now();
        assert_eq!((0..30).filter(|_| limiter.take(&one, start).is_ok()).count(), 20);
        assert!(limiter.take(&one, start).unwrap_err() <= Duration::from_millis(100));
        assert!(limiter.take(&other, start).is_ok());
        let later = start + Duration::from_secs(1);
        assert_eq!((0..30).filter(|_| limiter.take(&one, later).is_ok()).count(), 10);
        assert!((0..1000).all(|_| RateLimiter::new(0).take(&one, start).is_ok()));
    }

    #[test]
    fn clients_are_forgotten() {
        let limiter = RateLimiter::new(1);
        let now = Instant::now();
        for number in 0..MOST_CLIENTS + 10 {
            assert!(limiter.take(&Caller::Token(number), now).is_ok());
        }
        assert!(limiter.buckets.lock().unwrap().len() <= MOST_CLIENTS);
    }
}

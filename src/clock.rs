//! Time and chance, the only two places from which they come.
//!
//! Elapsed time is `tokio::time::Instant` everywhere: monotonic, and a test can pause and move it.
//! What a calendar says comes from [`Clock`], and randomness from [`Jitter`]; both are handed in, so
//! that a run with the same inputs takes the same course.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Tells the time of day: for people, conditions and records of other processes.
///
/// It may jump in either direction, so nothing is measured by it.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Derived { wall: Timestamp, began: Instant },
}

impl Clock {
    /// The computer's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that shows `wall` now and from here on moves with tokio's time, paused or not.
    pub fn starting_at(wall: Timestamp) -> Self {
        Self(Source::Derived { wall, began: Instant::now() })
    }

    /// The time of day.
    pub fn now_wall(&self) -> Timestamp {
        match self.0 {
            Source::System => Timestamp::now(),
            Source::Derived { wall, began } => SignedDuration::try_from(began.elapsed())
                .ok()
                .and_then(|elapsed| wall.checked_add(elapsed).ok())
                .unwrap_or(Timestamp::MAX),
        }
    }
}

/// Randomness from a seed: clones draw from the same sequence.
#[derive(Clone)]
pub struct Jitter(Arc<Mutex<fastrand::Rng>>);

impl Jitter {
    /// A sequence that `seed` determines.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))))
    }

    /// A sequence that differs from process to process, for production.
    pub fn from_entropy() -> Self {
        Self(Arc::new(Mutex::new(fastrand::Rng::new())))
    }

    /// A duration between `duration` and `duration` × (1 + `share`), evenly distributed.
    ///
    /// Never shorter than `duration`; a `share` that is negative or not a number counts as 0.
    pub fn spread(&self, duration: Duration, share: f64) -> Duration {
        let factor = 1.0 + share.max(0.0) * self.unit();
        Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(Duration::MAX).max(duration)
    }

    /// A number of at least 0 and less than 1.
    fn unit(&self) -> f64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).f64()
    }
}

impl fmt::Debug for Jitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jitter")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_derived_clock_moves_with_tokios_time() {
        let start: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let clock = Clock::starting_at(start);
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(clock.clone().now_wall().to_string(), "2026-01-02T03:05:35Z");
    }

    #[tokio::test(start_paused = true)]
    async fn a_derived_clock_stops_at_the_end_of_time() {
        let clock = Clock::starting_at(Timestamp::MAX);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(clock.now_wall(), Timestamp::MAX);
    }

    #[test]
    fn spread_stays_within_its_share_and_repeats_with_its_seed() {
        let draw = |seed| {
            let jitter = Jitter::seeded(seed);
            (0..100).map(|_| jitter.spread(Duration::from_secs(10), 0.2)).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert!(draw(1).iter().all(|d| (10.0..12.0).contains(&d.as_secs_f64())), "{:?}", draw(1));
        assert!(draw(1).iter().any(|d| *d > Duration::from_secs(11)));
    }

    #[test]
    fn spread_survives_senseless_arguments() {
        let jitter = Jitter::seeded(1);
        assert_eq!(jitter.spread(Duration::from_secs(1), f64::NAN), Duration::from_secs(1));
        assert_eq!(jitter.spread(Duration::from_secs(1), -3.0), Duration::from_secs(1));
        assert_eq!(jitter.spread(Duration::MAX, f64::INFINITY), Duration::MAX);
    }
}

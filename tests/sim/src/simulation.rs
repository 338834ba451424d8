//! One simulation: an AWS, a Kubernetes, and the processes that call both.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::{Aws, Kubernetes, Process, Trace};

/// To be made and used in one current-thread runtime whose clock is paused: then the seed decides everything.
pub struct Simulation {
    pub aws: Aws,
    pub kubernetes: Kubernetes,
    pub trace: Trace,
    began: Instant,
    chance: Mutex<fastrand::Rng>,
}

impl Simulation {
    /// An AWS with nothing in it, beside this Kubernetes.
    pub fn new(seed: u64, kubernetes: Kubernetes) -> Self {
        let mut chance = fastrand::Rng::with_seed(seed);
        Self {
            aws: Aws::new(chance.u64(..)),
            kubernetes,
            trace: Trace::default(),
            began: Instant::now(),
            chance: Mutex::new(chance),
        }
    }

    /// Another cluster on the same AWS.
    pub fn beside(&self, kubernetes: Kubernetes) -> Self {
        let chance = Mutex::new(fastrand::Rng::with_seed(self.draw()));
        Self { aws: self.aws.clone(), kubernetes, trace: self.trace.clone(), began: self.began, chance }
    }

    /// A process that has made no call yet. Its name stands in the trace.
    pub fn process(&self, name: &str) -> Process {
        Process::new(name, self.began, self.trace.clone(), self.draw())
    }

    /// A number that the seed decides, another at each call.
    pub fn draw(&self) -> u64 {
        self.chance.lock().unwrap_or_else(PoisonError::into_inner).u64(..)
    }

    /// Virtual time since it began.
    pub fn now(&self) -> Duration {
        self.began.elapsed()
    }
}

//! What can come between a call and its answer.

use std::{pin::Pin, sync::Arc, time::Duration};

use super::Call;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultId(pub(super) u64);

type Matcher = Box<dyn Fn(&Call) -> bool + Send + Sync>;
type Hook = Arc<dyn Fn(&Call) + Send + Sync>;
type SlowHook = Arc<dyn Fn(&Call) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;
type Rewriting = Arc<dyn Fn(&Call, &str) -> String + Send + Sync>;

/// What befalls a call.
#[derive(Clone)]
pub enum Effect {
    None,
    /// An error of AWS, and nothing is done.
    Refuse {
        status: u16,
        code: String,
        message: String,
    },
    /// It is done, and the connection is closed before the answer.
    LoseAnswer,
    /// Nothing is done, and the connection is closed.
    HangUp,
    /// Nothing is done and nothing is said, for so long.
    Hang(Duration),
    /// It is done later.
    Delay(Duration),
    /// It is done at once and answered later.
    DelayAnswer(Duration),
    /// The caller is told something else.
    Rewrite(Rewriting),
    /// Nothing is done; the proxy is severed, then the hook runs.
    SeverBefore(Hook),
    /// It is done; the proxy is severed, then the hook runs.
    SeverAfter(Hook),
    /// It is done; the hook runs before the caller is told.
    After(Hook),
    /// The hook runs to its end before it is done.
    Before(SlowHook),
}

/// A fault with the calls that it is about: by default every one that fits, for ever.
pub struct Fault {
    fits: Matcher,
    skip: usize,
    times: usize,
    seen: usize,
    effect: Effect,
}

impl Fault {
    pub fn on(action: &'static str, effect: Effect) -> Self {
        Self::when(move |call| call.action == action, effect)
    }

    /// On each call that changes something.
    pub fn on_writes(effect: Effect) -> Self {
        Self::when(Call::is_write, effect)
    }

    pub fn when(fits: impl Fn(&Call) -> bool + Send + Sync + 'static, effect: Effect) -> Self {
        Self { fits: Box::new(fits), skip: 0, times: usize::MAX, seen: 0, effect }
    }

    /// Leaves the first calls that fit alone.
    pub fn after(mut self, calls: usize) -> Self {
        self.skip = calls;
        self
    }

    /// Befalls so many calls, no more.
    pub fn times(mut self, calls: usize) -> Self {
        self.times = calls;
        self
    }

    pub(super) fn befalls(&mut self, call: &Call) -> Option<Effect> {
        if !(self.fits)(call) {
            return None;
        }
        self.seen += 1;
        let befallen = self.seen > self.skip && self.seen - self.skip <= self.times;
        befallen.then(|| self.effect.clone())
    }

    pub(super) fn befallen(&self) -> usize {
        self.seen.saturating_sub(self.skip).min(self.times)
    }

    /// Whether "the k-th call" must mean that those before have ended and none after has begun.
    pub(super) fn needs_turns(&self) -> bool {
        matches!(self.effect, Effect::SeverBefore(_) | Effect::SeverAfter(_))
    }
}

impl Effect {
    pub fn refuse(status: u16, code: &str, message: &str) -> Self {
        Self::Refuse { status, code: code.into(), message: message.into() }
    }

    /// As AWS denies. Source: "Error codes for the Amazon EC2 API".
    pub fn deny() -> Self {
        Self::refuse(403, "UnauthorizedOperation", "You are not authorized to perform this operation.")
    }

    /// As EC2 throttles. Source: "Error codes for the Amazon EC2 API".
    pub fn throttle() -> Self {
        Self::refuse(503, "RequestLimitExceeded", "Request limit exceeded.")
    }

    pub fn rewrite(rewriting: impl Fn(&Call, &str) -> String + Send + Sync + 'static) -> Self {
        Self::Rewrite(Arc::new(rewriting))
    }
}

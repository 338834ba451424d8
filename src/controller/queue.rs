//! The work queue: one entry a key, priorities, and a back-off for each key.
//!
//! ```text
//!            push                due                 next
//! (nothing) ──────► later ────────────────► ready ──────────► in work ──► (nothing) or later
//! ```
//! Invariants:
//! - A key is never in work twice at once. What is pushed meanwhile is kept, and due after the turn ends.
//! - A key leaves the queue only by a turn that succeeded, or by [`Queue::forget`]: a turn that is
//!   dropped, by a panic or an aborted task, counts as failed.
//! - Among due keys the order is priority, time due, key: the same calls at the same times give the
//!   same order.
//! - Nothing polls: waiting ends by a push or at the time of the next entry.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::Jitter;

/// Longest time that an entry can be put off.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Why a key is to be worked on, in the order in which due keys are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// A declaration changed. Ends a back-off, since the change may be the cure.
    Declared,
    /// Something that is waited for may have appeared.
    Waiting,
    /// Regular comparison.
    Routine,
}

/// How long a key that fails waits: `base`, doubled with each further failure, up to `cap`.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// Wait after the first failure.
    pub base: Duration,
    /// Longest wait, before jitter.
    pub cap: Duration,
    /// By what share of itself a wait may be longer, at random.
    pub jitter: f64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_secs(1), cap: Duration::from_secs(5 * 60), jitter: 0.2 }
    }
}

impl Backoff {
    /// The wait after so many `failures` in a row (at least 1), before jitter.
    pub(super) fn wait(&self, failures: u32) -> Duration {
        let factor = 2u32.saturating_pow(failures.saturating_sub(1));
        self.base.saturating_mul(factor).min(self.cap)
    }
}

/// A queue of keys; clones share it.
pub struct Queue<K: Ord + Clone>(Arc<Shared<K>>);

struct Shared<K> {
    state: Mutex<State<K>>,
    changed: Notify,
    backoff: Backoff,
    jitter: Jitter,
}

struct State<K> {
    entries: BTreeMap<K, Entry>,
    /// Keys with a ticket that is due, none of them in work.
    ready: BTreeSet<(Priority, Instant, K)>,
    /// Keys with a ticket that was not due when last looked at, none of them in work.
    later: BTreeSet<(Instant, K)>,
    closed: bool,
}

/// What is known of one key. One that says nothing is not kept.
#[derive(Default)]
struct Entry {
    ticket: Option<Ticket>,
    /// Of the turn that is being worked on.
    in_work: Option<InWork>,
    /// Failures since the last success.
    failures: u32,
    /// End of the back-off, which only [`Priority::Declared`] may come before.
    not_before: Option<Instant>,
}

#[derive(Clone, Copy)]
struct Ticket {
    priority: Priority,
    due: Instant,
}

#[derive(Clone, Copy)]
struct InWork {
    priority: Priority,
    forgotten: bool,
}

impl<K: Ord + Clone> Queue<K> {
    /// An empty queue.
    pub fn new(backoff: Backoff, jitter: Jitter) -> Self {
        let state = State { entries: BTreeMap::new(), ready: BTreeSet::new(), later: BTreeSet::new(), closed: false };
        Self(Arc::new(Shared { state: Mutex::new(state), changed: Notify::new(), backoff, jitter }))
    }

    /// Asks for work on `key`, in `after` from now (a year at most).
    ///
    /// If it is queued already, the earlier time and the more urgent priority count. A back-off is
    /// ended by [`Priority::Declared`] alone: with any other, the key is not due before its end.
    pub fn push(&self, key: K, priority: Priority, after: Duration) {
        let due = Instant::now() + after.min(LONGEST);
        self.0.lock().change(key, |entry| entry.merge(Ticket { priority, due }));
        self.0.changed.notify_waiters();
    }

    /// The next turn, as soon as a key is due; `None` once the queue is closed.
    ///
    /// May be dropped while it waits without losing a key.
    pub async fn next(&self) -> Option<Turn<K>> {
        loop {
            let changed = self.0.changed.notified();
            let wake = {
                let mut state = self.0.lock();
                if state.closed {
                    return None;
                }
                if let Some(key) = state.take(Instant::now()) {
                    return Some(Turn { queue: self.clone(), key, ended: false });
                }
                state.later.first().map(|(due, _)| *due)
            };
            match wake {
                Some(due) => {
                    tokio::select! {
                        biased;
                        () = changed => {}
                        () = tokio::time::sleep_until(due) => {}
                    }
                }
                None => changed.await,
            }
        }
    }

    /// Drops all that is queued and remembered of `key`. A turn in work ends without a retry.
    pub fn forget(&self, key: &K) {
        self.0.lock().change(key.clone(), |entry| {
            *entry =
                Entry { in_work: entry.in_work.map(|turn| InWork { forgotten: true, ..turn }), ..Entry::default() };
        });
    }

    /// Ends the queue: [`Queue::next`] hands out nothing more. Turns in work may still end.
    pub fn close(&self) {
        self.0.lock().closed = true;
        self.0.changed.notify_waiters();
    }

    /// How many keys are queued, due or not; those in work count if they were pushed again.
    pub fn len(&self) -> usize {
        self.0.lock().entries.values().filter(|entry| entry.ticket.is_some()).count()
    }

    /// Whether no key is queued.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn end(&self, key: &K, outcome: Outcome) {
        let now = Instant::now();
        self.0.lock().change(key.clone(), |entry| {
            let Some(turn) = entry.in_work.take() else {
                return;
            };
            match outcome {
                Outcome::Failed if turn.forgotten => {}
                Outcome::Failed => {
                    entry.failures = entry.failures.saturating_add(1);
                    let wait = self.0.jitter.spread(self.0.backoff.wait(entry.failures), self.0.backoff.jitter);
                    entry.retry(turn.priority, now + wait.min(LONGEST));
                }
                Outcome::Done => entry.succeed(),
                Outcome::Again(priority, after) => {
                    entry.succeed();
                    if !turn.forgotten {
                        entry.merge(Ticket { priority, due: now + after.min(LONGEST) });
                    }
                }
            }
        });
        self.0.changed.notify_waiters();
    }
}

impl<K: Ord + Clone> Clone for Queue<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K> Shared<K> {
    fn lock(&self) -> MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Ord + Clone> State<K> {
    /// Applies `change` to the entry of `key` and brings the order of service up to date.
    fn change(&mut self, key: K, change: impl FnOnce(&mut Entry)) {
        let entry = self.entries.entry(key.clone()).or_default();
        if let Some(Ticket { priority, due }) = entry.ticket {
            self.ready.remove(&(priority, due, key.clone()));
            self.later.remove(&(due, key.clone()));
        }
        change(entry);
        if entry.says_nothing() {
            self.entries.remove(&key);
        } else if let (Some(ticket), None) = (entry.ticket, entry.in_work) {
            self.later.insert((ticket.due, key));
        }
    }

    /// Takes the first due key into work.
    fn take(&mut self, now: Instant) -> Option<K> {
        while let Some((due, _)) = self.later.first()
            && *due <= now
        {
            let (due, key) = self.later.pop_first()?;
            let priority = self.entries.get(&key)?.ticket?.priority;
            self.ready.insert((priority, due, key));
        }
        let (priority, _, key) = self.ready.pop_first()?;
        let entry = self.entries.get_mut(&key)?;
        entry.ticket = None;
        entry.not_before = None;
        entry.in_work = Some(InWork { priority, forgotten: false });
        Some(key)
    }
}

impl Entry {
    fn merge(&mut self, new: Ticket) {
        if new.priority == Priority::Declared {
            self.not_before = None;
        }
        let new = Ticket { due: self.not_before.map_or(new.due, |end| new.due.max(end)), ..new };
        self.ticket = Some(
            self.ticket
                .map_or(new, |old| Ticket { priority: old.priority.min(new.priority), due: old.due.min(new.due) }),
        );
    }

    /// Queues again after a failure; a declaration that changed during the turn does not wait.
    fn retry(&mut self, priority: Priority, end_of_backoff: Instant) {
        match self.ticket {
            Some(Ticket { priority: Priority::Declared, .. }) => {}
            pushed => {
                let priority = pushed.map_or(priority, |ticket| ticket.priority.min(priority));
                self.not_before = Some(end_of_backoff);
                self.ticket = Some(Ticket { priority, due: end_of_backoff });
            }
        }
    }

    fn succeed(&mut self) {
        self.failures = 0;
        self.not_before = None;
    }

    fn says_nothing(&self) -> bool {
        self.ticket.is_none() && self.in_work.is_none() && self.failures == 0
    }
}

/// The right to work on one key. Dropped without an outcome, it counts as failed.
#[must_use = "a turn that is dropped counts as failed"]
pub struct Turn<K: Ord + Clone> {
    queue: Queue<K>,
    key: K,
    ended: bool,
}

impl<K: Ord + Clone> Turn<K> {
    /// What to work on.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// Ends the turn.
    pub fn end(mut self, outcome: Outcome) {
        self.ended = true;
        self.queue.end(&self.key, outcome);
    }

    /// Ends the turn with [`Outcome::Done`].
    pub fn succeeded(self) {
        self.end(Outcome::Done);
    }

    /// Ends the turn with [`Outcome::Failed`].
    pub fn failed(self) {
        self.end(Outcome::Failed);
    }
}

impl<K: Ord + Clone> Drop for Turn<K> {
    fn drop(&mut self) {
        if !self.ended {
            self.queue.end(&self.key, Outcome::Failed);
        }
    }
}

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing more to do until the next push. Resets the back-off.
    Done,
    /// Done for now; to be looked at again in so long. Resets the back-off.
    Again(Priority, Duration),
    /// To be retried after the back-off, with the priority that the turn had.
    Failed,
}

impl Outcome {
    /// The same, but looked at again after this time at the latest. What failed waits for its back-off.
    pub fn or_again_in(self, latest: Option<Duration>) -> Self {
        match (self, latest) {
            (outcome, None) | (outcome @ Self::Failed, _) => outcome,
            (Self::Again(priority, wait), Some(latest)) => Self::Again(priority, wait.min(latest)),
            (Self::Done, Some(latest)) => Self::Again(Priority::Waiting, latest),
        }
    }
}

/// Works on up to `workers` keys of `queue` at once until it is closed or `cancel` fires; then
/// begins no new key, and returns when those in work have ended.
///
/// A panic of `work` is logged, and the key counts as failed.
pub async fn run_workers<K, W, F>(queue: Queue<K>, workers: NonZeroUsize, cancel: CancellationToken, work: W)
where
    K: Ord + Clone + fmt::Debug + Send + 'static,
    W: Fn(K) -> F + Send + Sync + 'static,
    F: Future<Output = Outcome> + Send + 'static,
{
    let work = Arc::new(work);
    let mut running = JoinSet::new();
    loop {
        let full = running.len() >= workers.get();
        tokio::select! {
            biased;
            () = cancel.cancelled() => break,
            Some(_) = running.join_next() => {}
            turn = queue.next(), if !full => match turn {
                Some(turn) => {
                    running.spawn(work_on(turn, Arc::clone(&work)));
                }
                None => break,
            },
        }
    }
    while running.join_next().await.is_some() {}
}

async fn work_on<K, W, F>(turn: Turn<K>, work: Arc<W>)
where
    K: Ord + Clone + fmt::Debug,
    W: Fn(K) -> F,
    F: Future<Output = Outcome>,
{
    let key = turn.key().clone();
    let outcome = AssertUnwindSafe(async { work(key).await }).catch_unwind().await.unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
        tracing::error!(key = ?turn.key(), panic = message, "a worker panicked; the key will be retried");
        Outcome::Failed
    });
    turn.end(outcome);
}

#[cfg(test)]
mod tests;

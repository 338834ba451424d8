//! Joins questions that are asked within a few milliseconds into one call.
//!
//! Invariants:
//! - A question only joins a batch that has not been sent, so an answer is never older than the question. There
//!   is no cache.
//! - No task is spawned: those who ask drive the call between them. When the last of them goes away,
//!   the call is dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long a batch waits for more keys, if nobody says otherwise.
pub const WINDOW: Duration = Duration::from_millis(5);

/// What a call found, for all who asked.
type Answer<K, V, E> = Result<Arc<BTreeMap<K, V>>, Arc<E>>;
type Call<K, V, E> = BoxFuture<'static, Answer<K, V, E>>;
type Load<K, V, E> = dyn Fn(BTreeSet<K>) -> BoxFuture<'static, Result<BTreeMap<K, V>, E>> + Send + Sync;

/// Looks up values by key, many in one call. Clones share their batches.
///
/// `V` is cloned for each asker: an `Arc` where it is large.
pub struct Batch<K, V, E>(Arc<Inner<K, V, E>>);

struct Inner<K, V, E> {
    max: NonZeroUsize,
    window: Duration,
    load: Arc<Load<K, V, E>>,
    /// The batch that was begun last. It takes keys until it is full or sent.
    last: Mutex<Option<Begun<K, V, E>>>,
}

struct Begun<K, V, E> {
    keys: Arc<Keys<K>>,
    /// Gone when nobody waits for it any more.
    call: WeakShared<Call<K, V, E>>,
}

/// The keys of a batch.
struct Keys<K> {
    /// `None` once the call was sent.
    unsent: Mutex<Option<BTreeSet<K>>>,
    full: Notify,
}

impl<K, V, E> Batch<K, V, E>
where
    K: Ord + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    /// Batches of at most `max` keys, each sent when it is full or `window` after its first key.
    ///
    /// `load` looks up one batch, with all pages of the answer, and leaves out the keys that do not exist. Batches
    /// run at the same time. If it panics, each asker of the batch does.
    pub fn new(
        max: NonZeroUsize,
        window: Duration,
        load: impl Fn(BTreeSet<K>) -> BoxFuture<'static, Result<BTreeMap<K, V>, E>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner { max, window, load: Arc::new(load), last: Mutex::default() }))
    }

    /// The value of `key`, as it was at some time after this was called; `None` if the call did not find it.
    ///
    /// # Errors
    /// The call's error, the same for each who asked in its batch.
    pub async fn get(&self, key: K) -> Result<Option<V>, Arc<E>> {
        let found = self.join(key.clone()).await?;
        Ok(found.get(&key).cloned())
    }

    /// Adds `key` to the last batch if that still takes keys, or else to a new one.
    fn join(&self, key: K) -> Shared<Call<K, V, E>> {
        let mut last = lock(&self.0.last);
        if let Some(begun) = &*last
            && let Some(call) = begun.call.upgrade()
            && begun.keys.add(&key, self.0.max)
        {
            return call;
        }
        let keys = Arc::new(Keys { unsent: Mutex::new(Some(BTreeSet::new())), full: Notify::new() });
        keys.add(&key, self.0.max);
        let call = self.call(Arc::clone(&keys)).shared();
        *last = call.downgrade().map(|call| Begun { keys, call });
        call
    }

    fn call(&self, keys: Arc<Keys<K>>) -> Call<K, V, E> {
        let load = Arc::clone(&self.0.load);
        let window = tokio::time::sleep_until(Instant::now() + self.0.window);
        async move {
            tokio::select! {
                biased;
                () = keys.full.notified() => {}
                () = window => {}
            }
            let unsent = lock(&keys.unsent).take().unwrap_or_default();
            load(unsent).await.map(Arc::new).map_err(Arc::new)
        }
        .boxed()
    }
}

impl<K: Ord + Clone> Keys<K> {
    /// Adds a key, unless the batch was sent or has no room for it. Tells whether it is in.
    fn add(&self, key: &K, max: NonZeroUsize) -> bool {
        let mut unsent = lock(&self.unsent);
        let Some(keys) = &mut *unsent else { return false };
        if keys.len() >= max.get() {
            return keys.contains(key);
        }
        keys.insert(key.clone());
        if keys.len() >= max.get() {
            self.full.notify_one();
        }
        true
    }
}

impl<K, V, E> Clone for Batch<K, V, E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V, E> fmt::Debug for Batch<K, V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("max", &self.0.max).field("window", &self.0.window).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    /// A store that answers 100 ms after each call with how things were when the call came.
    #[derive(Default)]
    struct Store {
        calls: Mutex<Vec<Vec<u32>>>,
        dropped: Mutex<u32>,
    }

    /// Notes when a call is dropped before its end.
    struct Running(Arc<Store>, bool);

    impl Drop for Running {
        fn drop(&mut self) {
            *lock(&self.0.dropped) += u32::from(!self.1);
        }
    }

    impl Running {
        fn ended(&mut self) {
            self.1 = true;
        }
    }

    impl Store {
        /// Values are the number of calls so far; keys above 1000 do not exist; key 613 fails.
        fn batch(self: &Arc<Self>, max: usize) -> Batch<u32, usize, String> {
            let store = Arc::clone(self);
            Batch::new(NonZeroUsize::new(max).unwrap(), WINDOW, move |keys| {
                let store = Arc::clone(&store);
                let mut calls = lock(&store.calls);
                calls.push(keys.iter().copied().collect());
                let value = calls.len();
                drop(calls);
                let mut running = Running(store, false);
                async move {
                    tokio::time::sleep(ms(100)).await;
                    running.ended();
                    if keys.contains(&613) {
                        return Err("refused".to_owned());
                    }
                    Ok(keys.into_iter().filter(|key| *key < 1000).map(|key| (key, value)).collect())
                }
                .boxed()
            })
        }

        fn calls(&self) -> Vec<Vec<u32>> {
            lock(&self.calls).clone()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_asked_within_the_window_goes_in_one_call() {
        let store = Arc::new(Store::default());
        let batch = store.batch(200);
        let later = async {
            tokio::time::sleep(ms(4)).await;
            batch.get(3).await
        };
        let (one, two, again, missing, three) =
            tokio::join!(batch.get(1), batch.get(2), batch.get(1), batch.get(5000), later);
        assert_eq!((one, two, again, missing, three), (Ok(Some(1)), Ok(Some(1)), Ok(Some(1)), Ok(None), Ok(Some(1))));
        assert_eq!(store.calls(), [[1, 2, 3, 5000]]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_never_older_than_the_question() {
        let store = Arc::new(Store::default());
        let batch = store.batch(200);
        let later = async {
            // The first call is on its way: its answer may not know of what happened since.
            tokio::time::sleep(ms(6)).await;
            batch.get(1).await
        };
        assert_eq!(tokio::join!(batch.get(1), later), (Ok(Some(1)), Ok(Some(2))));
        assert_eq!(batch.get(1).await, Ok(Some(3)), "nor is it kept");
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_batch_goes_at_once_and_the_rest_in_calls_of_their_own_at_the_same_time() {
        let store = Arc::new(Store::default());
        let batch = store.batch(2);
        let began = Instant::now();
        let first = async {
            tokio::join!(batch.get(1), batch.get(2)).0.unwrap();
            began.elapsed()
        };
        let rest = async {
            join_all([3, 4, 5].map(|key| batch.get(key))).await;
            began.elapsed()
        };
        let (first, rest) = tokio::join!(first, rest);
        assert_eq!((first, rest), (ms(100), ms(105)));
        assert_eq!(store.calls(), [vec![1, 2], vec![3, 4], vec![5]]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_batch_takes_nothing_more_even_if_it_is_not_sent_yet() {
        let store = Arc::new(Store::default());
        let batch = store.batch(2);
        join_all([1, 2, 2, 3].map(|key| batch.join(key))).await;
        assert_eq!(store.calls(), [vec![1, 2], vec![3]]);
    }

    #[tokio::test(start_paused = true)]
    async fn all_of_a_failing_batch_get_its_error_and_others_do_not() {
        let store = Arc::new(Store::default());
        let batch = store.batch(2);
        let (a, b, c) = tokio::join!(batch.get(612), batch.get(613), batch.get(614));
        let (a, b) = (a.unwrap_err(), b.unwrap_err());
        assert!(Arc::ptr_eq(&a, &b));
        assert_eq!((a.as_str(), c), ("refused", Ok(Some(2))));
        assert_eq!(batch.get(612).await, Ok(Some(3)), "a failure is not kept either");
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_goes_away_takes_nothing_from_the_others() {
        for patience in [ms(1), ms(50)] {
            let store = Arc::new(Store::default());
            let batch = store.batch(200);
            let (gone, stays) = tokio::join!(tokio::time::timeout(patience, batch.get(1)), batch.get(2));
            assert!(gone.is_err());
            assert_eq!(stays, Ok(Some(1)));
            assert_eq!((store.calls().len(), *lock(&store.dropped)), (1, 0));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn when_nobody_waits_any_more_nothing_is_sent_or_goes_on() {
        let store = Arc::new(Store::default());
        let batch = store.batch(200);
        assert!(tokio::time::timeout(ms(1), batch.get(1)).await.is_err());
        tokio::time::sleep(ms(50)).await;
        assert_eq!(batch.get(2).await, Ok(Some(1)));
        assert_eq!(store.calls(), [[2]], "key 1 was given up before its batch was sent");

        assert!(tokio::time::timeout(ms(50), batch.get(3)).await.is_err());
        assert_eq!(*lock(&store.dropped), 1);
        drop(batch);
        assert_eq!(Arc::strong_count(&store), 1, "nothing outlives the batch and its askers");
    }

    #[tokio::test(start_paused = true)]
    async fn askers_in_tasks_of_their_own_share_a_call() {
        let store = Arc::new(Store::default());
        let batch = store.batch(200);
        let tasks: Vec<_> = (0..300)
            .map(|key| {
                let batch = batch.clone();
                tokio::spawn(async move { batch.get(key).await })
            })
            .collect();
        for task in tasks {
            assert!(task.await.unwrap().unwrap().is_some());
        }
        assert_eq!(store.calls().iter().map(Vec::len).collect::<Vec<_>>(), [200, 100]);
    }
}

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const NOW: Duration = Duration::ZERO;

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A queue whose back-offs are exact: 1, 2, 4 … 300 s.
fn queue() -> Queue<&'static str> {
    Queue::new(Backoff { jitter: 0.0, ..Backoff::default() }, Jitter::seeded(1))
}

/// The next turn and how long it had to be waited for.
async fn next(queue: &Queue<&'static str>) -> (Turn<&'static str>, Duration) {
    let began = Instant::now();
    let turn = queue.next().await.expect("the queue is open");
    (turn, began.elapsed())
}

/// The keys that are due now, in order; each turn succeeds.
async fn due(queue: &Queue<&'static str>) -> Vec<&'static str> {
    let mut keys = Vec::new();
    while let Some(Some(turn)) = queue.next().now_or_never() {
        keys.push(*turn.key());
        turn.succeeded();
    }
    keys
}

#[tokio::test(start_paused = true)]
async fn due_keys_go_by_priority_then_time_then_key() {
    let queue = queue();
    queue.push("routine", Priority::Routine, NOW);
    queue.push("waiting", Priority::Waiting, NOW);
    queue.push("c", Priority::Declared, seconds(2));
    queue.push("b", Priority::Declared, seconds(1));
    queue.push("a", Priority::Declared, seconds(1));
    queue.push("not yet", Priority::Declared, seconds(9));
    tokio::time::advance(seconds(3)).await;
    assert_eq!(due(&queue).await, ["a", "b", "c", "waiting", "routine"]);
    assert_eq!(queue.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn next_waits_until_the_first_entry_is_due() {
    let queue = queue();
    queue.push("late", Priority::Routine, seconds(60));
    queue.push("early", Priority::Routine, seconds(5));
    let (turn, waited) = next(&queue).await;
    assert_eq!((*turn.key(), waited), ("early", seconds(5)));
}

#[tokio::test(start_paused = true)]
async fn a_push_wakes_a_waiting_next() {
    let queue = queue();
    queue.push("late", Priority::Routine, seconds(60));
    let pusher = queue.clone();
    tokio::spawn(async move {
        tokio::time::sleep(seconds(3)).await;
        pusher.push("new", Priority::Routine, NOW);
    });
    let (turn, waited) = next(&queue).await;
    assert_eq!((*turn.key(), waited), ("new", seconds(3)));
}

#[tokio::test(start_paused = true)]
async fn merging_takes_the_earlier_time_and_the_more_urgent_priority() {
    let queue = queue();
    queue.push("merged", Priority::Routine, NOW);
    queue.push("merged", Priority::Declared, seconds(50));
    queue.push("other", Priority::Waiting, NOW);
    assert_eq!(queue.len(), 2);
    assert_eq!(due(&queue).await, ["merged", "other"]);
    assert!(queue.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_key_in_work_is_handed_out_again_only_after_its_turn() {
    let queue = queue();
    queue.push("a", Priority::Routine, NOW);
    let (turn, _) = next(&queue).await;
    queue.push("a", Priority::Declared, NOW);
    assert_eq!(queue.len(), 1);
    assert!(queue.next().now_or_never().is_none(), "in work, so not handed out");
    turn.succeeded();
    assert_eq!(due(&queue).await, ["a"]);
    assert!(queue.next().now_or_never().is_none(), "pushed once, so handed out once");
}

#[tokio::test(start_paused = true)]
async fn failures_back_off_up_to_the_cap_and_success_resets() {
    let queue = queue();
    queue.push("a", Priority::Waiting, NOW);
    let mut waits = Vec::new();
    for _ in 0..11 {
        let (turn, waited) = next(&queue).await;
        waits.push(waited.as_secs());
        turn.failed();
    }
    assert_eq!(waits, [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);

    next(&queue).await.0.succeeded();
    queue.push("a", Priority::Routine, NOW);
    next(&queue).await.0.failed();
    assert_eq!(next(&queue).await.1, seconds(1));
}

#[tokio::test(start_paused = true)]
async fn jitter_lengthens_a_back_off_and_repeats_with_its_seed() {
    async fn wait(seed: u64) -> Duration {
        let queue = Queue::new(Backoff::default(), Jitter::seeded(seed));
        queue.push("a", Priority::Routine, NOW);
        next(&queue).await.0.failed();
        next(&queue).await.1
    }
    let first = wait(1).await;
    assert!(first > seconds(1) && first <= Duration::from_millis(1201), "{first:?}");
    assert_eq!(wait(1).await, first);
    assert_ne!(wait(2).await, first);
}

#[tokio::test(start_paused = true)]
async fn only_a_declared_change_ends_a_back_off() {
    let queue = queue();
    queue.push("a", Priority::Routine, NOW);
    for _ in 0..4 {
        next(&queue).await.0.failed();
    }
    queue.push("a", Priority::Routine, NOW);
    queue.push("a", Priority::Waiting, NOW);
    assert_eq!(next(&queue).await.1, seconds(8), "resync does not cut a back-off short");
}

#[tokio::test(start_paused = true)]
async fn a_declared_change_goes_at_once_during_a_back_off() {
    let queue = queue();
    queue.push("a", Priority::Routine, NOW);
    next(&queue).await.0.failed();
    queue.push("a", Priority::Declared, NOW);
    assert_eq!(next(&queue).await.1, NOW);
}

#[tokio::test(start_paused = true)]
async fn a_declared_change_during_a_failing_turn_is_not_put_off() {
    let queue = queue();
    queue.push("a", Priority::Routine, NOW);
    let (turn, _) = next(&queue).await;
    queue.push("a", Priority::Declared, NOW);
    turn.failed();
    assert_eq!(next(&queue).await.1, NOW);

    queue.push("b", Priority::Routine, NOW);
    let (turn, _) = next(&queue).await;
    queue.push("b", Priority::Routine, NOW);
    turn.failed();
    assert_eq!(next(&queue).await.1, seconds(1), "but routine work is");
}

#[tokio::test(start_paused = true)]
async fn a_retry_keeps_the_priority_of_its_turn() {
    let queue = queue();
    queue.push("z", Priority::Declared, NOW);
    next(&queue).await.0.failed();
    queue.push("a", Priority::Waiting, NOW);
    tokio::time::advance(seconds(2)).await;
    assert_eq!(due(&queue).await, ["z", "a"]);
}

#[tokio::test(start_paused = true)]
async fn again_resets_the_back_off_and_returns_in_time() {
    let queue = queue();
    queue.push("a", Priority::Routine, NOW);
    next(&queue).await.0.failed();
    next(&queue).await.0.failed();
    next(&queue).await.0.end(Outcome::Again(Priority::Waiting, seconds(30)));
    let (turn, waited) = next(&queue).await;
    assert_eq!(waited, seconds(30));
    turn.failed();
    assert_eq!(next(&queue).await.1, seconds(1));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_turn_counts_as_failed() {
    let queue = queue();
    queue.push("a", Priority::Routine, NOW);
    drop(next(&queue).await);
    assert_eq!(next(&queue).await.1, seconds(1));
}

#[tokio::test(start_paused = true)]
async fn forgotten_keys_do_not_come_back_unless_pushed() {
    let queue = queue();
    queue.push("a", Priority::Routine, NOW);
    queue.push("b", Priority::Routine, NOW);
    let (turn, _) = next(&queue).await;
    queue.forget(&"a");
    queue.forget(&"b");
    turn.failed();
    assert!(queue.is_empty());
    tokio::time::advance(seconds(1000)).await;
    assert!(queue.next().now_or_never().is_none());

    queue.push("a", Priority::Routine, NOW);
    let (turn, _) = next(&queue).await;
    queue.forget(&"a");
    queue.push("a", Priority::Routine, NOW);
    turn.failed();
    let (turn, waited) = next(&queue).await;
    assert_eq!(waited, NOW);
    turn.succeeded();
    assert!(queue.0.lock().ready.is_empty() && queue.0.lock().later.is_empty());
    assert!(queue.0.lock().entries.is_empty(), "nothing is left behind");
}

#[tokio::test(start_paused = true)]
async fn a_closed_queue_wakes_those_who_wait_and_hands_out_nothing() {
    let queue = queue();
    let waiter = tokio::spawn({
        let queue = queue.clone();
        async move { queue.next().await.is_none() }
    });
    tokio::task::yield_now().await;
    queue.close();
    assert!(waiter.await.unwrap());
    queue.push("a", Priority::Declared, NOW);
    assert!(queue.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_entry_put_off_for_ever_is_no_overflow() {
    let queue = queue();
    queue.push("a", Priority::Routine, Duration::MAX);
    assert_eq!(queue.len(), 1);
}

/// Runs 3 workers over keys that each take 10 s of work, and tells how it went.
struct Run {
    running: AtomicUsize,
    most: AtomicUsize,
    ended: Mutex<Vec<&'static str>>,
}

impl Run {
    fn start(queue: &Queue<&'static str>, cancel: &CancellationToken) -> (Arc<Self>, tokio::task::JoinHandle<()>) {
        let run =
            Arc::new(Run { running: AtomicUsize::new(0), most: AtomicUsize::new(0), ended: Mutex::new(Vec::new()) });
        let work = {
            let run = Arc::clone(&run);
            move |key| Arc::clone(&run).work(key)
        };
        let three = NonZeroUsize::new(3).unwrap();
        (run, tokio::spawn(run_workers(queue.clone(), three, cancel.clone(), work)))
    }

    async fn work(self: Arc<Self>, key: &'static str) -> Outcome {
        self.most.fetch_max(self.running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        tokio::time::sleep(seconds(10)).await;
        self.running.fetch_sub(1, Ordering::SeqCst);
        let first = !self.ended().contains(&key);
        self.ended.lock().unwrap().push(key);
        assert!(key != "panics" || !first, "as asked for");
        Outcome::Done
    }

    fn ended(&self) -> Vec<&'static str> {
        self.ended.lock().unwrap().clone()
    }
}

#[tokio::test(start_paused = true)]
async fn workers_run_so_many_at_once_and_outlive_a_panic() {
    let (queue, cancel) = (queue(), CancellationToken::new());
    for key in ["a", "b", "c", "d", "panics"] {
        queue.push(key, Priority::Routine, NOW);
    }
    let (run, pool) = Run::start(&queue, &cancel);
    tokio::time::sleep(seconds(60)).await;
    assert_eq!(run.most.load(Ordering::SeqCst), 3);
    assert_eq!(run.ended(), ["a", "b", "c", "d", "panics", "panics"]);
    queue.close();
    pool.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn cancelled_workers_end_what_they_began_and_begin_nothing() {
    let (queue, cancel) = (queue(), CancellationToken::new());
    for key in ["a", "b", "c", "d", "e"] {
        queue.push(key, Priority::Routine, NOW);
    }
    let (run, pool) = Run::start(&queue, &cancel);
    tokio::time::sleep(seconds(5)).await;
    cancel.cancel();
    let began = Instant::now();
    pool.await.unwrap();
    assert_eq!(began.elapsed(), seconds(5));
    assert_eq!(run.ended(), ["a", "b", "c"]);
    assert_eq!(queue.len(), 2);
}

#[test]
fn what_is_to_be_looked_at_soon_is_whatever_has_failed() {
    let soon = Some(seconds(1));
    let again = |seconds_| Outcome::Again(Priority::Waiting, seconds(seconds_));
    assert_eq!(Outcome::Failed.or_again_in(soon), again(1), "health is watched");
    assert_eq!(Outcome::Failed.or_again_in(None), Outcome::Failed);
    assert_eq!(Outcome::Done.or_again_in(soon), again(1));
    assert_eq!(again(9).or_again_in(soon), again(1));
    assert_eq!(Outcome::Done.or_again_in(None), Outcome::Done);
}

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

struct Word(&'static str);

impl Told for Word {
    fn summary(&self) -> String {
        self.0.to_owned()
    }

    fn detail(&self) -> Vec<u8> {
        Vec::new()
    }
}

/// What the caller was told within a minute, and how often the call was done.
async fn one_call(fault: Option<Fault>) -> (Option<Result<&'static str, ()>>, usize, bool) {
    let process = Process::new("p", Instant::now(), Trace::default(), 1);
    if let Some(fault) = fault {
        process.inject(0, fault);
    }
    let done = Arc::new(AtomicUsize::new(0));
    let doing = Arc::clone(&done);
    let exchange = Exchange {
        what: "call".into(),
        changes: true,
        request: Vec::new(),
        carry_out: move || {
            doing.fetch_add(1, Ordering::Relaxed);
            Word("done")
        },
        refuse: |_| Word("refused"),
    };
    let told = tokio::time::timeout(Duration::from_secs(60), process.exchange(exchange)).await.ok();
    let told = told.map(|told| told.map(|word: Word| word.0).map_err(|_| ()));
    (told, done.load(Ordering::Relaxed), process.has_crashed())
}

#[tokio::test(start_paused = true)]
async fn each_fault_does_and_tells_what_its_name_says() {
    assert_eq!(one_call(None).await, (Some(Ok("done")), 1, false));
    assert_eq!(one_call(Some(Fault::Refused)).await, (Some(Ok("refused")), 0, false));
    assert_eq!(one_call(Some(Fault::Throttled)).await, (Some(Ok("refused")), 0, false));
    assert_eq!(one_call(Some(Fault::AnswerLost)).await, (Some(Err(())), 1, false));
    assert_eq!(one_call(Some(Fault::Hung)).await, (None, 0, false));
    assert_eq!(one_call(Some(Fault::Late)).await, (None, 1, false));
    assert_eq!(one_call(Some(Fault::CrashBefore)).await, (None, 0, true));
    assert_eq!(one_call(Some(Fault::CrashAfter)).await, (None, 1, true));
}

#[tokio::test(start_paused = true)]
async fn what_is_late_is_done_when_its_caller_has_given_up() {
    let process = Process::new("p", Instant::now(), Trace::default(), 1);
    process.inject_next(Fault::Late);
    let done = Arc::new(Mutex::new(None));
    let (doing, began) = (Arc::clone(&done), Instant::now());
    let exchange = Exchange {
        what: "call".into(),
        changes: true,
        request: Vec::new(),
        carry_out: move || {
            *doing.lock().unwrap() = Some(began.elapsed());
            Word("done")
        },
        refuse: |_| Word("refused"),
    };
    assert!(tokio::time::timeout(Duration::from_secs(10), process.exchange(exchange)).await.is_err());
    assert_eq!(*done.lock().unwrap(), None);
    tokio::time::sleep(Duration::from_secs(60)).await;
    let after = done.lock().unwrap().expect("it was done");
    assert!(after >= LATE && after < LATE + Duration::from_secs(1), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_crashed_process_reaches_nothing() {
    let process = Process::new("p", Instant::now(), Trace::default(), 1);
    process.crash();
    process.crashed().await;
    let exchange = Exchange {
        what: "call".into(),
        changes: true,
        request: Vec::new(),
        carry_out: || -> Word { panic!("it arrived") },
        refuse: |_| Word("refused"),
    };
    assert!(tokio::time::timeout(Duration::from_secs(60), process.exchange(exchange)).await.is_err());
}

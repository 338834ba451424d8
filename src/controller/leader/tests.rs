use std::future::pending;
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::task::JoinHandle;

use super::*;

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// How the API server treats requests.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Up,
    /// As it should, but each answer takes 2 s.
    Slow,
    /// Nothing is done, no answer comes.
    Unreachable,
    /// Nothing is done, and the answer says so.
    Failing,
    /// Writes are done, but their answers are lost.
    AnswersLost,
}

/// A server of one Lease, with versions as the real one has them.
#[derive(Clone)]
struct Server(Arc<Mutex<Stored>>);

struct Stored {
    mode: Mode,
    lease: Option<Lease>,
    version: u64,
    requests: Vec<&'static str>,
}

impl Server {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Stored { mode: Mode::Up, lease: None, version: 0, requests: Vec::new() })))
    }

    fn set(&self, mode: Mode) {
        self.0.lock().unwrap().mode = mode;
    }

    fn spec(&self) -> LeaseSpec {
        self.0.lock().unwrap().lease.clone().unwrap().spec.unwrap()
    }

    fn delete(&self) {
        self.0.lock().unwrap().lease = None;
    }

    fn client(&self) -> kube::Client {
        const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/system/leases";
        let lease = get(|State(server): State<Server>| async move { server.answer("get", None).await }).put(
            |State(server): State<Server>, Json(new): Json<Lease>| async move { server.answer("put", Some(new)).await },
        );
        let leases = post(|State(server): State<Server>, Json(new): Json<Lease>| async move {
            server.answer("post", Some(new)).await
        });
        let router = axum::Router::new()
            .route(&format!("{LEASES}/sgbind-controller"), lease)
            .route(LEASES, leases)
            .with_state(self.clone());
        kube::Client::new(router, "system")
    }

    async fn answer(&self, verb: &'static str, new: Option<Lease>) -> Response {
        let mode = self.0.lock().unwrap().mode;
        match mode {
            Mode::Unreachable => pending().await,
            Mode::Failing => refusal(StatusCode::INTERNAL_SERVER_ERROR),
            Mode::Up => self.0.lock().unwrap().apply(verb, new),
            Mode::Slow => {
                let answer = self.0.lock().unwrap().apply(verb, new);
                tokio::time::sleep(seconds(2)).await;
                answer
            }
            Mode::AnswersLost => {
                let answer = self.0.lock().unwrap().apply(verb, new);
                if verb == "get" { answer } else { pending().await }
            }
        }
    }

    /// Starts a candidate.
    fn candidate(&self, identity: &str) -> Candidate {
        let (elector, leadership) = self.elector(identity);
        let stop = CancellationToken::new();
        let task = tokio::spawn(elector.run(stop.clone()));
        Candidate { leadership, stop, task }
    }

    fn elector(&self, identity: &str) -> (Elector, Leadership) {
        let candidacy = Candidacy {
            namespace: "system".into(),
            name: "sgbind-controller".into(),
            identity: identity.into(),
            timing: Timing::default(),
        };
        let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().unwrap());
        Elector::new(self.client(), candidacy, clock, Jitter::seeded(1))
    }
}

impl Stored {
    fn apply(&mut self, verb: &'static str, new: Option<Lease>) -> Response {
        self.requests.push(verb);
        let version = self.lease.as_ref().map(|lease| lease.metadata.resource_version.clone());
        match (version, new) {
            (None, None) => refusal(StatusCode::NOT_FOUND),
            (None, Some(_)) if verb == "put" => refusal(StatusCode::NOT_FOUND),
            (Some(_), Some(_)) if verb == "post" => refusal(StatusCode::CONFLICT),
            (Some(version), Some(new)) if version != new.metadata.resource_version => refusal(StatusCode::CONFLICT),
            (Some(_), None) => Json(&self.lease).into_response(),
            (_, Some(mut new)) => {
                self.version += 1;
                new.metadata.resource_version = Some(self.version.to_string());
                self.lease = Some(new);
                Json(&self.lease).into_response()
            }
        }
    }
}

fn refusal(code: StatusCode) -> Response {
    let status = serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "refused", "code": code.as_u16(),
        "reason": code.canonical_reason().unwrap_or_default().replace(' ', ""),
    });
    (code, Json(status)).into_response()
}

struct Candidate {
    leadership: Leadership,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Candidate {
    async fn release(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

/// How long `event` takes; far too long ends the test.
async fn took(event: impl Future<Output = ()>) -> Duration {
    let began = Instant::now();
    tokio::time::timeout(seconds(300), event).await.expect("this should have happened");
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn of_two_candidates_one_leads_and_goes_on_leading() {
    let server = Server::new();
    let (a, b) = (server.candidate("a"), server.candidate("b"));
    tokio::time::sleep(seconds(1)).await;
    for _ in 0..100 {
        tokio::time::sleep(seconds(1)).await;
        assert_eq!((a.leadership.is_held(), b.leadership.is_held()), (true, false));
    }
    let spec = server.spec();
    assert_eq!(spec.holder_identity.as_deref(), Some("a"));
    assert_eq!((spec.lease_duration_seconds, spec.lease_transitions), (Some(15), Some(0)));
    assert_eq!(spec.acquire_time.unwrap().0.to_string(), "2026-01-01T00:00:00Z");
    let renewed = spec.renew_time.unwrap().0.to_string();
    assert!(renewed.as_str() > "2026-01-01T00:01:38Z", "{renewed}");
}

#[tokio::test(start_paused = true)]
async fn a_holder_renews_with_one_request() {
    let server = Server::new();
    let a = server.candidate("a");
    tokio::time::sleep(seconds(20)).await;
    assert!(a.leadership.is_held());
    let requests = server.0.lock().unwrap().requests.clone();
    assert_eq!(requests[..2], ["get", "post"]);
    assert!(requests.len() >= 9 && requests[2..].iter().all(|verb| *verb == "put"), "{requests:?}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_holder_is_succeeded_after_its_lease_and_not_before() {
    let server = Server::new();
    let a = server.candidate("a");
    a.leadership.acquired().await;
    let b = server.candidate("b");
    tokio::time::sleep(seconds(5)).await;
    a.task.abort();
    let waited = took(b.leadership.acquired()).await;
    assert!(waited > seconds(12) && waited < seconds(18), "{waited:?}");
    let spec = server.spec();
    assert_eq!((spec.holder_identity.as_deref(), spec.lease_transitions), (Some("b"), Some(1)));
    assert_eq!(spec.acquire_time, Some(MicroTime(spec.renew_time.unwrap().0)));
}

#[tokio::test(start_paused = true)]
async fn times_in_the_record_are_not_believed() {
    let server = Server::new();
    let (mut elector, _) = server.elector("other");
    let long_ago = MicroTime("2001-01-01T00:00:00Z".parse().unwrap());
    let mut spec = elector.claimed(None);
    (spec.renew_time, spec.acquire_time) = (Some(long_ago.clone()), Some(long_ago));
    let metadata = ObjectMeta { name: Some("sgbind-controller".into()), ..ObjectMeta::default() };
    elector.see(elector.leases.create(&super::post(), &Lease { metadata, spec: Some(spec) }).await.unwrap());

    let a = server.candidate("a");
    let waited = took(a.leadership.acquired()).await;
    assert!(waited >= seconds(15) && waited < seconds(18), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_was_paused_sees_it_at_its_first_look() {
    let server = Server::new();
    let (mut elector, leadership) = server.elector("a");
    let result = elector.attempt().await;
    elector.conclude(result);
    // No task runs from here on: only the clock goes on.
    tokio::time::advance(Duration::from_millis(9_999)).await;
    assert!(leadership.is_held());
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(!leadership.is_held());
    assert_eq!(took(leadership.lost()).await, seconds(0));
}

#[tokio::test(start_paused = true)]
async fn the_tenure_counts_from_the_start_of_the_renewal() {
    let server = Server::new();
    server.set(Mode::Slow);
    let (mut elector, leadership) = server.elector("a");
    let began = Instant::now();
    let result = elector.attempt().await;
    elector.conclude(result);
    took(leadership.lost()).await;
    assert_eq!(began.elapsed(), seconds(2 + 10), "2 s to read, then 10 from when the write was sent");
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_server_ends_leadership_before_another_may_start() {
    for mode in [Mode::Unreachable, Mode::Failing] {
        let server = Server::new();
        let a = server.candidate("a");
        a.leadership.acquired().await;
        server.set(mode);
        let waited = took(a.leadership.lost()).await;
        assert_eq!(waited, seconds(10), "renewed just now, so lost at the deadline");
        tokio::time::sleep(seconds(60)).await;
        assert!(!a.leadership.is_held());
        server.set(Mode::Up);
        assert!(took(a.leadership.acquired()).await < seconds(8), "nobody else took it");
        assert_eq!(server.spec().lease_transitions, Some(0));
    }
}

#[tokio::test(start_paused = true)]
async fn never_do_two_lead_at_once_whatever_fails() {
    let server = Server::new();
    let candidates = [server.candidate("a"), server.candidate("b"), server.candidate("c")];
    let modes = [Mode::Up, Mode::Unreachable, Mode::AnswersLost, Mode::Up, Mode::Failing, Mode::AnswersLost];
    let mut led = [0; 3];
    for step in 0..20_000usize {
        server.set(modes[(step / 170) % modes.len()]);
        tokio::time::sleep(Duration::from_millis(97)).await;
        let leading: Vec<_> = (0..3).filter(|i| candidates[*i].leadership.is_held()).collect();
        assert!(leading.len() <= 1, "at step {step}: {leading:?}");
        leading.into_iter().for_each(|i| led[i] += 1);
    }
    assert!(led.iter().sum::<i32>() > 5_000, "{led:?}");
}

#[tokio::test(start_paused = true)]
async fn an_update_whose_answer_was_lost_is_understood() {
    let server = Server::new();
    let a = server.candidate("a");
    a.leadership.acquired().await;
    tokio::time::sleep(seconds(1)).await;
    server.set(Mode::AnswersLost);
    // The renewal at about 2 s is stored, but times out; our version is outdated from then on.
    tokio::time::sleep(seconds(5)).await;
    server.set(Mode::Up);
    tokio::time::sleep(seconds(5)).await;
    assert!(a.leadership.is_held());
    let requests = server.0.lock().unwrap().requests.clone();
    assert!(
        requests.ends_with(&["put", "put", "get", "put"]) || requests.ends_with(&["put", "get", "put", "put"]),
        "{requests:?}"
    );
    assert_eq!(server.spec().lease_transitions, Some(0));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_lease_is_made_again() {
    let server = Server::new();
    let a = server.candidate("a");
    a.leadership.acquired().await;
    server.delete();
    tokio::time::sleep(seconds(5)).await;
    assert!(a.leadership.is_held());
    assert_eq!(server.spec().holder_identity.as_deref(), Some("a"));
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_finds_another_in_its_place_stops_at_its_next_renewal() {
    let server = Server::new();
    let a = server.candidate("a");
    a.leadership.acquired().await;
    {
        let mut stored = server.0.lock().unwrap();
        stored.version += 1;
        let version = stored.version.to_string();
        let lease = stored.lease.as_mut().unwrap();
        lease.metadata.resource_version = Some(version);
        lease.spec.as_mut().unwrap().holder_identity = Some("b".into());
    }
    assert!(took(a.leadership.lost()).await < seconds(3));
}

#[tokio::test(start_paused = true)]
async fn a_released_lease_is_taken_at_the_next_attempt() {
    let server = Server::new();
    let a = server.candidate("a");
    a.leadership.acquired().await;
    let b = server.candidate("b");
    tokio::time::sleep(seconds(1)).await;
    let told = a.leadership.clone();
    a.release().await;
    assert!(!told.is_held());
    assert_eq!(server.spec().holder_identity, None);
    assert!(took(b.leadership.acquired()).await < seconds(3));
    assert_eq!(server.spec().lease_transitions, Some(1));
}

#[tokio::test(start_paused = true)]
async fn release_outlives_an_outdated_version() {
    let server = Server::new();
    let a = server.candidate("a");
    a.leadership.acquired().await;
    tokio::time::sleep(seconds(1)).await;
    server.set(Mode::AnswersLost);
    tokio::time::sleep(Duration::from_millis(6_300)).await;
    server.set(Mode::Up);
    a.release().await;
    assert_eq!(server.spec().holder_identity, None);
}

#[tokio::test(start_paused = true)]
async fn one_who_does_not_lead_releases_nothing_and_stops_although_nothing_answers() {
    let server = Server::new();
    let a = server.candidate("a");
    a.leadership.acquired().await;
    let b = server.candidate("b");
    tokio::time::sleep(seconds(3)).await;
    b.release().await;
    assert!(a.leadership.is_held());
    assert_eq!(server.spec().holder_identity.as_deref(), Some("a"));

    server.set(Mode::Unreachable);
    assert!(took(a.release()).await <= seconds(15));
}

#[tokio::test(start_paused = true)]
async fn leadership_without_election_is_held_for_ever() {
    let leadership = Leadership::always();
    tokio::time::advance(seconds(1_000_000)).await;
    leadership.acquired().await;
    assert!(leadership.is_held());
    assert!(tokio::time::timeout(seconds(100), leadership.lost()).await.is_err());
}

#[test]
fn the_default_timing_is_client_gos() {
    let timing = Timing::default();
    assert_eq!((timing.lease(), timing.renew_deadline(), timing.retry()), (seconds(15), seconds(10), seconds(2)));
    assert_eq!(Timing::of_lease(0).lease(), seconds(1));
}

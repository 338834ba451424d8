//! The HTTP endpoint for probes and metrics.
//!
//! | path | answers 200 |
//! |---|---|
//! | `/livez` | unless the main loop has not given a sign of life for [`STALLED_AFTER`]; never depends on AWS |
//! | `/readyz` | once the caches are filled, whether this replica leads or stands by |
//! | `/metrics` | always, in the OpenMetrics text format |

use std::future::IntoFuture;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::metrics::Metrics;

/// How long the main loop may be silent before `/livez` asks for a restart.
pub const STALLED_AFTER: Duration = Duration::from_secs(3 * 60);

/// How long requests in progress may take to end after the server was asked to stop.
const GRACE: Duration = Duration::from_secs(5);

/// What OpenMetrics text is called.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Whether the caches are filled. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// From now on `/readyz` answers 200.
    pub fn set_ready(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether the caches are filled.
    pub fn is_ready(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The main loop's signs of life. Clones share them.
#[derive(Clone, Debug)]
pub struct Heartbeat(Arc<Mutex<Instant>>);

impl Heartbeat {
    /// One that begins with a sign of life.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    /// Gives a sign of life. To be called more often than [`STALLED_AFTER`], with or without leadership.
    pub fn beat(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Time since the last sign of life.
    pub fn silence(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self::new()
    }
}

/// Why the endpoint is not there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is taken, not ours, or a port that needs privileges.
    #[error("cannot listen on {address} for probes and metrics; choose another --http-address")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The server failed while running.
    #[error("serving probes and metrics failed")]
    Serve(#[source] io::Error),
}

/// What the endpoint tells of.
#[derive(Clone, Debug)]
pub struct Vitals {
    /// For `/readyz`.
    pub readiness: Readiness,
    /// For `/livez`.
    pub heartbeat: Heartbeat,
    /// For `/metrics`.
    pub metrics: Arc<Metrics>,
}

/// The endpoint, listening; connections are answered once it runs.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    vitals: Vitals,
}

impl Server {
    /// Listens on `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// [`Error::Bind`].
    pub async fn bind(address: SocketAddr, vitals: Vitals) -> Result<Self, Error> {
        let listener = TcpListener::bind(address).await.map_err(|source| Error::Bind { address, source })?;
        Ok(Self { listener, vitals })
    }

    /// The address that is listened on.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until `stop` fires; then ends, with 5 s at most for the requests in progress.
    ///
    /// # Errors
    /// [`Error::Serve`].
    pub async fn run(self, stop: CancellationToken) -> Result<(), Error> {
        let serving = axum::serve(self.listener, router(self.vitals))
            .with_graceful_shutdown(stop.clone().cancelled_owned())
            .into_future();
        let out_of_patience = async {
            stop.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            result = serving => result.map_err(Error::Serve),
            () = out_of_patience => Ok(()),
        }
    }
}

fn router(vitals: Vitals) -> Router {
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(vitals)
}

async fn livez(State(vitals): State<Vitals>) -> Response {
    let silence = vitals.heartbeat.silence();
    if silence <= STALLED_AFTER {
        (StatusCode::OK, "ok\n").into_response()
    } else {
        let message = format!("no sign of life from the main loop for {} s\n", silence.as_secs());
        (StatusCode::INTERNAL_SERVER_ERROR, message).into_response()
    }
}

async fn readyz(State(vitals): State<Vitals>) -> (StatusCode, &'static str) {
    if vitals.readiness.is_ready() {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the caches are not filled yet\n")
    }
}

async fn metrics(State(vitals): State<Vitals>) -> Response {
    match vitals.metrics.encode() {
        Ok(text) => ([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Err(error) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("metrics cannot be written: {error}\n")).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

    fn vitals() -> Vitals {
        Vitals { readiness: Readiness::default(), heartbeat: Heartbeat::new(), metrics: Arc::new(Metrics::new()) }
    }

    /// The status line and all that follows.
    async fn fetch(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: sgbind\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn probes_and_metrics_are_served_until_the_stop() {
        let (vitals, stop) = (vitals(), CancellationToken::new());
        let server = Server::bind(ANY, vitals.clone()).await.unwrap();
        let address = server.address().unwrap();
        let running = tokio::spawn(server.run(stop.clone()));

        assert!(fetch(address, "/livez").await.starts_with("HTTP/1.1 200 "));
        assert!(fetch(address, "/readyz").await.starts_with("HTTP/1.1 503 "));
        vitals.readiness.set_ready();
        assert!(fetch(address, "/readyz").await.starts_with("HTTP/1.1 200 "));
        vitals.metrics.set_leader(true);
        let metrics = fetch(address, "/metrics").await;
        assert!(metrics.contains("content-type: application/openmetrics-text; version=1.0.0"), "{metrics}");
        assert!(metrics.contains("\nsgbind_leader 1\n"), "{metrics}");
        assert!(fetch(address, "/").await.starts_with("HTTP/1.1 404 "));

        stop.cancel();
        running.await.unwrap().unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stalled_loop_is_not_alive_until_it_beats_again() {
        let vitals = vitals();
        let status = async || livez(State(vitals.clone())).await.status();
        tokio::time::advance(STALLED_AFTER).await;
        assert_eq!(status().await, StatusCode::OK);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(status().await, StatusCode::INTERNAL_SERVER_ERROR);
        vitals.heartbeat.beat();
        assert_eq!(status().await, StatusCode::OK);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_says_nothing_does_not_hold_up_the_stop() {
        let stop = CancellationToken::new();
        let server = Server::bind(ANY, vitals()).await.unwrap();
        let address = server.address().unwrap();
        let running = tokio::spawn(server.run(stop.clone()));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /livez HTTP/1.1\r\nhost:").await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        stop.cancel();
        tokio::time::timeout(GRACE + Duration::from_secs(5), running).await.expect("it stops").unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_taken_address_is_named() {
        let taken = Server::bind(ANY, vitals()).await.unwrap();
        let address = taken.address().unwrap();
        let error = Server::bind(address, vitals()).await.unwrap_err();
        assert!(error.to_string().contains(&address.to_string()), "{error}");
    }
}

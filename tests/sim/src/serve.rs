//! The simulation over HTTP, for programs that are processes of their own.
//!
//! Its time is then that of the runtime that serves it, which must not be paused.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Request, Response, header};
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::{Aws, Kubernetes};

/// A server on a free port of 127.0.0.1; it ends when this is dropped.
pub struct Server {
    address: SocketAddr,
    running: JoinHandle<()>,
}

impl Server {
    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    async fn start(router: Router) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let running = tokio::spawn(async move {
            // It ends with the task; what a connection that breaks may say interests nobody.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, running })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Aws {
    /// Serves all of its APIs at one address, for `AWS_ENDPOINT_URL`.
    ///
    /// # Errors
    /// No port is to be had.
    pub async fn serve(&self) -> io::Result<Server> {
        Server::start(Router::new().fallback(answer_aws).with_state(self.clone())).await
    }
}

impl Kubernetes {
    /// Serves it without TLS, for a kubeconfig whose server is the address.
    ///
    /// # Errors
    /// No port is to be had.
    pub async fn serve(&self) -> io::Result<Server> {
        Server::start(Router::new().fallback(answer_kubernetes).with_state(self.clone())).await
    }
}

async fn answer_aws(State(aws): State<Aws>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let target = header("x-amz-target");
    let answer = aws.answer(header(header::AUTHORIZATION.as_str()).unwrap_or_default(), target, &body);
    let kind = if target.is_some() { "application/x-amz-json-1.1" } else { "text/xml;charset=UTF-8" };
    let response = Response::builder().status(answer.status).header(header::CONTENT_TYPE, kind);
    response.body(Body::from(answer.body)).unwrap_or_default()
}

async fn answer_kubernetes(State(server): State<Kubernetes>, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    match body.collect().await {
        Ok(body) => server.handle(Request::from_parts(head, body.to_bytes())).map(Body::new),
        // The caller hung up.
        Err(_) => Response::default(),
    }
}

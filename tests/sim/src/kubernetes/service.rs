//! The server as a `tower` service: the way to it from a process, or from nobody in particular.

use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::json;

use super::{Body, Kubernetes, Response};
use crate::process::{Exchange, Fault, Process, Told};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a `kube::Client` is put upon: `kube::Client::new(kubernetes.service(), "default")`.
#[derive(Clone)]
pub struct Service {
    server: Kubernetes,
    process: Option<Process>,
}

impl Kubernetes {
    /// For a client that nothing befalls.
    pub fn service(&self) -> Service {
        Service { server: self.clone(), process: None }
    }

    /// For the client of a process, whose calls can go wrong.
    pub fn service_of(&self, process: &Process) -> Service {
        Service { server: self.clone(), process: Some(process.clone()) }
    }
}

impl<B> tower_service::Service<Request<B>> for Service
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (server, process) = (self.server.clone(), self.process.clone());
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.map_err(Into::into)?.to_bytes();
            let Some(process) = process else { return Ok(server.handle(Request::from_parts(head, body))) };
            let exchange = Exchange {
                what: format!("{} {}", head.method, head.uri),
                changes: head.method != Method::GET,
                request: body.to_vec(),
                carry_out: move || server.handle(Request::from_parts(head, body)),
                refuse: refusal,
            };
            let response = process.exchange(exchange).await?;
            Ok(response.map(|body| as_it_reaches(&process, body)))
        }
        .boxed()
    }
}

/// The events of a watch come only as long as the process lives, and not while they are held up.
fn as_it_reaches(process: &Process, body: Body) -> Body {
    let Body::Events(events) = body else { return body };
    let process = process.clone();
    let reached = events.then(move |event| {
        let process = process.clone();
        async move {
            process.lets_events_through().await;
            event
        }
    });
    Body::Events(Box::pin(reached))
}

/// Sources: `Status` in the Kubernetes API reference; "API Priority and Fairness" for 429.
fn refusal(fault: Fault) -> Response {
    let (code, reason) = match fault {
        Fault::Throttled => (StatusCode::TOO_MANY_REQUESTS, "TooManyRequests"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
    };
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "refused by the simulation", "reason": reason, "code": code.as_u16(),
    });
    let mut response = Response::new(Body::Whole(Some(Bytes::from(status.to_string()))));
    *response.status_mut() = code;
    response
}

impl Told for Response {
    fn summary(&self) -> String {
        self.status().as_u16().to_string()
    }

    fn detail(&self) -> Vec<u8> {
        match self.body() {
            Body::Whole(Some(bytes)) => bytes.to_vec(),
            Body::Whole(None) | Body::Events(_) => Vec::new(),
        }
    }
}

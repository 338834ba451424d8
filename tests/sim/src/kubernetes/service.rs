//! The server as a `tower` service.

use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use http_body_util::BodyExt;

use super::{Kubernetes, Response};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a `kube::Client` is put upon: `kube::Client::new(kubernetes.service(), "default")`.
#[derive(Clone)]
pub struct Service(Kubernetes);

impl Service {
    pub(super) fn new(server: Kubernetes) -> Self {
        Self(server)
    }
}

impl<B> tower_service::Service<http::Request<B>> for Service
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

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let server = self.0.clone();
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.map_err(Into::into)?.to_bytes();
            Ok(server.handle(http::Request::from_parts(head, body)))
        }
        .boxed()
    }
}

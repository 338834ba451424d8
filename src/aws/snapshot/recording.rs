//! What AWS answered, as it answered, to be kept.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// Bodies of successful answers, in their order. Attempts that failed leave none.
#[derive(Clone, Debug, Default)]
pub struct Recorded(Arc<Mutex<Vec<Vec<u8>>>>);

impl Recorded {
    /// What came since it was last asked for.
    pub fn take(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A client that keeps what this one is answered.
    pub fn wrap(&self, client: SharedHttpClient) -> SharedHttpClient {
        SharedHttpClient::new(Recording { inner: client, recorded: self.clone() })
    }
}

#[derive(Debug)]
struct Recording<T> {
    inner: T,
    recorded: Recorded,
}

impl HttpClient for Recording<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Recording { inner, recorded: self.recorded.clone() })
    }
}

impl HttpConnector for Recording<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (answer, recorded) = (self.inner.call(request), self.recorded.clone());
        HttpConnectorFuture::new(async move {
            let answer = answer.await?;
            // The time limit below has read the whole body.
            if let (true, Some(body)) = (answer.status().is_success(), answer.body().bytes()) {
                recorded.0.lock().unwrap_or_else(PoisonError::into_inner).push(body.to_vec());
            }
            Ok(answer)
        })
    }
}

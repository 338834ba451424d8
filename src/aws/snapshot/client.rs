//! The HTTP client that asks files.

use std::sync::Arc;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_ec2::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;

use crate::model::{Region, Scope};

use super::answers::Answer;
use super::requests::{Request, region};
use super::unanswered::Unanswered;
use super::{Snapshot, SnapshotError};

impl Snapshot {
    /// A configuration by which the SDK asks this snapshot and nothing else. `region` is what a person gave.
    ///
    /// # Errors
    /// The files don't say of which account and Region they are, or contradict each other or what was given.
    pub fn config(self, region: Option<Region>) -> Result<SdkConfig, SnapshotError> {
        let scope = self.scope(region)?;
        // The SDK signs; nobody looks at it but for the Region.
        let nobody = Credentials::new("SNAPSHOT", "none", None, None, "snapshot");
        let region = aws_config::Region::new(scope.region.as_str().to_owned());
        let connector = SharedHttpConnector::new(Offline { snapshot: Arc::new(self), scope });
        Ok(SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region)
            .credentials_provider(SharedCredentialsProvider::new(nobody))
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build())
    }
}

#[derive(Debug)]
struct Offline {
    snapshot: Arc<Snapshot>,
    scope: Scope,
}

impl Offline {
    fn answer(&self, request: &HttpRequest) -> Result<Answer, Unanswered> {
        let headers = request.headers();
        if let Some(asked) =
            headers.get("authorization").and_then(region).filter(|region| *region != self.scope.region.as_str())
        {
            let (dir, of) = (self.snapshot.dir.clone(), self.scope.region.to_string());
            return Err(Unanswered::Elsewhere { dir, of, asked: asked.to_owned() });
        }
        match headers.get("x-amz-target") {
            Some(action) => Err(Unanswered::UnknownCall { action: action.to_owned() }),
            None => self.snapshot.answer(&Request::read(request.body().bytes().unwrap_or_default()), &self.scope),
        }
    }
}

impl HttpConnector for Offline {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (status, body) = match self.answer(&request) {
            Ok(Answer::Found(body)) => (200, body),
            Ok(Answer::Refused(body)) => (400, body),
            // Nothing will change: it is not tried again.
            Err(unanswered) => return HttpConnectorFuture::ready(Err(ConnectorError::user(Box::new(unanswered)))),
        };
        let status = StatusCode::try_from(status).map_err(|error| ConnectorError::other(error.into(), None));
        HttpConnectorFuture::ready(status.map(|status| HttpResponse::new(status, SdkBody::from(body))))
    }
}

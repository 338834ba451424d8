//! The AWS of a simulation, and the way to it from below the SDK.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use tokio::time::Instant;

use super::{Answer, Api, Call, Failure, World};
use crate::process::{Exchange, Fault, Process, Told};

/// One AWS; clones are the same one. Its time is tokio's, paused or not.
#[derive(Clone)]
pub struct Aws {
    world: Arc<Mutex<World>>,
    began: Instant,
}

impl Aws {
    /// Empty but for what AWS itself puts into a Region. To be called in a tokio runtime.
    pub fn new(seed: u64) -> Self {
        Self { world: Arc::new(Mutex::new(World::new(seed))), began: Instant::now() }
    }

    /// What there is, to be looked at and changed as if by other hands.
    pub fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.advance(self.now());
        world
    }

    /// Since it began.
    pub fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Answers a request with this `Authorization` header, the header `X-Amz-Target` if it has one, and this body.
    pub fn answer(&self, authorization: &str, target: Option<&str>, body: &[u8]) -> Answer {
        let mut world = self.world();
        let scope = match world.scope_of(authorization) {
            Ok(scope) => scope,
            Err(failure) => {
                return Answer::failure(&Call::read_unsigned(target, body), &failure);
            }
        };
        let now = self.now();
        world.answer(&Call::read_any(target, body, scope), now)
    }

    /// For an SDK client that nothing befalls.
    pub fn http_client(&self) -> SharedHttpClient {
        client(Connector { aws: self.clone(), process: None })
    }

    /// For the SDK clients of a process.
    pub fn http_client_of(&self, process: &Process) -> SharedHttpClient {
        client(Connector { aws: self.clone(), process: Some(process.clone()) })
    }
}

fn client(connector: Connector) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(connector);
    http_client_fn(move |_, _| connector.clone())
}

struct Connector {
    aws: Aws,
    process: Option<Process>,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("simulated AWS")
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let authorization = request.headers().get("authorization").unwrap_or_default().to_owned();
        let target = request.headers().get("x-amz-target").map(str::to_owned);
        let body = request.body().bytes().unwrap_or_default().to_vec();
        let aws = self.aws.clone();
        let Some(process) = self.process.clone() else {
            return HttpConnectorFuture::ready(response(aws.answer(&authorization, target.as_deref(), &body)));
        };
        HttpConnectorFuture::new(async move {
            let call = Call::read_unsigned(target.as_deref(), &body);
            let service = match call.api() {
                Some(Api::Ec2) => "ec2",
                Some(Api::Elb) => "elbv2",
                Some(Api::Sts) => "sts",
                Some(Api::Quotas) => "servicequotas",
                None => "?",
            };
            let exchange = Exchange {
                what: format!("{service} {}", call.action),
                changes: !call.is_read(),
                request: body.clone(),
                carry_out: move || aws.answer(&authorization, target.as_deref(), &body),
                refuse: |fault| Answer::failure(&call, &refusal(&call, fault)),
            };
            let told = process.exchange(exchange).await;
            response(told.map_err(|broken| ConnectorError::io(broken.into()))?)
        })
    }
}

/// The errors that the APIs have for it. Sources: "Error codes for the Amazon EC2 API"; "Common Errors" of the Elastic
/// Load Balancing API reference; `GetServiceQuota` in the Service Quotas API reference.
fn refusal(call: &Call, fault: Fault) -> Failure {
    let code = match (fault, call.api()) {
        (Fault::Throttled, Some(Api::Ec2)) => "RequestLimitExceeded",
        (Fault::Throttled, Some(Api::Quotas)) => "TooManyRequestsException",
        (Fault::Throttled, _) => "Throttling",
        (_, Some(Api::Ec2)) => "UnauthorizedOperation",
        (_, Some(Api::Quotas)) => "AccessDeniedException",
        _ => "AccessDenied",
    };
    let status = match (fault, call.api()) {
        (Fault::Throttled, Some(Api::Ec2)) => 503,
        (Fault::Throttled, _) | (_, Some(Api::Quotas)) => 400,
        _ => 403,
    };
    Failure::new(code, format!("{} is refused by the simulation", call.action)).with_status(status)
}

fn response(answer: Answer) -> Result<HttpResponse, ConnectorError> {
    let status = answer.status.try_into().map_err(|error| ConnectorError::other(Box::new(error), None))?;
    let mut response = HttpResponse::new(status, SdkBody::from(answer.body));
    response.headers_mut().insert("x-amzn-requestid", "simulated");
    Ok(response)
}

impl Told for Answer {
    fn summary(&self) -> String {
        self.status.to_string()
    }

    fn detail(&self) -> Vec<u8> {
        self.body.clone().into_bytes()
    }
}

//! Rate limits of our own, so that we leave AWS's to others and are not throttled by it.
//!
//! AWS limits requests by token buckets, one for each account, Region and action. We keep the same buckets
//! with a share of AWS's rates. They sit below the SDK client, in the HTTP connector: a retry of
//! the SDK is a request like any other, and takes a token too.
//!
//! Those who wait for a bucket are served in the order of their arrival. A request is signed before
//! it gets here and AWS refuses signatures older than 5 minutes, so a wait of more than
//! [`LONGEST_WAIT`] ends in a timeout, which the SDK retries with a new signature. A caller that has
//! thousands of questions should ask a few at a time. An attempt timeout set on the SDK client includes the wait.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::{RuntimeComponents, RuntimeComponentsBuilder};
use aws_smithy_types::config_bag::ConfigBag;
use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use crate::telemetry::metrics::Metrics;

/// Longest wait for a token before a request is given back to the SDK, whose signature would grow too old.
pub const LONGEST_WAIT: Duration = Duration::from_secs(2 * 60);

/// The share of AWS's own rates that we use. Values outside of 0.01 to 1 count as the nearest of these.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// Of the rates of mutating actions.
    pub writes: f64,
    /// Of the rates of actions that change nothing: they begin with Describe, Get, List or AssumeRole.
    pub reads: f64,
}

impl Default for Share {
    /// Nine tenths of the writes, for hardly anybody else writes rules; half of the reads, for everybody reads.
    fn default() -> Self {
        Self { writes: 0.9, reads: 0.5 }
    }
}

/// The buckets of this process, shared by its clones and all clients that they wrap.
#[derive(Clone, Debug)]
pub struct Pacer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// `None`: nobody waits.
    share: Option<Share>,
    metrics: Arc<Metrics>,
    clock: Monotonic,
    buckets: Mutex<BTreeMap<(Place, Call), Arc<Bucket>>>,
    may_write: OnceLock<MayWrite>,
}

/// Whether this process may change anything at this moment.
struct MayWrite(Box<dyn Fn() -> bool + Send + Sync>);

impl std::fmt::Debug for MayWrite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MayWrite({})", (self.0)())
    }
}

/// Whose limits count.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    account: String,
    region: String,
}

impl Pacer {
    /// Full buckets. Calls and waits are reported to `metrics`. To be called in a tokio runtime.
    pub fn new(share: Share, metrics: Arc<Metrics>) -> Self {
        Self::with(Some(share), metrics)
    }

    /// No limits, for an AWS that is no one's but ours. To be called in a tokio runtime.
    pub fn without_limits(metrics: Arc<Metrics>) -> Self {
        Self::with(None, metrics)
    }

    fn with(share: Option<Share>, metrics: Arc<Metrics>) -> Self {
        let clock = Monotonic { began: Instant::now() };
        Self(Arc::new(Inner { share, metrics, clock, buckets: Mutex::default(), may_write: OnceLock::new() }))
    }

    /// From now on requests that change something are sent only while this holds. It is asked as late as can be:
    /// a caller that asked before it called may have waited for its turn since, or the SDK tries again what was
    /// allowed when it was first tried. The first condition that is given stays.
    pub fn write_only_while(&self, may_write: impl Fn() -> bool + Send + Sync + 'static) {
        let _ = self.0.may_write.set(MayWrite(Box::new(may_write)));
    }

    fn permit(&self, call: &Call) -> Result<(), ConnectorError> {
        if call.is_read() || self.0.may_write.get().is_none_or(|may_write| (may_write.0)()) {
            Ok(())
        } else {
            Err(ConnectorError::user(Box::new(NotLeading { action: call.action.clone() })))
        }
    }

    /// `client` with each of its requests paced by the buckets of this account and Region.
    pub fn wrap(&self, client: SharedHttpClient, account: &str, region: &str) -> SharedHttpClient {
        let place = Place { account: account.into(), region: region.into() };
        SharedHttpClient::new(PacedClient { client, pacer: self.clone(), place })
    }

    fn bucket(&self, place: &Place, call: &Call, share: Share) -> Arc<Bucket> {
        let mut buckets = self.0.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets
            .entry((place.clone(), call.clone()))
            .or_insert_with(|| Arc::new(Bucket::new(call.allowance().scaled(share, call), self.0.clock)));
        Arc::clone(bucket)
    }

    /// Takes a token for a call.
    async fn admit(&self, place: &Place, call: &Call) -> Result<(), ConnectorError> {
        let Some(share) = self.0.share else { return Ok(()) };
        let began = Instant::now();
        let bucket = self.bucket(place, call, share);
        let taken = tokio::time::timeout(LONGEST_WAIT, bucket.take()).await;
        let waited = began.elapsed();
        if !waited.is_zero() {
            self.0.metrics.aws_waited(&call.action, waited);
        }
        taken.map_err(|_| ConnectorError::timeout(Box::new(Congested { action: call.action.clone() })))
    }
}

/// A request waited for its turn until its signature would have become too old.
#[derive(Debug, thiserror::Error)]
#[error("no token for {action} within {} s: more is asked for than the rate limit lets through", LONGEST_WAIT.as_secs())]
struct Congested {
    action: String,
}

/// A request that changes something was not sent.
#[derive(Debug, thiserror::Error)]
#[error("{action} was not sent: another replica leads by now")]
struct NotLeading {
    action: String,
}

/// An action of one of AWS's APIs: what has a bucket of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Call {
    /// Version of the API, which tells the APIs apart where two have an action of the same name.
    version: String,
    action: String,
}

/// By what requests of Service Quotas name their action: a protocol of JSON.
const TARGET: &str = "x-amz-target";

/// The version by which ELBv2's requests are told from EC2's (`2016-11-15`) and STS's (`2011-06-15`).
const ELBV2: &str = "2015-12-01";

impl Call {
    /// Reads the header of a JSON protocol, `ServiceQuotasV20190624.GetServiceQuota`, or the form of the query protocols,
    /// `Action=…&Version=…&…`. What names no action shares one bucket.
    fn of(request: &HttpRequest) -> Self {
        if let Some((version, action)) = request.headers().get(TARGET).and_then(|target| target.split_once('.')) {
            return Self { version: version.into(), action: action.into() };
        }
        let form = request.body().bytes().and_then(|body| std::str::from_utf8(body).ok()).unwrap_or_default();
        let field = |name: &str| {
            form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap_or("unknown").to_owned()
        };
        Self { version: field("Version"), action: field("Action") }
    }

    /// Whether it changes nothing. To assume a role is no change, either.
    fn is_read(&self) -> bool {
        ["AssumeRole", "Describe", "Get", "List"].iter().any(|prefix| self.action.starts_with(prefix))
    }

    /// AWS's own limit.
    ///
    /// Source: the EC2 API's default limits ("Request throttling for the Amazon EC2 API", token
    /// bucket sizes and refill rates), of non-mutating actions with filters or pages, and of mutating
    /// ones; for ELBv2, its Describe actions. STS and Service Quotas publish none: they are treated like EC2.
    fn allowance(&self) -> Allowance {
        match (self.is_read(), self.version.as_str()) {
            (true, ELBV2) => Allowance { burst: 40.0, per_second: 10.0 },
            (true, _) => Allowance { burst: 100.0, per_second: 20.0 },
            (false, _) => Allowance { burst: 50.0, per_second: 5.0 },
        }
    }
}

/// Size of a bucket and how fast it fills again, in requests.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    burst: f64,
    per_second: f64,
}

/// The least share of AWS's rates that can be set.
const LEAST_SHARE: f64 = 0.01;

impl Allowance {
    fn scaled(self, share: Share, call: &Call) -> Self {
        let share = if call.is_read() { share.reads } else { share.writes };
        let share = if share.is_nan() { LEAST_SHARE } else { share.clamp(LEAST_SHARE, 1.0) };
        Self { burst: self.burst * share, per_second: self.per_second * share }
    }

    fn quota(self) -> Quota {
        // A burst of at least 1; the cast saturates.
        let burst = NonZeroU32::new(self.burst as u32).unwrap_or(NonZeroU32::MIN);
        let period = Duration::try_from_secs_f64(1.0 / self.per_second).ok();
        period.and_then(Quota::with_period).unwrap_or(Quota::per_second(NonZeroU32::MIN)).allow_burst(burst)
    }
}

/// tokio's time for governor: it can be paused.
#[derive(Clone, Copy, Debug)]
struct Monotonic {
    began: Instant,
}

impl GovernorClock for Monotonic {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.began.elapsed()
    }
}

#[derive(Debug)]
struct Bucket {
    /// Held while waiting for a token. tokio's mutex is fair: first come, first served.
    turn: tokio::sync::Mutex<()>,
    tokens: RateLimiter<NotKeyed, InMemoryState, Monotonic, NoOpMiddleware<Duration>>,
}

impl Bucket {
    fn new(allowance: Allowance, clock: Monotonic) -> Self {
        Self { turn: tokio::sync::Mutex::new(()), tokens: RateLimiter::direct_with_clock(allowance.quota(), clock) }
    }

    /// Waits for a token. One that stops waiting takes none.
    async fn take(&self) {
        let _turn = self.turn.lock().await;
        while let Err(not_until) = self.tokens.check() {
            tokio::time::sleep(not_until.wait_time_from(self.tokens.clock().now())).await;
        }
    }
}

#[derive(Debug)]
struct PacedClient {
    client: SharedHttpClient,
    pacer: Pacer,
    place: Place,
}

impl HttpClient for PacedClient {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(PacedConnector {
            connector: self.client.http_connector(settings, components),
            pacer: self.pacer.clone(),
            place: self.place.clone(),
        })
    }

    fn validate_base_client_config(
        &self,
        parts: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        HttpClient::validate_base_client_config(&self.client, parts, config)
    }

    fn validate_final_config(&self, parts: &RuntimeComponents, config: &ConfigBag) -> Result<(), BoxError> {
        HttpClient::validate_final_config(&self.client, parts, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.client.connector_metadata()
    }
}

#[derive(Debug)]
struct PacedConnector {
    connector: SharedHttpConnector,
    pacer: Pacer,
    place: Place,
}

impl HttpConnector for PacedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (connector, pacer, place) = (self.connector.clone(), self.pacer.clone(), self.place.clone());
        HttpConnectorFuture::new(async move {
            let call = Call::of(&request);
            pacer.admit(&place, &call).await?;
            pacer.permit(&call)?;
            let result = connector.call(request).await;
            pacer.0.metrics.aws_called(&call.action, outcome(&result));
            result
        })
    }
}

/// The outcome of a request as a label.
fn outcome(result: &Result<HttpResponse, ConnectorError>) -> &'static str {
    match result {
        Ok(response) => match response.status().as_u16() / 100 {
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            5 => "5xx",
            _ => "error",
        },
        Err(error) if error.is_timeout() => "timeout",
        Err(_) => "error",
    }
}

#[cfg(test)]
mod tests;

//! What AWS's clock shows, as its answers say: signatures are refused that are five minutes off.

use std::sync::{Arc, Mutex, PoisonError};

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;

use super::clouds::{Source, from_environment};
use super::connection::default_client;

/// How far our clock is ahead of that of whoever answered last. Clones share it.
#[derive(Clone, Debug)]
pub struct Dates {
    clock: Clock,
    ahead: Arc<Mutex<Option<SignedDuration>>>,
}

impl Dates {
    /// Nobody has answered yet.
    pub fn new(clock: Clock) -> Self {
        Self { clock, ahead: Arc::default() }
    }

    /// An answer came that was written at `date`, as its header says (RFC 9110, "Date").
    pub fn answered(&self, date: &str) {
        if let Ok(theirs) = DateTimeParser::new().parse_timestamp(date) {
            let ahead = Timestamp::duration_since(self.clock.now_wall(), theirs);
            *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = Some(ahead);
        }
    }

    /// By how much our clock is ahead, to a second or so; negative if it is behind. `None` if nobody has said a date.
    pub fn ahead(&self) -> Option<SignedDuration> {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// AWS as its tools are configured; what it answers is noted here.
    pub async fn from_environment(&self) -> Source {
        Source::Given(Box::new(self.noting(&from_environment().await)))
    }

    fn noting(&self, config: &SdkConfig) -> SdkConfig {
        let inner = config.http_client().unwrap_or_else(default_client);
        config.to_builder().http_client(SharedHttpClient::new(Noting { inner, dates: self.clone() })).build()
    }
}

#[derive(Debug)]
struct Noting<T> {
    inner: T,
    dates: Dates,
}

impl HttpClient for Noting<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Noting { inner, dates: self.dates.clone() })
    }
}

impl HttpConnector for Noting<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (answer, dates) = (self.inner.call(request), self.dates.clone());
        HttpConnectorFuture::new(async move {
            let answer = answer.await?;
            if let Some(date) = answer.headers().get("date") {
                dates.answered(date);
            }
            Ok(answer)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_date_of_an_answer_tells_how_far_our_clock_is_ahead() {
        let dates = Dates::new(Clock::starting_at("2026-01-02T03:04:05Z".parse().unwrap()));
        assert_eq!(dates.ahead(), None);
        for (date, ahead) in [
            ("Fri, 02 Jan 2026 03:04:05 GMT", 0),
            ("Fri, 02 Jan 2026 03:02:00 GMT", 125),
            ("Fri, 02 Jan 2026 04:04:05 GMT", -3600),
            ("yesterday", -3600),
        ] {
            dates.answered(date);
            assert_eq!(dates.ahead(), Some(SignedDuration::from_secs(ahead)), "{date}");
        }
    }
}

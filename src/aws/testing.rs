//! An AWS of canned answers, below the SDK's client.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::credential_process::CredentialProcessProvider;
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_ec2::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;

use crate::model::{Region, Scope};

use super::clouds::Cloud;
use super::connection::with_time_limit;

/// A request's fields.
pub type Form = BTreeMap<String, String>;

/// What the connector gives back.
pub enum Answer {
    Body(u16, String),
    Timeout,
    ConnectionRefused,
}

impl Answer {
    /// EC2's form of success.
    pub fn ec2(action: &str, inner: &str) -> Self {
        Self::Body(200, format!("<{action}Response><requestId>r-1</requestId>{inner}</{action}Response>"))
    }

    /// EC2's form of an error.
    pub fn ec2_error(status: u16, code: &str, message: &str) -> Self {
        let error = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
        Self::Body(status, format!("<Response><Errors>{error}</Errors><RequestID>r-1</RequestID></Response>"))
    }

    /// ELBv2's form of success.
    pub fn elb(action: &str, inner: &str) -> Self {
        Self::Body(200, format!("<{action}Response><{action}Result>{inner}</{action}Result></{action}Response>"))
    }

    /// ELBv2's form of an error.
    pub fn elb_error(code: &str) -> Self {
        let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>so it is</Message></Error>");
        Self::Body(400, format!("<ErrorResponse>{error}<RequestId>r-1</RequestId></ErrorResponse>"))
    }
}

/// The requests that were made, in their order.
#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<Vec<(Form, String)>>>);

impl Seen {
    pub fn all(&self) -> Vec<Form> {
        self.0.lock().unwrap().iter().map(|(form, _)| form.clone()).collect()
    }

    /// Each request's action, by whose key it was signed and for which Region: `ACTION KEY REGION`.
    pub fn signed(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|(form, signer)| format!("{} {signer}", form["Action"])).collect()
    }

    pub fn actions(&self) -> Vec<String> {
        self.all().iter().map(|form| form["Action"].clone()).collect()
    }

    /// The only request, without what each has.
    pub fn only(&self) -> Form {
        let mut all = self.all();
        assert_eq!(all.len(), 1, "one request");
        let mut form = all.remove(0);
        form.remove("Version");
        form
    }
}

struct Fake<F> {
    answer: F,
    seen: Seen,
}

impl<F> fmt::Debug for Fake<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fake")
    }
}

impl<F: Fn(&Form) -> Answer + Send + Sync> HttpConnector for Fake<F> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let form = decode(request.body().bytes().unwrap_or_default());
        let signer = signer(request.headers().get("authorization").unwrap_or_default());
        let answer = (self.answer)(&form);
        self.seen.0.lock().unwrap().push((form, signer));
        HttpConnectorFuture::ready(match answer {
            Answer::Body(status, body) => {
                let mut answer = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
                answer.headers_mut().insert("x-amzn-requestid", "r-1");
                Ok(answer)
            }
            Answer::Timeout => Err(ConnectorError::timeout("too slow".into())),
            Answer::ConnectionRefused => Err(ConnectorError::io("connection refused".into())),
        })
    }
}

/// A cloud that answers so.
pub fn cloud(answer: impl Fn(&Form) -> Answer + Send + Sync + 'static) -> (Cloud, Seen) {
    let (config, seen) = configured(answer);
    (Cloud::new(&config, scope(), None), seen)
}

/// A configuration by which one gets these answers.
pub fn configured(answer: impl Fn(&Form) -> Answer + Send + Sync + 'static) -> (SdkConfig, Seen) {
    let seen = Seen::default();
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "tests");
    let config = config(http(answer, seen.clone())).credentials_provider(SharedCredentialsProvider::new(credentials));
    (config.build(), seen)
}

/// No credentials at all.
pub fn nobody() -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(CredentialProcessProvider::new("false".into()))
}

/// A cloud for which nobody gave credentials.
pub fn cloud_without_credentials() -> Cloud {
    let config = config(http(|_| Answer::Timeout, Seen::default()));
    Cloud::new(&config.credentials_provider(nobody()).build(), scope(), None)
}

pub fn scope() -> Scope {
    Scope { account: "123456789012".into(), region: Region::from("eu-central-1") }
}

fn http(answer: impl Fn(&Form) -> Answer + Send + Sync + 'static, seen: Seen) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(Fake { answer, seen });
    http_client_fn(move |_, _| connector.clone())
}

fn config(http: SharedHttpClient) -> aws_types::sdk_config::Builder {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(aws_config::Region::new("eu-central-1"))
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
        .http_client(with_time_limit(http))
}

/// `KEY REGION` of a header `Authorization`. Source: "Create a signed AWS API request" in the IAM user guide.
fn signer(authorization: &str) -> String {
    let scope = authorization.split_once("Credential=").map_or("", |(_, rest)| rest);
    let parts: Vec<&str> = scope.split('/').collect();
    parts.get(..3).map_or("nobody".into(), |parts| format!("{} {}", parts[0], parts[2]))
}

fn decode(body: &[u8]) -> Form {
    let text = std::str::from_utf8(body).unwrap();
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (unescape(key), unescape(value)))
        .collect()
}

fn unescape(text: &str) -> String {
    let mut parts = text.split('%');
    let mut plain = parts.next().unwrap_or_default().replace('+', " ").into_bytes();
    for part in parts {
        plain.push(u8::from_str_radix(&part[..2], 16).unwrap());
        plain.extend(part[2..].replace('+', " ").bytes());
    }
    String::from_utf8(plain).unwrap()
}

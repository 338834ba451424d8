use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::http_client_fn;
use aws_smithy_types::body::SdkBody;
use futures::future::join_all;

use super::*;

const EC2: &str = "2016-11-15";
const FOUND: &str = r#"<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"/>"#;
const THROTTLED: &str = "<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>slow down</Message></Error></Errors></Response>";

/// AWS: notes when each action arrives, refuses as many requests as it is told to, accepts the rest.
#[derive(Clone, Debug)]
struct Aws {
    began: Instant,
    arrivals: Arc<Mutex<Vec<(String, Duration)>>>,
    refusals: Arc<Mutex<u32>>,
}

impl Aws {
    fn new() -> Self {
        Self { began: Instant::now(), arrivals: Arc::default(), refusals: Arc::default() }
    }

    fn refusing(refusals: u32) -> Self {
        Self { refusals: Arc::new(Mutex::new(refusals)), ..Self::new() }
    }

    fn client(&self) -> SharedHttpClient {
        let connector = SharedHttpConnector::new(self.clone());
        http_client_fn(move |_, _| connector.clone())
    }

    /// When requests of an action arrived, in seconds.
    fn arrivals(&self, action: &str) -> Vec<f64> {
        let arrivals = self.arrivals.lock().unwrap();
        arrivals.iter().filter(|(name, _)| name == action).map(|(_, at)| at.as_secs_f64()).collect()
    }
}

impl HttpConnector for Aws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.arrivals.lock().unwrap().push((Call::of(&request).action, self.began.elapsed()));
        let mut refusals = self.refusals.lock().unwrap();
        let (status, body) = if *refusals > 0 { (503, THROTTLED) } else { (200, FOUND) };
        *refusals = refusals.saturating_sub(1);
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body))))
    }
}

fn pacer() -> (Pacer, Arc<Metrics>) {
    let metrics = Arc::new(Metrics::new());
    (Pacer::new(Share::default(), Arc::clone(&metrics)), metrics)
}

/// What the SDK gets as its connector in an account.
fn connector(aws: &Aws, pacer: &Pacer, account: &str) -> SharedHttpConnector {
    SharedHttpConnector::new(PacedConnector {
        connector: SharedHttpConnector::new(aws.clone()),
        pacer: pacer.clone(),
        place: Place { account: account.into(), region: "eu-central-1".into() },
    })
}

async fn send(connector: &SharedHttpConnector, version: &str, action: &str) -> Result<HttpResponse, ConnectorError> {
    let mut request = HttpRequest::new(SdkBody::from(format!("Action={action}&Version={version}&MaxResults=5")));
    request.set_uri("https://example.com/").unwrap();
    connector.call(request).await
}

/// Sends so many requests at once.
async fn burst(connector: &SharedHttpConnector, version: &str, action: &str, requests: usize) {
    for result in join_all((0..requests).map(|_| send(connector, version, action))).await {
        result.unwrap();
    }
}

fn sdk(aws: &Aws, pacer: &Pacer) -> aws_sdk_ec2::Client {
    let config = aws_sdk_ec2::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
        .retry_config(RetryConfig::standard().with_use_static_exponential_base(true))
        .http_client(pacer.wrap(aws.client(), "1", "eu-central-1"))
        .build();
    aws_sdk_ec2::Client::from_conf(config)
}

/// Compares times with the grain of tokio's timer, 1 ms for each sleep in a row.
fn assert_near(seconds: &[f64], expected: &[f64]) {
    let near = seconds.len() == expected.len() && seconds.iter().zip(expected).all(|(a, b)| (a - b).abs() < 0.01);
    assert!(near, "{seconds:?} are not {expected:?}");
}

#[tokio::test(start_paused = true)]
async fn a_burst_passes_then_the_rate() {
    let (aws, (pacer, _)) = (Aws::new(), pacer());
    burst(&connector(&aws, &pacer, "1"), EC2, "DescribeInstances", 53).await;
    let arrivals = aws.arrivals("DescribeInstances");
    assert_near(&arrivals[..50], &[0.0; 50]);
    assert_near(&arrivals[50..], &[0.1, 0.2, 0.3]);
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_action_has_its_share_of_aws_rates() {
    for (version, action, passes, pause) in [
        (EC2, "DescribeSecurityGroupRules", 50, 0.1),
        (EC2, "GetManagedPrefixListEntries", 50, 0.1),
        (EC2, "AuthorizeSecurityGroupIngress", 45, 1.0 / 4.5),
        (EC2, "RevokeSecurityGroupEgress", 45, 1.0 / 4.5),
        (ELBV2, "DescribeTargetHealth", 20, 0.2),
        ("2011-06-15", "AssumeRole", 50, 0.1),
    ] {
        let (aws, (pacer, _)) = (Aws::new(), pacer());
        burst(&connector(&aws, &pacer, "1"), version, action, passes + 1).await;
        let arrivals = aws.arrivals(action);
        assert_near(&arrivals[passes - 1..], &[0.0, pause]);
    }
}

#[tokio::test(start_paused = true)]
async fn actions_accounts_and_apis_do_not_wait_for_each_other() {
    let (aws, (pacer, _)) = (Aws::new(), pacer());
    let (one, two) = (connector(&aws, &pacer, "1"), connector(&aws, &pacer, "2"));
    let full = burst(&one, EC2, "DescribeTags", 80);
    let others = async {
        send(&one, EC2, "DescribeInstances").await.unwrap();
        send(&one, ELBV2, "DescribeTags").await.unwrap();
        send(&two, EC2, "DescribeTags").await.unwrap();
        aws.began.elapsed()
    };
    let ((), waited) = tokio::join!(full, others);
    assert_eq!(waited, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn all_clients_of_an_account_and_region_share_a_bucket() {
    let (aws, (pacer, _)) = (Aws::new(), pacer());
    burst(&connector(&aws, &pacer, "1"), EC2, "DescribeInstances", 50).await;
    send(&connector(&aws, &pacer, "1"), EC2, "DescribeInstances").await.unwrap();
    assert_near(&aws.arrivals("DescribeInstances")[50..], &[0.1]);
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_are_served_in_order_and_one_who_leaves_takes_no_token() {
    let (aws, (pacer, _)) = (Aws::new(), pacer());
    let connector = connector(&aws, &pacer, "1");
    burst(&connector, EC2, "DescribeInstances", 50).await;
    let served = Mutex::new(Vec::new());
    let ask = |name: u32, patience: u64| {
        let (connector, served) = (&connector, &served);
        async move {
            let answer = send(connector, EC2, "DescribeInstances");
            if tokio::time::timeout(Duration::from_millis(patience), answer).await.is_ok() {
                served.lock().unwrap().push(name);
            }
        }
    };
    tokio::join!(ask(1, 9000), ask(2, 50), ask(3, 9000), ask(4, 9000));
    assert_eq!(*served.lock().unwrap(), [1, 3, 4]);
    assert_near(&aws.arrivals("DescribeInstances")[50..], &[0.1, 0.2, 0.3]);
}

#[tokio::test(start_paused = true)]
async fn a_retry_of_the_sdk_takes_a_token_too() {
    let (aws, (pacer, metrics)) = (Aws::refusing(1), pacer());
    burst(&connector(&Aws::new(), &pacer, "1"), EC2, "DescribeInstances", 49).await;
    let client = sdk(&aws, &pacer);
    // The last token of the burst is for the request that is refused; a second client drains what comes after.
    let rival = async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        burst(&connector(&Aws::new(), &pacer, "1"), EC2, "DescribeInstances", 30).await;
    };
    let (answer, ()) = tokio::join!(client.describe_instances().send(), rival);
    answer.expect("the retry was accepted");
    // The SDK retries after 1 s, behind the 30 who wait already: without a token it would arrive then.
    let arrivals = aws.arrivals("DescribeInstances");
    assert_near(&arrivals, &[0.0, 3.1]);
    let text = metrics.encode().unwrap();
    assert!(text.contains(r#"sgbind_aws_calls_total{action="DescribeInstances",outcome="5xx"} 1"#), "{text}");
    assert!(text.contains(r#"sgbind_aws_calls_total{action="DescribeInstances",outcome="2xx"} 80"#), "{text}");
}

#[tokio::test(start_paused = true)]
async fn waits_are_reported() {
    let (aws, (pacer, metrics)) = (Aws::new(), pacer());
    let connector = connector(&aws, &pacer, "1");
    burst(&connector, EC2, "DescribeInstances", 50).await;
    assert!(!metrics.encode().unwrap().contains("wait_seconds_total{"));
    send(&connector, EC2, "DescribeInstances").await.unwrap();
    assert!(metrics.encode().unwrap().contains(r#"wait_seconds_total{action="DescribeInstances"} 0.1"#));
}

#[tokio::test(start_paused = true)]
async fn a_request_is_given_back_before_its_signature_is_too_old() {
    let (aws, (pacer, _)) = (Aws::new(), pacer());
    let connector = connector(&aws, &pacer, "1");
    let results = join_all((0..45 + 600).map(|_| send(&connector, EC2, "CreateTags"))).await;
    assert!(aws.began.elapsed() < LONGEST_WAIT + Duration::from_secs(1));
    let refused: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), 600 - 540, "4.5 a second for 120 s passed");
    assert!(refused.iter().all(ConnectorError::is_timeout));
}

#[tokio::test(start_paused = true)]
async fn what_names_no_action_is_paced_and_does_not_fail() {
    let (aws, (pacer, _)) = (Aws::new(), pacer());
    let connector = connector(&aws, &pacer, "1");
    for body in [SdkBody::empty(), SdkBody::from("{}"), SdkBody::from(vec![0xff, 0xfe])] {
        connector.call(HttpRequest::new(body)).await.unwrap();
    }
    assert_eq!(aws.arrivals("unknown").len(), 3);
}

#[test]
fn senseless_shares_leave_a_trickle_or_the_whole() {
    let call = Call { version: EC2.into(), action: "CreateTags".into() };
    for (share, burst, per_second) in [(f64::NAN, 0.5, 0.05), (-1.0, 0.5, 0.05), (0.0, 0.5, 0.05), (7.0, 50.0, 5.0)] {
        let allowance = call.allowance().scaled(Share { writes: share, reads: share }, &call);
        assert_eq!((allowance.burst, allowance.per_second), (burst, per_second));
        assert!(allowance.quota().burst_size().get() >= 1);
    }
}

#[test]
fn a_request_of_a_json_protocol_names_its_action_in_a_header() {
    let mut request = HttpRequest::new(SdkBody::from("{}"));
    request.headers_mut().insert("X-Amz-Target", "ServiceQuotasV20190624.GetServiceQuota");
    let call = Call::of(&request);
    assert_eq!((call.action.as_str(), call.is_read()), ("GetServiceQuota", true));
}

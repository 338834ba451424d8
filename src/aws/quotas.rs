//! Service Quotas: how many rules a security group may have. It is read where that is permitted, and nothing waits for
//! it for long.

use std::time::Duration;

use aws_config::SdkConfig;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::defect::Defect;
use crate::model::{AccountRole, Scope};

use super::clouds::Cloud;
use super::error::{AwsError, Call, ErrorClass};

/// "Inbound or outbound rules per security group". Source: "Amazon VPC quotas", Service Quotas.
const RULES_PER_GROUP: (&str, &str) = ("vpc", "L-0EA8095F");
/// For so long an answer counts, and a refusal.
const KEPT: Duration = Duration::from_secs(3600);
/// After so long a failure that may pass is tried again.
const RETRY: Duration = Duration::from_secs(60);
/// So long a pass over a group waits for an answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// The quota of one account in one Region.
pub(super) struct Quotas {
    client: aws_sdk_servicequotas::Client,
    scope: Scope,
    role: Option<AccountRole>,
    last: Mutex<Option<Known>>,
}

/// The last answer.
#[derive(Clone, Copy)]
struct Known {
    limit: Option<u32>,
    until: Instant,
}

impl Quotas {
    pub fn new(config: &SdkConfig, scope: Scope, role: Option<AccountRole>) -> Self {
        Self { client: aws_sdk_servicequotas::Client::new(config), scope, role, last: Mutex::default() }
    }

    fn call(&self, action: &'static str, resource: &str) -> Call {
        let (scope, role) = (Some(self.scope.clone()), self.role.clone());
        Call { service: "servicequotas", action, scope, role, resource: resource.into() }
    }

    /// Source: `GetServiceQuota`. An account that never had the quota raised has no such resource in some Regions.
    pub(super) async fn read(&self) -> Result<u32, AwsError> {
        let (service, code) = RULES_PER_GROUP;
        let call = self.call("GetServiceQuota", code);
        let answer = self.client.get_service_quota().service_code(service).quota_code(code).send().await;
        let value = answer.map_err(|error| call.failed(error))?.quota.and_then(|quota| quota.value);
        // The cast saturates.
        value.filter(|value| *value >= 1.0).map(|value| value as u32).ok_or_else(|| call.malformed("quota"))
    }
}

impl Cloud {
    /// How many rules Service Quotas allows in a direction of a group; `None` if it does not say. Read at most once an
    /// hour.
    pub async fn rule_quota(&self) -> Option<u32> {
        if Defect::NoServiceQuotas.is_on() {
            return None;
        }
        let mut last = self.quotas.last.lock().await;
        if let Some(known) = last.filter(|known| Instant::now() < known.until) {
            return known.limit;
        }
        let before = last.and_then(|known| known.limit);
        let (limit, kept) = match tokio::time::timeout(PATIENCE, self.quotas.read()).await {
            Ok(Ok(limit)) => (Some(limit), KEPT),
            Ok(Err(error)) => {
                tracing::info!(%error, "the quota of rules could not be read: the last known one counts, or AWS's default");
                let lasts = matches!(error.class(), ErrorClass::Denied | ErrorClass::NotFound | ErrorClass::Invalid);
                (before, if lasts { KEPT } else { RETRY })
            }
            Err(_) => (before, RETRY),
        };
        *last = Some(Known { limit, until: Instant::now() + kept });
        limit
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::aws::testing::{Answer, cloud};

    const QUOTA: &str = r#"{"Quota": {"ServiceCode": "vpc", "QuotaCode": "L-0EA8095F", "Value": 120.0}}"#;

    fn refused(code: &str) -> Answer {
        Answer::Body(400, format!(r#"{{"__type": "{code}", "message": "no"}}"#))
    }

    /// A cloud that answers each call with the next of these; how many were made.
    fn answering(answers: Vec<fn() -> Answer>) -> (Cloud, Arc<AtomicUsize>) {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let (cloud, _) = cloud(move |_| {
            let call = counted.fetch_add(1, Ordering::SeqCst);
            answers.get(call).unwrap_or_else(|| panic!("call {call} was not expected"))()
        });
        (cloud, calls)
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_read_once_an_hour() {
        let (cloud, calls) =
            answering(vec![|| Answer::Body(200, QUOTA.into()), || Answer::Body(200, QUOTA.replace("120", "80"))]);
        assert_eq!((cloud.rule_quota().await, cloud.rule_quota().await), (Some(120), Some(120)));
        tokio::time::advance(KEPT - Duration::from_secs(1)).await;
        assert_eq!((cloud.rule_quota().await, calls.load(Ordering::SeqCst)), (Some(120), 1));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!((cloud.rule_quota().await, calls.load(Ordering::SeqCst)), (Some(80), 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_counts_as_long_as_an_answer() {
        for code in ["AccessDeniedException", "NoSuchResourceException"] {
            let answer: fn() -> Answer = match code {
                "AccessDeniedException" => || refused("AccessDeniedException"),
                _ => || refused("NoSuchResourceException"),
            };
            let (cloud, calls) = answering(vec![answer, || Answer::Body(200, QUOTA.into())]);
            assert_eq!(cloud.rule_quota().await, None, "{code}");
            tokio::time::advance(KEPT - Duration::from_secs(1)).await;
            assert_eq!((cloud.rule_quota().await, calls.load(Ordering::SeqCst)), (None, 1), "{code}");
            tokio::time::advance(Duration::from_secs(1)).await;
            assert_eq!(cloud.rule_quota().await, Some(120), "{code}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_again_soon_and_the_last_answer_counts_meanwhile() {
        let unreachable: fn() -> Answer = || Answer::ConnectionRefused;
        let found: fn() -> Answer = || Answer::Body(200, QUOTA.into());
        let (cloud, _) = answering(vec![found, unreachable, unreachable, unreachable, found]);
        assert_eq!(cloud.rule_quota().await, Some(120));
        tokio::time::advance(KEPT).await;
        assert_eq!(cloud.rule_quota().await, Some(120), "three attempts fail");
        tokio::time::advance(RETRY).await;
        assert_eq!(cloud.rule_quota().await, Some(120));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_without_a_quota_says_nothing() {
        let (cloud, _) = answering(vec![|| Answer::Body(200, r#"{"Quota": {"Value": 0.0}}"#.into())]);
        assert_eq!(cloud.rule_quota().await, None);
    }
}

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
    async fn read(&self) -> Result<u32, AwsError> {
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

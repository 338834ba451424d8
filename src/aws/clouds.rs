use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::model::{AccountId, Region, Scope, SecurityGroupId, VpcId};

use super::connection::{CONNECT_TIMEOUT, default_client, with_time_limit};
use super::ec2::{Ec2, FILTER_VALUES, Interface, RulesRead, SecurityGroup};
use super::elb::{Elb, FoundLoadBalancer, TaggedLoadBalancer};
use super::error::{AwsError, Call};
use super::pacing::Pacer;
use crate::batch::{Batch, WINDOW};

/// The first attempt included.
const ATTEMPTS: u32 = 3;

/// A batch's keys become the values of one filter.
const BATCH: NonZeroUsize = NonZeroUsize::new(FILTER_VALUES).expect("a filter has values");

/// From where credentials, endpoints, Region and retries are taken.
#[derive(Clone, Debug)]
pub enum Source {
    /// As AWS's tools are configured: environment, profiles, web identity, instance metadata.
    Environment,
    /// As given.
    Given(Box<SdkConfig>),
}

/// All of AWS that the controller may use: one [`Cloud`] for each account and Region, made when first
/// asked for.
pub struct Clouds {
    config: SdkConfig,
    http: SharedHttpClient,
    pacer: Pacer,
    home: Scope,
    clouds: Mutex<BTreeMap<Scope, Arc<Cloud>>>,
}

impl Clouds {
    /// Takes credentials, endpoints and retries as the configuration has them. Where it has an HTTP
    /// client, all calls go through it.
    pub fn new(config: SdkConfig, home: Scope, pacer: Pacer) -> Self {
        let http = with_time_limit(config.http_client().unwrap_or_else(default_client));
        Self { config, http, pacer, home, clouds: Mutex::default() }
    }

    /// Asks AWS for its own account. `region` overrides the configured one.
    ///
    /// # Errors
    /// No Region is configured, or AWS does not say who we are: mostly because credentials are missing.
    pub async fn connect(source: &Source, region: Option<Region>, pacer: Pacer) -> Result<Self, AwsError> {
        let mut config = match source {
            Source::Environment => from_environment().await,
            Source::Given(config) => SdkConfig::clone(config),
        };
        if let Some(region) = region {
            config = config.to_builder().region(aws_config::Region::new(region.as_str().to_owned())).build();
        }
        let region = config.region().map(|region| Region::from(region.as_ref())).ok_or(AwsError::NoRegion)?;
        let account = own_account(&config).await?;
        Ok(Self::new(config, Scope { account, region }, pacer))
    }

    /// The controller's own account, and the Region that it takes where none is named.
    pub fn home(&self) -> &Scope {
        &self.home
    }

    /// # Errors
    /// The account is not our own.
    pub fn scope(&self, scope: &Scope) -> Result<Arc<Cloud>, AwsError> {
        if scope.account != self.home.account {
            return Err(AwsError::NoRole { account: scope.account.clone(), home: self.home.account.clone() });
        }
        let mut clouds = self.clouds.lock().unwrap_or_else(PoisonError::into_inner);
        let cloud = clouds.entry(scope.clone()).or_insert_with(|| Arc::new(self.cloud(scope)));
        Ok(cloud.clone())
    }

    fn cloud(&self, scope: &Scope) -> Cloud {
        let paced = self.pacer.wrap(self.http.clone(), scope.account.as_str(), scope.region.as_str());
        let region = aws_config::Region::new(scope.region.as_str().to_owned());
        let config = self.config.to_builder().region(region).http_client(paced).build();
        Cloud::new(&config, scope.clone())
    }
}

/// Read anew at each attempt: what the environment lacks now, such as instance metadata, may be there later.
async fn from_environment() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(default_client())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).build())
        .load()
        .await
}

/// Source: `GetCallerIdentity` in the STS API reference. It needs no permission.
async fn own_account(config: &SdkConfig) -> Result<AccountId, AwsError> {
    let call = Call { service: "sts", action: "GetCallerIdentity", scope: None, resource: String::new() };
    let http = with_time_limit(config.http_client().unwrap_or_else(default_client));
    let client = aws_sdk_sts::Client::new(&config.to_builder().http_client(http).build());
    let answer = client.get_caller_identity().send().await.map_err(|error| call.failed(error))?;
    answer.account.map(AccountId::new).ok_or_else(|| call.malformed("account"))
}

/// One account in one Region.
pub struct Cloud {
    pub(super) scope: Scope,
    pub(super) ec2: Ec2,
    pub(super) elb: Elb,
    pub(super) groups: Batch<SecurityGroupId, SecurityGroup, AwsError>,
    pub(super) rules: Batch<SecurityGroupId, RulesRead, AwsError>,
    pub(super) interfaces: Batch<VpcId, Arc<Vec<Interface>>, AwsError>,
    pub(super) load_balancers: Batch<(), Arc<Vec<FoundLoadBalancer>>, AwsError>,
    pub(super) tagged_load_balancers: Batch<(), Arc<Vec<TaggedLoadBalancer>>, AwsError>,
}

impl Cloud {
    pub(super) fn new(config: &SdkConfig, scope: Scope) -> Self {
        let ec2 = Ec2::new(config, scope.clone());
        let elb = Elb::new(config, scope.clone());
        let (groups, rules, interfaces) = (ec2.clone(), ec2.clone(), ec2.clone());
        let (balancers, tagged) = (elb.clone(), elb.clone());
        Self {
            groups: Batch::new(BATCH, WINDOW, move |ids| {
                let ec2 = groups.clone();
                Box::pin(async move { ec2.read_groups(ids).await })
            }),
            rules: Batch::new(BATCH, WINDOW, move |ids| {
                let ec2 = rules.clone();
                Box::pin(async move { ec2.read_rules(ids).await })
            }),
            interfaces: Batch::new(BATCH, WINDOW, move |vpcs| {
                let ec2 = interfaces.clone();
                Box::pin(async move { ec2.read_interfaces_by_vpc(vpcs).await })
            }),
            load_balancers: Batch::new(BATCH, WINDOW, move |_| {
                let elb = balancers.clone();
                Box::pin(async move { Ok(BTreeMap::from([((), Arc::new(elb.read_load_balancers().await?))])) })
            }),
            tagged_load_balancers: Batch::new(BATCH, WINDOW, move |_| {
                let elb = tagged.clone();
                Box::pin(async move { Ok(BTreeMap::from([((), Arc::new(elb.read_tagged_load_balancers().await?))])) })
            }),
            scope,
            ec2,
            elb,
        }
    }

    pub fn scope(&self) -> &Scope {
        &self.scope
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::ErrorClass;
    use crate::aws::pacing::Share;
    use crate::telemetry::metrics::Metrics;

    #[tokio::test]
    async fn one_cloud_for_each_scope_of_the_own_account() {
        let scope = |account: &str, region: &str| Scope { account: account.into(), region: region.into() };
        let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build();
        let pacer = Pacer::new(Share::default(), Arc::new(Metrics::new()));
        let clouds = Clouds::new(config, scope("111111111111", "eu-central-1"), pacer);
        let home = clouds.scope(clouds.home()).unwrap();
        assert!(Arc::ptr_eq(&home, &clouds.scope(clouds.home()).unwrap()));
        let away = scope("111111111111", "us-east-1");
        assert_eq!(*clouds.scope(&away).unwrap().scope(), away);
        let error = clouds.scope(&scope("222222222222", "us-east-1")).err().unwrap();
        assert_eq!(error.class(), ErrorClass::Denied);
        assert!(error.to_string().starts_with("no role is configured for account 222222222222"));
    }
}

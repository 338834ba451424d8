use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_ec2::config::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::model::{
    AccountId, AccountRole, AccountRoles, ClusterName, PrefixListId, Region, Scope, SecurityGroupId, VpcId,
};

use super::connection::{CONNECT_TIMEOUT, default_client, with_time_limit};
use super::ec2::{Ec2, FILTER_VALUES, Interface, PrefixList, RulesRead, SecurityGroup};
use super::elb::{Elb, FoundLoadBalancer, TaggedLoadBalancer};
use super::error::{AwsError, Call};
use super::pacing::Pacer;
use super::quotas::Quotas;
use crate::batch::{Batch, WINDOW};

/// The first attempt included.
const ATTEMPTS: u32 = 3;

/// A batch's keys become the values of one filter.
const BATCH: NonZeroUsize = NonZeroUsize::new(FILTER_VALUES).expect("a filter has values");

/// How long getting credentials may take: all attempts of the call for them, each with its time limit, and its base's.
/// The cache's own limit would end them before they have said what is wrong.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(60);

/// The longest name of a role's session. Source: `AssumeRole` in the STS API reference.
const SESSION_NAME: usize = 64;

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
    assumed: BTreeMap<AccountId, Assumed>,
    clouds: Mutex<BTreeMap<Scope, Arc<Cloud>>>,
}

/// An account in which a role is assumed.
struct Assumed {
    role: AccountRole,
    /// Its credentials are shared by all clients of the account: one call gets them, the first when they are first
    /// needed, the next when they are about to expire.
    config: SdkConfig,
}

impl Clouds {
    /// Takes credentials, endpoints and retries as the configuration has them. Where it has an HTTP
    /// client, all calls go through it.
    pub fn new(config: SdkConfig, home: Scope, pacer: Pacer) -> Self {
        let http = with_time_limit(config.http_client().unwrap_or_else(default_client));
        Self { config, http, pacer, home, assumed: BTreeMap::new(), clouds: Mutex::default() }
    }

    /// Asks AWS for its own account. `region` overrides the configured one. Roles are not assumed yet.
    ///
    /// # Errors
    /// No Region is configured, or AWS does not say who we are: mostly because credentials are missing.
    pub async fn connect(
        source: &Source,
        region: Option<Region>,
        roles: &AccountRoles,
        cluster: &ClusterName,
        pacer: Pacer,
    ) -> Result<Self, AwsError> {
        let mut config = match source {
            Source::Environment => from_environment().await,
            Source::Given(config) => SdkConfig::clone(config),
        };
        if let Some(region) = region {
            config = config.to_builder().region(aws_config::Region::new(region.as_str().to_owned())).build();
        }
        let region = config.region().map(|region| Region::from(region.as_ref())).ok_or(AwsError::NoRegion)?;
        let account = own_account(&config).await?;
        Ok(Self::new(config, Scope { account, region }, pacer).with_roles(roles, cluster).await)
    }

    /// In these accounts, roles are assumed: in our own too, if it is among them.
    async fn with_roles(mut self, roles: &AccountRoles, cluster: &ClusterName) -> Self {
        for role in roles.iter() {
            let config = self.assuming(role, cluster).await;
            self.assumed.insert(role.account().clone(), Assumed { role: role.clone(), config });
        }
        self
    }

    /// The configuration for an account in which a role is assumed, by calls that are as all others: of our own account
    /// in our own Region, paced for each role apart.
    async fn assuming(&self, role: &AccountRole, cluster: &ClusterName) -> SdkConfig {
        let paced = self.pacer.wrap(self.http.clone(), role.account().as_str(), self.home.region.as_str());
        let time = self.config.time_source().unwrap_or_default();
        let base = self.config.to_builder().time_source(time).http_client(paced).build();
        let mut session = format!("sgbind-{cluster}");
        session.truncate(SESSION_NAME);
        let provider = AssumeRoleProvider::builder(role.arn()).session_name(session).configure(&base).build().await;
        self.config
            .to_builder()
            .credentials_provider(SharedCredentialsProvider::new(provider))
            .identity_cache(IdentityCache::lazy().load_timeout(CREDENTIALS_TIMEOUT).build())
            .build()
    }

    /// Accounts in which a role is assumed.
    pub fn assumed(&self) -> impl Iterator<Item = &AccountRole> {
        self.assumed.values().map(|assumed| &assumed.role)
    }

    /// The controller's own account, and the Region that it takes where none is named.
    pub fn home(&self) -> &Scope {
        &self.home
    }

    /// Our own, and, in the same Region, those of accounts for which there is a role.
    pub fn scopes(&self) -> Vec<Scope> {
        let others = self.assumed.keys().filter(|account| **account != self.home.account);
        let others = others.map(|account| Scope { account: account.clone(), region: self.home.region.clone() });
        std::iter::once(self.home.clone()).chain(others).collect()
    }

    /// # Errors
    /// The account is not our own, and no role is configured for it.
    pub fn scope(&self, scope: &Scope) -> Result<Arc<Cloud>, AwsError> {
        let assumed = self.assumed.get(&scope.account);
        if assumed.is_none() && scope.account != self.home.account {
            return Err(AwsError::NoRole { account: scope.account.clone(), home: self.home.account.clone() });
        }
        let mut clouds = self.clouds.lock().unwrap_or_else(PoisonError::into_inner);
        let cloud = clouds.entry(scope.clone()).or_insert_with(|| Arc::new(self.cloud(scope, assumed)));
        Ok(cloud.clone())
    }

    /// The configuration of our own account and Region with another HTTP client around the paced one.
    pub(super) fn config_through(&self, wrap: impl FnOnce(SharedHttpClient) -> SharedHttpClient) -> SdkConfig {
        let paced = self.pacer.wrap(self.http.clone(), self.home.account.as_str(), self.home.region.as_str());
        let region = aws_config::Region::new(self.home.region.as_str().to_owned());
        self.config.to_builder().region(region).http_client(wrap(paced)).build()
    }

    fn cloud(&self, scope: &Scope, assumed: Option<&Assumed>) -> Cloud {
        let paced = self.pacer.wrap(self.http.clone(), scope.account.as_str(), scope.region.as_str());
        let region = aws_config::Region::new(scope.region.as_str().to_owned());
        let config = assumed.map_or(&self.config, |assumed| &assumed.config);
        let config = config.to_builder().region(region).http_client(paced).build();
        Cloud::new(&config, scope.clone(), assumed.map(|assumed| assumed.role.clone()))
    }
}

/// Read anew at each attempt: what the environment lacks now, such as instance metadata, may be there later.
pub(super) async fn from_environment() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(default_client())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).build())
        .load()
        .await
}

async fn own_account(config: &SdkConfig) -> Result<AccountId, AwsError> {
    let http = with_time_limit(config.http_client().unwrap_or_else(default_client));
    let client = aws_sdk_sts::Client::new(&config.to_builder().http_client(http).build());
    Ok(caller(&client, None).await?.account)
}

/// As whom AWS knows us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub account: AccountId,
    /// Of the user, or of the role's session.
    pub arn: String,
}

/// `role` is the one whose credentials the client has, if it is assumed.
///
/// Source: `GetCallerIdentity` in the STS API reference. It needs no permission.
async fn caller(client: &aws_sdk_sts::Client, role: Option<AccountRole>) -> Result<Caller, AwsError> {
    let call = Call { service: "sts", action: "GetCallerIdentity", scope: None, role, resource: String::new() };
    let answer = client.get_caller_identity().send().await.map_err(|error| call.failed(error))?;
    let account = answer.account.map(AccountId::new).ok_or_else(|| call.malformed("account"))?;
    Ok(Caller { account, arn: answer.arn.ok_or_else(|| call.malformed("ARN"))? })
}

/// One account in one Region.
pub struct Cloud {
    pub(super) scope: Scope,
    pub(super) ec2: Ec2,
    pub(super) elb: Elb,
    pub(super) quotas: Quotas,
    sts: aws_sdk_sts::Client,
    role: Option<AccountRole>,
    pub(super) groups: Batch<SecurityGroupId, SecurityGroup, AwsError>,
    pub(super) named_groups: Batch<(VpcId, String), Vec<SecurityGroup>, AwsError>,
    pub(super) rules: Batch<SecurityGroupId, RulesRead, AwsError>,
    pub(super) prefix_lists: Batch<PrefixListId, PrefixList, AwsError>,
    pub(super) named_prefix_lists: Batch<String, Vec<PrefixList>, AwsError>,
    pub(super) interfaces: Batch<VpcId, Arc<Vec<Interface>>, AwsError>,
    pub(super) load_balancers: Batch<(), Arc<Vec<FoundLoadBalancer>>, AwsError>,
    pub(super) tagged_load_balancers: Batch<(), Arc<Vec<TaggedLoadBalancer>>, AwsError>,
}

impl Cloud {
    /// `role` is the one of the configuration's credentials, if they are a role's that is assumed.
    pub(super) fn new(config: &SdkConfig, scope: Scope, role: Option<AccountRole>) -> Self {
        let ec2 = Ec2::new(config, scope.clone(), role.clone());
        let elb = Elb::new(config, scope.clone(), role.clone());
        let quotas = Quotas::new(config, scope.clone(), role.clone());
        let (groups, rules, interfaces) = (ec2.clone(), ec2.clone(), ec2.clone());
        let (named_groups, lists, named_lists) = (ec2.clone(), ec2.clone(), ec2.clone());
        let (balancers, tagged) = (elb.clone(), elb.clone());
        Self {
            groups: Batch::new(BATCH, WINDOW, move |ids| {
                let ec2 = groups.clone();
                Box::pin(async move { ec2.read_groups(ids).await })
            }),
            named_groups: Batch::new(BATCH, WINDOW, move |names| {
                let ec2 = named_groups.clone();
                Box::pin(async move { ec2.read_named_groups(names).await })
            }),
            prefix_lists: Batch::new(BATCH, WINDOW, move |ids| {
                let ec2 = lists.clone();
                Box::pin(async move { ec2.read_prefix_lists(ids).await })
            }),
            named_prefix_lists: Batch::new(BATCH, WINDOW, move |names| {
                let ec2 = named_lists.clone();
                Box::pin(async move { ec2.read_named_prefix_lists(names).await })
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
            quotas,
            sts: aws_sdk_sts::Client::new(config),
            role,
        }
    }

    /// As whom the calls are made.
    ///
    /// # Errors
    /// AWS does not say, or the role can't be assumed.
    pub async fn caller(&self) -> Result<Caller, AwsError> {
        caller(&self.sts, self.role.clone()).await
    }

    pub fn scope(&self) -> &Scope {
        &self.scope
    }
}

#[cfg(test)]
mod tests;

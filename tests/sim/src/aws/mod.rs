//! EC2, Elastic Load Balancing v2 and STS, as a stateful model that answers the query protocols, and Service Quotas.
//!
//! ```text
//! request ─► query: Call ─► ec2 | elb | sts | quotas: handlers ─► Regions ─► Answer: XML, JSON
//!                                                           └► health: what changed decides what is reachable
//! ```
//!
//! One call is applied whole, at one instant of virtual time, which is handed in. A refused call changes nothing.

mod access;
pub mod answer;
mod connector;
pub mod ec2;
pub mod elb;
pub mod query;
mod quotas;
mod sts;
mod throttle;
pub mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub use access::HOME_ACCOUNT;
pub use answer::{Answer, Failure};
pub use connector::Aws;
pub use query::{Api, Call};

/// An account in a Region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    pub account: String,
    pub region: String,
}

/// All of AWS: every account and Region that was ever mentioned.
pub struct World {
    regions: BTreeMap<Scope, Region>,
    /// What the call under way has changed, for target health.
    changed: BTreeSet<Changed>,
    /// Where ids and lags are drawn from.
    chance: fastrand::Rng,
    /// The instant of the call under way, since the beginning of the simulation.
    now: Duration,
    pub dials: Dials,
    /// The calendar time at which the simulation began.
    pub beginning: jiff::Timestamp,
    buckets: throttle::Buckets,
    /// Where it differs from AWS's default: rules per group.
    rules_per_group: BTreeMap<Scope, u32>,
    /// Answers to calls that carried a client token, with what was asked.
    answered: Answered,
    accounts_by_key: BTreeMap<String, String>,
    /// When the keys of assumed roles end.
    ends_by_key: BTreeMap<String, Duration>,
    /// ARNs of the roles that can be assumed.
    roles: BTreeSet<String>,
    /// Accounts with the actions that nobody in them may call.
    denied: BTreeSet<(String, String)>,
}

/// By account and Region, action and client token.
type Answered = BTreeMap<(Scope, String, String), (BTreeMap<String, String>, answer::Xml)>;

/// What can be turned while the simulation runs.
#[derive(Clone, Debug, Default)]
pub struct Dials {
    /// EC2's answers to Describe may be as old as this.
    pub lag: Duration,
    /// Requests are limited by token buckets as AWS's are.
    pub throttling: bool,
}

/// One account in one Region.
#[derive(Default)]
pub struct Region {
    pub ec2: ec2::Ec2,
    pub elb: elb::Elb,
}

/// Something that may decide whether targets can be reached.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Changed {
    /// Rules of a security group.
    Group { scope: Scope, id: String },
    /// Anything else in a VPC: interfaces, network ACLs, routes. All of its target groups are looked at again.
    Vpc { scope: Scope, id: String },
    /// An interface that came or went, or its groups, addresses, prefixes or attachment: much less to look at again.
    Interface { scope: Scope, id: String },
    /// A target group, its targets, or what forwards to it; by ARN.
    TargetGroup { scope: Scope, arn: String },
}

impl World {
    pub fn new(seed: u64) -> Self {
        Self {
            regions: BTreeMap::new(),
            changed: BTreeSet::new(),
            chance: fastrand::Rng::with_seed(seed),
            now: Duration::ZERO,
            dials: Dials::default(),
            beginning: jiff::Timestamp::UNIX_EPOCH,
            buckets: throttle::Buckets::default(),
            rules_per_group: BTreeMap::new(),
            answered: BTreeMap::new(),
            accounts_by_key: BTreeMap::new(),
            ends_by_key: BTreeMap::new(),
            roles: BTreeSet::new(),
            denied: BTreeSet::new(),
        }
    }

    /// Answers one call at an instant.
    pub fn answer(&mut self, call: &Call, now: Duration) -> Answer {
        self.now = self.now.max(now);
        let handled = self.admit(call).and_then(|()| self.handle(call));
        elb::settle(self);
        match handled {
            Ok(inner) => Answer::success(call, &inner),
            Err(failure) => Answer::failure(call, &failure),
        }
    }

    /// Lets time go on to an instant; it never goes back.
    pub fn advance(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }

    /// What is decided before a call is looked at.
    fn admit(&mut self, call: &Call) -> Result<(), Failure> {
        if self.dials.throttling {
            self.buckets.take(call, self.now)?;
        }
        self.check_permission(call)
    }

    fn handle(&mut self, call: &Call) -> Result<String, Failure> {
        let xml = |xml: answer::Xml| xml.to_string();
        match call.api() {
            Some(Api::Ec2) => ec2::handle(self, call).map(xml),
            Some(Api::Elb) => elb::handle(self, call).map(xml),
            Some(Api::Sts) => sts::handle(self, call).map(xml),
            Some(Api::Quotas) => quotas::handle(self, call).map(|json| json.to_string()),
            None => Err(Failure::new("InvalidAction", format!("no API has version {:?}", call.version))),
        }
    }

    pub fn now(&self) -> Duration {
        self.now
    }

    /// Every account and Region that was ever mentioned.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        self.regions.values()
    }

    /// What there is in an account and Region.
    pub fn region(&self, scope: &Scope) -> Option<&Region> {
        self.regions.get(scope)
    }

    /// The same, to be changed; a Region that was never mentioned has nothing in it.
    pub fn region_mut(&mut self, scope: &Scope) -> &mut Region {
        self.regions.entry(scope.clone()).or_default()
    }

    /// An id such as `sg-0123456789abcdef0`, as if drawn by lot.
    pub fn new_id(&mut self, prefix: &str) -> String {
        format!("{prefix}-0{:016x}", self.chance.u64(..))
    }
}

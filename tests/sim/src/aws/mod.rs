//! EC2, Elastic Load Balancing v2 and STS, as a stateful model that answers the query protocols.
//!
//! ```text
//! request ─► query: Call ─► ec2 | elb | sts: handlers ─► Regions ─► Answer: XML
//!                                                  └► health: what changed decides what is reachable
//! ```
//!
//! One call is applied whole, at one instant of virtual time, which is handed in. A refused call changes nothing.

pub mod answer;
mod connector;
pub mod ec2;
pub mod elb;
pub mod query;
mod sts;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

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
}

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
    /// Anything else in a VPC: interfaces, network ACLs, routes, a load balancer, a target group.
    Vpc { scope: Scope, id: String },
}

impl World {
    pub fn new(seed: u64) -> Self {
        Self {
            regions: BTreeMap::new(),
            changed: BTreeSet::new(),
            chance: fastrand::Rng::with_seed(seed),
            now: Duration::ZERO,
            dials: Dials::default(),
        }
    }

    /// Answers one call at an instant.
    pub fn answer(&mut self, call: &Call, now: Duration) -> Answer {
        self.now = self.now.max(now);
        let handled = match call.api() {
            Some(Api::Ec2) => ec2::handle(self, call),
            Some(Api::Elb) => elb::handle(self, call),
            Some(Api::Sts) => sts::handle(self, call),
            None => Err(Failure::new("InvalidAction", format!("no API has version {:?}", call.version))),
        };
        elb::settle(self);
        match handled {
            Ok(inner) => Answer::success(call, &inner.to_string()),
            Err(failure) => Answer::failure(call, &failure),
        }
    }

    /// Lets time go on to an instant; it never goes back.
    pub fn advance(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }

    pub fn now(&self) -> Duration {
        self.now
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

use std::collections::{BTreeMap, BTreeSet};

use crate::api::names::{CLUSTER_TAG_PREFIX, LOAD_BALANCER_CONTROLLER_TAG, NAMESPACES_TAG};
use crate::api::{Aspect, ForeignRules};
use crate::defect::Defect;

use super::{
    AccountId, ActualRule, Count, Direction, GroupKey, Named, ObjectRef, Ownership, PortRange, Problem, RuleSpec,
    Stance, Tags, Traffic, Us, named,
};

/// A security group as it was read, with all of its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupState {
    pub key: GroupKey,
    pub name: String,
    pub tags: Tags,
    pub rules: Vec<ActualRule>,
    pub unreadable: Unreadable,
}

/// How many rules could not be understood: they are never touched, and count towards the quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unreadable {
    pub ingress: u32,
    pub egress: u32,
}

impl Unreadable {
    /// As their peers are not known they count in both families.
    pub fn count(self, direction: Direction) -> Count {
        let rules = match direction {
            Direction::Ingress => self.ingress,
            Direction::Egress => self.egress,
        };
        Count { v4: rules, v6: rules }
    }
}

impl GroupState {
    pub fn consent(&self, us: &Us) -> Consent {
        Consent::read(us, &self.tags)
    }

    /// Whom those rules name that are ours, or become ours.
    pub fn named(&self, us: &Us) -> Vec<Named> {
        let ours =
            |rule: &&ActualRule| matches!(us.ownership(&rule.tags), Ownership::Ours { .. } | Ownership::TakenOver);
        self.rules.iter().filter(ours).map(|rule| named(&us.cluster, &rule.description)).collect()
    }

    /// Whether the AWS Load Balancer Controller manages this group itself.
    pub fn is_load_balancer_controllers(&self) -> bool {
        self.tags.contains_key(LOAD_BALANCER_CONTROLLER_TAG)
    }
}

/// Whether and to whom a group's tags permit writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consent {
    Refused,
    Given { shared: bool, namespaces: Namespaces },
}

/// The namespaces whose objects may write a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Namespaces {
    All,
    These(BTreeSet<String>),
}

impl Namespaces {
    pub fn allow(&self, namespace: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(names) => names.contains(namespace) || Defect::IgnoreNamespaces.is_on(),
        }
    }
}

impl Consent {
    pub fn read(us: &Us, tags: &Tags) -> Self {
        let shared = match tags.get(&us.cluster.tag_key()).map(String::as_str) {
            Some("owned") => false,
            Some("shared") => true,
            _ if Defect::AnyClustersConsent.is_on() && tags.keys().any(|key| key.starts_with(CLUSTER_TAG_PREFIX)) => {
                false
            }
            _ if Defect::WriteWithoutConsent.is_on() => {
                return Self::Given { shared: false, namespaces: Namespaces::All };
            }
            _ => return Self::Refused,
        };
        let names: BTreeSet<String> = tags
            .get(NAMESPACES_TAG)
            .map(|text| text.split_whitespace().map(str::to_owned).collect())
            .unwrap_or_default();
        let namespaces = if names.contains("*") { Namespaces::All } else { Namespaces::These(names) };
        Self::Given { shared, namespaces }
    }

    /// Whether an object of this namespace may write.
    pub fn allows(&self, namespace: &str) -> bool {
        matches!(self, Self::Given { namespaces, .. } if namespaces.allow(namespace))
    }
}

/// Why an object needs a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// In words, such as "target group green: traffic port".
    pub reason: String,
    /// The part of a binding's pattern that it belongs to; `None` for a SecurityGroupAccess.
    pub aspect: Option<Aspect>,
    /// Account of the peer group, where it is another one.
    pub peer_account: Option<AccountId>,
    /// Derived where no clients were declared: not made where a foreign rule covers the port already.
    pub by_default: bool,
    /// What the object wants to stand in the rule's description.
    pub texts: BTreeSet<String>,
}

/// What an object needs of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub object: ObjectRef,
    /// When the object was made; `None` for what comes from a file. Where not all fits, the newest is refused first.
    pub created: Option<jiff::Timestamp>,
    pub stance: Stance,
    pub rules: BTreeMap<RuleSpec, Need>,
    pub retained: Retained,
    /// Whether the object was looked up as it is declared now, its finalizer is set and its status names the
    /// group, so that nothing is written on old knowledge, and nothing that is written can be forgotten.
    pub recorded: bool,
    /// Rules that this object needs in other groups: what it no longer needs goes after they are made.
    pub elsewhere: Elsewhere,
    /// Whether a person permits that traffic which the object needs is not admitted for a moment, as its rules do not
    /// fit beside those that admit it now.
    pub gap_permitted: bool,
    pub governs: Governed,
    pub foreign_rules: ForeignRules,
}

/// How the rules stand that an object needs in other groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Elsewhere {
    /// All are there that may be made.
    #[default]
    Made,
    /// They only wait for room in full groups, perhaps for this one to be done.
    AwaitRoom,
    /// They are still to be made, or can't be.
    Pending,
}

/// Rules that an object needed until lately, by what AWS said: not made any more, and not revoked until
/// the delay has passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retained {
    These(BTreeSet<RuleSpec>),
    /// It is not known which they are (after a restart).
    All,
}

impl Retained {
    pub fn contains(&self, spec: &RuleSpec) -> bool {
        match self {
            Self::These(specs) => specs.contains(spec),
            Self::All => true,
        }
    }
}

/// An object that exists, whether it claims a group or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub stance: Stance,
    pub knowledge: Knowledge,
}

/// How well it is known what an object needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knowledge {
    /// Read completely, and just now.
    Fresh,
    /// Read completely, but too long ago to revoke anything.
    Stale,
    /// Not everything could be read or found.
    Incomplete,
}

/// In which foreign rules are in question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Governed {
    pub ingress: Extent,
    pub egress: Extent,
    /// Only if nothing but bound load balancers uses the group.
    pub unless_used_elsewhere: bool,
}

/// A part of a group's direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    #[default]
    Nothing,
    /// Rules that lie within these; wider ones are only reported. `spare_self`: not those whose peer is
    /// the group itself.
    Within {
        traffic: BTreeSet<Traffic>,
        spare_self: bool,
    },
    Everything,
}

/// How a foreign rule stands to an extent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Governance {
    /// None of its business.
    Outside,
    /// It reaches beyond: reported, never removed.
    Wider,
    /// In question.
    Inside,
}

impl Extent {
    pub fn governance(&self, traffic: Traffic, peer_is_self: bool) -> Governance {
        match self {
            Self::Nothing => Governance::Outside,
            Self::Everything => Governance::Inside,
            Self::Within { spare_self: true, .. } if peer_is_self => Governance::Outside,
            Self::Within { traffic: governed, .. } => {
                if lies_within(traffic, governed) {
                    Governance::Inside
                } else if governed.iter().any(|each| traffic.overlaps(*each)) {
                    if Defect::GovernWiderRules.is_on() { Governance::Inside } else { Governance::Wider }
                } else {
                    Governance::Outside
                }
            }
        }
    }
}

/// Whether all that `traffic` admits is governed, be it by several pieces (8000-8001 by 8000 and 8001).
fn lies_within(traffic: Traffic, governed: &BTreeSet<Traffic>) -> bool {
    let every_port = |ports: PortRange, make: fn(u16) -> Traffic| {
        (ports.from()..=ports.to()).all(|port| governed.iter().any(|each| each.covers(make(port))))
    };
    match traffic {
        Traffic::Tcp(ports) => every_port(ports, Traffic::tcp),
        Traffic::Udp(ports) => every_port(ports, Traffic::udp),
        _ => governed.iter().any(|each| each.covers(traffic)),
    }
}

/// Who else uses a group, so far as it matters for what may be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Every interface that carries the group belongs to a load balancer that is bound.
    BoundLoadBalancersOnly,
    /// These interfaces do not.
    Elsewhere(BTreeSet<String>),
    /// Not read.
    Unknown,
}

/// A problem of one object with one group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectProblem {
    pub object: ObjectRef,
    pub problem: Problem,
}

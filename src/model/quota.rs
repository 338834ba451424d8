use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Add, AddAssign};

use crate::defect::Defect;

use super::{Direction, Family, Peer, PrefixListId, RuleSpec};

/// How many rules AWS allows in one direction of a group where nobody had it raised, for IPv4 and as many for IPv6.
/// Source: "Amazon VPC quotas".
pub const DEFAULT_RULE_QUOTA: u32 = 60;

/// How many rules one direction of a group may have, and what a rule counts as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// For IPv4, and as many for IPv6.
    pub limit: u32,
    /// Prefix lists that could not be read are missing: they count 1, and AWS decides.
    pub lists: BTreeMap<PrefixListId, ListWeight>,
}

/// What a rule with a prefix list counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListWeight {
    /// `None`: not told, so it counts for both.
    pub family: Option<Family>,
    pub rules: u32,
}

impl Default for Quota {
    fn default() -> Self {
        Self { limit: DEFAULT_RULE_QUOTA, lists: BTreeMap::new() }
    }
}

impl Quota {
    /// What one rule counts as. A group counts for both families, whatever its size (unverified that it still does).
    /// Source: "Amazon VPC quotas".
    pub fn weight(&self, spec: &RuleSpec) -> Count {
        let both = Count { v4: 1, v6: 1 };
        match &spec.peer {
            Peer::Cidr(cidr) if matches!(cidr.net(), ipnet::IpNet::V4(_)) => Count { v6: 0, ..both },
            Peer::Cidr(_) => Count { v4: 0, ..both },
            Peer::SecurityGroup(_) => both,
            Peer::PrefixList(id) => self.lists.get(id).map_or(both, |list| list.count()),
        }
    }

    /// What the rules of one direction count as together.
    pub fn count<'a>(&self, direction: Direction, rules: impl IntoIterator<Item = &'a RuleSpec>) -> Count {
        let of_direction = rules.into_iter().filter(|spec| spec.direction == direction);
        of_direction.fold(Count::default(), |sum, spec| sum + self.weight(spec))
    }

    /// By how much the count exceeds the limit, in those families alone in which something is added: what exceeds it
    /// already can stay.
    pub fn excess(&self, count: Count, added: Count) -> u32 {
        if Defect::FamiliesCountTogether.is_on() {
            return if added == Count::default() { 0 } else { (count.v4 + count.v6).saturating_sub(self.limit) };
        }
        let over = |count: u32, added: u32| if added == 0 { 0 } else { count.saturating_sub(self.limit) };
        over(count.v4, added.v4) + over(count.v6, added.v6)
    }
}

impl ListWeight {
    fn count(self) -> Count {
        match self.family {
            Some(Family::V4) => Count { v4: self.rules, v6: 0 },
            Some(Family::V6) => Count { v4: 0, v6: self.rules },
            None => Count { v4: self.rules, v6: self.rules },
        }
    }
}

/// Rules by address family, as the quota counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub v4: u32,
    pub v6: u32,
}

impl Count {
    /// That of the fuller family.
    pub fn fuller(self) -> u32 {
        self.v4.max(self.v6)
    }

    /// What is left without these.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self { v4: self.v4.saturating_sub(other.v4), v6: self.v6.saturating_sub(other.v6) }
    }
}

impl Add for Count {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { v4: self.v4.saturating_add(other.v4), v6: self.v6.saturating_add(other.v6) }
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

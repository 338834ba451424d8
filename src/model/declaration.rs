use std::collections::BTreeSet;

use crate::api::{Aspect, ForeignRules};

use super::{
    AccountId, Cidr, ElbArn, GroupKey, ObjectRef, PrefixListId, Referent, Scope, SecurityGroupId, Tags, Traffic, VpcId,
};

/// An object that passed validation: what it asks for, in types that leave nothing to check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    pub object: ObjectRef,
    pub uid: String,
    pub generation: i64,
    pub scope: Scope,
    pub stance: Stance,
    pub foreign_rules: ForeignRules,
    pub wants: Wants,
    /// Whether the finalizer is set: nothing is written for an object that could vanish unnoticed.
    pub finalizer: bool,
    /// Whether needed traffic may be refused for a moment.
    pub allow_gap: Token,
    /// Groups that the status names: those that this object has written, or is about to.
    pub recorded_groups: BTreeSet<GroupKey>,
}

impl Declaration {
    /// A group of this id, where the object is declared to be.
    pub fn key(&self, id: &SecurityGroupId) -> GroupKey {
        GroupKey { scope: self.scope.clone(), id: id.clone() }
    }
}

/// What a person permits once, by an annotation: each new value acts once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Token {
    /// The annotation's value.
    pub given: Option<String>,
    /// The last value that was taken, as the status says.
    pub acknowledged: Option<String>,
}

/// What an object asks for, by its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wants {
    Binding(Binding),
    Access(Access),
}

impl Wants {
    /// Every peer that is declared anywhere.
    pub fn peers(&self) -> Vec<&PeerSelector> {
        match self {
            Self::Binding(binding) => binding.peers().collect(),
            Self::Access(access) => access.peers().collect(),
        }
    }

    pub fn binding(&self) -> Option<&Binding> {
        match self {
            Self::Binding(binding) => Some(binding),
            Self::Access(_) => None,
        }
    }
}

/// What an object lets us do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stance {
    /// Its rules are kept.
    Enforce,
    /// Its rules are only compared.
    Observe,
    /// It is being deleted.
    Leaving(Farewell),
}

/// What happens to an object's rules when it is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Farewell {
    /// They are revoked.
    Revoke,
    /// They stay, and lose our tag.
    Retain,
    /// They stay as they are: the object only observed, or a person abandoned it.
    Abandon,
}

/// What an `ALBTargetBinding` declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    pub load_balancer: Option<LoadBalancerSelector>,
    /// Which of the load balancer's groups to write.
    pub group: Option<GroupSelector>,
    /// For listeners that name no clients.
    pub clients: Option<Vec<PeerSelector>>,
    /// `None`: the load balancer's own listeners.
    pub listeners: Option<Vec<ListenerDeclaration>>,
    /// `None`: every group that the load balancer forwards to.
    pub target_groups: Option<Vec<TargetGroupDeclaration>>,
    pub identity_providers: Option<Vec<PeerSelector>>,
    pub path_mtu_discovery: bool,
    pub blue_green: Option<BlueGreenPair>,
    pub manage: BTreeSet<Aspect>,
}

/// A listener that is declared by its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerDeclaration {
    pub port: u16,
    pub clients: Option<Vec<PeerSelector>>,
}

/// A target group that is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetGroupDeclaration {
    pub name: String,
    pub selector: Option<TargetGroupSelector>,
    pub ports: Option<BTreeSet<u16>>,
    pub health_check_port: Option<u16>,
    pub groups: Option<Vec<GroupSelector>>,
    pub addresses: Option<BTreeSet<Cidr>>,
}

/// The names of the two groups between which traffic is shifted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlueGreenPair {
    pub blue: String,
    pub green: String,
}

/// How a load balancer is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadBalancerSelector {
    Arn(ElbArn),
    Name(String),
    Tags(Tags),
    /// The load balancer whose DNS name stands in the status of this object.
    InCluster(Referent),
}

/// How a target group is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetGroupSelector {
    Arn(ElbArn),
    Name(String),
}

/// How a security group is found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupSelector {
    Id { id: SecurityGroupId, account: Option<AccountId> },
    Name(String),
    Tags(Tags),
}

impl std::fmt::Display for GroupSelector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id { id, .. } => write!(f, "{id}"),
            Self::Name(name) => write!(f, "named {name:?}"),
            Self::Tags(tags) => {
                let pairs: Vec<String> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
                write!(f, "with tags {}", pairs.join(", "))
            }
        }
    }
}

/// How a managed prefix list is found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PrefixListSelector {
    Id(PrefixListId),
    Name(String),
}

/// Who is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PeerSelector {
    Cidr(Cidr),
    Group(GroupSelector),
    PrefixList(PrefixListSelector),
    /// All CIDR blocks of the VPC.
    Vpc,
    /// The group that is written.
    Itself,
}

impl Binding {
    /// The object of the cluster that names the load balancer.
    pub fn referent(&self) -> Option<&Referent> {
        match &self.load_balancer {
            Some(LoadBalancerSelector::InCluster(referent)) => Some(referent),
            _ => None,
        }
    }

    /// Every peer that is declared anywhere.
    pub fn peers(&self) -> impl Iterator<Item = &PeerSelector> {
        let of_listeners = self.listeners.iter().flatten().filter_map(|listener| listener.clients.as_ref());
        self.clients.iter().chain(of_listeners).chain(self.identity_providers.iter()).flatten()
    }
}

/// What a `SecurityGroupAccess` declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// `None` only if the object is malformed and is being deleted.
    pub group: Option<GroupSelector>,
    /// Where groups are looked up by name or tags.
    pub vpc: Option<VpcId>,
    /// `None`: this direction is not governed.
    pub ingress: Option<Vec<AccessRule>>,
    pub egress: Option<Vec<AccessRule>>,
}

/// All of some traffic, with each of some peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRule {
    pub traffic: Vec<NamedTraffic>,
    pub peers: Vec<PeerSelector>,
    /// For the rules' descriptions.
    pub text: Option<String>,
}

/// Traffic under the name by which it was declared, such as `DNS`, or `TCP 9000-9010`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedTraffic {
    pub name: String,
    /// With IPv4 peers, and with peers that have no address family.
    pub v4: Vec<Traffic>,
    /// With IPv6 peers, and with peers that have no address family.
    pub v6: Vec<Traffic>,
}

impl Access {
    /// Every peer that is declared anywhere.
    pub fn peers(&self) -> impl Iterator<Item = &PeerSelector> {
        self.ingress.iter().chain(&self.egress).flatten().flat_map(|rule| &rule.peers)
    }
}

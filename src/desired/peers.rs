//! What a declared peer comes to, by the facts.

use ipnet::IpNet;

use crate::model::{AccountId, Cidr, Facts, Family, Peer, PeerSelector};

/// The peer of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FoundPeer {
    pub peer: Peer,
    /// Account of the peer group, where it is another one.
    pub account: Option<AccountId>,
    /// `None`: both, or not known.
    pub family: Option<Family>,
}

impl From<Peer> for FoundPeer {
    fn from(peer: Peer) -> Self {
        let family = match &peer {
            Peer::Cidr(cidr) => Some(family(*cidr)),
            Peer::SecurityGroup(_) | Peer::PrefixList(_) => None,
        };
        Self { peer, account: None, family }
    }
}

fn family(cidr: Cidr) -> Family {
    match cidr.net() {
        IpNet::V4(_) => Family::V4,
        IpNet::V6(_) => Family::V6,
    }
}

/// The rules' peers that a selector comes to; none if it could not be resolved.
pub(super) fn peers(facts: &Facts, selector: &PeerSelector) -> Vec<FoundPeer> {
    match selector {
        PeerSelector::Cidr(cidr) => vec![Peer::Cidr(*cidr).into()],
        PeerSelector::Group(selector) => {
            let found = facts.peers.groups.get(selector).map(|group| FoundPeer {
                account: group.account.clone(),
                ..Peer::SecurityGroup(group.id.clone()).into()
            });
            found.into_iter().collect()
        }
        PeerSelector::PrefixList(selector) => {
            let found = facts
                .peers
                .prefix_lists
                .get(selector)
                .map(|list| FoundPeer { family: list.family, ..Peer::PrefixList(list.id.clone()).into() });
            found.into_iter().collect()
        }
        PeerSelector::Vpc => facts.vpc.iter().flat_map(|vpc| &vpc.cidrs).map(|cidr| Peer::Cidr(*cidr).into()).collect(),
        PeerSelector::Itself => facts.group.iter().map(|group| Peer::SecurityGroup(group.clone()).into()).collect(),
    }
}

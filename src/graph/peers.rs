//! Many peers of the same rules are one card.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::api::Aspect;
use crate::model::{Direction, GroupSelector, Peer, PrefixListSelector, RuleSpec, SecurityGroupId, Traffic};

use super::compose::{Composer, Key, name_of};
use super::standing::Standing;
use super::{Line, Node, NodeKind, Section};

/// So many peers are listed on a card; there is room for one more line, that counts the rest.
const SHOWN: usize = 4;
/// So many cards stand on either side of a group.
const CARDS: usize = 6;

/// The first few, and the rest. One line is not saved to count one.
pub(super) fn first(mut all: Vec<String>) -> (Vec<String>, Vec<String>) {
    let rest = if all.len() > SHOWN + 1 { all.split_off(SHOWN) } else { Vec::new() };
    (all, rest)
}

/// What peers are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Client,
    IdentityProvider,
    Source,
    Destination,
}

impl Role {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Client => ("client", "clients"),
            Self::IdentityProvider => ("identity provider", "identity providers"),
            Self::Source => ("source", "sources"),
            Self::Destination => ("destination", "destinations"),
        }
    }
}

type Admitted = BTreeSet<(Standing, Traffic)>;

/// Peers of one card.
struct Card<'a> {
    role: Role,
    admitted: Admitted,
    peers: Vec<&'a Peer>,
    /// Whether each of the peers may do only a part of it.
    mixed: bool,
}

impl Composer<'_> {
    /// Draws the rules of a group with peers that have no card.
    pub(super) fn peers(&mut self, id: &SecurityGroupId, rules: Vec<(RuleSpec, Standing)>) {
        for direction in [Direction::Ingress, Direction::Egress] {
            let mut by_peer: BTreeMap<(Role, &Peer), Admitted> = BTreeMap::new();
            for (spec, standing) in rules.iter().filter(|(spec, _)| spec.direction == direction) {
                let admitted = by_peer.entry((self.role(id, spec), &spec.peer)).or_default();
                admitted.insert((standing.clone(), spec.traffic));
            }
            let mut alike: BTreeMap<(Role, Admitted), Vec<&Peer>> = BTreeMap::new();
            for ((role, peer), admitted) in by_peer {
                alike.entry((role, admitted)).or_default().push(peer);
            }
            for (number, card) in few(alike).into_iter().enumerate() {
                self.card(id, direction, number, &card);
            }
        }
    }

    fn role(&self, id: &SecurityGroupId, spec: &RuleSpec) -> Role {
        let balances = self.objects().any(|(_, declaration, resolution)| {
            declaration.wants.binding().is_some() && resolution.facts.group.as_ref() == Some(id)
        });
        let aspect = self.needs.get(id).and_then(|needed| needed.get(spec)).and_then(|needed| needed.aspect);
        match spec.direction {
            Direction::Ingress if balances => Role::Client,
            Direction::Ingress => Role::Source,
            Direction::Egress if aspect == Some(Aspect::TargetEgress) => Role::IdentityProvider,
            Direction::Egress => Role::Destination,
        }
    }

    fn card(&mut self, id: &SecurityGroupId, direction: Direction, number: usize, card: &Card<'_>) {
        let at = 2 * self.depths.get(id).copied().unwrap_or_default();
        let column = if direction == Direction::Ingress { at } else { at + 2 };
        let (key, group) = (Key::Peers { of: id.clone(), direction, number }, Key::Group(id.clone()));
        let sections = vec![self.section(id, card)];
        self.add_node(key.clone(), Node { kind: NodeKind::Peers, column, sections });
        let (from, to) = if direction == Direction::Ingress { (key, group) } else { (group, key) };
        for (standing, traffic) in &card.admitted {
            self.admit(from.clone(), to.clone(), standing.clone(), direction, *traffic);
        }
    }

    fn section(&self, id: &SecurityGroupId, card: &Card<'_>) -> Section {
        let (one, many) = card.role.words();
        if let [peer] = card.peers[..] {
            return self.one(id, one, peer);
        }
        let (shown, more) = first(card.peers.iter().map(|peer| self.in_a_line(id, peer)).collect());
        let further = if card.mixed { "further " } else { "" };
        let title = Line::Words(format!("{} {further}{}", card.peers.len(), kind(&card.peers)));
        Section { caption: many.into(), title, lines: shown.into_iter().map(Line::Code).collect(), more }
    }

    fn one(&self, id: &SecurityGroupId, caption: &str, peer: &Peer) -> Section {
        let code = Line::Code(peer.to_string());
        let (title, lines) = match self.name(id, peer) {
            Some(name) => (Line::Words(name), vec![code]),
            None => (code, Vec::new()),
        };
        Section { caption: caption.to_owned(), title, lines, more: Vec::new() }
    }

    fn in_a_line(&self, id: &SecurityGroupId, peer: &Peer) -> String {
        self.name(id, peer)
            .filter(|_| !peer.is_anywhere())
            .map_or_else(|| peer.to_string(), |name| format!("{peer} {name}"))
    }

    /// What a peer is called, if it is called anything.
    fn name(&self, id: &SecurityGroupId, peer: &Peer) -> Option<String> {
        match peer {
            Peer::Cidr(_) if peer.is_anywhere() => Some("anywhere".into()),
            Peer::Cidr(_) => None,
            Peer::SecurityGroup(peer) if peer == id => Some("the group itself".into()),
            Peer::SecurityGroup(peer) => {
                let tagged = self.states.get(peer).and_then(|group| name_of(group)).map(str::to_owned);
                tagged.or_else(|| self.selected_group(peer))
            }
            Peer::PrefixList(list) => self.objects().find_map(|(_, _, resolution)| {
                let found = &resolution.facts.peers.prefix_lists;
                found.iter().find_map(|(selector, found)| match selector {
                    PrefixListSelector::Name(name) if found.id == *list => Some(name.clone()),
                    _ => None,
                })
            }),
        }
    }

    fn selected_group(&self, id: &SecurityGroupId) -> Option<String> {
        self.objects().find_map(|(_, _, resolution)| {
            resolution.facts.peers.groups.iter().find_map(|(selector, found)| match selector {
                GroupSelector::Name(name) if found.id == *id => Some(name.clone()),
                _ => None,
            })
        })
    }
}

/// What they are, all together.
fn kind(peers: &[&Peer]) -> &'static str {
    let all = |is: fn(&Peer) -> bool| peers.iter().all(|peer| is(peer));
    if all(|peer| matches!(peer, Peer::Cidr(_))) {
        "networks"
    } else if all(|peer| matches!(peer, Peer::SecurityGroup(_))) {
        "security groups"
    } else if all(|peer| matches!(peer, Peer::PrefixList(_))) {
        "prefix lists"
    } else {
        "peers"
    }
}

/// No more cards than there is room for: the last stand for all further peers, with all that any of them may do.
fn few(alike: BTreeMap<(Role, Admitted), Vec<&Peer>>) -> Vec<Card<'_>> {
    let card = |((role, admitted), peers)| Card { role, admitted, peers, mixed: false };
    let mut cards: Vec<Card<'_>> = alike.into_iter().map(card).collect();
    if cards.len() <= CARDS {
        return cards;
    }
    // What many peers may do is told exactly.
    cards.sort_by_key(|card| std::cmp::Reverse(card.peers.len()));
    let mut merged: BTreeMap<Role, Card<'_>> = BTreeMap::new();
    for card in cards.split_off(CARDS - 1) {
        match merged.entry(card.role) {
            Entry::Vacant(entry) => {
                entry.insert(card);
            }
            Entry::Occupied(mut entry) => {
                let merged = entry.get_mut();
                merged.admitted.extend(card.admitted);
                merged.peers.extend(card.peers);
                merged.mixed = true;
            }
        }
    }
    cards.extend(merged.into_values());
    cards
}

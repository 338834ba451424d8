//! What is drawn, before it is known how.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Traffic;

/// A picture as plain data: cards in columns, and what leads from one to another. Traffic flows from left to right.
///
/// Texts are as AWS and the objects have them, whatever characters they hold: each format makes them harmless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    pub(super) title: String,
    /// By column, then in the order in which they are best told.
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
}

/// A card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub kind: NodeKind,
    /// Security groups stand in odd columns, what lies before, between and behind them in even ones.
    pub column: usize,
    pub sections: Vec<Section>,
}

/// What a card stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NodeKind {
    /// One or more peers of the same rules: networks, prefix lists, groups that are not drawn themselves.
    Peers,
    /// A security group, with the load balancers that carry it.
    Group,
    /// A target group of a load balancer.
    TargetGroup,
}

/// A part of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    /// What it is, such as `load balancer`.
    pub caption: String,
    pub title: Line,
    pub lines: Vec<Line>,
    /// Lines for which there is no room: only counted, and told where a format can tell more.
    pub more: Vec<String>,
}

/// A line of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Words(String),
    /// An id or an address.
    Code(String),
}

impl Line {
    pub fn text(&self) -> &str {
        match self {
            Self::Words(text) | Self::Code(text) => text,
        }
    }
}

/// Rules that are in one state, from one card to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    /// Index of a node; its column is left of that of `to`.
    pub from: usize,
    /// Index of a node.
    pub to: usize,
    pub state: State,
    /// What egress rules of the group on the left admit.
    pub egress: BTreeSet<Traffic>,
    /// What ingress rules of the group on the right admit.
    pub ingress: BTreeSet<Traffic>,
    /// Why it waits, or is kept.
    pub note: Option<String>,
}

/// How rules stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    InPlace,
    ToBeMade,
    ToBeTakenAway,
    /// A step that waits.
    Held,
    /// No sgbind made it, and no object needs it.
    Foreign,
    /// Another cluster made it, and no object needs it.
    OtherClusters,
    /// Needed, and neither seen nor planned.
    Unsettled,
    /// No rule: what is joined only belongs together.
    NoRule,
}

impl State {
    /// Each of them once, in the order of a legend.
    pub const ALL: [Self; 8] = [
        Self::InPlace,
        Self::ToBeMade,
        Self::ToBeTakenAway,
        Self::Held,
        Self::Foreign,
        Self::OtherClusters,
        Self::Unsettled,
        Self::NoRule,
    ];

    /// In words, for a legend.
    pub fn words(self) -> &'static str {
        match self {
            Self::InPlace => "in place",
            Self::ToBeMade => "to be made",
            Self::ToBeTakenAway => "to be taken away",
            Self::Held => "held",
            Self::Foreign => "foreign",
            Self::OtherClusters => "another cluster's",
            Self::Unsettled => "needed, not seen",
            Self::NoRule => "no rule",
        }
    }
}

impl Edge {
    /// What is admitted, by either side.
    pub fn traffic(&self) -> BTreeSet<Traffic> {
        self.egress.union(&self.ingress).copied().collect()
    }
}

impl Drawing {
    /// The states that occur, in the order of a legend.
    pub(super) fn states(&self) -> Vec<State> {
        let occurs = |state: &State| self.edges.iter().any(|edge| edge.state == *state);
        State::ALL.into_iter().filter(occurs).collect()
    }

    /// In a sentence, for who can't see the picture.
    pub(super) fn summary(&self) -> String {
        let mut kinds: BTreeMap<NodeKind, usize> = BTreeMap::new();
        for node in &self.nodes {
            *kinds.entry(node.kind).or_default() += 1;
        }
        let count = |kind, one: &str, many: &str| match kinds.get(&kind).copied().unwrap_or_default() {
            1 => format!("1 {one}"),
            number => format!("{number} {many}"),
        };
        let states: Vec<&str> = self.states().into_iter().map(State::words).collect();
        format!(
            "{}, {} and {}. Rules: {}.",
            count(NodeKind::Group, "security group", "security groups"),
            count(NodeKind::TargetGroup, "target group", "target groups"),
            count(NodeKind::Peers, "card of peers", "cards of peers"),
            if states.is_empty() { "none".to_owned() } else { states.join(", ") }
        )
    }
}

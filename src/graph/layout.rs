//! Where everything stands: cards in columns, labels in the gaps between them, lines from one to the next.
//!
//! Columns of cards and gaps with labels alternate as *tracks*. Every line passes each track between its ends at a place
//! of its own, with its label there; it changes its height only in the channels between tracks, where nothing else is.

use std::collections::BTreeMap;

use super::blocks::{Block, card, label};
use super::order::{Item, arrange};
use super::{Drawing, Edge, State};

/// Between the picture's border and what is drawn.
pub(super) const MARGIN: i32 = 24;
/// Above the cards, for the heading.
const HEADING: i32 = 56;
/// The width of a channel, and the most that it grows where lines climb far.
const CHANNEL: (i32, i32) = (36, 40);
/// Between two lines that end at one card.
const PORT: i32 = 12;
/// A line that is alone on its side of a card runs level if it can, so far away from the corners.
const CORNER: i32 = 14;
/// The height of a line's place in a track where it has no label.
const PASS: i32 = 8;
/// The width of a gap without a label.
const NARROW_GAP: i32 = 8;

/// Something in its place; `x` and `y` are of its top left corner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    pub x: i32,
    pub y: i32,
    pub block: Block,
    /// Index of the node or the edge.
    pub of: usize,
}

/// A line: points, between which it runs level or, in a channel, changes its height.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub state: State,
    pub edge: usize,
    pub points: Vec<(i32, i32)>,
}

/// The whole picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub width: i32,
    /// Down to the end of cards and labels.
    pub height: i32,
    pub cards: Vec<Placed>,
    pub labels: Vec<Placed>,
    pub routes: Vec<Route>,
}

/// The items of all tracks, and the way of each edge over them.
#[derive(Default)]
struct Tracks {
    items: Vec<Item>,
    blocks: Vec<Option<Block>>,
    /// Items from an edge's first card to its last.
    ways: Vec<Vec<usize>>,
    /// So many items are cards: the first.
    cards: usize,
    count: usize,
}

impl Tracks {
    fn add(&mut self, track: usize, block: Option<Block>) -> usize {
        let height = block.as_ref().map_or(PASS, |block| block.height);
        self.items.push(Item { track, height, before: Vec::new(), behind: Vec::new() });
        self.blocks.push(block);
        self.count = self.count.max(track + 1);
        self.items.len() - 1
    }

    fn of(drawing: &Drawing) -> Self {
        let mut used: Vec<usize> = drawing.nodes.iter().map(|node| node.column).collect();
        used.sort_unstable();
        used.dedup();
        let track: BTreeMap<usize, usize> = used.into_iter().enumerate().map(|(at, column)| (column, 2 * at)).collect();
        let mut tracks = Self::default();
        for (index, node) in drawing.nodes.iter().enumerate() {
            let mut block = card(node);
            let lines = drawing.edges.iter().filter(|edge| edge.to == index).count();
            let lines = lines.max(drawing.edges.iter().filter(|edge| edge.from == index).count());
            block.height = block.height.max(PORT.saturating_mul(i32::try_from(lines + 1).unwrap_or(i32::MAX)));
            tracks.add(track[&node.column], Some(block));
        }
        tracks.cards = drawing.nodes.len();
        for edge in &drawing.edges {
            let way = tracks.way(edge);
            for pair in way.windows(2) {
                tracks.items[pair[0]].behind.push(pair[1]);
                tracks.items[pair[1]].before.push(pair[0]);
            }
            tracks.ways.push(way);
        }
        tracks
    }

    /// Makes the places of an edge in the tracks that it passes: egress is told at its beginning, ingress at its end.
    fn way(&mut self, edge: &Edge) -> Vec<usize> {
        let (first, last) = (self.items[edge.from].track, self.items[edge.to].track);
        let mut way = vec![edge.from];
        for track in first + 1..last {
            let (begins, ends) = (track == first + 1, track + 1 == last);
            let block = if begins && ends {
                Some((edge.traffic(), if edge.egress.is_empty() { "ingress" } else { "egress" }))
            } else if begins {
                Some((edge.egress.clone(), "egress"))
            } else if ends {
                Some((edge.ingress.clone(), "ingress"))
            } else {
                None
            };
            let block = block.filter(|(traffic, _)| !traffic.is_empty());
            way.push(self.add(track, block.map(|(traffic, direction)| label(edge, &traffic, direction))));
        }
        way.push(edge.to);
        way
    }

    fn width(&self, track: usize) -> i32 {
        let blocks = self.items.iter().zip(&self.blocks).filter(|(item, _)| item.track == track);
        let widest = blocks.filter_map(|(_, block)| block.as_ref()).map(|block| block.width).max();
        widest.unwrap_or(NARROW_GAP)
    }
}

/// Lays the picture out.
pub(super) fn of(drawing: &Drawing) -> Layout {
    let mut tracks = Tracks::of(drawing);
    let tops = arrange(&tracks.items, tracks.count);
    let top = tops.iter().copied().min().unwrap_or_default();
    let tops: Vec<i32> = tops.into_iter().map(|y| y - top + HEADING).collect();
    let ports = Ports::of(&tracks, &tops);
    let (lefts, widths, width) = across(&tracks, &ports);
    let placed =
        |item: usize, of: usize, block: Block| Placed { x: lefts[tracks.items[item].track], y: tops[item], block, of };
    let routes = tracks.ways.iter().enumerate().map(|(edge, way)| {
        let points = way.iter().enumerate().flat_map(|(at, item)| {
            let left = lefts[tracks.items[*item].track];
            let right = left + widths[tracks.items[*item].track];
            let arrives = (at > 0).then(|| (left, ports.arriving[&(edge, *item)]));
            let leaves = (at + 1 < way.len()).then(|| (right, ports.leaving[&(edge, *item)]));
            arrives.into_iter().chain(leaves)
        });
        Route { state: drawing.edges[edge].state, edge, points: points.collect() }
    });
    let routes: Vec<Route> = routes.collect();
    let mut labels = Vec::new();
    for (edge, way) in tracks.ways.iter().enumerate() {
        for item in &way[1..way.len() - 1] {
            labels.extend(tracks.blocks[*item].clone().map(|block| placed(*item, edge, block)));
        }
    }
    let mut cards = Vec::new();
    for node in 0..drawing.nodes.len() {
        let Some(block) = tracks.blocks[node].take() else { continue };
        let block = Block { width: widths[tracks.items[node].track], ..block };
        cards.push(Placed { x: lefts[tracks.items[node].track], y: tops[node], block, of: node });
    }
    let bottom = tops.iter().zip(&tracks.items).map(|(y, item)| y + item.height).max().unwrap_or(HEADING);
    Layout { width, height: bottom, cards, labels, routes }
}

/// At which height each line arrives at an item, and leaves it: spread over the side of a card, level through the rest.
struct Ports {
    arriving: BTreeMap<(usize, usize), i32>,
    leaving: BTreeMap<(usize, usize), i32>,
}

impl Ports {
    fn of(tracks: &Tracks, tops: &[i32]) -> Self {
        let mut ports = Self { arriving: BTreeMap::new(), leaving: BTreeMap::new() };
        let middle = |item: usize| tops[item] + tracks.items[item].height / 2;
        // By item, and the height of the next item on the way: so lines of one card do not cross each other.
        let (mut arrivals, mut departures) = (BTreeMap::new(), BTreeMap::new());
        for (edge, way) in tracks.ways.iter().enumerate() {
            for pair in way.windows(2) {
                departures.entry(pair[0]).or_insert_with(Vec::new).push((middle(pair[1]), edge));
                arrivals.entry(pair[1]).or_insert_with(Vec::new).push((middle(pair[0]), edge));
            }
        }
        for (side, found) in [(&mut ports.arriving, arrivals), (&mut ports.leaving, departures)] {
            for (item, mut edges) in found {
                edges.sort_unstable();
                if item >= tracks.cards {
                    side.extend(edges.into_iter().map(|(_, edge)| ((edge, item), middle(item))));
                    continue;
                }
                let (top, height) = (tops[item], tracks.items[item].height);
                if let Some(level) = level(top, height, &edges) {
                    side.extend(level.into_iter().map(|(at, edge)| ((edge, item), at)));
                    continue;
                }
                let number = i32::try_from(edges.len()).unwrap_or(i32::MAX);
                for (at, (_, edge)) in (1..).zip(edges) {
                    side.insert((edge, item), top + height * at / (number + 1));
                }
            }
        }
        ports
    }
}

/// The heights of lines that can all run level into a card, by edge; one alone may end off the middle of its next place.
fn level(top: i32, height: i32, edges: &[(i32, usize)]) -> Option<Vec<(i32, usize)>> {
    let (highest, lowest) = (top + CORNER.min(height / 2), top + height - CORNER.min(height / 2));
    if let [(at, edge)] = edges {
        return Some(vec![((*at).clamp(highest, lowest), *edge)]);
    }
    let within = edges.iter().all(|(at, _)| (highest..=lowest).contains(at));
    let apart = edges.windows(2).all(|pair| pair[1].0 - pair[0].0 >= PORT);
    (within && apart).then(|| edges.to_vec())
}

/// The left borders and widths of the tracks, and the width of the picture.
fn across(tracks: &Tracks, ports: &Ports) -> (Vec<i32>, Vec<i32>, i32) {
    let mut climbs = vec![0; tracks.count];
    for (edge, way) in tracks.ways.iter().enumerate() {
        for pair in way.windows(2) {
            let climb = (ports.leaving[&(edge, pair[0])] - ports.arriving[&(edge, pair[1])]).abs();
            let channel = &mut climbs[tracks.items[pair[0]].track];
            *channel = climb.max(*channel);
        }
    }
    let (mut lefts, mut widths) = (Vec::new(), Vec::new());
    let mut x = MARGIN;
    for (track, climb) in climbs.iter().enumerate() {
        lefts.push(x);
        widths.push(tracks.width(track));
        x += tracks.width(track);
        if track + 1 < tracks.count {
            x += CHANNEL.0 + (climb / 8).min(CHANNEL.1);
        }
    }
    (lefts, widths, x + MARGIN)
}

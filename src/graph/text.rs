//! Texts of a picture: what is told of traffic, and what makes any text harmless.

use std::collections::{BTreeMap, BTreeSet};

use unicode_width::UnicodeWidthChar;

use crate::model::{Direction, Traffic};

use super::{Drawing, Edge, NodeKind};

/// So many ports of a protocol are told.
const PORTS: usize = 6;
/// So many marks may stand on one character.
const MARKS: usize = 2;
/// A longer text is shortened.
const LONGEST: usize = 100;
/// Stands for what can't be shown.
const UNSHOWN: char = '\u{fffd}';

/// A text without what has no place in a picture: control characters, what turns the direction of writing, what can't be
/// seen, and heaps of marks. What is left is one line.
pub(super) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut marks = MARKS;
    for char in text.trim().chars() {
        if char.is_whitespace() {
            cleaned.push(' ');
        } else if is_unshown(char) {
            cleaned.push(UNSHOWN);
        } else if char.width() == Some(0) {
            marks += 1;
            if marks <= MARKS {
                cleaned.push(char);
            }
            continue;
        } else {
            cleaned.push(char);
        }
        marks = 0;
    }
    cleaned
}

/// A text of no more characters than a card or a label has room for, shortened in the middle.
pub(super) fn bounded(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= LONGEST {
        return text.to_owned();
    }
    let half = LONGEST / 2;
    let mut tail = &chars[chars.len() - half + 1..];
    while tail.first().is_some_and(|char| char.width() == Some(0)) {
        tail = &tail[1..];
    }
    chars[..half].iter().chain(&['…']).chain(tail).collect()
}

/// Control and format characters, and what is no character in XML.
///
/// Source: the Unicode Character Database, general categories Cc and Cf; XML 1.0, production 2.
fn is_unshown(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}'
            | '\u{180e}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff0}'..='\u{fffb}' | '\u{fffe}'..='\u{ffff}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// What is admitted, a text for each protocol: `tcp 80, 443`.
pub(super) fn traffic(traffic: &BTreeSet<Traffic>) -> Vec<String> {
    let mut by_protocol: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for traffic in traffic {
        let text = traffic.to_string();
        match traffic {
            Traffic::Tcp(ports) | Traffic::Udp(ports) => {
                by_protocol.entry(traffic.protocol()).or_default().push(ports.to_string());
            }
            Traffic::All => {
                by_protocol.entry("all traffic".into()).or_default();
            }
            _ => {
                by_protocol.entry(text).or_default();
            }
        }
    }
    let told = |(protocol, mut ports): (String, Vec<String>)| {
        let more = ports.len().saturating_sub(PORTS);
        if ports.is_empty() {
            return protocol;
        }
        ports.truncate(PORTS);
        let more = if more > 0 { format!(", +{more} more") } else { String::new() };
        format!("{protocol} {}{more}", ports.join(", "))
    };
    by_protocol.into_iter().map(told).collect()
}

/// All of an edge in one text: its state (unless it is in place), its traffic, why it waits. `None` where there is nothing to tell.
pub(super) fn edge(drawing: &Drawing, edge: &Edge) -> Option<String> {
    let sides = sides(drawing, edge);
    if sides.is_empty() {
        return None;
    }
    let of_side = |(side, traffic): &(Option<Direction>, &BTreeSet<Traffic>)| {
        let side = side.map(|side| format!("{side} ")).unwrap_or_default();
        format!("{side}{}", self::traffic(traffic).join("; "))
    };
    let mut told = sides.iter().map(of_side).collect::<Vec<_>>().join("; ");
    if edge.state != super::State::InPlace {
        told = format!("{}: {told}", edge.state.words());
    }
    if let Some(note) = &edge.note {
        told.push_str(&format!(" ({note})"));
    }
    Some(told)
}

/// What is admitted, by side where the two sides differ: between two groups each has rules of its own.
fn sides<'a>(drawing: &Drawing, edge: &'a Edge) -> Vec<(Option<Direction>, &'a BTreeSet<Traffic>)> {
    let is_group = |index: usize| drawing.nodes.get(index).is_some_and(|node| node.kind == NodeKind::Group);
    let between_groups = is_group(edge.from) && is_group(edge.to);
    let side = |direction| between_groups.then_some(direction);
    if edge.egress == edge.ingress && !edge.egress.is_empty() {
        return vec![(None, &edge.egress)];
    }
    let both = [(side(Direction::Egress), &edge.egress), (side(Direction::Ingress), &edge.ingress)];
    both.into_iter().filter(|(_, traffic)| !traffic.is_empty()).collect()
}

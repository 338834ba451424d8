//! Words for comments. What comes from AWS may hold anything, and must not end a comment or mislead who reads it.

use crate::model::{ActualRule, Peer, SecurityGroupId};

use super::{Group, Today};

/// How much of a name or description is shown.
const LONGEST: usize = 80;

/// One line without anything invisible: what ends a line becomes a space, what turns or hides text a question mark.
pub(super) fn in_one_line(text: &str) -> String {
    text.chars().map(shown).collect()
}

fn shown(char: char) -> char {
    match char {
        '\u{85}' | '\u{2028}' | '\u{2029}' => ' ',
        _ if char.is_ascii_whitespace() => ' ',
        _ if char.is_control() || is_format(char) => '?',
        _ => char,
    }
}

/// Characters that change how others are shown. Source: Unicode's category Cf, those that are to be met.
pub(super) fn is_format(char: char) -> bool {
    matches!(char, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A name of AWS's, shortened if it is long.
pub(super) fn shortened(text: &str) -> String {
    let line = in_one_line(text);
    if line.chars().count() <= LONGEST { line } else { line.chars().take(LONGEST).chain(['…']).collect() }
}

/// A group by id, and name where that is known.
pub(super) fn group(today: &Today, id: &SecurityGroupId) -> String {
    match name_of(today, id) {
        Some(name) => format!("{id} ({})", shortened(name)),
        None => id.to_string(),
    }
}

/// A group's name, where that is known.
pub(super) fn name_of<'a>(today: &'a Today, id: &SecurityGroupId) -> Option<&'a str> {
    let own = today.groups.get(id).map(|Group { name, .. }| name.as_str());
    own.or_else(|| today.names.groups.get(id).map(|name| name.text.as_str()))
}

/// A peer by id, and name where that is known.
pub(super) fn peer(today: &Today, peer: &Peer) -> String {
    match peer {
        Peer::Cidr(cidr) => cidr.to_string(),
        Peer::SecurityGroup(id) => group(today, id),
        Peer::PrefixList(id) => match today.names.prefix_lists.get(id) {
            Some(name) => format!("{id} ({})", shortened(&name.text)),
            None => id.to_string(),
        },
    }
}

/// A rule of a group: `sg-1 (app) ingress tcp 0-65535 from 10.0.0.0/8 (sgr-1, "by hand")`.
pub(super) fn rule(today: &Today, of: &SecurityGroupId, rule: &ActualRule) -> String {
    let preposition = match rule.spec.direction {
        crate::model::Direction::Ingress => "from",
        crate::model::Direction::Egress => "to",
    };
    let (direction, traffic) = (rule.spec.direction, rule.spec.traffic);
    let described = match rule.description.as_str() {
        "" => String::new(),
        text => format!(", \"{}\"", shortened(text)),
    };
    let (of, peer) = (group(today, of), peer(today, &rule.spec.peer));
    format!("{of} {direction} {traffic} {preposition} {peer} ({}{described})", rule.id)
}

/// `1 rule`, `2 rules`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

//! A picture as a Mermaid flowchart, for pages that draw it themselves, such as GitHub's.

use std::fmt::Write as _;

use super::text::{bounded, clean, edge};
use super::{Drawing, Line, Node, NodeKind, Section, State};

/// The picture as a Mermaid flowchart. Whatever texts it holds, they are only texts.
pub fn mermaid(drawing: &Drawing) -> String {
    let mut text = String::from("flowchart LR\n");
    let _ = writeln!(text, "  accTitle: {}", words(&drawing.title));
    let _ = writeln!(text, "  accDescr: {}", words(&drawing.summary()));
    for (index, node) in drawing.nodes.iter().enumerate() {
        let _ = writeln!(text, "  n{index}[\"{}\"]:::{}", label(node), class(node.kind));
    }
    for each in &drawing.edges {
        let arrow = arrow(each.state);
        let label = edge(drawing, each).map(|label| format!("|\"{}\"|", escape(&label))).unwrap_or_default();
        let _ = writeln!(text, "  n{} {arrow}{label} n{}", each.from, each.to);
    }
    for state in drawing.states() {
        let of_state = drawing.edges.iter().enumerate().filter(|(_, edge)| edge.state == state);
        let indices: Vec<String> = of_state.map(|(index, _)| index.to_string()).collect();
        let _ = writeln!(text, "  linkStyle {} {}", indices.join(","), style(state));
    }
    text.push_str(CLASSES);
    text
}

/// Light cards with dark texts, on a light page and on a dark one.
const CLASSES: &str = "  classDef peers fill:#f6f8fa,stroke:#57606a,color:#1f2328
  classDef group fill:#ddf4ff,stroke:#0969da,color:#1f2328
  classDef target fill:#fbefff,stroke:#8250df,color:#1f2328
";

fn class(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Peers => "peers",
        NodeKind::Group => "group",
        NodeKind::TargetGroup => "target",
    }
}

fn arrow(state: State) -> &'static str {
    match state {
        State::InPlace | State::Foreign | State::OtherClusters => "-->",
        State::ToBeMade => "==>",
        State::ToBeTakenAway | State::Held | State::Unsettled => "-.->",
        State::NoRule => "---",
    }
}

fn style(state: State) -> &'static str {
    match state {
        State::InPlace => "stroke:#0072b2",
        State::ToBeMade => "stroke:#009e73",
        State::ToBeTakenAway => "stroke:#d55e00",
        State::Held => "stroke:#b58900",
        State::Foreign => "stroke:#b0568f",
        State::OtherClusters | State::Unsettled | State::NoRule => "stroke:#6e7781",
    }
}

fn label(node: &Node) -> String {
    node.sections.iter().map(section).collect::<Vec<_>>().join("<br/>")
}

fn section(section: &Section) -> String {
    let mut lines = vec![escape(&section.caption), format!("<b>{}</b>", escape(section.title.text()))];
    lines.extend(section.lines.iter().map(Line::text).map(escape));
    if !section.more.is_empty() {
        lines.push(escape(&format!("+{} more", section.more.len())));
    }
    lines.join("<br/>")
}

/// Mermaid's codes for all but letters, digits and what means nothing to it: a dot or a dash within a word; elsewhere it may
/// begin a list.
///
/// Source: mermaid.js.org/syntax/flowchart.html, "Entity codes to escape characters".
fn escape(text: &str) -> String {
    let text = bounded(&clean(text));
    let mut escaped = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let within_a_word = chars.peek().is_some_and(|next| next.is_ascii_alphanumeric());
        if char.is_alphanumeric() || matches!(char, ' ' | ',' | '/') || (matches!(char, '-' | '.') && within_a_word) {
            escaped.push(char);
        } else {
            let _ = write!(escaped, "#{};", u32::from(char));
        }
    }
    escaped
}

/// The title and the description have no codes: what is not plain is left out.
fn words(text: &str) -> String {
    let plain =
        |char: char| if char.is_alphanumeric() || matches!(char, ' ' | ',' | '/' | '.' | '-') { char } else { ' ' };
    clean(text).chars().map(plain).collect()
}

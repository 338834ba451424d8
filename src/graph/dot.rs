//! A picture for Graphviz.

use std::fmt::Write as _;

use super::text::{bounded, clean, edge};
use super::{Drawing, Line, Node, NodeKind, Section, State};

/// The picture in Graphviz's language. Whatever texts it holds, they are only texts.
pub fn dot(drawing: &Drawing) -> String {
    let mut text = String::from("digraph sgbind {\n");
    let _ = writeln!(text, "  graph [rankdir=LR, fontname=\"Helvetica\", tooltip={}];", quoted(&drawing.title));
    text.push_str("  node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica\", fontsize=11];\n");
    text.push_str("  edge [fontname=\"Helvetica\", fontsize=10];\n");
    for (index, node) in drawing.nodes.iter().enumerate() {
        let (fill, line) = colours(node.kind);
        let _ = writeln!(text, "  n{index} [label=\"{}\", fillcolor=\"{fill}\", color=\"{line}\"];", label(node));
    }
    for each in &drawing.edges {
        let label = edge(drawing, each).map(|label| format!("label={}, ", quoted(&label))).unwrap_or_default();
        let _ = writeln!(text, "  n{} -> n{} [{label}{}];", each.from, each.to, style(each.state));
    }
    text.push_str("}\n");
    text
}

fn colours(kind: NodeKind) -> (&'static str, &'static str) {
    match kind {
        NodeKind::Peers => ("#f6f8fa", "#57606a"),
        NodeKind::Group => ("#ddf4ff", "#0969da"),
        NodeKind::TargetGroup => ("#fbefff", "#8250df"),
    }
}

fn style(state: State) -> &'static str {
    match state {
        State::InPlace => "color=\"#0072b2\"",
        State::ToBeMade => "color=\"#009e73\", style=bold, arrowhead=vee",
        State::ToBeTakenAway => "color=\"#d55e00\", style=dashed, arrowhead=tee",
        State::Held => "color=\"#b58900\", style=dashed, arrowhead=onormal",
        State::Foreign => "color=\"#b0568f\", arrowhead=diamond",
        State::OtherClusters => "color=\"#6e7781\", arrowhead=odiamond",
        State::Unsettled => "color=\"#6e7781\", style=dotted, arrowhead=normal",
        State::NoRule => "color=\"#6e7781\", style=dotted, arrowhead=none",
    }
}

fn label(node: &Node) -> String {
    node.sections.iter().map(section).collect::<Vec<_>>().join("\\n\\n")
}

fn section(section: &Section) -> String {
    let mut lines = vec![escape(&section.caption), escape(section.title.text())];
    lines.extend(section.lines.iter().map(Line::text).map(escape));
    if !section.more.is_empty() {
        lines.push(escape(&format!("+{} more", section.more.len())));
    }
    lines.join("\\n")
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escape(text))
}

/// Within a quoted text only quotes and backslashes mean something; and an `&` begins an entity of HTML.
///
/// Source: graphviz.org/doc/info/lang.html, "Comments and optional formatting", and the type escString.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in bounded(&clean(text)).chars() {
        match char {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '&' => escaped.push_str("&amp;"),
            char => escaped.push(char),
        }
    }
    escaped
}

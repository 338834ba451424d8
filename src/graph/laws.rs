//! What holds of every picture, whatever is drawn.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::blocks::Text;
use super::estates::HOSTILE;
use super::layout::{Layout, Placed};
use super::{Drawing, Edge, Line, Node, NodeKind, Section, State, dot, layout, mermaid, svg};
use crate::model::Traffic;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![select(&HOSTILE[..]).prop_map(str::to_owned), any::<String>(), "[a-z0-9-]{1,40}"]
}

fn line() -> impl Strategy<Value = Line> {
    prop_oneof![text().prop_map(Line::Words), text().prop_map(Line::Code)]
}

prop_compose! {
    fn section()(
        caption in select(&["client", "target group", "load balancer"][..]),
        title in line(),
        lines in prop::collection::vec(line(), 0..4),
        more in prop::collection::vec(text(), 0..3),
    ) -> Section {
        Section { caption: caption.into(), title, lines, more }
    }
}

fn node() -> impl Strategy<Value = Node> {
    let kind = select(&[NodeKind::Peers, NodeKind::Group, NodeKind::TargetGroup][..]);
    (kind, 0..7_usize, prop::collection::vec(section(), 1..3)).prop_map(|(kind, column, sections)| Node {
        kind,
        column,
        sections,
    })
}

fn traffic() -> impl Strategy<Value = BTreeSet<Traffic>> {
    let one = prop_oneof![
        any::<u16>().prop_map(Traffic::tcp),
        any::<u16>().prop_map(Traffic::udp),
        Just(Traffic::FRAGMENTATION_NEEDED),
        Just(Traffic::All),
    ];
    prop::collection::btree_set(one, 0..12)
}

type Ends = (Index, Index, State, BTreeSet<Traffic>, BTreeSet<Traffic>, Option<String>);

fn edge() -> impl Strategy<Value = Ends> {
    (any::<Index>(), any::<Index>(), select(&State::ALL[..]), traffic(), traffic(), prop::option::of(text()))
}

prop_compose! {
    /// Any picture: edges lead to the right.
    fn drawing()(
        title in text(),
        mut nodes in prop::collection::vec(node(), 1..16),
        ends in prop::collection::vec(edge(), 0..24),
    ) -> Drawing {
        nodes.sort_by_key(|node| node.column);
        let edge = |(one, other, state, egress, ingress, note): Ends| {
            let (one, other) = (one.index(nodes.len()), other.index(nodes.len()));
            let (from, to) = (one.min(other), one.max(other));
            (nodes[from].column < nodes[to].column).then_some(Edge { from, to, state, egress, ingress, note })
        };
        let edges = ends.into_iter().filter_map(edge).collect();
        Drawing { title, nodes, edges }
    }
}

fn boxes(layout: &Layout) -> impl Iterator<Item = &Placed> {
    layout.cards.iter().chain(&layout.labels)
}

/// Whether a box and this area have anything in common.
fn meets(placed: &Placed, (left, right): (i32, i32), (top, bottom): (i32, i32)) -> bool {
    let (x, y) = (placed.x, placed.y);
    left < x + placed.block.width && x < right && top < y + placed.block.height && y < bottom
}

fn overlap(one: &Placed, other: &Placed) -> bool {
    meets(one, (other.x, other.x + other.block.width), (other.y, other.y + other.block.height))
}

fn lies_within(text: &Text, placed: &Placed) -> bool {
    let right = text.x + text.font.width(&text.text);
    let (above, below) = (text.y - text.font.size(), text.y + text.font.size() / 4);
    0 < text.x && right < placed.block.width && 0 <= above && below <= placed.block.height
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn nothing_overlaps_and_every_text_lies_within_its_box(drawing in drawing()) {
        let layout = layout::of(&drawing);
        let boxes: Vec<&Placed> = boxes(&layout).collect();
        prop_assert!(layout.cards.len() == drawing.nodes.len());
        for (at, one) in boxes.iter().enumerate() {
            for other in &boxes[at + 1..] {
                prop_assert!(!overlap(one, other), "{one:?}\n{other:?}");
            }
            for text in &one.block.texts {
                prop_assert!(lies_within(text, one), "{text:?} is not within {one:?}");
            }
            prop_assert!(one.x > 0 && one.x + one.block.width < layout.width, "{one:?}");
            prop_assert!(one.y > 0 && one.y + one.block.height <= layout.height, "{one:?}");
        }
    }

    #[test]
    fn every_line_leads_from_card_to_card_over_its_labels_and_no_other_box(drawing in drawing()) {
        let layout = layout::of(&drawing);
        prop_assert_eq!(layout.routes.len(), drawing.edges.len());
        for route in &layout.routes {
            let edge = &drawing.edges[route.edge];
            let (from, to) = (&layout.cards[edge.from], &layout.cards[edge.to]);
            let ((x, y), (end, height)) = (route.points[0], route.points[route.points.len() - 1]);
            let beside = |card: &Placed, y: i32| card.y < y && y < card.y + card.block.height;
            prop_assert!(x == from.x + from.block.width && beside(from, y), "{route:?} {from:?}");
            prop_assert!(end == to.x && beside(to, height), "{route:?} {to:?}");
            let own: Vec<&Placed> = layout.labels.iter().filter(|label| label.of == route.edge).collect();
            let told = usize::from(!edge.egress.is_empty()) + usize::from(!edge.ingress.is_empty());
            prop_assert!(own.len() == told || (told == 2 && own.len() == 1), "{edge:?} {own:?}");
            for pair in route.points.windows(2) {
                let ((x, y), (next, below)) = (pair[0], pair[1]);
                let area = ((x, next), (y.min(below), y.max(below) + 1));
                let crossed = boxes(&layout).find(|placed| !own.contains(placed) && meets(placed, area.0, area.1));
                prop_assert!(crossed.is_none(), "{route:?} {crossed:?}");
            }
            for label in own {
                let upon = route.points.contains(&(label.x, label.y + label.block.height / 2));
                prop_assert!(upon, "{route:?} {label:?}");
            }
        }
    }

    #[test]
    fn whatever_the_texts_svg_is_well_formed_and_does_nothing(drawing in drawing()) {
        let text = svg(&drawing);
        let document = roxmltree::Document::parse(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let elements = ["svg", "title", "desc", "style", "rect", "text", "path", "circle", "g"];
        let attributes = [
            "viewBox", "width", "height", "role", "aria-labelledby", "id", "class", "x", "y", "rx", "cx", "cy", "r", "d",
            "textLength", "lengthAdjust",
        ];
        for node in document.descendants().filter(roxmltree::Node::is_element) {
            prop_assert!(elements.contains(&node.tag_name().name()), "{node:?}");
            for attribute in node.attributes() {
                prop_assert!(attributes.contains(&attribute.name()), "{attribute:?}");
            }
        }
        let cards = document.descendants().filter(|node| node.attribute("class").is_some_and(|class| class.starts_with("card ")));
        prop_assert_eq!(cards.count(), drawing.nodes.len());
    }

    #[test]
    fn whatever_the_texts_mermaid_has_a_line_for_each_thing(drawing in drawing()) {
        let text = mermaid(&drawing);
        prop_assert_eq!(text.lines().count(), 3 + drawing.nodes.len() + drawing.edges.len() + drawing.states().len() + 3);
        for line in text.lines().filter(|line| line.starts_with("  n")) {
            let parts: Vec<&str> = line.split('"').collect();
            prop_assert!(matches!(parts.len(), 1 | 3), "{line}");
            let label = parts.get(1).copied().unwrap_or_default();
            let plain = label.replace("<br/>", "").replace("<b>", "").replace("</b>", "");
            let mut coded = plain.split('#');
            let first = coded.next().unwrap_or_default().to_owned();
            let rest = coded.map(|part| part.split_once(';').filter(|(code, _)| code.parse::<u32>().is_ok()));
            let rest: Option<Vec<(&str, &str)>> = rest.collect();
            prop_assert!(rest.is_some(), "{line}");
            let shown: String = [first].into_iter().chain(rest.into_iter().flatten().map(|(_, text)| text.to_owned())).collect();
            prop_assert!(shown.chars().all(|char| char.is_alphanumeric() || " ,/-.".contains(char)), "{line}");
        }
    }

    #[test]
    fn whatever_the_texts_dot_has_a_line_for_each_thing(drawing in drawing()) {
        let text = dot(&drawing);
        prop_assert_eq!(text.lines().count(), 5 + drawing.nodes.len() + drawing.edges.len());
        for line in text.lines().filter(|line| line.starts_with("  n")) {
            let outside = without_quoted(line);
            prop_assert!(outside.is_some(), "{line}");
            let outside = outside.unwrap_or_default();
            prop_assert!(outside.chars().all(|char| char.is_ascii_alphanumeric() || " []=,->;".contains(char)), "{outside}");
        }
    }

    #[test]
    fn one_drawing_makes_one_picture(drawing in drawing()) {
        prop_assert_eq!(svg(&drawing), svg(&drawing.clone()));
    }
}

/// What of a line of DOT stands outside of quotes; `None` if a quote does not end.
fn without_quoted(line: &str) -> Option<String> {
    let mut outside = String::new();
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        if char != '"' {
            outside.push(char);
            continue;
        }
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => drop(chars.next()?),
                _ => {}
            }
        }
    }
    Some(outside)
}

//! A picture as SVG, drawn here: no other program is needed to make it or to look at it.

use std::fmt::Write as _;

use super::blocks::{Block, SIGN, Text};
use super::layout::{self, Layout, MARGIN, Placed, Route};
use super::metric::{Font, is_known, shortened};
use super::style::{self, SIGN_RADIUS};
use super::text::clean;
use super::{Drawing, NodeKind, State};

/// The least width, in pixels: there is room for a legend.
const LEAST_WIDTH: i32 = 480;
/// Between two entries of the legend.
const LEGEND_SPACE: i32 = 24;
/// The line before an entry's words.
const LEGEND_LINE: i32 = 44;
const LEGEND_ROW: i32 = 24;
/// The length of an arrow's head.
const HEAD: i32 = 9;

/// The picture as an SVG document, for light pages and dark ones. Whatever texts it holds, they are only texts; it has no
/// script and refers to nothing outside.
pub fn svg(drawing: &Drawing) -> String {
    let layout = layout::of(drawing);
    let width = layout.width.max(LEAST_WIDTH);
    let legend = legend(drawing, width, layout.height + MARGIN + 8);
    let height = legend.bottom + MARGIN;
    let title = shortened(&clean(&drawing.title), Font::Heading, width - 2 * MARGIN);
    let mut text = String::new();
    let _ = writeln!(
        text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" aria-labelledby=\"title desc\">"
    );
    let _ = writeln!(text, "<title id=\"title\">{}</title>", escape(&clean(&drawing.title)));
    let _ = writeln!(text, "<desc id=\"desc\">{}</desc>", escape(&drawing.summary()));
    let _ = writeln!(text, "<style>\n{}</style>", style::sheet());
    let (inner, below) = (width - 2, height - 2);
    let _ = writeln!(text, "<rect class=\"ground\" x=\"1\" y=\"1\" width=\"{inner}\" height=\"{below}\" rx=\"12\"/>");
    let _ = writeln!(text, "{}", words(MARGIN, MARGIN + 14, Font::Heading, &title));
    body(&mut text, drawing, &layout);
    text.push_str(&legend.text);
    text.push_str("</svg>\n");
    text
}

fn body(text: &mut String, drawing: &Drawing, layout: &Layout) {
    for route in &layout.routes {
        line(text, route);
    }
    for card in &layout.cards {
        let kind = match drawing.nodes[card.of].kind {
            NodeKind::Peers => "peers",
            NodeKind::Group => "group",
            NodeKind::TargetGroup => "target",
        };
        self::card(text, card, kind);
    }
    for label in &layout.labels {
        self::label(text, label, drawing.edges[label.of].state);
    }
}

/// A line along its points, with a head where traffic arrives.
fn line(text: &mut String, route: &Route) {
    let class = style::class(route.state);
    let [(x, y), .., (end, height)] = route.points[..] else { return };
    let mut path = format!("M{x} {y}");
    let last = route.points.len() - 2;
    for (at, pair) in route.points.windows(2).enumerate() {
        let ((x, y), (next, below)) = (pair[0], pair[1]);
        let next = if at == last && route.state.has_head() { next - HEAD + 1 } else { next };
        if y == below {
            let _ = write!(path, "H{next}");
        } else {
            let middle = i32::midpoint(x, next);
            let _ = write!(path, "C{middle} {y} {middle} {below} {next} {below}");
        }
    }
    let _ = writeln!(text, "<path class=\"line {class}\" d=\"{path}\"/>");
    if route.state.has_head() {
        let _ = writeln!(text, "<path class=\"head {class}\" d=\"{}\"/>", head(end, height));
    }
}

fn head(x: i32, y: i32) -> String {
    format!("M{x} {y}L{} {}V{}Z", x - HEAD, y - 5, y + 5)
}

fn card(text: &mut String, placed: &Placed, kind: &str) {
    let Placed { x, y, block, .. } = placed;
    let Block { width, height, .. } = block;
    let _ = writeln!(text, "<g><title>{}</title>", escape(&block.whole));
    let _ = writeln!(
        text,
        "<rect class=\"card {kind}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"8\"/>"
    );
    for divider in &block.dividers {
        let (from, to, y) = (x + 1, x + width - 1, y + divider);
        let _ = writeln!(text, "<path class=\"divider {kind}\" d=\"M{from} {y}H{to}\"/>");
    }
    texts(text, placed);
}

fn label(text: &mut String, placed: &Placed, state: State) {
    let Placed { x, y, block, .. } = placed;
    let Block { width, height, .. } = block;
    let class = style::class(state);
    let _ = writeln!(text, "<g><title>{}</title>", escape(&block.whole));
    let _ = writeln!(
        text,
        "<rect class=\"pill {class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>"
    );
    sign(text, x + 6 + SIGN_RADIUS, y + height / 2, state);
    texts(text, placed);
}

fn texts(text: &mut String, placed: &Placed) {
    for Text { x, y, font, text: told } in &placed.block.texts {
        let _ = writeln!(text, "{}", words(placed.x + x, placed.y + y, *font, told));
    }
    text.push_str("</g>\n");
}

/// The sign of a state: a disc with a shape, so that no colour need be seen.
fn sign(text: &mut String, x: i32, y: i32, state: State) {
    let class = style::class(state);
    let _ = writeln!(text, "<circle class=\"disc {class}\" cx=\"{x}\" cy=\"{y}\" r=\"{SIGN_RADIUS}\"/>");
    if let Some(shape) = style::shape(state) {
        let _ = writeln!(text, "<path class=\"shape\" d=\"M{x} {y}{shape}\"/>");
    }
}

fn words(x: i32, y: i32, font: Font, told: &str) -> String {
    // What the viewer's fonts make of other scripts is not known: it is to keep to the room that is there.
    let fitted = if is_known(told) {
        String::new()
    } else {
        format!(" textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\"", font.width(told))
    };
    format!("<text class=\"{}\" x=\"{x}\" y=\"{y}\"{fitted}>{}</text>", font.class(), escape(told))
}

struct Legend {
    text: String,
    bottom: i32,
}

/// What the lines mean, of the states that occur.
fn legend(drawing: &Drawing, width: i32, top: i32) -> Legend {
    let mut text = String::new();
    let (mut x, mut y) = (MARGIN, top);
    for state in drawing.states() {
        let class = style::class(state);
        let room = LEGEND_LINE + SIGN + Font::Label.width(state.words());
        if x + room > width - MARGIN && x > MARGIN {
            (x, y) = (MARGIN, y + LEGEND_ROW);
        }
        let end = x + LEGEND_LINE - 10;
        let _ = writeln!(text, "<path class=\"line {class}\" d=\"M{x} {y}H{end}\"/>");
        if state.has_head() {
            sign(&mut text, end + 10, y, state);
        }
        let _ = writeln!(text, "{}", words(x + LEGEND_LINE + SIGN - 8, y + 4, Font::Label, state.words()));
        x += room + LEGEND_SPACE;
    }
    let bottom = if drawing.edges.is_empty() { top - MARGIN } else { y + 4 };
    Legend { text, bottom }
}

/// Text for XML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            char => escaped.push(char),
        }
    }
    escaped
}

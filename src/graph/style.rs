//! Colours, lines and signs: each state differs in all three.

use std::fmt::Write as _;

use super::State;

/// Of the disc that a state's sign stands on, in pixels.
pub(super) const SIGN_RADIUS: i32 = 7;

/// How a state is drawn.
struct Look {
    class: &'static str,
    /// On light pages and on dark ones.
    colours: (&'static str, &'static str),
    /// Dashes of its line; an empty text: none.
    dashes: &'static str,
    /// A path that goes on from the middle of the disc.
    shape: Option<&'static str>,
}

/// The hues are told apart with any kind of colour blindness; which is which, line and sign tell alone.
///
/// Source: Okabe and Ito, "Color Universal Design", darkened and lightened to have contrast enough for texts.
fn look(state: State) -> Look {
    let look = |class, colours, dashes, shape| Look { class, colours, dashes, shape };
    match state {
        State::InPlace => look("in-place", ("#0b62a8", "#5aaef0"), "", Some("m-3.2 .2l2.3 2.4l4.2 -4.8")),
        State::ToBeMade => look("to-be-made", ("#0a7a55", "#37c99a"), "9 4", Some("m-3.8 0h7.6m-3.8 -3.8v7.6")),
        State::ToBeTakenAway => look("to-be-taken-away", ("#b84a00", "#ff9350"), "3 4", Some("m-3.8 0h7.6")),
        State::Held => look("held", ("#7d6200", "#e3b93f"), "10 4 2 4", Some("m-1.8 -3v6m3.6 -6v6")),
        State::Foreign => look("foreign", ("#9c3f7d", "#e39ac6"), "16 3", Some("m0 -4v4.6m0 2.4v1")),
        State::OtherClusters => {
            look("other-clusters", ("#57606a", "#a3acb6"), "2 3 12 3", Some("m-2.6 -2.6h5.2v5.2h-5.2z"))
        }
        State::Unsettled => look(
            "unsettled",
            ("#57606a", "#a3acb6"),
            "1 4",
            Some("m-2.2 -1.6c0 -3.4 4.4 -3.2 4.4 -.4c0 1.6 -2.2 1.4 -2.2 3m0 1.8v1"),
        ),
        State::NoRule => look("no-rule", ("#8c959f", "#6e7681"), "", None),
    }
}

/// The class of a state in the style sheet.
pub(super) fn class(state: State) -> &'static str {
    look(state).class
}

/// The sign of a state: a path that goes on from the middle of the disc.
pub(super) fn shape(state: State) -> Option<&'static str> {
    look(state).shape
}

impl State {
    /// Whether there are rules, along which traffic goes.
    pub(super) fn has_head(self) -> bool {
        self != Self::NoRule
    }
}

/// The whole style sheet.
pub(super) fn sheet() -> String {
    let mut sheet = String::from(FORMS);
    for state in State::ALL {
        let Look { class, dashes, .. } = look(state);
        if !dashes.is_empty() {
            let _ = writeln!(sheet, ".line.{class} {{ stroke-dasharray: {dashes} }}");
        }
    }
    sheet.push_str(".line.no-rule { stroke-width: 1 }\n");
    sheet.push_str(LIGHT);
    states(&mut sheet, |look| look.colours.0);
    sheet.push_str("@media (prefers-color-scheme: dark) {\n");
    sheet.push_str(DARK);
    states(&mut sheet, |look| look.colours.1);
    sheet.push_str("}\n");
    sheet
}

fn states(sheet: &mut String, colour: impl Fn(&Look) -> &'static str) {
    for look in State::ALL.map(look) {
        let (class, colour) = (look.class, colour(&look));
        let _ = writeln!(sheet, ".line.{class}, .pill.{class} {{ stroke: {colour} }}");
        let _ = writeln!(sheet, ".head.{class}, .disc.{class} {{ fill: {colour} }}");
    }
}

const FORMS: &str = "\
text { font-family: Helvetica, Arial, 'DejaVu Sans', sans-serif; font-size: 12px }
.code { font-family: Menlo, Consolas, 'DejaVu Sans Mono', monospace }
.heading { font-size: 16px; font-weight: bold }
.title { font-size: 14px; font-weight: bold }
.title.code { font-size: 13px; font-weight: normal }
.caption, .note { font-size: 11px }
.card, .pill, .ground { stroke-width: 1 }
.line { fill: none; stroke-width: 2 }
.divider { fill: none; stroke-width: 1 }
.shape { fill: none; stroke-width: 1.6; stroke-linecap: round; stroke-linejoin: round }
";

const LIGHT: &str = "\
.ground { fill: #ffffff; stroke: #d0d7de }
text { fill: #1f2328 }
.caption, .note { fill: #57606a }
.card.peers { fill: #f6f8fa; stroke: #8c959f }
.card.group { fill: #eaf4fd; stroke: #4a90d9 }
.card.target { fill: #f6f0fd; stroke: #9a77cf }
.divider.group { stroke: #b6d4f0 }
.pill { fill: #ffffff }
.shape { stroke: #ffffff }
";

const DARK: &str = "\
.ground { fill: #0d1117; stroke: #30363d }
text { fill: #e6edf3 }
.caption, .note { fill: #9198a1 }
.card.peers { fill: #161b22; stroke: #6e7681 }
.card.group { fill: #0f2438; stroke: #388bd0 }
.card.target { fill: #211a33; stroke: #8a66c2 }
.divider.group { stroke: #234a6e }
.pill { fill: #0d1117 }
.shape { stroke: #0d1117 }
";

//! Cards and labels with their texts in place, before they stand anywhere.

use std::collections::BTreeSet;

use crate::model::Traffic;

use super::metric::{Font, shortened, wrapped};
use super::text::{clean, traffic};
use super::{Edge, Line, Node, Section};

/// All texts of a card fit into so many pixels.
const CARD_TEXT: i32 = 200;
/// The border of a card up to its texts.
pub(super) const CARD_PADDING: i32 = 14;
/// Between two parts of a card.
const DIVIDER: i32 = 14;
/// All texts of a label fit into so many pixels.
const LABEL_TEXT: i32 = 140;
const LABEL_PADDING: i32 = 7;
/// The sign of the state on a label, with the space behind it.
pub(super) const SIGN: i32 = 20;
/// So far above the baseline a text reaches at most, in hundredths of its size; the rest of its line is below.
const ASCENT: i32 = 95;

/// A text within a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub x: i32,
    /// Of the baseline.
    pub y: i32,
    pub font: Font,
    pub text: String,
}

/// A card or a label; positions are within it, in pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub width: i32,
    pub height: i32,
    pub texts: Vec<Text>,
    /// The heights of lines across it.
    pub dividers: Vec<i32>,
    /// Everything that it stands for, with nothing shortened or left out.
    pub whole: String,
}

struct Writer {
    x: i32,
    y: i32,
    room: i32,
    texts: Vec<Text>,
}

impl Writer {
    fn line(&mut self, font: Font, text: &str) {
        let baseline = self.y + font.size() * ASCENT / 100;
        let text = shortened(&clean(text), font, self.room);
        self.texts.push(Text { x: self.x, y: baseline, font, text });
        self.y += font.line();
    }

    fn widest(&self) -> i32 {
        self.texts.iter().map(|text| text.font.width(&text.text)).max().unwrap_or_default()
    }
}

/// A card.
pub(super) fn card(node: &Node) -> Block {
    let mut writer = Writer { x: CARD_PADDING, y: CARD_PADDING - 4, room: CARD_TEXT, texts: Vec::new() };
    let mut dividers = Vec::new();
    for (number, section) in node.sections.iter().enumerate() {
        if number > 0 {
            dividers.push(writer.y + DIVIDER / 2 - 1);
            writer.y += DIVIDER;
        }
        section_lines(&mut writer, section);
    }
    Block {
        width: writer.widest() + 2 * CARD_PADDING,
        height: writer.y + CARD_PADDING - 6,
        texts: writer.texts,
        dividers,
        whole: node.sections.iter().map(whole).collect::<Vec<_>>().join("; "),
    }
}

fn section_lines(writer: &mut Writer, section: &Section) {
    writer.line(Font::Caption, &section.caption);
    match &section.title {
        Line::Words(text) => writer.line(Font::Title, text),
        Line::Code(text) => writer.line(Font::TitleCode, text),
    }
    for line in &section.lines {
        match line {
            Line::Words(text) => writer.line(Font::Words, text),
            Line::Code(text) => writer.line(Font::Code, text),
        }
    }
    if !section.more.is_empty() {
        writer.line(Font::Words, &format!("+{} more", section.more.len()));
    }
}

fn whole(section: &Section) -> String {
    let lines = section.lines.iter().map(Line::text).chain(section.more.iter().map(String::as_str));
    let texts: Vec<String> = [section.title.text()].into_iter().chain(lines).map(clean).collect();
    format!("{}: {}", section.caption, texts.join(", "))
}

/// A label with what is admitted; the sign of its state stands left of the first line.
pub(super) fn label(edge: &Edge, admitted: &BTreeSet<Traffic>, direction: &str) -> Block {
    let start = Writer { x: LABEL_PADDING + SIGN, y: LABEL_PADDING - 2, room: LABEL_TEXT, texts: Vec::new() };
    let mut writer = start;
    let told = traffic(admitted);
    for line in told.iter().flat_map(|each| wrapped(each, Font::Label, LABEL_TEXT)) {
        writer.line(Font::Label, &line);
    }
    for line in edge.note.iter().flat_map(|note| wrapped(&clean(note), Font::Note, LABEL_TEXT)) {
        writer.line(Font::Note, &line);
    }
    let all: Vec<String> = admitted.iter().map(ToString::to_string).collect();
    let note = edge.note.as_ref().map(|note| format!(" ({})", clean(note))).unwrap_or_default();
    Block {
        width: writer.widest() + SIGN + 2 * LABEL_PADDING,
        height: writer.y + LABEL_PADDING - 4,
        whole: format!("{}, {direction}: {}{note}", edge.state.words(), all.join(", ")),
        texts: writer.texts,
        dividers: Vec::new(),
    }
}

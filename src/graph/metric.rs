//! How much room a text takes, whatever font a viewer has.

use unicode_width::UnicodeWidthChar;

/// How a text is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Font {
    Heading,
    Caption,
    Title,
    TitleCode,
    Words,
    Code,
    Label,
    Note,
}

impl Font {
    /// In pixels.
    pub fn size(self) -> i32 {
        match self {
            Self::Heading => 16,
            Self::Title => 14,
            Self::TitleCode => 13,
            Self::Words | Self::Code | Self::Label => 12,
            Self::Caption | Self::Note => 11,
        }
    }

    /// From one baseline to the next, in pixels.
    pub fn line(self) -> i32 {
        self.size() + 4
    }

    /// The class in the picture's style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Self::Heading => "heading",
            Self::Caption => "caption",
            Self::Title => "title",
            Self::TitleCode => "title code",
            Self::Words => "words",
            Self::Code => "words code",
            Self::Label => "label",
            Self::Note => "note",
        }
    }

    fn is_code(self) -> bool {
        matches!(self, Self::Code | Self::TitleCode)
    }

    fn is_bold(self) -> bool {
        matches!(self, Self::Heading | Self::Title)
    }

    /// How wide a text is at most, in pixels.
    pub fn width(self, text: &str) -> i32 {
        let thousandths: i32 = text.chars().map(|char| self.advance(char)).sum();
        // Rounded up, with what viewers add that set letters on whole pixels.
        (thousandths * self.size() * 103 / 100 + 999) / 1000
    }

    /// In thousandths of the size.
    fn advance(self, char: char) -> i32 {
        let of = |table: &[i32; 95]| {
            let index = u32::from(char).checked_sub(u32::from(' ')).and_then(|index| usize::try_from(index).ok());
            index.and_then(|index| table.get(index)).copied()
        };
        let latin = if self.is_code() {
            of(&[MONOSPACE; 95])
        } else if self.is_bold() {
            of(&BOLD)
        } else {
            of(&REGULAR)
        };
        latin.unwrap_or_else(|| match char.width() {
            _ if char == ELLIPSIS => 1000,
            Some(0) | None => 0,
            Some(1) => NARROW,
            Some(_) => WIDE,
        })
    }
}

/// Whether its width is known; that of other texts is a guess, which the picture then tells the viewer to keep to.
pub(super) fn is_known(text: &str) -> bool {
    text.chars().all(|char| (' '..='~').contains(&char) || char == ELLIPSIS)
}

/// Stands for what is left out.
const ELLIPSIS: char = '…';
const MONOSPACE: i32 = 620;
const NARROW: i32 = 900;
const WIDE: i32 = 1250;

/// The advances of space to tilde in thousandths of the size. Of the sans-serif fonts that viewers fall back to, this is
/// the widest but Verdana, which is not asked for.
///
/// Source: the table hmtx of DejaVu Sans 2.37.
const REGULAR: [i32; 95] = [
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636, 636, 636, 636,
    636, 636, 636, 337, 337, 838, 838, 838, 531, 1015, 684, 686, 722, 770, 667, 611, 778, 752, 295, 500, 667, 557, 863,
    748, 787, 667, 787, 722, 667, 611, 732, 684, 989, 685, 667, 685, 390, 337, 390, 838, 556, 500, 613, 635, 550, 635,
    615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636,
    337, 636, 838,
];

/// Source: the table hmtx of DejaVu Sans Bold 2.37.
const BOLD: [i32; 95] = [
    348, 456, 521, 838, 696, 1002, 872, 306, 457, 457, 523, 838, 380, 415, 380, 365, 696, 696, 696, 696, 696, 696, 696,
    696, 696, 696, 400, 400, 838, 838, 838, 611, 1000, 774, 762, 734, 830, 683, 683, 821, 837, 372, 556, 775, 637, 995,
    837, 850, 733, 850, 770, 720, 682, 812, 774, 1103, 771, 724, 725, 457, 365, 457, 838, 556, 500, 675, 716, 593, 716,
    678, 435, 716, 712, 343, 343, 665, 343, 1042, 712, 687, 716, 716, 493, 595, 478, 712, 652, 924, 645, 652, 582, 712,
    365, 712, 838,
];

/// The text, or its beginning and its end, if it is wider than there is room for.
pub(super) fn shortened(text: &str, font: Font, room: i32) -> String {
    if font.width(text) <= room {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    let joined = |kept: usize| -> String {
        // The end tells names apart more often than the beginning.
        let mut tail = &chars[chars.len() - kept / 2..];
        while tail.first().is_some_and(|char| char.width() == Some(0)) {
            tail = &tail[1..];
        }
        chars[..kept - kept / 2].iter().chain(&[ELLIPSIS]).chain(tail).collect()
    };
    let fitting = (0..chars.len()).rev().map(joined).find(|text| font.width(text) <= room);
    fitting.unwrap_or_default()
}

/// The words of a text in lines that fit; a word that does not fit is shortened.
pub(super) fn wrapped(text: &str, font: Font, room: i32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let longer = lines.last().map(|line| format!("{line} {word}")).filter(|line| font.width(line) <= room);
        match (longer, lines.last_mut()) {
            (Some(longer), Some(line)) => *line = longer,
            _ => lines.push(shortened(word, font, room)),
        }
    }
    lines
}

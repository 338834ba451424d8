//! The tables of `docs/conformance.md`, made of what was observed.

use std::fmt::Write;

use super::{
    Behaviour, Findings, Observed,
    behaviour::Source,
    suite::{Side, diff},
};
use crate::document;

/// One backend's column.
pub struct Column {
    pub backend: &'static str,
    /// `None`: nothing was ever recorded.
    pub findings: Option<Findings>,
}

/// Compares a part of the document with what was observed, or writes it anew. Returns what is wrong.
pub fn compare<S>(part: &str, behaviours: &[Behaviour<S>], columns: &[Column]) -> String {
    let compared = document::compare("conformance.md", part, |_| generated(behaviours, columns));
    compared.err().map(|wrong| format!("\n{wrong}\n")).unwrap_or_default()
}

fn generated<S>(behaviours: &[Behaviour<S>], columns: &[Column]) -> String {
    let mut text = String::from("\n| behaviour | source |");
    for column in columns {
        let _ = write!(text, " {} |", column.backend);
    }
    let _ = writeln!(text, "\n|---|---|{}", "---|".repeat(columns.len()));
    let mut differences = String::new();
    for behaviour in behaviours {
        let source = match behaviour.source {
            Source::Page(page) => page.to_owned(),
            Source::Observed(server) => format!("*no document*: {server}"),
            Source::Unverified(assumed) => format!("*unverified*: {assumed}"),
        };
        let _ = write!(text, "| `{}`: {} | {} |", behaviour.id, cell(behaviour.says), cell(&source));
        for column in columns {
            let (told, difference) = told(behaviour, column);
            let _ = write!(text, " {told} |");
            differences.push_str(&difference);
        }
        text.push('\n');
    }
    if !differences.is_empty() {
        let _ = write!(text, "\nWhere they differ (`-` expected, `+` observed):\n{differences}");
    }
    text.push('\n');
    text
}

/// The word in the table, and the words below it.
fn told<S>(behaviour: &Behaviour<S>, column: &Column) -> (String, String) {
    let lines = match column.findings.as_ref().and_then(|findings| findings.get(behaviour.id)) {
        None => return ("not run".into(), String::new()),
        Some(Observed::Lacking(need)) => return (format!("not run: {}", need.words()), String::new()),
        Some(Observed::Lines(lines)) if *lines == behaviour.expected => return ("same".into(), String::new()),
        Some(Observed::Lines(lines)) => lines,
    };
    let because = behaviour.differences.get(column.backend).map_or("nobody has judged it", |known| known.because);
    let mut text = format!("\n**`{}` on {}**: {because}\n\n```diff\n", behaviour.id, column.backend);
    for (side, line) in diff(&behaviour.expected, lines) {
        let mark = match side {
            Side::Both => ' ',
            Side::Wanted => '-',
            Side::Seen => '+',
        };
        let _ = writeln!(text, "{mark}{line}");
    }
    text.push_str("```\n");
    ("**differs**".into(), text)
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

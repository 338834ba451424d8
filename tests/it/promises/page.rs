//! `docs/promises.md`: the table.

use std::fmt::Write;

use super::stand;
use super::table::SECTIONS;
use crate::document;

/// The whole part of the page.
fn made() -> String {
    let mut text = String::new();
    for section in SECTIONS {
        let _ = write!(text, "\n## {}\n\n| promise | held by | noticed defect |\n|---|---|---|\n", section.title);
        for promise in section.promises {
            let defect = stand::name(promise.defect);
            let _ = writeln!(text, "| {} | `{}` | `{defect}` |", promise.says, promise.test);
        }
    }
    text + "\n"
}

#[test]
fn the_page_shows_the_promises() {
    assert_eq!(document::compare("promises.md", "promises", |_| made()), Ok(()));
}

#[test]
fn no_two_promises_share_a_defect() {
    let mut defects: Vec<String> =
        SECTIONS.iter().flat_map(|section| section.promises).map(|promise| stand::name(promise.defect)).collect();
    let all = defects.len();
    defects.sort();
    defects.dedup();
    assert_eq!(defects.len(), all);
}

//! The picture in `docs/images/` is what the code draws; `SGBIND_UPDATE_DOCS=1` draws it anew.

use crate::graph::{estates, svg};

#[test]
fn the_picture_of_ten_target_groups_is_what_is_drawn() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/images/graph.svg");
    let drawn = svg(&estates::ten().draw());
    if std::env::var_os("SGBIND_UPDATE_DOCS").is_some() {
        std::fs::write(path, &drawn).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
    let kept = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert!(kept == drawn, "docs/images/graph.svg is not what is drawn: run this test with SGBIND_UPDATE_DOCS=1");
}

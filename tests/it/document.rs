//! Parts of the pages in `docs/` that are made of what tests saw.

use std::{
    env, fs,
    sync::{Mutex, PoisonError},
};

/// Whether the pages are written anew instead of compared.
pub fn is_updated() -> bool {
    env::var_os("SGBIND_UPDATE_DOCS").is_some()
}

/// Compares the part of a page between its markers with what `make` makes of it, or writes it anew where
/// `SGBIND_UPDATE_DOCS` is set.
///
/// # Errors
/// What is wrong.
pub fn compare(page: &str, part: &str, make: impl FnOnce(&str) -> String) -> Result<(), String> {
    // Several tests write parts of one page.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let path = format!("{}/docs/{page}", env!("CARGO_MANIFEST_DIR"));
    let (begin, end) = (format!("<!-- {part}: generated -->\n"), format!("<!-- {part}: end -->"));
    let document = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let (before, rest) = document.split_once(&begin).ok_or_else(|| format!("{path} lacks {begin}"))?;
    let (present, after) = rest.split_once(&end).ok_or_else(|| format!("{path} lacks {end}"))?;
    let made = make(present);
    if made == present {
        return Ok(());
    }
    if !is_updated() {
        return Err(format!("docs/{page} is not what was observed ({part}): run its tests with SGBIND_UPDATE_DOCS=1"));
    }
    fs::write(&path, format!("{before}{begin}{made}{end}{after}")).unwrap_or_else(|error| panic!("{path}: {error}"));
    Ok(())
}

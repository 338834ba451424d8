//! Files of a snapshot, written.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::files::is_of_a_snapshot;

/// Why a snapshot could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WritingError {
    #[error("{path} can't be written", path = .path.display())]
    Unwritable { path: PathBuf, source: io::Error },
    #[error("{dir} holds {name}, which is no file of a snapshot: give a new or empty folder, or that of an earlier snapshot", dir = .dir.display())]
    Occupied { dir: PathBuf, name: String },
}

/// The end of the name of a file that is not complete.
const UNFINISHED: &str = ".unfinished";

/// Whether the folder holds a snapshot already.
pub fn holds_snapshot(dir: &Path) -> bool {
    names(dir).is_ok_and(|names| names.iter().any(|name| is_of_a_snapshot(name)))
}

fn names(dir: &Path) -> io::Result<Vec<String>> {
    fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// Makes the folder, or empties that of an earlier snapshot.
///
/// # Errors
/// It holds anything else; then nothing is removed.
pub fn make_room(dir: &Path) -> Result<(), WritingError> {
    let failed = |source| WritingError::Unwritable { path: dir.to_owned(), source };
    fs::create_dir_all(dir).map_err(failed)?;
    let names = names(dir).map_err(failed)?;
    let is_ours = |name: &&String| is_of_a_snapshot(name.strip_suffix(UNFINISHED).unwrap_or(name));
    if let Some(name) = names.iter().find(|name| !is_ours(name)) {
        return Err(WritingError::Occupied { dir: dir.to_owned(), name: name.clone() });
    }
    names.iter().try_for_each(|name| {
        let path = dir.join(name);
        fs::remove_file(&path).map_err(|source| WritingError::Unwritable { path, source })
    })
}

/// Writes a file, which is there as a whole or not at all.
pub fn write(dir: &Path, name: &str, value: &Value) -> Result<(), WritingError> {
    let (path, unfinished) = (dir.join(name), dir.join(format!("{name}{UNFINISHED}")));
    let all = || -> io::Result<()> {
        let mut file = BufWriter::new(File::create(&unfinished)?);
        serde_json::to_writer_pretty(&mut file, value)?;
        file.write_all(b"\n")?;
        file.flush()?;
        fs::rename(&unfinished, &path)
    };
    all().map_err(|source| WritingError::Unwritable { path: path.clone(), source })
}

//! Finds and reads files.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{DocumentError, Source};

/// A list of 10,000 objects has less.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// What a file holds.
pub(super) struct Text {
    /// As a person would name it.
    pub name: String,
    pub content: String,
    pub found: Found,
}

/// How it was come by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// It was asked for by its name, or came from stdin.
    Named,
    /// It lies in a folder that was asked for.
    InFolder,
}

/// Everything that the sources hold, in their order, each file once; and what can't be read.
pub(super) fn texts(sources: &[Source], mut stdin: impl Read) -> (Vec<Text>, Vec<DocumentError>) {
    let mut search = Search::default();
    for source in sources {
        match source {
            Source::Stdin if search.stdin => {}
            Source::Stdin => {
                search.stdin = true;
                let read = content(&mut stdin);
                search.take("stdin".into(), Found::Named, read);
            }
            Source::Path(path) => search.path(path, Found::Named),
        }
    }
    (search.texts, search.errors)
}

#[derive(Default)]
struct Search {
    texts: Vec<Text>,
    errors: Vec<DocumentError>,
    /// Where links may lead again.
    seen: BTreeSet<PathBuf>,
    stdin: bool,
}

impl Search {
    fn path(&mut self, path: &Path, found: Found) {
        let name = path.display().to_string();
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) => return self.fail(name, &error),
        };
        // A pipe, as the shell makes it for <(command), has no other name.
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if !self.seen.insert(real) {
            return;
        }
        if metadata.is_dir() {
            self.folder(path, name);
        } else if found == Found::InFolder && !metadata.is_file() {
            self.fail(name, &io::Error::other("it is neither a file nor a folder"));
        } else {
            let read = File::open(path).and_then(content);
            self.take(name, found, read);
        }
    }

    /// What lies in a folder, and in those in it: files of YAML and JSON that are not hidden.
    fn folder(&mut self, path: &Path, name: String) {
        let entries: io::Result<Vec<_>> = fs::read_dir(path).and_then(Iterator::collect);
        let mut paths: Vec<PathBuf> = match entries {
            Ok(entries) => entries.iter().map(fs::DirEntry::path).collect(),
            Err(error) => return self.fail(name, &error),
        };
        paths.sort();
        for path in paths {
            let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            let is_text = matches!(path.extension().and_then(OsStr::to_str), Some("yaml" | "yml" | "json"));
            if !is_hidden && (is_text || path.is_dir()) {
                self.path(&path, Found::InFolder);
            }
        }
    }

    fn take(&mut self, name: String, found: Found, read: io::Result<String>) {
        match read {
            Ok(content) => self.texts.push(Text { name, content, found }),
            Err(error) => self.fail(name, &error),
        }
    }

    fn fail(&mut self, name: String, error: &io::Error) {
        let message = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
            _ => format!("can't be read: {error}"),
        };
        self.errors.push(DocumentError { file: Some(name), line: None, object: None, field: String::new(), message });
    }
}

fn content(source: impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    source.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(io::Error::other(format!("it has more than {} MiB", MOST_BYTES / 1024 / 1024)));
    }
    let text =
        String::from_utf8(bytes).map_err(|_| io::Error::other("it is not in UTF-8: save it in that encoding"))?;
    // Editors on Windows put a byte order mark at the begin.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

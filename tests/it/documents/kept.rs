//! Every document of ours that this repository keeps.

use std::{fs, path::Path};

use serde_json::Value;

/// A document as it is written.
pub struct Kept {
    /// The file, and which document of it.
    pub name: String,
    pub text: String,
    pub value: Value,
}

const FOLDERS: [&str; 4] = ["tests/admission/mistakes", "tests/admission/accepted", "examples", "demo"];
const PAGES: [&str; 3] = [".", "docs", "docs/reference"];

pub fn kept() -> Vec<Kept> {
    let of_folders = FOLDERS.iter().flat_map(|folder| files(folder, "yaml"));
    let of_files = of_folders.flat_map(|(name, text)| documents(&name, &text));
    let of_pages = PAGES.iter().flat_map(|folder| files(folder, "md"));
    let blocks = of_pages.flat_map(|(name, text)| {
        blocks(&text)
            .into_iter()
            .flat_map(|(line, block)| documents(&format!("{name}:{line}"), &block))
            .collect::<Vec<_>>()
    });
    of_files.chain(blocks).collect()
}

/// The files of a folder, in order, with their texts.
fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<_> = fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|of_file| of_file == extension));
    paths.sort();
    let named = |path: std::path::PathBuf| {
        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        (name, fs::read_to_string(&path).unwrap())
    };
    paths.into_iter().map(named).collect()
}

/// The blocks of YAML of a page, each with the line on which it begins, without the indentation of a list around them.
fn blocks(page: &str) -> Vec<(usize, String)> {
    let mut blocks: Vec<(usize, String)> = Vec::new();
    let mut indent = None;
    for (number, line) in page.lines().enumerate() {
        match indent {
            None if line.trim_start() == "```yaml" => {
                indent = Some(line.len() - line.trim_start().len());
                blocks.push((number + 2, String::new()));
            }
            None => {}
            Some(_) if line.trim() == "```" => indent = None,
            Some(indent) => {
                let (_, block) = blocks.last_mut().expect("begun");
                *block += line.get(indent..).unwrap_or_default();
                *block += "\n";
            }
        }
    }
    blocks
}

/// Those of our group.
fn documents(name: &str, text: &str) -> Vec<Kept> {
    let texts = text.split("\n---\n").enumerate();
    let ours = texts.filter(|(_, text)| text.lines().any(|line| line == "apiVersion: sgbind.dev/v1alpha1"));
    ours.map(|(number, text)| {
        let value = serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        Kept { name: format!("{name} ({})", number + 1), text: text.to_owned(), value }
    })
    .collect()
}

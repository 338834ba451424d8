//! The pure stages know no client, SDK, runtime, clock, environment or randomness.

use std::path::{Path, PathBuf};

const PURE: [&str; 20] = [
    "model",
    "documents/judge",
    "documents/kinds",
    "documents/metadata",
    "documents/scalar",
    "documents/schema",
    "documents/tree",
    "documents/words",
    "documents/yaml",
    "validate",
    "desired",
    "plan",
    "check",
    "status",
    "diagnose",
    "graph",
    "import",
    "once/foresee",
    "once/round",
    "show",
];
const FORBIDDEN: [&str; 14] = [
    "kube::Client",
    "kube::client",
    "kube::runtime",
    "aws_sdk_",
    "aws_config",
    "aws_smithy_",
    "tokio::",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "std::env",
    "std::fs",
    "rand::",
];

fn sources(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let Ok(entries) = std::fs::read_dir(path) else { return Vec::new() };
    entries.flat_map(|entry| sources(&entry.expect("a readable directory").path())).collect()
}

fn impurities(text: &str) -> Vec<&'static str> {
    FORBIDDEN.into_iter().filter(|word| text.contains(word)).collect()
}

#[test]
fn the_pure_stages_are_pure() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let of_stage = |stage: &str| [sources(&src.join(format!("{stage}.rs"))), sources(&src.join(stage))].concat();
    let files: Vec<PathBuf> = PURE.iter().flat_map(|stage| of_stage(stage)).collect();
    assert!(files.len() > 10, "only {files:?} were found");
    let found: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let text = std::fs::read_to_string(file).expect("a readable source");
            impurities(&text).into_iter().map(move |word| format!("{}: {word}", file.display())).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn impurities_are_found() {
    assert_eq!(impurities("let now = std::time::Instant::now();"), ["Instant::now"]);
    assert_eq!(impurities("let byte = fastrand::u8(..);"), ["rand::"]);
    assert_eq!(impurities("let name = object.name_any();"), [""; 0]);
}

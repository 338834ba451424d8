//! What goes into the image's build.

use std::process::Command;
use std::{env, fs};

use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Cargo reads the manifests of all members and looks for the files of all targets, whatever is to be built.
#[test]
fn cargo_finds_all_that_it_needs_in_the_build_of_the_image() {
    let context = TempDir::new().expect("a folder");
    let ignore = fs::read_to_string(format!("{ROOT}/.dockerignore")).expect("the file");
    let paths: Vec<&str> = ignore.lines().filter_map(|line| line.strip_prefix('!')).collect();
    let copied =
        Command::new("cp").args(["-r", "--parents"]).args(&paths).arg(context.path()).current_dir(ROOT).status();
    assert!(copied.expect("cp runs").success());
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // Nothing is built: it ends as soon as all is found but this.
    let mut check = Command::new(cargo);
    check.args(["check", "--offline", "--locked", "--bin", "no-such-thing"]).current_dir(context.path());
    let output = check.env_remove("CARGO_TARGET_DIR").output().expect("cargo runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("no bin target named `no-such-thing`"), "{told}");
}

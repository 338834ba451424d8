//! The binary as a plug-in of the real kubectl: `kubectl sgbind …`.

use std::{
    env,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;
use tokio::task::spawn_blocking;

use crate::check::stage::{Stage, well};

/// A directory in which kubectl finds the plug-in.
fn installed() -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    symlink(env!("CARGO_BIN_EXE_sgbind"), directory.path().join("kubectl-sgbind")).expect("a link");
    directory
}

/// kubectl, with the plug-in in its PATH and nothing else in its environment.
fn kubectl(plug_ins: &Path, arguments: &[&str]) -> Command {
    let mut command = match env::var_os("SGBIND_TEST_CONTROLPLANE") {
        Some(program) => {
            let mut command = Command::new(program);
            command.arg("kubectl");
            command
        }
        None => Command::new("kubectl"),
    };
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([plug_ins.to_owned()].into_iter().chain(env::split_paths(&path))).expect("a PATH");
    command.args(arguments).env_clear().env("PATH", path).env("HOME", plug_ins);
    command
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("text")
}

#[test]
fn kubectl_finds_it_and_its_usage_names_kubectl() {
    let directory = installed();
    let run = |arguments: &[&str]| kubectl(directory.path(), arguments).output().expect("kubectl runs");
    assert_eq!(text(&run(&["sgbind", "crds"])), sgbind::api::crds_yaml());
    assert!(text(&run(&["plugin", "list"])).contains("/kubectl-sgbind"));
    let help = text(&run(&["sgbind", "check", "--help"]));
    assert!(help.contains("Usage: kubectl sgbind check [OPTIONS] --cluster-name <NAME>"), "{help}");
    let mistake = run(&["sgbind", "check"]);
    assert_eq!(mistake.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&mistake.stderr).contains("Usage: kubectl sgbind check"), "{mistake:?}");
}

#[tokio::test]
async fn context_and_namespace_are_taken_as_kubectl_takes_them() {
    let (stage, directory) = (Stage::with(well()).await, installed());
    let namespace = stage.world.namespace();
    let mut command = kubectl(directory.path(), &["sgbind", "check", "--context", "front", "--namespace", namespace]);
    command.envs(stage.environment());
    let output = spawn_blocking(move || command.output().expect("kubectl runs")).await.expect("it ends");
    let said = text(&output);
    assert!(said.ends_with("√ 44 checks: 44 √, 0 !, 0 ×\n"), "{said}");
}

/// kubectl runs `kubectl_complete-sgbind` to complete the words after `kubectl sgbind`.
#[test]
fn kubectl_completes_its_verbs_and_options() {
    let directory = installed();
    let script = Command::new(env!("CARGO_BIN_EXE_sgbind")).args(["completions", "kubectl"]).output().expect("it runs");
    let program = directory.path().join("kubectl_complete-sgbind");
    std::fs::write(&program, text(&script)).expect("a file is written");
    Command::new("chmod").arg("+x").arg(&program).status().expect("chmod runs");
    let completed = |words: &[&str]| {
        text(&kubectl(directory.path(), &[&["__complete", "sgbind"], words].concat()).output().expect("kubectl runs"))
    };
    assert_eq!(completed(&["che"]), "check\n:4\n");
    assert_eq!(completed(&["check", "-o", "js"]), "json\n:4\n");
}

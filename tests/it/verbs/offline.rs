//! Verbs that read a snapshot in place of AWS, by the example that people try.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use serde_json::Value;
use tempfile::TempDir;

use super::stage::{Folder, binding};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/snapshot");
/// The namespace to which the example's groups have opted in, and the cluster.
const WHOSE: [&str; 4] = ["--cluster-name", "demo", "--namespace", "shop"];

/// Without credentials, Region, endpoint or cluster. Gives the exit code and what was printed.
fn run(arguments: &[&str], snapshot: &Path) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sgbind"));
    let output =
        command.args(arguments).arg("--snapshot").arg(snapshot).env_clear().output().expect("the binary starts");
    (output.status.code().unwrap_or(-1), String::from_utf8(output.stdout).expect("UTF-8"))
}

fn shop() -> Folder {
    let folder = Folder::new();
    folder.write("shop.yaml", &binding("shop", "loadBalancer: {name: shop}\nforeignRules: Remove"));
    folder
}

/// The steps of a plan, and its problems' reasons.
fn planned(folder: &Folder, snapshot: &Path) -> (i32, BTreeSet<String>, BTreeSet<String>) {
    let path = folder.path();
    let (code, printed) = run(&[&["plan", "-f", &path, "-o", "json"][..], &WHOSE].concat(), snapshot);
    let plan: Value = serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"));
    let list = |field: &str| plan[field].as_array().cloned().unwrap_or_default();
    let step = |step: &Value| {
        let fields = ["action", "securityGroup", "direction", "protocol", "fromPort", "toPort", "peer"];
        fields.map(|field| step[field].to_string()).join(" ")
    };
    let steps = list("steps").iter().map(step).collect();
    let problems = list("problems").into_iter().map(|problem| problem["reason"].to_string());
    (code, steps, problems.chain(list("unknown").into_iter().map(|_| "unknown".to_owned())).collect())
}

#[test]
fn the_example_is_planned_without_any_access() {
    let (code, steps, problems) = planned(&shop(), Path::new(EXAMPLE));
    assert_eq!((code, problems), (2, BTreeSet::new()));
    assert!(!steps.is_empty());
}

/// What is not known asks for nothing, and takes nothing away.
#[test]
fn without_one_of_the_files_less_is_done_or_it_is_told() {
    let (_, whole, _) = planned(&shop(), Path::new(EXAMPLE));
    let mut told = BTreeSet::new();
    for entry in fs::read_dir(EXAMPLE).expect("the example") {
        let absent = entry.expect("a file").file_name().into_string().expect("UTF-8");
        let dir = TempDir::new().expect("a folder");
        for entry in fs::read_dir(EXAMPLE).expect("the example") {
            let entry = entry.expect("a file");
            if entry.file_name() != absent.as_str() {
                fs::copy(entry.path(), dir.path().join(entry.file_name())).expect("a copy");
            }
        }
        let (code, steps, problems) = planned(&shop(), dir.path());
        // Rules without ids all count as foreign: that is told on the page of snapshots.
        if absent != "describe-security-group-rules.json" {
            let more: Vec<_> = steps.difference(&whole).collect();
            assert!(more.is_empty(), "without {absent}: {more:?}");
        }
        assert_eq!(code == 1, !problems.is_empty(), "without {absent}: {code} {problems:?}");
        if code == 1 {
            told.insert(absent);
        }
    }
    let needed = ["describe-listeners", "describe-load-balancers", "describe-network-interfaces", "describe-rules"];
    let needed =
        needed.into_iter().chain(["describe-security-groups", "describe-target-groups", "describe-target-health"]);
    let needed: BTreeSet<String> = needed.chain(["describe-vpcs"]).map(|name| format!("{name}.json")).collect();
    assert_eq!(told, needed);
}

#[test]
fn explain_import_and_graph_read_it_too() {
    let groups = fs::read_to_string(Path::new(EXAMPLE).join("describe-security-groups.json")).expect("the example");
    let groups: Value = serde_json::from_str(&groups).expect("JSON");
    let id = groups["SecurityGroups"][0]["GroupId"].as_str().expect("an id");
    let (code, printed) = run(&["explain", id], Path::new(EXAMPLE));
    assert_eq!(code, 0, "{printed}");
    assert!(printed.starts_with(id), "{printed}");
    let (code, printed) = run(&["import", "--load-balancer", "shop"], Path::new(EXAMPLE));
    assert_eq!(code, 0, "{printed}");
    assert!(printed.contains("loadBalancer: {name: shop}"), "{printed}");
    let (code, printed) = run(&["graph", "--load-balancer", "shop", "--format", "svg"], Path::new(EXAMPLE));
    assert_eq!(code, 0, "{printed}");
    assert!(printed.starts_with("<svg"), "{printed}");
}

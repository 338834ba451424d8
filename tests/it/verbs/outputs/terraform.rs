//! `-o terraform` is held against HCL's own formatter and the schema of the two resources: `tests/hcl`.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::io::Write as _;
use std::process::{Command, Stdio};

use rstest::rstest;
use serde_json::{Value, json};

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/verbs/terraform-schema.json");

/// What the resources of a file are, or what is wrong with it.
pub fn check(file: &str) -> Result<Vec<Value>, String> {
    let program = env::var("SGBIND_TEST_HCL_CHECK").unwrap_or_else(|_| {
        panic!("this test needs HCL's formatter: run `make test`, or set SGBIND_TEST_HCL_CHECK to what `make hcl-check` builds")
    });
    let mut child = Command::new(program)
        .arg(SCHEMA)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the check starts");
    child.stdin.take().expect("a pipe").write_all(file.as_bytes()).expect("it is read");
    let output = child.wait_with_output().expect("it ends");
    match output.status.code() {
        Some(0) => Ok(serde_json::from_slice(&output.stdout).expect("JSON")),
        _ => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// The file's resources are the rules that this plan authorizes, under names that each has alone.
pub fn expect_same(plan: &Value, file: &str) {
    let resources = check(file).unwrap_or_else(|wrong| panic!("{wrong}\n{file}"));
    let names: BTreeSet<&str> = resources.iter().filter_map(|resource| resource["name"].as_str()).collect();
    assert_eq!(names.len(), resources.len(), "{file}");
    let said: BTreeSet<String> = resources.iter().map(rule_of_resource).collect();
    let steps = plan["steps"].as_array().into_iter().flatten().filter(|step| step["action"] == "authorize");
    let planned: BTreeSet<String> = steps.map(rule_of_step).collect();
    assert_eq!(said, planned, "{file}");
}

fn rule_of_step(step: &Value) -> String {
    let direction = step["direction"].as_str().unwrap_or_default();
    let fields = ["securityGroup", "protocol", "fromPort", "toPort", "description"].map(|key| step[key].clone());
    let mut peer = step["peer"].clone();
    if let Some(account) = step["peerAccount"].as_str() {
        peer["securityGroup"] = format!("{account}/{}", peer["securityGroup"].as_str().unwrap_or_default()).into();
    }
    json!([direction, fields, peer]).to_string()
}

fn rule_of_resource(resource: &Value) -> String {
    let kind = resource["type"].as_str().unwrap_or_default();
    let direction = kind.trim_start_matches("aws_vpc_security_group_").trim_end_matches("_rule");
    let given = &resource["arguments"];
    let keys = ["security_group_id", "ip_protocol", "from_port", "to_port", "description"];
    let peers = BTreeMap::from([
        ("cidr_ipv4", "cidr"),
        ("cidr_ipv6", "cidr"),
        ("prefix_list_id", "prefixList"),
        ("referenced_security_group_id", "securityGroup"),
    ]);
    let peer = peers.iter().find_map(|(key, kind)| Some((kind, given[key].as_str()?)));
    let (kind, peer) = peer.expect("the schema says so");
    json!([direction, keys.map(|key| given[key].clone()), {*kind: peer}]).to_string()
}

const GOOD: &str = r#"resource "aws_vpc_security_group_ingress_rule" "one" {
  security_group_id = "sg-1"
  ip_protocol       = "tcp"
  from_port         = 80
  to_port           = 80
  cidr_ipv4         = "10.0.0.0/8"
}
"#;

#[rstest]
#[case::spaces("  ip_protocol       =", "  ip_protocol =", "line 3: not in canonical format")]
#[case::labels("\"one\"", "one", "line 1: not in canonical format")]
#[case::resource("ingress_rule", "rule", "there is no resource aws_vpc_security_group_rule")]
#[case::name("\"one\"", "\"1\"", "1: not a name")]
#[case::block("resource \"aws_vpc_security_group_ingress_rule\"", "data \"aws_vpc\"", "not a resource")]
#[case::lacking("  ip_protocol       = \"tcp\"\n", "", "lacks ip_protocol")]
#[case::unknown("cidr_ipv4         =", "cidr_blocks       =", "there is no argument cidr_blocks")]
#[case::no_peer("  cidr_ipv4         = \"10.0.0.0/8\"\n", "", "has 0 of [cidr_ipv4 cidr_ipv6")]
#[case::two_peers(
    "  cidr_ipv4         =",
    "  cidr_ipv6         = \"::/0\"\n  cidr_ipv4         =",
    "has 2 of [cidr_ipv4"
)]
#[case::text_for_number("= 80\n  to", "= \"80\"\n  to", "from_port is not a plain value of type number")]
#[case::number_for_text("\"tcp\"", "6", "ip_protocol is not a plain value of type string")]
#[case::template("\"sg-1\"", "\"${var.x}\"", "security_group_id is not a plain value")]
#[case::ports_of_all("\"tcp\"", "\"-1\"", "has from_port, which this ip_protocol forbids")]
#[case::no_ports("  from_port         = 80\n", "", "lacks from_port, which this ip_protocol needs")]
#[case::provider("  security", "  provider          = 1\n  security", "provider is not a reference")]
#[case::syntax("}\n", "", "line 1: ")]
fn a_file_that_is_wrong_is_refused(#[case] was: &str, #[case] is: &str, #[case] finding: &str) {
    assert_eq!(check(GOOD).map(|resources| resources.len()), Ok(1));
    let wrong = check(&GOOD.replacen(was, is, 1)).expect_err("it is refused");
    assert!(wrong.contains(finding), "{wrong}");
}

#[test]
fn a_name_that_is_given_twice_is_refused() {
    let wrong = check(&format!("{GOOD}\n{GOOD}")).expect_err("it is refused");
    assert!(wrong.contains("line 9: aws_vpc_security_group_ingress_rule.one stands in line 1 already"), "{wrong}");
}

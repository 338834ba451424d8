//! The JSON of a plan: its keys and their types are promised in the command line's reference.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde_json::Value;

use super::scenes::{self, Scene};
use super::{Played, play};
use crate::world::World;

const ACTIONS: [&str; 5] = ["authorize", "revoke", "adopt", "describe", "release"];
const PROTOCOLS: [&str; 5] = ["tcp", "udp", "icmp", "icmpv6", "-1"];

/// Everything that is promised is there, and of the type that is promised.
pub fn expect_keys(document: &Value) {
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<BTreeSet<_>>();
    let promised = ["steps", "held", "problems", "summary"].map(str::to_owned);
    assert!(keys(document).is_superset(&promised.into()), "{document}");
    let steps = array(&document["steps"]);
    steps.iter().for_each(expect_step);
    for held in array(&document["held"]) {
        expect_step(held);
        assert!(is_camel_case(&held["reason"]), "{held}");
    }
    for problem in array(&document["problems"]) {
        assert!(is_object(&problem["object"]) && is_camel_case(&problem["reason"]), "{problem}");
        assert!(problem["message"].as_str().is_some_and(|message| !message.is_empty()), "{problem}");
    }
    let summary = &document["summary"];
    for key in ["authorize", "revoke", "inSync", "foreign"] {
        assert!(summary[key].is_u64(), "{key}: {summary}");
    }
    for action in ["authorize", "revoke"] {
        let count = steps.iter().filter(|step| step["action"] == action).count();
        assert_eq!(summary[action].as_u64(), u64::try_from(count).ok(), "{document}");
    }
}

fn array(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("a list, not {value}"))
}

fn expect_step(step: &Value) {
    let is_one_of = |key: &str, words: &[&str]| step[key].as_str().is_some_and(|word| words.contains(&word));
    assert!(is_one_of("action", &ACTIONS) && is_one_of("direction", &["ingress", "egress"]), "{step}");
    assert!(is_one_of("protocol", &PROTOCOLS), "{step}");
    assert!(step["securityGroup"].as_str().is_some_and(|id| id.starts_with("sg-")), "{step}");
    for port in ["fromPort", "toPort"] {
        // Absent is not null.
        let value = step.get(port).unwrap_or_else(|| panic!("{port}: {step}"));
        assert_eq!(value.is_null(), step["protocol"] == "-1", "{step}");
        assert!(value.is_null() || value.is_i64(), "{step}");
    }
    let peer: Vec<(&String, &Value)> = step["peer"].as_object().into_iter().flatten().collect();
    let [(kind, id)] = peer[..] else { panic!("one peer: {step}") };
    assert!(["cidr", "securityGroup", "prefixList"].contains(&kind.as_str()) && id.is_string(), "{step}");
    assert!(!array(&step["for"]).is_empty() && array(&step["for"]).iter().all(is_object), "{step}");
    assert!(step["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{step}");
    assert!(step["interruptsUntracked"].is_boolean(), "{step}");
}

/// `ALBTargetBinding/namespace/name`
fn is_object(value: &Value) -> bool {
    let parts: Vec<&str> = value.as_str().unwrap_or_default().split('/').collect();
    matches!(parts[..], ["ALBTargetBinding" | "SecurityGroupAccess", namespace, name] if !namespace.is_empty() && !name.is_empty())
}

fn is_camel_case(value: &Value) -> bool {
    let word = value.as_str().unwrap_or_default();
    word.starts_with(|c: char| c.is_ascii_uppercase()) && word.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The steps are these and no others, each once or more; in a group nothing is taken away before all is made.
pub fn expect_actions(document: &Value, expected: &[&str]) {
    let steps = array(&document["steps"]);
    let actions: BTreeSet<&str> = steps.iter().filter_map(|step| step["action"].as_str()).collect();
    assert_eq!(actions, expected.iter().copied().collect(), "{document:#}");
    let mut taking = BTreeMap::new();
    for step in steps {
        let group = taking.entry(step["securityGroup"].to_string()).or_insert(false);
        *group |= step["action"] == "revoke";
        assert!(!*group || step["action"] != "authorize", "{document:#}");
    }
}

/// All of a document, word for word.
#[rstest::rstest]
#[case::every_action("every_action", scenes::LIFE)]
#[case::held_and_problems("held_and_problems", scenes::PROBLEMS)]
#[tokio::test]
async fn the_whole_document(#[case] name: &str, #[case] scene: Scene) {
    let played = play(World::new().await, scene).await;
    let mut document = played.json().await;
    expect_keys(&document);
    in_order(&mut document);
    insta::with_settings!({snapshot_path => "kept", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!(name, with_names(&played, &document));
    });
}

/// What differs between two runs is the order of what stands side by side: it follows AWS's ids.
fn in_order(document: &mut Value) {
    let ids = Regex::new("sgr?-[0-9a-f]+").expect("a pattern");
    let text = |value: &Value| ids.replace_all(&value.to_string(), "").into_owned();
    for key in ["held", "problems"] {
        document[key].as_array_mut().expect("a list").sort_by_cached_key(text);
    }
    let steps = document["steps"].as_array_mut().expect("a list");
    let same = |one: &Value, other: &Value| one["action"] == other["action"];
    steps.chunk_by_mut(same).for_each(|chunk| chunk.sort_by_cached_key(text));
}

fn with_names(played: &Played, document: &Value) -> String {
    let text = played.world.named(format!("{document:#}")).replace(played.world.vpc(), "VPC");
    let pattern = Regex::new("sgr-[0-9a-f]+").expect("a pattern");
    let mut ids: Vec<String> = Vec::new();
    for found in pattern.find_iter(&text).map(|found| found.as_str()) {
        if !ids.iter().any(|id| id == found) {
            ids.push(found.to_owned());
        }
    }
    ids.iter().enumerate().fold(text, |text, (number, id)| text.replace(id, &format!("RULE-{}", number + 1)))
}

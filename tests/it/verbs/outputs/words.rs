//! Whatever names, descriptions and messages say: a shell and Terraform read what was meant, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::Command;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use sgbind::model::*;
use sgbind::once::{Forecast, Survey, SurveyedGroup};
use sgbind::show;

use super::terraform;

/// Pieces of which each means something to a shell, to JSON or to HCL.
const PIECES: [&str; 26] = [
    "a",
    " ",
    "-",
    "'",
    "\"",
    "\\",
    "$",
    "$(false)",
    "`false`",
    "${x}",
    "$${",
    "%{ if x }",
    "#",
    ";false;",
    "&",
    "|",
    "<",
    ">",
    "*",
    "~",
    "\n",
    "\r\nfalse\n",
    "\t",
    "\u{1b}[2J",
    "é",
    "/*",
];

fn text() -> impl Strategy<Value = String> {
    vec(select(&PIECES[..]), 0..6).prop_map(|pieces| pieces.concat())
}

fn action() -> impl Strategy<Value = Action> {
    let id = || text().prop_map(|text| RuleId::new(format!("sgr-{text}")));
    prop_oneof![
        Just(Action::Authorize { peer_account: None }),
        Just(Action::Authorize { peer_account: Some("210987654321".into()) }),
        id().prop_map(|id| Action::Adopt { id }),
        id().prop_map(|id| Action::Describe { id }),
        id().prop_map(|id| Action::Release { id }),
        Just(Action::Revoke { id: RuleId::new("sgr-0123abc"), foreign: true }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let group = (select(&["eu-central-1", "eu-west-1"][..]), text());
    (action(), group, text(), text(), 0..2000_u16).prop_map(|(action, (region, id), description, reason, port)| Step {
        action,
        group: GroupKey {
            scope: Scope { account: "123456789012".into(), region: region.into() },
            id: SecurityGroupId::new(format!("sg-{id}")),
        },
        spec: RuleSpec::ingress(Traffic::tcp(port), Peer::SecurityGroup("sg-peer".into())),
        objects: BTreeSet::new(),
        reason,
        description,
        interrupts_untracked: false,
    })
}

/// All texts of a plan are any.
fn plan() -> impl Strategy<Value = (Survey, Forecast)> {
    (vec(step(), 1..6), text(), text(), text(), text()).prop_map(|(steps, identity, name, message, unknown)| {
        let us = Us { cluster: "prod".parse().expect("a name"), identity, take_over: BTreeSet::new() };
        let object = ObjectRef { kind: Kind::SecurityGroupAccess, namespace: "team".into(), name: "db".into() };
        let problem = Problem::new(Reason::SecurityGroupNotFound, message);
        let forecast = Forecast {
            held: steps.iter().map(|step| Held { step: step.clone(), reason: HoldReason::Orphan }).collect(),
            problems: vec![ObjectProblem { object, problem }],
            steps,
            ..Forecast::default()
        };
        let groups = forecast.steps.iter().map(|step| (step.group.clone(), named(&step.group, &name))).collect();
        let survey = Survey { us, objects: BTreeMap::new(), groups, problems: BTreeSet::new(), unknown: vec![unknown] };
        (survey, forecast)
    })
}

fn named(key: &GroupKey, name: &str) -> SurveyedGroup {
    let (key, name, unreadable) = (key.clone(), name.to_owned(), Unreadable::default());
    let state = GroupState { key, name, tags: Tags::new(), rules: Vec::new(), unreadable };
    SurveyedGroup { state, usage: Usage::Unknown, quota: Quota::default() }
}

/// The words of each call of the AWS CLI, as a shell reads a script.
fn calls(script: &str) -> Vec<Vec<String>> {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    let instead = "aws() { printf '%s\\0' $# \"$@\"; }";
    write!(file, "{instead}\n{script}").expect("it is written");
    let output = Command::new("sh").arg("-eu").arg(file.path()).output().expect("a shell");
    assert!(output.status.success(), "{script}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let mut words = text.split_terminator('\0').map(str::to_owned);
    let mut calls = Vec::new();
    while let Some(count) = words.next() {
        calls.push(words.by_ref().take(count.parse().expect("a number of words")).collect());
    }
    calls
}

/// The value of an option.
fn value<'a>(call: &'a [String], option: &str) -> &'a str {
    let at = call.iter().position(|word| word == option).unwrap_or_else(|| panic!("{option}: {call:?}"));
    &call[at + 1]
}

fn json_of(call: &[String], option: &str) -> Value {
    serde_json::from_str(value(call, option)).expect("JSON")
}

/// What a step needs to be in its call: for each rule one line.
fn meant(step: &Step, identity: &str) -> Vec<String> {
    let group = step.group.id.as_str();
    let tags = json!([{"Key": "sgbind.dev/cluster/prod", "Value": identity}]);
    let rule = step.action.rule().map(RuleId::as_str).unwrap_or_default();
    let line = match &step.action {
        Action::Authorize { peer_account } => {
            let account = peer_account.as_ref().map(AccountId::as_str).unwrap_or_default();
            json!([
                "authorize-security-group-ingress",
                group,
                step.spec.traffic.ports(),
                step.description,
                account,
                tags
            ])
        }
        Action::Adopt { .. } => json!(["create-tags", rule, tags]),
        Action::Release { .. } => json!(["delete-tags", rule, tags]),
        Action::Describe { .. } => {
            json!(["update-security-group-rule-descriptions-ingress", group, rule, step.description])
        }
        _ => json!(["revoke-security-group-ingress", group, rule]),
    };
    vec![step.group.scope.region.to_string(), line.to_string()]
}

/// The same of a call.
fn said(call: &[String]) -> Vec<Vec<String>> {
    let (service, verb) = (&call[0], &call[1]);
    assert_eq!(service, "ec2");
    let lines: Vec<Value> = match verb.as_str() {
        "authorize-security-group-ingress" => {
            let tags = json_of(call, "--tag-specifications")[0]["Tags"].clone();
            let permissions = json_of(call, "--ip-permissions");
            let line = |permission: &Value| {
                let (ports, pair) =
                    (json!([permission["FromPort"], permission["ToPort"]]), &permission["UserIdGroupPairs"][0]);
                let [account, description] =
                    ["UserId", "Description"].map(|key| pair[key].as_str().unwrap_or_default());
                json!([verb, value(call, "--group-id"), ports, description, account, tags])
            };
            permissions.as_array().into_iter().flatten().map(line).collect()
        }
        "create-tags" | "delete-tags" => {
            let rules =
                call.iter().skip_while(|word| *word != "--resources").skip(1).take_while(|word| *word != "--tags");
            rules.map(|rule| json!([verb, rule, json_of(call, "--tags")])).collect()
        }
        "revoke-security-group-ingress" => {
            let rules = call.iter().skip_while(|word| *word != "--security-group-rule-ids").skip(1);
            rules.map(|rule| json!([verb, value(call, "--group-id"), rule])).collect()
        }
        _ => {
            let described = json_of(call, "--security-group-rule-descriptions");
            let line =
                |it: &Value| json!([verb, value(call, "--group-id"), it["SecurityGroupRuleId"], it["Description"]]);
            described.as_array().into_iter().flatten().map(line).collect()
        }
    };
    lines.iter().map(|line| vec![value(call, "--region").to_owned(), line.to_string()]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_shell_calls_what_was_meant((survey, forecast) in plan()) {
        let script = show::aws_cli(&survey, &forecast);
        let said: Vec<_> = calls(&script).iter().flat_map(|call| said(call)).collect();
        let meant: Vec<_> = forecast.steps.iter().map(|step| meant(step, &survey.us.identity)).collect();
        prop_assert_eq!(said, meant, "{}", script);
    }

    #[test]
    fn terraform_reads_what_was_meant((survey, mut forecast) in plan()) {
        // No two rules of a group are the same.
        forecast.steps.iter_mut().zip(1..).for_each(|(step, port)| step.spec.traffic = Traffic::tcp(port));
        let file = show::terraform(&survey, &forecast);
        let resources = terraform::check(&file).map_err(|wrong| TestCaseError::fail(format!("{wrong}\n{file}")))?;
        let tags = json!({"sgbind.dev/cluster/prod": survey.us.identity});
        let made = forecast.steps.iter().filter(|step| step.action.makes());
        let meant: Vec<Value> = made
            .map(|step| {
                let text = Some(&step.description).filter(|text| !text.is_empty());
                json!([step.group.id.as_str(), text, tags])
            })
            .collect();
        let said: Vec<Value> = resources
            .iter()
            .map(|resource| &resource["arguments"])
            .map(|given| json!([given["security_group_id"], given["description"], given["tags"]]))
            .collect();
        prop_assert_eq!(said, meant, "{}", file);
    }
}

#[test]
fn a_command_never_grows_too_long_for_a_shell() {
    let us = Us { cluster: "prod".parse().expect("a name"), identity: "uid".into(), take_over: BTreeSet::new() };
    let key =
        GroupKey { scope: Scope { account: "123456789012".into(), region: "eu-west-1".into() }, id: "sg-1".into() };
    let step = |port: u16| Step {
        action: Action::Authorize { peer_account: None },
        group: key.clone(),
        spec: RuleSpec::ingress(Traffic::tcp(port), Peer::anywhere_v4()),
        objects: BTreeSet::new(),
        reason: String::new(),
        description: "x".repeat(255),
        interrupts_untracked: false,
    };
    let forecast = Forecast { steps: (0..1000).map(step).collect(), ..Forecast::default() };
    let survey = Survey {
        us,
        objects: BTreeMap::new(),
        groups: BTreeMap::new(),
        problems: BTreeSet::new(),
        unknown: Vec::new(),
    };
    let calls = calls(&show::aws_cli(&survey, &forecast));
    assert_eq!(calls.iter().map(|call| said(call).len()).sum::<usize>(), 1000);
    assert!(calls.iter().flatten().all(|word| word.len() < 131_072));
}

//! The plan as the commands of the AWS CLI that a person would type, in the order in which they are to run.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::aws::has_no_id;
use crate::model::{Action, Direction, GroupKey, Peer, RuleSpec, Step, Tags, TakenRule, Us};
use crate::once::{Forecast, Survey};

use super::{calls, comment, remarks, scopes, title};

/// So many rules go into one command: a shell's word has a length (131,071 bytes on Linux), and a command a reader.
const MOST_RULES: usize = 100;

/// A script for a POSIX shell: what is to be done as commands, all else as comments. It ends with the first command that is
/// refused, as what comes later may rely on it.
pub fn aws_cli(survey: &Survey, forecast: &Forecast) -> String {
    let mut paragraphs = head(forecast);
    let mut last: Option<&GroupKey> = None;
    for steps in calls(&forecast.steps).into_iter().flat_map(|steps| steps.chunks(MOST_RULES)) {
        let key = &steps[0].group;
        if last != Some(key) {
            paragraphs.push(vec![comment(&format!("{}, account {}", title(survey, key), key.scope.account))]);
            last = Some(key);
        }
        if let Some(lines) = paragraphs.last_mut() {
            lines.extend(steps.iter().map(|step| comment(&format!("  {step}: {}", step.reason))));
            lines.push(command(&survey.us, steps));
        }
    }
    paragraphs.push(remarks(survey, forecast));
    let paragraphs = paragraphs.into_iter().filter(|lines| !lines.is_empty()).map(|lines| lines.join("\n") + "\n");
    paragraphs.collect::<Vec<_>>().join("\n")
}

/// What a shell has to be told before commands.
fn head(forecast: &Forecast) -> Vec<Vec<String>> {
    if forecast.steps.is_empty() {
        return Vec::new();
    }
    let mut lines = vec!["#!/bin/sh".to_owned(), "set -eu".to_owned()];
    let accounts: BTreeSet<_> = scopes(&forecast.steps).into_iter().map(|scope| &scope.account).collect();
    if accounts.len() > 1 {
        let what =
            "The groups are of several accounts: before each, set the credentials of the account that is named there.";
        lines.push(comment(what));
    }
    // Version 2 of the AWS CLI would show each answer in a pager, and wait.
    lines.push("export AWS_PAGER=''".to_owned());
    vec![lines]
}

/// The commands that make rules again which were taken away.
pub fn put_back(key: &GroupKey, rules: &[TakenRule]) -> String {
    let command = |rule: &TakenRule| {
        let permissions = [permission(&rule.spec, rule.peer_account.as_ref(), &rule.description)];
        authorize(key, rule.spec.direction, &permissions, &rule.tags_to_restore())
    };
    rules.iter().map(command).collect::<Vec<_>>().join("\n")
}

/// One call. All steps are of one group, action and direction.
fn command(us: &Us, steps: &[Step]) -> String {
    let (key, direction) = (&steps[0].group, steps[0].spec.direction);
    let ids: Vec<String> = steps.iter().filter_map(|step| step.action.rule()).map(|id| quoted(id.as_str())).collect();
    let ids = ids.join(" ");
    if !steps.iter().all(has_id) && !steps[0].action.makes() && !steps[0].action.revokes() {
        return "# not possible: no file of the snapshot tells the rule's id (describe-security-group-rules.json does)"
            .to_owned();
    }
    let ours = Tags::from([(us.cluster.tag_key(), us.identity.clone())]);
    match &steps[0].action {
        Action::Authorize { .. } | Action::Restore { .. } => {
            let permissions: Vec<Value> = steps.iter().map(of_step).collect();
            let tags = match &steps[0].action {
                Action::Restore { tags, .. } => tags,
                _ => &ours,
            };
            authorize(key, direction, &permissions, tags)
        }
        Action::Adopt { .. } => format!("{} --resources {ids} --tags {}", aws(key, "create-tags"), tag_list(&ours)),
        Action::Release { .. } => format!("{} --resources {ids} --tags {}", aws(key, "delete-tags"), tag_list(&ours)),
        Action::Describe { .. } => {
            let described = steps.iter().filter_map(|step| {
                let id = step.action.rule()?;
                Some(json!({"SecurityGroupRuleId": id.as_str(), "Description": step.description}))
            });
            let described = quoted(&Value::from_iter(described).to_string());
            let verb = format!("update-security-group-rule-descriptions-{direction}");
            format!("{} --security-group-rule-descriptions {described}", aws_for_group(key, &verb))
        }
        Action::Revoke { .. } if steps.iter().all(has_id) => {
            let verb = format!("revoke-security-group-{direction}");
            format!("{} --security-group-rule-ids {ids}", aws_for_group(key, &verb))
        }
        // A snapshot without describe-security-group-rules.json tells no ids.
        Action::Revoke { .. } => {
            let permissions = Value::from_iter(steps.iter().map(|step| permission(&step.spec, None, "")));
            let verb = format!("revoke-security-group-{direction}");
            let permissions = quoted(&permissions.to_string());
            format!("{} --ip-permissions {permissions}", aws_for_group(key, &verb))
        }
    }
}

/// Whether the rule is known by an id of EC2's.
fn has_id(step: &Step) -> bool {
    step.action.rule().is_some_and(|id| !has_no_id(id))
}

fn authorize(key: &GroupKey, direction: Direction, permissions: &[Value], tags: &Tags) -> String {
    let verb = format!("authorize-security-group-{direction}");
    let permissions = quoted(&Value::from(permissions).to_string());
    let mut command = format!("{} --ip-permissions {permissions}", aws_for_group(key, &verb));
    if !tags.is_empty() {
        let specification = json!([{"ResourceType": "security-group-rule", "Tags": tag_values(tags)}]);
        command.push_str(&format!(" --tag-specifications {}", quoted(&specification.to_string())));
    }
    command
}

fn aws(key: &GroupKey, verb: &str) -> String {
    format!("aws ec2 {verb} --region {}", quoted(key.scope.region.as_str()))
}

fn aws_for_group(key: &GroupKey, verb: &str) -> String {
    format!("{} --group-id {}", aws(key, verb), quoted(key.id.as_str()))
}

fn of_step(step: &Step) -> Value {
    let account = match &step.action {
        Action::Authorize { peer_account } | Action::Restore { peer_account, .. } => peer_account.as_ref(),
        _ => None,
    };
    permission(&step.spec, account, &step.description)
}

/// An `IpPermission`, as in the EC2 API reference.
fn permission(spec: &RuleSpec, account: Option<&crate::model::AccountId>, description: &str) -> Value {
    let mut permission = json!({"IpProtocol": spec.traffic.protocol()});
    if let Some((from, to)) = spec.traffic.ports() {
        permission["FromPort"] = from.into();
        permission["ToPort"] = to.into();
    }
    let (list, mut peer) = match &spec.peer {
        Peer::Cidr(cidr) if cidr.net().addr().is_ipv4() => ("IpRanges", json!({"CidrIp": cidr.to_string()})),
        Peer::Cidr(cidr) => ("Ipv6Ranges", json!({"CidrIpv6": cidr.to_string()})),
        Peer::PrefixList(id) => ("PrefixListIds", json!({"PrefixListId": id.as_str()})),
        Peer::SecurityGroup(id) => ("UserIdGroupPairs", json!({"GroupId": id.as_str()})),
    };
    if let Some(account) = account {
        peer["UserId"] = account.as_str().into();
    }
    if !description.is_empty() {
        peer["Description"] = description.into();
    }
    permission[list] = Value::from_iter([peer]);
    permission
}

fn tag_values(tags: &Tags) -> Value {
    Value::from_iter(tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})))
}

fn tag_list(tags: &Tags) -> String {
    quoted(&tag_values(tags).to_string())
}

/// A word for a POSIX shell.
pub(super) fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

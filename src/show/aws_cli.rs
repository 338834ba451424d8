//! The plan as the commands of the AWS CLI that a person would type, in the order in which they are to run.

use serde_json::{Value, json};

use crate::model::{Action, Direction, GroupKey, Peer, RuleSpec, Step, Tags, TakenRule, Us};
use crate::once::{Forecast, Survey};

use super::{calls, tame, title};

/// A script for a POSIX shell: what is to be done as commands, all else as comments.
pub fn aws_cli(survey: &Survey, forecast: &Forecast) -> String {
    let mut lines = Vec::new();
    let mut last: Option<&GroupKey> = None;
    for steps in calls(&forecast.steps) {
        let key = &steps[0].group;
        if last != Some(key) {
            lines.extend(last.map(|_| String::new()));
            lines.push(format!("# {}, account {}", title(survey, key), key.scope.account));
            last = Some(key);
        }
        lines.extend(steps.iter().map(|step| format!("#   {}", tame(&step.to_string()))));
        lines.push(command(&survey.us, steps));
    }
    for held in &forecast.held {
        lines.push(format!("# held, {}: {}", tame(&held.reason.to_string()), held.step));
    }
    for problem in &forecast.problems {
        let (object, problem) = (&problem.object, &problem.problem);
        lines.push(format!("# {object}: {}: {}", problem.reason.word(), tame(&problem.message)));
    }
    if forecast.steps.is_empty() {
        lines.push("# nothing to do".to_owned());
    }
    lines.join("\n") + "\n"
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
            format!("{} --group-id {} --security-group-rule-descriptions {described}", aws(key, &verb), key.id)
        }
        Action::Revoke { .. } if steps.iter().all(has_id) => {
            let verb = format!("revoke-security-group-{direction}");
            format!("{} --group-id {} --security-group-rule-ids {ids}", aws(key, &verb), key.id)
        }
        // A snapshot without describe-security-group-rules.json tells no ids.
        Action::Revoke { .. } => {
            let permissions = Value::from_iter(steps.iter().map(|step| permission(&step.spec, None, "")));
            let verb = format!("revoke-security-group-{direction}");
            let permissions = quoted(&permissions.to_string());
            format!("{} --group-id {} --ip-permissions {permissions}", aws(key, &verb), key.id)
        }
    }
}

/// Whether the rule is known by an id of EC2's.
fn has_id(step: &Step) -> bool {
    let id = step.action.rule().and_then(|id| id.as_str().strip_prefix("sgr-"));
    id.is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn authorize(key: &GroupKey, direction: Direction, permissions: &[Value], tags: &Tags) -> String {
    let verb = format!("authorize-security-group-{direction}");
    let permissions = quoted(&Value::from(permissions).to_string());
    let mut command = format!("{} --group-id {} --ip-permissions {permissions}", aws(key, &verb), key.id);
    if !tags.is_empty() {
        let specification = json!([{"ResourceType": "security-group-rule", "Tags": tag_values(tags)}]);
        command.push_str(&format!(" --tag-specifications {}", quoted(&specification.to_string())));
    }
    command
}

fn aws(key: &GroupKey, verb: &str) -> String {
    format!("aws ec2 {verb} --region {}", key.scope.region)
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
fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

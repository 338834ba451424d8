//! `deploy/iam-policy.json`: it permits the calls that the code makes, and no other; and to write only where a group has
//! opted in.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, json};
use sgbind::{api::names::CLUSTER_TAG_PREFIX, model::AccountRole};

/// What stands for the cluster's name.
pub const PLACEHOLDER: &str = "CLUSTER_NAME";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The policy of the cluster `prod`.
fn policy() -> Value {
    let text = fs::read_to_string(root().join("deploy/iam-policy.json")).unwrap();
    serde_json::from_str(&text.replace(PLACEHOLDER, "prod")).expect("JSON")
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().map(|item| item.as_str().expect("text")).collect(),
        other => panic!("{other}"),
    }
}

fn statements(policy: &Value) -> &[Value] {
    policy["Statement"].as_array().expect("statements")
}

// The calls

/// Files of `src/aws` without their tests, each with the service that it calls.
fn sources(directory: &Path) -> Vec<(&'static str, String)> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources.extend(self::sources(&path));
        } else if !path.ends_with("tests.rs") && !path.ends_with("testing.rs") {
            let text = fs::read_to_string(&path).unwrap();
            let is_of = |name: &str| path.components().any(|part| part.as_os_str() == name);
            let service = match () {
                () if is_of("elb") => "elasticloadbalancing",
                () if is_of("quotas.rs") => "servicequotas",
                () => "ec2",
            };
            sources.push((service, text.split("#[cfg(test)]").next().unwrap_or_default().to_owned()));
        }
    }
    sources
}

/// As the code names them for its error messages: `self.call("DescribeVpcs", …)`.
fn named_calls() -> BTreeSet<String> {
    let mut calls = BTreeSet::new();
    for (service, text) in sources(&root().join("src/aws")) {
        for after in text.split(".call(\"").skip(1) {
            calls.insert(format!("{service}:{}", after.split('"').next().unwrap_or_default()));
        }
    }
    calls
}

/// As it makes them: `client.describe_vpcs()`.
fn made_calls() -> BTreeSet<String> {
    let verbs = ["describe_", "authorize_", "revoke_", "create_", "delete_", "update_", "modify_", "get_"];
    let mut calls = BTreeSet::new();
    for (service, text) in sources(&root().join("src/aws")) {
        for after in text.split("client").skip(1) {
            let Some((method, _)) = after.trim_start().strip_prefix('.').and_then(|rest| rest.split_once("()")) else {
                continue;
            };
            let is_word = method.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
            if is_word && verbs.iter().any(|verb| method.starts_with(verb)) {
                let words = method.split('_').map(|word| word[..1].to_uppercase() + &word[1..]);
                calls.insert(format!("{service}:{}", words.collect::<String>()));
            }
        }
    }
    // It needs no permission. Source: GetCallerIdentity in the STS API reference.
    assert!(calls.remove("ec2:GetCallerIdentity"));
    calls
}

#[test]
fn permits_exactly_the_calls_of_the_code() {
    let policy = policy();
    let permitted = statements(&policy).iter().flat_map(|statement| texts(&statement["Action"]));
    let permitted: BTreeSet<String> = permitted.map(str::to_owned).collect();
    assert_eq!(named_calls(), made_calls());
    assert_eq!(permitted, made_calls());
    assert!(permitted.len() > 15, "{permitted:?}");
}

/// Beside it, for other accounts: to assume the roles that it lists, and nothing else.
#[test]
fn other_accounts_are_reached_by_the_listed_roles_alone() {
    let text = fs::read_to_string(root().join("deploy/iam-policy-accounts.json")).unwrap();
    let text = text.replace(PLACEHOLDER, "prod").replace("OTHER_ACCOUNT", "210987654321");
    let policy: Value = serde_json::from_str(&text).expect("JSON");
    let [statement] = statements(&policy) else { panic!("{policy}") };
    assert_eq!((&statement["Effect"], texts(&statement["Action"])), (&json!("Allow"), vec!["sts:AssumeRole"]));
    let role = texts(&statement["Resource"])[0];
    let read: AccountRole = format!("210987654321={role}").parse().expect("a role");
    assert_eq!(read.arn(), role);
}

// The conditions

/// One resource of a request, and what IAM knows of it.
struct Request<'a> {
    action: &'a str,
    resource: &'a str,
    /// Tags that the resource has.
    tags: &'a [(&'a str, &'a str)],
    /// Keys of the tags in the request.
    keys: &'a [&'a str],
    /// The call that makes what is tagged, where it is tagged by that.
    made_by: Option<&'a str>,
}

/// Whether a policy permits it. Knows what the policy uses, and panics at anything else.
fn is_permitted(policy: &Value, request: &Request) -> bool {
    statements(policy).iter().any(|statement| {
        assert_eq!(statement["Effect"], "Allow");
        let fields = ["Sid", "Effect", "Action", "Resource", "Condition"];
        assert!(statement.as_object().unwrap().keys().all(|key| fields.contains(&key.as_str())), "{statement}");
        texts(&statement["Action"]).contains(&request.action)
            && texts(&statement["Resource"]).into_iter().any(|pattern| match pattern {
                "*" => true,
                pattern => {
                    pattern.strip_prefix("arn:aws:ec2:*:*:").and_then(|rest| rest.strip_suffix("/*")).expect(pattern)
                        == request.resource
                }
            })
            && statement.get("Condition").is_none_or(|condition| holds(condition, request))
    })
}

fn holds(condition: &Value, request: &Request) -> bool {
    let operators = condition.as_object().expect("operators").iter();
    let mut tests = operators.flat_map(|(operator, keys)| {
        keys.as_object()
            .expect("keys")
            .iter()
            .map(move |(key, values)| (operator.as_str(), key.as_str(), texts(values)))
    });
    tests.all(|(operator, key, values)| match (operator, key.strip_prefix("aws:ResourceTag/")) {
        ("StringEquals", Some(tag)) => {
            request.tags.iter().any(|(key, value)| key.eq_ignore_ascii_case(tag) && values.contains(value))
        }
        // True of a request without tags as well.
        ("ForAllValues:StringEquals", None) if key == "aws:TagKeys" => {
            request.keys.iter().all(|key| values.contains(key))
        }
        ("ForAllValues:StringNotLike", None) if key == "aws:TagKeys" => {
            let prefixes: Vec<&str> = values.iter().map(|value| value.strip_suffix('*').expect(value)).collect();
            request.keys.iter().all(|key| !prefixes.iter().any(|prefix| key.starts_with(prefix)))
        }
        ("StringEquals", None) if key == "ec2:CreateAction" => {
            request.made_by.is_some_and(|call| values.contains(&call))
        }
        ("Null", None) if key == "aws:TagKeys" && values == ["false"] => !request.keys.is_empty(),
        _ => panic!("{operator} {key}"),
    })
}

#[test]
fn permits_to_write_only_groups_that_opted_in() {
    let policy = policy();
    let tag = format!("{CLUSTER_TAG_PREFIX}prod");
    let another = format!("{CLUSTER_TAG_PREFIX}stage");
    let consents: [(&[(&str, &str)], bool); 6] = [
        (&[(&tag, "owned")], true),
        (&[(&tag, "shared")], true),
        (&[(&tag, "no")], false),
        (&[(&another, "owned")], false),
        (&[("sgbind.dev/namespaces", "*")], false),
        (&[], false),
    ];
    let writes = made_calls();
    let reads = |action: &str| action.contains(":Describe") || action.contains(":Get");
    let writes: Vec<_> = writes.iter().filter(|action| !reads(action) && !action.ends_with("Tags")).collect();
    assert_eq!(writes.len(), 6);
    for action in writes {
        for (tags, expected) in consents {
            let request = Request { action, resource: "security-group", tags, keys: &[&tag], made_by: None };
            assert_eq!(is_permitted(&policy, &request), expected, "{action} {tags:?}");
        }
        // The group is always asked about too.
        let of = |resource| Request { action, resource, tags: consents[0].0, keys: &[], made_by: None };
        assert!(is_permitted(&policy, &Request { tags: &[], ..of("security-group-rule") }));
        assert!(!is_permitted(&policy, &of("vpc")));
    }
}

#[test]
fn permits_to_tag_rules_alone_and_by_one_key() {
    let policy = policy();
    let tag = format!("{CLUSTER_TAG_PREFIX}prod");
    let another = format!("{CLUSTER_TAG_PREFIX}stage");
    let cases: [(&str, &[&str], bool); 7] = [
        ("security-group-rule", &[&tag], true),
        ("security-group-rule", &[&tag, "Name"], false),
        ("security-group-rule", &[&another], false),
        ("security-group-rule", &[], false),
        ("security-group", &[&tag], false),
        ("security-group", &["sgbind.dev/namespaces"], false),
        ("instance", &[&tag], false),
    ];
    for action in ["ec2:CreateTags", "ec2:DeleteTags"] {
        for (resource, keys, expected) in cases {
            let request = Request { action, resource, tags: &[(&tag, "owned")], keys, made_by: None };
            assert_eq!(is_permitted(&policy, &request), expected, "{action} {resource} {keys:?}");
        }
    }
}

/// A foreign rule that is put back gets the tags that it had, but none that makes it some cluster's own.
#[test]
fn permits_any_tag_on_a_rule_that_is_being_made_but_those_of_other_clusters() {
    let policy = policy();
    let request = |made_by| Request {
        action: "ec2:CreateTags",
        resource: "security-group-rule",
        tags: &[],
        keys: &["Name"],
        made_by,
    };
    let cases = [
        (Some("AuthorizeSecurityGroupIngress"), true),
        (Some("AuthorizeSecurityGroupEgress"), true),
        (Some("RunInstances"), false),
        (None, false),
    ];
    for (made_by, expected) in cases {
        assert_eq!(is_permitted(&policy, &request(made_by)), expected, "{made_by:?}");
    }
    let tag = format!("{CLUSTER_TAG_PREFIX}prod");
    let another = format!("{CLUSTER_TAG_PREFIX}stage");
    let keys: [(&[&str], bool); 5] =
        [(&[], true), (&[&tag], true), (&[&another], false), (&["Name", &another], false), (&["Name", &tag], false)];
    for (keys, expected) in keys {
        let request = Request { keys, ..request(Some("AuthorizeSecurityGroupIngress")) };
        assert_eq!(is_permitted(&policy, &request), expected, "{keys:?}");
    }
    let group = Request { resource: "security-group", ..request(Some("AuthorizeSecurityGroupIngress")) };
    assert!(!is_permitted(&policy, &group));
}

/// Of a resource that can't be named only what reads is permitted.
#[test]
fn everything_means_reading() {
    let policy = policy();
    for statement in statements(&policy).iter().filter(|statement| statement["Resource"] == json!("*")) {
        for action in texts(&statement["Action"]) {
            assert!(action.contains(":Describe") || action.contains(":Get"), "{action}");
        }
    }
}

//! Files that are not as expected.

use super::*;
use crate::aws::snapshot::calls::CALLS;
use crate::model::Region;

/// All that is said of a folder with these texts, `DIR` in place of its path.
fn said(files: &[(&str, &str)]) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    for (command, text) in files {
        std::fs::write(dir.path().join(format!("{command}.json")), text).unwrap();
    }
    let error = Snapshot::read(dir.path()).unwrap_err().to_string();
    error.replace(&dir.path().display().to_string(), "DIR").lines().map(str::to_owned).collect()
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let denied = "\nAn error occurred (UnauthorizedOperation) when calling the DescribeVpcs operation: You are not \
                  authorized to perform this operation.\n";
    let files = [
        ("describe-vpcs", denied),
        ("describe-subnets", ""),
        ("describe-instances", "{\"Reservations\": [\n  {\"Instances\": [}]}"),
        (
            "describe-security-groups",
            r#"{"SecurityGroups": [{"GroupName": "a"}, {"GroupId": 7, "Tags": [{"Key": "a", "Value": true}]}]}"#,
        ),
        ("describe-load-balancers", r#"{"LoadBalancers": [], "NextToken": "eyJNYXJrZXIi"}"#),
        ("describe-listeners", r#"{"Rules": []}"#),
        ("describe-rules", r#"["Rules"]"#),
        ("describe-target-health", r#"{"TargetHealthDescriptions": []}"#),
        ("describe-load-balancer-attributes", r#"[{"LoadBalancerArn": "arn:a", "Attributes": {}}]"#),
        ("describe-target-groups", r#"{"TargetGroups": [{"TargetGroupArn": "arn:a", "Port": "80"}]}"#),
    ];
    assert_eq!(
        said(&files),
        [
            "the snapshot can't be used:",
            "  DIR/describe-security-groups.json: SecurityGroups[0]: no GroupId, by which they are told apart",
            "  DIR/describe-security-groups.json: SecurityGroups[1].GroupId: 7, expected a string",
            "  DIR/describe-security-groups.json: SecurityGroups[1].Tags[0].Value: true, expected a string",
            "  DIR/describe-instances.json: line 2, column 18: no JSON (expected value): take it again by `aws ec2 \
             describe-instances --output json`, or remove the file",
            "  DIR/describe-subnets.json: is empty, as when the call failed: take it again by `aws ec2 describe-subnets \
             --output json`, or remove the file",
            "  DIR/describe-vpcs.json: holds an error instead of an answer (An error occurred (UnauthorizedOperation) when \
             calling the DescribeVpcs operation: You are not authorized to perform this operation.): take it again by `aws \
             ec2 describe-vpcs --output json`, or remove the file",
            "  DIR/describe-load-balancers.json: NextToken: there is more than this file holds: take all pages, without \
             --max-items and --no-paginate",
            "  DIR/describe-listeners.json: no Listeners, expected what `aws elbv2 describe-listeners` prints",
            "  DIR/describe-rules.json: [0]: \"Rules\", expected an object with Rules",
            "  DIR/describe-target-groups.json: TargetGroups[0].Port: \"80\", expected a whole number",
            "  DIR/describe-target-health.json: no TargetGroupArn: the output of describe-target-health does not say what it \
             was asked about. Expected a list of the outputs, with TargetGroupArn beside each: [{\"TargetGroupArn\": \
             \"arn:…\", \"TargetHealthDescriptions\": […]}, …]",
            "  DIR/describe-load-balancer-attributes.json: [0].Attributes: an object, expected a list",
        ]
    );
}

#[test]
fn nesting_has_a_limit() {
    let deep = "[".repeat(100_000);
    assert_eq!(
        said(&[("describe-vpcs", &deep)]).remove(1),
        "  DIR/describe-vpcs.json: line 1, column 128: no JSON (recursion limit exceeded): take it again by `aws ec2 \
         describe-vpcs --output json`, or remove the file"
    );
}

#[test]
fn a_folder_without_a_snapshot_is_none() {
    assert_eq!(
        said(&[("other", "{}")]),
        [
            "DIR holds no file of a snapshot: expected files such as describe-load-balancers.json, as `sgbind snapshot DIR` or \
          `aws elbv2 describe-load-balancers` write them"
        ]
    );
    let error = Snapshot::read(Path::new("/no/such/folder")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "/no/such/folder can't be read: expected a folder with files such as describe-load-balancers.json"
    );
}

/// Account and Region of these files, or why they have none.
fn place(files: &[(&str, Value)], region: Option<&str>) -> String {
    let dir = folder(files);
    let scope = Snapshot::read(dir.path()).unwrap().scope(region.map(Region::from));
    let said = scope.map_or_else(|error| error.to_string(), |scope| scope.to_string());
    said.replace(&dir.path().display().to_string(), "DIR")
}

#[test]
fn account_and_region_are_those_of_the_files() {
    let balancer = |region: &str, account: &str| json!({"LoadBalancerArn": format!("arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/app/a/1")});
    let of = |arns: Vec<Value>| [("describe-load-balancers", json!({"LoadBalancers": arns}))];
    let one = of(vec![balancer("eu-central-1", "123456789012")]);
    assert_eq!(place(&one, None), "123456789012/eu-central-1");
    assert_eq!(place(&one, Some("eu-central-1")), "123456789012/eu-central-1");
    assert_eq!(
        place(&one, Some("eu-west-1")),
        "DIR is of eu-central-1 and not of eu-west-1: correct --region, or leave it out"
    );
    let two = of(vec![balancer("eu-central-1", "123456789012"), balancer("eu-west-1", "123456789012")]);
    assert_eq!(place(&two, None), "DIR is of several Regions (eu-central-1, eu-west-1): give one of them by --region");
    assert_eq!(place(&two, Some("eu-west-1")), "123456789012/eu-west-1");
    let strangers = of(vec![balancer("eu-central-1", "123456789012"), balancer("eu-central-1", "210987654321")]);
    assert_eq!(
        place(&strangers, None),
        "DIR is of several accounts (123456789012, 210987654321): keep a snapshot of each in a folder of its own"
    );
    let groups =
        [("describe-security-groups", json!({"SecurityGroups": [{"GroupId": "sg-1", "OwnerId": "123456789012"}]}))];
    assert_eq!(place(&groups, None), "DIR does not say of which Region it is: give --region");
    assert_eq!(place(&groups, Some("eu-west-1")), "123456789012/eu-west-1");
    let nobody = [("describe-vpcs", json!({"Vpcs": [{"VpcId": "vpc-1"}]}))];
    assert_eq!(
        place(&nobody, Some("eu-west-1")),
        "DIR does not say of which account it is: expected an ARN, or an OwnerId, in a file such as \
         describe-load-balancers.json or describe-security-groups.json"
    );
}

#[test]
fn the_page_names_every_file_and_every_permission() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cli/snapshot.md")).unwrap();
    for call in &CALLS {
        assert!(page.contains(&format!("`{}`", call.file())), "{}", call.file());
    }
    let mut permissions: Vec<String> =
        CALLS.iter().map(|call| format!("{}:{}", call.service.iam(), call.action)).collect();
    permissions.sort();
    let (_, policy) = page.split_once("```json").unwrap();
    let policy: Value = serde_json::from_str(policy.split("```").next().unwrap()).unwrap();
    assert_eq!(policy["Statement"][0]["Action"], json!(permissions));
}

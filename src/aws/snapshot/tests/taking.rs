//! A snapshot of an AWS that does not answer everything.

use super::*;
use crate::aws::snapshot::calls::{CALLS, Service};
use crate::aws::testing::{Answer, Form, configured, scope};

/// Answers as an account with two load balancers, of which one goes meanwhile; refuses what `denied` names.
fn account(form: &Form, denied: &[&str]) -> Answer {
    let action = form["Action"].as_str();
    let list = |name: &str| format!("<{name}/>");
    if denied.contains(&action) {
        return match form["Version"].as_str() {
            "2016-11-15" => Answer::ec2_error(403, "UnauthorizedOperation", "You are not authorized"),
            _ => Answer::elb_error("AccessDenied"),
        };
    }
    let balancer = |arn: &str| format!("<member><LoadBalancerArn>{arn}</LoadBalancerArn></member>");
    let is_of_idle = form.values().any(|value| value == IDLE);
    match action {
        "DescribeLoadBalancers" if form.contains_key("Marker") => {
            Answer::elb(action, &format!("<LoadBalancers>{}</LoadBalancers>", balancer(BALANCER)))
        }
        "DescribeLoadBalancers" => {
            let page = format!("<LoadBalancers>{}</LoadBalancers><NextMarker>2</NextMarker>", balancer(IDLE));
            Answer::elb(action, &page)
        }
        "DescribeListeners" | "DescribeLoadBalancerAttributes" | "DescribeTags" if is_of_idle => {
            Answer::elb_error("LoadBalancerNotFound")
        }
        "DescribeTags" => {
            let tag = "<Tags><member><Key>app</Key><Value>shop</Value></member></Tags>";
            let of = format!("<member><ResourceArn>{BALANCER}</ResourceArn>{tag}</member>");
            Answer::elb(action, &format!("<TagDescriptions>{of}</TagDescriptions>"))
        }
        _ => match CALLS.iter().find(|call| call.action == action) {
            Some(call) if call.service == Service::Ec2 => Answer::ec2(action, &list(call.list.xml)),
            Some(call) => Answer::elb(action, &list(call.list.xml)),
            None => panic!("{action} was not expected"),
        },
    }
}

/// What is taken where these calls are denied: files that are there, and files that are not, with why.
async fn taken(denied: &'static [&'static str]) -> (TempDir, Vec<String>, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let (config, _) = configured(move |form| account(form, denied));
    let clouds = Clouds::new(config, scope(), Pacer::without_limits(Arc::new(Metrics::new())));
    let taken = take(&clouds, dir.path(), |_| {}).await.unwrap();
    let left_out = taken.left_out.iter().map(|LeftOut { file, permission, reason }| {
        format!("{file} {permission}: {}", reason.to_string().split(" (").next().unwrap_or_default())
    });
    let left_out = left_out.collect();
    (dir, taken.files.into_iter().map(|(file, count)| format!("{file} {count}")).collect(), left_out)
}

fn read(dir: &TempDir, file: &str) -> Value {
    serde_json::from_slice(&std::fs::read(dir.path().join(file)).unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn all_pages_are_taken_and_what_goes_meanwhile_is_left_out() {
    let (dir, files, left_out) = taken(&[]).await;
    assert_eq!(left_out, [""; 0]);
    assert_eq!(files.len(), CALLS.len());
    let balancers = json!({"LoadBalancers": [{"LoadBalancerArn": IDLE}, {"LoadBalancerArn": BALANCER}]});
    assert_eq!(read(&dir, "describe-load-balancers.json"), balancers);
    let attributes = json!([{"LoadBalancerArn": BALANCER, "Attributes": []}]);
    assert_eq!(read(&dir, "describe-load-balancer-attributes.json"), attributes);
    let tags = json!({"TagDescriptions": [{"ResourceArn": BALANCER, "Tags": [{"Key": "app", "Value": "shop"}]}]});
    assert_eq!(read(&dir, "describe-tags.json"), tags);
}

#[tokio::test(start_paused = true)]
async fn what_is_denied_is_left_out_with_all_that_needs_it() {
    let (dir, files, left_out) = taken(&["DescribeVpcs", "DescribeListeners", "DescribeTargetGroups"]).await;
    let of = "in 123456789012/eu-central-1 failed:";
    assert_eq!(
        left_out,
        [
            format!(
                "describe-vpcs.json ec2:DescribeVpcs: ec2:DescribeVpcs {of} UnauthorizedOperation: You are not authorized"
            ),
            format!(
                "describe-listeners.json elasticloadbalancing:DescribeListeners: elasticloadbalancing:DescribeListeners {of} \
                 AccessDenied: so it is"
            ),
            "describe-rules.json elasticloadbalancing:DescribeRules: what it is asked about stands in \
             describe-listeners.json, which is left out"
                .into(),
            format!(
                "describe-target-groups.json elasticloadbalancing:DescribeTargetGroups: \
                 elasticloadbalancing:DescribeTargetGroups {of} AccessDenied: so it is"
            ),
            "describe-target-health.json elasticloadbalancing:DescribeTargetHealth: what it is asked about stands in \
             describe-target-groups.json, which is left out"
                .into(),
        ]
    );
    assert_eq!(files.len(), CALLS.len() - left_out.len());
    let written = std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(written, files.len());
}

#[tokio::test(start_paused = true)]
async fn nothing_of_an_earlier_snapshot_stays() {
    let dir = folder(&[("describe-vpcs", json!({"Vpcs": []}))]);
    std::fs::write(dir.path().join("describe-subnets.json.unfinished"), "{").unwrap();
    assert!(holds_snapshot(dir.path()));
    let (config, _) = configured(|form| account(form, &["DescribeVpcs"]));
    let clouds = Clouds::new(config, scope(), Pacer::without_limits(Arc::new(Metrics::new())));
    take(&clouds, dir.path(), |_| {}).await.unwrap();
    assert!(!dir.path().join("describe-vpcs.json").exists());
    assert!(!dir.path().join("describe-subnets.json.unfinished").exists());
    std::fs::write(dir.path().join("notes.txt"), "mine").unwrap();
    let error = take(&clouds, dir.path(), |_| {}).await.unwrap_err().to_string();
    assert!(error.contains("holds notes.txt, which is no file of a snapshot"), "{error}");
    assert!(dir.path().join("describe-subnets.json").exists(), "nothing was removed");
}

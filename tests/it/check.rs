//! `sgbind check` on the real API server and the simulated AWS: all is well, then one thing is not, and its line says so.

use jiff::SignedDuration;
use k8s_openapi::api::rbac::v1::Role;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::json;

use crate::{
    proxy::{Effect, Fault},
    role,
    world::group,
};
use stage::{Stage, build, well};

mod front;
pub mod stage;

const CRD: &str = "/customresourcedefinitions/albtargetbindings.sgbind.dev";

#[tokio::test]
async fn where_all_is_well_each_line_says_so_and_nothing_is_written() {
    let stage = Stage::with(well()).await;
    let rules = stage.world.rule_ids().await;
    let told = stage.check(&stage.here()).await;
    let lines: Vec<String> = told.lines().into_iter().map(|line| stage.world.named(line)).collect();
    assert!(lines.iter().all(|line| line.starts_with('√')), "{lines:#?}");
    assert_eq!(told.code, Some(0));
    let sections =
        ["Kubernetes", "AWS 123456789012/eu-central-1", "Security groups 123456789012/eu-central-1", "Controller"];
    let counted = sections.map(|title| told.checks().iter().filter(|check| check["section"] == title).count());
    assert_eq!(counted, [14, 22, 4, 4], "{lines:#?}");
    assert_eq!(told.report["summary"], json!({"ok": 44, "warning": 0, "failed": 0}));
    let last = [
        "√ security groups that opted in: 1 owned, 0 shared",
        "√ no group has another value than owned or shared for sgbind.dev/cluster/team",
        "√ each of them names namespaces in sgbind.dev/namespaces",
        "√ the namespaces that they name exist",
        "√ Deployment team/sgbind-controller: 2 of 2 replicas are ready",
    ];
    assert_eq!(lines[36..41], last);

    assert_eq!(stage.world.rule_ids().await, rules);
    let calls = stage.proxy.calls();
    assert_eq!(calls.writes().0.len(), 0, "{:?}", calls.writes());
    let dry = calls.only(|call| call.parameters.get("DryRun").is_some_and(|dry| dry == "true"));
    assert_eq!(dry.0.len(), 13, "five reads and eight writes: {dry:?}");
}

#[tokio::test]
async fn the_table_has_a_line_for_each_check_and_hints_below() {
    let stage = Stage::with(well()).await;
    stage.front.answer(CRD, 404, r#"{"kind":"Status","status":"Failure","reason":"NotFound","code":404}"#);
    let output = stage.run(&stage.here()).await;
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(1), "{text}");
    let crd = "× CRD albtargetbindings.sgbind.dev is not there\n    sgbind crds | kubectl apply --server-side -f -\n";
    for part in ["Kubernetes\n----------\n√ the API server answers: Kubernetes v", crd] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.ends_with("\n× 44 checks: 43 √, 0 !, 1 ×\n"), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours where nobody looks: {text}");
}

#[tokio::test]
async fn an_older_crd_is_told_with_the_first_difference() {
    let stage = Stage::with(well()).await;
    stage.front.replace(CRD, "\"albtb\"", "\"albtargets\"");
    let hint = "sgbind crds | kubectl apply --server-side -f -";
    let differs = "CRD albtargetbindings.sgbind.dev is not the one of this sgbind: spec.names.shortNames[0] differs";
    assert_eq!(stage.trouble().await, (vec![format!("! {differs} => {hint}")], Some(0)));
}

#[tokio::test]
async fn what_the_role_lacks_is_named() {
    let stage = Stage::with(well()).await;
    let roles = Api::<Role>::namespaced(stage.world.client.clone(), stage.world.namespace());
    let rules = json!({"rules": [
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": [role::NAME], "verbs": ["get"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
    ]});
    roles.patch(role::NAME, &PatchParams::default(), &Patch::Merge(&rules)).await.expect("a role");
    let lacks = "× service account team/sgbind-controller may not update leases sgbind-controller in team => apply the \
                 roles of this version: kubectl apply --server-side -k deploy (or your installation made from it)";
    assert_eq!(stage.trouble().await, (vec![lacks.to_owned()], Some(1)));
}

#[tokio::test]
async fn each_permission_that_aws_denies_is_named_and_the_optional_one_only_warns() {
    let stage = Stage::with(well()).await;
    stage.proxy.inject(Fault::on("RevokeSecurityGroupEgress", Effect::deny()));
    stage.proxy.inject(Fault::on("DescribeTargetHealth", Effect::refuse(403, "AccessDenied", "no")));
    let (lines, code) = stage.trouble().await;
    let begins =
        ["× elasticloadbalancing:DescribeTargetHealth is denied: ", "× ec2:RevokeSecurityGroupEgress is denied: "];
    assert_eq!(lines.len(), begins.len(), "{lines:#?}");
    let grant = " => sgbind iam-policy --cluster-name team prints the policy that permits it";
    for (line, begin) in lines.iter().zip(begins) {
        assert!(line.starts_with(begin) && line.ends_with(grant), "{line}");
    }
    assert_eq!(code, Some(1));

    let quota = Effect::Rewrite(std::sync::Arc::new(|_, _| r#"{"__type": "AccessDeniedException"}"#.into()));
    let other = Stage::with(well()).await;
    other.proxy.inject(Fault::on("GetServiceQuota", quota));
    let (lines, code) = other.trouble().await;
    assert_eq!((lines.len(), code), (1, Some(0)), "{lines:#?}");
    assert!(lines[0].starts_with("! ") && lines[0].contains("servicequotas:GetServiceQuota"), "{lines:#?}");
}

#[tokio::test]
async fn without_a_group_writes_are_said_to_be_untried() {
    let stage = Stage::with(crate::world::estate()).await;
    let (lines, code) = stage.trouble().await;
    assert_eq!(code, Some(0), "{lines:#?}");
    let untried = |line: &&String| line.contains("there is no security group that opted in, with a rule, to try it on");
    assert_eq!(lines.iter().filter(untried).count(), 8, "{lines:#?}");
    let none = "! no security group carries the tag sgbind.dev/cluster/team: nothing would be written => aws ec2 \
                create-tags --resources sg-… --tags Key=sgbind.dev/cluster/team,Value=owned \
                Key=sgbind.dev/namespaces,Value=NAMESPACE";
    assert_eq!((lines.len(), lines[8].as_str()), (9, none));
}

#[tokio::test]
async fn groups_that_nobody_may_write_are_named() {
    let stage =
        Stage::with(well().group(group("BARE-SG").namespaces("")).group(group("OLD-SG").namespaces("gone"))).await;
    let (lines, code) = stage.trouble().await;
    assert_eq!(code, Some(0));
    assert_eq!(
        lines,
        [
            "! no object may write them, as sgbind.dev/namespaces names no namespace: BARE-SG => aws ec2 create-tags \
         --resources BARE-SG --tags Key=sgbind.dev/namespaces,Value=\"NAMESPACE NAMESPACE\"",
            "! they name namespaces that do not exist: gone (in OLD-SG) => create the namespace, or take its name out of the \
         tag: whoever creates it may write these groups",
        ]
    );
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_before_aws_refuses() {
    let stage = Stage::with(well()).await;
    for (ahead, sign, code) in [(-200, "!", 0), (400, "×", 1)] {
        stage.proxy.date_answers_ahead_by(SignedDuration::from_secs(ahead));
        let (lines, ended) = stage.trouble().await;
        assert_eq!((lines.len(), ended), (1, Some(code)), "{lines:#?}");
        assert!(lines[0].starts_with(&format!("{sign} the clock of this machine is ")), "{lines:#?}");
    }
}

#[tokio::test]
async fn a_lease_that_has_ended_is_told_and_what_depends_on_it_is_skipped() {
    let stage = Stage::with(well()).await;
    stage.lease(3600 * 3 + 60).await;
    let (lines, code) = stage.trouble().await;
    assert_eq!(code, Some(1));
    let lines: Vec<&str> = lines.iter().map(|line| line.split(" => ").next().unwrap_or_default()).collect();
    assert_eq!(
        lines,
        [
            "× nobody leads: the lease of controller-1_0123456789abcdef ended, which renewed it 3 h ago",
            "! skipped: the controller's version: nobody leads",
            "! skipped: when all groups were compared last: nobody leads",
        ]
    );
}

#[tokio::test]
async fn a_controller_that_is_old_idle_or_not_ready_is_told() {
    let stage = Stage::with(well()).await;
    stage.world.apply("shop", "{loadBalancer: {name: shop}}").await;
    stage.ready(1).await;
    stage.metrics(&format!("sgbind_last_full_pass_timestamp_seconds 0.0\n{}# EOF\n", build("0.0.9")));
    let (lines, code) = stage.trouble().await;
    let lines: Vec<&str> = lines.iter().map(|line| line.split(" => ").next().unwrap_or_default()).collect();
    let expected = [
        "! Deployment team/sgbind-controller: 1 of 2 replicas are ready",
        "! the controller is sgbind 0.0.9, and this is 0.1.0",
        "! the leader has not compared all groups with AWS yet",
    ];
    assert_eq!((lines.as_slice(), code), (&expected[..], Some(0)));
}

#[tokio::test]
async fn a_real_controller_tells_its_version_and_its_last_pass() {
    let shop = well().internet_facing("shop").forward(443, "app").target_group("app", 8000).instance("APP-SG");
    let stage = Stage::with(shop).await;
    stage.world.apply("shop", "{loadBalancer: {name: shop}, clients: [{cidr: 10.0.0.0/8}]}").await;
    let controller = stage.world.controller(&["--leader-election", "false"]).await;
    let deadline = stage.world.deadline();
    loop {
        let (_, metrics) = controller.get("/metrics").await;
        stage.metrics(&metrics);
        let (lines, _) = stage.trouble().await;
        if lines.is_empty() {
            break;
        }
        assert!(deadline.is_ahead().await, "{lines:#?}");
    }
}

/// As before the first installation: nothing is there, and that is no failure.
#[tokio::test]
async fn before_the_installation_what_is_not_there_only_warns() {
    let stage = Stage::with(well()).await;
    let absent = r#"{"kind":"Status","status":"Failure","reason":"NotFound","code":404}"#;
    for path in [CRD, "/customresourcedefinitions/securitygroupaccesses.sgbind.dev"] {
        stage.front.answer(path, 404, absent);
    }
    let told = |told: stage::Told| (told.lines().into_iter().filter(|line| !line.starts_with('√')).count(), told.code);
    let elsewhere = ["--context", "front", "-n", "default"];
    assert_eq!(told(stage.check(&[&elsewhere[..], &["--pre"]].concat()).await), (8, Some(0)));
    let (_, code) = told(stage.check(&elsewhere).await);
    assert_eq!(code, Some(1));
}

#[tokio::test]
async fn what_fails_does_not_stop_what_does_not_need_it() {
    let stage = Stage::with(well()).await;
    stage.proxy.sever();
    let told = stage.check(&["--context", "nowhere"]).await;
    let lines: Vec<String> =
        told.lines().iter().map(|line| line.split(": ").take(2).collect::<Vec<_>>().join(": ")).collect();
    assert_eq!(told.code, Some(1));
    assert!(lines[0].starts_with("× the API server can't be reached: "), "{lines:#?}");
    assert!(lines[3].starts_with("× sts:GetCallerIdentity failed: AWS could not be reached"), "{lines:#?}");
    let skipped = lines.iter().filter(|line| line.starts_with("! skipped: ")).count();
    assert_eq!((skipped, lines.len()), (9, 11), "{lines:#?}");
}

/// Each account has its sections; one in which the role can't be assumed keeps no other from being checked.
#[tokio::test]
async fn other_accounts_are_checked_by_their_roles() {
    let stage = Stage::with(well()).await;
    let simulation = stage.world.simulation.as_ref().expect("AWS is simulated");
    simulation.aws.world().add_role("arn:aws:iam::210987654321:role/sgbind");
    let role = ["--account-role", "210987654321=arn:aws:iam::210987654321:role/sgbind"];
    let arguments = [&stage.here()[..], &role].concat();
    let of_other = |told: &stage::Told| -> Vec<String> {
        let titles = ["AWS 210987654321/eu-central-1", "Security groups 210987654321/eu-central-1"];
        let checks = told.checks().iter().zip(told.lines());
        let lines = checks.filter(|(check, _)| titles.iter().any(|title| check["section"] == *title));
        lines.map(|(_, line)| line).collect()
    };
    let told = stage.check(&arguments).await;
    let lines = of_other(&told);
    assert!(lines[0].starts_with("√ AWS knows us as arn:") && lines[0].contains(":210987654321:"), "{lines:#?}");
    assert_eq!((lines.len(), told.code), (26, Some(0)), "{lines:#?}");

    stage.proxy.inject(Fault::on("AssumeRole", Effect::refuse(403, "AccessDenied", "no")));
    let told = stage.check(&arguments).await;
    let lines = of_other(&told);
    assert!(lines[0].starts_with("× sts:AssumeRole for account 210987654321"), "{lines:#?}");
    assert_eq!((lines.len(), told.code), (4, Some(1)), "{lines:#?}");
    let others = told.checks().len() - lines.len();
    assert_eq!((others, &told.report["summary"]["ok"]), (44, &json!(45)));
}

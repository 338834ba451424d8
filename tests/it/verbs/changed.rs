//! The world changes between the plan that a person saw and what is done: what was confirmed is done, or nothing; nothing
//! that was not shown is ever done.

use std::time::Duration;

use serde_json::json;
use sgbind_sim::Fault;

use super::operator::Operator;
use crate::simulation::{Stage, in_virtual_time, these};
use crate::world::aws::ACCOUNT;
use crate::world::{Estate, estate, group};

const CLIENTS: &str = "ALB-SG in tcp 443 <- 0.0.0.0/0";
const OUT: &str = "ALB-SG out tcp 8000 -> APP-SG";
const IN: &str = "APP-SG in tcp 8000 <- ALB-SG";
const RULES: [&str; 3] = [CLIENTS, OUT, IN];
const SPEC: &str = "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}]}";
const MOVED: &str = "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}],
    targetGroups: [{name: app, ref: {name: app}, ports: [9000], healthCheckPort: 9000}]}";
const MOVED_RULES: [&str; 3] = [CLIENTS, "ALB-SG out tcp 9000 -> APP-SG", "APP-SG in tcp 9000 <- ALB-SG"];

fn standard() -> Estate {
    estate().internet_facing("shop").forward(443, "app").target_group("app", 8000).instance("APP-SG")
}

async fn applied(estate: Estate) -> Stage {
    let stage = Stage::with(1, estate).await;
    let first = Operator::new(&stage, "first").await;
    assert!(first.apply(&first.files(&[("shop", SPEC)])).await.is_well());
    stage
}

/// What by now would be otherwise than shown, in words of the test.
async fn news(
    operator: &Operator<'_>,
    stage: &Stage,
    files: &[sgbind::once::Asked],
    shown: &sgbind::once::Forecast,
) -> Vec<String> {
    operator.plan(files).await.news_since(shown).into_iter().map(|line| stage.world.named(line)).collect()
}

#[test]
fn where_nothing_has_changed_there_is_no_news() {
    in_virtual_time(async {
        let stage = applied(standard()).await;
        let operator = Operator::new(&stage, "second").await;
        let files = operator.files(&[("shop", MOVED)]);
        let shown = operator.plan(&files).await;
        assert_eq!(news(&operator, &stage, &files, &shown).await, [""; 0]);
    });
}

#[test]
fn more_to_be_done_is_news() {
    in_virtual_time(async {
        let stage = applied(standard()).await;
        let operator = Operator::new(&stage, "second").await;
        let files = operator.files(&[("shop", MOVED)]);
        let shown = operator.plan(&files).await;
        stage.world.revoke(&[CLIENTS]).await;
        let expected = ["this would be done too: authorize ALB-SG ingress tcp 443 from 0.0.0.0/0"];
        assert_eq!(news(&operator, &stage, &files, &shown).await, expected);
    });
}

#[test]
fn that_someone_else_did_it_is_no_news() {
    in_virtual_time(async {
        let stage = Stage::with(1, standard()).await;
        let operator = Operator::new(&stage, "first").await;
        let files = operator.files(&[("shop", SPEC)]);
        let shown = operator.plan(&files).await;
        stage.world.authorize(&[CLIENTS]).await;
        assert_eq!(news(&operator, &stage, &files, &shown).await, [""; 0]);
        let ended = operator.carry_out(&files, shown).await;
        assert!(ended.is_well(), "{ended:#?}");
        assert_eq!(stage.rules(), these(&RULES));
    });
}

#[test]
fn that_a_group_withdraws_consent_is_news() {
    in_virtual_time(async {
        let stage = Stage::with(1, standard()).await;
        let operator = Operator::new(&stage, "first").await;
        let files = operator.files(&[("shop", SPEC)]);
        let shown = operator.plan(&files).await;
        stage.world.withdraw_consent("APP-SG").await;
        let news = news(&operator, &stage, &files, &shown).await;
        let wait = "this would wait: authorize APP-SG ingress tcp 8000 from ALB-SG: NotPermitted";
        assert_eq!(news[0], wait);
        assert!(news[1].starts_with("ALBTargetBinding/team/shop: SecurityGroupNotOptedIn: "), "{news:#?}");
        assert_eq!(news.len(), 2);
    });
}

/// The same a moment later, when nobody is asked any more: nothing is written to a group without its consent.
#[test]
fn a_group_that_withdraws_consent_in_the_midst_of_it_is_not_written() {
    in_virtual_time(async {
        let stage = applied(standard()).await;
        let operator = Operator::new(&stage, "second").await;
        let files = operator.files(&[("shop", MOVED)]);
        let shown = operator.plan(&files).await;
        let (aws, key) = (stage.simulation.aws.clone(), format!("sgbind.dev/cluster/{}", stage.world.cluster()));
        let (scope, group) = (
            sgbind_sim::aws::Scope { account: ACCOUNT.into(), region: "eu-central-1".into() },
            stage.world.id("APP-SG"),
        );
        operator.process.observe(move |_| {
            let untag = sgbind_sim::aws::ec2::Untag { key: key.clone(), value: None };
            aws.world().delete_tags(&scope, std::slice::from_ref(&group), &[untag]).expect("the tag goes");
        });
        let ended = operator.carry_out(&files, shown).await;
        assert!(!ended.is_well());
        // The first writes, one to each group, were on their way. From then on nothing is revoked in the one; in the other
        // what is no longer needed goes, as all is there that is.
        assert_eq!(stage.rules(), these(&[MOVED_RULES.as_slice(), &[IN]].concat()), "{:#?}", operator.said());
    });
}

/// Someone makes the very rules between the plan and the writes: a duplicate is no failure, and the rule stays theirs.
#[test]
fn a_duplicate_by_someone_else_is_no_failure() {
    in_virtual_time(async {
        let stage = Stage::with(1, standard()).await;
        let operator = Operator::new(&stage, "first").await;
        let files = operator.files(&[("shop", SPEC)]);
        let shown = operator.plan(&files).await;
        let carried_out = operator.carry_out(&files, shown);
        let mut carried_out = std::pin::pin!(carried_out);
        let asks = || stage.writes(&operator.process).iter().any(|write| write.contains("Authorize"));
        let mut meddled = false;
        let ended = loop {
            tokio::select! {
                biased;
                ended = &mut carried_out => break ended,
                () = tokio::time::sleep(Duration::from_micros(100)) => {}
            }
            if asks() && !meddled && stage.rules().is_empty() {
                meddled = true;
                stage.world.authorize(&[OUT]).await;
            }
        };
        assert!(meddled, "a call was on its way");
        assert!(ended.is_well(), "{ended:#?}");
        assert_eq!(ended.report.done.len(), 3, "all are there: {:#?}", ended.report);
        assert_eq!(stage.rules(), these(&RULES));
    });
}

/// A rule that is needed goes by another hand in the midst of a move: what was shown as going stays, as it may be the only way.
#[test]
fn what_goes_by_another_hand_holds_what_was_shown_as_going() {
    in_virtual_time(async {
        let stage = applied(standard()).await;
        let operator = Operator::new(&stage, "second").await;
        let files = operator.files(&[("shop", MOVED)]);
        let shown = operator.plan(&files).await;
        stage.world.revoke(&[CLIENTS]).await;
        let ended = operator.carry_out(&files, shown).await;
        assert!(!ended.is_well());
        let words = operator.words(&ended.report.done);
        assert!(!words.contains(&format!("+{CLIENTS}")), "it was not shown: {words:#?}");
        assert!(stage.rules().contains(OUT), "{:#?}", stage.rules());
    });
}

/// A rule of ours that was to go is made anew by someone else: it is foreign now, and that a foreign one goes was not shown.
#[test]
fn a_rule_that_is_foreign_by_now_is_not_taken_for_one_of_ours() {
    in_virtual_time(async {
        let stage = applied(standard()).await;
        let operator = Operator::new(&stage, "second").await;
        let removes = MOVED.replacen("clients", "foreignRules: Remove, clients", 1);
        let files = operator.files(&[("shop", &removes)]);
        let shown = operator.plan(&files).await;
        stage.world.revoke(&[OUT]).await;
        stage.world.authorize(&[OUT]).await;
        let ended = operator.carry_out(&files, shown).await;
        assert!(!ended.is_well());
        assert_eq!(stage.rules(), these(&[MOVED_RULES.as_slice(), &[OUT]].concat()), "{:#?}", operator.said());
    });
}

/// Throttling is waited for; what is denied is told, and the rest is done.
#[test]
fn what_is_denied_is_told_and_the_rest_is_done() {
    in_virtual_time(async {
        let stage = Stage::with(1, standard()).await;
        stage.simulation.aws.world().dials.throttling = true;
        stage.simulation.aws.world().deny(ACCOUNT, "AuthorizeSecurityGroupEgress");
        let operator = Operator::new(&stage, "first").await;
        let ended = operator.apply(&operator.files(&[("shop", SPEC)])).await;
        assert!(!ended.is_well());
        assert_eq!(stage.rules(), these(&[CLIENTS, IN]));
        let refused: Vec<String> = ended
            .report
            .refused
            .iter()
            .map(|(step, _)| step.clone())
            .flat_map(|step| operator.words(&[step]))
            .collect();
        assert_eq!(refused, [format!("+{OUT}")]);
        assert!(ended.report.refused[0].1.contains("AuthorizeSecurityGroupEgress"), "{:?}", ended.report.refused);
    });
}

#[test]
fn a_lost_answer_counts_as_done_when_it_is_seen() {
    in_virtual_time(async {
        for fault in [Fault::AnswerLost, Fault::Throttled] {
            let stage = Stage::with(1, standard()).await;
            let operator = Operator::new(&stage, "first").await;
            operator.process.inject_into("AuthorizeSecurityGroupIngress", fault);
            let ended = operator.apply(&operator.files(&[("shop", SPEC)])).await;
            assert!(ended.is_well(), "{fault:?}: {ended:#?}");
            assert_eq!(stage.rules(), these(&RULES));
            assert_eq!(ended.report.done.len(), 3, "{fault:?}: {:#?}", ended.report);
        }
    });
}

/// EC2's answers may be seconds old: no rule is made twice, nothing needed goes, and nobody is told of a failure.
#[test]
fn answers_that_lag_are_waited_for() {
    in_virtual_time(async {
        for lag in [1, 3] {
            let stage = Stage::with(1, standard()).await;
            stage.simulation.aws.world().dials.lag = Duration::from_secs(lag);
            let first = Operator::new(&stage, "first").await;
            let ended = first.apply(&first.files(&[("shop", SPEC)])).await;
            assert!(ended.is_well(), "{lag} s: {ended:#?}");
            assert_eq!(stage.writes(&first.process).len(), 3, "one call for each direction of each group");
            // By then the second knows of what the first has made.
            tokio::time::sleep(Duration::from_secs(lag)).await;
            let second = Operator::new(&stage, "second").await;
            let ended = second.apply(&second.files(&[("shop", MOVED)])).await;
            assert!(ended.is_well(), "{lag} s: {ended:#?}");
            assert_eq!(stage.rules(), these(&MOVED_RULES));
            assert_eq!(stage.writes(&second.process).len(), 4, "{:#?}", stage.writes(&second.process));
        }
    });
}

/// More than the brake lets go: none beyond goes, what is held says so, and it is no success.
#[test]
fn the_brake_holds_what_is_beyond_it() {
    in_virtual_time(async {
        let stage = applied(standard()).await;
        let mut operator = Operator::new(&stage, "second").await.pruning();
        operator.terms.brake = Some(1);
        let ended = operator.apply(&[]).await;
        assert_eq!(ended.shown.steps.len(), 1);
        let held: Vec<&str> = ended.shown.held.iter().map(|held| held.reason.word()).collect();
        assert_eq!(held, ["MassRevocation", "MassRevocation"]);
        assert!(!ended.is_well());
        assert_eq!(stage.rules().len(), 2);
    });
}

/// A full group: what does not fit is held with the numbers, until a person permits a gap in the file.
#[test]
fn a_gap_is_permitted_by_the_file() {
    in_virtual_time(async {
        let db = || estate().group(group("DB-SG"));
        let stage = Stage::with(1, db()).await;
        let scope = sgbind_sim::aws::Scope { account: ACCOUNT.into(), region: "eu-central-1".into() };
        stage.simulation.aws.world().set_rules_per_group(&scope, 2);
        let mut operator = Operator::new(&stage, "first").await;
        operator.terms.rule_quota = Some(2);
        let spec = |networks: [&str; 2]| {
            let from = networks.map(|network| format!("{{cidr: {network}}}")).join(", ");
            format!("{{securityGroup: {{id: $DB-SG}}, ingress: [{{services: [PostgreSQL], from: [{from}]}}]}}")
        };
        let (wide, narrow) = (spec(["10.0.0.0/16", "10.1.0.0/16"]), spec(["10.0.0.0/24", "10.1.0.0/24"]));
        assert!(operator.apply(&operator.files(&[("sga/db", &wide)])).await.is_well());
        let before = stage.rules();
        let ended = operator.apply(&operator.files(&[("sga/db", &narrow)])).await;
        assert!(!ended.is_well(), "{ended:#?}");
        assert_eq!(stage.rules(), before);
        let reasons: std::collections::BTreeSet<&str> = ended.left.held.iter().map(|held| held.reason.word()).collect();
        assert!(reasons.contains("GapUnavoidable"), "{reasons:?}");
        let permitted = [operator.file("sga/db", json!({"sgbind.dev/allow-gap": "now"}), &narrow)];
        let ended = operator.apply(&permitted).await;
        assert!(ended.is_well(), "{ended:#?}");
        assert_eq!(stage.rules(), these(&["DB-SG in tcp 5432 <- 10.0.0.0/24", "DB-SG in tcp 5432 <- 10.1.0.0/24"]));
    });
}

/// What can't be read any more when it is confirmed is not written.
#[test]
fn a_group_that_can_not_be_read_by_now_is_not_written() {
    in_virtual_time(async {
        let stage = applied(standard()).await;
        let operator = Operator::new(&stage, "second").await;
        let files = operator.files(&[("shop", MOVED)]);
        let shown = operator.plan(&files).await;
        stage.simulation.aws.world().deny(ACCOUNT, "DescribeSecurityGroupRules");
        let ended = operator.carry_out(&files, shown).await;
        assert!(!ended.is_well());
        assert_eq!((stage.rules(), stage.writes(&operator.process)), (these(&RULES), vec![]));
    });
}

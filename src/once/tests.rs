//! What is foreseen, on surveys that are written down.

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::desired;
use crate::model::{Facts, GroupState, ObjectRef, Orphans, Quota, Resolution, Step, Usage};
use crate::testing::*;

/// Targets' groups of the facts.
const APP: &str = "sg-app";
const ALB: &str = "sg-alb";

/// A binding that admits one network to a load balancer with one target group on 8000.
fn surveyed(object: &str) -> (ObjectRef, Surveyed) {
    let mut declaration = declaration("{loadBalancer: {name: shop}, clients: [{cidr: 10.0.0.0/8}]}");
    declaration.object = crate::testing::object(object);
    let facts = facts(alb(&[443]), &[target_group("app", 8000, APP)]);
    surveyed_with(declaration, facts)
}

fn surveyed_with(declaration: Declaration, facts: Facts) -> (ObjectRef, Surveyed) {
    let desired = desired::of(&declaration.wants, &facts);
    let resolution = Resolution { facts, problems: Vec::new(), complete: true, absent: BTreeSet::new() };
    (declaration.object.clone(), Surveyed { declaration, created: None, resolution, desired, rolled_back: None })
}

fn state(id: &str) -> SurveyedGroup {
    let state = GroupState { key: key(id), ..group(Vec::new()) };
    SurveyedGroup { state, usage: Usage::BoundLoadBalancersOnly, quota: Quota::default() }
}

fn survey(objects: impl IntoIterator<Item = (ObjectRef, Surveyed)>, groups: &[&str]) -> Survey {
    Survey {
        us: us(),
        objects: objects.into_iter().collect(),
        groups: groups.iter().map(|id| (key(id), state(id))).collect(),
        problems: BTreeSet::new(),
        unknown: Vec::new(),
    }
}

fn terms() -> Terms {
    Terms {
        scope: ObjectScope::Given,
        orphans: Orphans::Report,
        brake: None,
        rule_quota: None,
        tightening_watch: Duration::ZERO,
        malformed: Vec::new(),
    }
}

/// The groups as they are when the forecast has come true.
fn come_true(survey: &Survey, forecast: &Forecast) -> Survey {
    let mut after = survey.clone();
    for step in &forecast.steps {
        let group = after.groups.get_mut(&step.group).expect("a group that was read");
        foresee::carry_out(&mut group.state, &survey.us, step);
    }
    after
}

#[test]
fn what_comes_first_is_made_everywhere_and_then_things_go() {
    let mut survey = survey([surveyed("shop")], &[ALB, APP]);
    let old = ours("ingress tcp 9000 from sg-alb", &["shop"]);
    survey.groups.get_mut(&key(APP)).expect("a group").state.rules.push(old);
    let forecast = foresee(&survey, &terms()).expect("a plan");
    let steps = texts(&forecast.steps);
    assert_eq!(
        steps,
        [
            "authorize sg-alb ingress tcp 443 from 10.0.0.0/8",
            "authorize sg-alb egress tcp 8000 to sg-app",
            "authorize sg-app ingress tcp 8000 from sg-alb",
            "revoke sg-app ingress tcp 9000 from sg-alb",
        ]
    );
    assert_eq!((forecast.held, forecast.problems), (vec![], vec![]));
}

#[test]
fn a_forecast_that_has_come_true_leaves_nothing_to_do() {
    let survey = survey([surveyed("shop"), surveyed("twin")], &[ALB, APP]);
    let forecast = foresee(&survey, &terms()).expect("a plan");
    assert_eq!(forecast.steps.len(), 3);
    let left = foresee(&come_true(&survey, &forecast), &terms()).expect("a plan");
    assert_eq!((left.steps, left.in_sync.len()), (Vec::<Step>::new(), 3));
}

/// What is needed elsewhere and can't be read holds what the object gives up here.
#[test]
fn a_group_that_could_not_be_read_holds_what_waits_for_it() {
    let mut survey = survey([surveyed("shop")], &[ALB]);
    let old = ours("egress tcp 9000 to sg-app", &["shop"]);
    survey.groups.get_mut(&key(ALB)).expect("a group").state.rules.push(old);
    let forecast = foresee(&survey, &terms()).expect("a plan");
    assert!(forecast.steps.iter().all(|step| step.action.makes()), "{:#?}", texts(&forecast.steps));
    let held: Vec<String> = forecast.held.iter().map(|held| format!("{}: {}", held.step, held.reason.word())).collect();
    assert_eq!(held, ["revoke sg-alb egress tcp 9000 to sg-app: Applying"]);
}

/// The brake counts over all groups and all rounds.
#[test]
fn the_brake_counts_over_all_groups() {
    let mut survey = survey([surveyed("shop")], &[ALB, APP]);
    for (id, rule) in
        [(ALB, "egress tcp 9000 to sg-app"), (ALB, "egress tcp 9001 to sg-app"), (APP, "ingress tcp 9000 from sg-alb")]
    {
        survey.groups.get_mut(&key(id)).expect("a group").state.rules.push(ours(rule, &["shop"]));
    }
    for brake in 0..=3 {
        let forecast = foresee(&survey, &Terms { brake: Some(brake), ..terms() }).expect("a plan");
        let revokes = forecast.steps.iter().filter(|step| step.action.revokes()).count();
        assert_eq!(revokes, brake as usize);
        let held: Vec<&str> = forecast.held.iter().map(|held| held.reason.word()).collect();
        assert_eq!(held, vec!["MassRevocation"; 3 - revokes]);
    }
}

/// News are what nobody was shown.
#[test]
fn news_are_steps_beside_those_shown_and_those_that_would_wait() {
    let nothing = survey([surveyed("shop")], &[ALB, APP]);
    let shown = foresee(&nothing, &terms()).expect("a plan");
    assert_eq!(shown.news_since(&shown), [""; 0]);
    let done = foresee(&come_true(&nothing, &shown), &terms()).expect("a plan");
    assert_eq!(done.news_since(&shown), [""; 0], "someone else has done it");
    assert_eq!(shown.news_since(&done).len(), 3, "someone has undone it");
    let mut withdrawn = nothing.clone();
    withdrawn.groups.get_mut(&key(APP)).expect("a group").state.tags.clear();
    let news = foresee(&withdrawn, &terms()).expect("a plan").news_since(&shown);
    assert_eq!(news[0], "this would wait: authorize sg-app ingress tcp 8000 from sg-alb: NotPermitted");
    assert!(news[1].starts_with("ALBTargetBinding/team-shop/shop: SecurityGroupNotOptedIn: "), "{news:#?}");
    assert_eq!(news.len(), 2);
}

/// What an object is for that nobody can understand is not known: what names it stays, and all else goes on.
#[test]
fn an_object_that_nobody_can_understand_holds_what_names_it() {
    let mut survey = survey([surveyed("shop")], &[ALB, APP]);
    let rules =
        [ours("ingress tcp 9000 from sg-alb", &["odd", "shop"]), ours("ingress tcp 9001 from sg-alb", &["shop"])];
    survey.groups.get_mut(&key(APP)).expect("a group").state.rules.extend(rules);
    let malformed = Malformed {
        object: crate::testing::object("odd"),
        stance: Stance::Enforce,
        messages: vec!["spec.region: not a Region".into()],
    };
    let terms = Terms { scope: ObjectScope::Everything, malformed: vec![malformed], ..terms() };
    let forecast = foresee(&survey, &terms).expect("a plan");
    let revokes: Vec<String> = texts(forecast.steps.iter().filter(|step| step.action.revokes()));
    assert_eq!(revokes, ["revoke sg-app ingress tcp 9001 from sg-alb"]);
    let held: Vec<String> = forecast.held.iter().map(|held| format!("{}: {}", held.step, held.reason)).collect();
    assert_eq!(held, ["revoke sg-app ingress tcp 9000 from sg-alb: Unresolved: ALBTargetBinding/team-shop/odd"]);
}

/// The status says that foreign rules were put back: none goes before a person says so.
#[test]
fn what_was_rolled_back_is_not_taken_again() {
    let removing = "{loadBalancer: {name: shop}, clients: [{cidr: 10.0.0.0/8}], foreignRules: Remove}";
    let (object, shop) = surveyed_with(declaration(removing), facts(alb(&[443]), &[target_group("app", 8000, APP)]));
    let planned = |rolled_back: Option<GroupKey>| {
        let mut survey = survey([(object.clone(), Surveyed { rolled_back, ..shop.clone() })], &[ALB, APP]);
        survey.groups.get_mut(&key(ALB)).expect("a group").state.rules.push(foreign("egress all to 0.0.0.0/0"));
        let forecast = foresee(&survey, &terms()).expect("a plan");
        let revokes = forecast.steps.iter().filter(|step| step.action.revokes()).count();
        (revokes, forecast.held.iter().map(|held| held.reason.word()).collect::<Vec<_>>())
    };
    assert_eq!(planned(None), (1, vec![]));
    assert_eq!(planned(Some(key(APP))), (1, vec![]));
    assert_eq!(planned(Some(key(ALB))), (0, vec!["TighteningRolledBack"]));
}

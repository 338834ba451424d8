//! Some of the objects are given, and a rule may name one that is not.

use super::*;

fn given(scene: Scene) -> Scene {
    Scene { selection: Selection::Given, ..scene }
}

fn cut(text: &str, names: &[&str]) -> ActualRule {
    let mut rule = ours(text, names);
    rule.description.push_str("...");
    rule
}

const HELD: &str = "held, OutsideSelection: revoke sg-1 ingress tcp 9000 from sg-alb";

#[test]
fn what_names_only_given_objects_goes() {
    let scene = Scene::new(vec![claim("shop", &[])], vec![ours(HEALTH, &["shop"])]);
    assert_plan(&given(scene), &["revoke sg-1 ingress tcp 9000 from sg-alb"]);
}

#[test]
fn what_names_another_or_may_do_so_stays() {
    for rule in [ours(HEALTH, &["other"]), ours(HEALTH, &["other", "shop"]), cut(HEALTH, &["shop"])] {
        let scene = Scene::new(vec![claim("shop", &[HTTP])], vec![ours(HTTP, &["shop"]), rule]);
        assert_plan(&given(scene), &[HELD]);
    }
}

#[test]
fn where_the_given_ones_are_all_that_there_are_it_goes() {
    let rules = || vec![ours(HTTP, &["shop"]), ours(HEALTH, &["other"])];
    let scene = Scene::new(vec![claim("shop", &[HTTP])], rules());
    let pruning = Scene { orphans: Orphans::Revoke, ..scene };
    assert_plan(&pruning, &["revoke sg-1 ingress tcp 9000 from sg-alb"]);
}

#[test]
fn no_name_goes_from_the_description_of_a_rule_that_is_needed() {
    let scene = Scene::new(vec![claim("shop", &[HTTP])], vec![ours(HTTP, &["other", "shop"])]);
    assert_plan(&given(scene.clone()), &[]);
    // Whoever is given and needs the rule too is added.
    let both = Scene::new(vec![claim("blue", &[HTTP]), claim("shop", &[HTTP])], scene.group.rules.clone());
    let plan = given(both).plan();
    let [step] = &plan.steps[..] else { panic!("{:?}", outline(&plan)) };
    assert_eq!(step.description, "sgbind prod: alb/team-shop/blue, alb/team-shop/other, alb/team-shop/shop");
    assert_plan(&scene, &["describe sg-1 ingress tcp 8000 from sg-alb"]);
}

#[test]
fn foreign_rules_stay_where_another_may_have_a_say() {
    let shop = || governing_all(removing(claim("shop", &[HTTP])));
    let scene = |rules| given(Scene::new(vec![shop()], rules));
    let alone = scene(vec![ours(HTTP, &["shop"]), foreign(DEFAULT_EGRESS)]);
    assert_plan(&alone, &["revoke sg-1 egress all to 0.0.0.0/0"]);
    for rule in [ours(HTTP, &["other", "shop"]), cut(HTTP, &["shop"])] {
        assert_plan(
            &scene(vec![rule, foreign(DEFAULT_EGRESS)]),
            &["held, OutsideSelection: revoke sg-1 egress all to 0.0.0.0/0"],
        );
    }
}

#[test]
fn with_one_namespace_no_name_of_another_goes_from_a_description() {
    let named = |text: &str| {
        let mut rule = ours(HTTP, &["shop"]);
        rule.description = text.into();
        Scene { selection: Selection::Namespace("team-shop"), ..Scene::new(vec![claim("shop", &[HTTP])], vec![rule]) }
    };
    assert_plan(&named("sgbind prod: alb/another/app, alb/team-shop/shop"), &[]);
    assert_plan(
        &named("sgbind prod: alb/team-shop/app, alb/team-shop/shop"),
        &["describe sg-1 ingress tcp 8000 from sg-alb"],
    );
}

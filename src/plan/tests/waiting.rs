//! Steps that wait: for a person to release the brake, and for who keeps undoing them.

use super::*;

const BRAKED: &str = "held, MassRevocation: at most 100 rules are revoked within ten minutes, and this is one more. Nothing goes on \
                      by itself. If the rest is to go too, raise --revocation-brake; if not, declare again what needs these rules: ";

#[test]
fn what_is_beyond_the_brake_waits_ours_or_foreign() {
    let claims = vec![removing(governing_all(claim("shop", &[])))];
    let scene = Scene::new(claims, vec![ours(HTTP, &["shop"]), ours(HEALTH, &["shop"]), foreign(DEFAULT_EGRESS)]);
    let one_goes = Scene { allowance: allowance(1, 100), ..scene.clone() };
    assert_plan(
        &one_goes,
        &[
            "revoke sg-1 egress all to 0.0.0.0/0",
            &format!("{BRAKED}revoke sg-1 ingress tcp 8000 from sg-alb"),
            &format!("{BRAKED}revoke sg-1 ingress tcp 9000 from sg-alb"),
        ],
    );
    let none_goes = Scene { allowance: allowance(0, 100), ..scene };
    assert!(none_goes.plan().steps.is_empty());
}

#[test]
fn the_brake_lets_all_else_be_done() {
    let gone = leaving(claim("gone", &[]), Farewell::Retain);
    let rules = vec![ours(HEALTH, &["gone"])];
    let scene = Scene { allowance: allowance(0, 100), ..Scene::new(vec![gone, claim("shop", &[HTTP])], rules) };
    assert_plan(&scene, &["authorize sg-1 ingress tcp 8000 from sg-alb", "release sg-1 ingress tcp 9000 from sg-alb"]);
}

#[test]
fn what_is_held_for_another_reason_uses_none_of_the_allowance() {
    let claims = vec![observing(claim("frozen", &[])), claim("shop", &[])];
    let rules = vec![ours(HEALTH, &["frozen"]), ours(HTTP, &["shop"])];
    let scene = Scene { allowance: allowance(1, 100), ..Scene::new(claims, rules) };
    assert_plan(
        &scene,
        &["revoke sg-1 ingress tcp 8000 from sg-alb", "held, Observe: revoke sg-1 ingress tcp 9000 from sg-alb"],
    );
}

#[test]
fn a_rule_that_someone_keeps_undoing_waits_and_the_others_are_made() {
    let scene = Scene { contested: specs(&[HTTP]), ..Scene::new(vec![claim("shop", &[HTTP, HEALTH])], vec![]) };
    assert_plan(
        &scene,
        &[
            "authorize sg-1 ingress tcp 9000 from sg-alb",
            "held, Contested: authorize sg-1 ingress tcp 8000 from sg-alb",
        ],
    );
}

#[test]
fn what_was_there_before_a_contested_rule_stays_while_that_is_missing() {
    let rules = vec![ours(HEALTH, &["shop"]), ours("ingress tcp 1 from sg-alb", &["other"])];
    let claims = vec![claim("shop", &[HTTP]), claim("other", &[])];
    let scene = Scene { contested: specs(&[HTTP]), ..Scene::new(claims, rules) };
    assert_plan(
        &scene,
        &[
            "revoke sg-1 ingress tcp 1 from sg-alb",
            "held, Contested: authorize sg-1 ingress tcp 8000 from sg-alb",
            "held, Contested: revoke sg-1 ingress tcp 9000 from sg-alb",
        ],
    );
}

#[test]
fn a_contested_rule_that_is_there_holds_nothing() {
    let rules = vec![ours(HTTP, &["shop"]), ours(HEALTH, &["shop"])];
    let scene = Scene { contested: specs(&[HTTP]), ..Scene::new(vec![claim("shop", &[HTTP])], rules) };
    assert_plan(&scene, &["revoke sg-1 ingress tcp 9000 from sg-alb"]);
}

#[test]
fn a_foreign_rule_that_keeps_coming_back_waits_and_the_others_go() {
    let rules = vec![foreign(DEFAULT_EGRESS), foreign("ingress tcp 22 from 0.0.0.0/0")];
    let claims = vec![removing(governing_all(claim("shop", &[])))];
    let scene = Scene { contested: specs(&[DEFAULT_EGRESS]), ..Scene::new(claims, rules) };
    assert_plan(
        &scene,
        &[
            "revoke sg-1 ingress tcp 22 from 0.0.0.0/0 (interrupts untracked connections)",
            "held, Contested: revoke sg-1 egress all to 0.0.0.0/0 (interrupts untracked connections)",
        ],
    );
}

#[test]
fn what_is_under_way_waits_for_the_brake_too_once_nothing_is_left() {
    let moving = Claim { elsewhere: Elsewhere::Pending, ..claim("shop", &[]) };
    let scene = Scene::new(vec![moving], vec![ours(HTTP, &["shop"])]);
    let left = |left| Scene { allowance: allowance(left, 100), ..scene.clone() };
    assert_plan(&left(1), &["held, Applying: revoke sg-1 ingress tcp 8000 from sg-alb"]);
    assert_plan(&left(0), &[&format!("{BRAKED}revoke sg-1 ingress tcp 8000 from sg-alb")]);
}

#[test]
fn what_has_just_been_revoked_and_is_still_shown_counts_once() {
    let rules = vec![ours(HTTP, &["shop"]), ours(HEALTH, &["shop"])];
    let mut scene = Scene { allowance: allowance(0, 100), ..Scene::new(vec![claim("shop", &[])], rules) };
    scene.allowance.counted.insert(scene.group.rules[1].id.clone());
    assert_plan(
        &scene,
        &["revoke sg-1 ingress tcp 9000 from sg-alb", &format!("{BRAKED}revoke sg-1 ingress tcp 8000 from sg-alb")],
    );
}

#[test]
fn the_brake_opens_no_gap_half_way() {
    // Both must go for one rule, which a list makes count twice.
    let old = ["ingress tcp 443 from 10.0.0.0/8", "ingress tcp 443 from 10.1.0.0/16"];
    let shop = Claim { gap_permitted: true, ..claim("shop", &["ingress tcp 443 from pl-1", "egress tcp 1 to sg-app"]) };
    let egress = "egress tcp 2 to sg-app";
    let rules = vec![ours(old[0], &["shop"]), ours(old[1], &["shop"]), ours(egress, &["shop"])];
    let mut scene = Scene::new(vec![shop], rules);
    scene.group.rules.push(ours("egress tcp 1 to sg-app", &["shop"]));
    scene.quota.limit = 2;
    scene.quota.lists.insert("pl-1".into(), ListWeight { family: Some(Family::V4), rules: 2 });
    let goes = |left| texts(&Scene { allowance: allowance(left, 100), ..scene.clone() }.plan().steps);
    let [one, other, apart] = [old[0], old[1], egress].map(|text| format!("revoke sg-1 {text}"));
    assert_eq!(goes(3), [apart.clone(), one.clone(), other.clone()]);
    assert_eq!(goes(2), [one, other]);
    assert_eq!(goes(1), [apart]);
    assert_eq!(goes(0), [""; 0]);
}

//! Rules of ours that no object accounts for.

use super::*;
use crate::check;

fn revoking(scene: Scene) -> Scene {
    Scene { orphans: Orphans::Revoke, ..scene }
}

fn cut(text: &str, names: &[&str]) -> ActualRule {
    let mut rule = ours(text, names);
    rule.description.push_str("...");
    rule
}

/// What the plan comes to, once it has passed the check.
#[track_caller]
fn assert_checked(scene: &Scene, expected: &[&str]) {
    assert_plan(scene, expected);
    check::plan(&scene.input(), scene.plan()).expect("a plan that passes");
}

const GOES: &str = "revoke sg-1 ingress tcp 9000 from sg-alb";

#[test]
fn they_are_reported_and_stay() {
    let rules = vec![ours(HTTP, &["shop"]), ours(HEALTH, &["gone"])];
    let scene = Scene::new(vec![claim("shop", &[HTTP])], rules);
    assert_checked(&scene, &["held, Orphan: revoke sg-1 ingress tcp 9000 from sg-alb"]);
    // Told to whoever has to do with the group, and no surplus of theirs.
    let plan = scene.plan();
    assert_eq!(plan.held[0].step.objects, objects(&["gone", "shop"]));
    assert!(plan.standing[&object("shop")].surplus.is_empty());
    // In a group that nobody claims, too.
    let scene = Scene::new(vec![], vec![ours(HEALTH, &["gone"]), cut(HTTP, &["gone"]), foreign(DEFAULT_EGRESS)]);
    assert_checked(
        &scene,
        &[
            "held, Orphan: revoke sg-1 ingress tcp 8000 from sg-alb",
            "held, Orphan: revoke sg-1 ingress tcp 9000 from sg-alb",
        ],
    );
}

#[test]
fn a_group_that_an_object_has_left_is_not_told_of_to_it() {
    let plan = Scene::new(vec![claim("left", &[])], vec![ours(HEALTH, &["gone"])]).plan();
    assert_eq!(plan.held[0].step.objects, objects(&["gone"]));
}

#[test]
fn a_rule_that_names_someone_who_is_left_is_no_orphan() {
    let scene = Scene::new(vec![claim("shop", &[])], vec![ours(HEALTH, &["gone", "shop"])]);
    assert_checked(&scene, &[GOES]);
}

#[test]
fn they_go_where_they_are_to() {
    for claims in [vec![claim("shop", &[HTTP])], vec![leaving(claim("shop", &[]), Farewell::Revoke)], vec![]] {
        let needed =
            if claims.iter().any(|claim| !claim.rules.is_empty()) { vec![ours(HTTP, &["shop"])] } else { vec![] };
        let rules = [needed, vec![ours(HEALTH, &["gone"])]].concat();
        assert_checked(&revoking(Scene::new(claims, rules)), &[GOES]);
    }
}

#[test]
fn one_that_other_clusters_need_is_released() {
    let scene = revoking(Scene::new(vec![], vec![ours_and(&["stage"], HEALTH, &["gone"])]));
    assert_checked(&scene, &["release sg-1 ingress tcp 9000 from sg-alb"]);
}

#[test]
fn they_go_only_with_consent_for_all_whom_they_name() {
    let kept = ["held, NotPermitted: revoke sg-1 ingress tcp 9000 from sg-alb"];
    let scene = |names: &[&str]| revoking(Scene::new(vec![], vec![ours(HEALTH, names)]));
    assert_checked(&scene(&["gone"]).tagged(Tags::new()), &kept);
    assert_checked(&scene(&["gone"]).tagged(opted_in("owned", "team-other")), &kept);
    assert_checked(&scene(&["gone", "team-other/gone"]).tagged(opted_in("owned", NAMESPACE)), &kept);
    assert_checked(&scene(&["gone"]).tagged(opted_in("shared", NAMESPACE)), &[GOES]);
    // A cut description may name any namespace.
    let scene = revoking(Scene::new(vec![], vec![cut(HEALTH, &["gone"])]));
    assert_checked(&scene.clone().tagged(opted_in("owned", NAMESPACE)), &kept);
    assert_checked(&scene, &[GOES]);
}

#[test]
fn they_stay_while_someone_may_need_them() {
    let scene = revoking(Scene::new(vec![], vec![ours(HEALTH, &["gone"])]));
    let unheard = Scene { unheard: true, ..scene };
    assert_checked(&unheard, &["held, Applying: revoke sg-1 ingress tcp 9000 from sg-alb"]);
    // One that someone needed until lately.
    let keeping = Claim { retained: Retained::These(specs(&[HEALTH])), ..claim("shop", &[]) };
    let scene = revoking(Scene::new(vec![keeping], vec![ours(HEALTH, &["gone"])]));
    assert_checked(&scene, &["held, RevocationDelay: revoke sg-1 ingress tcp 9000 from sg-alb"]);
    // A cut description may name anyone.
    let scene = revoking(Scene::new(vec![], vec![cut(HEALTH, &["gone"])]));
    assert_checked(
        &scene.clone().knowing("other/lost", Knowledge::Incomplete),
        &["held, Unresolved: ALBTargetBinding/other/lost: revoke sg-1 ingress tcp 9000 from sg-alb"],
    );
    assert_checked(
        &scene.clone().knowing("other/late", Knowledge::Stale),
        &["held, Applying: revoke sg-1 ingress tcp 9000 from sg-alb"],
    );
    assert_checked(&scene.knowing("other/fresh", Knowledge::Fresh), &[GOES]);
}

#[test]
fn observe_freezes_them() {
    let kept = ["held, Observe: revoke sg-1 ingress tcp 9000 from sg-alb"];
    let observed = |claims| revoking(Scene::new(claims, vec![ours(HEALTH, &["gone"])]));
    assert_checked(&observed(vec![observing(claim("shop", &[]))]), &kept);
    assert_checked(&observed(vec![observing(claim("shop", &[])), claim("other", &[])]), &[GOES]);
    // Whoever only observes may have forgotten that it has to do with the group.
    let mut scene = revoking(Scene::new(vec![], vec![ours(HEALTH, &["shop"])])).knowing("shop", Knowledge::Fresh);
    assert_checked(&scene, &[GOES]);
    scene.known.values_mut().for_each(|known| known.stance = Stance::Observe);
    assert_checked(&scene, &kept);
}

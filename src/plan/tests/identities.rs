//! Rules that carry our cluster's name with another identity.

use super::*;

fn of_identity(identity: &str, text: &str) -> ActualRule {
    ActualRule { tags: tags(&[("sgbind.dev/cluster/prod", identity)]), ..ours(text, &["shop"]) }
}

#[test]
fn a_needed_rule_of_another_identity_is_a_conflict_and_stays() {
    let plan = Scene::new(vec![claim("shop", &[HTTP])], vec![of_other_identity(HTTP)]).plan();
    assert_eq!(outline(&plan), [""; 0]);
    assert_eq!(problems(&plan), ["ALBTargetBinding/team-shop/shop: IdentityConflict"]);
    assert_eq!(
        plan.problems[0].problem.message,
        "rule sgr-ingress-tcp-8000-from-sg-alb (ingress tcp 8000 from sg-alb) of security group sg-1 belongs to another \
         cluster that also calls itself prod (identity another-uid): give one of them another --cluster-name; if that \
         cluster is gone because it was built anew, take its rules over with --take-over another-uid; if it is the one that plan \
         or apply is to work for, run them with --identity another-uid"
    );
}

#[test]
fn a_conflict_is_told_once_for_each_identity_to_whoever_has_to_do_with_the_group() {
    let rules =
        vec![of_identity("two", HEALTH), of_identity("one", HTTP), of_identity("two", "ingress tcp 9001 from sg-alb")];
    let claims = vec![
        governing_all(observing(claim("watches", &[]))),
        claim("shop", &[DEFAULT_EGRESS]),
        claim("left", &[]),
        leaving(claim("leaves", &[HTTP]), Farewell::Revoke),
        claim("elsewhere/refused", &[HTTP]),
    ];
    let plan = Scene::new(claims, rules).tagged(opted_in("owned", NAMESPACE)).plan();
    assert_eq!(texts(&plan.steps), ["authorize sg-1 egress all to 0.0.0.0/0"]);
    assert_eq!(
        problems(&plan),
        [
            "ALBTargetBinding/elsewhere/refused: NamespaceNotAllowed",
            "ALBTargetBinding/team-shop/shop: IdentityConflict",
            "ALBTargetBinding/team-shop/shop: IdentityConflict",
            "ALBTargetBinding/team-shop/watches: IdentityConflict",
            "ALBTargetBinding/team-shop/watches: IdentityConflict",
        ]
    );
    let messages: Vec<&str> = plan.problems[1..3].iter().map(|each| each.problem.message.as_str()).collect();
    assert!(messages[0].starts_with("2 rules of security group sg-1, such as sgr-ingress-tcp-9000"), "{messages:#?}");
    assert!(messages[1].contains("(identity one)"), "{messages:#?}");
}

#[test]
fn rules_of_a_former_cluster_are_tagged_anew_needed_or_not() {
    let rules = vec![of_former(HTTP, &["shop"]), of_former(HEALTH, &["gone"]), of_other_identity(DEFAULT_EGRESS)];
    let mut scene = taking_over(Scene::new(vec![claim("shop", &[HTTP])], rules));
    let plan = scene.plan();
    assert_eq!(outline(&plan), ["adopt sg-1 ingress tcp 8000 from sg-alb", "adopt sg-1 ingress tcp 9000 from sg-alb"]);
    assert_eq!(plan.standing[&object("shop")].in_place, specs(&[HTTP]));
    assert_eq!(problems(&plan), ["ALBTargetBinding/team-shop/shop: IdentityConflict"]);
    assert!(plan.problems[0].problem.message.contains("another-uid"), "{:?}", plan.problems);
    // From then on they are as all of ours, with the flag or without.
    for rule in &mut scene.group.rules[..2] {
        rule.tags = tags(&[("sgbind.dev/cluster/prod", "uid-of-prod")]);
    }
    let expected = ["held, Orphan: revoke sg-1 ingress tcp 9000 from sg-alb"];
    assert_plan(&scene, &expected);
    assert_plan(&Scene { us: us(), ..scene }, &expected);
}

#[test]
fn nothing_is_taken_over_where_nobody_may_write() {
    let scene = |claims| taking_over(Scene::new(claims, vec![of_former(HTTP, &["shop"])]));
    let held = |why: &str| vec![format!("held, {why}: adopt sg-1 ingress tcp 8000 from sg-alb")];
    assert_eq!(outline(&scene(vec![observing(claim("shop", &[HTTP]))]).plan()), held("Observe"));
    let unrecorded = Claim { recorded: false, ..claim("shop", &[HTTP]) };
    assert_eq!(outline(&scene(vec![unrecorded]).plan()), held("Applying"));
    let refused = scene(vec![claim("shop", &[HTTP])]).tagged(Tags::new());
    assert_eq!(outline(&refused.plan()), held("NotPermitted"));
    assert_eq!(outline(&scene(vec![]).plan()), held("Orphan"));
    // Whoever is being deleted takes them over, so that they go.
    let leaves = leaving(claim("shop", &[]), Farewell::Revoke);
    let leaves = Claim { recorded: false, ..leaves };
    assert_plan(&scene(vec![leaves]), &["adopt sg-1 ingress tcp 8000 from sg-alb"]);
}

//! Each test is a sentence of the specification: who claims what of a group, what is there, and all
//! that the plan then comes to.

mod tightening;
mod quota;
mod identities;
mod orphans;
mod selection;
mod unknown;
mod waiting;

use super::*;
use crate::api::ForeignRules;
use crate::model::*;
use crate::testing::*;

const HTTP: &str = "ingress tcp 8000 from sg-alb";
const HEALTH: &str = "ingress tcp 9000 from sg-alb";
const DEFAULT_EGRESS: &str = "egress all to 0.0.0.0/0";

#[track_caller]
fn assert_plan(scene: &Scene, expected: &[&str]) {
    assert_eq!(outline(&scene.plan()), expected);
}

fn observing(claim: Claim) -> Claim {
    Claim { stance: Stance::Observe, ..claim }
}

fn leaving(claim: Claim, farewell: Farewell) -> Claim {
    Claim { stance: Stance::Leaving(farewell), ..claim }
}

fn removing(claim: Claim) -> Claim {
    Claim { foreign_rules: ForeignRules::Remove, ..claim }
}

/// Governs the whole group, as the binding of a load balancer does with all clients declared.
fn governing_all(claim: Claim) -> Claim {
    Claim { governs: governing(Extent::Everything, Extent::Everything), ..claim }
}

fn guarded(claim: Claim) -> Claim {
    let governs = Governed { unless_used_elsewhere: true, ..claim.governs.clone() };
    Claim { governs, ..claim }
}

fn by_default(claim: Claim) -> Claim {
    let rules = claim.rules.into_iter().map(|(spec, need)| (spec, Need { by_default: true, ..need })).collect();
    Claim { rules, ..claim }
}

fn of_listeners(claim: Claim) -> Claim {
    let aspect = Some(Aspect::ListenerIngress);
    let rules = claim.rules.into_iter().map(|(spec, need)| (spec, Need { aspect, ..need })).collect();
    Claim { rules, ..claim }
}

// What is needed

#[test]
fn missing_rules_are_authorized_one_for_each_port() {
    let scene = Scene::new(vec![claim("shop", &[HTTP, HEALTH])], vec![]);
    assert_plan(
        &scene,
        &["authorize sg-1 ingress tcp 8000 from sg-alb", "authorize sg-1 ingress tcp 9000 from sg-alb"],
    );
    let plan = scene.plan();
    assert_eq!(plan.steps[0].description, "sgbind prod: alb/team-shop/shop");
    assert_eq!(plan.steps[0].objects, objects(&["shop"]));
    let standing = &plan.standing[&object("shop")];
    assert_eq!(standing.desired, specs(&[HTTP, HEALTH]));
    assert_eq!(standing.missing(), specs(&[HTTP, HEALTH]));
}

#[test]
fn nothing_is_written_where_nothing_differs() {
    let scene = Scene::new(vec![claim("shop", &[HTTP])], vec![ours(HTTP, &["shop"])]);
    assert_plan(&scene, &[]);
    assert_eq!(scene.plan().standing[&object("shop")].in_place, specs(&[HTTP]));
}

#[test]
fn the_rules_of_a_group_are_the_union_over_all_objects() {
    let scene = Scene::new(vec![claim("blue", &[HTTP]), claim("green", &[HTTP, HEALTH])], vec![]);
    let plan = scene.plan();
    assert_eq!(
        outline(&plan),
        ["authorize sg-1 ingress tcp 8000 from sg-alb", "authorize sg-1 ingress tcp 9000 from sg-alb"]
    );
    assert_eq!(plan.steps[0].description, "sgbind prod: alb/team-shop/blue, alb/team-shop/green");
    assert_eq!(plan.steps[1].description, "sgbind prod: alb/team-shop/green");
}

#[test]
fn a_peer_of_another_account_is_authorized_with_it() {
    let mut one = claim("shop", &[HTTP]);
    for need in one.rules.values_mut() {
        need.peer_account = Some("210987654321".into());
    }
    let plan = Scene::new(vec![one], vec![]).plan();
    assert_eq!(plan.steps[0].action, Action::Authorize { peer_account: Some("210987654321".into()) });
}

#[test]
fn what_aws_has_just_refused_is_not_tried_again_in_this_pass() {
    let mut scene = Scene::new(vec![claim("shop", &[HTTP, HEALTH])], vec![]);
    scene.refused = specs(&[HTTP]);
    assert_plan(&scene, &["authorize sg-1 ingress tcp 9000 from sg-alb"]);
    assert_eq!(scene.plan().standing[&object("shop")].missing(), specs(&[HTTP, HEALTH]));
}

#[test]
fn nothing_is_written_for_an_object_before_its_status_names_the_group() {
    let unrecorded = Claim { recorded: false, ..claim("shop", &[HTTP]) };
    let scene = Scene::new(vec![unrecorded], vec![]);
    assert_plan(&scene, &["held, Applying: authorize sg-1 ingress tcp 8000 from sg-alb"]);
}

#[test]
fn a_rule_that_is_there_is_never_widened_nor_merged() {
    let wide = "ingress tcp 8000-9000 from sg-alb";
    let scene = Scene::new(vec![claim("shop", &[HTTP, HEALTH])], vec![ours(wide, &["shop"])]);
    assert_plan(
        &scene,
        &[
            "authorize sg-1 ingress tcp 8000 from sg-alb",
            "authorize sg-1 ingress tcp 9000 from sg-alb",
            "revoke sg-1 ingress tcp 8000-9000 from sg-alb",
        ],
    );
}

// Descriptions

#[test]
fn a_description_is_kept_true() {
    let scene = Scene::new(vec![claim("blue", &[HTTP]), claim("green", &[HTTP])], vec![ours(HTTP, &["blue", "gone"])]);
    assert_plan(&scene, &["describe sg-1 ingress tcp 8000 from sg-alb"]);
    assert_eq!(scene.plan().steps[0].description, "sgbind prod: alb/team-shop/blue, alb/team-shop/green");
}

#[test]
fn a_description_is_kept_true_by_the_cluster_whose_tag_sorts_first() {
    let shared = |other| Scene::new(vec![claim("blue", &[HTTP])], vec![ours_and(&[other], HTTP, &["blue", "gone"])]);
    assert_plan(&shared("stage"), &["describe sg-1 ingress tcp 8000 from sg-alb"]);
    assert_plan(&shared("dev"), &[]);
}

#[test]
fn a_description_goes_on_naming_whom_the_delay_spares() {
    let keeping = Claim { retained: Retained::These(specs(&[HTTP])), ..claim("green", &[]) };
    let scene = Scene::new(vec![claim("blue", &[HTTP]), keeping], vec![ours(HTTP, &["blue", "green"])]);
    assert_plan(&scene, &[]);
}

// What is no longer needed

#[test]
fn surplus_is_revoked_by_id() {
    let scene = Scene::new(vec![claim("shop", &[HTTP])], vec![ours(HTTP, &["shop"]), ours(HEALTH, &["shop"])]);
    assert_plan(&scene, &["revoke sg-1 ingress tcp 9000 from sg-alb"]);
    let plan = scene.plan();
    let id = scene.group.rules[1].id.clone();
    assert_eq!(plan.steps[0].action, Action::Revoke { id, foreign: false });
    assert_eq!(plan.standing[&object("shop")].surplus, specs(&[HEALTH]));
}

#[test]
fn what_is_needed_comes_before_what_goes() {
    let scene = Scene::new(vec![claim("shop", &[HTTP])], vec![ours(HEALTH, &["shop"])]);
    assert_plan(&scene, &["authorize sg-1 ingress tcp 8000 from sg-alb", "revoke sg-1 ingress tcp 9000 from sg-alb"]);
}

#[test]
fn what_one_object_leaves_another_may_still_need() {
    let gone = leaving(claim("blue", &[HTTP]), Farewell::Revoke);
    let scene = Scene::new(vec![gone, claim("green", &[HTTP])], vec![ours(HTTP, &["blue", "green"])]);
    assert_plan(&scene, &["describe sg-1 ingress tcp 8000 from sg-alb"]);
    assert_eq!(scene.plan().steps[0].description, "sgbind prod: alb/team-shop/green");
}

#[test]
fn surplus_waits_until_what_was_refused_is_there() {
    let mut scene = Scene::new(vec![claim("shop", &[HTTP])], vec![ours(HEALTH, &["shop"])]);
    scene.refused = specs(&[HTTP]);
    assert_plan(&scene, &["held, Applying: revoke sg-1 ingress tcp 9000 from sg-alb"]);
}

#[test]
fn surplus_waits_until_the_objects_other_groups_have_their_rules() {
    let moving = Claim { elsewhere: Elsewhere::Pending, ..claim("shop", &[]) };
    let scene = Scene::new(vec![moving], vec![ours(HTTP, &["shop"])]);
    assert_plan(&scene, &["held, Applying: revoke sg-1 ingress tcp 8000 from sg-alb"]);
}

#[test]
fn a_group_that_an_object_has_moved_away_from_is_cleaned() {
    let scene = Scene::new(vec![claim("shop", &[])], vec![ours(HTTP, &["shop"])]);
    assert_plan(&scene, &["revoke sg-1 ingress tcp 8000 from sg-alb"]);
}

#[test]
fn a_revoke_that_follows_only_from_what_aws_says_waits_for_the_delay() {
    let flapping = Claim { retained: Retained::These(specs(&[HTTP])), ..claim("shop", &[]) };
    let scene = Scene::new(vec![flapping], vec![ours(HTTP, &["shop"]), ours(HEALTH, &["shop"])]);
    assert_plan(
        &scene,
        &[
            "revoke sg-1 ingress tcp 9000 from sg-alb",
            "held, RevocationDelay: revoke sg-1 ingress tcp 8000 from sg-alb",
        ],
    );
    // It is no surplus yet, so the object is in sync.
    assert_eq!(scene.plan().standing[&object("shop")].surplus, specs(&[HEALTH]));
}

#[test]
fn after_a_restart_every_revoke_waits_for_the_delay() {
    let restarted = Claim { retained: Retained::All, ..claim("shop", &[]) };
    let scene = Scene::new(vec![restarted, claim("other", &[])], vec![ours(HTTP, &["shop"]), ours(HEALTH, &["other"])]);
    assert_plan(
        &scene,
        &[
            "revoke sg-1 ingress tcp 9000 from sg-alb",
            "held, RevocationDelay: revoke sg-1 ingress tcp 8000 from sg-alb",
        ],
    );
}

// Never done: 5 and 6, partial and stale knowledge

#[test]
fn incomplete_knowledge_holds_only_the_revokes_that_name_it() {
    let claims = vec![claim("lost", &[]), claim("shop", &[])];
    let rules = vec![ours(HTTP, &["lost"]), ours(HEALTH, &["shop"])];
    let scene = Scene::new(claims, rules).knowing("lost", Knowledge::Incomplete);
    assert_plan(
        &scene,
        &[
            "revoke sg-1 ingress tcp 9000 from sg-alb",
            "held, Unresolved: ALBTargetBinding/team-shop/lost: revoke sg-1 ingress tcp 8000 from sg-alb",
        ],
    );
}

#[test]
fn incomplete_knowledge_of_an_object_that_claims_nothing_here_holds_too() {
    let scene = Scene::new(vec![claim("shop", &[])], vec![ours(HTTP, &["lost", "shop"])])
        .knowing("lost", Knowledge::Incomplete);
    assert_plan(
        &scene,
        &["held, Unresolved: ALBTargetBinding/team-shop/lost: revoke sg-1 ingress tcp 8000 from sg-alb"],
    );
}

#[test]
fn authorizing_goes_on_while_knowledge_is_incomplete() {
    let scene =
        Scene::new(vec![claim("lost", &[HTTP])], vec![ours(HEALTH, &["lost"])]).knowing("lost", Knowledge::Incomplete);
    assert_plan(
        &scene,
        &[
            "authorize sg-1 ingress tcp 8000 from sg-alb",
            "held, Unresolved: ALBTargetBinding/team-shop/lost: revoke sg-1 ingress tcp 9000 from sg-alb",
        ],
    );
}

#[test]
fn a_cut_description_may_name_whoever_is_unresolved() {
    let mut cut = ours(HTTP, &["shop"]);
    cut.description = "sgbind prod: alb/team-shop/shop, alb/team-sh...".into();
    let scene = Scene::new(vec![claim("shop", &[])], vec![cut]).knowing("elsewhere/lost", Knowledge::Incomplete);
    assert_plan(
        &scene,
        &["held, Unresolved: ALBTargetBinding/elsewhere/lost: revoke sg-1 ingress tcp 8000 from sg-alb"],
    );
}

#[test]
fn stale_knowledge_revokes_nothing() {
    let scene =
        Scene::new(vec![claim("shop", &[HTTP])], vec![ours(HEALTH, &["shop"])]).knowing("shop", Knowledge::Stale);
    assert_plan(
        &scene,
        &["authorize sg-1 ingress tcp 8000 from sg-alb", "held, Applying: revoke sg-1 ingress tcp 9000 from sg-alb"],
    );
}

#[test]
fn incomplete_and_stale_knowledge_revoke_no_foreign_rule() {
    let scene = Scene::new(vec![removing(governing_all(claim("shop", &[])))], vec![foreign(DEFAULT_EGRESS)]);
    assert_plan(&scene, &["revoke sg-1 egress all to 0.0.0.0/0"]);
    assert_plan(
        &scene.clone().knowing("shop", Knowledge::Incomplete),
        &["held, Unresolved: ALBTargetBinding/team-shop/shop: revoke sg-1 egress all to 0.0.0.0/0"],
    );
    assert_plan(&scene.knowing("shop", Knowledge::Stale), &["held, Applying: revoke sg-1 egress all to 0.0.0.0/0"]);
}

// Never done: 1, rules that are not ours

#[test]
fn rules_of_others_are_never_touched() {
    let rules = vec![of_cluster("stage", HTTP), of_other_identity(HEALTH), foreign(DEFAULT_EGRESS)];
    let scene = Scene::new(vec![claim("shop", &[])], rules);
    assert_plan(&scene, &[]);
}

#[test]
fn rules_of_others_are_not_touched_where_foreign_ones_go() {
    let rules = vec![of_cluster("stage", HTTP), of_other_identity(HEALTH)];
    let scene = Scene::new(vec![removing(governing_all(claim("shop", &[])))], rules);
    assert_plan(&scene, &[]);
}

#[test]
fn a_foreign_rule_that_equals_a_desired_one_counts_as_in_place() {
    let scene = Scene::new(vec![governing_all(claim("shop", &[HTTP]))], vec![foreign(HTTP)]);
    let plan = scene.plan();
    assert_eq!(outline(&plan), [""; 0]);
    assert_eq!(plan.standing[&object("shop")].in_place, specs(&[HTTP]));
    assert!(plan.standing[&object("shop")].foreign.is_empty());
}

#[test]
fn a_needed_foreign_rule_is_adopted_where_foreign_rules_go() {
    let remover = removing(governing_all(claim("shop", &[HTTP])));
    let scene = Scene::new(vec![remover.clone()], vec![foreign(HTTP)]);
    assert_plan(&scene, &["adopt sg-1 ingress tcp 8000 from sg-alb"]);
    // Not in a group that is shared, nor where someone who governs the direction says Report.
    assert_plan(&scene.tagged(opted_in("shared", "*")), &[]);
    let reporter = governing_all(claim("other", &[]));
    assert_plan(&Scene::new(vec![remover.clone(), reporter], vec![foreign(HTTP)]), &[]);
    let of_another_port = Claim { governs: governing(within(&[9000]), Extent::Nothing), ..claim("other", &[]) };
    assert_plan(&Scene::new(vec![remover, of_another_port], vec![foreign(HTTP)]), &[]);
}

#[test]
fn a_needed_rule_of_another_cluster_gets_our_tag_beside_theirs_under_either_policy() {
    for policy in [ForeignRules::Report, ForeignRules::Remove] {
        let needy = Claim { foreign_rules: policy, ..governing_all(claim("shop", &[HTTP])) };
        let scene = Scene::new(vec![needy], vec![of_cluster("stage", HTTP)]);
        assert_plan(&scene, &["adopt sg-1 ingress tcp 8000 from sg-alb"]);
    }
}

#[test]
fn a_rule_that_other_clusters_need_too_loses_only_our_tag() {
    let scene = Scene::new(vec![claim("shop", &[])], vec![ours_and(&["stage"], HTTP, &["shop"])]);
    assert_plan(&scene, &["release sg-1 ingress tcp 8000 from sg-alb"]);
}

// Deletion

#[test]
fn deletion_revokes_or_releases_or_leaves() {
    let farewell = |farewell| Scene::new(vec![leaving(claim("shop", &[HTTP]), farewell)], vec![ours(HTTP, &["shop"])]);
    assert_plan(&farewell(Farewell::Revoke), &["revoke sg-1 ingress tcp 8000 from sg-alb"]);
    assert_plan(&farewell(Farewell::Retain), &["release sg-1 ingress tcp 8000 from sg-alb"]);
    assert_plan(&farewell(Farewell::Abandon), &["held, NotPermitted: revoke sg-1 ingress tcp 8000 from sg-alb"]);
}

#[test]
fn what_is_leaving_gets_nothing_new() {
    assert_plan(&Scene::new(vec![leaving(claim("shop", &[HTTP]), Farewell::Revoke)], vec![]), &[]);
}

#[test]
fn deletion_writes_nothing_where_consent_was_withdrawn() {
    let gone = leaving(claim("shop", &[]), Farewell::Revoke);
    let scene = Scene::new(vec![gone], vec![ours(HTTP, &["shop"])]).tagged(Tags::new());
    assert_plan(&scene, &["held, NotPermitted: revoke sg-1 ingress tcp 8000 from sg-alb"]);
    assert_eq!(problems(&scene.plan()), [""; 0]);
}

// Consent (never done: 2)

#[track_caller]
fn assert_consent(tags: Tags, expected: &[&str]) {
    let scene = Scene::new(vec![claim("shop", &[HTTP])], vec![]).tagged(tags);
    let plan = scene.plan();
    assert_eq!(problems(&plan), expected);
    if expected.is_empty() {
        assert_eq!(outline(&plan), ["authorize sg-1 ingress tcp 8000 from sg-alb"]);
    } else {
        assert_eq!(outline(&plan), ["held, NotPermitted: authorize sg-1 ingress tcp 8000 from sg-alb"]);
    }
}

#[test]
fn a_group_is_written_only_if_it_carries_both_tags() {
    const NOT_OPTED_IN: &[&str] = &["ALBTargetBinding/team-shop/shop: SecurityGroupNotOptedIn"];
    const NOT_ALLOWED: &[&str] = &["ALBTargetBinding/team-shop/shop: NamespaceNotAllowed"];
    assert_consent(opted_in("owned", "*"), &[]);
    assert_consent(opted_in("shared", "*"), &[]);
    assert_consent(opted_in("owned", "team-shop"), &[]);
    assert_consent(opted_in("owned", "team-a team-shop  team-b"), &[]);
    assert_consent(opted_in("owned", "team-a team-b"), NOT_ALLOWED);
    assert_consent(opted_in("owned", "team-shop-2"), NOT_ALLOWED);
    assert_consent(opted_in("owned", ""), NOT_ALLOWED);
    assert_consent(tags(&[("sgbind.dev/cluster/prod", "owned")]), NOT_ALLOWED);
    assert_consent(tags(&[("sgbind.dev/namespaces", "*")]), NOT_OPTED_IN);
    assert_consent(opted_in("yes", "*"), NOT_OPTED_IN);
    assert_consent(tags(&[("sgbind.dev/cluster/stage", "owned"), ("sgbind.dev/namespaces", "*")]), NOT_OPTED_IN);
    assert_consent(Tags::new(), NOT_OPTED_IN);
}

fn refusal_of(tags: Tags) -> String {
    let plan = Scene::new(vec![claim("shop", &[HTTP])], vec![]).tagged(tags).plan();
    plan.problems[0].problem.message.clone()
}

#[test]
fn a_refusal_tells_the_exact_command_that_would_give_consent() {
    assert_eq!(
        refusal_of(Tags::new()),
        "security group sg-1 has not opted in to be written by cluster prod. If it may be: \
         aws ec2 create-tags --region ap-northeast-2 --resources sg-1 \
         --tags Key=sgbind.dev/cluster/prod,Value=owned Key=sgbind.dev/namespaces,Value=team-shop"
    );
    assert_eq!(
        refusal_of(opted_in("owned", "team-a")),
        "security group sg-1 may not be written for namespace team-shop. If it may be: \
         aws ec2 create-tags --region ap-northeast-2 --resources sg-1 \
         --tags 'Key=sgbind.dev/namespaces,Value=team-a team-shop'"
    );
}

#[test]
fn the_command_takes_consent_from_nobody() {
    let listed = refusal_of(tags(&[("sgbind.dev/namespaces", "team-a team-b")]));
    assert!(listed.ends_with("'Key=sgbind.dev/namespaces,Value=team-a team-b team-shop'"), "{listed}");
    let all = refusal_of(tags(&[("sgbind.dev/namespaces", "*")]));
    assert!(all.ends_with("'Key=sgbind.dev/namespaces,Value=*'"), "{all}");
}

#[test]
fn a_namespace_that_is_not_listed_writes_nothing_while_another_does() {
    let claims = vec![claim("team-other/app", &[HEALTH]), claim("shop", &[HTTP])];
    let scene = Scene::new(claims, vec![]).tagged(opted_in("owned", "team-shop"));
    let plan = scene.plan();
    assert_eq!(
        outline(&plan),
        [
            "authorize sg-1 ingress tcp 8000 from sg-alb",
            "held, NotPermitted: authorize sg-1 ingress tcp 9000 from sg-alb"
        ]
    );
    assert_eq!(problems(&plan), ["ALBTargetBinding/team-other/app: NamespaceNotAllowed"]);
}

#[test]
fn without_consent_nothing_at_all_is_written() {
    let claims = vec![removing(governing_all(claim("shop", &[HTTP])))];
    let rules = vec![
        ours(HTTP, &["other"]),
        ours(HEALTH, &["shop"]),
        ours_and(&["stage"], "ingress tcp 1 from sg-alb", &["shop"]),
        of_cluster("stage", "ingress tcp 2 from sg-alb"),
        foreign(DEFAULT_EGRESS),
    ];
    let scene = Scene::new(claims, rules).tagged(Tags::new());
    assert_eq!(texts(&scene.plan().steps), [""; 0]);
}

// Observe

#[test]
fn observe_shows_what_would_be_done_and_writes_nothing() {
    let observer = removing(observing(governing_all(claim("shop", &[HTTP]))));
    let scene = Scene::new(vec![observer], vec![ours(HEALTH, &["shop"]), foreign(DEFAULT_EGRESS)]);
    assert_plan(
        &scene,
        &[
            "held, Observe: authorize sg-1 ingress tcp 8000 from sg-alb",
            "held, Observe: revoke sg-1 egress all to 0.0.0.0/0",
            "held, Observe: revoke sg-1 ingress tcp 9000 from sg-alb",
        ],
    );
}

#[test]
fn observe_freezes_what_it_needs_while_others_are_served() {
    let scene = Scene::new(
        vec![observing(claim("frozen", &[HTTP, HEALTH])), claim("shop", &[DEFAULT_EGRESS])],
        vec![ours(HTTP, &["frozen", "shop"])],
    );
    assert_plan(
        &scene,
        &[
            "authorize sg-1 egress all to 0.0.0.0/0",
            "describe sg-1 ingress tcp 8000 from sg-alb",
            "held, Observe: authorize sg-1 ingress tcp 9000 from sg-alb",
        ],
    );
}

#[test]
fn observe_counts_as_report() {
    let claims =
        vec![removing(governing_all(claim("shop", &[]))), removing(observing(governing_all(claim("frozen", &[]))))];
    let scene = Scene::new(claims, vec![foreign(DEFAULT_EGRESS)]);
    assert_plan(&scene, &["held, ForeignRulesKept: revoke sg-1 egress all to 0.0.0.0/0"]);
}

// Foreign rules

#[test]
fn report_counts_foreign_rules_in_what_is_governed_and_leaves_them() {
    let reporter = Claim { governs: governing(within(&[8000]), Extent::Nothing), ..claim("shop", &[]) };
    let rules = vec![
        foreign("ingress tcp 8000 from 0.0.0.0/0"),
        foreign("ingress tcp 22 from 0.0.0.0/0"),
        foreign(DEFAULT_EGRESS),
    ];
    let scene = Scene::new(vec![reporter], rules);
    assert_plan(&scene, &[]);
    assert_eq!(scene.plan().standing[&object("shop")].foreign, specs(&["ingress tcp 8000 from 0.0.0.0/0"]));
}

#[test]
fn remove_takes_foreign_rules_that_lie_within_the_ports_of_the_target_group() {
    let remover = Claim { governs: governing(within(&[8000]), Extent::Nothing), ..removing(claim("shop", &[])) };
    let rules = vec![
        foreign("ingress tcp 8000 from 0.0.0.0/0"),
        foreign("ingress tcp 8000 from sg-1"),
        foreign("ingress tcp 8000-8010 from 10.0.0.0/8"),
        foreign("ingress all from 10.0.0.0/8"),
        foreign("ingress udp 8000 from 10.0.0.0/8"),
        foreign("egress tcp 8000 to 0.0.0.0/0"),
    ];
    let scene = Scene::new(vec![remover], rules);
    assert_plan(&scene, &["revoke sg-1 ingress tcp 8000 from 0.0.0.0/0"]);
    // Wider ones are reported; the group's own members are spared.
    assert_eq!(
        scene.plan().standing[&object("shop")].foreign,
        specs(&[
            "ingress tcp 8000 from 0.0.0.0/0",
            "ingress tcp 8000-8010 from 10.0.0.0/8",
            "ingress all from 10.0.0.0/8"
        ])
    );
}

#[test]
fn alb_egress() {
    let exact = "egress tcp 8000 to sg-app";
    let remover = removing(governing_all(claim("shop", &[exact])));
    let scene = Scene::new(vec![remover.clone()], vec![foreign(DEFAULT_EGRESS)]);
    assert_plan(&scene, &["authorize sg-1 egress tcp 8000 to sg-app", "revoke sg-1 egress all to 0.0.0.0/0"]);
    // Not while the exact rule can't be made.
    let refused = Scene { refused: specs(&[exact]), ..scene };
    assert_plan(&refused, &["held, Applying: revoke sg-1 egress all to 0.0.0.0/0"]);
    let unrecorded = Claim { recorded: false, ..remover };
    assert_plan(
        &Scene::new(vec![unrecorded], vec![foreign(DEFAULT_EGRESS)]),
        &[
            "held, Applying: authorize sg-1 egress tcp 8000 to sg-app",
            "held, Applying: revoke sg-1 egress all to 0.0.0.0/0",
        ],
    );
}

#[test]
fn foreign_rules_go_only_if_every_object_that_governs_them_agrees() {
    let claims = vec![removing(governing_all(claim("shop", &[]))), governing_all(claim("other", &[]))];
    let scene = Scene::new(claims, vec![foreign(DEFAULT_EGRESS)]);
    assert_plan(&scene, &["held, ForeignRulesKept: revoke sg-1 egress all to 0.0.0.0/0"]);
    let plan = scene.plan();
    assert!(plan.standing[&object("shop")].outvoted);
    assert!(!plan.standing[&object("other")].outvoted);
}

#[test]
fn an_object_that_governs_something_else_has_no_vote() {
    let other = Claim { governs: governing(within(&[8000]), Extent::Nothing), ..claim("other", &[]) };
    let scene = Scene::new(vec![removing(governing_all(claim("shop", &[]))), other], vec![foreign(DEFAULT_EGRESS)]);
    assert_plan(&scene, &["revoke sg-1 egress all to 0.0.0.0/0"]);
}

#[test]
fn in_a_shared_group_foreign_rules_are_never_removed() {
    let scene = Scene::new(vec![removing(governing_all(claim("shop", &[])))], vec![foreign(DEFAULT_EGRESS)])
        .tagged(opted_in("shared", "*"));
    assert_plan(&scene, &["held, ForeignRulesKept: revoke sg-1 egress all to 0.0.0.0/0"]);
    assert!(scene.plan().standing[&object("shop")].outvoted);
}

#[test]
fn foreign_rules_stay_where_others_than_bound_load_balancers_use_the_group() {
    let remover = guarded(removing(governing_all(claim("shop", &[]))));
    let scene = Scene::new(vec![remover], vec![foreign(DEFAULT_EGRESS)]);
    assert_plan(&scene, &["revoke sg-1 egress all to 0.0.0.0/0"]);
    let elsewhere = Usage::Elsewhere(["eni-1".to_owned(), "eni-2".to_owned()].into());
    assert_plan(
        &Scene { usage: elsewhere, ..scene.clone() },
        &["held, GroupUsedElsewhere: eni-1, eni-2: revoke sg-1 egress all to 0.0.0.0/0"],
    );
    assert_plan(
        &Scene { usage: Usage::Unknown, ..scene },
        &["held, UsageUnknown: revoke sg-1 egress all to 0.0.0.0/0"],
    );
}

#[test]
fn ours_go_whoever_else_uses_the_group() {
    let mut scene = Scene::new(vec![guarded(governing_all(claim("shop", &[])))], vec![ours(HTTP, &["shop"])]);
    scene.usage = Usage::Elsewhere(["eni-1".to_owned()].into());
    assert_plan(&scene, &["revoke sg-1 ingress tcp 8000 from sg-alb"]);
}

#[test]
fn a_foreign_rule_that_someone_needed_until_lately_waits_for_the_delay() {
    let flapping = Claim { retained: Retained::These(specs(&[HTTP])), ..removing(governing_all(claim("shop", &[]))) };
    let scene = Scene::new(vec![flapping], vec![foreign(HTTP)]);
    assert_plan(&scene, &["held, RevocationDelay: revoke sg-1 ingress tcp 8000 from sg-alb"]);
}

#[test]
fn what_is_leaving_removes_no_foreign_rules() {
    let gone = leaving(removing(governing_all(claim("shop", &[]))), Farewell::Revoke);
    assert_plan(&Scene::new(vec![gone], vec![foreign(DEFAULT_EGRESS)]), &[]);
}

// Untracked connections

#[test]
fn taking_away_what_keeps_flows_untracked_is_marked() {
    let remover = removing(governing_all(claim("shop", &["ingress tcp 443 from 0.0.0.0/0"])));
    let world_open = ours("ingress tcp 443 from 0.0.0.0/0", &["shop"]);
    let scene = Scene::new(vec![remover], vec![world_open, foreign(DEFAULT_EGRESS)]);
    assert_plan(&scene, &["revoke sg-1 egress all to 0.0.0.0/0 (interrupts untracked connections)"]);
}

#[test]
fn what_the_plan_is_about_to_make_counts() {
    let remover = removing(governing_all(claim("shop", &["ingress tcp 443 from 0.0.0.0/0"])));
    assert_plan(
        &Scene::new(vec![remover], vec![foreign(DEFAULT_EGRESS)]),
        &[
            "authorize sg-1 ingress tcp 443 from 0.0.0.0/0",
            "revoke sg-1 egress all to 0.0.0.0/0 (interrupts untracked connections)",
        ],
    );
}

#[test]
fn flows_are_tracked_where_one_side_is_not_open_to_anywhere() {
    for other in ["ingress tcp 443 from 10.0.0.0/8", "ingress tcp 443 from ::/0", "ingress icmp all from 0.0.0.0/0"] {
        let remover = removing(governing_all(claim("shop", &[other])));
        let scene = Scene::new(vec![remover], vec![ours(other, &["shop"]), foreign(DEFAULT_EGRESS)]);
        assert_plan(&scene, &["revoke sg-1 egress all to 0.0.0.0/0"]);
    }
}

#[test]
fn our_own_rule_may_be_the_one_that_keeps_flows_untracked() {
    let rules = vec![ours("ingress tcp 443 from 0.0.0.0/0", &["shop"]), foreign(DEFAULT_EGRESS)];
    let scene = Scene::new(vec![claim("shop", &[])], rules);
    assert_plan(&scene, &["revoke sg-1 ingress tcp 443 from 0.0.0.0/0 (interrupts untracked connections)"]);
}

// The AWS Load Balancer Controller

fn load_balancer_controllers() -> Tags {
    let mut tags = opted_in("owned", "*");
    tags.insert("elbv2.k8s.aws/cluster".into(), "prod".into());
    tags
}

#[test]
fn listener_ingress_is_refused_on_a_group_of_the_load_balancer_controller() {
    let mut shop = of_listeners(claim("shop", &["ingress tcp 443 from 0.0.0.0/0"]));
    shop.rules.insert(spec("egress tcp 8000 to sg-app"), need(Aspect::TargetEgress));
    let scene = Scene::new(vec![shop], vec![]).tagged(load_balancer_controllers());
    let plan = scene.plan();
    assert_eq!(outline(&plan), ["authorize sg-1 egress tcp 8000 to sg-app"]);
    assert_eq!(problems(&plan), ["ALBTargetBinding/team-shop/shop: ManagedByLoadBalancerController"]);
    assert_eq!(plan.standing[&object("shop")].desired, specs(&["egress tcp 8000 to sg-app"]));
}

#[test]
fn ingress_that_the_load_balancer_controller_made_is_not_removed() {
    let listeners = of_listeners(claim("shop", &["ingress tcp 443 from 10.0.0.0/8"]));
    let remover = guarded(removing(governing_all(listeners)));
    let rules = vec![foreign("ingress tcp 80 from 0.0.0.0/0"), foreign("ingress tcp 443 from 0.0.0.0/0")];
    let scene = Scene::new(vec![remover], rules).tagged(load_balancer_controllers());
    assert_plan(&scene, &[]);
}

// Clients that nobody declared

const OPEN_DOOR: &str = "ingress tcp 443 from 0.0.0.0/0";

#[test]
fn a_port_that_a_foreign_rule_covers_is_left_as_it_is_where_no_clients_are_declared() {
    for cover in [
        "ingress tcp 443 from pl-cloudfront",
        "ingress tcp 443 from 10.0.0.0/8",
        "ingress tcp 0-65535 from sg-gateway",
        "ingress all from 192.0.2.0/24",
    ] {
        let silent = by_default(claim("shop", &[OPEN_DOOR]));
        let scene = Scene::new(vec![silent], vec![foreign(cover)]);
        let plan = scene.plan();
        assert_eq!(outline(&plan), [""; 0], "{cover}");
        let standing = &plan.standing[&object("shop")];
        assert!(standing.left_to_foreign && standing.desired.is_empty(), "{cover}");
    }
    for no_cover in ["ingress tcp 80 from 0.0.0.0/0", "egress tcp 443 to 0.0.0.0/0", "ingress udp 443 from 0.0.0.0/0"] {
        let silent = by_default(claim("shop", &[OPEN_DOOR]));
        let plan = Scene::new(vec![silent], vec![foreign(no_cover)]).plan();
        assert_eq!(outline(&plan), ["authorize sg-1 ingress tcp 443 from 0.0.0.0/0"], "{no_cover}");
        assert!(!plan.standing[&object("shop")].left_to_foreign, "{no_cover}");
    }
}

#[test]
fn declared_clients_are_let_in_whatever_foreign_rules_cover() {
    let scene = Scene::new(vec![claim("shop", &[OPEN_DOOR])], vec![foreign("ingress tcp 443 from pl-cloudfront")]);
    assert_plan(&scene, &["authorize sg-1 ingress tcp 443 from 0.0.0.0/0"]);
}

#[test]
fn a_rule_that_we_made_by_default_stays_when_a_foreign_one_appears() {
    let silent = by_default(claim("shop", &[OPEN_DOOR]));
    let rules = vec![ours(OPEN_DOOR, &["shop"]), foreign("ingress tcp 443 from pl-cloudfront")];
    let plan = Scene::new(vec![silent], rules).plan();
    assert_eq!(outline(&plan), [""; 0]);
    assert_eq!(plan.standing[&object("shop")].in_place, specs(&[OPEN_DOOR]));
}

#[test]
fn silence_does_not_keep_open_what_another_object_opened() {
    let silent = by_default(claim("shop", &[OPEN_DOOR]));
    let gone = leaving(claim("loud", &[]), Farewell::Revoke);
    let rules = vec![ours(OPEN_DOOR, &["loud"]), foreign("ingress tcp 443 from pl-cloudfront")];
    let scene = Scene::new(vec![silent, gone], rules);
    assert_plan(&scene, &["revoke sg-1 ingress tcp 443 from 0.0.0.0/0"]);
}

#[test]
fn a_list_is_a_peer_like_another() {
    let list = Peer::PrefixList(PrefixListId::new("pl-cloudfront"));
    let rule = RuleSpec::ingress(Traffic::tcp(443), list);
    assert_eq!(rule, spec("ingress tcp 443 from pl-cloudfront"));
    assert_plan(
        &Scene::new(vec![claim("shop", &["ingress tcp 443 from pl-cloudfront"])], vec![]),
        &["authorize sg-1 ingress tcp 443 from pl-cloudfront"],
    );
}

#[test]
fn an_access_leaves_the_ingress_of_the_load_balancer_controller_alone_too() {
    let mut shop =
        removing(governing_all(claim("shop", &["ingress tcp 443 from 10.0.0.0/8", "egress tcp 443 to sg-2"])));
    shop.object.kind = Kind::SecurityGroupAccess;
    shop.rules.values_mut().for_each(|need| need.aspect = None);
    let rules = vec![foreign("ingress tcp 22 from 10.0.0.0/8"), foreign("egress tcp 22 to 10.0.0.0/8")];
    let scene = Scene::new(vec![shop], rules).tagged(load_balancer_controllers());
    assert_plan(&scene, &["authorize sg-1 egress tcp 443 to sg-2", "revoke sg-1 egress tcp 22 to 10.0.0.0/8"]);
    assert_eq!(problems(&scene.plan()), ["SecurityGroupAccess/team-shop/shop: ManagedByLoadBalancerController"]);
}

#[test]
fn our_own_listener_rule_stays_on_a_group_that_the_load_balancer_controller_takes_over() {
    let mut shop = claim("shop", &["ingress tcp 443 from 10.0.0.0/8"]);
    shop.rules.values_mut().for_each(|need| need.aspect = Some(Aspect::ListenerIngress));
    let rules = vec![ours("ingress tcp 443 from 10.0.0.0/8", &["shop"])];
    let scene = Scene::new(vec![shop], rules).tagged(load_balancer_controllers());
    assert_plan(&scene, &["held, NotPermitted: revoke sg-1 ingress tcp 443 from 10.0.0.0/8"]);
}

#[test]
fn a_foreign_rule_that_an_object_without_declared_clients_relies_on_stays() {
    let silent = by_default(claim("silent", &["ingress tcp 443 from 0.0.0.0/0"]));
    let declaring = claim("declaring", &["ingress tcp 443 from 10.0.0.0/8"]);
    let declaring = Claim {
        governs: governing(Extent::Everything, Extent::Nothing),
        foreign_rules: ForeignRules::Remove,
        ..declaring
    };
    let rules = vec![foreign("ingress tcp 443 from pl-1"), ours("ingress tcp 443 from 10.0.0.0/8", &["declaring"])];
    let scene = Scene::new(vec![declaring, silent], rules);
    assert_plan(&scene, &["held, ForeignRulesKept: revoke sg-1 ingress tcp 443 from pl-1"]);
}

#[test]
fn a_rule_with_a_cut_description_concerns_everyone_of_its_group() {
    let mut scene = Scene::new(vec![claim("shop", &[])], vec![]);
    let mut cut = ours("ingress tcp 443 from 10.0.0.0/8", &["other"]);
    cut.description.push_str("...");
    scene.group.rules.push(cut);
    let plan = scene.plan();
    assert_eq!(plan.steps.len(), 1);
    assert!(plan.steps[0].objects.contains(&object("shop")), "{:?}", plan.steps[0].objects);
}

#[test]
fn a_leaving_object_that_a_cut_description_may_name_has_its_rules_released() {
    let leaving = Claim { stance: Stance::Leaving(Farewell::Retain), ..claim("shop", &[]) };
    let mut cut = ours("ingress tcp 443 from 10.0.0.0/8", &["other"]);
    cut.description.push_str("...");
    assert_plan(&Scene::new(vec![leaving], vec![cut]), &["release sg-1 ingress tcp 443 from 10.0.0.0/8"]);
}

#[test]
fn a_controller_of_one_namespace_revokes_nothing_that_may_name_an_object_elsewhere() {
    let mut elsewhere = ours("ingress tcp 443 from 10.0.0.0/8", &["shop"]);
    elsewhere.description = "sgbind prod: alb/another/app, alb/team-shop/shop".into();
    let mut unreadable = ours("ingress tcp 444 from 10.0.0.0/8", &["shop"]);
    unreadable.description = "edited by hand".into();
    let here = ours("ingress tcp 445 from 10.0.0.0/8", &["shop"]);
    let scene = Scene::new(vec![claim("shop", &[])], vec![elsewhere, unreadable, here]);
    let plan = super::group(&Input { selection: Selection::Namespace("team-shop"), ..scene.input() });
    assert_eq!(
        outline(&plan),
        [
            "revoke sg-1 ingress tcp 445 from 10.0.0.0/8",
            "held, OutsideWatch: revoke sg-1 ingress tcp 443 from 10.0.0.0/8",
            "held, OutsideWatch: revoke sg-1 ingress tcp 444 from 10.0.0.0/8",
        ]
    );
}

#[test]
fn an_interruption_is_marked_for_connections_that_this_very_plan_will_let_in() {
    let shop = Claim {
        governs: governing(Extent::Nothing, Extent::Everything),
        foreign_rules: ForeignRules::Remove,
        ..claim("shop", &["ingress tcp 443 from 0.0.0.0/0"])
    };
    assert_plan(
        &Scene::new(vec![shop], vec![foreign(DEFAULT_EGRESS)]),
        &[
            "authorize sg-1 ingress tcp 443 from 0.0.0.0/0",
            "revoke sg-1 egress all to 0.0.0.0/0 (interrupts untracked connections)",
        ],
    );
}

#[test]
fn a_foreign_rule_is_not_adopted_for_what_is_only_derived() {
    // Adopted, it would carry another's description, so that it counted as made for somebody else: released, adopted
    // again, and so on.
    let silent = by_default(claim("silent", &["ingress tcp 443 from 0.0.0.0/0"]));
    let declaring = Claim {
        governs: governing(Extent::Everything, Extent::Nothing),
        foreign_rules: ForeignRules::Remove,
        ..claim("declaring", &[])
    };
    let rules = vec![foreign("ingress tcp 443 from 0.0.0.0/0")];
    assert_plan(&Scene::new(vec![declaring, removing(silent)], rules), &[]);
}

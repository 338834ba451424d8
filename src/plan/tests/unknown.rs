//! What is not known of an object holds what would be done without it.

use super::*;

const OFFICE: &str = "ingress tcp 5432 from sg-app";

#[test]
fn an_object_of_which_it_is_not_known_what_it_needs_keeps_its_name_on_a_rule() {
    // After a start: `one` has been looked up, `two` has not.
    let scene = Scene::new(vec![claim("one", &[OFFICE]), claim("two", &[])], vec![ours(OFFICE, &["one", "two"])]);
    assert_plan(&scene.clone().knowing("two", Knowledge::Incomplete), &[]);
    assert_plan(&scene, &["describe sg-1 ingress tcp 5432 from sg-app"]);
    // Where its needs can't be told from what was kept, neither.
    let unsettled = Claim { retained: Retained::All, ..claim("two", &[]) };
    let scene = Scene::new(vec![claim("one", &[OFFICE]), unsettled], vec![ours(OFFICE, &["one", "two"])]);
    assert_plan(&scene, &[]);
}

#[test]
fn a_name_is_added_beside_that_of_an_object_of_which_nothing_is_known() {
    let claims = vec![claim("one", &[OFFICE]), claim("new", &[OFFICE]), claim("two", &[])];
    let scene = Scene::new(claims, vec![ours(OFFICE, &["one", "two"])]).knowing("two", Knowledge::Incomplete);
    let plan = scene.plan();
    assert_eq!(texts(&plan.steps), ["describe sg-1 ingress tcp 5432 from sg-app"]);
    assert_eq!(plan.steps[0].description, "sgbind prod: alb/team-shop/new, alb/team-shop/one, alb/team-shop/two");
}

#[test]
fn a_cut_description_stays_while_nothing_is_known_of_anyone_whom_it_may_name() {
    let mut rule = ours(OFFICE, &["one"]);
    rule.description = "sgbind prod: alb/team-shop/one, alb/team-sh...".into();
    let scene = Scene::new(vec![claim("one", &[OFFICE])], vec![rule]);
    assert_plan(&scene.clone().knowing("two", Knowledge::Incomplete), &[]);
    assert_plan(&scene, &["describe sg-1 ingress tcp 5432 from sg-app"]);
}

#[test]
fn foreign_rules_stay_while_it_is_not_known_what_an_object_of_the_group_needs() {
    let foreign_rule = "ingress tcp 22 from 10.0.0.0/8";
    let removes = || removing(governing_all(claim("shop", &[HTTP])));
    let scene = Scene::new(vec![removes(), claim("lost", &[])], vec![ours(HTTP, &["shop"]), foreign(foreign_rule)]);
    assert_plan(&scene, &["revoke sg-1 ingress tcp 22 from 10.0.0.0/8"]);
    let lost = scene.clone().knowing("lost", Knowledge::Incomplete);
    assert_plan(
        &lost,
        &["held, Unresolved: ALBTargetBinding/team-shop/lost: revoke sg-1 ingress tcp 22 from 10.0.0.0/8"],
    );
    // Whoever may not write here has no say, so that nobody can block a closing by a name that leads nowhere.
    let stranger = Scene::new(
        vec![removes(), claim("elsewhere/lost", &[HEALTH])],
        vec![ours(HTTP, &["shop"]), foreign(foreign_rule)],
    );
    let stranger = stranger.tagged(opted_in("owned", NAMESPACE)).knowing("elsewhere/lost", Knowledge::Incomplete);
    assert_eq!(texts(&stranger.plan().steps), ["revoke sg-1 ingress tcp 22 from 10.0.0.0/8"]);
    // Some object has just come, and may need or govern anything.
    let unheard = Scene { unheard: true, ..scene };
    assert_plan(&unheard, &["held, Applying: revoke sg-1 ingress tcp 22 from 10.0.0.0/8"]);
}

#[test]
fn whoever_allows_nothing_is_refused_too_where_it_may_not_write() {
    let nothing = || removing(governing_all(claim("shop", &[])));
    let rules = || vec![foreign("ingress tcp 22 from 0.0.0.0/0")];
    let scene = Scene::new(vec![nothing()], rules()).tagged(Tags::new());
    assert_eq!(problems(&scene.plan()), ["ALBTargetBinding/team-shop/shop: SecurityGroupNotOptedIn"]);
    let mut access = nothing();
    access.object.kind = Kind::SecurityGroupAccess;
    let scene = Scene::new(vec![access], rules()).tagged(load_balancer_controllers());
    assert_eq!(problems(&scene.plan()), ["SecurityGroupAccess/team-shop/shop: ManagedByLoadBalancerController"]);
    // A group about which an object says nothing is none of its business.
    let scene = Scene::new(vec![claim("shop", &[])], rules()).tagged(Tags::new());
    assert_eq!(problems(&scene.plan()), [""; 0]);
}

#[test]
fn the_account_of_a_peer_is_taken_from_whoever_says_it() {
    let far = |name: &str, account: Option<&str>| {
        let mut claim = claim(name, &[HTTP]);
        claim.rules.values_mut().for_each(|need| need.peer_account = account.map(Into::into));
        claim
    };
    let scene = Scene::new(vec![far("one", None), far("two", Some("210987654321"))], vec![]);
    let Action::Authorize { peer_account } = &scene.plan().steps[0].action else { panic!("an authorize") };
    assert_eq!(*peer_account, Some("210987654321".into()));
}

#[test]
fn where_some_objects_are_given_nothing_is_concluded_about_the_others() {
    let foreign_rule = "ingress tcp 22 from 10.0.0.0/8";
    let surplus = "ingress tcp 443 from 10.0.0.0/8";
    let removes = || removing(governing_all(claim("shop", &[HTTP])));
    let scene = |names: &[&str]| Scene {
        selection: Selection::Given,
        ..Scene::new(vec![removes()], vec![foreign(HTTP), foreign(foreign_rule), ours(surplus, names)])
    };
    assert_plan(
        &scene(&["shop"]),
        &[
            "adopt sg-1 ingress tcp 8000 from sg-alb",
            "revoke sg-1 ingress tcp 22 from 10.0.0.0/8",
            "revoke sg-1 ingress tcp 443 from 10.0.0.0/8",
        ],
    );
    // Another may need the rule, and may have foreign rules kept.
    assert_plan(
        &scene(&["other", "shop"]),
        &[
            "held, OutsideSelection: revoke sg-1 ingress tcp 22 from 10.0.0.0/8",
            "held, OutsideSelection: revoke sg-1 ingress tcp 443 from 10.0.0.0/8",
        ],
    );
    let mut cut = scene(&["shop"]);
    cut.group.rules[2].description = "sgbind prod: alb/team-shop/shop, alb/team-sh...".into();
    assert_plan(
        &cut,
        &[
            "held, OutsideSelection: revoke sg-1 ingress tcp 22 from 10.0.0.0/8",
            "held, OutsideSelection: revoke sg-1 ingress tcp 443 from 10.0.0.0/8",
        ],
    );
}

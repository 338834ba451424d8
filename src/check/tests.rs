//! Each thing that the check refuses has a plan that no planner should make.

use super::*;
use crate::api::ForeignRules;
use crate::model::{ActualRule, Farewell, Held, HoldReason, Knowledge, RuleId, Tags};
use crate::testing::*;

const RULE: &str = "ingress tcp 8000 from sg-alb";

fn plan_of(scene: &Scene, actions: Vec<Action>) -> Plan {
    let step = |action| Step {
        action,
        group: scene.group.key.clone(),
        spec: spec(RULE),
        objects: objects(&["shop"]),
        reason: String::new(),
        description: String::new(),
        interrupts_untracked: false,
    };
    Plan { steps: actions.into_iter().map(step).collect(), ..scene.plan() }
}

fn checked(scene: &Scene, action: Action) -> Result<Checked, Violation> {
    super::plan(&scene.input(), plan_of(scene, vec![action]))
}

#[track_caller]
fn assert_refused(scene: &Scene, action: Action, why: &str) {
    assert_eq!(checked(scene, action).map_err(|violation| violation.why), Err(why));
}

#[track_caller]
fn assert_passes(scene: &Scene, action: Action) {
    assert_eq!(checked(scene, action).map(|_| ()), Ok(()));
}

fn id(rule: &ActualRule) -> RuleId {
    rule.id.clone()
}

fn authorize() -> Action {
    Action::Authorize { peer_account: None }
}

fn revoke(rule: &ActualRule) -> Action {
    Action::Revoke { id: id(rule), foreign: false }
}

fn take_foreign(rule: &ActualRule) -> Action {
    Action::Revoke { id: id(rule), foreign: true }
}

fn remover() -> Claim {
    Claim { foreign_rules: ForeignRules::Remove, ..claim("shop", &[]) }
}

#[test]
fn a_plan_that_is_right_passes() {
    assert_passes(&Scene::new(vec![claim("shop", &[RULE])], vec![]), authorize());
    let rule = ours(RULE, &["shop"]);
    let surplus = Scene::new(vec![claim("shop", &[])], vec![rule.clone()]);
    assert_passes(&surplus, revoke(&rule));
    assert_passes(&surplus, Action::Describe { id: id(&rule) });
    assert_passes(&surplus, Action::Release { id: id(&rule) });
    let rule = foreign(RULE);
    assert_passes(&Scene::new(vec![remover()], vec![rule.clone()]), take_foreign(&rule));
    let rule = of_cluster("stage", RULE);
    let needed = Scene::new(vec![claim("shop", &[RULE])], vec![rule.clone()]);
    assert_passes(&needed, Action::Adopt { id: id(&rule) });
}

#[test]
fn nothing_is_written_that_nobody_may_write() {
    const WHY: &str = "nobody who may write this group asks for it";
    assert_refused(&Scene::new(vec![], vec![]), authorize(), WHY);
    let with = |stance| Scene::new(vec![Claim { stance, ..claim("shop", &[RULE]) }], vec![]);
    assert_refused(&with(Stance::Observe), authorize(), WHY);
    assert_refused(&with(Stance::Leaving(Farewell::Abandon)), authorize(), WHY);
    let enforcing = with(Stance::Enforce);
    assert_refused(&enforcing.clone().tagged(Tags::new()), authorize(), WHY);
    assert_refused(&enforcing.clone().tagged(opted_in("owned", "team-other")), authorize(), WHY);
    assert_passes(&enforcing.tagged(opted_in("owned", "team-shop")), authorize());
}

#[test]
fn a_step_for_another_group_is_refused() {
    let scene = Scene::new(vec![claim("shop", &[RULE])], vec![]);
    let mut plan = plan_of(&scene, vec![authorize()]);
    plan.steps[0].group = key("sg-2");
    let violation = super::plan(&scene.input(), plan).expect_err("another group");
    assert_eq!(
        violation.to_string(),
        "refusing to authorize sg-2 ingress tcp 8000 from sg-alb: it belongs to another group. This is a bug in sgbind; \
         please report it"
    );
}

#[test]
fn what_no_object_declares_is_not_authorized() {
    const WHY: &str = "no object declares this rule";
    assert_refused(&Scene::new(vec![claim("shop", &[])], vec![]), authorize(), WHY);
    let gone = Claim { stance: Stance::Leaving(Farewell::Revoke), ..claim("shop", &[RULE]) };
    assert_refused(&Scene::new(vec![gone], vec![]), authorize(), WHY);
    // Nor what only those declare for whom nothing may be written.
    let observing = Claim { stance: Stance::Observe, ..claim("frozen", &[RULE]) };
    assert_refused(&Scene::new(vec![observing, claim("shop", &[])], vec![]), authorize(), WHY);
    let claims = vec![claim("team-other/red", &[RULE]), claim("shop", &[])];
    assert_refused(&Scene::new(claims, vec![]).tagged(opted_in("owned", "team-shop")), authorize(), WHY);
}

#[test]
fn only_our_rules_are_described_and_released() {
    for rule in [foreign(RULE), of_cluster("stage", RULE), of_other_identity(RULE)] {
        let scene = Scene::new(vec![claim("shop", &[RULE])], vec![rule.clone()]);
        assert_refused(&scene, Action::Describe { id: id(&rule) }, "the rule is not ours");
        assert_refused(&scene, Action::Release { id: id(&rule) }, "the rule is not ours");
    }
}

#[test]
fn nothing_is_adopted_that_is_ours_or_not_there() {
    let rule = ours(RULE, &["shop"]);
    let scene = Scene::new(vec![claim("shop", &[RULE])], vec![rule.clone()]);
    assert_refused(&scene, Action::Adopt { id: id(&rule) }, "there is nothing to adopt");
    assert_refused(&scene, Action::Adopt { id: "sgr-none".into() }, "there is nothing to adopt");
}

#[test]
fn a_rule_of_another_identity_is_not_adopted() {
    let rule = of_other_identity(RULE);
    let scene = Scene::new(vec![claim("shop", &[RULE])], vec![rule.clone()]);
    assert_refused(&scene, Action::Adopt { id: id(&rule) }, "there is nothing to adopt");
}

#[test]
fn a_foreign_rule_is_not_adopted_where_foreign_rules_are_left() {
    let rule = foreign(RULE);
    let reporting = Scene::new(vec![claim("shop", &[RULE])], vec![rule.clone()]);
    assert_refused(&reporting, Action::Adopt { id: id(&rule) }, "no object removes foreign rules");
    let needy = Claim { foreign_rules: ForeignRules::Remove, ..claim("shop", &[RULE]) };
    let removing = Scene::new(vec![needy], vec![rule.clone()]);
    assert_passes(&removing, Action::Adopt { id: id(&rule) });
    assert_refused(
        &removing.tagged(opted_in("shared", "*")),
        Action::Adopt { id: id(&rule) },
        "the group is shared: foreign rules stay",
    );
}

#[test]
fn a_needed_rule_is_not_revoked() {
    let rule = ours(RULE, &["shop"]);
    let scene = Scene::new(vec![claim("shop", &[RULE])], vec![rule.clone()]);
    assert_refused(&scene, revoke(&rule), "the rule is needed");
    // Nor one that an observing object needs.
    let observing = Claim { stance: Stance::Observe, ..claim("frozen", &[RULE]) };
    let scene = Scene::new(vec![claim("shop", &[]), observing], vec![rule.clone()]);
    assert_refused(&scene, revoke(&rule), "the rule is needed");
}

#[test]
fn only_what_is_ours_alone_is_revoked() {
    const WHY: &str = "the rule is not ours alone";
    let rules =
        [foreign(RULE), of_cluster("stage", RULE), of_other_identity(RULE), ours_and(&["stage"], RULE, &["shop"])];
    for rule in rules {
        let scene = Scene::new(vec![claim("shop", &[])], vec![rule.clone()]);
        assert_refused(&scene, revoke(&rule), WHY);
    }
    let scene = Scene::new(vec![claim("shop", &[])], vec![]);
    assert_refused(&scene, Action::Revoke { id: "sgr-none".into(), foreign: false }, WHY);
}

#[test]
fn a_rule_id_that_stands_for_another_rule_is_not_revoked() {
    let other = ours("ingress tcp 9000 from sg-alb", &["shop"]);
    let scene = Scene::new(vec![claim("shop", &[])], vec![other.clone()]);
    assert_refused(&scene, revoke(&other), "the rule is not ours alone");
}

#[test]
fn only_foreign_rules_are_taken_as_foreign() {
    for rule in [ours(RULE, &["shop"]), of_cluster("stage", RULE), of_other_identity(RULE)] {
        let scene = Scene::new(vec![remover()], vec![rule.clone()]);
        assert_refused(&scene, take_foreign(&rule), "the rule is not foreign");
    }
}

#[test]
fn foreign_rules_are_not_taken_where_nobody_removes_them() {
    let rule = foreign(RULE);
    let reporting = Scene::new(vec![claim("shop", &[])], vec![rule.clone()]);
    assert_refused(&reporting, take_foreign(&rule), "no object removes foreign rules");
    let observing = Claim { stance: Stance::Observe, ..remover() };
    let scene = Scene::new(vec![claim("other", &[]), observing], vec![rule.clone()]);
    assert_refused(&scene, take_foreign(&rule), "no object removes foreign rules");
}

#[test]
fn foreign_rules_are_not_taken_from_a_shared_group() {
    let rule = foreign(RULE);
    let scene = Scene::new(vec![remover()], vec![rule.clone()]).tagged(opted_in("shared", "*"));
    assert_refused(&scene, take_foreign(&rule), "the group is shared: foreign rules stay");
}

#[test]
fn what_lets_traffic_in_and_upkeep_come_in_a_phase_before_what_takes_away() {
    let rule = ours("ingress tcp 9000 from sg-alb", &["shop"]);
    let scene = Scene::new(vec![claim("shop", &[RULE])], vec![rule]);
    let checked = super::plan(&scene.input(), scene.plan()).expect("a plan that passes");
    let Phase::Make(steps) = checked.next_phase() else { panic!("{checked:?}") };
    assert_eq!(texts(steps), ["authorize sg-1 ingress tcp 8000 from sg-alb"]);

    let rules = vec![ours(RULE, &["shop"]), ours("ingress tcp 9000 from sg-alb", &["shop"])];
    let scene = Scene::new(vec![claim("shop", &[RULE])], rules);
    let checked = super::plan(&scene.input(), scene.plan()).expect("a plan that passes");
    let Phase::Take(steps) = checked.next_phase() else { panic!("{checked:?}") };
    assert_eq!(texts(steps), ["revoke sg-1 ingress tcp 9000 from sg-alb"]);
}

#[test]
fn a_foreign_rule_goes_only_if_it_was_written_down() {
    let rule = foreign(RULE);
    let mut scene = Scene::new(vec![remover()], vec![rule.clone()]);
    assert_passes(&scene, take_foreign(&rule));
    for tightening in [Tightening::NotYet, Tightening::RolledBack, Tightening::WrittenDown(specs(&[]))] {
        scene.tightening = tightening;
        assert_refused(&scene, take_foreign(&rule), "it was not written down how to put it back");
    }
}

#[test]
fn only_what_was_taken_away_is_restored() {
    let taken = |tags: Tags| TakenRule { spec: spec(RULE), peer_account: None, description: String::new(), tags };
    let restore = |tags: Tags| Action::Restore { peer_account: None, tags };
    let mut scene = Scene::new(vec![remover()], vec![]);
    assert_refused(&scene, restore(Tags::new()), "no such rule was taken away");
    scene.tightening =
        Tightening::Return { rules: vec![taken(tags(&[("team", "shop")]))], objects: objects(&["shop"]) };
    assert_passes(&scene, restore(tags(&[("team", "shop")])));
    assert_refused(&scene, restore(Tags::new()), "no such rule was taken away");
    // Nor as some cluster's, whatever was written down.
    let forged = tags(&[("sgbind.dev/cluster/stage", "theirs")]);
    scene.tightening = Tightening::Return { rules: vec![taken(forged.clone())], objects: objects(&["shop"]) };
    assert_refused(&scene, restore(forged), "it would become some cluster's own");
    assert_passes(&scene, restore(Tags::new()));
    scene.quota.limit = 0;
    assert_refused(&scene, restore(Tags::new()), "it does not fit into the group");
}

#[test]
fn a_rule_is_restored_only_for_someone_who_may_write() {
    let taken = TakenRule { spec: spec(RULE), peer_account: None, description: String::new(), tags: Tags::new() };
    let restore = || Action::Restore { peer_account: None, tags: Tags::new() };
    let tightening = Tightening::Return { rules: vec![taken], objects: objects(&["shop"]) };
    let with = |stance| {
        let shop = Claim { stance, ..remover() };
        Scene { tightening: tightening.clone(), ..Scene::new(vec![claim("other", &[]), shop], vec![]) }
    };
    assert_passes(&with(Stance::Enforce), restore());
    for stance in [Stance::Observe, Stance::Leaving(Farewell::Retain)] {
        assert_refused(&with(stance), restore(), "nobody for whom it comes back may write");
    }
}

// The quota

fn authorizing(scene: &Scene, texts: &[&str]) -> Plan {
    let step = |text: &&str| Step { spec: spec(text), ..plan_of(scene, vec![authorize()]).steps.remove(0) };
    Plan { steps: texts.iter().map(step).collect(), held: Vec::new(), ..scene.plan() }
}

#[test]
fn a_plan_makes_no_more_rules_than_fit() {
    const OTHER: &str = "ingress tcp 8001 from 10.0.0.0/8";
    let mut scene = Scene::new(vec![claim("shop", &[RULE, OTHER])], vec![foreign("ingress tcp 1 from 10.0.0.0/8")]);
    let why = |scene: &Scene, texts: &[&str]| {
        super::plan(&scene.input(), authorizing(scene, texts)).map(|_| ()).map_err(|violation| violation.why)
    };
    scene.quota.limit = 2;
    assert_eq!(why(&scene, &[RULE]), Ok(()));
    assert_eq!(why(&scene, &[RULE, OTHER]), Err("it does not fit into the group"));
    scene.group.unreadable.ingress = 1;
    assert_eq!(why(&scene, &[RULE]), Err("it does not fit into the group"));
}

#[test]
fn what_may_admit_needed_traffic_goes_after_its_own_rule_was_made() {
    const NARROW: &str = "ingress tcp 8000 from 10.0.0.0/8";
    const WHY: &str = "it may admit what is needed and not there yet";
    let old = ours(RULE, &["shop"]);
    let scene = Scene::new(vec![claim("shop", &[NARROW])], vec![old.clone()]);
    assert_refused(&scene, revoke(&old), WHY);
    let mut made_first = plan_of(&scene, vec![revoke(&old)]);
    made_first.steps.extend(authorizing(&scene, &[NARROW]).steps);
    assert_eq!(super::plan(&scene.input(), made_first).map(|_| ()), Ok(()));
    assert_passes(&Scene { refused: specs(&[NARROW]), ..scene.clone() }, revoke(&old));
    let harmless = ours("ingress tcp 8001 from sg-alb", &["shop"]);
    let other = Scene::new(vec![claim("shop", &["ingress tcp 8000 from 10.0.0.0/8"])], vec![harmless.clone()]);
    let step = Step { spec: harmless.spec.clone(), ..plan_of(&other, vec![revoke(&harmless)]).steps.remove(0) };
    assert_eq!(super::plan(&other.input(), Plan { steps: vec![step], ..other.plan() }).map(|_| ()), Ok(()));
    assert_passes(&Scene { contested: specs(&[NARROW]), ..scene.clone() }, revoke(&old));
    let permitted = Claim { gap_permitted: true, ..claim("shop", &[NARROW]) };
    assert_passes(&Scene::new(vec![permitted], vec![old.clone()]), revoke(&old));
    let elsewhere = Claim { gap_permitted: true, ..claim("other", &["ingress tcp 9000 from sg-alb"]) };
    let scene = Scene::new(vec![claim("shop", &[NARROW]), elsewhere], vec![old.clone()]);
    assert_refused(&scene, revoke(&old), WHY);
    let unrecorded = Claim { recorded: false, ..claim("shop", &[NARROW]) };
    assert_passes(&Scene::new(vec![unrecorded], vec![old.clone()]), revoke(&old));
}

#[test]
fn a_rule_of_a_former_cluster_is_adopted_whoever_needs_it() {
    let rule = of_former(RULE, &["gone"]);
    let scene = Scene::new(vec![claim("shop", &[])], vec![rule.clone()]);
    assert_refused(&scene, Action::Adopt { id: id(&rule) }, "there is nothing to adopt");
    assert_passes(&taking_over(scene), Action::Adopt { id: id(&rule) });
}

#[test]
fn a_rule_that_names_nobody_who_may_write_is_let_go_only_if_orphans_are_to_go() {
    const NOBODY: &str = "nobody for whom the rule may have been made lets it go";
    const NO_WRITER: &str = "nobody who may write this group asks for it";
    let rule = ours(RULE, &["gone"]);
    let claimed = Scene::new(vec![claim("shop", &[])], vec![rule.clone()]);
    assert_refused(&claimed, revoke(&rule), NOBODY);
    assert_refused(&claimed, Action::Release { id: id(&rule) }, NOBODY);
    let unclaimed = Scene::new(vec![], vec![rule.clone()]);
    assert_refused(&unclaimed, revoke(&rule), NO_WRITER);
    for scene in [claimed, unclaimed] {
        let scene = Scene { orphans: Orphans::Revoke, ..scene };
        assert_passes(&scene, revoke(&rule));
        let why = if scene.claims.is_empty() { NO_WRITER } else { NOBODY };
        assert_refused(&scene.clone().tagged(opted_in("owned", "team-other")), revoke(&rule), NO_WRITER);
        let mut cut = scene.clone();
        cut.group.rules[0].description = "sgbind prod: alb/team-shop/gone...".into();
        if scene.claims.is_empty() {
            assert_refused(&cut.tagged(opted_in("owned", "team-shop")), revoke(&rule), why);
        }
    }
    let observing = Claim { stance: Stance::Observe, ..claim("frozen", &[]) };
    let scene = Scene { orphans: Orphans::Revoke, ..Scene::new(vec![observing], vec![rule.clone()]) };
    assert_refused(&scene, revoke(&rule), NO_WRITER);
}

#[test]
fn a_rule_that_names_someone_who_is_there_is_no_orphan() {
    let rule = ours(RULE, &["elsewhere"]);
    let scene = Scene { orphans: Orphans::Revoke, ..Scene::new(vec![claim("shop", &[])], vec![rule.clone()]) };
    assert_passes(&scene, revoke(&rule));
    let known = scene.clone().knowing("elsewhere", Knowledge::Fresh);
    assert_refused(&known, revoke(&rule), "nobody for whom the rule may have been made lets it go");
    // Where nobody has to do with the group it names whom it will.
    assert_passes(&Scene { claims: vec![], ..known }, revoke(&rule));
}

#[test]
fn what_goes_does_not_wait_for_what_is_missing_for_another_reason_than_room() {
    let old = ours(RULE, &["other"]);
    let claims = vec![claim("shop", &["ingress tcp 8000 from sg-b"]), claim("other", &[])];
    let scene = Scene { contested: specs(&["ingress tcp 8000 from sg-b"]), ..Scene::new(claims, vec![old.clone()]) };
    let checked = super::plan(&scene.input(), scene.plan()).expect("a plan that passes");
    assert_eq!(texts(&checked.plan().steps), ["revoke sg-1 ingress tcp 8000 from sg-alb"]);
    // By its reason alone.
    let scene = Scene { contested: specs(&[]), ..scene };
    let with = |reason: HoldReason| {
        let missing =
            Step { spec: spec("ingress tcp 8000 from sg-b"), ..plan_of(&scene, vec![authorize()]).steps.remove(0) };
        let held = vec![Held { step: missing, reason }];
        super::plan(&scene.input(), Plan { held, ..plan_of(&scene, vec![revoke(&old)]) }).is_ok()
    };
    assert!(with(HoldReason::Contested) && with(HoldReason::RuleQuotaExceeded));
    assert!(!with(HoldReason::Applying) && !with(HoldReason::GapUnavoidable) && !with(HoldReason::RevocationDelay));
}

//! Foreign rules go after they were written down, and come back where a target falls.

use super::*;

const NEEDED: &str = "ingress tcp 8000 from sg-alb";
const OPEN: &str = "ingress tcp 8080 from 0.0.0.0/0";
const SSH: &str = "ingress tcp 22 from 10.0.0.0/8";

/// `shop` needs one rule that is there, and removes foreign ones.
fn scene(tightening: Tightening) -> Scene {
    let claim = Claim {
        governs: governing(Extent::Everything, Extent::Nothing),
        foreign_rules: ForeignRules::Remove,
        ..claim("shop", &[NEEDED])
    };
    Scene { tightening, ..Scene::new(vec![claim], vec![ours(NEEDED, &["shop"]), foreign(OPEN), foreign(SSH)]) }
}

fn taken(text: &str) -> TakenRule {
    TakenRule {
        spec: spec(text),
        peer_account: None,
        description: "made by hand".into(),
        tags: tags(&[("team", "shop")]),
    }
}

#[test]
fn what_was_not_written_down_waits() {
    assert_eq!(
        outline(&scene(Tightening::NotYet).plan()),
        [
            "held, Tightening: revoke sg-1 ingress tcp 22 from 10.0.0.0/8",
            "held, Tightening: revoke sg-1 ingress tcp 8080 from 0.0.0.0/0",
        ]
    );
}

#[test]
fn what_was_written_down_goes_and_what_came_later_waits() {
    assert_eq!(
        outline(&scene(Tightening::WrittenDown(specs(&[OPEN]))).plan()),
        ["revoke sg-1 ingress tcp 8080 from 0.0.0.0/0", "held, Tightening: revoke sg-1 ingress tcp 22 from 10.0.0.0/8",]
    );
}

#[test]
fn what_was_taken_comes_back_with_its_tags_and_nothing_more_goes() {
    let mut scene = scene(Tightening::Return { rules: vec![taken(OPEN)], objects: objects(&["shop"]) });
    scene.group.rules.retain(|rule| rule.spec != spec(OPEN));
    let plan = scene.plan();
    assert_eq!(
        outline(&plan),
        [
            "restore sg-1 ingress tcp 8080 from 0.0.0.0/0",
            "held, TighteningRolledBack: revoke sg-1 ingress tcp 22 from 10.0.0.0/8",
        ]
    );
    assert_eq!(plan.steps[0].description, "made by hand");
    let tags = tags(&[("team", "shop")]);
    assert_eq!(plan.steps[0].action, Action::Restore { peer_account: None, tags });
}

#[test]
fn what_is_there_again_or_needed_by_now_is_not_restored() {
    let back = Tightening::Return { rules: vec![taken(OPEN), taken(NEEDED)], objects: objects(&["shop"]) };
    let mut scene = scene(back);
    scene.group.rules.retain(|rule| rule.spec != spec(NEEDED));
    assert_eq!(
        outline(&scene.plan()),
        [
            "authorize sg-1 ingress tcp 8000 from sg-alb",
            "held, TighteningRolledBack: revoke sg-1 ingress tcp 22 from 10.0.0.0/8",
            "held, TighteningRolledBack: revoke sg-1 ingress tcp 8080 from 0.0.0.0/0",
        ]
    );
}

/// The rule `OPEN` comes back on account of these.
fn returning(names: &[&str]) -> Scene {
    let mut scene = scene(Tightening::Return { rules: vec![taken(OPEN)], objects: objects(names) });
    scene.group.rules.retain(|rule| ![spec(OPEN), spec(SSH)].contains(&rule.spec));
    scene
}

#[test]
fn where_nobody_may_write_any_more_what_comes_back_is_held() {
    const HELD: &str = "held, NotPermitted: restore sg-1 ingress tcp 8080 from 0.0.0.0/0";
    assert_plan(&returning(&["shop"]).tagged(Tags::new()), &[HELD]);
    let mut left = returning(&["shop"]);
    left.claims[0].stance = Stance::Leaving(Farewell::Retain);
    assert!(outline(&left.plan()).contains(&HELD.to_owned()), "{:?}", outline(&left.plan()));
    // Another's consent is not theirs.
    assert_plan(&returning(&["gone"]), &[HELD]);
    let mut observing = returning(&["frozen"]);
    observing.claims.push(Claim { stance: Stance::Observe, ..claim("frozen", &[]) });
    assert_plan(&observing, &["held, Observe: restore sg-1 ingress tcp 8080 from 0.0.0.0/0"]);
}

#[test]
fn rules_come_back_on_account_of_those_alone_who_may_write() {
    let mut scene = returning(&["shop", "gone", "frozen"]);
    scene.claims.push(Claim { stance: Stance::Observe, ..claim("frozen", &[]) });
    let plan = scene.plan();
    assert_eq!(texts(&plan.steps), ["restore sg-1 ingress tcp 8080 from 0.0.0.0/0"]);
    assert_eq!(plan.steps[0].objects, objects(&["shop"]));
}

#[test]
fn no_cluster_gets_a_rule_by_putting_it_back() {
    let mut forged = taken(OPEN);
    forged.tags.extend(tags(&[("sgbind.dev/cluster/prod", "uid-of-prod"), ("sgbind.dev/cluster/stage", "theirs")]));
    let tightening = Tightening::Return { rules: vec![forged], objects: objects(&["shop"]) };
    let plan = Scene { tightening, ..returning(&["shop"]) }.plan();
    let tags = tags(&[("team", "shop")]);
    assert_eq!(plan.steps[0].action, Action::Restore { peer_account: None, tags });
}

#[test]
fn a_need_that_nobody_fulfils_keeps_nothing_from_coming_back() {
    const RESTORED: &str = "restore sg-1 ingress tcp 8080 from 0.0.0.0/0";
    let needing = |claim: Claim, change: fn(&mut Scene)| {
        let mut scene = returning(&["shop"]);
        scene.claims.push(claim);
        change(&mut scene);
        texts(&scene.plan().steps)
    };
    let needy = || claim("needy", &[OPEN]);
    assert_eq!(needing(needy(), |_| {}), ["authorize sg-1 ingress tcp 8080 from 0.0.0.0/0"]);
    assert_eq!(needing(Claim { stance: Stance::Observe, ..needy() }, |_| {}), [RESTORED]);
    assert_eq!(needing(Claim { recorded: false, ..needy() }, |_| {}), [RESTORED]);
    assert_eq!(needing(needy(), |scene| scene.contested = specs(&[OPEN])), [RESTORED]);
    let unpermitted = claim("team-other/needy", &[OPEN]);
    assert_eq!(needing(unpermitted, |scene| scene.group.tags = opted_in("owned", "team-shop")), [RESTORED]);
    // It fits, but another rule that this object needs does not.
    let greedy = claim("needy", &[OPEN, "ingress tcp 1 from 10.0.0.0/8"]);
    assert_eq!(needing(greedy, |scene| scene.quota.limit = 2), [RESTORED]);
}

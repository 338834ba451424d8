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

#[test]
fn where_nobody_may_write_any_more_nothing_comes_back() {
    let mut scene = scene(Tightening::Return { rules: vec![taken(OPEN)], objects: objects(&["shop"]) });
    scene.group.rules.retain(|rule| rule.spec != spec(OPEN));
    assert_eq!(outline(&scene.tagged(Tags::new()).plan()), [""; 0]);
}

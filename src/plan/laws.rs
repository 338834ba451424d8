//! Laws of the plan that hold for whatever is claimed and whatever is there, on a model of a group to
//! which steps are applied.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::{Index, subsequence};

use crate::api::{Aspect, ForeignRules};
use crate::check::{self, Phase};
use crate::model::*;
use crate::testing::*;

const RULES: [&str; 7] = [
    "ingress tcp 443 from 0.0.0.0/0",
    "ingress tcp 443 from 10.0.0.0/8",
    "ingress tcp 8000 from sg-alb",
    "ingress all from 192.0.2.0/24",
    "egress tcp 8000 to sg-app",
    "egress tcp 9000 to sg-app",
    "egress all to 0.0.0.0/0",
];
const OBJECTS: [&str; 4] = ["blue", "green", "team-other/red", "team-other/gone"];

fn some_rules() -> impl Strategy<Value = BTreeSet<RuleSpec>> {
    subsequence(RULES.to_vec(), 0..=RULES.len()).prop_map(|texts| specs(&texts))
}

fn stance() -> impl Strategy<Value = Stance> {
    prop_oneof![
        5 => Just(Stance::Enforce),
        1 => Just(Stance::Observe),
        1 => Just(Stance::Leaving(Farewell::Revoke)),
        1 => Just(Stance::Leaving(Farewell::Retain)),
        1 => Just(Stance::Leaving(Farewell::Abandon)),
    ]
}

fn an_extent() -> impl Strategy<Value = Extent> {
    prop_oneof![
        2 => Just(Extent::Nothing),
        1 => Just(within(&[443])),
        1 => Just(within(&[8000, 9000])),
        2 => Just(Extent::Everything),
    ]
}

fn policy() -> impl Strategy<Value = ForeignRules> {
    prop_oneof![Just(ForeignRules::Remove), Just(ForeignRules::Report)]
}

fn governed() -> impl Strategy<Value = Governed> {
    (an_extent(), an_extent(), any::<bool>()).prop_map(|(ingress, egress, unless_used_elsewhere)| Governed {
        ingress,
        egress,
        unless_used_elsewhere,
    })
}

prop_compose! {
    fn a_claim(name: &'static str)(
        stance in stance(),
        needs in some_rules(),
        defaults in some_rules(),
        retained in prop_oneof![3 => Just(BTreeSet::new()), 1 => some_rules()],
        recorded in prop::bool::weighted(0.9),
        elsewhere in prop_oneof![
            8 => Just(Elsewhere::Made),
            1 => Just(Elsewhere::AwaitRoom),
            1 => Just(Elsewhere::Pending),
        ],
        gap_permitted in any::<bool>(),
        governs in governed(),
        foreign_rules in policy(),
    ) -> Claim {
        let need = |spec: &RuleSpec| Need {
            reason: format!("needed by {name}"),
            aspect: Some(Aspect::TargetIngress),
            texts: BTreeSet::new(),
            peer_account: None,
            by_default: defaults.contains(spec),
        };
        Claim {
            object: object(name),
            created: None,
            stance,
            rules: needs.iter().map(|spec| (spec.clone(), need(spec))).collect(),
            retained: Retained::These(retained),
            recorded,
            elsewhere,
            gap_permitted,
            governs,
            foreign_rules,
        }
    }
}

fn an_actual_rule(text: &'static str) -> impl Strategy<Value = Option<ActualRule>> {
    let names = || subsequence(OBJECTS.to_vec(), 0..=OBJECTS.len());
    prop_oneof![
        3 => Just(None),
        3 => names().prop_map(move |names| Some(ours(text, &names))),
        1 => names().prop_map(move |names| Some(ours_and(&["stage"], text, &names))),
        1 => names().prop_map(move |names| Some(ours_and(&["dev"], text, &names))),
        2 => Just(Some(foreign(text))),
        1 => Just(Some(of_cluster("stage", text))),
        1 => Just(Some(of_other_identity(text))),
        1 => names().prop_map(move |names| Some(of_former(text, &names))),
    ]
}

fn consent() -> impl Strategy<Value = Tags> {
    prop_oneof![
        4 => Just(opted_in("owned", "*")),
        2 => Just(opted_in("owned", "team-shop")),
        2 => Just(opted_in("shared", "*")),
        1 => Just(opted_in("owned", "")),
        1 => Just(Tags::new()),
    ]
}

fn knowledge() -> impl Strategy<Value = Knowledge> {
    prop_oneof![4 => Just(Knowledge::Fresh), 1 => Just(Knowledge::Stale), 1 => Just(Knowledge::Incomplete)]
}

fn tightening() -> impl Strategy<Value = Tightening> {
    let taken =
        |spec: RuleSpec| TakenRule { spec, peer_account: None, description: "by hand".into(), tags: Tags::new() };
    let back = some_rules().prop_map(move |rules| Tightening::Return {
        rules: rules.into_iter().map(taken).collect(),
        objects: objects(&OBJECTS[..1]),
    });
    prop_oneof![
        4 => Just(Tightening::WrittenDown(specs(&RULES))),
        1 => some_rules().prop_map(Tightening::WrittenDown),
        1 => Just(Tightening::NotYet),
        1 => Just(Tightening::RolledBack),
        1 => back,
    ]
}

prop_compose! {
    fn a_scene()(
        // On the heap: all that a scene is made of is too large for the stack of a test.
        claims in [OBJECTS[0], OBJECTS[1], OBJECTS[2]].map(|name| a_claim(name).boxed()),
        rules in RULES.map(|text| an_actual_rule(text).boxed()),
        tags in consent(),
        knowledge in [knowledge(), knowledge(), knowledge()],
        usage in prop_oneof![
            3 => Just(Usage::BoundLoadBalancersOnly),
            1 => Just(Usage::Elsewhere(["eni-1".to_owned()].into())),
            1 => Just(Usage::Unknown),
        ],
        refused in prop_oneof![3 => Just(BTreeSet::new()), 1 => some_rules()],
        tightening in tightening(),
        limit in prop_oneof![1 => Just(DEFAULT_RULE_QUOTA), 1 => 1..6u32],
        orphans in prop_oneof![Just(Orphans::Report), Just(Orphans::Revoke)],
        claimed in prop::bool::weighted(0.9),
        contested in prop_oneof![3 => Just(BTreeSet::new()), 1 => some_rules()],
    ) -> Scene {
        let claims = Vec::from(claims);
        let names: Vec<ObjectRef> = claims.iter().map(|claim| claim.object.clone()).collect();
        let mut scene = Scene::new(claims, rules.into_iter().flatten().collect()).tagged(tags);
        for (object, knowledge) in names.into_iter().zip(knowledge) {
            scene.known.entry(object).and_modify(|known| known.knowledge = knowledge);
        }
        if !claimed {
            scene.claims.clear();
        }
        let quota = Quota { limit, ..Quota::default() };
        taking_over(Scene { usage, refused, tightening, quota, orphans, contested, ..scene })
    }
}

fn made(id: RuleId, step: &Step, tags: Tags) -> ActualRule {
    ActualRule { id, spec: step.spec.clone(), peer_account: None, description: step.description.clone(), tags }
}

/// What EC2 does when a step is carried out.
fn apply(group: &mut GroupState, step: &Step) {
    let ours = us().cluster.tag_key();
    let rule = |group: &GroupState, id: &RuleId| {
        group.rules.iter().position(|rule| rule.id == *id).unwrap_or_else(|| panic!("{step}: no rule {id}"))
    };
    match &step.action {
        Action::Authorize { .. } => {
            assert!(group.rules.iter().all(|rule| rule.spec != step.spec), "{step}: a duplicate");
            let id = RuleId::new(format!("sgr-new-{}", step.spec));
            let tags = Tags::from([(ours, us().identity)]);
            group.rules.push(made(id, step, tags));
        }
        Action::Restore { tags, .. } => {
            let id = RuleId::new(format!("sgr-restored-{}", step.spec));
            group.rules.push(made(id, step, tags.clone()));
        }
        Action::Adopt { id } => {
            let index = rule(group, id);
            group.rules[index].tags.insert(ours, us().identity);
        }
        Action::Describe { id } => {
            let index = rule(group, id);
            group.rules[index].description = step.description.clone();
        }
        Action::Release { id } => {
            let index = rule(group, id);
            group.rules[index].tags.remove(&ours);
        }
        Action::Revoke { id, .. } => {
            let index = rule(group, id);
            group.rules.remove(index);
        }
    }
}

/// The steps that come next, once the plan has passed its check.
fn next_steps(scene: &Scene) -> Vec<Step> {
    let checked = check::plan(&scene.input(), scene.plan()).expect("a plan that passes");
    match checked.next_phase() {
        Phase::Make(steps) | Phase::Take(steps) => steps.into_iter().cloned().collect(),
    }
}

/// Carries on until nothing is left to do.
fn settle(scene: &mut Scene) {
    for _ in 0..16 {
        let steps = next_steps(scene);
        if steps.is_empty() {
            return;
        }
        steps.iter().for_each(|step| apply(&mut scene.group, step));
    }
    panic!("after sixteen rounds there is still {:?}", outline(&scene.plan()));
}

/// The rules with their tags and descriptions, but without their ids.
fn content(group: &GroupState) -> BTreeSet<(RuleSpec, Tags, String)> {
    group.rules.iter().map(|rule| (rule.spec.clone(), rule.tags.clone(), rule.description.clone())).collect()
}

fn needs(scene: &Scene, of: impl Fn(&Claim) -> bool) -> BTreeSet<RuleSpec> {
    let live = scene.claims.iter().filter(|claim| !matches!(claim.stance, Stance::Leaving(_)) && of(claim));
    live.flat_map(|claim| claim.rules.keys().cloned()).collect()
}

fn may_write(scene: &Scene, claim: &Claim) -> bool {
    let lets = matches!(claim.stance, Stance::Enforce | Stance::Leaving(Farewell::Revoke | Farewell::Retain));
    lets && scene.group.consent(&scene.us).allows(&claim.object.namespace)
}

/// Rules that some object needs and that do not depend on what else is there.
fn declared_needs(scene: &Scene) -> BTreeSet<RuleSpec> {
    let live = scene.claims.iter().filter(|claim| !matches!(claim.stance, Stance::Leaving(_)));
    let declared = live.flat_map(|claim| claim.rules.iter().filter(|(_, need)| !need.by_default));
    declared.map(|(spec, _)| spec.clone()).collect()
}

/// Whether a rule may be written for nobody: it names only objects that the group lets write, and to take it away, none
/// that are there, but for those that are known not to need it.
fn nobody_accounts_for(scene: &Scene, rule: &ActualRule, action: &Action) -> bool {
    let consent = scene.group.consent(&scene.us);
    let (objects, allowed) = match named(&scene.us.cluster, &rule.description) {
        Named::Exactly(objects) => {
            let allowed = objects.iter().all(|object| consent.allows(&object.namespace));
            (objects, allowed)
        }
        // It may be anyone's.
        Named::AtLeast(_) => (scene.known.keys().cloned().collect(), consent.allows("any namespace")),
    };
    let settled = |object: &ObjectRef| match scene.known.get(object) {
        Some(known) => scene.claims.is_empty() && known.knowledge == Knowledge::Fresh,
        None => true,
    };
    let settled = |object: &ObjectRef| !action.removes() || settled(object);
    allowed && objects.iter().all(settled)
}

/// Whether this step may be carried out as things stand.
fn assert_permitted(scene: &Scene, step: &Step) {
    let writers: Vec<&Claim> = scene.claims.iter().filter(|claim| may_write(scene, claim)).collect();
    let rule = |id: &RuleId| scene.group.rules.iter().find(|rule| rule.id == *id).expect("a rule that is there");
    let ownership = |id: &RuleId| scene.us.ownership(&rule(id).tags);
    let owned = matches!(scene.group.consent(&scene.us), Consent::Given { shared: false, .. });
    let orphan = |id: &RuleId| scene.orphans == Orphans::Revoke && nobody_accounts_for(scene, rule(id), &step.action);
    let permitted = !writers.is_empty() || step.action.rule().is_some_and(orphan);
    assert!(permitted, "{step}: nobody may write");
    let wishes = writers.iter().any(|claim| claim.foreign_rules == ForeignRules::Remove);
    match &step.action {
        Action::Authorize { .. } => {
            let declared = needs(scene, |claim| may_write(scene, claim));
            assert!(declared.contains(&step.spec), "{step}: no writer declares it");
        }
        Action::Restore { .. } => {
            let Tightening::Return { rules, .. } = &scene.tightening else { panic!("{step}: nothing comes back") };
            assert!(rules.iter().any(|rule| rule.spec == step.spec), "{step}: it was not taken away");
            let lives = |claim: &&&Claim| !matches!(claim.stance, Stance::Leaving(_));
            let able: BTreeSet<_> = writers.iter().filter(lives).map(|claim| claim.object.clone()).collect();
            assert!(!step.objects.is_empty() && step.objects.is_subset(&able), "{step}: on whose account?");
        }
        Action::Adopt { id } => {
            let permitted = match ownership(id) {
                Ownership::Foreign => owned && wishes,
                Ownership::OtherClusters(_) | Ownership::TakenOver => true,
                Ownership::Ours { .. } | Ownership::OtherIdentity { .. } => false,
            };
            let needed = needs(scene, |_| true).contains(&step.spec);
            assert!(permitted && (needed || ownership(id) == Ownership::TakenOver), "{step}");
        }
        Action::Describe { id } => {
            assert!(matches!(ownership(id), Ownership::Ours { .. }), "{step}: not ours");
            let (now, then) =
                (named(&scene.us.cluster, &rule(id).description), named(&scene.us.cluster, &step.description));
            let is_unknown = |object: &ObjectRef| {
                let known = scene.known.get(object);
                known
                    .is_some_and(|it| it.knowledge == Knowledge::Incomplete && !matches!(it.stance, Stance::Leaving(_)))
            };
            let lost = now.objects().iter().find(|object| is_unknown(object) && !then.may_name(object));
            assert_eq!(lost, None, "{step}: it may need the rule");
        }
        Action::Release { id } => assert!(matches!(ownership(id), Ownership::Ours { .. }), "{step}: not ours"),
        Action::Revoke { id, foreign } => {
            assert!(!declared_needs(scene).contains(&step.spec), "{step}: it is needed");
            match ownership(id) {
                Ownership::Foreign => assert!(*foreign && owned && wishes, "{step}: nobody may take it"),
                Ownership::Ours { others } => assert!(!foreign && others.is_empty(), "{step}: others need it"),
                _ => panic!("{step}: not ours"),
            }
        }
    }
}

/// Whether the group is too small for a rule, and the plan says so.
fn waits_for_room(scene: &Scene, spec: &RuleSpec) -> bool {
    scene.quota.limit < DEFAULT_RULE_QUOTA && scene.plan().held.iter().any(|held| held.step.spec == *spec)
}

/// In each direction, what the rules count as.
fn counts(scene: &Scene) -> [Count; 2] {
    let rules = || scene.group.rules.iter().map(|rule| &rule.spec);
    [Direction::Ingress, Direction::Egress].map(|direction| scene.quota.count(direction, rules()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn planning_after_everything_was_applied_is_empty(mut scene in a_scene()) {
        settle(&mut scene);
        prop_assert_eq!(texts(&scene.plan().steps), Vec::<String>::new());
        // And what writers need is there, but for what is refused, contested, not recorded, left to foreign rules, or has
        // no room.
        let able = |claim: &Claim| may_write(&scene, claim) && claim.recorded;
        let there: BTreeSet<RuleSpec> = scene.group.rules.iter().map(|rule| rule.spec.clone()).collect();
        for claim in scene.claims.iter().filter(|claim| able(claim) && claim.stance == Stance::Enforce) {
            for (spec, need) in &claim.rules {
                let kept = scene.refused.contains(spec) || scene.contested.contains(spec);
                let excused = need.by_default || kept || waits_for_room(&scene, spec);
                prop_assert!(excused || there.contains(spec), "{}", spec);
            }
        }
    }

    #[test]
    fn the_order_of_claims_and_rules_does_not_matter(scene in a_scene()) {
        let mut turned = scene.clone();
        turned.claims.reverse();
        turned.group.rules.reverse();
        prop_assert_eq!(scene.plan(), turned.plan());
        let mut rotated = scene.clone();
        let one = rotated.claims.len().min(1);
        rotated.claims.rotate_left(one);
        prop_assert_eq!(scene.plan(), rotated.plan());
    }

    #[test]
    fn every_step_is_permitted_and_every_prefix_is_safe(mut scene in a_scene()) {
        let before: BTreeSet<RuleSpec> = scene.group.rules.iter().map(|rule| rule.spec.clone()).collect();
        let needed_and_there: BTreeSet<RuleSpec> = declared_needs(&scene).intersection(&before).cloned().collect();
        let mut may_be_there: BTreeSet<RuleSpec> = before.union(&needs(&scene, |_| true)).cloned().collect();
        if let Tightening::Return { rules, .. } = &scene.tightening {
            // It was allowed before, and is to be again.
            may_be_there.extend(rules.iter().map(|rule| rule.spec.clone()));
        }
        for _ in 0..8 {
            for step in next_steps(&scene) {
                assert_permitted(&scene, &step);
                apply(&mut scene.group, &step);
                let there: BTreeSet<RuleSpec> = scene.group.rules.iter().map(|rule| rule.spec.clone()).collect();
                prop_assert!(needed_and_there.is_subset(&there), "{} took what is needed", step);
                prop_assert!(there.is_subset(&may_be_there), "{} opened what nobody declares", step);
            }
        }
    }

    #[test]
    fn no_step_takes_a_group_beyond_its_quota(mut scene in a_scene()) {
        for _ in 0..8 {
            for step in next_steps(&scene) {
                let before = counts(&scene);
                apply(&mut scene.group, &step);
                for (before, after) in before.into_iter().zip(counts(&scene)) {
                    prop_assert!(after.v4 <= scene.quota.limit.max(before.v4), "{}", step);
                    prop_assert!(after.v6 <= scene.quota.limit.max(before.v6), "{}", step);
                }
            }
        }
    }

    #[test]
    fn where_all_fits_the_quota_changes_nothing(scene in a_scene()) {
        let unlimited = Scene { quota: Quota { limit: u32::MAX, ..Quota::default() }, ..scene.clone() };
        let roomy = Scene { quota: Quota { limit: RULES.len() as u32, ..Quota::default() }, ..scene };
        prop_assert_eq!(roomy.plan(), unlimited.plan());
    }

    #[test]
    fn nothing_is_taken_before_all_that_can_be_made_is_there(scene in a_scene()) {
        let steps = next_steps(&scene);
        let takes = |step: &Step| matches!(step.action, Action::Revoke { .. } | Action::Release { .. });
        if steps.iter().any(takes) {
            prop_assert!(steps.iter().all(takes));
            prop_assert!(scene.plan().steps.iter().all(takes));
        }
    }

    #[test]
    fn planning_anew_from_any_prefix_comes_to_the_same_end(
        scene in a_scene(),
        stops in prop::collection::vec(any::<Index>(), 1..5),
    ) {
        let mut straight = scene.clone();
        settle(&mut straight);
        let mut interrupted = scene;
        for stop in stops {
            let steps = next_steps(&interrupted);
            let done = if steps.is_empty() { 0 } else { stop.index(steps.len() + 1) };
            steps[..done].iter().for_each(|step| apply(&mut interrupted.group, step));
        }
        settle(&mut interrupted);
        prop_assert_eq!(content(&interrupted.group), content(&straight.group));
        prop_assert_eq!(interrupted.plan().standing, straight.plan().standing);
    }

    #[test]
    fn the_brake_and_a_contest_hide_nothing_and_only_put_off(
        scene in a_scene(),
        left in 0u32..4,
        contested in some_rules(),
    ) {
        // What is needed and contested is put back as what it was before.
        let restores = |step: &Step| matches!(step.action, Action::Restore { .. });
        let all = |plan: &Plan| -> BTreeSet<Step> {
            let all = plan.steps.iter().chain(plan.held.iter().map(|held| &held.step));
            all.filter(|step| !restores(step)).cloned().collect()
        };
        // In a full group who waits leaves room to others.
        let scene = Scene { quota: Quota::default(), contested: BTreeSet::new(), ..scene };
        let free = scene.plan();
        let allowance = allowance(left, 9);
        let braked = Scene { allowance, contested: contested.clone(), ..scene }.plan();
        prop_assert_eq!(all(&free), all(&braked));
        prop_assert_eq!(&free.standing, &braked.standing);
        prop_assert!(braked.steps.iter().all(|step| restores(step) || free.steps.contains(step)));
        let revokes = braked.steps.iter().filter(|step| step.action.revokes()).count();
        prop_assert!(revokes <= left as usize);
        let makes = |step: &Step| matches!(step.action, Action::Authorize { .. });
        prop_assert!(!braked.steps.iter().any(|step| makes(step) && contested.contains(&step.spec)));
    }

    #[test]
    fn no_step_without_consent(scene in a_scene(), refusal in 0..3) {
        let tags = [Tags::new(), opted_in("owned", ""), opted_in("owned", "team-unknown")][refusal as usize].clone();
        prop_assert_eq!(texts(&scene.tagged(tags).plan().steps), Vec::<String>::new());
    }

    #[test]
    fn no_step_where_all_only_observe(mut scene in a_scene()) {
        prop_assume!(!scene.claims.is_empty());
        for claim in &mut scene.claims {
            claim.stance = Stance::Observe;
        }
        prop_assert_eq!(texts(&scene.plan().steps), Vec::<String>::new());
    }

    #[test]
    fn foreign_rules_stay_foreign_under_report_and_in_shared_groups(mut scene in a_scene(), shared in any::<bool>()) {
        if shared {
            scene.group.tags = opted_in("shared", "*");
        } else {
            scene.claims.iter_mut().for_each(|claim| claim.foreign_rules = ForeignRules::Report);
        }
        let foreign = |group: &GroupState| -> Vec<ActualRule> {
            group.rules.iter().filter(|rule| us().ownership(&rule.tags) == Ownership::Foreign).cloned().collect()
        };
        let before = foreign(&scene.group);
        settle(&mut scene);
        let after = foreign(&scene.group);
        prop_assert!(before.iter().all(|rule| after.contains(rule)), "{:?}\n{:?}", before, after);
    }

    #[test]
    fn rules_of_others_keep_all_that_is_theirs(mut scene in a_scene()) {
        let theirs = |group: &GroupState| -> BTreeSet<(RuleId, Tags)> {
            let foreign_tags = |rule: &ActualRule| -> Tags {
                let ours = [us().identity, "uid-of-former".into()];
                let is_ours = |key: &str, value: &str| key == us().cluster.tag_key() && ours.contains(&value.to_owned());
                rule.tags.iter().filter(|(key, value)| !is_ours(key, value)).map(|(k, v)| (k.clone(), v.clone())).collect()
            };
            let rules = group.rules.iter().map(|rule| (rule.id.clone(), foreign_tags(rule)));
            rules.filter(|(_, tags)| !tags.is_empty()).collect()
        };
        let before = theirs(&scene.group);
        settle(&mut scene);
        prop_assert_eq!(theirs(&scene.group), before);
    }

    #[test]
    fn nothing_is_revoked_on_incomplete_or_stale_knowledge(mut scene in a_scene(), stale in any::<bool>()) {
        let knowledge = if stale { Knowledge::Stale } else { Knowledge::Incomplete };
        scene.known.values_mut().for_each(|known| known.knowledge = knowledge);
        let gone = objects(&["team-other/gone"]);
        scene.known.insert(gone.first().expect("one").clone(), Known { stance: Stance::Enforce, knowledge });
        for step in scene.plan().steps {
            prop_assert!(!matches!(step.action, Action::Revoke { .. } | Action::Release { .. }), "{}", step);
        }
    }
}

//! Groups in which not everything fits.

use super::*;

const OFFICE: &str = "ingress tcp 443 from 192.0.2.0/24";
const WIDE: &str = "ingress tcp 443 from 10.0.0.0/8";
const NARROW: &str = "ingress tcp 443 from 10.1.0.0/16";

/// Made in this order: the second is newer.
fn made(age: i64, claim: Claim) -> Claim {
    Claim { created: Some(jiff::Timestamp::from_second(age).expect("a time")), ..claim }
}

fn of(limit: u32, claims: Vec<Claim>, rules: Vec<ActualRule>) -> Scene {
    let mut scene = Scene::new(claims, rules);
    scene.quota.limit = limit;
    scene
}

fn permitted(claim: Claim) -> Claim {
    Claim { gap_permitted: true, ..claim }
}

fn messages(scene: &Scene) -> Vec<String> {
    scene.plan().problems.into_iter().map(|each| format!("{}: {}", each.object.name, each.problem.message)).collect()
}

// What does not fit

#[test]
fn of_two_objects_the_newer_is_refused_with_the_numbers() {
    let claims = || {
        vec![
            made(2, claim("blue", &["ingress tcp 1 from 10.0.0.0/8", "ingress tcp 2 from 10.0.0.0/8"])),
            made(1, claim("green", &[WIDE])),
        ]
    };
    let scene = of(3, claims(), vec![foreign(OFFICE)]);
    assert_plan(
        &scene,
        &[
            "authorize sg-1 ingress tcp 443 from 10.0.0.0/8",
            "held, RuleQuotaExceeded: authorize sg-1 ingress tcp 1 from 10.0.0.0/8",
            "held, RuleQuotaExceeded: authorize sg-1 ingress tcp 2 from 10.0.0.0/8",
        ],
    );
    assert_eq!(problems(&scene.plan()), ["ALBTargetBinding/team-shop/blue: RuleQuotaExceeded"]);
    assert_eq!(
        messages(&scene),
        [
            "blue: security group sg-1 has no room for the ingress rules of this object: 2 of 3 IPv4 rules are taken, so 1 more \
          fit, and it needs 2 more. Let it, or others, need fewer rules (a prefix list counts by its size), or have the quota \
          \"Inbound or outbound rules per security group\" (L-0EA8095F) raised"
        ]
    );
    // When the older's rule is there the numbers are the same.
    let later = of(3, claims(), vec![foreign(OFFICE), ours(WIDE, &["green"])]);
    assert_eq!(messages(&later), messages(&scene));
    assert_plan(
        &of(4, claims(), vec![foreign(OFFICE), ours(WIDE, &["green"])]).clone(),
        &["authorize sg-1 ingress tcp 1 from 10.0.0.0/8", "authorize sg-1 ingress tcp 2 from 10.0.0.0/8"],
    );
}

#[test]
fn objects_of_one_age_are_refused_by_name() {
    let claims = vec![made(1, claim("green", &[WIDE])), made(1, claim("blue", &[OFFICE]))];
    assert_plan(
        &of(1, claims, vec![]),
        &[
            "authorize sg-1 ingress tcp 443 from 192.0.2.0/24",
            "held, RuleQuotaExceeded: authorize sg-1 ingress tcp 443 from 10.0.0.0/8",
        ],
    );
}

#[test]
fn what_an_older_object_needs_too_is_not_refused() {
    let claims = vec![made(1, claim("old", &[WIDE])), made(2, claim("new", &[WIDE, OFFICE]))];
    let scene = of(1, claims, vec![]);
    assert_plan(
        &scene,
        &[
            "authorize sg-1 ingress tcp 443 from 10.0.0.0/8",
            "held, RuleQuotaExceeded: authorize sg-1 ingress tcp 443 from 192.0.2.0/24",
        ],
    );
    assert_eq!(problems(&scene.plan()), ["ALBTargetBinding/team-shop/new: RuleQuotaExceeded"]);
}

#[test]
fn an_object_that_fits_is_served_though_an_older_one_does_not() {
    let claims = vec![
        made(1, claim("old", &["ingress tcp 1 from 10.0.0.0/8", "ingress tcp 2 from 10.0.0.0/8"])),
        made(2, claim("new", &[WIDE])),
    ];
    let scene = of(1, claims, vec![]);
    assert_eq!(texts(&scene.plan().steps), ["authorize sg-1 ingress tcp 443 from 10.0.0.0/8"]);
    assert_eq!(problems(&scene.plan()), ["ALBTargetBinding/team-shop/old: RuleQuotaExceeded"]);
}

#[test]
fn directions_and_families_are_counted_apart() {
    let needs = [WIDE, "ingress tcp 443 from ::/0", "egress tcp 443 to 10.0.0.0/8"];
    assert_eq!(of(1, vec![claim("shop", &needs)], vec![]).plan().steps.len(), 3);
    // A group counts for both.
    let scene = of(1, vec![claim("shop", &[HTTP])], vec![foreign("ingress tcp 443 from ::/0")]);
    assert_plan(&scene, &["held, RuleQuotaExceeded: authorize sg-1 ingress tcp 8000 from sg-alb"]);
    assert!(messages(&scene)[0].contains("1 of 1 IPv6 rules are taken, so 0 more fit, and it needs 1 more"));
}

#[test]
fn a_list_counts_by_its_size_for_its_family() {
    let mut scene = of(60, vec![claim("shop", &["ingress tcp 443 from pl-1"])], vec![]);
    let fill = |scene: &mut Scene, rules: u16| {
        let port = |port: u16| foreign(&format!("ingress tcp {port} from 10.0.0.0/8"));
        scene.group.rules = (1..=rules).map(port).collect();
    };
    fill(&mut scene, 59);
    assert_eq!(scene.plan().steps.len(), 1, "a list that could not be read counts once");
    scene.quota.lists.insert("pl-1".into(), ListWeight { family: Some(Family::V4), rules: 55 });
    assert_plan(&scene, &["held, RuleQuotaExceeded: authorize sg-1 ingress tcp 443 from pl-1"]);
    fill(&mut scene, 5);
    assert_eq!(scene.plan().steps.len(), 1);
    fill(&mut scene, 59);
    scene.quota.lists.insert("pl-1".into(), ListWeight { family: Some(Family::V6), rules: 55 });
    assert_eq!(scene.plan().steps.len(), 1);
}

#[test]
fn rules_that_could_not_be_read_take_room() {
    let mut scene = of(2, vec![claim("shop", &[WIDE])], vec![foreign(OFFICE)]);
    assert_eq!(scene.plan().steps.len(), 1);
    scene.group.unreadable.egress = 1;
    assert_eq!(scene.plan().steps.len(), 1);
    scene.group.unreadable.ingress = 1;
    assert_plan(&scene, &["held, RuleQuotaExceeded: authorize sg-1 ingress tcp 443 from 10.0.0.0/8"]);
}

#[test]
fn what_is_there_and_needed_is_never_given_up() {
    // The newest object's rule is there, more than the quota allows is there, and the oldest gets no room.
    let claims = vec![made(1, claim("old", &[WIDE])), made(2, claim("new", &[OFFICE, HTTP]))];
    let scene = of(1, claims, vec![ours(OFFICE, &["new"]), ours(HTTP, &["new"])]);
    assert_plan(&scene, &["held, RuleQuotaExceeded: authorize sg-1 ingress tcp 443 from 10.0.0.0/8"]);
    assert_eq!(problems(&scene.plan()), ["ALBTargetBinding/team-shop/old: RuleQuotaExceeded"]);
}

#[test]
fn what_was_needed_stays_where_what_is_needed_is_refused() {
    let shop = claim("shop", &["ingress tcp 8001 from sg-alb", "ingress tcp 8002 from sg-alb"]);
    let scene = of(2, vec![shop], vec![ours(HTTP, &["shop"]), foreign(OFFICE)]);
    assert_plan(
        &scene,
        &[
            "held, RuleQuotaExceeded: authorize sg-1 ingress tcp 8001 from sg-alb",
            "held, RuleQuotaExceeded: authorize sg-1 ingress tcp 8002 from sg-alb",
            "held, Applying: revoke sg-1 ingress tcp 8000 from sg-alb",
        ],
    );
    assert!(messages(&scene)[0].contains("2 of 2 IPv4 rules are taken, so 0 more fit, and it needs 2 more"));
}

#[test]
fn where_the_surplus_of_a_refused_object_stays_others_have_less_room() {
    let refused = made(2, claim("new", &["ingress tcp 1 from sg-alb", "ingress tcp 2 from sg-alb"]));
    let old = made(1, claim("old", &[OFFICE]));
    // Without the surplus of `new` the rule of `old` fits; but it stays.
    let scene = of(1, vec![refused, old], vec![ours(HTTP, &["new"])]);
    assert_eq!(texts(&scene.plan().steps), [""; 0]);
    assert_eq!(
        problems(&scene.plan()),
        ["ALBTargetBinding/team-shop/new: RuleQuotaExceeded", "ALBTargetBinding/team-shop/old: RuleQuotaExceeded"]
    );
}

#[test]
fn whoever_may_not_write_takes_no_room_and_is_told_nothing() {
    let claims = vec![made(1, observing(claim("watcher", &[OFFICE]))), made(2, claim("shop", &[WIDE]))];
    let scene = of(1, claims, vec![]);
    assert_plan(
        &scene,
        &[
            "authorize sg-1 ingress tcp 443 from 10.0.0.0/8",
            "held, Observe: authorize sg-1 ingress tcp 443 from 192.0.2.0/24",
        ],
    );
    assert_eq!(problems(&scene.plan()), [""; 0]);
}

#[test]
fn an_older_object_that_is_not_recorded_yet_has_its_room() {
    let old = Claim { recorded: false, ..made(1, claim("old", &[OFFICE])) };
    let scene = of(1, vec![old, made(2, claim("new", &[WIDE]))], vec![]);
    assert_plan(
        &scene,
        &[
            "held, RuleQuotaExceeded: authorize sg-1 ingress tcp 443 from 10.0.0.0/8",
            "held, Applying: authorize sg-1 ingress tcp 443 from 192.0.2.0/24",
        ],
    );
}

// What does not fit beside what is there

#[test]
fn as_much_as_there_is_room_for_is_made_the_oldest_first() {
    let claims = vec![made(2, claim("new", &[WIDE])), made(1, claim("old", &[OFFICE]))];
    let scene = of(2, claims, vec![ours(HTTP, &["new"])]);
    assert_plan(
        &scene,
        &[
            "authorize sg-1 ingress tcp 443 from 192.0.2.0/24",
            "revoke sg-1 ingress tcp 8000 from sg-alb",
            "held, Applying: authorize sg-1 ingress tcp 443 from 10.0.0.0/8",
        ],
    );
    assert_eq!(problems(&scene.plan()), [""; 0]);
}

#[test]
fn in_a_full_group_surplus_that_admits_nothing_needed_goes_first() {
    for harmless in
        [HTTP, "ingress udp 443 from 10.0.0.0/8", "ingress tcp 443 from 10.2.0.0/16", "ingress tcp 444 from sg-x"]
    {
        let scene = of(1, vec![claim("shop", &[NARROW])], vec![ours(harmless, &["shop"])]);
        let plan = scene.plan();
        assert_eq!(texts(&plan.steps), [format!("revoke sg-1 {harmless}")]);
        assert_eq!(outline(&plan)[1], "held, Applying: authorize sg-1 ingress tcp 443 from 10.1.0.0/16");
    }
}

#[test]
fn what_may_admit_needed_traffic_waits_until_its_own_rule_is_there() {
    let needs = [NARROW, "ingress tcp 444 from 10.1.0.0/16"];
    let there = |texts: &[&str]| texts.iter().map(|text| ours(text, &["shop"])).collect::<Vec<_>>();
    let (old, other) = (WIDE, "ingress tcp 444 from 10.0.0.0/8");
    // One slot is free: rule by rule.
    let scene = |rules: &[&str]| of(3, vec![claim("shop", &needs)], there(rules));
    assert_plan(
        &scene(&[old, other]),
        &[
            "authorize sg-1 ingress tcp 443 from 10.1.0.0/16",
            "revoke sg-1 ingress tcp 443 from 10.0.0.0/8",
            "held, Applying: authorize sg-1 ingress tcp 444 from 10.1.0.0/16",
            "held, Applying: revoke sg-1 ingress tcp 444 from 10.0.0.0/8",
        ],
    );
    assert_plan(
        &scene(&[old, other, NARROW]),
        &[
            "revoke sg-1 ingress tcp 443 from 10.0.0.0/8",
            "held, Applying: authorize sg-1 ingress tcp 444 from 10.1.0.0/16",
            "held, Applying: revoke sg-1 ingress tcp 444 from 10.0.0.0/8",
        ],
    );
    assert_plan(
        &scene(&[other, NARROW]),
        &["authorize sg-1 ingress tcp 444 from 10.1.0.0/16", "revoke sg-1 ingress tcp 444 from 10.0.0.0/8"],
    );
}

#[test]
fn a_gap_that_can_not_be_avoided_waits_for_a_person() {
    for covering in [WIDE, "ingress all from 0.0.0.0/0", "ingress tcp 443 from sg-x", "ingress tcp 400-500 from pl-1"] {
        let scene = |claim| of(1, vec![claim], vec![ours(covering, &["shop"])]);
        let waits = scene(claim("shop", &[NARROW])).plan();
        assert_eq!(texts(&waits.steps), [""; 0], "{covering}");
        assert!(waits.held.iter().all(|held| held.reason == HoldReason::GapUnavoidable), "{:?}", outline(&waits));
        assert_eq!(waits.held.len(), 2);
        assert_eq!(problems(&waits), [""; 0]);
        let goes = scene(permitted(claim("shop", &[NARROW]))).plan();
        assert_eq!(texts(&goes.steps), [format!("revoke sg-1 {covering}")]);
        assert_eq!(goes.held.len(), 1);
        assert_eq!(goes.held[0].reason, HoldReason::GapUnavoidable);
    }
}

#[test]
fn where_a_gap_is_permitted_the_least_goes() {
    let needs = [NARROW, "ingress tcp 444 from 10.1.0.0/16"];
    let rules = vec![
        ours("ingress tcp 443-444 from 10.0.0.0/8", &["shop"]),
        ours("ingress tcp 444 from 10.0.0.0/8", &["shop"]),
    ];
    let scene = of(2, vec![permitted(claim("shop", &needs))], rules);
    // For 443 only the wider one makes a difference to its own traffic; for 444 either would do.
    let plan = scene.plan();
    assert_eq!(plan.steps.len(), 1, "{:?}", outline(&plan));
    assert_eq!(plan.held.len(), 3, "{:?}", outline(&plan));
}

#[test]
fn who_has_permitted_a_gap_is_served_first_when_there_is_room() {
    let claims =
        vec![made(1, claim("old", &[NARROW])), made(2, permitted(claim("new", &["ingress tcp 444 from 10.1.0.0/16"])))];
    let gap_made = of(2, claims, vec![ours(WIDE, &["old"])]);
    assert_eq!(texts(&gap_made.plan().steps), ["authorize sg-1 ingress tcp 444 from 10.1.0.0/16"]);
}

#[test]
fn foreign_rules_make_no_room() {
    // They go only when all that is declared was read back, so they can't go first.
    let remover = removing(governing_all(claim("shop", &["egress tcp 8000 to sg-app"])));
    let plan = of(1, vec![permitted(remover)], vec![foreign(DEFAULT_EGRESS)]).plan();
    assert_eq!(
        outline(&plan),
        [
            "held, RuleQuotaExceeded: authorize sg-1 egress tcp 8000 to sg-app",
            "held, Applying: revoke sg-1 egress all to 0.0.0.0/0",
        ]
    );
    assert_eq!(problems(&plan), ["ALBTargetBinding/team-shop/shop: RuleQuotaExceeded"]);
}

#[test]
fn what_is_put_back_has_room_before_what_is_new() {
    let remover = removing(governing_all(claim("shop", &["egress tcp 8000 to sg-app"])));
    let taken =
        TakenRule { spec: spec(DEFAULT_EGRESS), peer_account: None, description: String::new(), tags: Tags::new() };
    let back = Tightening::Return { rules: vec![taken], objects: objects(&["shop"]) };
    let scene = Scene { tightening: back, ..of(1, vec![remover], vec![]) };
    assert_eq!(texts(&scene.plan().steps), ["restore sg-1 egress all to 0.0.0.0/0"]);
}

#[test]
fn what_waits_for_the_delay_makes_room_later() {
    let kept = Claim { retained: Retained::These(specs(&[HTTP])), ..claim("shop", &[WIDE]) };
    let scene = of(1, vec![kept], vec![ours(HTTP, &["shop"])]);
    assert_plan(
        &scene,
        &[
            "held, RevocationDelay: authorize sg-1 ingress tcp 443 from 10.0.0.0/8",
            "held, RevocationDelay: revoke sg-1 ingress tcp 8000 from sg-alb",
        ],
    );
    assert_eq!(problems(&scene.plan()), [""; 0]);
}

#[test]
fn two_full_groups_do_not_wait_for_each_other() {
    let moving = |elsewhere| Claim { elsewhere, ..claim("shop", &["ingress tcp 8001 from sg-alb"]) };
    let full = |elsewhere| of(1, vec![moving(elsewhere)], vec![ours(HTTP, &["shop"])]);
    assert_plan(
        &full(Elsewhere::Pending),
        &[
            "held, Applying: authorize sg-1 ingress tcp 8001 from sg-alb",
            "held, Applying: revoke sg-1 ingress tcp 8000 from sg-alb",
        ],
    );
    assert_plan(
        &full(Elsewhere::AwaitRoom),
        &["revoke sg-1 ingress tcp 8000 from sg-alb", "held, Applying: authorize sg-1 ingress tcp 8001 from sg-alb"],
    );
    // Where there is room nothing goes early.
    assert_plan(
        &Scene::new(vec![moving(Elsewhere::AwaitRoom)], vec![ours(HTTP, &["shop"])]),
        &["authorize sg-1 ingress tcp 8001 from sg-alb", "held, Applying: revoke sg-1 ingress tcp 8000 from sg-alb"],
    );
}

#[test]
fn a_rule_that_only_loses_our_tag_makes_no_room() {
    let scene = of(1, vec![claim("shop", &[WIDE])], vec![ours_and(&["stage"], HTTP, &["shop"])]);
    assert_eq!(problems(&scene.plan()), ["ALBTargetBinding/team-shop/shop: RuleQuotaExceeded"]);
}

#[test]
fn a_gap_is_permitted_in_the_traffic_of_who_permits_it_alone() {
    let mine = "ingress tcp 80 from 10.1.0.0/16";
    let claims = || vec![permitted(claim("mine", &[mine])), claim("theirs", &[NARROW])];
    // Only a rule that admits another's missing traffic would make room.
    let scene = of(2, claims(), vec![ours(WIDE, &["theirs"]), ours("ingress tcp 80-443 from 10.0.0.0/8", &["mine"])]);
    let plan = scene.plan();
    assert_eq!(texts(&plan.steps), [""; 0]);
    assert!(plan.held.iter().all(|held| held.reason == HoldReason::GapUnavoidable), "{:?}", outline(&plan));
    // One that admits nothing but its own goes.
    let own = ours("ingress tcp 80 from 10.0.0.0/8", &["mine"]);
    let scene = of(2, claims(), vec![ours(WIDE, &["theirs"]), own]);
    assert_eq!(texts(&scene.plan().steps), ["revoke sg-1 ingress tcp 80 from 10.0.0.0/8"]);
}

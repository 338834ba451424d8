use serde_json::{Value, json};

use super::*;
use crate::api::ALBTargetBinding;
use crate::controller::index::Patience;
use crate::model::{Object, TargetRef};
use crate::status::TighteningReport;
use crate::testing::{NAMESPACE, key, scope, spec, specs};

const RULE: &str = "ingress tcp 22 from 10.0.0.0/8";

fn target(id: &str) -> TargetRef {
    let arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/app/0123";
    TargetRef { target_group: ElbArn::parse(arn).expect("an ARN"), id: id.into(), port: Some(8000) }
}

/// One target group.
fn watched() -> Watched {
    Watched { target_groups: [target("i-1").target_group].into(), lasts: Duration::ZERO }
}

fn taken() -> TakenRule {
    TakenRule { spec: spec(RULE), peer_account: None, description: "by hand".into(), tags: Default::default() }
}

fn report() -> TighteningReport {
    TighteningReport {
        group: key("sg-1"),
        generation: 1,
        rules: vec![taken()],
        watch_until: None,
        timed_out_before: BTreeSet::new(),
        fallen: BTreeSet::new(),
        rolled_back: false,
    }
}

fn binding(generation: i64, annotations: Value, report: Option<&TighteningReport>) -> Object {
    let scope = scope();
    let binding: ALBTargetBinding = serde_json::from_value(json!({
        "apiVersion": "sgbind.dev/v1alpha1", "kind": "ALBTargetBinding",
        "metadata": {"name": "shop", "namespace": NAMESPACE, "uid": "1", "generation": generation, "annotations": annotations},
        "spec": {"loadBalancer": {"name": "shop"}},
        "status": {
            "observedGeneration": generation,
            "securityGroups": [{"id": "sg-1", "accountID": scope.account, "region": scope.region}],
            "tightening": report.map(TighteningReport::write),
        },
    }))
    .expect("a binding");
    binding.into()
}

fn index(object: Object) -> Index {
    let mut index = Index::new(scope(), Patience { revocation_delay: Duration::ZERO, gone_after: Duration::ZERO });
    index.upsert(object);
    index.begins_to_lead(Instant::now());
    index
}

fn index_with(report: Option<&TighteningReport>) -> Index {
    index(binding(1, json!({}), report))
}

fn shop() -> BTreeSet<ObjectRef> {
    [crate::testing::object("shop")].into()
}

fn begin(index: &mut Index, health: &HealthRead, now: Instant) -> bool {
    index.begin_to_tighten(&key("sg-1"), vec![taken()], &shop(), watched(), health, now);
    index.watches(&key("sg-1"), now + HEALTH_COUNTS * 2).is_some()
}

fn read(index: &mut Index, health: &HealthRead, began: Instant) -> Verdict {
    index.health_was_read(&key("sg-1"), watched(), health, began)
}

/// A pass ends, with these rules there, and these to go.
fn rests(index: &mut Index, there: &[&str], to_go: &[&str], now: Instant) -> Progress {
    let (there, to_go) = (specs(there), specs(to_go));
    let rest = Rest {
        there: there.iter().collect(),
        to_go: to_go.iter().collect(),
        health_is_known: true,
        now,
        calendar: Timestamp::UNIX_EPOCH,
    };
    index.tightening_rests(&key("sg-1"), &rest)
}

/// The target has fallen, and of these rules people are to be told that they were taken.
fn fell(untold: &[&str]) -> Verdict {
    Verdict::Fallen { targets: [target("i-1")].into(), untold: untold.iter().map(|rule| spec(rule)).collect() }
}

/// The rule was announced, the status tells of it, and its revoke is sent.
fn taking(now: Instant) -> Index {
    let mut index = index(binding(1, json!({}), None));
    assert!(begin(&mut index, &[(target("i-1"), Health::Healthy)].into(), now));
    index.upsert(binding(1, json!({}), Some(&report())));
    index.takes_foreign(&key("sg-1"), [spec(RULE)].into_iter(), now);
    index
}

#[tokio::test(start_paused = true)]
async fn nothing_goes_before_the_status_tells_of_it() {
    let mut index = index(binding(1, json!({}), None));
    assert!(begin(&mut index, &HealthRead::new(), Instant::now()));
    assert_eq!(index.tightening(&key("sg-1")), Tightening::NotYet);
    let touched = index.upsert(binding(1, json!({}), Some(&report())));
    assert_eq!(touched.groups, [key("sg-1")].into(), "the group goes on");
    assert_eq!(index.tightening(&key("sg-1")), Tightening::WrittenDown([spec(RULE)].into()));
}

#[tokio::test(start_paused = true)]
async fn targets_that_fall_before_anything_went_let_nothing_go() {
    let (mut index, now) = (index(binding(1, json!({}), None)), Instant::now());
    assert!(begin(&mut index, &[(target("i-1"), Health::Healthy)].into(), now));
    let fallen = [(target("i-1"), Health::TimesOut)].into();
    assert_eq!(read(&mut index, &fallen, now), Verdict::Abandoned);
    assert_eq!(index.tightening(&key("sg-1")), Tightening::NotYet);
    assert!(!begin(&mut index, &HealthRead::new(), now), "not at once");
    assert!(begin(&mut index, &HealthRead::new(), now + PAUSE));
}

#[tokio::test(start_paused = true)]
async fn a_new_leader_goes_on_where_the_status_says() {
    // Announced: perhaps it was taken already, so whoever times out now has fallen.
    let mut resumed = index(binding(1, json!({}), Some(&report())));
    assert_eq!(resumed.tightening(&key("sg-1")), Tightening::WrittenDown([spec(RULE)].into()));
    let verdict = read(&mut resumed, &[(target("i-1"), Health::TimesOut)].into(), Instant::now());
    assert_eq!(verdict, fell(&[RULE]));
    assert_eq!(resumed.tightening(&key("sg-1")), Tightening::Return { rules: vec![taken()], objects: shop() });
    // Fallen: the return goes on.
    let fallen = TighteningReport { fallen: [target("i-1")].into(), ..report() };
    let mut returning = index(binding(1, json!({}), Some(&fallen)));
    assert_eq!(returning.tightening(&key("sg-1")), Tightening::Return { rules: vec![taken()], objects: shop() });
    // Put back: what a person takes away then does not come back.
    let mut over = index(binding(1, json!({}), Some(&TighteningReport { rolled_back: true, ..fallen })));
    assert_eq!(over.tightening(&key("sg-1")), Tightening::RolledBack);
}

#[tokio::test(start_paused = true)]
async fn what_was_put_back_waits_for_a_person_and_for_the_targets() {
    let told = TighteningReport { fallen: [target("i-1")].into(), rolled_back: true, ..report() };
    let mut index = index(binding(1, json!({}), Some(&told)));
    assert_eq!(index.tightening(&key("sg-1")), Tightening::RolledBack);
    let touched = index.upsert(binding(1, json!({"sgbind.dev/retry-tightening": "1"}), Some(&told)));
    assert_eq!(touched.groups, [key("sg-1")].into(), "the group goes on");
    assert_eq!(index.tightening(&key("sg-1")), Tightening::NotYet);
    let now = Instant::now();
    assert!(!begin(&mut index, &[(target("i-1"), Health::TimesOut)].into(), now), "it has not recovered");
    assert!(begin(&mut index, &[(target("i-1"), Health::Healthy)].into(), now + PAUSE));
}

#[tokio::test(start_paused = true)]
async fn a_removal_ends_with_the_objects_that_asked_for_it() {
    let mut index = index(binding(1, json!({}), Some(&report())));
    assert_eq!(index.objects_that_tighten(&key("sg-1")), shop());
    index.remove(&crate::testing::object("shop"));
    assert_eq!(index.tightening(&key("sg-1")), Tightening::NotYet);
    assert!(index.objects_that_tighten(&key("sg-1")).is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_may_be_gone_comes_back_though_the_pass_did_not_end() {
    let now = Instant::now();
    let mut index = taking(now);
    // The answer was lost, or another call failed: the pass has told nothing yet.
    let fallen = read(&mut index, &[(target("i-1"), Health::TimesOut)].into(), now);
    assert_eq!(fallen, fell(&[RULE]));
    assert_eq!(index.tightening(&key("sg-1")), Tightening::Return { rules: vec![taken()], objects: shop() });
}

#[tokio::test(start_paused = true)]
async fn a_read_that_lags_ends_nothing() {
    let now = Instant::now();
    let mut index = taking(now);
    assert_eq!(rests(&mut index, &[RULE], &[], now + LAG - Duration::from_millis(1)), Progress::Waits, "still shown");
    assert_eq!(rests(&mut index, &[], &[], now + LAG), Progress::Taken { untold: vec![spec(RULE)] });
    let mut refused = taking(now);
    assert_eq!(rests(&mut refused, &[RULE], &[], now + LAG), Progress::Dropped, "AWS did not do it");
    // A new leader does not know what was sent.
    let mut resumed = index_with(Some(&report()));
    assert_eq!(rests(&mut resumed, &[RULE], &[], now), Progress::Waits);
    assert_eq!(rests(&mut resumed, &[], &[], now + LAG), Progress::Taken { untold: vec![spec(RULE)] });
}

#[tokio::test(start_paused = true)]
async fn the_watch_ends_with_a_read_that_began_after_its_time() {
    let now = Instant::now();
    let mut index = taking(now);
    let watched = Watched { lasts: Duration::from_secs(60), ..watched() };
    let well = [(target("i-1"), Health::Healthy)].into();
    index.health_was_read(&key("sg-1"), watched.clone(), &well, now);
    assert_eq!(rests(&mut index, &[], &[], now + LAG), Progress::Taken { untold: vec![spec(RULE)] });
    // A pass that takes long says nothing of the time after its beginning.
    index.health_was_read(&key("sg-1"), watched.clone(), &well, now + Duration::from_secs(59));
    assert_eq!(rests(&mut index, &[], &[], now + Duration::from_secs(90)), Progress::Waits);
    index.health_was_read(&key("sg-1"), watched, &well, now + Duration::from_secs(60));
    assert_eq!(rests(&mut index, &[], &[], now + Duration::from_secs(90)), Progress::Ended);
}

#[tokio::test(start_paused = true)]
async fn what_is_announced_waits_while_it_waits_for_what_is_under_way() {
    let now = Instant::now();
    let mut index = index_with(None);
    assert!(begin(&mut index, &HealthRead::new(), now));
    index.upsert(binding(1, json!({}), Some(&report())));
    assert_eq!(rests(&mut index, &[RULE], &[RULE], now), Progress::Waits);
    assert_eq!(rests(&mut index, &[RULE], &[], now), Progress::Dropped, "something else holds it");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_made_again_keeps_nothing_waiting() {
    let now = Instant::now();
    let mut index = taking(now);
    read(&mut index, &[(target("i-1"), Health::TimesOut)].into(), now);
    assert_eq!(rests(&mut index, &[], &[], now), Progress::Returning);
    index.cannot_restore(&key("sg-1"), spec(RULE));
    assert_eq!(rests(&mut index, &[], &[], now), Progress::RolledBack);
}

#[tokio::test(start_paused = true)]
async fn what_someone_else_took_away_is_not_made_again() {
    let now = Instant::now();
    let mut index = index_with(None);
    let other = TakenRule { spec: spec("ingress tcp 23 from 10.0.0.0/8"), ..taken() };
    let healthy: HealthRead = [(target("i-1"), Health::Healthy)].into();
    index.begin_to_tighten(&key("sg-1"), vec![taken(), other], &shop(), watched(), &healthy, now);
    index.takes_foreign(&key("sg-1"), [spec(RULE)].into_iter(), now);
    read(&mut index, &[(target("i-1"), Health::TimesOut)].into(), now);
    assert_eq!(index.tightening(&key("sg-1")), Tightening::Return { rules: vec![taken()], objects: shop() });
}

#[tokio::test(start_paused = true)]
async fn where_nobody_is_watched_it_ends_when_all_was_seen_to_be_gone() {
    let now = Instant::now();
    let mut index = taking(now);
    index.health_was_read(&key("sg-1"), Watched::default(), &HealthRead::new(), now);
    assert_eq!(rests(&mut index, &[RULE], &[], now), Progress::Waits);
    assert_eq!(rests(&mut index, &[], &[], now), Progress::EndedUnwatched { untold: vec![spec(RULE)] });
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_is_told_once_whenever_targets_fall() {
    let (now, falls) = (Instant::now(), [(target("i-1"), Health::TimesOut)].into());
    assert_eq!(read(&mut taking(now), &falls, now), fell(&[RULE]), "before it was seen to be gone");
    let mut watching = taking(now);
    assert_eq!(rests(&mut watching, &[], &[], now + LAG), Progress::Taken { untold: vec![spec(RULE)] });
    assert_eq!(read(&mut watching, &falls, now + LAG), fell(&[]), "afterwards");
    // A status that tells of the watch, or of the fall, was written after the event.
    let watched = TighteningReport { watch_until: Some(Timestamp::UNIX_EPOCH), ..report() };
    let mut resumed = index_with(Some(&watched));
    assert_eq!(rests(&mut resumed, &[], &[], now + LAG), Progress::Taken { untold: vec![] });
}

#[tokio::test(start_paused = true)]
async fn what_aws_refused_to_take_is_not_told_to_be_gone() {
    let (now, falls) = (Instant::now(), [(target("i-1"), Health::TimesOut)].into());
    let mut refused = taking(now);
    refused.has_not_taken(&key("sg-1"), [spec(RULE)].iter());
    assert_eq!(read(&mut refused, &falls, now), Verdict::Abandoned, "nothing went, so nothing comes back");
    let mut unwatched = taking(now);
    unwatched.has_not_taken(&key("sg-1"), [spec(RULE)].iter());
    unwatched.health_was_read(&key("sg-1"), Watched::default(), &HealthRead::new(), now);
    assert_eq!(rests(&mut unwatched, &[], &[], now), Progress::Waits);
}

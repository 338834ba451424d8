//! I/O: carries steps out and says what came of each. It makes no choice: which steps, and whether they may
//! be carried out at all, has been decided before.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::aws::{AwsError, Cloud, ErrorClass, NewRule};
use crate::defect::Defect;
use crate::model::{Action, Direction, GroupKey, RuleId, Step, Tags, Us};

/// For how long it is waited that what was done is seen: EC2's reads may lag by seconds.
pub const VISIBLE_AFTER: [Duration; 5] = [
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// What came of the steps. A failed step has changed nothing, or it is not known whether it has.
#[derive(Debug, Default)]
pub struct Outcomes {
    pub done: Vec<Step>,
    /// Together with the other steps of the same call.
    pub failed: Vec<(Vec<Step>, AwsError)>,
}

/// Asked before every call that changes something; `false` stops the rest.
pub type MayWrite<'a> = dyn Fn() -> bool + Sync + 'a;

/// Carries out steps of one group. Those that belong into one call go into one.
pub async fn steps(cloud: &Cloud, us: &Us, steps: &[&Step], may_write: &MayWrite<'_>) -> Outcomes {
    let mut outcomes = Outcomes::default();
    let mut calls: BTreeMap<(&'static str, Direction, &Tags), Vec<&Step>> = BTreeMap::new();
    let no_tags = Tags::new();
    for step in steps {
        // The tags of a call are those of all rules that it makes.
        let tags = if let Action::Restore { tags, .. } = &step.action { tags } else { &no_tags };
        calls.entry((step.action.word(), step.spec.direction, tags)).or_default().push(step);
    }
    // The steps come in the order in which they are to be carried out; so do the calls.
    let mut calls: Vec<Vec<&Step>> = calls.into_values().collect();
    calls.sort_by_key(|steps| steps.first().map(|step| step.action.clone()));
    for steps in calls {
        call(cloud, us, steps, may_write, &mut outcomes).await;
    }
    outcomes
}

/// One call; where AWS refuses it for one of its rules it is split by object, then by rule, so that one bad
/// rule keeps no other out.
async fn call(cloud: &Cloud, us: &Us, steps: Vec<&Step>, may_write: &MayWrite<'_>, outcomes: &mut Outcomes) {
    let mut waiting = vec![steps];
    while let Some(steps) = waiting.pop() {
        if !may_write() {
            return;
        }
        match send(cloud, us, &steps).await {
            Ok(()) => outcomes.done.extend(steps.into_iter().cloned()),
            // It is there: our own lost answer, or somebody else's work. The next read tells.
            Err(error) if steps.len() == 1 && error.class() == ErrorClass::Duplicate => {}
            // It is gone already. The next read tells.
            Err(error) if steps[0].action.removes() && error.class() == ErrorClass::NotFound && steps.len() == 1 => {}
            Err(error)
                if steps.len() > 1 && concerns_one_rule(error.class()) && !Defect::RefusedCallNotSplit.is_on() =>
            {
                waiting.extend(split(steps));
            }
            Err(error) => outcomes.failed.push((steps.into_iter().cloned().collect(), error)),
        }
    }
}

fn concerns_one_rule(class: ErrorClass) -> bool {
    match class {
        ErrorClass::Duplicate | ErrorClass::NotFound | ErrorClass::Invalid | ErrorClass::Quota => true,
        ErrorClass::Throttled | ErrorClass::Denied | ErrorClass::Transient => false,
    }
}

fn split(steps: Vec<&Step>) -> Vec<Vec<&Step>> {
    let mut by_objects: BTreeMap<_, Vec<&Step>> = BTreeMap::new();
    for step in &steps {
        by_objects.entry(&step.objects).or_default().push(step);
    }
    if by_objects.len() > 1 {
        by_objects.into_values().collect()
    } else {
        steps.into_iter().map(|step| vec![step]).collect()
    }
}

async fn send(cloud: &Cloud, us: &Us, steps: &[&Step]) -> Result<(), AwsError> {
    let Some(first) = steps.first() else { return Ok(()) };
    let (GroupKey { id: group, .. }, direction) = (&first.group, first.spec.direction);
    let ids: Vec<RuleId> = steps.iter().filter_map(|step| step.action.rule().cloned()).collect();
    match &first.action {
        Action::Authorize { .. } => {
            let rules: Vec<NewRule> = steps.iter().filter_map(|step| new_rule(step)).collect();
            let tags = Tags::from([(us.cluster.tag_key(), us.identity.clone())]);
            cloud.authorize(group, direction, &rules, &tags).await
        }
        Action::Restore { tags, .. } => {
            let rules: Vec<NewRule> = steps.iter().filter_map(|step| new_rule(step)).collect();
            let tags = if Defect::RestoreBareRules.is_on() { &Tags::new() } else { tags };
            match cloud.authorize(group, direction, &rules, tags).await {
                // Traffic is worth more than tags that the role may not give.
                Err(error) if error.class() == ErrorClass::Denied && !tags.is_empty() => {
                    cloud.authorize(group, direction, &rules, &Tags::new()).await
                }
                done => done,
            }
        }
        Action::Adopt { .. } => cloud.tag_rules(&ids, &us.cluster.tag_key(), &us.identity).await,
        Action::Describe { .. } => {
            let descriptions: Vec<(RuleId, String)> =
                ids.into_iter().zip(steps.iter().map(|step| step.description.clone())).collect();
            cloud.describe_rules(group, direction, &descriptions).await
        }
        Action::Release { .. } => cloud.untag_rules(&ids, &us.cluster.tag_key(), &us.identity).await,
        Action::Revoke { .. } => cloud.revoke(group, direction, &ids).await,
    }
}

fn new_rule(step: &Step) -> Option<NewRule> {
    match &step.action {
        Action::Authorize { peer_account } | Action::Restore { peer_account, .. } => Some(NewRule {
            spec: step.spec.clone(),
            peer_account: peer_account.clone(),
            description: step.description.clone(),
        }),
        _ => None,
    }
}

//! I/O: looks up everything that objects name, and reads the groups with which they have to do.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;
use futures::stream;

use crate::api::ForeignRules;
use crate::apply::VISIBLE_AFTER;
use crate::aws::{AwsError, Clouds};
use crate::desired::{self, Desired};
use crate::model::{
    DEFAULT_RULE_QUOTA, GroupKey, GroupState, ObjectProblem, ObjectRef, Ownership, Problem, Quota, Reason, Resolution,
    Scope, Stance, Us, Usage,
};
use crate::observe::{self, Cluster, Found};

use super::swapped;
use super::{Asked, Malformed, Survey, Surveyed, SurveyedGroup, Terms};

/// So many objects are looked up at once: more would only wait for AWS's rates.
const AT_ONCE: usize = 64;

/// Looks at everything: the objects, the groups with which they have to do, and these groups too.
pub async fn look_also(
    clouds: &Clouds,
    cluster: &Cluster,
    us: &Us,
    asked: &[Asked],
    terms: &Terms,
    also: &BTreeSet<GroupKey>,
) -> Survey {
    let mut survey = Survey {
        us: us.clone(),
        objects: look_up(clouds, cluster, us, asked).await,
        groups: BTreeMap::new(),
        problems: terms.malformed.iter().flat_map(Malformed::problems).collect(),
        unknown: Vec::new(),
    };
    let mut keys = groups(clouds, &mut survey).await;
    keys.extend(also.iter().cloned());
    let read = stream::iter(keys).map(async |key| {
        let answer = read(clouds, &key).await;
        (key, answer)
    });
    let read: Vec<_> = read.buffer_unordered(AT_ONCE).collect().await;
    let mut states = BTreeMap::new();
    for (key, answer) in read {
        match answer {
            Ok(Found::There(state)) => drop(states.insert(key, state)),
            Ok(Found::Gone | Found::Unclear) => {
                let message = format!("security group {} is not in {}: was it deleted?", key.id, key.scope);
                survey.lacks(&key, Problem::new(Reason::SecurityGroupNotFound, message));
            }
            Err(error) => survey.lacks(&key, Problem::new(observe::reason(error.class()), error.to_string())),
        }
    }
    swapped::keep(clouds, &mut survey, &states).await;
    let claimants = survey.claimants();
    let concerned = |state: &GroupState| -> Vec<&Surveyed> {
        survey.concerned(&claimants, state).into_iter().map(|(_, surveyed)| surveyed).collect()
    };
    let finished = stream::iter(states).map(async |(key, state)| {
        let (group, unknown) = finish(clouds, &survey, &concerned(&state), terms, state).await;
        (key, group, unknown)
    });
    let mut finished: Vec<_> = finished.buffer_unordered(AT_ONCE).collect().await;
    finished.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    let mut unknown = std::mem::take(&mut survey.unknown);
    for (key, group, news) in finished {
        survey.groups.insert(key, group);
        unknown.extend(news);
    }
    Survey { unknown, ..survey }
}

/// Looks at everything: the objects, and the groups with which they have to do.
pub async fn look(clouds: &Clouds, cluster: &Cluster, us: &Us, asked: &[Asked], terms: &Terms) -> Survey {
    look_also(clouds, cluster, us, asked, terms, &BTreeSet::new()).await
}

async fn look_up(clouds: &Clouds, cluster: &Cluster, us: &Us, asked: &[Asked]) -> BTreeMap<ObjectRef, Surveyed> {
    let surveyed = stream::iter(asked).map(async |asked| {
        let declaration = &asked.declaration;
        let known = || Resolution {
            facts: asked.previous.clone(),
            problems: Vec::new(),
            complete: true,
            absent: BTreeSet::new(),
        };
        let resolution = match clouds.scope(&declaration.scope) {
            // It needs nothing any more.
            _ if matches!(declaration.stance, Stance::Leaving(_)) => known(),
            Ok(cloud) => observe::object(&cloud, cluster, us, declaration, &asked.previous, &BTreeSet::new()).await,
            Err(error) => Resolution {
                problems: vec![Problem::new(observe::reason(error.class()), error.to_string())],
                complete: false,
                ..known()
            },
        };
        let desired = match declaration.stance {
            Stance::Leaving(_) => Desired::default(),
            Stance::Enforce | Stance::Observe => desired::of(&declaration.wants, &resolution.facts),
        };
        let surveyed = Surveyed {
            declaration: declaration.clone(),
            created: asked.created,
            resolution,
            desired,
            rolled_back: asked.rolled_back.clone(),
        };
        (declaration.object.clone(), surveyed)
    });
    surveyed.buffer_unordered(AT_ONCE).collect().await
}

/// The groups that objects name or have written, and those in which rules of ours are.
async fn groups(clouds: &Clouds, survey: &mut Survey) -> BTreeSet<GroupKey> {
    let mut keys = BTreeSet::new();
    for surveyed in survey.objects.values() {
        let Surveyed { declaration, desired, .. } = surveyed;
        keys.extend(desired.groups.keys().map(|id| declaration.key(id)));
        keys.extend(declaration.recorded_groups.iter().cloned());
    }
    // An account that no object names any more may have rules of ours.
    let scopes: BTreeSet<Scope> = keys.iter().map(|key| key.scope.clone()).chain(clouds.scopes()).collect();
    for scope in scopes {
        let found = match clouds.scope(&scope) {
            Ok(cloud) => cloud.groups_with_rules_tagged(&survey.us.cluster.tag_key(), &survey.us.identities()).await,
            Err(error) => Err(error),
        };
        match found {
            Ok(found) => keys.extend(found.into_iter().map(|id| GroupKey { scope: scope.clone(), id })),
            Err(error) => survey.unknown.push(format!("rules of ours in other groups of {scope}: {error}")),
        }
    }
    keys
}

/// One of which EC2 shows the rules and not the group has just been made: its answers lag.
async fn read(clouds: &Clouds, key: &GroupKey) -> Result<Found, AwsError> {
    let cloud = clouds.scope(&key.scope)?;
    for wait in VISIBLE_AFTER {
        match observe::security_group(&cloud, key).await? {
            Found::Unclear => tokio::time::sleep(wait).await,
            found => return Ok(found),
        }
    }
    observe::security_group(&cloud, key).await
}

/// Reads what else decides about a group's rules.
async fn finish(
    clouds: &Clouds,
    survey: &Survey,
    concerned: &[&Surveyed],
    terms: &Terms,
    state: GroupState,
) -> (SurveyedGroup, Vec<String>) {
    let Ok(cloud) = clouds.scope(&state.key.scope) else {
        return (SurveyedGroup { state, usage: Usage::Unknown, quota: Quota::default() }, Vec::new());
    };
    let mut unknown = Vec::new();
    let usage = if decides_about_foreign_rules(&survey.us, concerned, &state) {
        let bound = survey.objects.values().filter_map(|it| it.resolution.facts.load_balancer.as_ref());
        let bound = bound.map(|load_balancer| load_balancer.arn.clone()).collect();
        observe::usage(&cloud, &state.key.id, &bound).await.unwrap_or_else(|error| {
            unknown.push(format!("who uses {}, without which no foreign rule of it goes: {error}", state.key.id));
            Usage::Unknown
        })
    } else {
        Usage::Unknown
    };
    let needed = concerned.iter().filter_map(|surveyed| surveyed.desired.groups.get(&state.key.id));
    let needed = needed.flat_map(|needs| needs.rules.keys());
    let lists = observe::lists_of(state.rules.iter().map(|rule| &rule.spec).chain(needed));
    let weights = observe::list_weights(&cloud, &lists).await.unwrap_or_else(|error| {
        unknown.push(format!(
            "as how many rules of {} prefix lists count, so that each counts as one: {error}",
            state.key.id
        ));
        BTreeMap::new()
    });
    let limit = match terms.rule_quota {
        Some(limit) => limit,
        None => cloud.rule_quota().await.unwrap_or(DEFAULT_RULE_QUOTA),
    };
    let lists = weights.into_iter().filter_map(|(id, weight)| Some((id, weight?))).collect();
    (SurveyedGroup { state, usage, quota: Quota { limit, lists } }, unknown)
}

/// Whether it matters who else uses a group: foreign rules are to go because a load balancer is bound.
fn decides_about_foreign_rules(us: &Us, concerned: &[&Surveyed], state: &GroupState) -> bool {
    let guarded = |surveyed: &&&Surveyed| {
        let needs = surveyed.desired.groups.get(&state.key.id);
        surveyed.declaration.foreign_rules == ForeignRules::Remove
            && needs.is_some_and(|needs| needs.governs.unless_used_elsewhere)
    };
    let foreign = state.rules.iter().any(|rule| us.ownership(&rule.tags) == Ownership::Foreign);
    foreign && concerned.iter().any(|surveyed| guarded(&surveyed))
}

impl Survey {
    /// A group can't be looked at: whoever needs something there is told.
    fn lacks(&mut self, key: &GroupKey, problem: Problem) {
        let needs = |surveyed: &Surveyed| {
            let here = surveyed.declaration.scope == key.scope;
            (here && surveyed.desired.groups.contains_key(&key.id))
                || surveyed.declaration.recorded_groups.contains(key)
        };
        let needing: Vec<ObjectRef> =
            self.objects.iter().filter(|(_, surveyed)| needs(surveyed)).map(|(object, _)| object.clone()).collect();
        if needing.is_empty() {
            self.unknown.push(format!("{}: {}", key, problem.message));
        }
        let problems = needing.into_iter().map(|object| ObjectProblem { object, problem: problem.clone() });
        self.problems.extend(problems);
    }

    /// The objects that have to do with a group.
    pub(super) fn concerned(
        &self,
        claimants: &BTreeMap<GroupKey, BTreeSet<&ObjectRef>>,
        state: &GroupState,
    ) -> Vec<(&ObjectRef, &Surveyed)> {
        let named = state.named(&self.us);
        let named = named.iter().flat_map(|named| named.objects());
        let all: BTreeSet<&ObjectRef> = claimants.get(&state.key).into_iter().flatten().copied().chain(named).collect();
        all.into_iter().filter_map(|object| self.objects.get_key_value(object)).collect()
    }
}

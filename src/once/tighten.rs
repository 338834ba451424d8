//! I/O: takes foreign rules away as the controller does: one group at a time for a load balancer, with the health of
//! targets read before and watched afterwards, and put back where a target falls. There is no status that could tell how to
//! put them back after a crash, so that is told before they go.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::try_join_all;
use tokio::time::Instant;

use crate::aws::{AwsError, Cloud};
use crate::model::{
    ElbArn, GroupKey, HealthWatch, HoldReason, ObjectRef, RuleSpec, Step, TakenRule, TargetRef, Tightening, Watched,
    taken,
};
use crate::observe;

use super::carry_out::{Halt, Progress, Run, load_balancers};

/// How often health is read.
const OFTEN: Duration = Duration::from_secs(5);
/// After so many failed reads in a row the health of targets counts as unknown.
const FAILED_READS: u32 = 3;
/// How often EC2 is asked whether what was taken is gone, and what was put back is there.
const LOOKS: u32 = 8;

/// How a watch ended.
enum End {
    Well,
    Fallen,
    Interrupted,
}

impl Run<'_> {
    /// Takes foreign rules away, group by group.
    pub(super) async fn tighten(&self) -> Result<(), Halt> {
        let mut waiting = BTreeMap::new();
        for key in self.written() {
            let steps = self.foreign_steps(key)?;
            if !steps.is_empty() {
                let (found, declared) = load_balancers(self.survey, key);
                waiting.insert(key.clone(), (steps, found, declared));
            }
        }
        for wave in waves(waiting.iter().map(|(key, (_, found, _))| (key.clone(), found.clone())).collect()) {
            if self.stop.is_cancelled() {
                return Err(Halt::Interrupted);
            }
            let groups = wave.iter().filter_map(|key| Some((key, waiting.get(key)?)));
            try_join_all(
                groups
                    .map(async |(key, (steps, found, declared))| self.tighten_group(key, steps, found, declared).await),
            )
            .await?;
        }
        Ok(())
    }

    /// The foreign rules that would go, of what was shown.
    fn foreign_steps(&self, key: &GroupKey) -> Result<Vec<Step>, Halt> {
        let plan = self.plan(key, &|_| Tightening::NotYet)?;
        let waits = plan.held.into_iter().filter(|held| held.reason == HoldReason::Tightening).map(|held| held.step);
        Ok(waits.filter(|step| self.is_shown(step)).collect())
    }

    async fn tighten_group(
        &self,
        key: &GroupKey,
        steps: &[Step],
        load_balancers: &BTreeSet<ElbArn>,
        declared: &BTreeSet<ElbArn>,
    ) -> Result<(), Halt> {
        let Ok(cloud) = self.clouds.scope(&key.scope) else { return Ok(()) };
        let watched = async {
            let least = self.terms.tightening_watch;
            let watched = observe::whom_to_watch(&cloud, load_balancers, declared, least).await?;
            let health = observe::health_of(&cloud, &watched.target_groups).await?;
            Ok((watched, HealthWatch::begun(&health)))
        };
        let (watched, mut health) = match watched.await {
            Ok(read) => read,
            Err(error) => {
                self.tell(Progress::HealthUnknown(key, &error));
                return Ok(());
            }
        };
        let Some(state) = self.state(key) else { return Ok(()) };
        let rules: Vec<TakenRule> = steps.iter().filter_map(|step| taken(&state, step)).collect();
        let objects = steps.iter().flat_map(|step| step.objects.iter().cloned()).collect();
        self.tell(Progress::Takes(key, &rules));
        let gone = self.take(key, &rules).await?;
        if gone.is_empty() {
            return Ok(());
        }
        match self.watch(&cloud, key, &watched, &mut health).await {
            End::Well => Ok(()),
            End::Fallen => self.put_back(key, gone, objects).await,
            End::Interrupted => {
                self.tell(Progress::Unwatched(key, &gone));
                Err(Halt::Interrupted)
            }
        }
    }

    /// Revokes the rules, and tells which were sent.
    async fn take(&self, key: &GroupKey, rules: &[TakenRule]) -> Result<Vec<TakenRule>, Halt> {
        let specs: BTreeSet<RuleSpec> = rules.iter().map(|rule| rule.spec.clone()).collect();
        let written_down = |_: &_| Tightening::WrittenDown(specs.clone());
        let mut sent = BTreeSet::new();
        for look in 0..LOOKS {
            // Tags are read again before anything goes.
            self.read(&[key.clone()].into()).await?;
            let plan = self.plan(key, &written_down)?;
            let going: Vec<Step> = plan.steps.into_iter().filter(|step| specs.contains(&step.spec)).collect();
            let new = self.not_begun(&going);
            if going.is_empty() || self.stop.is_cancelled() {
                break;
            }
            if new.is_empty() {
                tokio::time::sleep(Duration::from_millis(200) * (look + 1)).await;
            } else {
                sent.extend(new.iter().map(|step| step.spec.clone()));
                self.carry_out(new).await;
            }
        }
        Ok(rules.iter().filter(|rule| sent.contains(&rule.spec)).cloned().collect())
    }

    async fn watch(&self, cloud: &Cloud, key: &GroupKey, watched: &Watched, health: &mut HealthWatch) -> End {
        if watched.target_groups.is_empty() {
            return End::Well;
        }
        self.tell(Progress::Watches(key, watched.lasts));
        let until = Instant::now() + watched.lasts;
        let mut failed = 0;
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return End::Interrupted,
                () = tokio::time::sleep(OFTEN.min(until.saturating_duration_since(Instant::now()))) => {}
            }
            match observe::health_of(cloud, &watched.target_groups).await {
                Ok(read) => {
                    failed = 0;
                    let fallen: BTreeSet<TargetRef> = health.read(&read);
                    if !fallen.is_empty() {
                        self.tell(Progress::Fallen(key, &fallen));
                        return End::Fallen;
                    }
                    if Instant::now() >= until {
                        return End::Well;
                    }
                }
                Err(error) => {
                    failed += 1;
                    if failed == FAILED_READS {
                        self.unknown(key, &error);
                        return End::Fallen;
                    }
                    if Instant::now() >= until {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                }
            }
        }
    }

    fn unknown(&self, key: &GroupKey, error: &AwsError) {
        self.tell(Progress::HealthUnknown(key, error));
    }

    /// Makes the rules again that were taken away.
    async fn put_back(&self, key: &GroupKey, rules: Vec<TakenRule>, objects: BTreeSet<ObjectRef>) -> Result<(), Halt> {
        self.rolled_back(key);
        let back = |_: &_| Tightening::Return { rules: rules.clone(), objects: objects.clone() };
        for look in 0..LOOKS {
            self.read(&[key.clone()].into()).await?;
            let plan = self.plan(key, &back)?;
            let coming: Vec<Step> = plan
                .steps
                .into_iter()
                .filter(|step| matches!(step.action, crate::model::Action::Restore { .. }))
                .collect();
            if coming.is_empty() {
                return Ok(());
            }
            let new = self.not_begun(&coming);
            if new.is_empty() {
                tokio::time::sleep(Duration::from_millis(200) * (look + 1)).await;
            } else {
                self.carry_out(new).await;
            }
        }
        Ok(())
    }
}

/// Groups in the order in which their foreign rules go: of those in one wave, no two have to do with one load balancer.
fn waves(groups: Vec<(GroupKey, BTreeSet<ElbArn>)>) -> Vec<Vec<GroupKey>> {
    let mut waves: Vec<(Vec<GroupKey>, BTreeSet<ElbArn>)> = Vec::new();
    for (key, load_balancers) in groups {
        match waves.iter_mut().find(|(_, taken)| taken.is_disjoint(&load_balancers)) {
            Some((keys, taken)) => {
                keys.push(key);
                taken.extend(load_balancers);
            }
            None => waves.push((vec![key], load_balancers)),
        }
    }
    waves.into_iter().map(|(keys, _)| keys).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::key;

    #[test]
    fn groups_of_one_load_balancer_go_one_after_another_and_others_at_once() {
        let arn = |name: &str| {
            let arn = format!("arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/{name}/0123");
            ElbArn::parse(&arn).expect("an ARN")
        };
        let groups = [("sg-1", vec!["a"]), ("sg-2", vec!["a", "b"]), ("sg-3", vec!["b"]), ("sg-4", vec![])];
        let groups = groups.map(|(id, names)| (key(id), names.into_iter().map(arn).collect()));
        assert_eq!(waves(groups.into()), [vec![key("sg-1"), key("sg-3"), key("sg-4")], vec![key("sg-2")]]);
    }
}

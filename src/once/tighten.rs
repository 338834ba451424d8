//! I/O: takes foreign rules away as the controller does: one group at a time for a load balancer, with the health of
//! targets read before and watched afterwards, and put back where a target falls. There is no status that could tell how to
//! put them back after a crash, so that is told before they go.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;

use crate::aws::{Cloud, ErrorClass};
use crate::model::{
    Action, ElbArn, GroupKey, HealthWatch, HoldReason, ObjectRef, RuleId, RuleSpec, Step, TakenRule, TargetRef,
    Tightening, Watched, taken,
};
use crate::observe;

use super::carry_out::{Run, load_balancers};
use super::report::{Halt, Progress};
use super::round::next_steps;

/// How often health is read.
const OFTEN: Duration = Duration::from_secs(5);
/// After so many failed reads in a row the health of targets counts as unknown.
const FAILED_READS: u32 = 3;
/// How often EC2 is asked whether what was taken is gone, and what was put back is there.
const LOOKS: u32 = 8;
/// How often it is tried to put rules back, with pauses that grow to the longest one: for ten minutes.
const TRIES: u32 = 27;
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Foreign rules by the ids that they had, with all that it takes to make them again.
type Taken = BTreeMap<RuleId, TakenRule>;

/// How a watch ended.
enum End {
    Well,
    Fallen,
    Interrupted,
}

impl Run<'_> {
    /// Takes foreign rules away: of one group for each load balancer. The next ones go by a later look.
    pub(super) async fn tighten(&self) -> Result<(), Halt> {
        let mut waiting = BTreeMap::new();
        for key in self.written() {
            let steps = self.foreign_steps(key)?;
            if !steps.is_empty() {
                let (found, declared) = load_balancers(self.survey, key);
                waiting.insert(key.clone(), (steps, found, declared));
            }
        }
        if self.stop.is_cancelled() && !waiting.is_empty() {
            return Err(Halt::Interrupted);
        }
        let (now, later) = first_wave(waiting.iter().map(|(key, (_, found, _))| (key, found)));
        let groups = now.into_iter().filter_map(|key| Some((key, waiting.get(key)?)));
        // What befalls one group must not end the watch of another.
        let ends = join_all(
            groups.map(async |(key, (steps, found, declared))| self.tighten_group(key, steps, found, declared).await),
        );
        ends.await.into_iter().collect::<Result<(), Halt>>()?;
        if later {
            self.goes_on();
        }
        Ok(())
    }

    /// The foreign rules that would go, of what was shown. Until all is made that is needed, none would.
    fn foreign_steps(&self, key: &GroupKey) -> Result<Vec<Step>, Halt> {
        let checked = self.plan(key, &|_| Tightening::NotYet)?;
        if next_steps(&checked).iter().any(|step| !step.action.removes()) {
            return Ok(Vec::new());
        }
        let held = checked.plan().held.iter().filter(|held| held.reason == HoldReason::Tightening);
        Ok(held.map(|held| held.step.clone()).filter(|step| self.is_shown(step)).collect())
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
        let rules: Vec<(RuleId, TakenRule)> =
            steps.iter().filter_map(|step| Some((step.action.rule()?.clone(), taken(&state, step)?))).collect();
        let objects = steps.iter().flat_map(|step| step.objects.iter().cloned()).collect();
        let told: Vec<TakenRule> = rules.iter().map(|(_, rule)| rule.clone()).collect();
        self.tell(Progress::Takes(key, &told));
        let mut gone = BTreeMap::new();
        // Whatever ended it, what is gone is watched.
        let taken = self.take(key, &rules.into_iter().collect(), &mut gone).await;
        if gone.is_empty() {
            return taken;
        }
        match self.watch(&cloud, key, &watched, &mut health).await {
            End::Well => taken,
            End::Fallen => {
                self.put_back(key, &gone, &objects).await;
                taken
            }
            End::Interrupted => {
                self.tell(Progress::Unwatched(key, &gone.into_values().collect::<Vec<_>>()));
                Err(Halt::Interrupted)
            }
        }
    }

    /// Revokes the rules, and notes which were sent.
    async fn take(&self, key: &GroupKey, rules: &Taken, gone: &mut Taken) -> Result<(), Halt> {
        let specs: BTreeSet<RuleSpec> = rules.values().map(|rule| rule.spec.clone()).collect();
        let written_down = |_: &_| Tightening::WrittenDown(specs.clone());
        for look in 0..LOOKS {
            // Tags are read again before anything goes, and whether all is there that is needed.
            self.read(&[key.clone()].into()).await?;
            let steps = next_steps(&self.plan(key, &written_down)?);
            // One that someone has made anew meanwhile is not the one of which it was told how to put it back.
            let told = |step: &Step| step.action.rule().is_some_and(|id| rules.contains_key(id));
            let goes = |step: &Step| told(step) && self.failure(step).is_none();
            let going: Vec<Step> = steps.into_iter().filter(goes).collect();
            let new = self.not_begun(&going);
            if going.is_empty() || self.stop.is_cancelled() {
                break;
            }
            if new.is_empty() {
                tokio::time::sleep(Duration::from_millis(200) * (look + 1)).await;
            } else {
                self.send(new, rules, gone).await;
            }
        }
        Ok(())
    }

    /// Sends revokes, and notes those that may have been done.
    async fn send(&self, steps: Vec<Step>, rules: &Taken, gone: &mut Taken) {
        let sent = AtomicBool::new(false);
        let may_write = || {
            let goes = !self.stop.is_cancelled();
            sent.fetch_or(goes, Ordering::Relaxed);
            goes
        };
        self.carry_out_while(steps.clone(), &may_write).await;
        let undone = |step: &&Step| {
            use ErrorClass::{Denied, Invalid, Quota, Throttled};
            matches!(self.failure(step), Some(Denied | Invalid | Quota | Throttled))
        };
        let done = steps.iter().filter(|step| sent.load(Ordering::Relaxed) && !undone(step));
        let done = done.filter_map(|step| rules.get_key_value(step.action.rule()?));
        gone.extend(done.map(|(id, rule)| (id.clone(), rule.clone())));
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
            let read = tokio::select! {
                biased;
                () = self.stop.cancelled() => return End::Interrupted,
                read = observe::health_of(cloud, &watched.target_groups) => read,
            };
            match read {
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
                        self.tell(Progress::HealthUnknown(key, &error));
                        return End::Fallen;
                    }
                    if Instant::now() >= until {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                }
            }
        }
    }

    /// Makes the rules again that were taken away. It heals, so that nobody's wish to stop keeps it from being done.
    async fn put_back(&self, key: &GroupKey, gone: &Taken, objects: &BTreeSet<ObjectRef>) {
        let rules: Vec<TakenRule> = gone.values().cloned().collect();
        let revoked = gone.keys().cloned().collect();
        let back = |_: &_| Tightening::Return { rules: rules.clone(), objects: objects.clone() };
        let mut lacking = rules.clone();
        for look in 0..TRIES {
            if self.read(&[key.clone()].into()).await.is_ok() {
                self.forget(key, &revoked);
                lacking = self.lacking(key, &rules);
                if lacking.is_empty() {
                    break;
                }
                self.forget_refusals(key);
                let Ok(checked) = self.plan(key, &back) else { break };
                let coming = checked.plan().steps.iter().filter(|step| matches!(step.action, Action::Restore { .. }));
                let coming: Vec<Step> = coming.cloned().collect();
                self.try_again(&coming);
                let new = self.not_begun(&coming);
                if !new.is_empty() {
                    self.carry_out_while(new, &|| true).await;
                }
            }
            tokio::time::sleep((Duration::from_millis(200) * 2_u32.pow(look)).min(LONGEST_PAUSE)).await;
        }
        if lacking.is_empty() {
            self.rolled_back(key);
        } else {
            self.lost(key, lacking);
        }
    }

    /// Those that are not there.
    fn lacking(&self, key: &GroupKey, rules: &[TakenRule]) -> Vec<TakenRule> {
        let there: BTreeSet<RuleSpec> =
            self.state(key).into_iter().flat_map(|state| state.rules).map(|rule| rule.spec).collect();
        rules.iter().filter(|rule| !there.contains(&rule.spec)).cloned().collect()
    }
}

/// The groups whose foreign rules go at once: no two have to do with one load balancer. Tells whether others are left.
fn first_wave<'a>(groups: impl Iterator<Item = (&'a GroupKey, &'a BTreeSet<ElbArn>)>) -> (Vec<&'a GroupKey>, bool) {
    let (mut wave, mut taken, mut left) = (Vec::new(), BTreeSet::new(), false);
    for (key, load_balancers) in groups {
        if load_balancers.iter().any(|arn| taken.contains(arn)) {
            left = true;
        } else {
            taken.extend(load_balancers);
            wave.push(key);
        }
    }
    (wave, left)
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
        let groups = groups.map(|(id, names)| (key(id), names.into_iter().map(arn).collect::<BTreeSet<_>>()));
        let of = |groups: &[(GroupKey, BTreeSet<ElbArn>)]| {
            let (wave, left) = first_wave(groups.iter().map(|(key, found)| (key, found)));
            (wave.into_iter().cloned().collect::<Vec<_>>(), left)
        };
        assert_eq!(of(&groups), (vec![key("sg-1"), key("sg-3"), key("sg-4")], true));
        assert_eq!(of(&groups[1..2]), (vec![key("sg-2")], false));
    }
}

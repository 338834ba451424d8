//! What AWS said lately of the things that an object names. Derived facts flap: what they no longer ask for is kept
//! until two complete reads, a delay apart, agree.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::defect::Defect;
use crate::model::{Facts, Thing};

/// The facts of one object over time.
#[derive(Clone, Debug, Default)]
pub struct History {
    latest: Option<Facts>,
    /// Other facts that held lately, with the time of the first complete read that contradicted them.
    earlier: Vec<(Facts, Instant)>,
    unsettled: Unsettled,
    missing_since: BTreeMap<Thing, Instant>,
}

/// Whether rules may be there for reasons that nobody remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Unsettled {
    #[default]
    No,
    /// Nothing has been read since the start.
    Yes,
    /// One complete read, at this time.
    Since(Instant),
}

impl History {
    /// After a restart: what the status says was last known. `exact` says that nothing else can have
    /// been in force lately.
    pub fn seeded(facts: Option<Facts>, exact: bool) -> Self {
        let unsettled = if exact { Unsettled::No } else { Unsettled::Yes };
        Self { latest: facts, unsettled, ..Self::default() }
    }

    /// What was last known.
    pub fn latest(&self) -> Option<&Facts> {
        self.latest.as_ref()
    }

    /// What was in force lately, and may be again.
    pub fn earlier(&self) -> impl Iterator<Item = &Facts> {
        self.earlier.iter().map(|(facts, _)| facts)
    }

    /// Whether rules may be there that belong to facts which nobody remembers.
    pub fn is_unsettled(&self) -> bool {
        self.unsettled != Unsettled::No
    }

    /// When the next read could settle something, if anything is to be settled.
    pub fn settles_at(&self, delay: Duration) -> Option<Instant> {
        let unsettled = match self.unsettled {
            Unsettled::Since(since) => Some(since),
            Unsettled::No | Unsettled::Yes => None,
        };
        self.earlier.iter().map(|(_, since)| *since).chain(unsettled).map(|since| since + delay).min()
    }

    /// A complete read.
    pub fn read(&mut self, facts: Facts, at: Instant, delay: Duration) {
        let settled = |since: Instant| at.saturating_duration_since(since) >= delay;
        self.earlier.retain(|(earlier, since)| *earlier != facts && !settled(*since));
        self.unsettled = match self.unsettled {
            Unsettled::No => Unsettled::No,
            Unsettled::Yes => Unsettled::Since(at),
            Unsettled::Since(since) if settled(since) => Unsettled::No,
            since @ Unsettled::Since(_) => since,
        };
        match self.latest.replace(facts) {
            Some(before) if Some(&before) != self.latest.as_ref() && !Defect::RevokeDerivedAtOnce.is_on() => {
                self.earlier.push((before, at));
            }
            _ => {}
        }
    }

    /// What a complete answer lacked; what it did not lack is there again.
    pub fn missing(&mut self, things: impl IntoIterator<Item = Thing>, at: Instant) {
        let before = std::mem::take(&mut self.missing_since);
        self.missing_since =
            things.into_iter().map(|thing| (thing.clone(), before.get(&thing).copied().unwrap_or(at))).collect();
    }

    /// What has been missing for so long that it counts as gone.
    pub fn gone(&self, now: Instant, after: Duration) -> impl Iterator<Item = &Thing> {
        let long = move |since: &Instant| now.saturating_duration_since(*since) >= after;
        self.missing_since.iter().filter(move |(_, since)| long(since)).map(|(thing, _)| thing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SecurityGroupId;

    const DELAY: Duration = Duration::from_secs(300);

    fn facts(group: &str) -> Facts {
        Facts { group: Some(SecurityGroupId::from(group)), ..Facts::default() }
    }

    fn earlier(history: &History) -> Vec<&str> {
        history.earlier().map(|facts| facts.group.as_ref().expect("set above").as_str()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_in_force_is_kept_until_two_complete_reads_a_delay_apart_lack_it() {
        let start = Instant::now();
        let mut history = History::default();
        history.read(facts("old"), start, DELAY);
        history.read(facts("new"), start + Duration::from_secs(60), DELAY);
        history.read(facts("new"), start + Duration::from_secs(60) + DELAY - Duration::from_millis(1), DELAY);
        assert_eq!(earlier(&history), ["old"]);
        history.read(facts("new"), start + Duration::from_secs(60) + DELAY, DELAY);
        assert!(earlier(&history).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_flaps_is_never_given_up() {
        let start = Instant::now();
        let mut history = History::default();
        for step in 0..100 {
            let group = if step % 2 == 0 { "even" } else { "odd" };
            history.read(facts(group), start + Duration::from_secs(step * 60), DELAY);
            assert_eq!(earlier(&history).len(), usize::from(step > 0), "read {step}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn even_without_a_delay_a_second_read_is_needed() {
        let start = Instant::now();
        let mut history = History::default();
        history.read(facts("old"), start, Duration::ZERO);
        history.read(facts("new"), start, Duration::ZERO);
        assert_eq!(earlier(&history), ["old"]);
        history.read(facts("new"), start, Duration::ZERO);
        assert!(earlier(&history).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_restart_without_memory_all_is_kept_for_the_delay() {
        let start = Instant::now();
        let mut history = History::seeded(None, false);
        assert!(history.is_unsettled());
        history.read(facts("new"), start, DELAY);
        history.read(facts("new"), start + DELAY - Duration::from_millis(1), DELAY);
        assert!(history.is_unsettled());
        history.read(facts("new"), start + DELAY, DELAY);
        assert!(!history.is_unsettled());
    }

    #[tokio::test(start_paused = true)]
    async fn a_thing_is_gone_when_it_was_missing_all_the_time() {
        let start = Instant::now();
        let gone_after = Duration::from_secs(900);
        let mut history = History::default();
        history.missing([Thing::LoadBalancer], start);
        history.missing([], start + Duration::from_secs(450));
        history.missing([Thing::LoadBalancer], start + Duration::from_secs(460));
        assert_eq!(history.gone(start + gone_after, gone_after).count(), 0);
        assert_eq!(history.gone(start + Duration::from_secs(460) + gone_after, gone_after).count(), 1);
    }
}

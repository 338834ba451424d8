//! EC2's reads lag by seconds: what they lack may be there. Source: "Eventual consistency" in the EC2 API reference.

use std::time::Duration;

use tokio::time::Instant;

use crate::model::GroupKey;

use super::Index;

/// No read lags for so long.
pub const LAG: Duration = Duration::from_secs(15);

impl Index {
    /// A complete answer lacks the group. Tells whether it has lacked it for so long that the group is gone.
    pub fn is_gone(&mut self, key: &GroupKey, now: Instant) -> bool {
        let since = *self.groups.entry(key.clone()).or_default().absent_since.get_or_insert(now);
        now.saturating_duration_since(since) >= LAG
    }

    /// The group was seen.
    pub fn is_there(&mut self, key: &GroupKey) {
        if let Some(group) = self.groups.get_mut(key) {
            group.absent_since = None;
        }
    }

    /// Rules of the group were made, adopted or described, or may have been.
    pub fn has_made(&mut self, key: &GroupKey, now: Instant) {
        self.groups.entry(key.clone()).or_default().made_at = Some(now);
    }

    /// Another may have led meanwhile, and have made rules of which nothing is known here.
    pub fn begins_to_lead(&mut self, now: Instant) {
        self.take_over_brake(now);
        for group in self.groups.values_mut() {
            (group.absent_since, group.made_at) = (None, None);
        }
        self.resume_tightening(now);
    }

    /// Whether a read of the group that began then shows all that was made: what it lacks is not there. Before the first
    /// one of a term, rules may have been made by whoever led before.
    pub fn shows_all(&mut self, key: &GroupKey, read_at: Instant) -> bool {
        let since = *self.groups.entry(key.clone()).or_default().made_at.get_or_insert(read_at);
        read_at.saturating_duration_since(since) >= LAG
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::index::Patience;
    use crate::testing::{key, scope};

    fn index() -> Index {
        Index::new(scope(), Patience { revocation_delay: Duration::ZERO, gone_after: Duration::ZERO })
    }

    #[tokio::test(start_paused = true)]
    async fn a_group_is_gone_when_it_was_absent_all_the_time() {
        let (mut index, start) = (index(), Instant::now());
        assert!(!index.is_gone(&key("sg-1"), start));
        assert!(!index.is_gone(&key("sg-1"), start + LAG - Duration::from_millis(1)));
        index.is_there(&key("sg-1"));
        assert!(!index.is_gone(&key("sg-1"), start + LAG), "it was seen in between");
        assert!(index.is_gone(&key("sg-1"), start + LAG + LAG));
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_shows_what_was_made_long_before_it() {
        let (mut index, start) = (index(), Instant::now());
        assert!(!index.shows_all(&key("sg-1"), start), "nobody knows what was made before");
        assert!(index.shows_all(&key("sg-1"), start + LAG));
        index.has_made(&key("sg-1"), start + LAG);
        assert!(!index.shows_all(&key("sg-1"), start + LAG + LAG - Duration::from_millis(1)));
        assert!(index.shows_all(&key("sg-1"), start + LAG + LAG));
        index.begins_to_lead(start + LAG);
        assert!(!index.shows_all(&key("sg-1"), start + LAG + LAG), "another may have led meanwhile");
    }
}

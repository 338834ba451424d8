//! Groups that EC2 does not know, for how long.

use std::time::Duration;

use tokio::time::Instant;

use crate::model::GroupKey;

use super::Index;

/// What has been absent for so long is gone. Reads lag by seconds: a group that was made just now may be missing from an
/// answer. Source: "Eventual consistency" in the EC2 API reference.
const GONE_AFTER: Duration = Duration::from_secs(15);

impl Index {
    /// A complete answer lacks the group. Tells whether it has lacked it for so long that the group counts as gone.
    pub fn is_gone(&mut self, key: &GroupKey, now: Instant) -> bool {
        let since = *self.groups.entry(key.clone()).or_default().absent_since.get_or_insert(now);
        now.saturating_duration_since(since) >= GONE_AFTER
    }

    /// The group was seen.
    pub fn is_there(&mut self, key: &GroupKey) {
        if let Some(group) = self.groups.get_mut(key) {
            group.absent_since = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::index::Patience;
    use crate::testing::{key, scope};

    #[tokio::test(start_paused = true)]
    async fn a_group_is_gone_when_it_was_absent_all_the_time() {
        let patience = Patience { revocation_delay: Duration::ZERO, gone_after: Duration::ZERO };
        let mut index = Index::new(scope(), patience);
        let start = Instant::now();
        assert!(!index.is_gone(&key("sg-1"), start));
        assert!(!index.is_gone(&key("sg-1"), start + GONE_AFTER - Duration::from_millis(1)));
        index.is_there(&key("sg-1"));
        assert!(!index.is_gone(&key("sg-1"), start + GONE_AFTER), "it was seen in between");
        assert!(index.is_gone(&key("sg-1"), start + GONE_AFTER + GONE_AFTER));
    }
}

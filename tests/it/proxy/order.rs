//! What every recording must show, whatever the scenario.

use super::{Call, Calls};

impl Calls {
    /// Panics unless all that was made was made, and read back, before anything was taken away.
    pub fn assert_made_before_taken(&self) {
        let done: Vec<&Call> = self.0.iter().filter(|call| call.took_effect()).collect();
        for (at, revoke) in done.iter().enumerate().filter(|(_, call)| call.is_revoke()) {
            if let Some(later) = done[at..].iter().find(|call| call.is_authorize()) {
                panic!("made after something was taken:\n{revoke}\n{later}\nin\n{}", self.writes());
            }
            for authorize in done[..at].iter().filter(|call| call.is_authorize()) {
                let (Some(made), new) = (authorize.ended, authorize.rules_answered()) else { continue };
                assert!(!new.is_empty(), "AWS tells the ids of new rules: {authorize}");
                let seen = |call: &&Call| {
                    call.action == "DescribeSecurityGroupRules"
                        && call.began >= made
                        && call.ended.is_some_and(|ended| ended <= revoke.began)
                        && new.is_subset(&call.rules_told())
                };
                assert!(
                    self.0.iter().any(|call| seen(&call)),
                    "no read between these shows the new rules {new:?}:\n{authorize}\n{revoke}\nin\n{self}"
                );
            }
        }
    }

    /// Panics if anything was written.
    pub fn assert_no_writes(&self) {
        assert!(self.writes().is_empty(), "nothing was to be written:\n{}", self.writes());
    }
}

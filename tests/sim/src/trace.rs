//! What happened, call by call, and a hash by which two runs are compared.

use std::collections::VecDeque;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// As many of the last lines are kept for people; the hash is over all.
const KEPT: usize = 400;

/// Clones write into the same trace.
#[derive(Clone, Default)]
pub struct Trace(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    hasher: DefaultHasher,
    last: VecDeque<String>,
}

impl Trace {
    /// Adds a line at an instant of virtual time. `detail` is hashed and not kept: whole bodies.
    pub fn add(&self, at: Duration, line: impl fmt::Display, detail: &[u8]) {
        let line = format!("{:>12.3} {line}", at.as_secs_f64());
        let mut inner = self.lock();
        line.hash(&mut inner.hasher);
        detail.hash(&mut inner.hasher);
        if inner.last.len() == KEPT {
            inner.last.pop_front();
        }
        inner.last.push_back(line);
    }

    /// The same for two runs if, and with a probability of all but one in 2⁶⁴ only if, all was the same in both:
    /// instants, order, requests and answers.
    pub fn hash(&self) -> u64 {
        self.lock().hasher.finish()
    }

    /// The last lines, oldest first.
    pub fn last(&self) -> Vec<String> {
        self.lock().last.iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash_of(lines: &[(u64, &str, &str)]) -> u64 {
        let trace = Trace::default();
        lines.iter().for_each(|(at, line, detail)| trace.add(Duration::from_millis(*at), line, detail.as_bytes()));
        trace.hash()
    }

    #[test]
    fn instants_order_and_details_count() {
        let one = [(1, "a", "x"), (2, "b", "y")];
        assert_eq!(hash_of(&one), hash_of(&one));
        for other in [
            [(1, "a", "x"), (3, "b", "y")],
            [(2, "b", "y"), (1, "a", "x")],
            [(1, "a", "x"), (2, "b", "z")],
            [(1, "a", "x"), (2, "c", "y")],
        ] {
            assert_ne!(hash_of(&one), hash_of(&other), "{other:?}");
        }
    }
}

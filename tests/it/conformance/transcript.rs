//! What was observed, line by line, with names in place of what is different in each run.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The lines of one behaviour on one backend.
#[derive(Clone, Default)]
pub struct Transcript(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    lines: Vec<String>,
    /// Ids, ARNs and addresses by the names that the behaviour gives.
    names: BTreeMap<String, String>,
}

impl Transcript {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on this is called so.
    pub fn name(&self, name: &str, id: &str) {
        self.state().names.insert(name.to_owned(), id.to_owned());
    }

    /// What is called so, or the text itself if nothing is.
    pub fn id(&self, name: &str) -> String {
        self.state().names.get(name).cloned().unwrap_or_else(|| name.to_owned())
    }

    /// The text with names in place of ids.
    pub fn named(&self, text: &str) -> String {
        let state = self.state();
        let mut names: Vec<_> = state.names.iter().filter(|(_, id)| !id.is_empty()).collect();
        // The longest first: an ARN holds a name, and an address may begin another.
        names.sort_by_key(|(_, id)| std::cmp::Reverse(id.len()));
        names.into_iter().fold(text.to_owned(), |text, (name, id)| text.replace(id, name))
    }

    /// Adds a line.
    pub fn say(&self, line: impl AsRef<str>) {
        let line = self.named(line.as_ref());
        self.state().lines.push(line);
    }

    pub fn lines(&self) -> Vec<String> {
        self.state().lines.clone()
    }
}

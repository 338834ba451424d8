//! Things by id, with what they were before, and found by what they hold.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Things by id, with what they were before: reads may lag.
pub struct Table<T> {
    rows: BTreeMap<String, Versions<T>>,
    /// Which rows hold a text, or did in some version. Too many never harm: whoever asks looks at the row again.
    holders: BTreeMap<String, BTreeSet<String>>,
}

/// What can be found without looking at all of its kind.
pub trait Indexed {
    /// Names each text by which it is looked for.
    fn index(&self, name: &mut dyn FnMut(&str));
}

/// Oldest first; `None` is an absence.
type Versions<T> = VecDeque<(Duration, Option<Arc<T>>)>;

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), holders: BTreeMap::new() }
    }
}

impl<T: Clone + Indexed> Table<T> {
    /// For how long it is remembered what was.
    pub const MEMORY: Duration = Duration::from_secs(10 * 60);

    /// As it is.
    pub fn get(&self, id: &str) -> Option<&Arc<T>> {
        self.rows.get(id)?.back()?.1.as_ref()
    }

    /// As it was at an instant.
    pub fn get_at(&self, id: &str, at: Duration) -> Option<&Arc<T>> {
        version_at(self.rows.get(id)?, at)
    }

    /// All that is there, in the order of ids.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<T>> {
        self.rows.values().filter_map(|versions| versions.back()?.1.as_ref())
    }

    /// All that was there at an instant, in the order of ids.
    pub fn iter_at(&self, at: Duration) -> impl Iterator<Item = &Arc<T>> {
        self.rows.values().filter_map(move |versions| version_at(versions, at))
    }

    /// Ids of all that hold a text (see [`Indexed`]), or held it once, in order.
    pub fn ids_holding(&self, text: &str) -> impl Iterator<Item = &String> {
        self.holders.get(text).into_iter().flatten()
    }

    /// What is there of [`Self::ids_holding`]; look again whether it still holds the text.
    pub fn holding(&self, text: &str) -> impl Iterator<Item = &Arc<T>> {
        self.ids_holding(text).filter_map(|id| self.get(id))
    }

    /// The first of [`Self::holding`] that is the one.
    pub fn find_holding(&self, text: &str, is_it: impl Fn(&T) -> bool) -> Option<&Arc<T>> {
        let ids = self.holders.get(text)?;
        ids.iter().filter_map(|id| self.get(id)).find(|each| is_it(each))
    }

    /// What was there at an instant of those that hold one of the texts of each set, and perhaps more; in the order of
    /// ids. All, without sets.
    pub fn narrowed_at<'a>(
        &'a self,
        sets: impl Iterator<Item = &'a BTreeSet<String>>,
        at: Duration,
    ) -> Box<dyn Iterator<Item = &'a Arc<T>> + 'a> {
        let holders = |text: &String| self.holders.get(text).map_or(0, BTreeSet::len);
        let Some(best) = sets.min_by_key(|texts| texts.iter().map(holders).sum::<usize>()) else {
            return Box::new(self.iter_at(at));
        };
        let ids: BTreeSet<&String> = best.iter().flat_map(|text| self.ids_holding(text)).collect();
        Box::new(ids.into_iter().filter_map(move |id| self.get_at(id, at)))
    }

    pub fn insert(&mut self, id: String, value: T, now: Duration) {
        self.push(id, Some(Arc::new(value)), now);
    }

    pub fn remove(&mut self, id: &str, now: Duration) {
        if self.get(id).is_some() {
            self.push(id.to_owned(), None, now);
        }
    }

    /// Changes what is there. `false`: it is not there.
    pub fn change(&mut self, id: &str, now: Duration, change: impl FnOnce(&mut T)) -> bool {
        let Some(current) = self.get(id) else { return false };
        let mut changed = T::clone(current);
        change(&mut changed);
        self.push(id.to_owned(), Some(Arc::new(changed)), now);
        true
    }

    fn push(&mut self, id: String, value: Option<Arc<T>>, now: Duration) {
        if let Some(value) = &value {
            value.index(&mut |text| match self.holders.get_mut(text) {
                Some(ids) if ids.contains(&id) => {}
                Some(ids) => {
                    ids.insert(id.clone());
                }
                None => {
                    self.holders.insert(text.to_owned(), BTreeSet::from([id.clone()]));
                }
            });
        }
        let versions = self.rows.entry(id).or_default();
        versions.push_back((now, value));
        while versions.get(1).is_some_and(|(since, _)| *since + Self::MEMORY < now) {
            versions.pop_front();
        }
    }
}

fn version_at<T>(versions: &Versions<T>, at: Duration) -> Option<&Arc<T>> {
    versions.iter().rev().find(|(since, _)| *since <= at)?.1.as_ref()
}

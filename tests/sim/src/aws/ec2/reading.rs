//! What all reads have in common: filters, pages, and the instant as of which they answer.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::lookup::invalid;
use super::model::{Interface, Table, Tags};
use crate::aws::{Call, Failure, World};

/// Source: "List and filter using the CLI and API" in the EC2 user guide.
const FILTERS: usize = 50;
const VALUES_PER_FILTER: usize = 200;

/// Which page of which answer.
pub struct Reading {
    /// As of when things are read. All pages of one answer are of the same instant.
    pub at: Duration,
    /// The key of the last item of the page before.
    pub after: Option<String>,
    most: usize,
    action: String,
}

impl Reading {
    /// Source: the parameters `MaxResults` and `NextToken` of the Describe calls.
    pub fn begin(world: &mut World, call: &Call, sizes: &RangeInclusive<usize>) -> Result<Self, Failure> {
        let most = call.number::<usize>("MaxResults")?;
        if let Some(most) = most.filter(|most| !sizes.contains(most)) {
            let (least, greatest) = (sizes.start(), sizes.end());
            return Err(invalid(format!(
                "Value ( {most} ) for parameter maxResults is invalid. Expecting a value between {least} and {greatest}."
            )));
        }
        let (at, after) = match call.text("NextToken") {
            Some(token) => {
                let (at, after) = read_token(token, &call.action, world.now).ok_or_else(|| unknown_token(token))?;
                (at, Some(after))
            }
            None => (world.lagging(), None),
        };
        Ok(Self { at, after, most: most.unwrap_or(usize::MAX), action: call.action.clone() })
    }

    /// One page of these, which come in the order of their keys; with the token of the next.
    pub fn page<T>(&self, items: impl Iterator<Item = (String, T)>) -> (Vec<T>, Option<String>) {
        let is_ahead = |key: &String| self.after.as_ref().is_none_or(|after| key > after);
        let mut ahead = items.filter(|(key, _)| is_ahead(key));
        let mut page = Vec::new();
        let mut last = String::new();
        while page.len() < self.most {
            let Some((key, item)) = ahead.next() else { return (page, None) };
            page.push(item);
            last = key;
        }
        let next = ahead.next().map(|_| token(&self.action, self.at, &last));
        (page, next)
    }
}

impl World {
    /// The instant as of which one read answers.
    fn lagging(&mut self) -> Duration {
        if self.dials.lag.is_zero() {
            return self.now;
        }
        let most = u64::try_from(self.dials.lag.as_nanos()).unwrap_or(u64::MAX);
        self.now.saturating_sub(Duration::from_nanos(self.chance.u64(..=most)))
    }
}

fn token(action: &str, at: Duration, last: &str) -> String {
    format!("{action}/{}/{last}", at.as_nanos()).bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// `None`: it is none of ours, or of another call, or so old that what it continues is forgotten.
fn read_token(token: &str, action: &str, now: Duration) -> Option<(Duration, String)> {
    let digits: Vec<u8> = token.chars().map(|digit| digit.to_digit(16)?.try_into().ok()).collect::<Option<_>>()?;
    let bytes = digits.chunks(2).map(|pair| Some(pair.first()? << 4 | pair.get(1)?)).collect::<Option<Vec<u8>>>()?;
    let text = String::from_utf8(bytes).ok()?;
    let (of, rest) = text.split_once('/')?;
    let (at, last) = rest.split_once('/')?;
    let at = Duration::from_nanos(at.parse().ok()?);
    (of == action && at + Table::<Interface>::MEMORY >= now).then(|| (at, last.to_owned()))
}

fn unknown_token(token: &str) -> Failure {
    Failure::new("InvalidPaginationToken", format!("The pagination token '{token}' is invalid or has expired"))
}

/// All of a call's filters: each must match, by one of its values.
pub struct Filters(Vec<Filter>);

struct Filter {
    name: String,
    /// Values without wildcards, unescaped.
    exact: BTreeSet<String>,
    /// Values with wildcards.
    patterns: Vec<Vec<Piece>>,
}

/// A piece of a value with wildcards.
enum Piece {
    Character(char),
    /// `?`
    AnyCharacter,
    /// `*`
    AnyText,
}

impl Filters {
    /// Filters by tag (`tag:KEY`, `tag-key`) are always known.
    pub fn of(call: &Call, known: &[&str]) -> Result<Self, Failure> {
        let given = call.filters();
        let too_many =
            |what: &str| Failure::new("FilterLimitExceeded", format!("The maximum number of {what} was exceeded"));
        if given.len() > FILTERS {
            return Err(too_many("filters"));
        }
        for (name, values) in &given {
            if !known.contains(&name.as_str()) && name != "tag-key" && !name.starts_with("tag:") {
                return Err(invalid(format!("The filter '{name}' is invalid, or not simulated")));
            }
            if values.is_empty() {
                return Err(invalid(format!("The filter '{name}' has no values")));
            }
            if values.len() > VALUES_PER_FILTER {
                return Err(too_many("filter values"));
            }
        }
        Ok(Self(given.into_iter().map(|(name, values)| Filter::new(name, &values)).collect()))
    }

    /// Whether what has these fields and tags is asked for.
    pub fn accept(&self, tags: &Tags, field: impl Fn(&str) -> Vec<String>) -> bool {
        let accepts = |filter: &Filter| match filter.name.split_once(':') {
            Some(("tag", key)) => tags.get(key).is_some_and(|value| filter.matches(value)),
            _ if filter.name == "tag-key" => tags.keys().any(|key| filter.matches(key)),
            _ => field(&filter.name).iter().any(|value| filter.matches(value)),
        };
        self.0.iter().all(accepts)
    }

    /// The values of those of these filters that are given, and without wildcards.
    pub fn exact(&self, names: &[&str]) -> impl Iterator<Item = &BTreeSet<String>> {
        let usable = |filter: &&Filter| filter.patterns.is_empty() && names.contains(&filter.name.as_str());
        self.0.iter().filter(usable).map(|filter| &filter.exact)
    }
}

impl Filter {
    fn new(name: String, values: &[String]) -> Self {
        let mut filter = Self { name, exact: BTreeSet::new(), patterns: Vec::new() };
        for value in values {
            let pieces = pieces(value);
            let literal = |piece: &Piece| match piece {
                Piece::Character(character) => Some(*character),
                _ => None,
            };
            match pieces.iter().map(literal).collect::<Option<String>>() {
                Some(text) => drop(filter.exact.insert(text)),
                None => filter.patterns.push(pieces),
            }
        }
        filter
    }

    fn matches(&self, text: &str) -> bool {
        self.exact.contains(text) || self.patterns.iter().any(|pattern| matches(pattern, text))
    }
}

/// A backslash takes a wildcard's meaning away.
fn pieces(value: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        pieces.push(match character {
            '*' => Piece::AnyText,
            '?' => Piece::AnyCharacter,
            '\\' => Piece::Character(characters.next().unwrap_or('\\')),
            other => Piece::Character(other),
        });
    }
    pieces
}

/// Goes back to the last `*` where it fails, and lets that take one character more.
fn matches(pattern: &[Piece], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut next) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(next) {
            Some(Piece::AnyText) => {
                last_star = Some((next, at));
                next += 1;
                continue;
            }
            Some(Piece::AnyCharacter) => (at, next) = (at + 1, next + 1),
            Some(Piece::Character(character)) if *character == text[at] => (at, next) = (at + 1, next + 1),
            _ => {
                let Some((star, taken)) = last_star else { return false };
                last_star = Some((star, taken + 1));
                (at, next) = (taken + 1, star + 1);
            }
        }
    }
    pattern[next..].iter().all(|piece| matches!(piece, Piece::AnyText))
}

//! Parameters that several calls have.

use std::collections::BTreeMap;

use crate::aws::ec2::model::Tags;
use crate::aws::elb::failures::invalid;
use crate::aws::{Call, Failure};

/// The greatest page, and what a page is where nothing is said. Source: `PageSize` of the Describe calls.
const PAGE: usize = 400;

/// How many tags a resource can have. Source: "Quotas for your Application Load Balancers".
const TAGS: usize = 50;

/// As [`Call::required`], with Elastic Load Balancing's error.
pub fn required<'a>(call: &'a Call, name: &str) -> Result<&'a str, Failure> {
    call.text(name).ok_or_else(|| invalid(format!("{name} must be specified")))
}

pub fn number<T: std::str::FromStr>(call: &Call, name: &str) -> Result<Option<T>, Failure> {
    call.number(name).map_err(|failure| invalid(failure.message))
}

pub fn flag(call: &Call, name: &str) -> Result<Option<bool>, Failure> {
    match call.text(name) {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(other) => Err(invalid(format!("Invalid value '{other}' for {name}"))),
    }
}

/// One of a few words, or the default one where nothing is said.
pub fn word<T>(call: &Call, name: &str, parse: impl Fn(&str) -> Option<T>, default: T) -> Result<T, Failure> {
    match call.text(name) {
        None => Ok(default),
        Some(text) => parse(text).ok_or_else(|| invalid(format!("Invalid value '{text}' for {name}"))),
    }
}

/// A list of texts.
pub fn texts<C: FromIterator<String>>(call: &Call, name: &str) -> C {
    call.list(name).into_iter().map(str::to_owned).collect()
}

/// The same, or `None` where the list is not in the request.
pub fn maybe_texts(call: &Call, name: &str) -> Option<Vec<String>> {
    Some(texts(call, name)).filter(|texts: &Vec<String>| !texts.is_empty())
}

/// `Tags`.
pub fn tags(call: &Call) -> Result<Tags, Failure> {
    let items = call.items("Tags");
    let mut tags = Tags::new();
    for item in &items {
        let key = required(call, &format!("{item}.Key"))?;
        let value = call.text(&format!("{item}.Value")).unwrap_or_default();
        if key.len() > 128 || value.len() > 256 || key.starts_with("aws:") {
            return Err(invalid(format!("'{key}' with '{value}' is not a valid tag")));
        }
        tags.insert(key.to_owned(), value.to_owned());
    }
    if tags.len() < items.len() {
        return Err(Failure::new("DuplicateTagKeys", "A tag key was specified more than once"));
    }
    check_number_of_tags(&tags)?;
    Ok(tags)
}

pub fn check_number_of_tags(tags: &Tags) -> Result<(), Failure> {
    if tags.len() > TAGS { Err(Failure::new("TooManyTags", "The limit of 50 tags is reached")) } else { Ok(()) }
}

/// `Attributes`.
pub fn attributes(call: &Call) -> Result<BTreeMap<String, String>, Failure> {
    let attribute = |item: String| {
        let key = required(call, &format!("{item}.Key"))?;
        Ok((key.to_owned(), call.text(&format!("{item}.Value")).unwrap_or_default().to_owned()))
    };
    call.items("Attributes").into_iter().map(attribute).collect()
}

/// A page of what there is, in the order of keys, and the marker of the next one: the last key of this one.
pub fn page<T>(call: &Call, all: impl Iterator<Item = (String, T)>) -> Result<(Vec<T>, Option<String>), Failure> {
    let size = number(call, "PageSize")?.unwrap_or(PAGE);
    if !(1..=PAGE).contains(&size) {
        return Err(invalid(format!("PageSize must be between 1 and {PAGE}")));
    }
    let marker = call.text("Marker").unwrap_or_default();
    let mut left = all.skip_while(|(key, _)| key.as_str() <= marker);
    let (keys, items): (Vec<String>, Vec<T>) = left.by_ref().take(size).unzip();
    let next = left.next().and_then(|_| keys.into_iter().last());
    Ok((items, next))
}

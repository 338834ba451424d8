//! Functions of CEL of which the interpreter's own are not the API server's, or too slow.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use kube_cel::cel::extractors::This;
use kube_cel::cel::{Context, ExecutionError};
use regex::Regex;

pub(super) fn register(context: &mut Context) {
    // The interpreter's take leading zeros: 010.0.0.0/8.
    context.add_function("isCIDR", |text: Arc<String>| network(&text).is_some());
    context.add_function("isIP", |text: Arc<String>| address(&text).is_some());
    // The interpreter's compiles the pattern anew each time.
    let compiled = Mutex::new(BTreeMap::new());
    context.add_function("matches", move |This(text): This<Arc<String>>, pattern: Arc<String>| {
        matches(&compiled, &text, &pattern)
    });
}

fn matches(compiled: &Mutex<BTreeMap<String, Regex>>, text: &str, pattern: &str) -> Result<bool, ExecutionError> {
    let mut compiled = compiled.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(regex) = compiled.get(pattern) {
        return Ok(regex.is_match(text));
    }
    let regex = Regex::new(pattern).map_err(|error| ExecutionError::function_error("matches", error.to_string()))?;
    let matched = regex.is_match(text);
    compiled.insert(pattern.to_owned(), regex);
    Ok(matched)
}

/// As the API server reads an address: without leading zeros and zones, and no IPv4 behind `::ffff:`.
/// Source: `netip.ParseAddr` of Go, and `parseIPAddr` of k8s.io/apiserver, package cel/library.
fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok().filter(|address| !matches!(address, IpAddr::V6(address) if address.to_ipv4_mapped().is_some()))
}

fn network(text: &str) -> Option<IpAddr> {
    let (start, length) = text.split_once('/')?;
    let start = address(start)?;
    let bits: u8 = length.parse().ok().filter(|bits: &u8| bits.to_string() == length)?;
    (bits <= if start.is_ipv4() { 32 } else { 128 }).then_some(start)
}

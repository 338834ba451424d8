//! The files of a snapshot.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::model::Region;

use super::calls::{CALLS, Call, LISTENER_OF_RULE};
use super::json;
use super::unanswered::command;

/// The greatest file that is read, in bytes: some 50,000 interfaces.
const LARGEST: u64 = 128 * 1024 * 1024;

/// Why nothing can be said from a snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error("{dir} can't be read: expected a folder with files such as describe-load-balancers.json", dir = .dir.display())]
    NoFolder { dir: PathBuf, source: io::Error },
    #[error(
        "{dir} holds no file of a snapshot: expected files such as describe-load-balancers.json, as `sgbind snapshot {dir}` \
         or `aws elbv2 describe-load-balancers` write them", dir = .dir.display()
    )]
    Nothing { dir: PathBuf },
    #[error("the snapshot can't be used:{}", listed(.faults))]
    Faulty { faults: Vec<Fault> },
    #[error("{dir} does not say of which Region it is: give --region", dir = .dir.display())]
    NoRegion { dir: PathBuf },
    #[error(
        "{dir} is of several Regions ({}): give one of them by --region", .regions.join(", "), dir = .dir.display()
    )]
    SeveralRegions { dir: PathBuf, regions: Vec<String> },
    #[error("{dir} is of {} and not of {asked}: correct --region, or leave it out", .regions.join(", "), dir = .dir.display())]
    OtherRegion { dir: PathBuf, asked: Region, regions: Vec<String> },
    #[error(
        "{dir} does not say of which account it is: expected an ARN, or an OwnerId, in a file such as \
         describe-load-balancers.json or describe-security-groups.json", dir = .dir.display()
    )]
    NoAccount { dir: PathBuf },
    #[error(
        "{dir} is of several accounts ({}): keep a snapshot of each in a folder of its own", .accounts.join(", "),
        dir = .dir.display()
    )]
    SeveralAccounts { dir: PathBuf, accounts: Vec<String> },
}

/// Something that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub file: PathBuf,
    /// The line, or the field; empty for the whole file.
    pub place: String,
    /// What is there, and what was expected.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.file.display())?;
        if self.place.is_empty() { f.write_str(&self.what) } else { write!(f, "{}: {}", self.place, self.what) }
    }
}

fn listed(faults: &[Fault]) -> String {
    faults.iter().map(|fault| format!("\n  {fault}")).collect()
}

/// Whether a file of this name belongs to a snapshot.
pub fn is_of_a_snapshot(name: &str) -> bool {
    CALLS.iter().any(|call| name == call.file())
}

/// The items of each call whose file is there.
pub fn read(dir: &Path) -> Result<BTreeMap<&'static str, Vec<Value>>, SnapshotError> {
    if let Err(source) = std::fs::read_dir(dir) {
        return Err(SnapshotError::NoFolder { dir: dir.to_owned(), source });
    }
    let (mut items, mut faults) = (BTreeMap::new(), Vec::new());
    for call in &CALLS {
        let path = dir.join(call.file());
        match contents(&path) {
            Ok(None) => {}
            Ok(Some(text)) => match read_call(call, &text) {
                Ok(read) => drop(items.insert(call.action, read)),
                Err(found) => {
                    faults.extend(found.into_iter().map(|(place, what)| Fault { file: path.clone(), place, what }));
                }
            },
            Err(what) => faults.push(Fault { file: path, place: String::new(), what }),
        }
    }
    match (faults.is_empty(), items.is_empty()) {
        (false, _) => Err(SnapshotError::Faulty { faults }),
        (true, true) => Err(SnapshotError::Nothing { dir: dir.to_owned() }),
        (true, false) => Ok(items),
    }
}

/// `None` if there is no such file.
fn contents(path: &Path) -> Result<Option<String>, String> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("can't be read: {error}")),
    };
    let mut bytes = Vec::new();
    let read = file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| format!("can't be read: {error}"))?;
    if read as u64 > LARGEST {
        return Err(format!("is larger than {} MiB: take it of one VPC only, by --filters", LARGEST / 1024 / 1024));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| "is no text in UTF-8, as the AWS CLI writes it".into())
}

fn read_call(call: &'static Call, text: &str) -> Result<Vec<Value>, Vec<json::Fault>> {
    let text = text.trim_start_matches('\u{feff}');
    let again = || format!("take it again by `{} --output json`, or remove the file", command(call));
    if text.trim().is_empty() {
        return Err(vec![(String::new(), format!("is empty, as when the call failed: {}", again()))]);
    }
    let is_json = text.trim_start().starts_with(['{', '[']);
    let error = text.lines().map(str::trim).find(|line| line.contains("An error occurred ("));
    if let Some(error) = error.filter(|_| !is_json) {
        return Err(vec![(String::new(), format!("holds an error instead of an answer ({error}): {}", again()))]);
    }
    let file = serde_json::from_str(text).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        let what = error.to_string();
        let what = what.split(" at line ").next().unwrap_or_default();
        vec![(place, format!("no JSON ({what}): {}", again()))]
    })?;
    let mut items = json::items(call, file)?;
    if call.action == "DescribeRules" {
        items.iter_mut().for_each(name_listener);
    }
    Ok(items)
}

/// The AWS CLI names a rule's listener by the rule's ARN alone: `…:listener-rule/app/NAME/ID/LISTENER/RULE` is of
/// `…:listener/app/NAME/ID/LISTENER`.
///
/// Source: "Resource types defined by AWS Elastic Load Balancing V2" in the service authorization reference.
fn name_listener(rule: &mut Value) {
    let arn = rule.get("RuleArn").and_then(Value::as_str).unwrap_or_default();
    let listener = arn.rsplit_once('/').and_then(|(listener, _)| listener.split_once(":listener-rule/"));
    if let Some((before, path)) = listener {
        let listener = format!("{before}:listener/{path}");
        rule[LISTENER_OF_RULE] = Value::String(listener);
    }
}

//! Which documents are objects of ours.

use kube::Resource as _;

use super::tree::{Field, Node, Value};
use super::words::{alternatives, meant};
use crate::api::ALBTargetBinding;
use crate::model::Kind;
use crate::validate::Finding;

/// What a document is.
#[derive(Debug, PartialEq)]
pub(super) enum Nature {
    Ours(Kind),
    /// Another kind of object, or none at all, such as the values of a Helm chart.
    Other,
    /// Meant to be one of ours, but it names none.
    Wrong(Finding),
}

/// `sgbind.dev/v1alpha1`
pub(super) fn api_version() -> String {
    ALBTargetBinding::api_version(&()).into_owned()
}

/// The objects of a document: those in a list, as `kubectl get -o yaml` prints it, or the document itself.
pub(super) fn objects(root: Node) -> Vec<Node> {
    let is_list = root.text("kind").is_some_and(|kind| kind.ends_with("List"));
    if !is_list || root.text("apiVersion").is_none() {
        return vec![root];
    }
    let known = Kind::ALL.into_iter().find(|known| root.text("kind") == Some(format!("{}List", known.name()).as_str()));
    let Value::Fields(fields) = root.value else { return Vec::new() };
    let items = fields.into_iter().find(|field| field.name == "items").map(|field| field.node.value);
    let Some(Value::List(mut items)) = items else { return Vec::new() };
    if let Some(kind) = known {
        items.iter_mut().for_each(|item| say(item, kind));
    }
    items.into_iter().flat_map(objects).collect()
}

/// The items of a list of one kind don't say again what they are, as the API server writes them.
fn say(item: &mut Node, kind: Kind) {
    let line = item.line;
    let Value::Fields(fields) = &mut item.value else { return };
    for (name, value) in [("apiVersion", api_version()), ("kind", kind.name().to_owned())] {
        if !fields.iter().any(|field| field.name == name) {
            fields.push(Field { line, name: name.to_owned(), node: Node { line, value: Value::Text(value) } });
        }
    }
}

pub(super) fn nature(object: &Node) -> Nature {
    let (Some(kind), version) = (object.text("kind"), object.text("apiVersion")) else { return misplaced(object) };
    let known = Kind::ALL.into_iter().find(|known| known.name() == kind);
    let (ours, names) = (api_version(), Kind::ALL.map(Kind::name));
    let group = ours.split('/').next().unwrap_or_default();
    let given = version.map(|version| version.split_once('/').unwrap_or(("", version)));
    match (given, known) {
        (Some(_), Some(known)) if version == Some(ours.as_str()) => Nature::Ours(known),
        (Some((of, _)), known) if of == group => match known {
            Some(_) => {
                wrong("apiVersion", format!("there is no version {}: write {ours}", version.unwrap_or_default()))
            }
            None => wrong("kind", format!("the group {group} has no kind {kind}{}", instead(kind, &names))),
        },
        // A kind of this name in a group that is not like ours is someone else's.
        (Some((of, _)), Some(_)) if of.is_empty() || meant(of, [group]).is_some() => wrong(
            "apiVersion",
            format!("{kind} is of {ours}, not of {}: write apiVersion: {ours}", version.unwrap_or_default()),
        ),
        (None, Some(_)) if object.field("spec").is_some() => {
            wrong("apiVersion", format!("is missing: write apiVersion: {ours}"))
        }
        _ => Nature::Other,
    }
}

/// A document without a kind can still name our group.
fn misplaced(object: &Node) -> Nature {
    let of_ours = object.text("apiVersion").is_some_and(|version| {
        api_version().split('/').next().is_some_and(|group| version.split('/').next() == Some(group))
    });
    if !of_ours {
        return Nature::Other;
    }
    wrong("kind", format!("is missing: write kind: {}", alternatives(Kind::ALL.map(Kind::name))))
}

fn instead(word: &str, names: &[&str]) -> String {
    match meant(word, names.iter().copied()) {
        Some(meant) => format!("; did you mean {meant}?"),
        None => format!(": write {}", alternatives(names.iter().copied())),
    }
}

fn wrong(field: &str, message: String) -> Nature {
    Nature::Wrong(Finding { field: field.to_owned(), message })
}

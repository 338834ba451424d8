use std::collections::BTreeSet;
use std::fmt;

use super::ClusterName;

/// The kinds of objects that need rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    AlbTargetBinding,
}

impl Kind {
    /// The name of the kind in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::AlbTargetBinding => "ALBTargetBinding",
        }
    }

    /// The word for the kind in a rule's description.
    pub fn word(self) -> &'static str {
        match self {
            Self::AlbTargetBinding => "alb",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        match word {
            "alb" => Some(Self::AlbTargetBinding),
            _ => None,
        }
    }
}

/// An object of ours. Its `Display` is `ALBTargetBinding/namespace/name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    pub kind: Kind,
    pub namespace: String,
    pub name: String,
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.kind.name(), self.namespace, self.name)
    }
}

/// Whom a rule's description names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// Exactly these objects of our cluster.
    Exactly(BTreeSet<ObjectRef>),
    /// It was cut, or someone changed it: these, and perhaps any other.
    AtLeast(BTreeSet<ObjectRef>),
}

impl Named {
    pub fn objects(&self) -> &BTreeSet<ObjectRef> {
        match self {
            Self::Exactly(objects) | Self::AtLeast(objects) => objects,
        }
    }

    /// Whether the rule may have been made for this object.
    pub fn may_name(&self, object: &ObjectRef) -> bool {
        matches!(self, Self::AtLeast(_)) || self.objects().contains(object)
    }
}

/// EC2's limit on a rule's description. Source: `IpRange` in the EC2 API reference.
const DESCRIPTION_LIMIT: usize = 255;
const CUT: &str = "...";

/// The text that a rule carries for people, and for finding out later for whom it was made:
/// `sgbind <cluster>: alb/<namespace>/<name>, …`, sorted and cut at 255 characters.
pub fn describe(cluster: &ClusterName, objects: &BTreeSet<ObjectRef>) -> String {
    let names: Vec<String> =
        objects.iter().map(|object| format!("{}/{}/{}", object.kind.word(), object.namespace, object.name)).collect();
    let mut text = format!("sgbind {cluster}: {}", names.join(", "));
    if text.len() > DESCRIPTION_LIMIT {
        // Names of Kubernetes objects are ASCII, so every index is a character's start.
        text.truncate(DESCRIPTION_LIMIT - CUT.len());
        text.push_str(CUT);
    }
    text
}

/// Reads back what [`describe`] wrote.
pub fn named(cluster: &ClusterName, description: &str) -> Named {
    let Some(list) = description.strip_prefix(&format!("sgbind {cluster}: ")) else {
        return Named::AtLeast(BTreeSet::new());
    };
    let (list, cut) = match list.strip_suffix(CUT) {
        // The last name may be half a name.
        Some(list) => (list.rsplit_once(", ").map_or("", |(whole, _)| whole), true),
        None => (list.split_once(" - ").map_or(list, |(list, _)| list), false),
    };
    let parsed: Vec<Option<ObjectRef>> = list.split(", ").map(parse_object).collect();
    let understood = !cut && parsed.iter().all(Option::is_some);
    let objects = parsed.into_iter().flatten().collect();
    if understood { Named::Exactly(objects) } else { Named::AtLeast(objects) }
}

fn parse_object(text: &str) -> Option<ObjectRef> {
    let mut parts = text.splitn(3, '/');
    let (word, namespace, name) = (parts.next()?, parts.next()?, parts.next()?);
    let whole = !namespace.is_empty() && !name.is_empty();
    Some(ObjectRef { kind: Kind::from_word(word)?, namespace: namespace.into(), name: name.into() }).filter(|_| whole)
}

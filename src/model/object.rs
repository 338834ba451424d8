use std::collections::BTreeSet;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::api::{ALBTargetBinding, DeletionPolicy, Enforcement, ForeignRules, SecurityGroupAccess, Status};

use super::ClusterName;

/// The kinds of objects that need rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    AlbTargetBinding,
    SecurityGroupAccess,
}

impl Kind {
    /// Each of them once, in the order of their declaration.
    pub const ALL: [Self; 2] = [Self::AlbTargetBinding, Self::SecurityGroupAccess];

    /// The name of the kind in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::AlbTargetBinding => "ALBTargetBinding",
            Self::SecurityGroupAccess => "SecurityGroupAccess",
        }
    }

    /// The word for the kind in a rule's description.
    pub fn word(self) -> &'static str {
        match self {
            Self::AlbTargetBinding => "alb",
            Self::SecurityGroupAccess => "sga",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        match word {
            "alb" => Some(Self::AlbTargetBinding),
            "sga" => Some(Self::SecurityGroupAccess),
            _ => None,
        }
    }
}

/// An object as the API server has it, of either kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Object {
    Binding(Box<ALBTargetBinding>),
    Access(Box<SecurityGroupAccess>),
}

impl From<ALBTargetBinding> for Object {
    fn from(binding: ALBTargetBinding) -> Self {
        Self::Binding(Box::new(binding))
    }
}

impl From<SecurityGroupAccess> for Object {
    fn from(access: SecurityGroupAccess) -> Self {
        Self::Access(Box::new(access))
    }
}

impl Object {
    /// The object's name, by which everything else refers to it.
    pub fn reference(&self) -> ObjectRef {
        ObjectRef::of(self.kind(), self.metadata())
    }

    /// Which of the kinds it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Binding(_) => Kind::AlbTargetBinding,
            Self::Access(_) => Kind::SecurityGroupAccess,
        }
    }

    /// What Kubernetes says of any object: name, generation, finalizers, annotations.
    pub fn metadata(&self) -> &ObjectMeta {
        match self {
            Self::Binding(binding) => &binding.metadata,
            Self::Access(access) => &access.metadata,
        }
    }

    /// What was last told of it, if anything.
    pub fn status(&self) -> Option<&Status> {
        match self {
            Self::Binding(binding) => binding.status.as_ref(),
            Self::Access(access) => access.status.as_ref(),
        }
    }

    /// `spec.enforcement`: whether differences are repaired or only shown.
    pub fn enforcement(&self) -> Enforcement {
        match self {
            Self::Binding(binding) => binding.spec.enforcement,
            Self::Access(access) => access.spec.enforcement,
        }
    }

    /// `spec.foreignRules`: what happens to rules that we did not make.
    pub fn foreign_rules(&self) -> ForeignRules {
        match self {
            Self::Binding(binding) => binding.spec.foreign_rules,
            Self::Access(access) => access.spec.foreign_rules,
        }
    }

    /// `spec.deletionPolicy`: what happens to the rules when the object is deleted.
    pub fn deletion_policy(&self) -> DeletionPolicy {
        match self {
            Self::Binding(binding) => binding.spec.deletion_policy,
            Self::Access(access) => access.spec.deletion_policy,
        }
    }

    /// Whether the annotation is there, with whatever value.
    pub fn has_annotation(&self, name: &str) -> bool {
        self.metadata().annotations.as_ref().is_some_and(|annotations| annotations.contains_key(name))
    }

    /// The value of an annotation.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.metadata().annotations.as_ref()?.get(name).map(String::as_str)
    }

    /// Whether the object waits for who set this finalizer when it is deleted.
    pub fn has_finalizer(&self, name: &str) -> bool {
        self.metadata().finalizers.iter().flatten().any(|finalizer| finalizer == name)
    }
}

/// The name of an object of ours. Its `Display` is `ALBTargetBinding/namespace/name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    pub kind: Kind,
    pub namespace: String,
    pub name: String,
}

impl ObjectRef {
    /// An object without a namespace is in `default`, as for kubectl.
    pub fn of(kind: Kind, metadata: &ObjectMeta) -> Self {
        Self {
            kind,
            namespace: metadata.namespace.clone().unwrap_or_else(|| "default".into()),
            name: metadata.name.clone().unwrap_or_default(),
        }
    }
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
/// `sgbind <cluster>: alb/<namespace>/<name>, sga/<namespace>/<name>`, then ` - ` and what the objects
/// themselves say of it (`texts`, in the characters that EC2 takes), cut at 255 characters.
pub fn describe(cluster: &ClusterName, objects: &BTreeSet<ObjectRef>, texts: &BTreeSet<String>) -> String {
    let names: Vec<String> =
        objects.iter().map(|object| format!("{}/{}/{}", object.kind.word(), object.namespace, object.name)).collect();
    let mut text = format!("sgbind {cluster}: {}", names.join(", "));
    if !texts.is_empty() {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        text.push_str(" - ");
        text.push_str(&texts.join("; "));
    }
    if text.len() > DESCRIPTION_LIMIT {
        // Names of Kubernetes objects and texts that EC2 takes are ASCII, so every index is a character's start.
        text.truncate(DESCRIPTION_LIMIT - CUT.len());
        text.push_str(CUT);
    }
    text
}

/// Whether [`describe`] wrote this for the cluster, whatever became of it.
pub fn is_described(cluster: &ClusterName, description: &str) -> bool {
    description.starts_with(&format!("sgbind {cluster}: "))
}

/// Reads back what [`describe`] wrote.
pub fn named(cluster: &ClusterName, description: &str) -> Named {
    let Some(list) = description.strip_prefix(&format!("sgbind {cluster}: ")) else {
        return Named::AtLeast(BTreeSet::new());
    };
    let (list, cut) = match list.split_once(" - ") {
        // What the objects say may end in dots of its own.
        Some((list, texts)) => (list, description.len() == DESCRIPTION_LIMIT && texts.ends_with(CUT)),
        None => match list.strip_suffix(CUT) {
            // The last name may be half a name.
            Some(list) => (list.rsplit_once(", ").map_or("", |(whole, _)| whole), true),
            None => (list, false),
        },
    };
    let parsed: Vec<Option<ObjectRef>> = list.split(", ").map(parse_object).collect();
    let understood = !cut && parsed.iter().all(Option::is_some);
    let objects = parsed.into_iter().flatten().collect();
    if understood { Named::Exactly(objects) } else { Named::AtLeast(objects) }
}

fn parse_object(text: &str) -> Option<ObjectRef> {
    let mut parts = text.splitn(3, '/');
    let (word, namespace, name) = (parts.next()?, parts.next()?, parts.next()?);
    // A space is in no name: EC2 or a person changed what follows the list.
    let whole = !namespace.is_empty() && !name.is_empty() && !text.contains(' ');
    Some(ObjectRef { kind: Kind::from_word(word)?, namespace: namespace.into(), name: name.into() }).filter(|_| whole)
}

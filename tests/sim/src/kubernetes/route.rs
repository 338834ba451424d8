//! What a request is about: its path and its parameters.

use std::collections::BTreeMap;

use http::{Method, Uri, header};

use super::failure::Failure;
use super::resources::{Resources, Scope, Status};

/// What a path names.
pub enum Place {
    /// Of a resource, in a namespace (empty for all, or of the cluster).
    Collection {
        resource: usize,
        namespace: String,
    },
    Object {
        resource: usize,
        namespace: String,
        name: String,
        part: Part,
    },
    /// `/apis/GROUP/VERSION` and `/api/VERSION`.
    Discovery {
        group: String,
        version: String,
    },
    /// `/apis`.
    Groups,
    /// `/version`.
    Version,
}

/// The object, or a part that is written by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Object,
    Status,
}

impl Part {
    pub fn subresource(self) -> &'static str {
        match self {
            Self::Object => "",
            Self::Status => "status",
        }
    }
}

/// A request's query, and what else of it matters.
#[derive(Clone)]
pub struct Parameters {
    query: BTreeMap<String, String>,
    /// `User-Agent` up to its first slash: who writes, if the query does not say.
    agent: String,
    content_type: String,
    /// Only the metadata are asked for.
    pub metadata_only: bool,
}

impl Parameters {
    pub fn new(uri: &Uri, headers: &header::HeaderMap) -> Self {
        let header =
            |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        let agent = header(header::USER_AGENT).split('/').next().unwrap_or_default().to_owned();
        let content_type = header(header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim().to_owned();
        let metadata_only = header(header::ACCEPT).contains("as=PartialObjectMetadata");
        Self { query, agent, content_type, metadata_only }
    }

    pub fn get(&self, name: &str) -> &str {
        self.query.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Go's `ParseBool`.
    pub fn is_set(&self, name: &str) -> bool {
        matches!(self.get(name), "1" | "t" | "T" | "true" | "TRUE" | "True")
    }

    pub fn number(&self, name: &str) -> Result<Option<u64>, Failure> {
        match self.get(name) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                let why = format!("strconv.ParseUint: parsing {text:?}: invalid syntax");
                Failure::internal(format!("{name}: Invalid value: {text:?}: {why}"))
            }),
        }
    }

    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    pub fn is_dry_run(&self) -> Result<bool, Failure> {
        match self.get("dryRun") {
            "" => Ok(false),
            "All" => Ok(true),
            other => {
                Err(Failure::bad_request(format!("dryRun: Unsupported value: {other:?}: supported values: \"All\"")))
            }
        }
    }

    /// Who writes.
    pub fn manager(&self) -> String {
        match (self.get("fieldManager"), self.agent.as_str()) {
            ("", "") => "unknown".into(),
            ("", agent) => agent.into(),
            (manager, _) => manager.into(),
        }
    }
}

/// What a path names; None where nothing is.
pub fn place(resources: &Resources, path: &str) -> Option<Place> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (group, version, rest) = match parts.as_slice() {
        ["version"] => return Some(Place::Version),
        ["apis"] => return Some(Place::Groups),
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        _ => return None,
    };
    let find = |plural: &str, scope: Option<Scope>| {
        let number = resources.find(group, version, plural)?;
        scope.is_none_or(|scope| resources.get(number).scope == scope).then_some(number)
    };
    let object = |resource: usize, namespace: &str, name: &str, part: &[&str]| {
        let part = match part {
            [] => Part::Object,
            ["status"] if resources.get(resource).status == Status::Subresource => Part::Status,
            _ => return None,
        };
        Some(Place::Object { resource, namespace: namespace.into(), name: name.into(), part })
    };
    match rest {
        [] => Some(Place::Discovery { group: group.into(), version: version.into() }),
        ["namespaces", name, part @ ..] if group.is_empty() && matches!(part, [] | ["status"]) => {
            object(find("namespaces", None)?, "", name, part)
        }
        ["namespaces", namespace, plural] => {
            let resource = find(plural, Some(Scope::Namespaced))?;
            Some(Place::Collection { resource, namespace: (*namespace).into() })
        }
        ["namespaces", namespace, plural, name, part @ ..] => {
            object(find(plural, Some(Scope::Namespaced))?, namespace, name, part)
        }
        [plural] => Some(Place::Collection { resource: find(plural, None)?, namespace: String::new() }),
        [plural, name, part @ ..] => object(find(plural, Some(Scope::Cluster))?, "", name, part),
    }
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Get,
    Create,
    Update,
    Patch,
    Delete,
}

impl Verb {
    pub fn of(method: &Method) -> Option<Self> {
        Some(match *method {
            Method::GET => Self::Get,
            Method::POST => Self::Create,
            Method::PUT => Self::Update,
            Method::PATCH => Self::Patch,
            Method::DELETE => Self::Delete,
            _ => return None,
        })
    }
}

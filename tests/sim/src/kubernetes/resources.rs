//! The kinds of objects that are served: some that are built in, and those of the CRDs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::schema::Schema;

/// One kind of objects, in its one version.
pub struct Resource {
    /// Empty for the core group.
    pub group: String,
    pub version: String,
    pub plural: String,
    pub singular: String,
    pub kind: String,
    pub short_names: Vec<String>,
    pub categories: Vec<String>,
    pub scope: Scope,
    pub status: Status,
    pub generation: Generation,
    pub updates: Updates,
    pub origin: Origin,
    pub schema: Schema,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Namespaced,
    Cluster,
}

/// Whether `/status` is written by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Subresource,
    Field,
}

/// Whether changes of what is wanted are counted in `metadata.generation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    Counted,
    Absent,
}

/// Whether a PUT must name the version that it replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Updates {
    OfAVersion,
    Unconditional,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    BuiltIn,
    Custom,
}

impl Resource {
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// As messages name it: `leases.coordination.k8s.io`.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// As other messages name it: `Lease.coordination.k8s.io`.
    pub fn qualified_kind(&self) -> String {
        if self.group.is_empty() { self.kind.clone() } else { format!("{}.{}", self.kind, self.group) }
    }

    /// An entry of an `APIResourceList`, and one for `/status` if there is one.
    fn discovery(&self) -> Vec<Value> {
        let namespaced = self.scope == Scope::Namespaced;
        let mut entry = json!({
            "name": self.plural, "singularName": self.singular, "namespaced": namespaced, "kind": self.kind,
            "verbs": ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"],
        });
        for (key, names) in [("shortNames", &self.short_names), ("categories", &self.categories)] {
            if !names.is_empty() {
                entry[key] = names.clone().into();
            }
        }
        let status = json!({
            "name": format!("{}/status", self.plural), "singularName": "", "namespaced": namespaced,
            "kind": self.kind, "verbs": ["get", "patch", "update"],
        });
        if self.status == Status::Subresource { vec![entry, status] } else { vec![entry] }
    }
}

/// All resources, by group, version and plural.
pub struct Resources {
    all: Vec<Resource>,
    by_path: BTreeMap<(String, String, String), usize>,
}

impl Resources {
    /// Those that are built in, and those of the CRDs, each with its storage version only.
    pub fn new(crds: &[Value]) -> Result<Self, String> {
        let mut all = built_in()?;
        for crd in crds {
            all.push(custom(crd)?);
        }
        let by_path = all
            .iter()
            .enumerate()
            .map(|(number, resource)| {
                ((resource.group.clone(), resource.version.clone(), resource.plural.clone()), number)
            })
            .collect();
        Ok(Self { all, by_path })
    }

    pub fn get(&self, number: usize) -> &Resource {
        &self.all[number]
    }

    pub fn find(&self, group: &str, version: &str, plural: &str) -> Option<usize> {
        self.by_path.get(&(group.to_owned(), version.to_owned(), plural.to_owned())).copied()
    }

    /// The first of that name, whatever its group.
    pub fn by_plural(&self, plural: &str) -> Option<usize> {
        self.all.iter().position(|resource| resource.plural == plural)
    }

    /// All resources whose objects are in namespaces.
    pub fn namespaced(&self) -> impl Iterator<Item = usize> {
        (0..self.all.len()).filter(|number| self.all[*number].scope == Scope::Namespaced)
    }

    /// `APIResourceList` of a group's version.
    pub fn discovery(&self, group: &str, version: &str) -> Option<Value> {
        let mut entries = Vec::new();
        for resource in self.all.iter().filter(|resource| resource.group == group && resource.version == version) {
            entries.extend(resource.discovery());
        }
        let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
        (!entries.is_empty()).then(|| {
            json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": entries})
        })
    }

    /// `APIGroupList` of `/apis`.
    pub fn groups(&self) -> Value {
        let mut groups: BTreeMap<&str, &str> = BTreeMap::new();
        for resource in self.all.iter().filter(|resource| !resource.group.is_empty()) {
            groups.insert(&resource.group, &resource.version);
        }
        let groups: Vec<_> = groups
            .into_iter()
            .map(|(group, version)| {
                let version = json!({"groupVersion": format!("{group}/{version}"), "version": version});
                json!({"name": group, "versions": [version], "preferredVersion": version})
            })
            .collect();
        json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
    }
}

fn built_in() -> Result<Vec<Resource>, String> {
    use {Generation as G, Scope as S, Status as T, Updates as U};
    let kinds = [
        ("", "v1", "namespaces", "Namespace", S::Cluster, T::Subresource, G::Absent, U::Unconditional),
        ("", "v1", "configmaps", "ConfigMap", S::Namespaced, T::Field, G::Absent, U::Unconditional),
        ("", "v1", "services", "Service", S::Namespaced, T::Subresource, G::Absent, U::Unconditional),
        ("coordination.k8s.io", "v1", "leases", "Lease", S::Namespaced, T::Field, G::Absent, U::OfAVersion),
        ("events.k8s.io", "v1", "events", "Event", S::Namespaced, T::Field, G::Absent, U::Unconditional),
        (
            "networking.k8s.io",
            "v1",
            "ingresses",
            "Ingress",
            S::Namespaced,
            T::Subresource,
            G::Counted,
            U::Unconditional,
        ),
    ];
    kinds
        .into_iter()
        .map(|(group, version, plural, kind, scope, status, generation, updates)| {
            Ok(Resource {
                group: group.into(),
                version: version.into(),
                plural: plural.into(),
                singular: kind.to_lowercase(),
                kind: kind.into(),
                short_names: Vec::new(),
                categories: Vec::new(),
                scope,
                status,
                generation,
                updates,
                origin: Origin::BuiltIn,
                schema: Schema::untyped()?,
            })
        })
        .collect()
}

fn custom(crd: &Value) -> Result<Resource, String> {
    let spec = &crd["spec"];
    let text = |value: &Value, what: &str| {
        value.as_str().map(str::to_owned).ok_or_else(|| format!("not a CustomResourceDefinition: no {what}"))
    };
    let list = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let names = &spec["names"];
    let plural = text(&names["plural"], "spec.names.plural")?;
    let versions = spec["versions"].as_array().ok_or_else(|| format!("{plural}: no spec.versions"))?;
    let served: Vec<_> = versions.iter().filter(|version| version["served"] == true).collect();
    let [version] = served.as_slice() else {
        return Err(format!("{plural}: {} served versions; only one is simulated", served.len()));
    };
    let kind = text(&names["kind"], "spec.names.kind")?;
    let status = if version["subresources"]["status"].is_object() { Status::Subresource } else { Status::Field };
    if version["subresources"]["scale"].is_object() {
        return Err(format!("{plural}: the subresource scale is not simulated"));
    }
    Ok(Resource {
        group: text(&spec["group"], "spec.group")?,
        version: text(&version["name"], "version name")?,
        singular: names["singular"].as_str().map_or_else(|| kind.to_lowercase(), str::to_owned),
        short_names: list(&names["shortNames"]),
        categories: list(&names["categories"]),
        scope: match spec["scope"].as_str() {
            Some("Namespaced") => Scope::Namespaced,
            Some("Cluster") => Scope::Cluster,
            _ => return Err(format!("{plural}: no spec.scope")),
        },
        status,
        generation: Generation::Counted,
        updates: Updates::OfAVersion,
        origin: Origin::Custom,
        schema: Schema::root(&version["schema"]["openAPIV3Schema"]).map_err(|error| format!("{plural}: {error}"))?,
        plural,
        kind,
    })
}

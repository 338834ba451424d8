//! What the verbs plan for: objects from files or from the cluster, and who we are to them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt};
use serde::de::DeserializeOwned;

use crate::api::names::IDENTITY_NAMESPACE;
use crate::api::{ALBTargetBinding, SecurityGroupAccess};
use crate::aws::Clouds;
use crate::documents::{self, Document, DocumentErrors, Source};
use crate::model::{ClusterName, Object, ObjectRef, Orphans, Scope, Us};
use crate::observe::Cluster;
use crate::once::{self, Asked, Malformed, ObjectScope, Survey, Terms};
use crate::validate;

use super::arguments::{AwsArguments, ClusterArguments, SnapshotArgument, duration, namespace, tag_value};

/// Where objects without a namespace are, as for kubectl.
const DEFAULT_NAMESPACE: &str = "default";
/// Who we are where no cluster says it.
const PIPELINE: &str = "pipeline";

/// Which objects, and whose rules are ours.
#[derive(Debug, Args)]
pub struct ObjectArguments {
    /// File or folder with ALBTargetBindings and SecurityGroupAccesses, or - for stdin; may be repeated. Other kinds in
    /// the same files are skipped.
    #[arg(short = 'f', long = "filename", value_name = "PATH")]
    pub files: Vec<Source>,
    /// Takes the objects of the cluster. Together with -f: as they would be if those files were applied.
    #[arg(long)]
    pub from_cluster: bool,
    /// Namespace of objects in files that name none [default: default]; with --from-cluster, the only one that counts.
    #[arg(short, long, value_parser = namespace)]
    pub namespace: Option<String>,
    /// Name of the cluster: groups opt in to it by the tag sgbind.dev/cluster/NAME.
    #[arg(long, env = "SGBIND_CLUSTER_NAME", value_name = "NAME")]
    pub cluster_name: ClusterName,
    /// Value of the tag by which rules are ours [default: with --from-cluster the UID of the namespace kube-system, else
    /// pipeline].
    #[arg(long, env = "SGBIND_IDENTITY", value_parser = tag_value)]
    pub identity: Option<String>,
    /// Identity of a former cluster of this name, whose rules are taken over; may be repeated, or several separated by
    /// commas.
    #[arg(long, env = "SGBIND_TAKE_OVER", value_name = "IDENTITY", value_delimiter = ',', value_parser = tag_value)]
    pub take_over: Vec<String>,
    /// The given objects are all that there are: rules of ours that only name others are revoked too.
    #[arg(long)]
    pub prune: bool,
    /// How many rules may be revoked; 0: none at all [default: 100, or a fifth of ours if that is more].
    #[arg(long, env = "SGBIND_REVOCATION_BRAKE", value_name = "N")]
    pub revocation_brake: Option<u32>,
    /// How many rules AWS allows in one direction of a group [default: as Service Quotas says, else 60].
    #[arg(long, env = "SGBIND_RULE_QUOTA", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub rule_quota: Option<u32>,
    /// How long, at the least, the targets' health is watched after foreign rules were taken away.
    #[arg(long, env = "SGBIND_TIGHTENING_WATCH", value_name = "DURATION", default_value = "2m", value_parser = duration)]
    pub tightening_watch: Duration,
    #[command(flatten)]
    pub aws: AwsArguments,
    #[command(flatten)]
    pub cluster: ClusterArguments,
}

/// Which objects, and whose rules are ours, for who only looks on.
#[derive(Debug, Args)]
pub struct ViewArguments {
    /// File or folder with the objects that need rules, or - for stdin; may be repeated.
    #[arg(short = 'f', long = "filename", value_name = "PATH")]
    pub files: Vec<Source>,
    /// Takes the objects of the cluster. Together with -f: as they would be if those files were applied.
    #[arg(long)]
    pub from_cluster: bool,
    /// Namespace of objects in files that name none [default: default]; with --from-cluster, the only one that counts.
    #[arg(short, long, value_parser = namespace)]
    pub namespace: Option<String>,
    /// Name of the cluster whose rules are ours.
    #[arg(long, env = "SGBIND_CLUSTER_NAME", value_name = "NAME")]
    pub cluster_name: Option<ClusterName>,
    /// Value of the tag by which rules are ours [default: with --from-cluster the UID of the namespace kube-system, else
    /// the one that is found].
    #[arg(long, env = "SGBIND_IDENTITY", value_parser = tag_value)]
    pub identity: Option<String>,
    #[command(flatten)]
    pub aws: AwsArguments,
    #[command(flatten)]
    pub cluster: ClusterArguments,
    #[command(flatten)]
    pub snapshot: SnapshotArgument,
}

impl ViewArguments {
    pub fn has_objects(&self) -> bool {
        !self.files.is_empty() || self.from_cluster
    }

    /// Whether it is said, and not only found, who we are.
    pub fn knows_identity(&self) -> bool {
        self.identity.is_some() || self.from_cluster
    }

    /// The same for a run in which nothing is written.
    pub fn objects(&self, cluster_name: ClusterName) -> ObjectArguments {
        ObjectArguments {
            files: self.files.clone(),
            from_cluster: self.from_cluster,
            namespace: self.namespace.clone(),
            cluster_name,
            identity: self.identity.clone(),
            take_over: Vec::new(),
            prune: false,
            revocation_brake: None,
            rule_quota: None,
            tightening_watch: Duration::ZERO,
            aws: self.aws.clone(),
            cluster: self.cluster.clone(),
        }
    }
}

/// All that a run begins with.
pub struct Gathered {
    pub clouds: Clouds,
    pub cluster: Cluster,
    pub us: Us,
    pub asked: Vec<Asked>,
    pub terms: Terms,
}

impl Gathered {
    pub async fn look(&self) -> Survey {
        once::look(&self.clouds, &self.cluster, &self.us, &self.asked, &self.terms).await
    }
}

/// An object, with the document that it comes from, if it comes from one.
struct Known {
    object: Object,
    document: Option<Document>,
    /// The same object as the cluster has it, where a file stands in for it: it tells what was last known and done.
    in_cluster: Option<Object>,
}

impl ObjectArguments {
    /// Reads the objects, and asks AWS and the cluster who we are.
    ///
    /// # Errors
    /// Everything that is wrong with the files, or what can't be reached.
    pub async fn gather(&self, snapshot: Option<&Path>) -> anyhow::Result<Gathered> {
        if self.files.is_empty() && !self.from_cluster {
            bail!(
                "no objects are given: name files or folders by -f PATH (- for stdin), or take those of the cluster by --from-cluster"
            );
        }
        if self.prune && self.from_cluster && self.namespace.is_some() {
            bail!(
                "--prune can't be used together with --from-cluster and --namespace: objects of other namespaces are not known of. Leave one of them out"
            );
        }
        let mut known = self.in_files()?;
        let client = self.client(&known, snapshot).await;
        let mut identity = PIPELINE.to_owned();
        if self.from_cluster {
            let client = client.as_ref().map_err(|why| anyhow!("{why}"))?;
            for (reference, object) in self.in_cluster(client).await? {
                match known.entry(reference) {
                    Entry::Occupied(mut of_file) => of_file.get_mut().in_cluster = Some(object),
                    Entry::Vacant(vacant) => {
                        let (document, in_cluster) = (None, Some(object.clone()));
                        vacant.insert(Known { object, document, in_cluster });
                    }
                }
            }
            if self.identity.is_none() {
                identity = identity_of(client).await?;
            }
        }
        let clouds = self.aws.connect(&self.cluster_name, snapshot).await?;
        let (asked, malformed) = asked(known, clouds.home())?;
        Ok(Gathered {
            clouds,
            cluster: client.map_or_else(Cluster::out_of_reach, Cluster::new),
            us: self.us(identity),
            asked,
            terms: Terms { malformed, ..self.terms() },
        })
    }

    /// The same without any object.
    pub fn nothing(&self, clouds: Clouds) -> Gathered {
        let cluster = Cluster::out_of_reach("no object refers to the cluster");
        Gathered { clouds, cluster, us: self.us(PIPELINE.to_owned()), asked: Vec::new(), terms: self.terms() }
    }

    fn us(&self, identity: String) -> Us {
        Us {
            cluster: self.cluster_name.clone(),
            identity: self.identity.clone().unwrap_or(identity),
            take_over: self.take_over.iter().cloned().collect(),
        }
    }

    fn terms(&self) -> Terms {
        let scope = match (&self.namespace, self.from_cluster) {
            (None, true) => ObjectScope::Everything,
            (Some(_), true) => ObjectScope::Given,
            (_, false) if self.prune => ObjectScope::Everything,
            (_, false) => ObjectScope::Given,
        };
        Terms {
            scope,
            orphans: if self.prune { Orphans::Revoke } else { Orphans::Report },
            brake: self.revocation_brake,
            rule_quota: self.rule_quota,
            tightening_watch: self.tightening_watch,
            malformed: Vec::new(),
        }
    }

    fn in_files(&self) -> Result<BTreeMap<ObjectRef, Known>, DocumentErrors> {
        if self.files.is_empty() {
            return Ok(BTreeMap::new());
        }
        let namespace = self.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
        let documents = documents::read(&self.files, namespace, io::stdin())?;
        let known = |document: Document| {
            let object = document.object.clone();
            (object.reference(), Known { object, document: Some(document), in_cluster: None })
        };
        Ok(documents.into_iter().map(known).collect())
    }

    /// The cluster is asked where it was said so, and where an object refers to something in it.
    async fn client(&self, known: &BTreeMap<ObjectRef, Known>, snapshot: Option<&Path>) -> Result<Client, String> {
        let refers = known.values().any(|known| refers_to_cluster(&known.object));
        if !self.from_cluster && !refers {
            return Err("no object refers to the cluster".into());
        }
        if !self.from_cluster && snapshot.is_some() {
            return Err("with --snapshot the cluster is not asked".into());
        }
        let config = self.cluster.config().await.map_err(|error| format!("{error:#}"))?;
        let client = Client::try_from(config);
        client
            .map(crate::controller::with_time_limit)
            .map_err(|error| format!("the Kubernetes client could not be made: {error}"))
    }

    async fn in_cluster(&self, client: &Client) -> anyhow::Result<Vec<(ObjectRef, Object)>> {
        let bindings = self.list::<ALBTargetBinding>(client).await?.into_iter().map(Object::from);
        let accesses = self.list::<SecurityGroupAccess>(client).await?.into_iter().map(Object::from);
        Ok(bindings.chain(accesses).map(|object| (object.reference(), object)).collect())
    }

    async fn list<K>(&self, client: &Client) -> anyhow::Result<Vec<K>>
    where
        K: kube::Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>,
        K: Clone + DeserializeOwned + std::fmt::Debug,
    {
        let api = match &self.namespace {
            Some(namespace) => Api::<K>::namespaced(client.clone(), namespace),
            None => Api::<K>::all(client.clone()),
        };
        let listed = api.list(&ListParams::default()).await;
        let listed = listed.with_context(|| {
            format!("the cluster's objects of kind {} could not be listed (are the CRDs installed? sgbind crds prints them)", K::kind(&()))
        })?;
        Ok(listed.items)
    }
}

/// The UID of the namespace kube-system.
async fn identity_of(client: &Client) -> anyhow::Result<String> {
    let namespaces = Api::<Namespace>::all(client.clone());
    let read = namespaces.get(IDENTITY_NAMESPACE).await.with_context(|| {
        format!("the namespace {IDENTITY_NAMESPACE}, whose UID is the cluster's identity, could not be read: name it by --identity")
    })?;
    read.uid()
        .with_context(|| format!("the namespace {IDENTITY_NAMESPACE} has no UID: name the identity by --identity"))
}

fn refers_to_cluster(object: &Object) -> bool {
    match object {
        Object::Binding(binding) => {
            let load_balancer = &binding.spec.load_balancer;
            load_balancer.ingress.is_some() || load_balancer.gateway.is_some() || load_balancer.service.is_some()
        }
        Object::Access(_) => false,
    }
}

/// Turns objects into declarations. What a file says of a status counts for nothing; what the cluster has does. What is
/// wrong with an object of the cluster is a problem of that object, and told as such.
fn asked(known: BTreeMap<ObjectRef, Known>, home: &Scope) -> Result<(Vec<Asked>, Vec<Malformed>), DocumentErrors> {
    let (mut asked, mut errors, mut malformed) = (Vec::new(), Vec::new(), Vec::new());
    for (reference, Known { object, document, in_cluster }) in known {
        match (validate::object(&object, home), document) {
            (Ok(declaration), _) => asked.push(Asked::new(declaration, in_cluster.as_ref())),
            (Err(findings), Some(document)) => {
                errors.extend(findings.into_iter().map(|finding| document.error(&finding.field, finding.message)));
            }
            (Err(findings), None) => {
                let messages = findings.iter().map(ToString::to_string).collect();
                malformed.push(Malformed { object: reference, stance: validate::stance(&object), messages });
            }
        }
    }
    if errors.is_empty() { Ok((asked, malformed)) } else { Err(DocumentErrors(errors)) }
}

//! The load balancer whose DNS name stands in the status of an Ingress, Gateway or Service.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::IpAddr;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::api::Api;
use kube::core::{DynamicResourceScope, Status};
use serde::Deserialize;

use crate::aws::LoadBalancer;
use crate::model::{Reason, Referent, ReferentKind, Thing};

use super::Resolving;

/// The cluster's own objects, read from the API server whenever they are asked for.
pub struct Cluster {
    /// Or why there is none.
    client: Result<kube::Client, String>,
}

/// What counts of an Ingress, Gateway or Service, in the fields of any of them.
#[derive(Clone, Debug, Deserialize)]
pub struct Addressed {
    #[serde(default)]
    metadata: ObjectMeta,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Addresses,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Spec {
    /// Of a Service.
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Addresses {
    /// Of an Ingress or Service. Sources: `IngressStatus` and `ServiceStatus` in the Kubernetes API reference.
    #[serde(default)]
    load_balancer: Points,
    /// Of a Gateway. Source: `GatewayStatus` in the Gateway API's reference.
    #[serde(default)]
    addresses: Vec<Address>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Points {
    #[serde(default)]
    ingress: Vec<Point>,
}

#[derive(Clone, Debug, Deserialize)]
struct Point {
    hostname: Option<String>,
    ip: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Address {
    #[serde(default)]
    value: String,
}

impl Addressed {
    /// The host names under which the object says that it is reached.
    pub fn hosts(&self) -> BTreeSet<String> {
        self.all().filter(|address| address.parse::<IpAddr>().is_err()).map(str::to_owned).collect()
    }

    fn addresses(&self) -> BTreeSet<&str> {
        self.all().filter(|address| address.parse::<IpAddr>().is_ok()).collect()
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        let points = self.status.load_balancer.ingress.iter().flat_map(|point| [&point.hostname, &point.ip]);
        let values = self.status.addresses.iter().map(|address| &address.value);
        points.flatten().chain(values).map(String::as_str).filter(|address| !address.is_empty())
    }
}

impl Resource for Addressed {
    type DynamicType = ReferentKind;
    type Scope = DynamicResourceScope;

    fn kind(kind: &ReferentKind) -> Cow<'_, str> {
        kind.name().into()
    }

    fn group(kind: &ReferentKind) -> Cow<'_, str> {
        kind.resource().0.into()
    }

    fn version(kind: &ReferentKind) -> Cow<'_, str> {
        kind.resource().1.into()
    }

    fn plural(kind: &ReferentKind) -> Cow<'_, str> {
        kind.resource().2.into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// What the API server says of an object.
enum Sight {
    There(Box<Addressed>),
    NotThere,
    /// The cluster does not know such objects.
    KindNotInstalled,
    Forbidden,
    /// There is no cluster to ask.
    OutOfReach(String),
}

impl Cluster {
    /// Reads with this client; nothing is asked for before an object refers to something.
    pub fn new(client: kube::Client) -> Self {
        Self { client: Ok(client) }
    }

    /// No cluster can be asked, for this reason: what is in it is not known.
    pub fn out_of_reach(why: impl Into<String>) -> Self {
        Self { client: Err(why.into()) }
    }

    /// The API server answers a read that names no version with what was last written. Source: "Resource versions" in
    /// "Kubernetes API Concepts".
    async fn look(&self, referent: &Referent) -> Result<Sight, kube::Error> {
        let client = match &self.client {
            Ok(client) => client.clone(),
            Err(why) => return Ok(Sight::OutOfReach(why.clone())),
        };
        let api = Api::<Addressed>::namespaced_with(client, &referent.namespace, &referent.kind);
        match api.get(&referent.name).await {
            Ok(object) => Ok(Sight::There(Box::new(object))),
            Err(kube::Error::Api(status)) if status.code == 404 && is_about(&status, referent) => Ok(Sight::NotThere),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(Sight::KindNotInstalled),
            Err(kube::Error::Api(status)) if status.code == 403 => Ok(Sight::Forbidden),
            Err(error) => Err(error),
        }
    }
}

/// An API server that does not know the kind speaks of no object.
fn is_about(status: &Status, referent: &Referent) -> bool {
    status.details.as_ref().is_some_and(|details| details.name == referent.name)
}

impl Resolving<'_> {
    /// The load balancer whose DNS name stands in the status of this object.
    pub(super) async fn behind(&mut self, referent: &Referent) -> Option<LoadBalancer> {
        let hosts = self.hosts_of(referent).await?;
        let answer = self.cloud.load_balancers_at(&hosts).await;
        let mut found = self.answer(answer)?;
        let named = || hosts.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        match found.len() {
            1 => found.pop(),
            0 => {
                let message = format!(
                    "{referent} names {} in its status, and no application or network load balancer in {} has that DNS name: check \
                     spec.region and spec.accountID. A Classic Load Balancer can't be bound",
                    named(),
                    self.cloud.scope()
                );
                self.lacking(Reason::LoadBalancerNotFound, message).await;
                None
            }
            count => {
                let names: Vec<&str> = found.iter().map(|each| each.name.as_str()).collect();
                let message = format!(
                    "{referent} names {count} load balancers in its status: {}. Make a binding for each, by its name or ARN",
                    names.join(", ")
                );
                self.unknown(Reason::LoadBalancerAmbiguous, message);
                None
            }
        }
    }

    /// The host names that an object has; where it has none, why is told.
    async fn hosts_of(&mut self, referent: &Referent) -> Option<BTreeSet<String>> {
        let message = match self.cluster.look(referent).await {
            Ok(Sight::There(object)) => {
                let hosts = object.hosts();
                if !hosts.is_empty() {
                    return Some(hosts);
                }
                without_host(referent, &object)
            }
            Ok(Sight::NotThere) => format!(
                "{referent} does not exist, in whose status the DNS name of the load balancer is expected: create it, or \
                 correct spec.loadBalancer.{}",
                referent.kind.field()
            ),
            Ok(Sight::KindNotInstalled) => {
                // It says nothing of the load balancer.
                self.unknown(Reason::LoadBalancerPending, not_installed(referent.kind));
                return None;
            }
            Ok(Sight::OutOfReach(why)) => {
                let message = format!(
                    "{referent}, in whose status the DNS name of the load balancer is expected, can't be read: {why}. Or name the \
                     load balancer by arn, name or tags"
                );
                self.unknown(Reason::LoadBalancerPending, message);
                return None;
            }
            Ok(Sight::Forbidden) => {
                self.unknown(Reason::AccessDenied, forbidden(referent));
                return None;
            }
            Err(error) => {
                let message = format!("{referent} could not be read from the API server: {error}");
                self.unknown(Reason::LoadBalancerPending, message);
                return None;
            }
        };
        self.lacking(Reason::LoadBalancerPending, message).await;
        None
    }

    /// The object leads to no load balancer. Only if AWS lacks the one that was known, too, may that count as gone: it may
    /// serve on without being named.
    async fn lacking(&mut self, reason: Reason, message: String) {
        let known = self.previous.load_balancer.as_ref().map(|known| known.arn.clone());
        let there = match known {
            Some(arn) => {
                let answer = self.cloud.load_balancer_by_arn(&arn).await;
                self.answer(answer).map(|found| found.is_some())
            }
            None => Some(false),
        };
        match there {
            Some(false) => self.absent(Thing::LoadBalancer, reason, message),
            Some(true) | None => self.unknown(reason, message),
        }
    }
}

fn without_host(referent: &Referent, object: &Addressed) -> String {
    let Referent { kind, namespace, name } = referent;
    let addresses = object.addresses();
    if !addresses.is_empty() {
        let addresses: Vec<&str> = addresses.into_iter().collect();
        return format!(
            "{referent} has only IP addresses in its status ({}), and the DNS name of a load balancer of AWS is expected: see \
             which controller serves it",
            addresses.join(", ")
        );
    }
    match object.spec.kind.as_deref().filter(|kind| *kind != "LoadBalancer") {
        Some(other) => {
            format!(
                "{referent} is of type {other}, and type LoadBalancer is expected: only such a Service has a load balancer"
            )
        }
        None => format!(
            "{referent} has no host name in its status yet, and the DNS name of its load balancer is expected there: see that the \
             controller that makes the load balancer is installed, and what it says: kubectl -n {namespace} describe {} {name}",
            kind.field()
        ),
    }
}

fn not_installed(kind: ReferentKind) -> String {
    let (group, version, _) = kind.resource();
    format!(
        "the kind {} of {group} ({version}) is not installed in this cluster: install it with a controller that serves it, or name \
         the load balancer by arn, name or tags",
        kind.name()
    )
}

fn forbidden(referent: &Referent) -> String {
    let (group, _, plural) = referent.kind.resource();
    let of_group = if group.is_empty() { String::new() } else { format!(" of {group}") };
    format!(
        "{referent} may not be read: the controller's service account lacks the permission to get {plural}{of_group}. Apply the \
         ClusterRole that belongs to this version (deploy/role.yaml)"
    )
}

#[cfg(test)]
mod tests;

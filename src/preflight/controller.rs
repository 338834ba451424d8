//! Asks how the controller does: its Deployment, who leads, and the leader's metrics, by way of the API server.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::ListParams;
use kube::{Api, ResourceExt};

use crate::api::names::LEASE;
use crate::api::{ALBTargetBinding, SecurityGroupAccess};

use super::kubernetes::{Reached, answered};
use super::report::Section;
use super::vitals::{self, Holding, Vitals, Work};
use super::{Stage, Subject};

/// A leader renews more often than that.
const RENEWED_WITHIN: Duration = Duration::from_secs(4);

pub async fn section(subject: &Subject, reached: Option<&Reached>) -> Section {
    let mut section = Section::new("Controller");
    let Some(reached) = reached else {
        let because = "the API server can't be reached";
        section.skip("deployment", "the controller's Deployment", because);
        skip_the_leader(&mut section, because);
        return section;
    };
    judge_deployment(&mut section, subject, &reached.deployment);
    let lease = match lease(subject, reached).await {
        Ok(lease) => lease,
        Err(error) => {
            section.skip("lease", "who leads", &error);
            section.skip("version", "the controller's version", "it is not known who leads");
            section.skip("last-pass", "when all groups were compared last", "it is not known who leads");
            return section;
        }
    };
    let is_absent = matches!(reached.deployment, Ok(None));
    if lease.is_none() && is_absent && subject.stage == Stage::BeforeInstallation {
        skip_the_leader(&mut section, "not installed yet");
        return section;
    }
    let holding = holding(subject, reached, lease).await;
    vitals::judge_lease(&mut section, &subject.namespace, &holding);
    let Some(pod) = holding.holder().and_then(vitals::pod) else {
        section.skip("version", "the controller's version", "nobody leads");
        section.skip("last-pass", "when all groups were compared last", "nobody leads");
        return section;
    };
    let read = metrics(subject, reached, pod).await.map(|text| Vitals::read(&text));
    let image = reached.deployment.as_ref().ok().and_then(Option::as_ref).and_then(image);
    vitals::judge_version(&mut section, &read, image, env!("CARGO_PKG_VERSION"));
    let work = work(reached).await;
    vitals::judge_last_pass(&mut section, &subject.namespace, &read, work, now(subject, reached));
    section
}

fn skip_the_leader(section: &mut Section, because: &str) {
    section.skip("lease", "who leads", because);
    section.skip("version", "the controller's version", because);
    section.skip("last-pass", "when all groups were compared last", because);
}

fn judge_deployment(section: &mut Section, subject: &Subject, deployment: &Result<Option<Deployment>, String>) {
    const LINE: &str = "deployment";
    let namespace = &subject.namespace;
    let deployment = match deployment {
        Ok(Some(deployment)) => deployment,
        Ok(None) => {
            let message = format!("there is no Deployment of the controller in {namespace}");
            let hint =
                "kubectl apply --server-side -k your installation, see deploy/README.md; --namespace says where it is";
            return section.missing(subject.stage, LINE, message, hint);
        }
        Err(error) => return section.skip(LINE, &format!("the controller's Deployment in {namespace}"), error),
    };
    let name = deployment.name_any();
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let ready = deployment.status.as_ref().and_then(|status| status.ready_replicas).unwrap_or(0);
    let message = format!("Deployment {namespace}/{name}: {ready} of {wanted} replicas are ready");
    let hint =
        format!("kubectl -n {namespace} describe deployment {name}; kubectl -n {namespace} logs deployment/{name}");
    match ready {
        0 => section.fail(LINE, message, hint),
        some if some < wanted => section.warn(LINE, message, hint),
        _ => section.ok(LINE, message),
    }
}

async fn lease(subject: &Subject, reached: &Reached) -> Result<Option<Lease>, String> {
    let leases = Api::<Lease>::namespaced(reached.client.clone(), &subject.namespace);
    answered(leases.get_opt(LEASE)).await
}

/// The times in a Lease are those of the holder's clock. One that seems to have ended is looked at again, once it should
/// have been renewed.
async fn holding(subject: &Subject, reached: &Reached, first: Option<Lease>) -> Holding {
    let judged = Holding::of(first.as_ref(), now(subject, reached));
    if !matches!(judged, Holding::Expired { .. }) {
        return judged;
    }
    tokio::time::sleep(RENEWED_WITHIN).await;
    let spec = |lease: &Option<Lease>| lease.as_ref().and_then(|lease| lease.spec.clone());
    match lease(subject, reached).await {
        Ok(second) if spec(&second) != spec(&first) => {
            Holding::of(second.as_ref(), now(subject, reached)).seen_to_be_renewed()
        }
        _ => judged,
    }
}

/// The time by the API server's clock, as far as it is known.
fn now(subject: &Subject, reached: &Reached) -> jiff::Timestamp {
    let ours = subject.clock.now_wall();
    reached.dates.ahead().and_then(|ahead| ours.checked_sub(ahead).ok()).unwrap_or(ours)
}

/// Source: "Accessing services running on clusters" in the Kubernetes documentation. Without a port it is the first that
/// the pod names.
async fn metrics(subject: &Subject, reached: &Reached, pod: &str) -> Result<String, String> {
    let path = format!("/api/v1/namespaces/{}/pods/{pod}/proxy/metrics", subject.namespace);
    let request = http::Request::get(path).body(Vec::new()).map_err(|error| error.to_string())?;
    answered(reached.client.request_text(request)).await
}

/// What is not known counts as something.
async fn work(reached: &Reached) -> Work {
    let one = ListParams::default().limit(1);
    let bindings = Api::<ALBTargetBinding>::all(reached.client.clone());
    let accesses = Api::<SecurityGroupAccess>::all(reached.client.clone());
    let no_binding = answered(bindings.list_metadata(&one)).await.is_ok_and(|found| found.items.is_empty());
    let no_access = answered(accesses.list_metadata(&one)).await.is_ok_and(|found| found.items.is_empty());
    if no_binding && no_access { Work::Nothing } else { Work::Something }
}

fn image(deployment: &Deployment) -> Option<&str> {
    let pod = deployment.spec.as_ref()?.template.spec.as_ref()?;
    pod.containers.first()?.image.as_deref()
}

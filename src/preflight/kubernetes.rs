//! Asks the API server: for itself, the CRDs, the service account and its rights.

use std::collections::BTreeSet;
use std::error::Error;
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::version::Info;
use kube::api::ListParams;
use kube::client::Body;
use kube::{Api, Client, ResourceExt};

use crate::aws::Dates;

use super::report::Section;
use super::{Subject, clock, crds, rights};

/// The oldest API server that understands our CRDs: their rules look at CIDRs. Source: "Kubernetes CIDR library", "Common
/// Expression Language in Kubernetes".
const OLDEST: (u32, u32) = (1, 31);
const PATIENCE: Duration = Duration::from_secs(15);
/// Name of the service account in `deploy/`.
const ACCOUNT: &str = "sgbind-controller";
/// Labels of the Deployment in `deploy/`.
const CONTROLLER: &str = "app.kubernetes.io/name=sgbind,app.kubernetes.io/component=controller";

/// An API server that answers.
pub struct Reached {
    pub client: Client,
    /// What its clock shows.
    pub dates: Dates,
    /// The controller's, if there is one, or why that is not known.
    pub deployment: Result<Option<Deployment>, String>,
}

/// The answer within a while, or why there is none, in a line.
pub async fn answered<T>(question: impl Future<Output = Result<T, kube::Error>>) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, question).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(kube::Error::Api(status))) => Err(status.message.clone()),
        Ok(Err(error)) => Err(chain(&error)),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

/// An error with its causes, each told once.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        // Many of kube's errors say their cause themselves.
        if !text.contains(&cause.to_string()) {
            text += &format!(": {cause}");
        }
        next = cause.source();
    }
    text
}

impl Reached {
    /// # Errors
    /// Why they are not known.
    pub async fn namespaces(&self) -> Result<BTreeSet<String>, String> {
        let api = Api::<Namespace>::all(self.client.clone());
        let found = answered(api.list_metadata(&ListParams::default())).await?;
        Ok(found.items.iter().map(ResourceExt::name_any).collect())
    }

    fn service_account(&self) -> String {
        let deployment = self.deployment.as_ref().ok().and_then(Option::as_ref);
        let spec = deployment.and_then(|deployment| deployment.spec.as_ref()?.template.spec.as_ref());
        spec.and_then(|spec| spec.service_account_name.clone()).unwrap_or_else(|| ACCOUNT.into())
    }
}

/// The section, and the API server if it answers.
pub async fn section(subject: &Subject) -> (Section, Option<Reached>) {
    let mut section = Section::new("Kubernetes");
    let reached = match &subject.kubernetes {
        Ok(config) => reach(subject, config.clone()).await,
        Err(error) => Err(error.clone()),
    };
    let (reached, version) = match reached {
        Ok(reached) => reached,
        Err(error) => {
            let hint = "see that `kubectl version` reaches it, with the same KUBECONFIG and --context";
            section.fail("api-server", format!("the API server can't be reached: {error}"), hint);
            let because = "the API server can't be reached";
            section.skip("crds", "the CRDs", because);
            section.skip("rbac", "what the controller's service account may do", because);
            return (section, None);
        }
    };
    judge_version(&mut section, &version);
    clock::judge(&mut section, "the API server's", reached.dates.ahead());
    let installed = Api::<CustomResourceDefinition>::all(reached.client.clone());
    for ours in crate::api::crds() {
        let name = ours.name_any();
        match answered(installed.get_opt(&name)).await {
            Ok(found) => crds::judge(&mut section, subject.stage, &ours, found.as_ref()),
            Err(error) => section.warn(
                format!("crd/{name}"),
                format!("skipped: CRD {name} can't be read: {error}"),
                "run this as somebody who may get customresourcedefinitions.apiextensions.k8s.io",
            ),
        }
    }
    judge_service_account(&mut section, subject, &reached).await;
    (section, Some(reached))
}

async fn reach(subject: &Subject, config: kube::Config) -> Result<(Reached, Info), String> {
    let client = Client::try_from(config).map_err(|error| chain(&error))?;
    let dates = Dates::new(subject.clock.clone());
    let asked = http::Request::get("/version").body(Body::empty()).map_err(|error| error.to_string())?;
    let answer = answered(client.send(asked)).await?;
    if let Some(date) = answer.headers().get(http::header::DATE).and_then(|date| date.to_str().ok()) {
        dates.answered(date);
    }
    let status = answer.status();
    let body = answered(async { answer.into_body().collect_bytes().await }).await?;
    if !status.is_success() {
        return Err(format!("it answers {status}: {}", String::from_utf8_lossy(&body).trim()));
    }
    let version = serde_json::from_slice(&body).map_err(|error| format!("its version can't be read: {error}"))?;
    let deployments = Api::<Deployment>::namespaced(client.clone(), &subject.namespace);
    let found = answered(deployments.list(&ListParams::default().labels(CONTROLLER))).await;
    let deployment = found.map(|found| found.items.into_iter().next());
    Ok((Reached { client, dates, deployment }, version))
}

fn judge_version(section: &mut Section, version: &Info) {
    let number = |text: &str| text.trim_end_matches(|letter: char| !letter.is_ascii_digit()).parse::<u32>().ok();
    let told = &version.git_version;
    match (number(&version.major), number(&version.minor)) {
        (Some(major), Some(minor)) if (major, minor) < OLDEST => section.fail(
            "api-server",
            format!("the API server is {told}, too old for our CRDs"),
            format!("upgrade the cluster to Kubernetes {}.{} or later", OLDEST.0, OLDEST.1),
        ),
        _ => section.ok("api-server", format!("the API server answers: Kubernetes {told}")),
    }
}

async fn judge_service_account(section: &mut Section, subject: &Subject, reached: &Reached) {
    let (namespace, account) = (&subject.namespace, reached.service_account());
    let accounts = Api::<ServiceAccount>::namespaced(reached.client.clone(), namespace);
    let (line, who) = ("service-account", format!("service account {namespace}/{account}"));
    match answered(accounts.get_opt(&account)).await {
        Ok(Some(_)) => section.ok(line, format!("{who} is there")),
        Ok(None) => {
            let hint = "apply the installation, see deploy/README.md; --namespace says where it is";
            section.missing(subject.stage, line, format!("{who} is not there"), hint);
            let because = "there is no such service account";
            return section.skip("rbac", &format!("what {who} may do"), because);
        }
        Err(error) => section.warn(
            line,
            format!("skipped: {who} can't be read: {error}"),
            format!("run this as somebody who may get serviceaccounts in {namespace}"),
        ),
    }
    rights::judge(section, reached, namespace, &account).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::Status;

    #[test]
    fn an_api_server_that_does_not_understand_our_crds_is_too_old() {
        let judged = |major: &str, minor: &str| {
            let version = Info { major: major.into(), minor: minor.into(), ..Info::default() };
            let mut section = Section::new("Kubernetes");
            judge_version(&mut section, &version);
            section.checks[0].status
        };
        assert_eq!(judged("1", "30"), Status::Failed);
        assert_eq!(judged("1", "30+"), Status::Failed);
        assert_eq!(judged("1", "31"), Status::Ok);
        assert_eq!(judged("2", "0"), Status::Ok);
    }
}

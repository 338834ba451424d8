//! Objects of the cluster that name a load balancer in their status, as the controllers that serve them write it.

use kube::{
    Api,
    api::{DeleteParams, DynamicObject, Patch, PatchParams},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::{Value, json};

use super::World;

impl World {
    /// Applies an Ingress with these host names in its status.
    pub async fn ingress(&self, name: &str, hosts: &[&str]) {
        self.ingress_with(name, hosts.iter().map(|host| json!({"hostname": host})).collect()).await;
    }

    /// Applies an Ingress, whose status lists these points of `loadBalancer.ingress`.
    pub async fn ingress_with(&self, name: &str, points: Value) {
        let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
        let spec = json!({"defaultBackend": backend});
        self.addressed("Ingress", name, spec, json!({"loadBalancer": {"ingress": points}})).await;
    }

    /// Applies a Service of this type, with one port, whose status lists these points of `loadBalancer.ingress`.
    pub async fn service(&self, name: &str, kind: &str, points: Value) {
        let spec = json!({"type": kind, "ports": [{"port": 443, "protocol": "TCP"}]});
        self.addressed("Service", name, spec, json!({"loadBalancer": {"ingress": points}})).await;
    }

    /// Applies a Gateway, whose status lists these addresses.
    pub async fn gateway(&self, name: &str, addresses: Value) {
        let listener = json!({"name": "web", "port": 443, "protocol": "TLS"});
        let spec = json!({"gatewayClassName": "alb", "listeners": [listener]});
        self.addressed("Gateway", name, spec, json!({"addresses": addresses})).await;
    }

    async fn addressed(&self, kind: &str, name: &str, spec: Value, status: Value) {
        let (api, resource) = self.objects(kind);
        let object = json!({
            "apiVersion": resource.api_version, "kind": kind, "metadata": {"name": name}, "spec": spec,
        });
        let params = PatchParams::apply("person").force();
        let applied = api.patch(name, &params, &Patch::Apply(object)).await;
        applied.unwrap_or_else(|error| panic!("{kind} {name}: {error}"));
        let written = api.patch_status(name, &PatchParams::default(), &Patch::Merge(json!({"status": status}))).await;
        written.unwrap_or_else(|error| panic!("status of {kind} {name}: {error}"));
    }

    /// Deletes an Ingress, Gateway or Service.
    pub async fn remove(&self, kind: &str, name: &str) {
        let deleted = self.objects(kind).0.delete(name, &DeleteParams::default()).await;
        deleted.unwrap_or_else(|error| panic!("{kind} {name}: {error}"));
    }

    fn objects(&self, kind: &str) -> (Api<DynamicObject>, ApiResource) {
        let (group, plural) = match kind {
            "Ingress" => ("networking.k8s.io", "ingresses"),
            "Gateway" => ("gateway.networking.k8s.io", "gateways"),
            _ => ("", "services"),
        };
        let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, "v1", kind), plural);
        (Api::namespaced_with(self.client.clone(), self.namespace(), &resource), resource)
    }

    /// The DNS name that AWS gave a load balancer.
    pub async fn dns_name(&self, load_balancer: &str) -> String {
        let call = self.aws.elb.describe_load_balancers().load_balancer_arns(self.id(&format!("lb {load_balancer}")));
        let found = call.send().await.unwrap_or_else(|error| panic!("{load_balancer}: {error:?}"));
        found.load_balancers()[0].dns_name().expect("a DNS name").to_owned()
    }
}

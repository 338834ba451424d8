use std::fmt;

/// Kinds of the cluster whose objects say in their status under which DNS name their load balancer is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReferentKind {
    Ingress,
    Gateway,
    Service,
}

impl ReferentKind {
    /// Each of them once: each is watched as soon as a binding refers to one.
    pub const ALL: [Self; 3] = [Self::Ingress, Self::Gateway, Self::Service];

    /// The kind's name in the Kubernetes API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ingress => "Ingress",
            Self::Gateway => "Gateway",
            Self::Service => "Service",
        }
    }

    /// The field of `spec.loadBalancer` that refers to such an object.
    pub fn field(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Gateway => "gateway",
            Self::Service => "service",
        }
    }

    /// API group, version and plural. Sources: the Kubernetes API reference; the Gateway API's reference.
    pub fn resource(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Ingress => ("networking.k8s.io", "v1", "ingresses"),
            Self::Gateway => ("gateway.networking.k8s.io", "v1", "gateways"),
            Self::Service => ("", "v1", "services"),
        }
    }
}

/// An object of the cluster that names a load balancer in its status. Its `Display` is `Ingress namespace/name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Referent {
    pub kind: ReferentKind,
    pub namespace: String,
    pub name: String,
}

impl fmt::Display for Referent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind.name(), self.namespace, self.name)
    }
}

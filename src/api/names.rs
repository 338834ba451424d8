//! Names that other tools and people rely on: tags, annotations, the finalizer.

/// Prefix of the tag by which a group opts in to a cluster (value `owned` or `shared`) and by which
/// a rule says which cluster made it (value: that cluster's identity).
pub const CLUSTER_TAG_PREFIX: &str = "sgbind.dev/cluster/";

/// Tag on a group: the namespaces whose objects may write it, separated by spaces, or `*`.
pub const NAMESPACES_TAG: &str = "sgbind.dev/namespaces";

/// Tag by which the AWS Load Balancer Controller marks the groups that it manages itself.
pub const LOAD_BALANCER_CONTROLLER_TAG: &str = "elbv2.k8s.aws/cluster";

/// Keeps an object until its rules are seen to be gone.
pub const FINALIZER: &str = "sgbind.dev/rules";

/// Annotation: let the object go without touching its rules.
pub const ABANDON_ANNOTATION: &str = "sgbind.dev/abandon";

/// Annotation: a new value lets foreign rules be taken away again that had to be put back.
pub const RETRY_TIGHTENING_ANNOTATION: &str = "sgbind.dev/retry-tightening";
/// Annotation, a token: let needed traffic be refused for a moment where old and new rules do not fit side by side.
pub const ALLOW_GAP_ANNOTATION: &str = "sgbind.dev/allow-gap";

/// Field manager of status and finalizer, and reporting controller of events.
pub const FIELD_MANAGER: &str = "sgbind";

/// Name of the Lease by which one replica leads.
pub const LEASE: &str = "sgbind-controller";

/// The namespace whose UID is the cluster's identity.
pub const IDENTITY_NAMESPACE: &str = "kube-system";

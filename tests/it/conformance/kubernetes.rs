//! What a Kubernetes API server does.

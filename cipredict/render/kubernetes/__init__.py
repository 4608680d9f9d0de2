"""A deployment for a cluster: manifests of Kubernetes and Argo Rollouts, and what is wrong with some."""

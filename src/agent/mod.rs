//! The Kubernetes agent: reads a cluster or a snapshot into a `ClusterState`. The only module that does cluster I/O.

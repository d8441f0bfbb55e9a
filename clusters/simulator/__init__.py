"""A Kubernetes API server over TLS, many clusters in one process: an island that serves demo and tests."""

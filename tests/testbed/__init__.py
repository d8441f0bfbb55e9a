"""Builds and starts real Kubernetes control planes, with nodes that are only objects, on 127.0.0.1."""

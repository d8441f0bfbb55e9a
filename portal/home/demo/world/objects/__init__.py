"""The present of the world as the Kubernetes API would show it, kind by kind."""

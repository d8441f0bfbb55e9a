"""The Kubernetes API as Paddock relies on it: the same checks against the simulator and a real kube-apiserver."""

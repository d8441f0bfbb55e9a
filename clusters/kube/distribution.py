"""Which distribution a cluster is, from what any reader of it can see. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from clusters.kube.objects.node import NodeTraits

K3S, RKE2, RKE1 = "k3s", "rke2", "rke1"
EKS, GKE, AKS, DOKS = "eks", "gke", "aks", "doks"
OPENSHIFT, KUBEADM, OTHER = "openshift", "kubeadm", "other"

# How people write them.
LABELS = {
    K3S: "K3s",
    RKE2: "RKE2",
    RKE1: "RKE1",
    EKS: "Amazon EKS",
    GKE: "Google GKE",
    AKS: "Azure AKS",
    DOKS: "DigitalOcean DOKS",
    OPENSHIFT: "OpenShift",
    KUBEADM: "kubeadm",
    OTHER: "other",
}

_VERSION_MARKS = (("+k3s", K3S), ("+rke2", RKE2), ("-eks-", EKS), ("-gke.", GKE))
# Prefixes of label names; the first distribution with one on any node wins.
_LABEL_MARKS = (
    ("eks.amazonaws.com/", EKS),
    ("cloud.google.com/gke-", GKE),
    ("kubernetes.azure.com/", AKS),
    ("doks.digitalocean.com/", DOKS),
    ("node.openshift.io/", OPENSHIFT),
)
_ANNOTATION_MARKS = (
    ("k3s.io/", K3S),
    ("rke2.io/", RKE2),
    ("rke.cattle.io/", RKE1),
    ("kubeadm.alpha.kubernetes.io/", KUBEADM),
)
_PROVIDER_MARKS = (("k3s://", K3S), ("rke2://", RKE2), ("digitalocean://", DOKS))
_OPENSHIFT_GROUP = "config.openshift.io"
# Groups that Rancher's own agent brings; K3s alone brings others of cattle.io.
_RANCHER_GROUPS = frozenset({"management.cattle.io", "catalog.cattle.io", "provisioning.cattle.io"})
_RANCHER_PREFIXES = ("management.cattle.io/", "cattle.io/")


@dataclass(frozen=True, slots=True)
class Distribution:
    """`name` is a key of LABELS. Rancher manages clusters of any distribution, so it stands beside it."""

    name: str
    rancher_managed: bool


def detect(git_version: str, nodes: Sequence[NodeTraits], groups: Collection[str]) -> Distribution:
    """`git_version` as /version gives it; `groups` are the names of the API groups."""
    return Distribution(_name(git_version, nodes, groups), _rancher(nodes, groups))


def _name(git_version: str, nodes: Sequence[NodeTraits], groups: Collection[str]) -> str:
    for mark, name in _VERSION_MARKS:
        if mark in git_version:
            return name
    if _OPENSHIFT_GROUP in groups:
        return OPENSHIFT
    by_labels = _first(_LABEL_MARKS, [label for node in nodes for label in node.labels])
    by_provider = _first(_PROVIDER_MARKS, [node.provider_id for node in nodes])
    by_annotations = _first(_ANNOTATION_MARKS, [name for node in nodes for name in node.annotations])
    return by_labels or by_provider or by_annotations or OTHER


def _first(marks: tuple[tuple[str, str], ...], texts: list[str]) -> str:
    for mark, name in marks:
        if any(text.startswith(mark) for text in texts):
            return name
    return ""


def _rancher(nodes: Sequence[NodeTraits], groups: Collection[str]) -> bool:
    if not _RANCHER_GROUPS.isdisjoint(groups):
        return True
    names = [name for node in nodes for name in (*node.labels, *node.annotations)]
    return any(name.startswith(_RANCHER_PREFIXES) for name in names)

import pytest

from clusters.kube import distribution
from clusters.kube.objects.node import NodeTraits


def seen(*, label: str = "", annotation: str = "", provider: str = "") -> NodeTraits:
    return NodeTraits({label: "x"} if label else {}, {annotation: "x"} if annotation else {}, provider)


@pytest.mark.parametrize(
    ("version", "node", "groups", "expected"),
    [
        ("v1.31.2+k3s1", seen(), (), "k3s"),
        ("v1.31.2+rke2r1", seen(), (), "rke2"),
        ("v1.28.9", seen(annotation="rke.cattle.io/external-ip"), (), "rke1"),
        ("v1.31.2-eks-7f9249a", seen(), (), "eks"),
        ("v1.31.2", seen(label="eks.amazonaws.com/nodegroup"), (), "eks"),
        ("v1.31.2-gke.1354001", seen(), (), "gke"),
        ("v1.31.2", seen(label="kubernetes.azure.com/cluster"), (), "aks"),
        ("v1.31.2", seen(label="doks.digitalocean.com/node-pool"), (), "doks"),
        ("v1.31.2", seen(provider="digitalocean://12"), (), "doks"),
        ("v1.31.2+abcdef", seen(), ("config.openshift.io",), "openshift"),
        ("v1.31.2", seen(annotation="kubeadm.alpha.kubernetes.io/cri-socket"), (), "kubeadm"),
        ("v1.31.2", seen(), ("apps",), "other"),
    ],
)
def test_distributions(version: str, node: NodeTraits, groups: tuple[str, ...], expected: str) -> None:
    found = distribution.detect(version, [seen(), node], groups)
    assert (found.name, found.rancher_managed) == (expected, False)
    assert expected in distribution.LABELS


def test_rancher_stands_beside_the_distribution() -> None:
    by_group = distribution.detect("v1.31.2+k3s1", [], ("management.cattle.io",))
    by_node = distribution.detect("v1.31.2-eks-1", [seen(annotation="management.cattle.io/pod-limits")], ())
    k3s_alone = distribution.detect("v1.31.2+k3s1", [], ("helm.cattle.io", "k3s.cattle.io"))
    assert (by_group.name, by_group.rancher_managed) == ("k3s", True)
    assert (by_node.name, by_node.rancher_managed) == ("eks", True)
    assert not k3s_alone.rancher_managed

"""The selector syntax against kube-apiserver: it selects the same objects and refuses the same texts."""

from collections.abc import Iterator

import pytest

from clusters.kube import label_selector
from tests.clusters.kube.test_label_selector import BAD, GOOD, LABELS
from tests.testbed import objects
from tests.testbed.api import path_of
from tests.testbed.control_plane import Cluster

NAMESPACE = "selectors"


@pytest.fixture(scope="module")
def labelled(bare_cluster: Cluster) -> Iterator[Cluster]:
    bare_cluster.api.create(objects.namespace(NAMESPACE))
    for number, labels in enumerate(LABELS):
        thing = objects.config_map(f"o-{number}", NAMESPACE, data={})
        thing["metadata"]["labels"] = labels
        bare_cluster.api.create(thing)
    yield bare_cluster
    for number in range(len(LABELS)):
        bare_cluster.api.delete("ConfigMap", f"o-{number}", namespace=NAMESPACE)


@pytest.mark.parametrize("text", GOOD)
def test_the_same_objects(labelled: Cluster, text: str) -> None:
    selector = label_selector.parse(text)
    listed = labelled.api.items("ConfigMap", namespace=NAMESPACE, labelSelector=text)
    names = {item["metadata"]["name"] for item in listed}
    assert names == {f"o-{number}" for number, labels in enumerate(LABELS) if selector.matches(labels)}


@pytest.mark.parametrize("text", [text for text, _position in BAD])
def test_the_same_refusals(labelled: Cluster, text: str) -> None:
    path = path_of("ConfigMap", namespace=NAMESPACE)
    assert labelled.api.send("GET", path, query={"labelSelector": text}).status == 400

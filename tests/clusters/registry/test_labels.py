"""Labels of clusters: on the page, by API, and the selector that chooses by them."""

import json
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clusters.kube import label_selector
from clusters.registry import labels, services
from clusters.registry.models import Cluster, State
from portal.accounts.models import User
from portal.audit.models import Event
from portal.core import clock, errors
from portal.core.actors import COMMAND
from tests import people
from tests.clusters.kube.test_label_selector import BAD, GOOD, LABELS

pytestmark = pytest.mark.django_db


def cluster(name: str, *, state: State = State.ATTACHED, **given_labels: str) -> Cluster:
    return Cluster.objects.create(
        slug=name,
        name=name,
        state=state,
        server="https://k.example.org",
        credential="sealed" if state != State.DETACHED else "",
        kube_system_uid=f"uid-{name}",
        attached_at=clock.now(),
        labels={key.replace("__", "/").replace("_", "."): value for key, value in given_labels.items()},
    )


@pytest.fixture
def clusters() -> list[Cluster]:
    made = [cluster(f"c{number}") for number in range(len(LABELS))]
    for one, given_labels in zip(made, LABELS, strict=True):
        Cluster.objects.filter(pk=one.pk).update(labels=given_labels)
    return made


@pytest.mark.parametrize("text", GOOD)
def test_the_database_chooses_as_the_rule_does(clusters: list[Cluster], text: str) -> None:
    selector = label_selector.parse(text)
    found = Cluster.objects.filter(labels.condition(selector)).values_list("slug", flat=True)
    assert set(found) == {f"c{number}" for number, one in enumerate(LABELS) if selector.matches(one)}


KEYS, VALUES = st.sampled_from(["team", "in", "a.b/c", "labels__x"]), st.sampled_from(["", "red", "8", "007", "x"])
OPERATORS = st.sampled_from(list(label_selector.Operator))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(KEYS, VALUES), st.lists(st.tuples(KEYS, OPERATORS, st.sets(VALUES, min_size=1)), max_size=3))
def test_any_selector_over_any_labels(clusters: list[Cluster], found: dict[str, str], parts: Any) -> None:
    requirements = []
    for key, operator, values in parts:
        if operator in (label_selector.Operator.MORE, label_selector.Operator.LESS):
            values = {"7"}
        elif operator in (label_selector.Operator.EXISTS, label_selector.Operator.ABSENT):
            values = set()
        requirements.append(label_selector.Requirement(key, operator, tuple(sorted(values))))
    selector = label_selector.Selector(tuple(requirements))
    Cluster.objects.filter(pk=clusters[0].pk).update(labels=found)
    kept = Cluster.objects.filter(labels.condition(selector), pk=clusters[0].pk).exists()
    assert kept == selector.matches(found)


@pytest.mark.parametrize("text", [text for text, _position in BAD])
def test_a_bad_selector_is_an_error_at_the_field(ann: User, text: str) -> None:
    client = people.client_of(ann)
    page = client.get("/clusters/", {"labels": text})
    assert page.status_code == 400
    answer = client.get("/api/v1/clusters/", {"labels": text})
    assert answer.status_code == 400
    assert "labels" in answer.json()["errors"]
    with pytest.raises(errors.Refused) as caught:
        labels.read_selector(text, field="where")
    assert list(caught.value.errors) == ["where"]


def test_the_list_is_narrowed_by_a_selector(ann: User) -> None:
    cluster("prod-eu", env="production", example_org__region="eu")
    cluster("prod-us", env="production", example_org__region="us")
    cluster("trial")
    client = people.client_of(ann)

    def slugs(selector: str) -> list[str]:
        rows = client.get("/api/v1/clusters/", {"labels": selector}).json()["results"]
        return [row["slug"] for row in rows]

    assert slugs("env=production,example.org/region in (eu, us)") == ["prod-eu", "prod-us"]
    assert slugs("example.org/region!=eu") == ["prod-us", "trial"]
    assert slugs("!env") == ["trial"]
    page = client.get("/clusters/", {"labels": "env=production,example.org/region=eu"}).content.decode()
    assert "prod-eu" in page
    assert "prod-us" not in page
    answer: Any = client.get("/clusters/", {"labels": "!env", "format": "csv"})
    file = b"".join(answer.streaming_content)
    assert b"trial" in file
    assert b"prod-eu" not in file


def test_labels_are_edited_on_the_page(ann: User) -> None:
    one = cluster("prod", env="old")
    client = people.client_of(ann)
    assert "env=old" in client.get("/clusters/prod/labels/").content.decode()
    answer = client.post("/clusters/prod/labels/", {"labels": "env = production\n\nexample.org/region=eu\nfrozen=\n"})
    assert (answer.status_code, answer["Location"]) == (302, "/clusters/prod/")
    one.refresh_from_db()
    assert one.labels == {"env": "production", "example.org/region": "eu", "frozen": ""}
    event = Event.objects.get(kind="registry.cluster.label")
    assert event.after == {"labels": one.labels}
    assert "env=production" in client.get("/clusters/prod/").content.decode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("env", "Line 1"),
        ("a=1\na=2", "Line 2"),
        ("-env=x", "-env=x"),
        ("env=not a value", "env=not a value"),
        ("Upper.org/x=1", "Upper.org/x=1"),
        ("\n".join(f"k{number}=v" for number in range(51)), "at most 50"),
        ("env=" + "x" * 64, "at most 63"),
        ("env=\N{NULL}x", ""),
    ],
)
def test_bad_labels_are_refused_at_the_field(ann: User, text: str, said: str) -> None:
    one = cluster("prod", env="old")
    answer = people.client_of(ann).post("/clusters/prod/labels/", {"labels": text})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    one.refresh_from_db()
    assert one.labels == {"env": "old"}


def put(client: Client, one: Cluster, body: Any) -> Any:
    return client.put(f"/api/v1/clusters/{one.pk}/labels/", json.dumps(body), content_type="application/json")


def test_labels_by_api(ann: User, bob: User) -> None:
    one = cluster("prod", env="old")
    client = people.client_of(ann)
    answer = put(client, one, {"labels": {"env": "production"}})
    assert (answer.status_code, answer.json()["labels"]) == (200, {"env": "production"})
    assert put(client, one, {"labels": {"env": "production"}}).status_code == 200
    assert Event.objects.filter(kind="registry.cluster.label").count() == 1
    for body in ({}, {"labels": None}, {"labels": ["env"]}, {"labels": {"env": {"a": 1}}}, {"labels": {"-": "x"}}):
        refused = put(client, one, body)
        assert refused.status_code in (400, 422), body
        assert any(field.startswith("labels") for field in refused.json()["errors"]), refused.json()
    assert put(people.client_of(bob), one, {"labels": {}}).status_code == 404


def test_only_attached_clusters_are_labelled() -> None:
    for number, state in enumerate((State.CANDIDATE, State.DETACHED)):
        with pytest.raises(errors.Conflict):
            services.set_labels(cluster=cluster(f"c{number}", state=state), labels={"a": "b"}, by=COMMAND)

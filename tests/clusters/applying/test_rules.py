"""The pure rules: marks, what may be written, what is compared, what is to be done."""

import dataclasses
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters.applying import admitting, comparing, marks
from clusters.applying.desired import Desired, Order
from clusters.applying.difference import Row, Verb, difference, digest_of, key_of, merged
from clusters.applying.models import FIGHT, HELD, State

AT = datetime(2026, 3, 1, tzinfo=UTC)
PROJECT = uuid.UUID(int=5)
RBAC = "rbac.authorization.k8s.io"
OWNERS = f"paddock:project:{PROJECT}:project_owner"


def wish(**changes: Any) -> Desired:
    made = Desired(
        kind="role_binding",
        namespace="shop",
        namespace_uid="n-1",
        name="paddock-edit",
        body={
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "paddock-edit"},
            "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": OWNERS}],
        },
        source="test",
        source_id=uuid.UUID(int=1),
        project_id=PROJECT,
        order=Order.RIGHTS,
        forced=True,
        drift="restore",
    )
    return dataclasses.replace(made, **changes)


def row(one: Desired, **changes: Any) -> Row:
    digest = digest_of(one)
    known = Row(
        uuid.uuid4(), key_of(one), one.namespace_uid, "u-1", digest, digest, State.APPLIED, "", None, int(one.order)
    )
    return dataclasses.replace(known, **changes)


def verbs(wanted: list[Desired], rows: list[Row], ended: frozenset[str] = frozenset()) -> list[tuple[Verb, str]]:
    return [(step.verb, step.key[2]) for step in difference(merged(wanted), rows, ended=ended, at=AT)]


@given(st.uuids(), st.uuids())
def test_a_mark_is_a_label_and_is_read_back(installation: uuid.UUID, row_id: uuid.UUID) -> None:
    mark = marks.Mark(installation, row_id)
    assert len(str(mark)) == 53
    assert marks.read(str(mark)) == mark
    assert marks.read(str(mark).upper()) is None
    assert len(marks.manager(installation)) == 34


@given(st.text(max_size=60))
def test_other_labels_are_no_marks(text: str) -> None:
    found = marks.read(text)
    assert found is None or str(found) == text


@pytest.mark.parametrize(
    "name",
    [
        "system:masters",
        "SYSTEM:masters",
        "ｓystem:masters",
        " system:masters",
        "paddock:cluster:x:owner",
        f"paddock:project:{uuid.UUID(int=6)}:project_owner",
        f"paddock:project:{PROJECT}:admin",
        "",
        "  ",
        "team\u200b-a",
        "x" * 254,
    ],
)
def test_reserved_foreign_and_invisible_subjects_are_never_written(name: str) -> None:
    body = {**wish().body, "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": name}]}
    assert admitting.wrong(wish(body=body))
    (step,) = difference(merged([wish(body=body)]), [], ended=(), at=AT)
    assert (step.verb, step.code) == (Verb.WAIT, "refused")


def test_roles_kinds_and_places_that_are_not_written() -> None:
    assert admitting.wrong(wish()) == ""
    role = {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"}
    assert admitting.wrong(wish(body={**wish().body, "roleRef": role}))
    assert admitting.wrong(wish(body={**wish().body, "subjects": []}))
    assert admitting.wrong(wish(kind="pod"))
    assert admitting.wrong(wish(namespace=""))
    assert admitting.wrong(wish(kind="namespace", namespace="", name="kube-system", body={}))
    assert admitting.wrong(wish(kind="namespace", namespace="", name="a", body={"spec": {}}))
    assert admitting.wrong(wish(body={**wish().body, "metadata": {"ownerReferences": []}}))


def test_a_user_named_like_a_group_of_ours_is_refused() -> None:
    body = {**wish().body, "subjects": [{"apiGroup": RBAC, "kind": "User", "name": OWNERS}]}
    assert admitting.wrong(wish(body=body))


def test_what_stands_needs_nothing_and_what_differs_a_step() -> None:
    one = wish()
    assert verbs([one], []) == [(Verb.CREATE, "paddock-edit")]
    assert verbs([one], [row(one)]) == []
    assert verbs([one], [row(one, digest="older", applied_digest="older")]) == [(Verb.CHANGE, "paddock-edit")]
    assert verbs([one], [row(one, state=State.DRIFTED)]) == [(Verb.CHANGE, "paddock-edit")]
    assert verbs([one], [row(one, state=State.DRIFTED, uid="", applied_digest="")]) == [(Verb.CREATE, "paddock-edit")]
    assert verbs([], [row(one)]) == [(Verb.REMOVE, "paddock-edit")]
    assert verbs([], [row(one, uid="")]) == [(Verb.FORGET, "paddock-edit")]


def test_what_is_left_to_a_person_or_not_due_is_left_alone() -> None:
    one, later = wish(), AT + timedelta(minutes=1)
    assert verbs([one], [row(one, state=State.DRIFTED, code=HELD)]) == []
    assert verbs([one], [row(one, state=State.DRIFTED, code=FIGHT, due_at=later)]) == []
    assert verbs([one], [row(one, state=State.DRIFTED, code=FIGHT, due_at=AT)]) == [(Verb.CHANGE, "paddock-edit")]
    assert verbs([one], [row(one, state=State.FAILED, code="denied", due_at=later)]) == []
    # Something else is wanted now: it does not wait for the old failure.
    failed = row(one, state=State.FAILED, code="denied", due_at=later, digest="older")
    assert verbs([one], [failed]) == [(Verb.CHANGE, "paddock-edit")]


def test_another_life_of_the_namespace_is_another_object() -> None:
    one = wish(namespace_uid="n-2")
    assert verbs([one], [row(wish())]) == [(Verb.CREATE, "paddock-edit")]
    assert verbs([one], [row(one)], ended=frozenset({"n-2"})) == [(Verb.FORGET, "paddock-edit")]
    assert verbs([one], [], ended=frozenset({"n-2"})) == []


def test_what_waits_says_so_once() -> None:
    one = wish(wait="no room")
    assert verbs([one], []) == [(Verb.WAIT, "paddock-edit")]
    assert verbs([one], [row(one, state=State.WAITING, code="wait", text="no room")]) == []


def test_order_comes_with_rights_last_and_goes_with_rights_first() -> None:
    namespace = wish(kind="namespace", namespace="", namespace_uid="", name="shop", body={}, order=Order.NAMESPACE)
    quota = wish(kind="quota", name="paddock", body={"spec": {"hard": {}}}, order=Order.QUOTA)
    made = [name for _verb, name in verbs([wish(), quota, namespace], [])]
    assert made == ["shop", "paddock", "paddock-edit"]
    gone = [name for _verb, name in verbs([], [row(namespace), row(quota), row(wish())])]
    assert gone == ["paddock-edit", "paddock", "shop"]


def test_labels_of_several_rooms_are_laid_together_and_other_objects_are_not() -> None:
    def labels(order: Order, **given: str) -> Desired:
        body = {"metadata": {"labels": given}}
        return wish(kind="namespace", namespace="", name="shop", body=body, order=order, forced=False, drift="hold")

    (one,) = merged([labels(Order.LABELS, a="1", both="later"), labels(Order.NAMESPACE, b="2", both="first")]).values()
    assert one.body == {"metadata": {"labels": {"a": "1", "b": "2", "both": "first"}}}
    assert one.order == Order.NAMESPACE
    with pytest.raises(ValueError, match="both want"):
        merged([wish(), wish(source="other")])


def test_comparers_see_what_differs_and_nothing_else() -> None:
    seen: dict[str, Any] = {
        "labels": {"theirs": "x"},
        "role_kind": "ClusterRole",
        "role_name": "paddock-edit",
        "subjects": [{"kind": "Group", "apiGroup": RBAC, "name": OWNERS}],
    }
    body = wish().body
    assert comparing.holds("role_binding", body, seen)
    assert not comparing.holds("role_binding", body, {**seen, "subjects": []})
    assert not comparing.holds("role_binding", body, {**seen, "role_name": "admin"})
    labelled = {**body, "metadata": {"labels": {"ours": "y"}}}
    assert not comparing.holds("role_binding", labelled, seen)
    hard = {"spec": {"hard": {"requests.cpu": "2", "pods": "10"}}}
    assert comparing.holds("quota", hard, {"labels": None, "hard": {"requests.cpu": "2000m", "pods": "10"}})
    assert not comparing.holds("quota", hard, {"labels": None, "hard": {"requests.cpu": "3", "pods": "10"}})
    assert not comparing.holds("quota", hard, {"labels": None, "hard": {"requests.cpu": "2"}})
    policy: dict[str, Any] = {"spec": {"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}]}}
    counted = {"labels": {}, "ingress_rules": 1, "egress_rules": 0}
    assert comparing.holds("network_policy", policy, {**counted, "body": policy})
    assert comparing.holds("network_policy", policy, {**counted, "body": None})
    open_to_all: dict[str, Any] = {"spec": {"podSelector": {}, "ingress": [{"from": [{"namespaceSelector": {}}]}]}}
    assert not comparing.holds("network_policy", policy, {**counted, "body": open_to_all})
    limits = {"spec": {"limits": [{"type": "Container", "default": {"cpu": "1"}}]}}
    completed = [{"type": "Container", "default": {"cpu": "1000m"}, "defaultRequest": {"cpu": "1"}}]
    assert comparing.holds("limit_range", limits, {"labels": {}, "limits": completed})
    assert not comparing.holds("limit_range", limits, {"labels": {}, "limits": []})

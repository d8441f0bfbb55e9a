"""Changes to two real clusters, and every way in which they refuse."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from clusters.kube import errors, kubeconfig, reactor, writing, writing_errors
from clusters.kube.connection import Connection
from clusters.kube.conversation import Conversation
from clusters.kube.writing import Precondition, Propagation, Target
from tests.testbed import api, objects
from tests.testbed.api import wait_until
from tests.testbed.control_plane import Bed, Cluster, Plan

RBAC = "rbac.authorization.k8s.io"
OTHER_UID = "00000000-0000-4000-8000-000000000000"
US, THEM = "paddock-1", "somebody"


@dataclasses.dataclass(frozen=True)
class Place:
    """A fresh namespace of a real cluster, and who writes there."""

    cluster: Cluster
    connection: Connection
    namespace: str

    def do(self, talk: Conversation[Any]) -> Any:
        return writing.perform(self.connection, talk, deadline=20, allow_loopback=True)

    def target(self, name: str, resource: str = "configmaps", group: str = "") -> Target:
        return Target(group, "v1", resource, name, self.namespace)

    def apply(self, name: str, data: dict[str, str], **options: Any) -> writing.Written:
        written: writing.Written = self.do(writing.apply(self.target(name), config(data), **{"manager": US, **options}))
        return written

    def as_account(self, *rules: api.Json) -> "Place":
        """Who may do only this, everywhere."""
        name = f"writer-{uuid.uuid4().hex[:8]}"
        text = self.cluster.account_kubeconfig(name, rules=rules, namespace=self.namespace)
        return dataclasses.replace(self, connection=kubeconfig.read(text.encode()))


def config(data: dict[str, str]) -> api.Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "data": data}


@pytest.fixture(params=["one", "two"])
def place(testbed: Bed, request: pytest.FixtureRequest) -> Iterator[Place]:
    cluster = testbed[request.param]
    name = f"writing-{uuid.uuid4().hex[:8]}"
    cluster.api.create(objects.namespace(name))
    yield Place(cluster, kubeconfig.read(cluster.kubeconfig().encode()), name)
    cluster.api.send("DELETE", api.path_of("Namespace", name))


def test_apply_makes_then_changes_then_does_nothing(place: Place) -> None:
    made = place.apply("a", {"x": "1"})
    assert made.created
    assert made.uid
    changed = place.apply("a", {"y": "2"})
    assert not changed.created
    assert (changed.uid, changed.body["data"]) == (made.uid, {"y": "2"})
    assert place.apply("a", {"y": "2"}).resource_version == changed.resource_version
    (entry,) = changed.body["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == (US, "Apply")


def test_a_dry_run_tells_and_stores_nothing(place: Place) -> None:
    assert place.apply("a", {"x": "1"}, dry_run=True).body["data"] == {"x": "1"}
    assert place.do(writing.read(place.target("a"))) is None
    place.apply("a", {"x": "1"})
    dry = writing.delete(place.target("a"), dry_run=True)
    assert place.do(dry).gone
    assert place.do(writing.read(place.target("a")))["data"] == {"x": "1"}


def test_a_conflict_names_managers_and_fields_and_force_wins(place: Place) -> None:
    place.apply("a", {"x": "1"}, manager=THEM)
    place.do(writing.merge_patch(place.target("a"), {"data": {"y": "1"}}, manager='the "other"'))
    with pytest.raises(writing_errors.Conflict) as conflict:
        place.apply("a", {"x": "2", "y": "2"})
    assert {(each.manager, each.field) for each in conflict.value.fields} == {
        (THEM, ".data.x"),
        ('the \\"other\\"', ".data.y"),
    }
    assert place.apply("a", {"x": "2", "y": "2"}, force=True).body["data"] == {"x": "2", "y": "2"}


def test_a_stale_version_and_another_life_are_told_apart(place: Place) -> None:
    made = place.apply("a", {"x": "1"})
    now = place.apply("a", {"x": "2"}, only_if=Precondition(made.uid, made.resource_version))
    stale, other = Precondition(resource_version=made.resource_version), Precondition(uid=OTHER_UID)
    target = place.target("a")
    for only_if, which in ((stale, "version"), (other, "uid")):
        for talk in (
            writing.apply(target, config({"x": "3"}), manager=US, only_if=only_if),
            writing.merge_patch(target, {"data": {"x": "3"}}, manager=US, only_if=only_if),
            writing.delete(target, only_if=only_if),
        ):
            with pytest.raises(writing_errors.Stale) as refused:
                place.do(talk)
            assert refused.value.which == which
    assert place.do(writing.read(target))["metadata"]["resourceVersion"] == now.resource_version
    gone = Precondition(uid=now.uid)
    place.do(writing.delete(target, only_if=gone))
    with pytest.raises(writing_errors.Stale, match="another one"):
        place.apply("a", {"x": "4"}, only_if=gone)


def test_create_twice(place: Place) -> None:
    create = writing.create(place.target("a"), config({}), manager=US)
    assert place.do(create).created
    with pytest.raises(writing_errors.AlreadyExists) as taken:
        place.do(writing.create(place.target("a"), config({}), manager=US))
    assert not taken.value.deleting


def test_what_does_not_exist_is_named(place: Place) -> None:
    missing = [
        (writing.delete(place.target("no")), "object", "no"),
        (writing.merge_patch(place.target("no"), {"data": {}}, manager=US), "object", "no"),
        (writing.apply(Target("", "v1", "configmaps", "a", "nowhere"), config({}), manager=US), "namespace", "nowhere"),
        (writing.delete(Target("", "v1", "namespaces", "nowhere")), "object", "nowhere"),
        (writing.apply(place.target("a", "widgets"), config({}), manager=US), "kind", ""),
        (writing.create_token(place.namespace, "no", seconds=600), "object", "no"),
    ]
    for talk, what, name in missing:
        with pytest.raises(writing_errors.Missing) as refused:
            place.do(talk)
        assert (refused.value.what, refused.value.name) == (what, name)
    assert place.do(writing.read(place.target("no"))) is None


def test_what_is_invalid_names_its_fields(place: Place) -> None:
    bad = config({"not a key": "1"}) | {"metadata": {"labels": {"a": "!!"}}}
    with pytest.raises(writing_errors.Invalid) as refused:
        place.do(writing.create(place.target("a"), bad, manager=US))
    assert {cause.field for cause in refused.value.causes} == {"metadata.labels", "data[not a key]"}
    assert all(cause.reason == "FieldValueInvalid" and cause.message for cause in refused.value.causes)
    with pytest.raises(writing_errors.Invalid) as refused:
        place.do(writing.apply(place.target("a"), config({}) | {"bogus": 1}, manager=US))
    assert [cause.field for cause in refused.value.causes] == [".bogus"]
    with pytest.raises(writing_errors.Malformed) as malformed:
        place.do(writing.create(place.target("a"), config({}) | {"bogus": 1}, manager=US))
    assert "bogus" in malformed.value.message


def test_a_missing_right_is_named(place: Place) -> None:
    patcher = place.as_account({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["patch"]})
    for talk, verb, resource in (
        (writing.apply(place.target("a"), config({}), manager=US), "create", "configmaps"),
        (writing.delete(place.target("a")), "delete", "configmaps"),
        (writing.create_token(place.namespace, "default", seconds=600), "create", "serviceaccounts/token"),
    ):
        with pytest.raises(writing_errors.NotAllowed) as refused:
            patcher.do(talk)
        error = refused.value
        assert (error.verb, error.resource, error.namespace, error.escalates) == (
            verb,
            resource,
            place.namespace,
            False,
        )
        assert isinstance(error, errors.Forbidden)


def binding(role: str) -> api.Json:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": "people"}],
    }


def test_rights_are_given_only_by_name(place: Place) -> None:
    binder = place.as_account(
        {"apiGroups": [RBAC], "resources": ["rolebindings"], "verbs": ["create", "patch", "get"]},
        {"apiGroups": [RBAC], "resources": ["clusterroles"], "resourceNames": ["view"], "verbs": ["bind"]},
    )
    view, edit = place.target("v", "rolebindings", RBAC), place.target("e", "rolebindings", RBAC)
    assert binder.do(writing.apply(view, binding("view"), manager=US)).created
    with pytest.raises(writing_errors.NotAllowed) as refused:
        binder.do(writing.apply(edit, binding("edit"), manager=US))
    assert refused.value.escalates
    with pytest.raises(writing_errors.Missing) as missing:
        binder.do(writing.apply(edit, binding("no-such-role"), manager=US))
    assert (missing.value.what, missing.value.name) == ("role", "no-such-role")
    with pytest.raises(writing_errors.Invalid) as invalid:
        place.do(writing.apply(view, binding("edit"), manager=US, force=True))
    assert [cause.field for cause in invalid.value.causes] == ["roleRef"]


def quota(place: Place, **hard: str) -> None:
    quota = objects.resource_quota("limit", place.namespace, hard={"pods": "2", "requests.cpu": "1"} | hard)
    place.cluster.api.create(quota)
    counted = place.target("limit", "resourcequotas")
    wait_until(lambda: place.do(writing.read(counted))["status"].get("used"), what="the quota is counted")


def pod(place: Place, name: str, **asked: Any) -> Conversation[writing.Written]:
    spec = objects.pod_spec(containers=[objects.container(**asked)])
    return writing.apply(place.target(name, "pods"), objects.pod(name, place.namespace, spec=spec), manager=US)


def test_a_quota_says_what_was_too_much(place: Place) -> None:
    accounts = place.target("default", "serviceaccounts")
    wait_until(lambda: place.do(writing.read(accounts)), what="the default account")
    quota(place)
    assert place.do(pod(place, "a", cpu="600m")).created
    with pytest.raises(writing_errors.QuotaExceeded) as refused:
        place.do(pod(place, "b", cpu="500m"))
    error = refused.value
    assert (error.quota, error.requested, error.used, error.limited) == (
        "limit",
        {"requests.cpu": "500m"},
        {"requests.cpu": "600m"},
        {"requests.cpu": "1"},
    )
    with pytest.raises(writing_errors.QuotaUnmet) as unmet:
        place.do(pod(place, "b", cpu=""))
    assert (unmet.value.quota, unmet.value.missing) == ("limit", {"requests.cpu": ("app",)})


def test_a_limit_range_refuses(place: Place) -> None:
    accounts = place.target("default", "serviceaccounts")
    wait_until(lambda: place.do(writing.read(accounts)), what="the default account")
    limit = {"kind": "LimitRange", "apiVersion": "v1", "spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}}]}}
    place.do(writing.apply(place.target("limit", "limitranges"), limit, manager=US))
    with pytest.raises(writing_errors.Denied) as refused:
        place.do(pod(place, "a", cpu="2", limits={"cpu": "2"}))
    assert refused.value.by == "LimitRange"
    assert "maximum cpu" in refused.value.message


def test_pod_security_refuses(place: Place) -> None:
    accounts = place.target("default", "serviceaccounts")
    wait_until(lambda: place.do(writing.read(accounts)), what="the default account")
    labels = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    place.do(writing.merge_patch(Target("", "v1", "namespaces", place.namespace), labels, manager=US))
    with pytest.raises(writing_errors.Denied) as refused:
        place.do(pod(place, "a"))
    assert refused.value.by == "PodSecurity"


def test_a_namespace_going_down_takes_nothing_new(place: Place) -> None:
    held = config({}) | {"metadata": {"finalizers": ["example.test/hold"]}}
    place.do(writing.create(place.target("held"), held, manager=US))
    namespace = Target("", "v1", "namespaces", place.namespace)
    assert not place.do(writing.delete(namespace)).gone
    with pytest.raises(writing_errors.Terminating) as refused:
        place.apply("a", {})
    assert refused.value.namespace == place.namespace
    waiting = place.do(writing.delete(place.target("held")))
    assert (waiting.gone, waiting.finalizers) == (False, ("example.test/hold",))
    with pytest.raises(writing_errors.AlreadyExists) as taken:
        place.do(writing.create(namespace, objects.namespace(place.namespace), manager=US))
    assert taken.value.deleting
    place.do(writing.merge_patch(place.target("held"), {"metadata": {"finalizers": None}}, manager=US))
    wait_until(lambda: place.do(writing.read(namespace)) is None, what="the namespace goes")


@pytest.mark.parametrize(
    ("propagation", "survives"),
    [(Propagation.FOREGROUND, False), (Propagation.BACKGROUND, False), (Propagation.ORPHAN, True)],
)
def test_deletion_reaches_what_depends(place: Place, propagation: Propagation, survives: bool) -> None:
    parent = place.apply("parent", {})
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "parent", "uid": parent.uid, "blockOwnerDeletion": True}
    child = config({}) | {"metadata": {"ownerReferences": [owner]}}
    place.do(writing.create(place.target("child"), child, manager=US))
    deleted = place.do(writing.delete(place.target("parent"), propagation=propagation))
    assert (deleted.uid, deleted.gone) == (parent.uid, propagation is Propagation.BACKGROUND)
    wait_until(lambda: place.do(writing.read(place.target("parent"))) is None, what="the parent goes")
    if survives:
        assert "ownerReferences" not in place.do(writing.read(place.target("child")))["metadata"]
    else:
        wait_until(lambda: place.do(writing.read(place.target("child"))) is None, what="the child goes")


def test_deleting_what_answers_with_itself(place: Place) -> None:
    """A ResourceQuota is returned whole by its deletion, although it is gone."""
    made = place.do(
        writing.apply(
            place.target("q", "resourcequotas"), objects.resource_quota("q", "", hard={"pods": "1"}), manager=US
        )
    )
    deleted = place.do(writing.delete(place.target("q", "resourcequotas")))
    assert (deleted.uid, deleted.gone) == (made.uid, True)
    assert place.do(writing.read(place.target("q", "resourcequotas"))) is None


def test_a_token_is_that_account_and_lives_as_long_as_granted(place: Place) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount"}
    place.do(writing.apply(place.target("robot", "serviceaccounts"), account, manager=US))
    asked_at = dt.datetime.now(dt.UTC)
    token = place.do(writing.create_token(place.namespace, "robot", seconds=600))
    assert abs((token.expires_at - asked_at).total_seconds() - 600) < 30
    assert token.token not in repr(token)
    robot = dataclasses.replace(
        place, connection=Connection(place.connection.server, place.connection.ca_data, token.token)
    )
    with pytest.raises(writing_errors.NotAllowed):
        robot.do(writing.read(place.target("a")))
    with pytest.raises(writing_errors.Invalid) as refused:
        place.do(writing.create_token(place.namespace, "robot", seconds=5))
    assert [cause.field for cause in refused.value.causes] == ["spec.expirationSeconds"]


def test_reviews_tell_what_the_credential_may(place: Place) -> None:
    reader = place.as_account(
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
        {"apiGroups": [RBAC], "resources": ["clusterroles"], "resourceNames": ["view"], "verbs": ["bind"]},
    )
    questions = {
        writing.Question("get", "pods", namespace=place.namespace): True,
        writing.Question("get", "pods/log", namespace=place.namespace): False,
        writing.Question("delete", "pods"): False,
        writing.Question("bind", "clusterroles", RBAC, name="view"): True,
        writing.Question("bind", "clusterroles", RBAC, name="edit"): False,
    }
    talks = {question: writing.access_review(question) for question in questions}
    outcomes = reactor.run(reader.connection, talks, deadline=10, allow_loopback=True)
    assert {question: outcome.demand().allowed for question, outcome in outcomes.items()} == questions
    told = reader.do(writing.rules_review(place.namespace))
    assert not told.incomplete
    assert writing.Rule(("get", "list"), ("",), ("pods",)) in told.rules
    assert writing.Rule(("bind",), (RBAC,), ("clusterroles",), ("view",)) in told.rules


def test_many_changes_side_by_side(place: Place) -> None:
    names = [f"many-{number}" for number in range(20)]
    talks = {name: writing.apply(place.target(name), config({"n": name}), manager=US) for name in names}
    outcomes = reactor.run(place.connection, talks, deadline=20, allow_loopback=True)
    assert all(outcome.demand().created and outcome.requests == 1 for outcome in outcomes.values())


def test_a_cluster_that_is_switched_off_changes_nothing(testbed: Bed) -> None:
    cluster = testbed.add(Plan("writing-off", bare=True))[0]
    place = Place(cluster, kubeconfig.read(cluster.kubeconfig().encode()), "default")
    place.apply("a", {"x": "1"})
    cluster.switch_off()
    with pytest.raises(errors.Unreachable):
        place.apply("a", {"x": "2"})
    cluster.switch_on()
    assert place.do(writing.read(place.target("a")))["data"] == {"x": "1"}
    cluster.switch_off()

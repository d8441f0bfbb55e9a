"""Who a simulated cluster takes a request for: users of the world, their groups, and repeated headers."""

import http.client
import ssl
import urllib.parse
from collections.abc import Callable

import pytest

from tests.contracts.client import Client
from tests.fakes.simulator import ControlError, Simulator

RBAC = "rbac.authorization.k8s.io"
READER = {
    "metadata": {"name": "reader"},
    "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}],
}
IMPERSONATOR = {
    "metadata": {"name": "impersonator"},
    "rules": [
        {"apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"]},
        {"apiGroups": [""], "resources": ["groups"], "resourceNames": ["a", "team"], "verbs": ["impersonate"]},
    ],
}


def bound(role: str, kind: str, name: str) -> dict[str, object]:
    reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": role}
    return {
        "metadata": {"name": f"{role}-{name}"},
        "roleRef": reference,
        "subjects": [{"apiGroup": RBAC, "kind": kind, "name": name}],
    }


def load(simulated: Callable[..., str]) -> str:
    return simulated(
        users=[
            {"token": "member-token", "user": "member", "groups": ["team"]},
            {"token": "proxy-token", "user": "proxy"},
        ],
        objects={
            f"clusterroles.{RBAC}": [READER, IMPERSONATOR],
            f"clusterrolebindings.{RBAC}": [bound("reader", "Group", "team"), bound("impersonator", "User", "proxy")],
        },
    )


def asked(client: Client, *headers: tuple[str, str]) -> int:
    """The status of a list of ConfigMaps; a header may be repeated."""
    context = ssl.create_default_context(cadata=client.authority)
    connection = http.client.HTTPSConnection(urllib.parse.urlsplit(client.address).netloc, timeout=10, context=context)
    connection.putrequest("GET", "/api/v1/configmaps")
    for name, value in headers:
        connection.putheader(name, value)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


def test_users_of_the_world_have_what_their_groups_are_given(
    simulated: Callable[..., str], connect: Callable[[str], Client]
) -> None:
    client = connect(load(simulated))
    assert asked(client, ("Authorization", "Bearer member-token")) == 200
    assert asked(client, ("Authorization", "Bearer proxy-token")) == 403


def test_each_repeated_group_needs_the_right_and_gives_its_own(
    simulated: Callable[..., str], connect: Callable[[str], Client]
) -> None:
    client = connect(load(simulated))
    proxy = (("Authorization", "Bearer proxy-token"), ("Impersonate-User", "somebody"))
    for groups, status in (
        (("a",), 403),
        (("a", "team"), 200),
        (("team", "a"), 200),
        (("team", "system:masters"), 403),
    ):
        assert asked(client, *proxy, *(("Impersonate-Group", group) for group in groups)) == status, groups
    # An account is no user: the right to be any user is none to be an account.
    account = ("Impersonate-User", "system:serviceaccount:kube-system:default")
    assert asked(client, proxy[0], account, ("Impersonate-Group", "team")) == 403


def test_a_user_without_token_is_no_world(simulator: Simulator) -> None:
    with pytest.raises(ControlError, match=r"users\[0\]: token and user are missing"):
        simulator.load("no-token", users=[{"user": "somebody"}])

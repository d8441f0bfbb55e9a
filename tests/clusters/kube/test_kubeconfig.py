"""Kubeconfigs as people have them, and as nobody should."""

import base64
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from clusters.kube import kubeconfig
from clusters.kube.connection import Connection
from clusters.kube.kubeconfig import KubeconfigError
from tests.clusters.kube import certificates
from tests.clusters.kube.certificates import Pair

CLUSTER, USER = "clusters[0].cluster.", "users[0].user."


def encoded(pem: bytes) -> str:
    return base64.b64encode(pem).decode()


@pytest.fixture(scope="module")
def good(authority: Pair) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "one",
                "cluster": {
                    "server": "https://api.example.com:6443",
                    "certificate-authority-data": encoded(authority.certificate_pem),
                },
            }
        ],
        "contexts": [{"name": "one", "context": {"cluster": "one", "user": "me", "namespace": "default"}}],
        "current-context": "one",
        "preferences": {},
        "users": [{"name": "me", "user": {"token": "abc.def"}}],
    }


def copy(content: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(content))
    return made


def dumped(content: dict[str, Any]) -> bytes:
    return yaml.safe_dump(content).encode()


def test_yaml_and_json_read_alike(good: dict[str, Any], authority: Pair) -> None:
    expected = Connection("https://api.example.com:6443", authority.certificate_pem, "abc.def")
    assert kubeconfig.read(dumped(good)) == expected
    assert kubeconfig.read(json.dumps(good).encode()) == expected
    assert kubeconfig.read(json.dumps(good, indent="\t").encode()) == expected


def test_client_certificate_with_and_without_a_token(good: dict[str, Any], authority: Pair) -> None:
    mine = certificates.leaf(authority)
    proofs = {
        "client-certificate-data": encoded(mine.certificate_pem),
        "client-key-data": encoded(mine.key_pem),
    }
    content = copy(good)
    content["users"][0]["user"] = proofs
    found = kubeconfig.read(dumped(content))
    assert (found.token, found.client_certificate, found.client_key) == (None, mine.certificate_pem, mine.key_pem)
    content["users"][0]["user"] = {**proofs, "token": "also"}
    assert kubeconfig.read(dumped(content)).token == "also"


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("https://API.Example.com", "https://api.example.com"),
        ("https://10.0.0.1:6443/", "https://10.0.0.1:6443"),
        ("https://[fd00::1]:6443", "https://[fd00::1]:6443"),
        ("https://rancher.example/k8s/clusters/c-abc", "https://rancher.example/k8s/clusters/c-abc"),
        ("https://127.0.0.1:6443", "https://127.0.0.1:6443"),
    ],
)
def test_servers(good: dict[str, Any], server: str, expected: str) -> None:
    content = copy(good)
    content["clusters"][0]["cluster"]["server"] = server
    assert kubeconfig.read(dumped(content)).server == expected


@pytest.mark.parametrize("token", ["12345", "2026-01-01", "0x10", "true", "1e5"])
def test_a_token_that_looks_like_something_else_stays_that_token(good: dict[str, Any], token: str) -> None:
    text = dumped(good).decode().replace("token: abc.def", f"token: {token}")
    assert kubeconfig.read(text.encode()).token == token


def with_cluster(**fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda content: content["clusters"][0]["cluster"].update({_key(name): v for name, v in fields.items()})


def with_user(**fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda content: content["users"][0]["user"].update({_key(name): v for name, v in fields.items()})


def with_top(**fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda content: content.update({_key(name): v for name, v in fields.items()})


def twice(section: str) -> Callable[[dict[str, Any]], None]:
    # A copy: the dumper would write the same object twice as an alias.
    return lambda content: content[section].append(copy(content[section][0]))


def without(section: str) -> Callable[[dict[str, Any]], None]:
    return lambda content: content.pop(section)


def _key(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


BAD: list[tuple[Callable[[dict[str, Any]], None], str]] = [
    (with_user(exec={"command": "/bin/sh", "apiVersion": "v1"}), USER + "exec"),
    (with_user(auth_provider={"name": "gcp", "config": {"cmd-path": "/bin/sh"}}), USER + "auth-provider"),
    (with_user(client_certificate="/etc/passwd"), USER + "client-certificate"),
    (with_user(client_key="/etc/shadow"), USER + "client-key"),
    (with_user(tokenFile="/var/run/secrets/token"), USER + "tokenFile"),
    (with_user(username="admin"), USER + "username"),
    (with_user(password="secret"), USER + "password"),
    (with_user(as_="system:admin"), USER + "as"),
    (with_user(as_groups=["system:masters"]), USER + "as-groups"),
    (with_user(as_uid="1"), USER + "as-uid"),
    (with_user(as_user_extra={"a": ["b"]}), USER + "as-user-extra"),
    (with_user(impersonate="x"), USER + "impersonate"),
    (with_user(token=""), USER + "token"),
    (with_user(token="two words"), USER + "token"),
    (with_user(token="line\r\nX-Other: 1"), USER + "token"),
    (with_user(token=["a"]), USER + "token"),
    (with_user(token=None), USER.rstrip(".")),
    (with_user(client_certificate_data="####"), USER + "client-certificate-data"),
    (with_user(client_certificate_data=encoded(b"no pem")), USER + "client-certificate-data"),
    (with_user(client_key_data=encoded(b"-----BEGIN CERTIFICATE-----")), USER + "client-key-data"),
    (with_cluster(certificate_authority="/etc/passwd"), CLUSTER + "certificate-authority"),
    (with_cluster(certificate_authority_data="not base64!"), CLUSTER + "certificate-authority-data"),
    (with_cluster(certificate_authority_data=encoded(b"not pem")), CLUSTER + "certificate-authority-data"),
    (
        with_cluster(
            certificate_authority_data=encoded(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        ),
        CLUSTER + "certificate-authority-data",
    ),
    (with_cluster(certificate_authority_data=None), CLUSTER + "certificate-authority-data"),
    (with_cluster(insecure_skip_tls_verify=True), CLUSTER + "insecure-skip-tls-verify"),
    (with_cluster(proxy_url="http://proxy:3128"), CLUSTER + "proxy-url"),
    (with_cluster(tls_server_name="other"), CLUSTER + "tls-server-name"),
    (with_cluster(unheard_of=1), CLUSTER + "unheard-of"),
    (with_cluster(server=None), CLUSTER + "server"),
    (with_cluster(server="http://api.example.com"), CLUSTER + "server"),
    (with_cluster(server="api.example.com:6443"), CLUSTER + "server"),
    (with_cluster(server="file:///etc/passwd"), CLUSTER + "server"),
    (with_cluster(server="https://user:pass@api.example.com"), CLUSTER + "server"),
    (with_cluster(server="https://a@b"), CLUSTER + "server"),
    (with_cluster(server="https://api.example.com?x=1"), CLUSTER + "server"),
    (with_cluster(server="https://api.example.com#x"), CLUSTER + "server"),
    (with_cluster(server="https://api.example.com/a b"), CLUSTER + "server"),
    (with_cluster(server="https://api.example.com/../x"), CLUSTER + "server"),
    (with_cluster(server="https://api.example.com\\@evil"), CLUSTER + "server"),
    (with_cluster(server="https://api.example.com:99999"), CLUSTER + "server"),
    (with_cluster(server="https://:6443"), CLUSTER + "server"),
    (with_cluster(server="https://169.254.169.254"), CLUSTER + "server"),
    (with_cluster(server="https://[fe80::1]"), CLUSTER + "server"),
    (with_cluster(server="https://[::ffff:169.254.169.254]"), CLUSTER + "server"),
    (with_cluster(server="https://0x7f000001"), CLUSTER + "server"),
    (with_cluster(server="https://2130706433"), CLUSTER + "server"),
    (with_cluster(server="https://127.1"), CLUSTER + "server"),
    (with_cluster(server="https://0.0.0.0"), CLUSTER + "server"),
    (with_cluster(server="https://bücher.example"), CLUSTER + "server"),
    (with_cluster(server="https://[::1"), CLUSTER + "server"),
    (twice("clusters"), "clusters"),
    (twice("contexts"), "contexts"),
    (twice("users"), "users"),
    (without("contexts"), "contexts"),
    (without("users"), "users"),
    (without("clusters"), ""),
    (with_top(clusters=[]), "clusters"),
    (with_top(clusters=["x"]), "clusters[0]"),
    (with_top(users=[{"name": "me"}]), "users[0].user"),
    (with_top(users=[{"user": {"token": "t"}}]), "users[0].name"),
    (with_top(kind="Secret"), "kind"),
    (with_top(apiVersion="v2"), "apiVersion"),
    (with_top(current_context="other"), "current-context"),
    (with_top(secrets=[]), "secrets"),
    (
        with_top(contexts=[{"name": "one", "context": {"cluster": "other", "user": "me"}}]),
        "contexts[0].context.cluster",
    ),
    (with_top(contexts=[{"name": "one", "context": {"cluster": "one", "user": "you"}}]), "contexts[0].context.user"),
]


@pytest.mark.parametrize(("change", "field"), BAD, ids=[f"{number}-{field}" for number, (_, field) in enumerate(BAD)])
def test_refused_by_the_name_of_the_field(
    good: dict[str, Any], change: Callable[[dict[str, Any]], None], field: str
) -> None:
    content = copy(good)
    change(content)
    for data in (dumped(content), json.dumps(content).encode()):
        with pytest.raises(KubeconfigError) as caught:
            kubeconfig.read(data)
        assert caught.value.field == field
        assert caught.value.message
        assert "abc.def" not in str(caught.value)


BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c]\n" % (n + 1, n + 1, n, n, n, n, n, n) for n in range(97, 110)
)

BAD_TEXT = {
    "empty": (b"", "clusters"),
    "text": (b"hello", "clusters"),
    "list": (b"- a\n- b\n", "clusters"),
    "binary": (bytes(range(256)), "UTF-8"),
    "utf-16": ("clusters: []".encode("utf-16"), "UTF-8"),
    "nul": (b"clusters: \x00", "YAML"),
    "yaml": (b"clusters: [\n", "YAML"),
    "tabs": (b"clusters:\n\t- a\n", "YAML"),
    "json": (b'{"clusters": ', "JSON"),
    "alias": (b"a: &x 1\nb: *x\n", "anchor"),
    "alias bomb": (BOMB, "anchor"),
    "alias alone": (b"clusters: *x\n", "alias"),
    "merge": (b"clusters:\n  <<: {a: b}\n", "merge"),
    "tag": (b"clusters: !!python/object/apply:os.system ['true']\n", "tag"),
    "plain tag": (b"clusters: !!str x\n", "tag"),
    "twice": (b"clusters: []\nclusters: []\n", "twice"),
    "twice in json": (b'{"clusters": [], "clusters": []}', "twice"),
    "two documents": (b"clusters: []\n---\nclusters: []\n", "more than one document"),
    "deep": (b"clusters: " + b"[" * 500 + b"]" * 500, "deeply"),
    "deep json": (b'{"clusters": ' + b"[" * 100_000, "deeply"),
    "deep json that ends": (b'{"clusters": ' + b"[" * 400 + b"]" * 400 + b"}", "deeply"),
    "many": (b"clusters: [" + b"a," * 300_000 + b"]", "too many"),
    "complex key": (b"? [a, b]\n: c\n", "key"),
    "5 MB": (b"clusters: []\n#" + b"x" * 5_000_000, "larger"),
    "50 MB": (b"a: [" + b"b, " * 17_000_000, "larger"),
}


@pytest.mark.parametrize(("data", "word"), BAD_TEXT.values(), ids=BAD_TEXT)
def test_text_that_is_refused_whole_and_soon(data: bytes, word: str) -> None:
    started = time.monotonic()
    with pytest.raises(KubeconfigError) as caught:
        kubeconfig.read(data)
    assert time.monotonic() - started < 1
    assert caught.value.field == ""
    assert word in str(caught.value)


def test_no_file_is_opened_and_no_program_runs(good: dict[str, Any]) -> None:
    seen: list[str] = []
    watching = [True]

    def hook(event: str, _args: tuple[Any, ...]) -> None:
        if watching[0] and event.startswith(("open", "os.", "subprocess", "socket", "ctypes")):
            seen.append(event)

    content = copy(good)
    content["users"][0]["user"]["exec"] = {"command": "/bin/true"}
    sys.addaudithook(hook)
    try:
        with pytest.raises(KubeconfigError):
            kubeconfig.read(dumped(content))
        kubeconfig.read(dumped(good))
    finally:
        watching[0] = False
    assert seen == []


def test_a_connection_hides_its_credentials_and_survives_sealing(good: dict[str, Any]) -> None:
    found = kubeconfig.read(dumped(good))
    assert "abc.def" not in repr(found) + str(found) + f"{[found]}"
    assert Connection.from_json(found.to_json()) == found

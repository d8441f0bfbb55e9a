"""A directory that is down, slow, cut off or somebody else: never a wrong password, never a short list, never late."""

import contextlib
import datetime
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.accounts.providers import ldap
from portal.accounts.providers.answers import ProviderDown, WrongCredentials
from portal.accounts.providers.ldap import library, transport, wire
from tests.fakes import wires
from tests.testbed import certificates, ldif, places, ports, processes, slapd
from tests.testbed.directories import Directory

# What an answer to StartTLS looks like: success, in the short and in Active Directory's long form.
TLS_TAKEN = bytes.fromhex("300c02010178070a010004000400")
TLS_TAKEN_LONG = bytes.fromhex("3084000000100201017884000000070a010004000400")
TLS_REFUSED = bytes.fromhex("300c02010178070a013504000400")


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < seconds


def test_a_frozen_directory_is_given_up_in_time(openldap: Directory) -> None:
    p = openldap.provider()
    with openldap.frozen(), within(8.5), pytest.raises(ProviderDown):
        ldap.authenticate(p, "ann", openldap.password_of("ann"))
    assert ldap.authenticate(p, "ann", openldap.password_of("ann")).username == "ann"


def test_a_directory_that_freezes_under_way_is_given_up_in_time(openldap: Directory) -> None:
    p = openldap.provider(seconds=2)
    connection = _bound(openldap, seconds=2)
    with contextlib.closing(connection), openldap.frozen(), within(2.5), pytest.raises(ProviderDown, match="in time"):
        connection.search(p.people_base, "(uid=ann)", ["uid"], most=2)


@pytest.mark.parametrize("scheme", ["ldaps", "ldap"])
def test_a_server_that_stays_silent(openldap: Directory, scheme: str) -> None:
    with wires.silent() as line, within(3.5), pytest.raises(ProviderDown):
        ldap.authenticate(openldap.provider(servers=[f"{scheme}://127.0.0.1:{line.port}"]), "ann", "secret")


@pytest.mark.parametrize("answer", [TLS_TAKEN, TLS_TAKEN_LONG], ids=["short", "long"])
def test_a_server_that_promises_tls_and_stays_silent(openldap: Directory, answer: bytes) -> None:
    with wires.says(answer) as line, within(3.5), pytest.raises(ProviderDown, match="does not answer"):
        ldap.authenticate(openldap.provider(servers=[f"ldap://127.0.0.1:{line.port}"]), "ann", "a secret of hers")
    assert b"secret" not in line.heard


@pytest.mark.parametrize("scheme", ["ldaps", "ldap"])
def test_a_server_that_dribbles(openldap: Directory, scheme: str) -> None:
    hello = bytes.fromhex("16030300ff") + b"\x02" * 255 if scheme == "ldaps" else TLS_TAKEN
    with wires.says(hello, pause=0.5) as line, within(3.7), pytest.raises(ProviderDown):
        ldap.authenticate(openldap.provider(servers=[f"{scheme}://127.0.0.1:{line.port}"]), "ann", "secret")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (TLS_REFUSED, "refuses StartTLS"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak LDAP"),
        (b"\x30\x84\xff\xff\xff\xff", "does not speak LDAP"),
        (b"\x30\x03\x02\x01\x01", "refuses StartTLS"),
        (b"\x30\x00", "refuses StartTLS"),
    ],
    ids=["refused", "http", "huge", "cut", "empty"],
)
def test_without_tls_nothing_is_said(openldap: Directory, answer: bytes, reason: str) -> None:
    with wires.says(answer) as line, pytest.raises(ProviderDown, match=reason):
        ldap.authenticate(openldap.provider(servers=[f"ldap://127.0.0.1:{line.port}"]), "ann", "a secret of hers")
    assert b"secret" not in line.heard
    assert ldif.SERVICE.encode() not in line.heard


def test_a_directory_that_is_down(openldap: Directory) -> None:
    openldap.stop()
    with within(1), pytest.raises(ProviderDown, match="no connection"):
        ldap.authenticate(openldap.provider(), "ann", openldap.password_of("ann"))
    with pytest.raises(ProviderDown):
        list(ldap.people(openldap.provider()))
    openldap.start()
    assert ldap.authenticate(openldap.provider(), "ann", openldap.password_of("ann")).username == "ann"


def test_the_next_server_is_asked(openldap: Directory) -> None:
    p = openldap.provider(servers=["ldaps://127.0.0.1:1", openldap.url])

    assert ldap.authenticate(p, "ann", openldap.password_of("ann")).username == "ann"
    assert len(list(ldap.people(p))) == 25
    names = [(step.name, step.ok) for step in ldap.trace(p, "ann", openldap.password_of("ann"))]
    assert names[:4] == [("input", True), ("resolve", True), ("connect", False), ("resolve", True)]
    assert names[-1] == ("groups", True)


def test_a_silent_server_leaves_time_for_the_next(openldap: Directory) -> None:
    with wires.silent() as first, wires.silent() as second, within(8):
        servers = [f"ldaps://127.0.0.1:{line.port}" for line in (first, second)]
        p = openldap.provider(servers=[*servers, openldap.url])
        assert ldap.authenticate(p, "ann", openldap.password_of("ann")).username == "ann"


def test_a_wrong_password_asks_no_further_server(openldap: Directory) -> None:
    with wires.silent() as line, pytest.raises(WrongCredentials):
        p = openldap.provider(servers=[openldap.url, f"ldaps://127.0.0.1:{line.port}"])
        ldap.authenticate(p, "ann", "wrong")
    assert line.taken == 0


def test_many_silent_servers_do_not_take_longer(openldap: Directory) -> None:
    with wires.silent() as line, within(8.5), pytest.raises(ProviderDown):
        p = openldap.provider(servers=[f"ldaps://127.0.0.1:{line.port}", f"ldap://127.0.0.1:{line.port}", openldap.url])
        with openldap.frozen():
            ldap.authenticate(p, "ann", openldap.password_of("ann"))


def test_another_authority_is_not_believed(openldap: Directory) -> None:
    stranger = certificates.Authority(name="stranger", at=datetime.datetime.now(datetime.UTC))
    p = openldap.provider(ca=stranger.certificate.decode())

    with pytest.raises(ProviderDown, match="certificate of .* is refused"):
        ldap.authenticate(p, "ann", openldap.password_of("ann"))
    assert "certificate" in ldap.trace(p, "ann", openldap.password_of("ann"))[2].text


def test_without_an_authority_of_its_own_the_machine_vouches(openldap: Directory) -> None:
    with pytest.raises(ProviderDown, match="certificate of .* is refused"):
        ldap.authenticate(openldap.provider(ca=""), "ann", openldap.password_of("ann"))


def test_another_host_is_not_believed(openldap: Directory) -> None:
    with _other(openldap, ["10.0.0.1"]) as url, pytest.raises(ProviderDown, match="IP address mismatch"):
        ldap.authenticate(openldap.provider(servers=[url]), "ann", openldap.password_of("ann"))


def test_an_expired_certificate_is_named(openldap: Directory) -> None:
    past = datetime.timedelta(days=-1)
    with _other(openldap, ["127.0.0.1"], past) as url, pytest.raises(ProviderDown, match="certificate has expired"):
        ldap.authenticate(openldap.provider(servers=[url]), "ann", openldap.password_of("ann"))


def test_a_list_cut_off_anywhere_is_no_list(openldap: Directory) -> None:
    """Cuts at every place of the conversation that brings both lists; only the whole of it counts."""
    whole = len(list(ldap.people(openldap.provider(page_size=5))))
    good = 0
    for after in range(1500, 16_000, 750):
        with wires.cut(openldap.server.tls_port, after=after) as line:  # type: ignore[union-attr]
            p = openldap.provider(servers=[f"ldaps://127.0.0.1:{line.port}"], page_size=5)
            try:
                assert len(list(ldap.people(p))) == whole
            except ProviderDown:
                continue
            good += 1
    assert 0 < good < 15


def test_a_sign_in_cut_off_anywhere_is_no_wrong_password(openldap: Directory) -> None:
    for after in range(200, 2400, 200):
        with wires.cut(openldap.server.tls_port, after=after) as line:  # type: ignore[union-attr]
            p = openldap.provider(servers=[f"ldaps://127.0.0.1:{line.port}"])
            with contextlib.suppress(ProviderDown):
                assert ldap.authenticate(p, "ann", openldap.password_of("ann")).groups


def test_a_list_cut_at_a_limit_is_no_list(openldap: Directory) -> None:
    p = openldap.provider(bind_dn=ldif.LIMITED, page_size=5)

    with pytest.raises(ProviderDown, match="size limit"):
        list(ldap.people(p))
    with pytest.raises(ProviderDown, match="size limit"):
        list(ldap.people(openldap.provider(bind_dn=ldif.LIMITED)))


def test_a_part_of_the_tree_elsewhere_makes_every_list_incomplete(openldap: Directory) -> None:
    classes = "objectClass: referral\nobjectClass: extensibleObject"
    for base in (ldif.PEOPLE, ldif.GROUPS):
        openldap.change(f"dn: ou=elsewhere,{base}\n{classes}\nou: elsewhere\nref: ldap://127.0.0.1:1/{base}\n", "-a")

    with pytest.raises(ProviderDown, match="another server"):
        list(ldap.people(openldap.provider()))
    with pytest.raises(ProviderDown, match="another server"):
        list(ldap.groups(openldap.provider()))


def test_a_base_that_is_not_there_is_no_empty_list(openldap: Directory) -> None:
    with pytest.raises(ProviderDown):
        list(ldap.people(openldap.provider(people_base="ou=gone,dc=example,dc=org")))
    with pytest.raises(ProviderDown):
        list(ldap.groups(openldap.provider(groups_base="ou=gone,dc=example,dc=org")))


def test_a_lost_connection_is_not_made_again_in_the_clear(openldap: Directory) -> None:
    connection = _bound(openldap, seconds=5)
    openldap.stop()
    with contextlib.closing(connection), wires.silent() as line:
        for _ in range(3):
            with pytest.raises(ProviderDown):
                connection.bind(openldap.person_dn("ann"), openldap.password_of("ann"))
    assert line.taken == 0


def test_no_thread_and_no_socket_stays_behind(openldap: Directory) -> None:
    before = _descriptors()
    for _ in range(5):
        ldap.authenticate(openldap.provider(), "ann", openldap.password_of("ann"))
        with pytest.raises(WrongCredentials):
            ldap.authenticate(openldap.provider(), "ann", "wrong")
        next(iter(ldap.people(openldap.provider())))
    last = time.monotonic() + 5
    while _descriptors() > before and time.monotonic() < last:
        time.sleep(0.02)
    assert _descriptors() <= before


def test_without_python_ldap_the_remedy_is_told(openldap: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "_LDAP", None)

    with pytest.raises(ProviderDown, match="extra “ldap”"):
        ldap.authenticate(openldap.provider(), "ann", openldap.password_of("ann"))
    with pytest.raises(ProviderDown, match="extra “ldap”"):
        list(ldap.groups(openldap.provider()))


def _bound(directory: Directory, *, seconds: float) -> wire.Connection:
    server = transport.server_of(directory.url)
    left = transport.time_limit(seconds)
    addresses = transport.resolve(server, allow_loopback=True, left=left)
    tls = transport.secure(server, addresses, ca_pem=directory.authority.certificate.decode(), left=left)
    connection = wire.Connection(transport.relay(tls), left)
    connection.bind(directory.bind_dn, directory.bind_password)
    return connection


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@contextlib.contextmanager
def _other(
    directory: Directory, addresses: list[str], lifetime: datetime.timedelta = certificates.LIFETIME
) -> Iterator[str]:
    """A second directory of the same authority with another certificate."""
    run, leases = processes.RunFolder(), ports.Ports(places.cache() / "ports")
    try:
        pair = directory.authority.server(addresses=addresses, lifetime=lifetime)
        entries = ldif.openldap(ldif.small())
        ca = directory.authority.certificate
        yield f"ldaps://127.0.0.1:{slapd.Slapd(entries, run=run, leases=leases, pair=pair, ca=ca).tls_port}"
    finally:
        run.close()
        leases.release()

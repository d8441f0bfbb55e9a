"""pytest fixtures over real directories, and the object tests change them by. A plug-in of `fixtures.py`.

- `openldap`: a small OpenLDAP of `ldif.small()`, fresh for each test (it starts in a tenth of a second).
- `large_openldap`: 5,000 people and 3,000 groups, one for the session; tests change nothing in it.
- `active_directory`: a Samba domain, one for the session; a test that changes people makes its own.
"""

import base64
import contextlib
import datetime
import json
import os
import signal
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from portal.accounts.providers import declared
from tests.testbed import certificates, ldif, places, ports, processes, samba, slapd

GROUPED = frozenset({"large_openldap", "active_directory"})
SAMBA_PASSWORD = "Right.horse.of.{}.1"
MASS = 3000


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps the tests of the dear directories on one worker, so that xdist starts one of each."""
    for item in items:
        if GROUPED & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group("directories"))


@dataclass
class Directory:
    """A running directory. People and groups are named by their plain names; the changes are made by its root."""

    server: slapd.Slapd | samba.Samba
    authority: certificates.Authority
    ca_file: Path
    url: str
    bind_dn: str
    bind_password: str
    people_base: str
    groups_base: str
    root: tuple[str, str]

    @property
    def is_active_directory(self) -> bool:
        return isinstance(self.server, samba.Samba)

    def provider_json(self, key: str = "corp", **changes: Any) -> dict[str, Any]:
        """As an element of PADDOCK_PROVIDERS."""
        return {
            "key": key,
            "kind": "ldap",
            "directory": "active_directory" if self.is_active_directory else "openldap",
            "servers": [self.url],
            "ca": self.authority.certificate.decode(),
            "bind_dn": self.bind_dn,
            "bind_password": self.bind_password,
            "people_base": self.people_base,
            "groups_base": self.groups_base,
            **changes,
        }

    def provider(self, key: str = "corp", **changes: Any) -> declared.LdapProvider:
        made = declared.parse(json.dumps([self.provider_json(key, **changes)]), allow_loopback=True)[key]
        assert isinstance(made, declared.LdapProvider)
        return made

    def password_of(self, person: str) -> str:
        return (SAMBA_PASSWORD if self.is_active_directory else ldif.PASSWORD).format(person)

    def person_dn(self, person: str) -> str:
        return samba.dn(person) if self.is_active_directory else ldif.person_dn(person)

    def group_dn(self, group: str) -> str:
        return samba.dn(f"@{group}") if self.is_active_directory else ldif.group_dn(group)

    def subject_of(self, person: str) -> str:
        """What never changes: entryUUID, objectGUID."""
        return self._id(self.person_dn(person))

    def group_id(self, group: str) -> str:
        return self._id(self.group_dn(group))

    def add_person(self, person: str) -> None:
        if self.is_active_directory:
            self.change(samba.person(person, self.password_of(person)), "-a")
        else:
            self.change(ldif.person_entry(person), "-a")

    def add_group(self, group: str, *members: str) -> None:
        """Members as `samba.group` takes them."""
        entry = samba.group(group, members) if self.is_active_directory else ldif.group_entry(group, members)
        self.change(entry, "-a")

    def remove_person(self, person: str) -> None:
        self.run("ldapdelete", self.person_dn(person))

    def remove_group(self, group: str) -> None:
        self.run("ldapdelete", self.group_dn(group))

    def rename_person(self, person: str, new: str) -> None:
        """The user name as well as the distinguished name; the groups follow, as the directory sees to."""
        naming = "CN" if self.is_active_directory else "uid"
        self.run("ldapmodrdn", "-r", self.person_dn(person), f"{naming}={new}")
        if self.is_active_directory:
            changes = f"replace: sAMAccountName\nsAMAccountName: {new}\n-\nreplace: userPrincipalName"
            self.modify(self.person_dn(new), f"{changes}\nuserPrincipalName: {new}@example.test")

    def add_member(self, group: str, person: str) -> None:
        """`person` may be a group, as `@name`."""
        self.modify(self.group_dn(group), f"add: member\nmember: {self._member(person)}")

    def remove_member(self, group: str, person: str) -> None:
        self.modify(self.group_dn(group), f"delete: member\nmember: {self._member(person)}")

    def modify(self, dn: str, changes: str) -> None:
        self.change(f"dn: {dn}\nchangetype: modify\n{changes}\n")

    def change(self, text: str, *options: str) -> None:
        self.run("ldapmodify", *options, text=text)

    def stop(self) -> None:
        self.server.stop()

    def start(self) -> None:
        self.server.start()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """The server takes connections, since the kernel does that, and answers nothing."""
        os.kill(self.server.child.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.server.child.pid, signal.SIGCONT)

    def run(self, program: str, *arguments: str, text: str = "") -> str:
        """One of ldap-utils, as root of the directory."""
        who, password = self.root
        command = [str(slapd.program(program)), "-x", "-H", self.url, "-D", who, "-w", password, *arguments]
        trusting = {**os.environ, "LDAPTLS_CACERT": str(self.ca_file)}
        done = subprocess.run(
            command, input=text, env=trusting, capture_output=True, text=True, timeout=60, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {done.stderr}")
        return done.stdout

    def _member(self, person: str) -> str:
        return self.group_dn(person[1:]) if person.startswith("@") else self.person_dn(person)

    def _id(self, dn: str) -> str:
        attribute = "objectGUID" if self.is_active_directory else "entryUUID"
        told = self.run("ldapsearch", "-LLL", "-b", dn, "-s", "base", attribute)
        value = next(line for line in told.splitlines() if line.startswith(attribute)).split(": ", 1)[1]
        return str(uuid.UUID(bytes_le=base64.b64decode(value))) if self.is_active_directory else value


@pytest.fixture
def openldap(directory_authority: certificates.Authority) -> Iterator[Directory]:
    with demanded(ldif.small(), directory_authority) as directory:
        yield directory


@pytest.fixture(scope="session")
def large_openldap(directory_authority: certificates.Authority) -> Iterator[Directory]:
    with demanded(ldif.large(), directory_authority) as directory:
        yield directory


@pytest.fixture(scope="session")
def active_directory(directory_authority: certificates.Authority) -> Iterator[Directory]:
    with _running() as (run, _), _demanded():
        server = samba.Samba(_domain(), run=run, authority=directory_authority)
        yield Directory(
            server=server,
            authority=directory_authority,
            ca_file=_stored(run, directory_authority),
            url=f"ldaps://{server.address}",
            bind_dn=f"CN=paddock,{samba.PEOPLE}",
            bind_password=SAMBA_PASSWORD.format("paddock"),
            people_base=samba.PEOPLE,
            groups_base=samba.BASE,
            root=(samba.ADMINISTRATOR, samba.ADMINISTRATOR_PASSWORD),
        )


@pytest.fixture(scope="session")
def directory_authority() -> certificates.Authority:
    return certificates.Authority(name="directories", at=datetime.datetime.now(datetime.UTC))


@contextlib.contextmanager
def openldap_of(world: ldif.World, authority: certificates.Authority) -> Iterator[Directory]:
    """A running OpenLDAP of a world, for whoever is no test. Raises `places.Missing`."""
    with _running() as (run, leases):
        server = slapd.Slapd(
            ldif.openldap(world), run=run, leases=leases, pair=authority.server(), ca=authority.certificate
        )
        yield Directory(
            server=server,
            authority=authority,
            ca_file=_stored(run, authority),
            url=f"ldaps://127.0.0.1:{server.tls_port}",
            bind_dn=ldif.SERVICE,
            bind_password=ldif.SERVICE_PASSWORD,
            people_base=ldif.PEOPLE,
            groups_base=ldif.GROUPS,
            root=(ldif.ROOT, slapd.ROOT_PASSWORD),
        )


@contextlib.contextmanager
def demanded(world: ldif.World, authority: certificates.Authority) -> Iterator[Directory]:
    """A running OpenLDAP for a test; without the program the test is skipped, or fails with CI=true."""
    with _demanded(), openldap_of(world, authority) as directory:
        yield directory


@contextlib.contextmanager
def _running() -> Iterator[tuple[processes.RunFolder, ports.Ports]]:
    run, leases = processes.RunFolder(), ports.Ports(places.cache() / "ports")
    try:
        yield run, leases
    finally:
        run.close()
        leases.release()


@contextlib.contextmanager
def _demanded() -> Iterator[None]:
    """Ends the calling test when a program is missing: skipped with the remedy, or failed with CI=true."""
    try:
        yield
    except places.Missing as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(str(missing), pytrace=False)
        pytest.skip(str(missing))


def _stored(run: processes.RunFolder, authority: certificates.Authority) -> Path:
    return certificates.store(run.path, ca_crt=authority.certificate)["ca_crt"]


def _domain() -> Iterator[str]:
    """`ann` is in `everyone` through `blue` and `developers`; `mass` has 3,000 members and `ann` among them not."""
    yield samba.unit("people")
    yield samba.unit("groups")
    for name in ("paddock", "ann", "bob", "cleo"):
        yield samba.person(name, SAMBA_PASSWORD.format(name))
    yield samba.person("off", SAMBA_PASSWORD.format("off"), flags=samba.DISABLED)
    # One second after 1601: long past, and neither of the two figures that mean never.
    yield samba.person("expired", SAMBA_PASSWORD.format("expired"), expires=10_000_000)
    for number in range(MASS):
        yield samba.person(f"mass{number:04}")
    yield samba.group("blue", ["ann", "bob"])
    yield samba.group("developers", ["@blue", "cleo"])
    yield samba.group("everyone", ["@developers"])
    yield samba.group("mass", [f"mass{number:04}" for number in range(MASS)])

"""A connection of the service account to one server, step by step."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.conf import settings
from django.utils.translation import gettext as _

from portal.accounts.providers.answers import ProviderDown, Step, WrongCredentials
from portal.accounts.providers.declared import LdapProvider
from portal.accounts.providers.ldap import entries, library, transport
from portal.accounts.providers.ldap.wire import Connection

CONNECT_SECONDS = 3.0

INPUT, RESOLVE, CONNECT, SERVICE = "input", "resolve", "connect", "service"


@dataclass
class Trail:
    """The steps so far."""

    steps: list[Step] = field(default_factory=list)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """The body adds to the list what there is to tell; an error that leaves it is the step's text."""
        told: list[str] = []
        begun = time.monotonic()
        try:
            yield told
        except (ProviderDown, WrongCredentials) as error:
            self.steps.append(Step(name, False, str(error), time.monotonic() - begun))
            raise
        self.steps.append(Step(name, True, " ".join(told), time.monotonic() - begun))


@contextlib.contextmanager
def connected(url: str, p: LdapProvider, *, left: transport.Left, trail: Trail) -> Iterator[Connection]:
    """A connection over TLS, bound as the service account."""
    library.demand()
    server = transport.server_of(url)
    soon = transport.time_limit(min(CONNECT_SECONDS, left()))
    with trail.step(RESOLVE) as told:
        addresses = transport.resolve(server, allow_loopback=settings.ALLOW_LOOPBACK, left=soon)
        told.append(f"{server.host}: {', '.join(address.ip for address in addresses)}")
    with trail.step(CONNECT) as told:
        tls = transport.secure(server, addresses, ca_pem=p.ca_pem, left=soon)
        how = _("%(server)s answers by %(protocol)s and its certificate is good.")
        told.append(how % {"server": server, "protocol": tls.version()})
    connection = Connection(transport.relay(tls), left, domain_scope=entries.is_active_directory(p))
    try:
        with trail.step(SERVICE) as told:
            bind(connection, p)
            told.append(p.bind_dn)
        yield connection
    finally:
        connection.close()


def bind(connection: Connection, p: LdapProvider) -> None:
    """As the service account. A refusal is a fault of the set-up, never a wrong password of a person."""
    try:
        connection.bind(p.bind_dn, p.bind_password)
    except WrongCredentials as error:
        raise ProviderDown(_("the directory refuses the service account: %(reason)s") % {"reason": error}) from error

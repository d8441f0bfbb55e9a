"""Whole lists for the refresh job: every group, everybody; paged, complete or not at all."""

import contextlib
from collections.abc import Collection, Iterator
from datetime import datetime

from django.utils.translation import gettext as _

from portal.accounts.providers.answers import Found, Group, ProviderDown
from portal.accounts.providers.declared import LdapProvider
from portal.accounts.providers.ldap import entries, memberships, names, service, transport
from portal.accounts.providers.ldap.wire import Connection, Entry
from portal.core import clock

# Of one server to be ready, and of each page; the job has a limit of its own over the whole.
READY_SECONDS = 8.0
PAGE_SECONDS = 30.0
# Fewer people than this are asked for one by one, more by reading the groups of everybody.
FEW = 100
AT_ONCE = 50


def groups(p: LdapProvider) -> Iterator[Group]:
    """Every group of the directory. Raises ProviderDown, also after some were given: then nothing of it counts."""
    with _service(p) as connection:
        yield from memberships.groups(connection, p)


def people(p: LdapProvider, subjects: Collection[str] | None = None) -> Iterator[Found]:
    """Everybody, or who of `subjects` still exists, with direct groups. Raises ProviderDown as `groups` does."""
    at = clock.now()
    with _service(p) as connection:
        if subjects is not None and len(subjects) <= FEW:
            yield from _few(connection, p, list(subjects), at)
        else:
            yield from _everybody(connection, p, subjects, at)


def _everybody(
    connection: Connection, p: LdapProvider, subjects: Collection[str] | None, at: datetime
) -> Iterator[Found]:
    wanted = None if subjects is None else frozenset(subjects)
    everybody = memberships.Everybody(connection, p)
    for entry in _people(connection, p, memberships.EVERYTHING, member_of=p.use_member_of):
        found = entries.person(entry, p, at=at, groups=everybody.of(entry))
        if wanted is None or found.subject in wanted:
            yield found


def _few(connection: Connection, p: LdapProvider, subjects: list[str], at: datetime) -> Iterator[Found]:
    for start in range(0, len(subjects), AT_ONCE):
        chunk = subjects[start : start + AT_ONCE]
        ids = "".join(names.identifier_filter(subject, p.subject_attribute) for subject in chunk)
        for entry in _people(connection, p, f"(|{ids})", member_of=p.use_member_of):
            yield entries.person(entry, p, at=at, groups=memberships.of_person(connection, p, entry))


def _people(connection: Connection, p: LdapProvider, condition: str, *, member_of: bool) -> Iterator[Entry]:
    wanted = entries.wanted_of_person(p, member_of=member_of)
    yield from connection.pages(p.people_base, f"(&{p.people_filter}{condition})", wanted, size=p.page_size)


@contextlib.contextmanager
def _service(p: LdapProvider) -> Iterator[Connection]:
    """The first server that takes the service account; a list is never put together from two servers."""
    with contextlib.ExitStack() as stack:
        yield _first(p, stack)


def _first(p: LdapProvider, stack: contextlib.ExitStack) -> Connection:
    last: ProviderDown | None = None
    for url in p.servers:
        left = transport.time_limit(READY_SECONDS)
        try:
            connection = stack.enter_context(service.connected(url, p, left=left, trail=service.Trail()))
        except ProviderDown as error:
            last = error
            continue
        connection.left = lambda: PAGE_SECONDS
        return connection
    raise last or ProviderDown(_("no server is declared"))

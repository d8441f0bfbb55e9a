"""One person signs in, or an administrator tries out whether they could: the same steps, told or not."""

import contextlib
import secrets
from typing import NoReturn

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.accounts.providers.answers import Found, ProviderDown, Step, WrongCredentials
from portal.accounts.providers.declared import LdapProvider
from portal.accounts.providers.ldap import entries, memberships, names, service, transport
from portal.accounts.providers.ldap.service import Trail
from portal.accounts.providers.ldap.wire import Connection, Entry, MoreThanAsked
from portal.core import clock

# While another server is left to ask, one server gets half of what is left, and not less than this.
SHARE_SECONDS = 3.0
LONGEST_USERNAME = 256
LONGEST_PASSWORD = 1024

SEARCH, USER, GROUPS = "search", "bind", "groups"
STEPS = (service.INPUT, service.RESOLVE, service.CONNECT, service.SERVICE, SEARCH, USER, GROUPS)


def authenticate(p: LdapProvider, username: str, password: str) -> Found:
    """The person, with direct groups, once the directory took the password. `disabled` is for the caller to heed.

    Raises WrongCredentials (a stranger is never told why) and ProviderDown, within `p.seconds`.
    """
    return _over_servers(p, username, password, Trail())


def trace(p: LdapProvider, username: str, password: str) -> list[Step]:
    """The steps of a sign-in, for administrators. No text holds the password; a further server adds its own steps."""
    return try_out(p, username, password)[0]


def try_out(p: LdapProvider, username: str, password: str) -> tuple[list[Step], Found | None]:
    """The steps, and the person where each of them went well."""
    trail = Trail()
    try:
        return trail.steps, _over_servers(p, username, password, trail)
    except (ProviderDown, WrongCredentials) as error:
        if not trail.steps or trail.steps[-1].ok:
            trail.steps.append(Step(service.CONNECT, False, str(error)))
        after = STEPS.index(trail.steps[-1].name) + 1
        trail.steps += [Step(name, None, _("Not reached.")) for name in STEPS[after:]]
    return trail.steps, None


def _over_servers(p: LdapProvider, username: str, password: str, trail: Trail) -> Found:
    with trail.step(service.INPUT):
        _demand_sendable(username, password)
    left = transport.time_limit(p.seconds)
    last = ProviderDown(_("no server is declared"))
    for number, url in enumerate(p.servers, start=1):
        try:
            remaining = left()
            share = remaining if number == len(p.servers) else min(remaining, max(SHARE_SECONDS, remaining / 2))
            with service.connected(url, p, left=transport.time_limit(share), trail=trail) as connection:
                return _person(connection, p, username, password, trail)
        except ProviderDown as error:
            last = error
    raise last


def _demand_sendable(username: str, password: str) -> None:
    """Refused before anything is asked: an empty password binds as nobody, which many directories call a success."""
    if not password.strip() or "\0" in password or len(password) > LONGEST_PASSWORD:
        raise WrongCredentials(_("The password is empty, blank, too long or holds a NUL: it is not sent."))
    if not username.strip() or not username.isprintable() or len(username) > LONGEST_USERNAME:
        raise WrongCredentials(_("The user name is empty, too long or holds control characters: it is not sent."))


def _person(connection: Connection, p: LdapProvider, username: str, password: str, trail: Trail) -> Found:
    with trail.step(SEARCH) as told:
        entry = _only_match(connection, p, username, password)
        told.append(names.clean(entry.dn, names.LONGEST_PATH))
    with trail.step(USER) as told:
        connection.bind(entry.dn, password)
        told.append(_("The directory takes the password."))
        # Who signs in may not be allowed to read the groups.
        service.bind(connection, p)
    with trail.step(GROUPS) as told:
        direct = memberships.of_person(connection, p, entry)
        found = entries.person(entry, p, at=clock.now(), groups=direct)
        if p.in_chain and p.nested and entries.is_active_directory(p):
            found = entries.with_through(found, memberships.through(connection, p, entry))
        count = len(found.groups)
        told.append(ngettext("In %(count)d group directly.", "In %(count)d groups directly.", count) % {"count": count})
        if found.disabled:
            told.append(_("The account is disabled, locked or expired there."))
    return found


def _only_match(connection: Connection, p: LdapProvider, username: str, password: str) -> Entry:
    text = names.escaped(username)
    logins = "".join(f"({attribute}={text})" for attribute in p.login_attributes)
    wanted = entries.wanted_of_person(p, member_of=p.use_member_of and not entries.is_active_directory(p))
    try:
        matches = connection.search(p.people_base, f"(&{p.people_filter}(|{logins}))", wanted, most=2)
    except MoreThanAsked:
        matches = []
        _refuse_slowly(connection, p, password, _("More than two accounts match: exactly one must."))
    if not matches:
        _refuse_slowly(connection, p, password, _("No account matches."))
    if len(matches) > 1:
        _refuse_slowly(connection, p, password, _("Two accounts match: exactly one must."))
    if not names.inside(matches[0].dn, p.people_base):
        _refuse_slowly(connection, p, password, _("The account stands outside the base for people."))
    return matches[0]


def _refuse_slowly(connection: Connection, p: LdapProvider, password: str, reason: str) -> NoReturn:
    """Asks the directory about an entry that is not there, so that an unknown name takes as long as a known one."""
    with contextlib.suppress(WrongCredentials):
        connection.bind(f"cn={secrets.token_hex(8)},{p.people_base}", password)
    raise WrongCredentials(reason)

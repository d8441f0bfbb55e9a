"""LDAP itself: bind and search on one connection. Whatever is not a complete answer raises ProviderDown."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from portal.accounts.providers.answers import ProviderDown, WrongCredentials
from portal.accounts.providers.ldap import library, transport
from portal.accounts.providers.ldap.names import clean

# Where libldap would connect to by itself, if it ever did: nowhere.
_NOWHERE = "ldapi://%2Fdev%2Fnull%2Fnowhere"
# Active Directory: no references to the other partitions of the forest ([MS-ADTS] LDAP_SERVER_DOMAIN_SCOPE_OID).
_DOMAIN_SCOPE = "1.2.840.113556.1.4.1339"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. Attributes by their name in small letters, options such as `;range=0-1499` included."""

    dn: str
    values: Mapping[str, list[bytes]]

    def first(self, attribute: str) -> bytes:
        """The first value, b"" where there is none."""
        found = self.values.get(attribute.lower())
        return found[0] if found else b""


class MoreThanAsked(Exception):
    """More entries than the size limit that was asked for."""


class Connection:
    """Answers questions until `left` says that the time is over; `left` may be another one for each question."""

    def __init__(self, descriptor: int, left: transport.Left, *, domain_scope: bool = False) -> None:
        self._ldap = library.demand()
        self.left = left
        self._controls = [self._ldap.controls.RequestControl(_DOMAIN_SCOPE, False)] if domain_scope else []
        self._handle = self._ldap.initialize(_NOWHERE, fileno=descriptor)
        for option, value in (
            (self._ldap.OPT_PROTOCOL_VERSION, 3),
            (self._ldap.OPT_REFERRALS, 0),
            (self._ldap.OPT_DEREF, self._ldap.DEREF_NEVER),
        ):
            self._handle.set_option(option, value)

    def close(self) -> None:
        with contextlib.suppress(self._ldap.LDAPError):
            self._handle.unbind_ext_s()

    def bind(self, dn: str, password: str) -> None:
        """Raises WrongCredentials with what the directory said. Neither name nor password may be empty.

        An empty password would be an anonymous bind, which many directories answer with success.
        """
        if not dn.strip() or not password.strip() or "\0" in password:
            raise WrongCredentials(_("an empty password is never sent"))
        refusals = (
            self._ldap.INVALID_CREDENTIALS,
            self._ldap.INAPPROPRIATE_AUTH,
            self._ldap.UNWILLING_TO_PERFORM,
            self._ldap.CONSTRAINT_VIOLATION,
            self._ldap.NO_SUCH_OBJECT,
            self._ldap.INVALID_DN_SYNTAX,
        )
        with self._complete():
            try:
                self._handle.result3(self._handle.simple_bind(dn, password), timeout=self.left())
            except refusals as error:
                raise WrongCredentials(told(error)) from error

    def read(self, dn: str, attributes: Sequence[str]) -> Entry:
        """The entry of this name. One that is gone meanwhile makes the answer incomplete."""
        found, _cookie = self._ask(dn, self._ldap.SCOPE_BASE, "(objectClass=*)", attributes)
        if len(found) != 1:
            raise ProviderDown(_("an entry vanished while it was read"))
        return found[0]

    def search(self, base: str, wanted: str, attributes: Sequence[str], *, most: int) -> list[Entry]:
        """At most `most` entries below `base`; raises MoreThanAsked beyond."""
        try:
            found, _cookie = self._ask(base, self._ldap.SCOPE_SUBTREE, wanted, attributes, most=most)
        except self._ldap.SIZELIMIT_EXCEEDED as error:
            raise MoreThanAsked from error
        if len(found) > most:
            raise MoreThanAsked
        return found

    def pages(self, base: str, wanted: str, attributes: Sequence[str], *, size: int) -> Iterator[Entry]:
        """Every entry below `base`, page by page (RFC 2696): one page is in memory at a time."""
        paging = self._ldap.controls.libldap.SimplePagedResultsControl
        cookie = b""
        while True:
            asked = paging(True, size=size, cookie=cookie)
            with self._complete():
                found, answered = self._ask(base, self._ldap.SCOPE_SUBTREE, wanted, attributes, controls=[asked])
            yield from found
            marks = [control.cookie for control in answered if control.controlType == paging.controlType]
            if not marks:
                raise ProviderDown(_("the directory does not answer in pages, so that nobody knows if a list is whole"))
            if not marks[0]:
                return
            cookie = marks[0]

    def _ask(
        self,
        base: str,
        scope: int,
        wanted: str,
        attributes: Sequence[str],
        *,
        most: int = 0,
        controls: Sequence[Any] = (),
    ) -> tuple[list[Entry], list[Any]]:
        """One whole answer and its controls."""
        limited = self._ldap.SIZELIMIT_EXCEEDED if most else ()
        with self._complete(but=limited):
            left = self.left()
            asked = self._handle.search_ext(
                base,
                scope,
                wanted,
                list(attributes),
                serverctrls=[*self._controls, *controls],
                timeout=int(left) + 1,  # for the server, in whole seconds
                sizelimit=most,
            )
            _kind, rows, _number, answered = self._handle.result3(asked, timeout=left)
        if any(dn is None for dn, _found in rows):
            raise ProviderDown(
                _("the directory refers to another server for a part of the tree, which is not followed")
            )
        return [Entry(dn, {name.lower(): values for name, values in found.items()}) for dn, found in rows], answered

    @contextlib.contextmanager
    def _complete(self, *, but: Any = ()) -> Iterator[None]:
        """Every error of LDAP as ProviderDown, except for `but`."""
        try:
            yield
        except but:
            raise
        except self._ldap.TIMEOUT as error:
            raise ProviderDown(_("the directory did not answer in time")) from error
        except self._ldap.SERVER_DOWN as error:
            raise ProviderDown(_("the directory ended the connection before its answer was complete")) from error
        except self._ldap.SIZELIMIT_EXCEEDED as error:
            raise ProviderDown(_("the directory cut the list at the size limit of the service account")) from error
        except (self._ldap.TIMELIMIT_EXCEEDED, self._ldap.ADMINLIMIT_EXCEEDED) as error:
            raise ProviderDown(_("the directory cut the list at a limit of the service account")) from error
        except self._ldap.REFERRAL as error:
            raise ProviderDown(_("the directory refers to another server, which is not followed")) from error
        except self._ldap.LDAPError as error:
            raise ProviderDown(_("the directory answered: %(answer)s") % {"answer": told(error)}) from error


def told(error: Exception) -> str:
    """What the directory said, as one line."""
    said = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    return clean(" ".join(str(said[part]) for part in ("desc", "info") if said.get(part)), 300) or type(error).__name__

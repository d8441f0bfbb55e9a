"""The one door to LDAP and Active Directory. Nothing else imports python-ldap; without it every call says so.

- `authenticate(provider, username, password) -> Found`, within the provider's seconds, over all its servers.
- `trace(provider, username, password) -> list[Step]`: the same steps, told one by one, signing nobody in.
- `try_out(provider, username, password) -> (list[Step], Found | None)`: these with the person.
- `groups(provider) -> Iterator[Group]` and `people(provider, subjects=None) -> Iterator[Found]`: whole lists.

Each raises `ProviderDown` for whatever is not a complete answer, so that nobody loses rights by a failed list.
`transport` connects, `wire` speaks LDAP, `entries` and `names` read what comes back.
"""

from portal.accounts.providers.ldap.reading import groups, people
from portal.accounts.providers.ldap.sign_in import authenticate, trace, try_out

__all__ = ["authenticate", "groups", "people", "trace", "try_out"]

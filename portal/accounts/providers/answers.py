"""What the door of any provider answers, whichever it is, and the three ways it refuses."""

from dataclasses import dataclass
from datetime import datetime


class ProviderDown(Exception):
    """No complete answer: nobody gains and nobody loses by it. `reason` is a text for administrators.

    `until` says when the provider takes questions again, where it told (a rate limit).
    """

    def __init__(self, reason: str, until: datetime | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.until = until


class WrongCredentials(Exception):
    """The provider answered, and the answer is no: password, code or token. The text is for the trace alone."""


class NotAdmitted(Exception):
    """The provider knows the person and Paddock does not take them. `reason` is a text for administrators."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Found:
    """A person as a provider tells them.

    `subject` is what never changes and is never given again: entryUUID, objectGUID, GitHub's number, `sub`.
    Everything else is for people to read, and decides nothing. `groups` are external ids of direct groups,
    `through` of those reached through others, where a directory was asked for them at the sign-in.
    """

    subject: str
    username: str
    display_name: str = ""
    email: str = ""
    dn: str = ""
    groups: frozenset[str] = frozenset()
    disabled: bool = False
    through: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Group:
    """A group as a provider tells it. `path` is a DN or `organisation/team`; `parents` are direct parents' ids."""

    external_id: str
    name: str
    path: str = ""
    parents: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a trial sign-in. `ok` is None where the step was not reached; `text` holds no secret."""

    name: str
    ok: bool | None
    text: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Start:
    """A sign-in begun at a provider: send the browser to `url`, keep the rest in one single-use row."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """A sign-in finished at a provider.

    `groups` are those of `found.groups`, with names and direct parents. `sid` is the provider's own session (""
    where it has none); `authenticated_at` is when it last asked for a password or the like (None: not told).
    """

    found: Found
    groups: tuple[Group, ...] = ()
    sid: str = ""
    authenticated_at: datetime | None = None

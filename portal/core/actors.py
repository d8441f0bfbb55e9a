"""Who did something, and to what: plain values that survive the deletion of either."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

ActorKind = Literal["user", "system", "command", "anonymous"]


@dataclass(frozen=True)
class Actor:
    """The person, command or part of Paddock that acts.

    `id` is the user's UUID as text for a person, else a fixed word. `label` is what pages show. `as_label` names
    whom an administrator looks on as, `token` the API token that asked.
    """

    kind: ActorKind
    id: str
    label: str
    address: str = ""
    request_id: str = ""
    as_label: str = ""
    token: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the actor as stored on a job row."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Actor":
        """Read back what `as_json` wrote; unknown keys are ignored."""
        return cls(**{one.name: stored[one.name] for one in fields(cls) if one.name in stored})


SYSTEM = Actor(kind="system", id="paddock", label="Paddock")
COMMAND = Actor(kind="command", id="manage.py", label="manage.py")


@dataclass(frozen=True)
class Subject:
    """What was acted upon. `url` is the page of the time, empty when there is none.

    `team` and `project` (ids) say whose part of the audit it belongs to.
    """

    type: str
    id: str
    label: str
    url: str = ""
    team: str = ""
    project: str = ""

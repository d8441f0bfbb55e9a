"""What a controller's event says about a pod that the server refused for its amounts."""

import re
from dataclasses import dataclass, field
from typing import Literal

from clusters.kube import writing_errors
from clusters.quotas import resources

# What controllers put before the server's own words: ReplicaSets and Jobs the first, StatefulSets the second.
_BEFORE = (
    re.compile(r"Error creating: "),
    re.compile(r"create (?:Pod|Claim) \S+ (?:for|in) .{1,600}? failed error: ", re.DOTALL),
)
_MOST = 20
_BOUND = re.compile(
    r"(maximum|minimum) ([a-z0-9./-]+) usage per (Container|Pod|PersistentVolumeClaim) is ([^ ,]+), but "
    r"(limit|request) is ([^ ,\]]+)"
)


@dataclass(frozen=True)
class Short:
    """A resource of which there was not enough: quantities as the server wrote them."""

    resource: str
    requested: str
    used: str
    limited: str


@dataclass(frozen=True)
class Bound:
    """A bound of a LimitRange that was passed: quantities as the server wrote them."""

    which: Literal["maximum", "minimum"]
    resource: str
    per: str
    is_: str
    but: str


@dataclass(frozen=True)
class Refusal:
    """Why a pod was refused.

    `exceeded`: the quota has too little left, see `short`. `unmet`: the quota counts what the containers do not name,
    see `missing`. `limit_range`: a bound per container or pod, see `bounds`.
    """

    shape: Literal["exceeded", "unmet", "limit_range"]
    quota: str = ""
    short: tuple[Short, ...] = ()
    missing: tuple[str, ...] = ()
    bounds: tuple[Bound, ...] = field(default=())

    @property
    def resources(self) -> frozenset[str]:
        """The kept names of what there is too little of, or what is not named."""
        named = [one.resource for one in self.short] + list(self.missing) + [one.resource for one in self.bounds]
        found = set()
        for name in named:
            try:
                found.add(resources.name_of(name))
            except resources.UnknownResource:
                continue
        return frozenset(found)


def read(message: str) -> Refusal | None:
    """Return what the message of an event says; None for words that are none of the three shapes."""
    for before in _BEFORE:
        if match := before.match(message):
            message = message[match.end() :]
            break
    found = writing_errors.said(message.strip())
    if isinstance(found, writing_errors.QuotaExceeded):
        short = tuple(
            Short(name, amount, found.used.get(name, ""), found.limited.get(name, ""))
            for name, amount in list(found.requested.items())[:_MOST]
        )
        return Refusal("exceeded", quota=found.quota, short=short)
    if isinstance(found, writing_errors.QuotaUnmet):
        return Refusal("unmet", quota=found.quota, missing=tuple(list(found.missing)[:_MOST]))
    if isinstance(found, writing_errors.Denied) and found.by == "LimitRange":
        bounds = tuple(
            Bound("maximum" if match[1] == "maximum" else "minimum", match[2], match[3], match[4], match[6])
            for match in list(_BOUND.finditer(found.message))[:_MOST]
        )
        return Refusal("limit_range", bounds=bounds)
    return None

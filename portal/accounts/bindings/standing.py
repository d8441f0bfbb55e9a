"""How a binding stands: it holds, it ends soon, it is suspended, it ended. Pure."""

from datetime import datetime

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy

from portal.core import parts

SOON_DAYS = 7


def state_of(expires_at: datetime | None, at: datetime, *, is_suspended: bool = False) -> str:
    """Return `ended`, `suspended` (its provider is disabled), `ends_in_<days>` within the last week, or `holds`."""
    if expires_at is not None and expires_at <= at:
        return "ended"
    if is_suspended:
        return "suspended"
    if expires_at is None:
        return "holds"
    days = (expires_at - at).days
    return f"ends_in_{days}" if days < SOON_DAYS else "holds"


def states() -> dict[str, tuple[parts.Tone, parts.Text]]:
    """Return the words of `state_of`, with their tones."""
    found: dict[str, tuple[parts.Tone, parts.Text]] = {
        "holds": ("ok", gettext_lazy("Holds")),
        "suspended": ("attention", gettext_lazy("Suspended: provider disabled")),
        "ended": ("unknown", gettext_lazy("Ended")),
        "ends_in_0": ("attention", gettext_lazy("Ends within a day")),
        "ends_in_1": ("attention", gettext_lazy("Ends in 1 day")),
    }
    for days in range(2, SOON_DAYS):
        found[f"ends_in_{days}"] = ("attention", format_lazy(gettext_lazy("Ends in {days} days"), days=days))
    return found

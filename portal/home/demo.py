"""The demo: loading and removing it."""

from portal.core.actors import Actor


def remove(*, by: Actor) -> dict[str, int]:
    """Remove everything the demo made, ledger and slugs included; its audit stays."""
    return {}

"""What the start tells a person: one line for each step with its time."""

import contextlib
import sys
import time
from collections.abc import Iterator

_WIDTH = 14


def say(text: str) -> None:
    """A terminal that has gone must not keep the servers from being ended in order."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


@contextlib.contextmanager
def step(name: str, *, hint: str = "") -> Iterator[list[str]]:
    """Announce a step, then its time. What the caller puts into the list is added as a note.

    The hint is for a step that will take long: it is shown at once, on a line of its own.
    """
    notes: list[str] = []
    begun = time.monotonic()
    if hint:
        say(f"  {name:<{_WIDTH}}{hint}")
    with contextlib.suppress(OSError):
        print(f"  {name:<{_WIDTH}}", end="", flush=True)
    try:
        yield notes
    except BaseException:
        say("stopped" if isinstance(sys.exception(), KeyboardInterrupt) else "failed")
        raise
    say(f"{time.monotonic() - begun:6.1f} s  {' · '.join(notes)}".rstrip())

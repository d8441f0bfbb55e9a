"""Long answers end when the right to them does."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.http import HttpRequest

ASK_EVERY = 20.0  # seconds


class Ended(Exception):
    """The right ended while the answer was under way. The connection is cut, so that nobody takes it for whole."""


def while_allowed(
    request: HttpRequest, chunks: Iterable[Any], *, clock: Callable[[], float] = time.monotonic
) -> Iterator[Any]:
    """Pass chunks on, asking again every 20 seconds whether the person may still have them. Raises `Ended`.

    What is asked is `request.still_allowed`, which the gate leaves when it lets a request through. It is asked at the
    beginning, too: what the right reaches then is what it is compared with later.
    """
    still: Callable[[], bool] | None = getattr(request, "still_allowed", None)
    if still is not None and not still():
        raise Ended
    asked = clock()
    for chunk in chunks:
        if still is not None and clock() - asked >= ASK_EVERY:
            if not still():
                raise Ended
            asked = clock()
        yield chunk

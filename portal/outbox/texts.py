"""What a text must look like before it leaves. Pure rules."""

import re
import unicodedata
from datetime import datetime, timedelta
from hashlib import sha256

# One part before the @ without quotes, a host name after it; ASCII, since not every relay takes more.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}", re.ASCII)
LONGEST_ADDRESS = 254
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=2)
GIVE_UP_AFTER = timedelta(hours=24)
FIRST_REST = timedelta(seconds=30)
LONGEST_REST = timedelta(minutes=5)


def is_address(text: str) -> bool:
    """Tell whether a text is one plain mail address and nothing else."""
    local = text.partition("@")[0]
    dotted = ".." in local or local.startswith(".") or local.endswith(".")
    return len(text) <= LONGEST_ADDRESS and bool(_ADDRESS.fullmatch(text)) and not dotted


def one_line(text: str) -> str:
    """Return the text on one line: every control character, line end and run of spaces becomes one space."""
    clean = "".join(" " if unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} else letter for letter in text)
    return " ".join(clean.split())


def lines(text: str) -> str:
    """Return the text with plain line ends and without other control characters."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(letter for letter in plain if letter in "\n\t" or unicodedata.category(letter) not in {"Cc", "Cs"})


def message_id(key: str, sender: str) -> str:
    """Return the Message-ID of a mail: the same for the same key, however often it is sent."""
    return f"<{sha256(key.encode()).hexdigest()[:40]}@{sender.rpartition('@')[2]}>"


def next_try(attempts: int, first_tried_at: datetime, at: datetime) -> datetime | None:
    """Return when to try again after so many failures: 1, 2, 4 … minutes, 2 hours at most; None after 24 hours."""
    doubled: timedelta = FIRST_PAUSE * 2 ** min(max(attempts - 1, 0), 16)
    pause = min(doubled, LONGEST_PAUSE)
    return at + pause if at + pause <= first_tried_at + GIVE_UP_AFTER else None


def rest_until(failures: int, at: datetime) -> datetime:
    """Return until when a target that failed so often in a row is left alone: half a minute to five minutes."""
    pause: timedelta = FIRST_REST * 2 ** min(max(failures - 1, 0), 16)
    return at + min(pause, LONGEST_REST)

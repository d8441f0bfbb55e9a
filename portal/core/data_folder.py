"""Where this checkout keeps its data, and the settings file in it.

Standard library only: it is read before the packages are installed.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
ENV_FILE = "env"


def location(environ: Mapping[str, str]) -> Path:
    """``PADDOCK_DATA_DIR`` (or the content of ``PADDOCK_DATA_DIR_FILE``), absolute.

    Without it ``var`` in the checkout; for root a place that the servers' account can enter, too.
    """
    given = environ.get("PADDOCK_DATA_DIR", "")
    named_by = environ.get("PADDOCK_DATA_DIR_FILE", "")
    if not given and named_by:
        given = Path(named_by).read_text(encoding="utf-8").strip()
    if given:
        return Path(given).expanduser().absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/paddock") / hashlib.sha256(os.fsencode(CHECKOUT)).hexdigest()[:12]
    return CHECKOUT / "var"


def read_env(folder: Path) -> dict[str, str]:
    """The settings file of a data folder: ``NAME=value`` lines as they are, and ``#`` comment lines.

    Empty when there is no file yet, or when it is another user's.
    """
    try:
        text = (folder / ENV_FILE).read_text(encoding="utf-8")
    except (FileNotFoundError, PermissionError):
        return {}
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}

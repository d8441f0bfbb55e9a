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


def change_env(folder: Path, changes: Mapping[str, str]) -> None:
    """Write lines of the settings file anew, keeping the others; an empty value takes its line out.

    A reader sees the old file or the new one, and nobody else sees either. Raises ``OSError``.
    """
    path = folder / ENV_FILE
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kept = [line for line in lines if line.startswith("#") or line.partition("=")[0].strip() not in changes]
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in kept))
        file.write("".join(f"{name}={value}\n" for name, value in changes.items() if value))
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)

"""The data folder and its settings file: generated keys and the addresses of the embedded servers."""

import base64
import contextlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from portal.core import data_folder
from portal.local import folders, postgres, valkey

_HEADER = """\
# Written by `make setup`, read by manage.py. Keep it secret, and keep a copy of PADDOCK_SEAL_KEYS:
# without it the stored credentials of clusters cannot be opened.
# A line added here is kept. The two URLs are written anew at each start; the environment wins over this file.
"""


def prepare(environ: Mapping[str, str]) -> Path:
    """Make the data folder and its settings file where they are missing. Returns the folder."""
    folder = data_folder.location(environ)
    folder.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    folders.private(folder, open_to_servers=True)
    folders.private(logs(folder))
    known = data_folder.read_env(folder)
    wanted = _generated() | known | embedded_urls(folder)
    if wanted != known:
        _write(folder / data_folder.ENV_FILE, wanted)
    return folder


def stored() -> dict[str, str]:
    """What the settings file of this checkout's data folder holds; empty before `make setup`."""
    return data_folder.read_env(data_folder.location(os.environ))


def embedded_urls(folder: Path) -> dict[str, str]:
    """The addresses of this data folder's own servers, whether they run or not."""
    return {"DATABASE_URL": database(folder).url, "REDIS_URL": broker(folder).url}


def logs(folder: Path) -> Path:
    """Where every program of `make run` writes."""
    return folder / "logs"


def database(folder: Path) -> postgres.Postgres:
    return postgres.Postgres(folder / "postgres", log=logs(folder) / "postgres.log")


def broker(folder: Path) -> valkey.Valkey:
    return valkey.Valkey(folder / "valkey", log=logs(folder) / "valkey.log")


def replaced(environ: Mapping[str, str], name: str) -> bool:
    """True when the environment names a server of the person's own."""
    return bool(environ.get(name) or environ.get(f"{name}_FILE"))


def _generated() -> dict[str, str]:
    key = base64.b64encode(secrets.token_bytes(32)).decode("ascii")
    return {"PADDOCK_SECRET_KEY": secrets.token_urlsafe(50), "PADDOCK_SEAL_KEYS": f"k1:{key}"}


def _write(path: Path, values: Mapping[str, str]) -> None:
    """A reader sees the old file or the new one, never a part, and nobody else sees either."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        draft.unlink()
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(_HEADER + "".join(f"{name}={value}\n" for name, value in values.items()))
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)

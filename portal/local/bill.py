"""What Paddock consists of, from its locks: the bill of materials, and the question whether weaknesses are known.

`make sbom` writes CycloneDX 1.6 to build/sbom.json. `make audit` asks a database of advisories (OSV) about the names
and versions of the locks; where it cannot be asked that is said, and is no good news.
"""

import base64
import json
import re
import subprocess
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from portal.core import data_folder
from portal.local import binaries, errors, ldap_extra, packages

TARGET = data_folder.CHECKOUT / "build" / "sbom.json"
ADVISORIES = "https://api.osv.dev/v1/querybatch"
_SECONDS = 30
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Part:
    """One package or program. `hashes` are pairs of algorithm and hexadecimal digits."""

    ecosystem: str
    name: str
    version: str
    hashes: tuple[tuple[str, str], ...] = field(default=())

    @property
    def purl(self) -> str:
        """The package URL, also its reference inside the bill."""
        kind = {"PyPI": "pypi", "npm": "npm"}.get(self.ecosystem, "generic")
        return f"pkg:{kind}/{self.name.replace('@', '%40')}@{self.version}"


def parts() -> list[Part]:
    """Everything the locks name for running Paddock, and the programs that some packages bring."""
    found = [*_python(packages.RUNTIME), *_python(ldap_extra.LOCK), *_npm(), *_programs()]
    return sorted({part.purl: part for part in found}.values(), key=lambda part: part.purl)


def write(target: Path = TARGET) -> int:
    """Write the bill; returns the number of its parts. The same locks give the same bill, but for its time."""
    found = parts()
    target.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, ' '.join(part.purl for part in found))}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {"type": "application", "name": "paddock", "bom-ref": "paddock", "version": _own_version()},
        },
        "components": [_component(part) for part in found],
        "dependencies": [{"ref": "paddock", "dependsOn": [part.purl for part in found]}],
    }
    target.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return len(found)


def weaknesses(source: str = ADVISORIES) -> list[tuple[Part, list[str]]]:
    """Return the parts with known advisories. Raises ``LocalError`` where nobody answers."""
    asked = [part for part in parts() if part.ecosystem in {"PyPI", "npm"}]
    queries = [{"package": {"ecosystem": p.ecosystem, "name": p.name}, "version": p.version} for p in asked]
    body = json.dumps({"queries": queries}).encode()
    request = urllib.request.Request(source, body, {"Content-Type": "application/json"})  # noqa: S310 - fixed or given by the caller
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - as above
            results = json.loads(answer.read())["results"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = getattr(error, "reason", error)
        raise errors.LocalError(
            f"{source} could not be asked ({why}): nothing is known about {len(asked)} packages."
        ) from None
    if len(results) != len(asked):
        raise errors.LocalError(f"{source} answered about {len(results)} of {len(asked)} packages: nothing is known.")
    named = (
        (part, [each["id"] for each in result.get("vulns", [])]) for part, result in zip(asked, results, strict=True)
    )
    return [(part, ids) for part, ids in named if ids]


def _python(lock_name: str) -> Iterator[Part]:
    text = (data_folder.CHECKOUT / lock_name).read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        pin = _PIN.match(line)
        if pin:
            hashes = tuple(("SHA-256", found) for found in _HASH.findall(line))
            yield Part("PyPI", pin[1].lower().replace("_", "-"), pin[2], hashes)


def _npm() -> Iterator[Part]:
    lock = json.loads((data_folder.CHECKOUT / "package-lock.json").read_text(encoding="utf-8"))
    for place, entry in lock["packages"].items():
        if place:
            name = place.rpartition("node_modules/")[2]
            kind, _, digits = entry["integrity"].partition("-")
            hashes = ((kind.upper().replace("SHA", "SHA-"), base64.b64decode(digits).hex()),)
            yield Part("npm", name, entry["version"], hashes)


def _programs() -> Iterator[Part]:
    """The server programs inside packages, by what they say of themselves; none before the packages are there."""
    places: dict[str, Callable[[], Path]] = {
        "postgresql": lambda: binaries.postgres() / "postgres",
        "valkey": binaries.valkey,
    }
    for name, place in places.items():
        try:
            done = subprocess.run([place(), "--version"], capture_output=True, text=True, check=True, timeout=30)
        except (errors.LocalError, OSError, subprocess.SubprocessError):
            continue
        version = re.search(r"(?:v=|\) )(\d+(?:\.\d+)+)", done.stdout)
        if version:
            yield Part("program", name, version[1])


def _component(part: Part) -> dict[str, object]:
    hashes = [{"alg": kind, "content": digits} for kind, digits in part.hashes]
    kind = "application" if part.ecosystem == "program" else "library"
    shown = {"type": kind, "bom-ref": part.purl, "name": part.name, "version": part.version, "purl": part.purl}
    return {**shown, **({"hashes": hashes} if hashes else {})}


def _own_version() -> str:
    text = (data_folder.CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r'^version = "([^"]+)"', text, re.MULTILINE)
    return found[1] if found else "0"

"""A real Active Directory domain controller: Samba's, LDAP alone, made in some seconds. Needs root.

Samba's ports are fixed, so that each server has a loopback address of its own.
"""

import base64
import os
import re
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.testbed import certificates, places, processes, slapd

NEEDED = ("samba", "samba-tool")
REMEDY = (
    "a real Active Directory is missing: apt-get install samba samba-ad-dc samba-dsdb-modules"
    " samba-ad-provision ldap-utils"
)
NEEDS_ROOT = "a real Active Directory needs root: run these tests as root"
BASE = "DC=example,DC=test"
PEOPLE = f"OU=people,{BASE}"
GROUPS = f"OU=groups,{BASE}"
ADMINISTRATOR = "Administrator@EXAMPLE.TEST"
ADMINISTRATOR_PASSWORD = "Administrator.of.the.test.1"
SYSTEM_PYTHON = "/usr/bin/python3"
NORMAL, DISABLED = 512, 514


class Samba:
    """Started and ready when made, with these entries (LDIF texts) beside what a new domain has."""

    def __init__(self, entries: Iterable[str], *, run: processes.RunFolder, authority: certificates.Authority) -> None:
        for name in NEEDED:
            if shutil.which(name) is None and shutil.which(name, path="/usr/sbin") is None:
                raise places.Missing(REMEDY)
        if os.geteuid() != 0:
            raise places.Missing(NEEDS_ROOT)
        self._run = run
        self.address = _free_address()
        folder = run.path / "samba"
        _call(_provision(folder))
        source = folder / "etc" / "smb.conf"
        # -I: the folder of the script, with this file in it, would hide Samba's own package.
        script = Path(__file__).with_name("samba_load.py")
        load: list[str | Path] = [SYSTEM_PYTHON, "-I", script, source, folder / "private" / "sam.ldb"]
        _call(load, text="\n".join(entries))
        pair = authority.server(addresses=[self.address])
        stored = certificates.store(
            folder / "private", ca_crt=authority.certificate, server_crt=pair.certificate, server_key=pair.key
        )
        self._config = folder / "etc" / "ldap.conf"
        self._config.write_text(_settings(source.read_text(), folder, self.address, stored))
        self.start()

    def start(self) -> None:
        samba = shutil.which("samba") or "/usr/sbin/samba"
        self.child = self._run.start("samba", [samba, "-i", "-M", "single", "-s", self._config])
        self.child.wait_until(lambda: slapd.listens((self.address, 636)), within=30)

    def stop(self) -> None:
        self.child.stop()


def unit(name: str) -> str:
    return f"dn: OU={name},{BASE}\nobjectClass: organizationalUnit\n\n"


def person(name: str, password: str = "", *, flags: int = NORMAL, expires: int = 0, display: str = "") -> str:
    """A user; without a password the account is disabled. `expires` counts 100 ns since 1601, 0 is never."""
    lines = [
        f"dn: CN={name},{PEOPLE}",
        "objectClass: user",
        f"sAMAccountName: {name}",
        f"userPrincipalName: {name}@example.test",
        f"displayName: {display or name.title()}",
        f"mail: {name}@example.test",
        f"userAccountControl: {flags if password else DISABLED}",
        f"accountExpires: {expires}",
    ]
    if password:
        quoted = f'"{password}"'.encode("utf-16-le")
        lines.append(f"unicodePwd:: {base64.b64encode(quoted).decode()}")
    return "\n".join(lines) + "\n\n"


def group(name: str, members: Sequence[str] = ()) -> str:
    """Members are names of people, or of groups written as `@name`, which must stand before."""
    lines = [f"dn: CN={name},{GROUPS}", "objectClass: group", f"sAMAccountName: {name}"]
    lines += [f"member: {dn(member)}" for member in members]
    return "\n".join(lines) + "\n\n"


def dn(member: str) -> str:
    return f"CN={member[1:]},{GROUPS}" if member.startswith("@") else f"CN={member},{PEOPLE}"


def _provision(folder: Path) -> list[str | Path]:
    return [
        "samba-tool",
        "domain",
        "provision",
        f"--targetdir={folder}",
        "--realm=EXAMPLE.TEST",
        "--domain=EXAMPLE",
        "--host-name=dc",
        "--server-role=dc",
        "--dns-backend=NONE",
        f"--adminpass={ADMINISTRATOR_PASSWORD}",
        "--host-ip=127.0.0.1",
        f"--option=posix:eadb={folder}/private/eadb.tdb",
    ]


def _settings(made: str, folder: Path, address: str, stored: dict[str, Path]) -> str:
    """The settings of the new domain with LDAP alone, everything under the folder, on one address."""
    shares_left_out = made.split("[homes]")[0]
    kept = re.sub(r"^\s*(server services|log file|panic action)\s*=.*$", "", shares_left_out, flags=re.MULTILINE)
    ours = {
        "server services": "ldap",
        "interfaces": f"{address}/8",
        "bind interfaces only": "yes",
        "log file": folder / "samba.log",
        "pid directory": folder,
        "ncalrpc dir": folder / "ncalrpc",
        "tls enabled": "yes",
        "tls cafile": stored["ca_crt"],
        "tls certfile": stored["server_crt"],
        "tls keyfile": stored["server_key"],
    }
    lines = "\n".join(f"\t{name} = {value}" for name, value in ours.items())
    return kept.replace("[global]", f"[global]\n{lines}", 1)


def _free_address() -> str:
    while True:
        address = f"127.{64 + secrets.randbelow(128)}.{secrets.randbelow(256)}.{1 + secrets.randbelow(254)}"
        with socket.socket() as trial:
            try:
                trial.bind((address, 636))
            except OSError:
                continue
        return address


def _call(command: Sequence[str | Path], *, text: str = "") -> None:
    done = subprocess.run(
        [str(word) for word in command], input=text, capture_output=True, text=True, timeout=180, check=False
    )
    if done.returncode != 0:
        raise processes.NotStarted(f"{command[0]} failed:\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}")

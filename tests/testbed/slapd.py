"""A real OpenLDAP server: loaded offline, TLS with a certificate of the test bed, the memberOf overlay."""

import shutil
import socket
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.testbed import certificates, ldif, places, ports, processes

NEEDED = ("slapd", "slapadd", "ldapmodify", "ldapmodrdn", "ldapdelete")
REMEDY = "a real LDAP server is missing: apt-get install slapd ldap-utils"
ROOT_PASSWORD = "root of the test directory"
_SBIN = "/usr/sbin"


def program(name: str) -> Path:
    found = shutil.which(name) or shutil.which(name, path=_SBIN)
    if found is None:
        raise places.Missing(REMEDY)
    return Path(found)


class Slapd:
    """Started and ready when made. `port` speaks LDAP with StartTLS, `tls_port` LDAPS."""

    def __init__(
        self,
        entries: Iterable[str],
        *,
        run: processes.RunFolder,
        leases: ports.Ports,
        pair: certificates.Pair,
        ca: bytes,
        name: str = "slapd",
    ) -> None:
        for needed in NEEDED:
            program(needed)
        self._run = run
        self._name = name
        self.port, self.tls_port = leases.lease(), leases.lease()
        folder = run.path / name
        (folder / "db").mkdir(parents=True)
        stored = certificates.store(folder, ca_crt=ca, server_crt=pair.certificate, server_key=pair.key)
        self._config = folder / "slapd.conf"
        self._config.write_text(_config(folder, stored))
        source = folder / "world.ldif"
        with source.open("w") as file:
            file.writelines(entries)
        # -q: no checks and no sync to disk; the folder is thrown away.
        load: list[str | Path] = [program("slapadd"), "-q", "-f", self._config, "-l", source]
        subprocess.run(load, check=True, capture_output=True, timeout=120)
        self.start()

    def start(self) -> None:
        addresses = f"ldap://127.0.0.1:{self.port} ldaps://127.0.0.1:{self.tls_port}"
        command: list[str | Path] = [program("slapd"), "-h", addresses, "-f", self._config, "-d", "0"]
        self.child = self._run.start(self._name, command)
        self.child.wait_until(lambda: listens(("127.0.0.1", self.tls_port)), within=20)

    def stop(self) -> None:
        self.child.stop()


def listens(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=2).close()
    except OSError:
        return False
    return True


def _config(folder: Path, stored: dict[str, Path]) -> str:
    schema = "\n".join(f"include /etc/ldap/schema/{name}.schema" for name in ("core", "cosine", "inetorgperson"))
    return f"""{schema}
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload ppolicy
pidfile {folder}/slapd.pid
argsfile {folder}/slapd.args
TLSCACertificateFile {stored["ca_crt"]}
TLSCertificateFile {stored["server_crt"]}
TLSCertificateKeyFile {stored["server_key"]}
# As careless as a directory may be: it takes anonymous binds, and a name without a password as one.
allow bind_v2 bind_anon_cred bind_anon_dn
sizelimit 500
database mdb
directory {folder}/db
maxsize 1073741824
dbnosync
suffix "{ldif.BASE}"
rootdn "{ldif.ROOT}"
rootpw "{ROOT_PASSWORD}"
index objectClass,uid,cn,member,memberOf,entryUUID eq
overlay memberof
memberof-refint TRUE
overlay ppolicy
limits dn.exact="{ldif.SERVICE}" size.soft=unlimited size.hard=unlimited size.prtotal=unlimited
limits dn.exact="{ldif.LIMITED}" size.soft=10 size.hard=10 size.prtotal=10
access to attrs=userPassword by anonymous auth by * none
access to * by * read
"""

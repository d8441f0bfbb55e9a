"""Adds LDIF from standard input to the database of a Samba domain that is not running, in one transaction.

    /usr/bin/python3 samba_load.py SMB_CONF SAM_LDB < entries.ldif

Runs in the system's Python, which has Samba's own modules: a program call per account would take a second each.
"""

import sys

from samba.auth import system_session  # type: ignore[import-not-found]
from samba.param import LoadParm  # type: ignore[import-not-found]
from samba.samdb import SamDB  # type: ignore[import-not-found]


def main() -> None:
    settings = LoadParm()
    settings.load(sys.argv[1])
    database = SamDB(url=sys.argv[2], session_info=system_session(), lp=settings)
    database.transaction_start()
    for entry in sys.stdin.read().split("\n\n"):
        if entry.strip():
            database.add_ldif(entry + "\n\n")
    database.transaction_commit()


if __name__ == "__main__":
    main()

"""``python3 -m portal.local``; says so in one line when the interpreter is too old for the rest."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - the one file that an older Python reads, too
    sys.exit(f"Paddock needs Python 3.11 or later, not {sys.version}\nTake another: make run PYTHON=python3.12")

from portal.local import commands

sys.exit(commands.main())

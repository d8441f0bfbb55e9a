"""Runs a program that ends when the process that started it ends.

    python -I -S deathbound.py PARENT PROGRAM [ARGUMENT...]

Imports next to nothing, because it stands in front of every process of the test bed; exec then replaces it.
A `preexec_fn` would do the same inside the parent, where it is not safe beside threads.

The kernel sends the signal when the *thread* that started the child ends: start the bed from a thread that
lives as long as the bed does.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent = int(sys.argv[1])
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    # The parent may have ended before prctl took hold: nobody would send the signal any more.
    if os.getppid() != parent:
        sys.exit("the process that started this one has ended")
    os.execv(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()

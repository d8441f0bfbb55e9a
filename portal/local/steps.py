"""One command of the start, run to its end: its output goes to a log, and is shown when it fails."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from portal.local import errors, processes

_END = ((signal.SIGTERM, 3.0),)


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    log: Path,
    environment: Mapping[str, str] | None = None,
    remedy: str = "",
) -> str:
    """Wait for the command and return its standard output and error as one text.

    Raises ``StepFailed`` with the last lines. The command ends when this process dies or is interrupted.
    """
    with log.open("wb") as output:
        process = processes.spawn(
            command,
            output=output,
            environment=os.environ if environment is None else environment,
            cwd=cwd,
        )
        try:
            process.wait()
        finally:
            processes.end(process, *_END)
    if process.returncode != 0:
        shown = " ".join(Path(command[0]).name if word is command[0] else str(word) for word in command)
        end = [processes.last_lines(log, 20), remedy, f"Whole output: {log}"]
        raise errors.StepFailed("\n".join([f"{shown} failed:", *(line for line in end if line)]))
    return log.read_text(encoding="utf-8", errors="replace")


def succeeds(command: Sequence[str | Path]) -> bool:
    """True when a quick question to a program ends with 0."""
    try:
        asked = subprocess.run([str(word) for word in command], capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0

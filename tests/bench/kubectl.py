"""Against `kubectl get pods -A -o json`, which builds every object with every field and prints it."""

import os
import resource
import subprocess
import tempfile
from typing import Any

from tests.bench import listing
from tests.bench.contest import Sample
from tests.testbed import build

paddock = listing.paddock


def reference(inputs: dict[str, Any]) -> Sample:
    """The whole process of kubectl; its start is a hundredth of it."""
    program = build.locate("kubectl")["kubectl"]
    with tempfile.TemporaryDirectory() as home:
        command = [str(program), "--kubeconfig", inputs["kubeconfig"], "get", "pods", "-A", "-o", "json"]
        before = _used()
        subprocess.run(command, env={**os.environ, "HOME": home}, stdout=subprocess.DEVNULL, check=True)
    return {"cost": _used() - before}


def _used() -> float:
    """CPU of the children that have ended, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

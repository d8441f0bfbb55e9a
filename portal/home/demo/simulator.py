"""The simulator's control endpoint, as far as the demo needs it: which clusters are served, load one, remove one.

It listens on loopback, at the address its own `control.json` names, and is spoken to over HTTP alone.
"""

import http.client
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from portal.core import egress, errors
from portal.home.demo import files

_SECONDS = 60


class Simulator:
    """The running simulator. Raises `Refused` where none answers."""

    def __init__(self) -> None:
        try:
            control = json.loads((files.state() / "control.json").read_bytes())
            parts = urlsplit(control["address"])
            self._secret = str(control["secret"])
            host, port = parts.hostname or "", parts.port or 0
        except (OSError, ValueError, KeyError):
            raise _silent() from None
        try:
            self._address = egress.resolve(host, port, allow_loopback=True)[0]
        except (egress.AddressRefused, egress.NameNotResolved):
            raise _silent() from None
        self.served()

    def served(self) -> dict[str, Path]:
        """Return the kubeconfig of each cluster by slug."""
        listed = self._ask("GET", "/clusters")
        return {one["slug"]: Path(one["kubeconfig"]) for one in listed}

    def load(self, cluster: dict[str, Any]) -> Path:
        """Serve a cluster, or put it in the place of the one of its slug; returns its kubeconfig."""
        body = {key: value for key, value in cluster.items() if key != "slug"}
        return Path(self._ask("PUT", f"/clusters/{cluster['slug']}", body)["kubeconfig"])

    def remove(self, slug: str) -> None:
        """Stop serving a cluster and forget its keys."""
        self._ask("DELETE", f"/clusters/{slug}")

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        line = http.client.HTTPConnection(self._address.ip, self._address.port, timeout=_SECONDS)
        try:
            headers = {"Authorization": f"Bearer {self._secret}"}
            line.request(method, path, None if body is None else json.dumps(body), headers)
            answer = line.getresponse()
            said = json.loads(answer.read())
        except (OSError, ValueError, http.client.HTTPException):
            raise _silent() from None
        finally:
            line.close()
        if answer.status != 200:
            raise errors.Refused.one("", _("The simulator refused: %s") % said.get("error", answer.status))
        return said


def _silent() -> errors.Refused:
    return errors.Refused.one(
        "",
        _("The simulator does not answer. `make run` starts it; by hand: python -m clusters.simulator --state %s")
        % files.state(),
    )

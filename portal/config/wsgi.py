"""The web process. It does not start without its keys and its database's address."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.checks import run_checks
from django.core.wsgi import get_wsgi_application

from portal.config.bodies import WholeBody

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")
_django = get_wsgi_application()
_missing = run_checks(tags=["paddock", "seals"], databases=["default"])
if _missing:
    raise SystemExit("\n".join(f"{each.msg} {each.hint}" for each in _missing))


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer one request; a body cut short is an error of reading, not a shorter body."""
    environ["wsgi.input"] = WholeBody(environ["wsgi.input"], environ.get("CONTENT_LENGTH", ""))
    return _django(environ, start_response)

"""The web process. It does not start without its keys and its database's address."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

from portal.config.bodies import WholeBody
from portal.config.starting import refuse_wrong_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")
_django = get_wsgi_application()
refuse_wrong_start()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer one request; a body cut short is an error of reading, not a shorter body."""
    environ["wsgi.input"] = WholeBody(environ["wsgi.input"], environ.get("CONTENT_LENGTH", ""))
    return _django(environ, start_response)

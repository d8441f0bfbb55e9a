"""The web process. It does not start without its keys and its database's address."""

import os

from django.core.checks import run_checks
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")
application = get_wsgi_application()
_missing = run_checks(tags=["paddock"])
if _missing:
    raise SystemExit("\n".join(f"{each.msg} {each.hint}" for each in _missing))

"""The settings of the product with static files as they lie there: only servers started by the tests read them."""

from portal.config.settings import *  # noqa: F403, TID251 - the settings themselves, for one more process
from portal.config.settings import STORAGES  # noqa: TID251

STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}

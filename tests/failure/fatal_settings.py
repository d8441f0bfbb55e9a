"""The settings of a worker whose processes die at random statements (`tests.failure.fatal`)."""

from django.db.backends.signals import connection_created

from tests.e2e.settings import *  # noqa: F403 - the settings themselves, for a process of its own
from tests.failure import fatal

connection_created.connect(fatal.arm, weak=False)

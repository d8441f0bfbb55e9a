"""The settings of the product, with the static files of one test run: only programs started by the tests read them."""

import os
from pathlib import Path

from portal.config.settings import *  # noqa: F403, TID251 - the settings themselves, for one more process

STATIC_ROOT = Path(os.environ["PADDOCK_TEST_STATIC_ROOT"])

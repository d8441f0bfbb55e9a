"""One side in a process of its own: `python -m tests.bench.child MODULE FUNCTION`, inputs as JSON on standard input.

Django is set up where a database is named; importing what a side needs is never part of what it measures.
"""

import importlib
import json
import os
import sys

import django


def main() -> int:
    module, function = sys.argv[1:]
    inputs = json.load(sys.stdin)
    if os.environ.get("DATABASE_URL"):
        django.setup()
    sample = getattr(importlib.import_module(module), function)(inputs)
    print(json.dumps(sample))
    return 0


if __name__ == "__main__":
    sys.exit(main())

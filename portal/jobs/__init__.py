"""Background work: one row per piece of it is the outbox, the lock, the progress and the result.

Celery carries the row's id and nothing else. No pages here: the gate lies above; lists are in `portal/home`.
"""

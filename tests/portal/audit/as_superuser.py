"""What a superuser does to the audit of another database; run as a program, with that database in `DATABASE_URL`.

`write FILE` records and seals events and keeps the heads. `rewrite` changes a row and every later hash. `sign` signs
the heads again with the key of the database.
"""

import sys
from pathlib import Path

import django
from django.db import connection, transaction

django.setup()

from portal.audit import chain, signing  # noqa: E402 - models are there only after the setup
from portal.audit.models import Event, Head, Link, SigningKey  # noqa: E402
from tests.portal.audit import chains  # noqa: E402

PLACE = 6


def main(step: str, *files: str) -> None:
    """Do one step."""
    if step == "write":
        chains.sealed(4, 4, 4)
        Path(files[0]).write_text("\n".join(chains.exported()))
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        if step == "rewrite":
            event = Link.objects.get(seq=PLACE).event_id
            Event.objects.filter(pk=event).update(actor_label="eve")
            chains.rechained(cursor, PLACE)
            return
        key = SigningKey.objects.get()
        for head in Head.objects.filter(seq__gte=PLACE):
            head.hash = Link.objects.get(seq=head.seq).hash
            text = chain.head_text(seq=head.seq, hash_=head.hash, at=head.at, key=str(key.pk))
            head.signature = signing.sign(key, text)
            head.save()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Tokens of Paddock's accounts in clusters: kept sealed, forgotten at once, never shown."""

from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from clusters.kube.connection import Connection
from clusters.registry import credentials, services
from clusters.registry.models import Account, Cluster, ClusterAccount, State
from portal.audit import services as audit
from portal.core import errors, sealed
from portal.core.actors import Actor

LONGEST = 16 * 1024


def keep(*, cluster: Cluster, account: Account, token: str, by: Actor, at: datetime) -> ClusterAccount:
    """Keep the token of an account: from now on Paddock does with it what the account is for.

    Raises `Refused` at "token" (no token, or one that has ended) and `Conflict` for a cluster that is not attached.
    """
    text = token.strip()
    if not text or len(text) > LONGEST or not text.isascii() or any(one.isspace() for one in text):
        raise errors.Refused.one("token", _("This is no token: one line of letters and digits is expected."))
    with transaction.atomic():
        locked = Cluster.objects.select_for_update().get(pk=cluster.pk)
        if locked.state != State.ATTACHED:
            raise errors.Conflict.one("", _("This cluster is not attached."))
        ends = credentials.expires_at(Connection(locked.server, b"", token=text))
        if ends is not None and ends <= at:
            raise errors.Refused.one("token", _("This token has ended. Make a new one."))
        known = ClusterAccount.objects.filter(cluster=locked, key=account).first()
        row = known or ClusterAccount(cluster=locked, key=account)
        row.expires_at, row.kept_at, row.kept_by = ends, at, by.label
        sealed.set_sealed(row, "token", text)
        row.save()
        after = {"account": account.value, "expires_at": ends.isoformat() if ends else ""}
        audit.record("registry.account.keep", by=by, on=locked.as_subject(), after=after)
    return row


def forget(*, cluster: Cluster, account: Account, by: Actor) -> None:
    """Forget an account's token: Paddock writes nothing more with it, and what is there stays. Raises `Conflict`."""
    with transaction.atomic():
        locked = Cluster.objects.select_for_update().get(pk=cluster.pk)
        if not ClusterAccount.objects.filter(cluster=locked, key=account).delete()[0]:
            raise errors.Conflict.one("", _("Paddock holds no such account for this cluster."))
        audit.record("registry.account.forget", by=by, on=locked.as_subject(), before={"account": account.value})


def connection(cluster: Cluster, account: Account) -> Connection:
    """Return the connection of an account. Raises `Conflict` where Paddock holds none, and `sealed.SealBroken`."""
    row = ClusterAccount.objects.filter(cluster=cluster, key=account).first()
    if row is None:
        raise errors.Conflict.one("rights", _("Paddock only reads this cluster: it holds no account to write with."))
    address = services.connection(cluster)
    token = sealed.open_sealed(row, "token").reveal()
    return replace(address, token=token, client_certificate=None, client_key=None)

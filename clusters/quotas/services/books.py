"""The books of a pool in the database: what is granted, and who is changing a limit at this moment."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet, Sum

from clusters.quotas import pool, standing
from clusters.quotas.models import Mode, QuotaPlan, QuotaShare
from clusters.quotas.moving import Move
from clusters.quotas.pool import Amounts, Key, Standing

# Longer than any request may take. Until then nobody else writes the limit; after it, an answer counts no more.
CHANGING = timedelta(seconds=90)


class ProjectBooks:
    """`moving.Books` of one project. The plan's row is locked for each change, so that the pool is kept."""

    def __init__(self, project_id: UUID, now: Callable[[], datetime]) -> None:
        self.project_id = project_id
        self.now = now

    def pool(self) -> Amounts:
        """Return the pool in force."""
        found: dict[str, int] = self._plan().pool
        return found

    def rows(self) -> Sequence[Standing]:
        """Return how each namespace stands."""
        return standing.standings(self._plan(), self.now())

    def note(self, goal: Mapping[Key, Amounts]) -> None:
        """Keep what each namespace should have; rows that say so already are left alone."""
        changed = []
        for share in QuotaShare.objects.filter(project_id=self.project_id):
            wanted = goal.get((share.cluster_id, share.namespace_uid), {}).get(share.resource)
            if wanted is not None and share.wanted != wanted:
                share.wanted = Decimal(wanted)
                changed.append(share)
        if changed:
            QuotaShare.objects.bulk_update(changed, ["wanted"], batch_size=500)

    def follow(self) -> None:
        """Let the pool in force follow what is granted down to what was decided, or up where more stands."""
        with transaction.atomic():
            plan = self._locked()
            if plan.mode != Mode.POOL:
                return
            now = pool.in_force(plan.pool_target, _granted(plan))
            if now != plan.pool:
                plan.pool = now
                plan.save(update_fields=["pool"])

    @transaction.atomic
    def begin(self, key: Key, lower: Amounts) -> Move | None:
        """Write down a change; see `moving.Books`."""
        plan = self._locked()
        shares = list(self._shares(key).select_for_update())
        at = self.now()
        if not shares or any(share.moving_until and share.moving_until > at for share in shares):
            return None
        number = max(share.moves for share in shares) + 1
        self._shares(key).update(moves=number, moving_until=at + CHANGING)
        granted = {share.resource: int(share.granted) for share in shares if share.resource in plan.pool_target}
        return Move(key, number, {name: min(amount, lower.get(name, amount)) for name, amount in granted.items()})

    @transaction.atomic
    def settle(self, move: Move, version: str) -> bool:
        """Count what a confirmed change has freed; see `moving.Books`."""
        self._locked()
        mine = list(self._shares(move.key).filter(moves=move.number, moving_until__gt=self.now()).select_for_update())
        for share in mine:
            if share.resource in move.hard:
                share.confirmed = Decimal(move.hard[share.resource])
                share.granted = min(share.granted, share.confirmed)
            share.confirmed_version, share.moving_until = version[:64], None
        QuotaShare.objects.bulk_update(mine, ["granted", "confirmed", "confirmed_version", "moving_until"])
        return bool(mine)

    def give_up(self, move: Move) -> None:
        """Note that a change surely did not happen."""
        self._shares(move.key).filter(moves=move.number).update(moving_until=None)

    @transaction.atomic
    def grant(self, wanted: Mapping[Key, Amounts]) -> Mapping[Key, Amounts]:
        """Count raises, as far as there is room at this moment."""
        plan = self._locked()
        sums = dict(
            QuotaShare.objects.filter(project_id=self.project_id)
            .values_list("resource")
            .annotate(granted=Sum("granted"))
            .order_by()
        )
        room = {name: int(most) - int(sums.get(name) or 0) for name, most in plan.pool.items()}
        given: dict[Key, dict[str, int]] = {}
        changed = []
        for share in QuotaShare.objects.filter(project_id=self.project_id).select_for_update().order_by("pk"):
            key = (share.cluster_id, share.namespace_uid)
            gap = min(wanted.get(key, {}).get(share.resource, 0) - int(share.granted), room.get(share.resource, 0))
            if gap > 0:
                room[share.resource] -= gap
                share.granted += gap
                changed.append(share)
                given.setdefault(key, {})[share.resource] = int(share.granted)
        QuotaShare.objects.bulk_update(changed, ["granted"], batch_size=500)
        return given

    def _plan(self) -> QuotaPlan:
        return QuotaPlan.objects.get(project_id=self.project_id)

    def _locked(self) -> QuotaPlan:
        return QuotaPlan.objects.select_for_update().get(project_id=self.project_id)

    def _shares(self, key: Key) -> QuerySet[QuotaShare]:
        return QuotaShare.objects.filter(project_id=self.project_id, cluster_id=key[0], namespace_uid=key[1])


def _granted(plan: QuotaPlan) -> list[Standing]:
    shares = QuotaShare.objects.filter(project_id=plan.project_id)
    return [
        Standing((share.cluster_id, share.namespace_uid), "", {share.resource: int(share.granted)}, {}, {})
        for share in shares
    ]

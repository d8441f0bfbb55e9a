"""Mail before a token ends: 14, 3 and 1 days before, each once."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from portal.accounts.bindings import givers
from portal.core import formats
from portal.outbox import services as outbox
from portal.tokens import selectors
from portal.tokens.models import Token

DAYS = (14, 3, 1)
AT_ONCE = 500


def warn(*, at: datetime) -> int:
    """Write the mails that are due. Returns how many tokens were warned of."""
    return sum(_warn(key, days, at) for days in sorted(DAYS) for key in _due(days, at))


def _due(days: int, at: datetime) -> list[UUID]:
    """The tokens that end in so many days. One that was made for less is warned of by the shorter times alone."""
    near = timedelta(days=days)
    unsaid = Q(warned_days=None) | Q(warned_days__gt=days)
    found = Token.objects.live(at).filter(
        unsaid, expires_at__lte=at + near, expires_at__gt=F("created_at") + near, user__is_active=True
    )
    return list(found.order_by("expires_at").values_list("pk", flat=True)[:AT_ONCE])


@transaction.atomic
def _warn(key: UUID, days: int, at: datetime) -> int:
    locked = Token.objects.select_for_update(of=("self",)).select_related("user").get(pk=key)
    if locked.warned_days is not None and locked.warned_days <= days:
        return 0
    locked.warned_days = days
    locked.save(update_fields=["warned_days"])
    robot = selectors.robot_of(locked.user)
    page = robot.get_absolute_url() if robot else "/profile/tokens/"
    outbox.mail_from_template(
        "token_ends",
        {
            "name": locked.name,
            "begins": locked.begins,
            "ends": formats.instant(locked.expires_at),
            "owner": _("robot %s") % robot.name if robot else str(locked.user),
            "is_robot": robot is not None,
            "page": page,
        },
        to=selectors.addresses_of_owners(robot, at=at) if robot else [givers.of(locked.user)],
        key=f"token:{locked.pk}:{days}",
        at=at,
        on=locked.as_subject(),
    )
    return 1

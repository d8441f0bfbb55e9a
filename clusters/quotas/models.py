"""Tables of the room: what projects may use, how much of it each namespace has, and who asked for more."""

from decimal import Decimal
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clusters.projects.models import Project
from clusters.registry.models import Cluster
from portal.accounts.models import User
from portal.core import actors, clock
from portal.core.models import UUIDModel


class Mode(models.TextChoices):
    """How a project's quota is divided among its namespaces."""

    FIXED = "fixed", _("A fixed share for each namespace")
    POOL = "pool", _("One pool for all namespaces")


class PodSecurity(models.TextChoices):
    """The levels of Kubernetes' own admission of pods; none leaves the namespace's labels alone."""

    NONE = "", _("not set")
    PRIVILEGED = "privileged", _("privileged: anything goes")
    BASELINE = "baseline", _("baseline: no known way to higher rights")
    RESTRICTED = "restricted", _("restricted: as hardened as pods can be")


class Network(models.TextChoices):
    """The network policy each namespace gets."""

    NONE = "", _("none")
    NAMESPACE = "namespace", _("lets in what comes from the same namespace")
    PROJECT = "project", _("lets in what comes from the project's namespaces in the same cluster")


class QuotaPlan(UUIDModel):
    """What one project may use.

    Amounts are {resource: whole number of smallest units}. `pool_target` is what was decided, `pool` what holds now: as
    long as more than the target stands in clusters, that. `each` is what a namespace gets in fixed mode unless its
    shares say otherwise. `limit_range` is {resource: {"default" | "defaultRequest" | "max" | "min": quantity}} per
    container. `version` rises with each change by a person.
    """

    project = models.OneToOneField(Project, on_delete=models.PROTECT, related_name="quota_plan")
    mode = models.CharField(max_length=10, choices=Mode.choices)
    pool = models.JSONField(default=dict, blank=True)
    pool_target = models.JSONField(default=dict, blank=True)
    each = models.JSONField(default=dict, blank=True)
    limit_range = models.JSONField(default=dict, blank=True)
    pod_security = models.CharField(max_length=12, choices=PodSecurity.choices, blank=True)
    network = models.CharField(max_length=12, choices=Network.choices, blank=True)
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField(default=clock.now)
    changed_by = models.CharField(max_length=200, blank=True)
    balanced_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "quota_plan"
        constraints = [models.CheckConstraint(condition=Q(mode__in=Mode.values), name="quota_plan_mode_known")]

    def __str__(self) -> str:
        return f"{self.project_id} {self.mode}"


class QuotaShare(models.Model):
    """How much of one resource one namespace has, in smallest units.

    `granted` is the most that may stand in the cluster now: it is raised before a higher limit is sent, and lowered
    after the cluster confirmed a lower one. `wanted` is what was typed (fixed) or worked out last (pool). `confirmed`
    is what the cluster answered last, at `confirmed_version`. While `moving_until` lies ahead, somebody is changing the
    limit in the cluster; `moves` counts such changes, so that a late answer is known for one.
    """

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="+")
    namespace_uid = models.CharField(max_length=64)
    resource = models.CharField(max_length=253)
    wanted = models.DecimalField(max_digits=30, decimal_places=0, default=Decimal(0))
    granted = models.DecimalField(max_digits=30, decimal_places=0, default=Decimal(0))
    confirmed = models.DecimalField(max_digits=30, decimal_places=0, null=True, blank=True)
    confirmed_version = models.CharField(max_length=64, blank=True)
    used = models.DecimalField(max_digits=30, decimal_places=0, default=Decimal(0))
    used_at = models.DateTimeField(null=True, blank=True)
    is_own = models.BooleanField(default=False)
    moves = models.BigIntegerField(default=0)
    moving_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "quota_share"
        constraints = [
            models.UniqueConstraint(fields=["cluster", "namespace_uid", "resource"], name="quota_share_once"),
            models.CheckConstraint(condition=Q(granted__gte=0, wanted__gte=0), name="quota_share_positive"),
        ]
        indexes = [models.Index(fields=["project", "resource"], name="quota_share_of_project")]

    def __str__(self) -> str:
        return f"{self.namespace_uid} {self.resource}"


class RequestState(models.TextChoices):
    """Where a request for more stands."""

    WAITING = "waiting", _("Waiting")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    EXPIRED = "expired", _("Expired")


class QuotaRequest(UUIDModel):
    """Somebody of a project asks for more of what its plan limits.

    `wanted` is what the plan should say: {resource: amount} of the pool, or of each namespace in fixed mode.
    """

    asker = models.ForeignKey(User, on_delete=models.CASCADE, related_name="quota_requests")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="quota_requests")
    wanted = models.JSONField()
    reason = models.CharField(max_length=500)
    state = models.CharField(max_length=10, choices=RequestState.choices, default=RequestState.WAITING)
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=200, blank=True)
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "quota_request"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=RequestState.values), name="quota_request_state_known"),
            models.UniqueConstraint(fields=["project"], condition=Q(state="waiting"), name="quota_request_one_waits"),
        ]
        indexes = [models.Index(fields=["asker", "-created_at"], name="quota_request_of")]

    def __str__(self) -> str:
        return f"{self.asker}: {self.project}"

    def as_subject(self, team_id: UUID | None = None) -> actors.Subject:
        """Return the request as what an audit event is about."""
        team = str(team_id or "")
        return actors.Subject(
            "quota_request", str(self.id), str(self), "/requests/", team=team, project=str(self.project_id)
        )

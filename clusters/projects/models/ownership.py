"""Teams, projects, and who held what when."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import F, Func, Q, Value
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from clusters.registry.models import Cluster
from portal.access.permissions import Permission
from portal.access.scopes import Person
from portal.core import actors, clock
from portal.core.models import SlugField, UUIDModel


def fold(name: str) -> str:
    """Return what two names have in common that people would confuse: compatibility forms, case, spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def span(begins: datetime | None, ends: datetime | None) -> DateTimeTZRange:
    """Return [begins, ends); None is open."""
    return DateTimeTZRange(begins, ends)


def _one_value(function: str, column: str) -> Func:
    # A plain GiST index knows ranges only, so a single value becomes the range that holds nothing else.
    return Func(F(column), F(column), Value("[]"), function=function)


class TeamQuerySet(models.QuerySet["Team"]):
    """Sets of teams."""

    def standing(self) -> "TeamQuerySet":
        """Keep the teams that have not been closed."""
        return self.filter(ended_at=None)

    def visible_to(self, user: Person, permission: Permission = Permission.TEAM_VIEW) -> "TeamQuerySet":
        """Keep the teams one has a right on, and those that own a project one has a right on."""
        scopes = user.scopes_for(permission)
        if scopes.everything:
            return self
        owning = ProjectTenure.objects.filter(project_id__in=scopes.projects, period__endswith=None)
        return self.filter(Q(pk__in=scopes.teams) | Q(pk__in=owning.values("team_id")))


class Team(UUIDModel):
    """Who pays. A team owns projects for spans of time; it is closed, never deleted."""

    slug = SlugField()
    name = models.CharField(max_length=100)
    name_folded = models.CharField(max_length=200, unique=True, editable=False)
    cost_centre = models.CharField(max_length=100, blank=True)
    # Free text for people: a person's name, an address, a channel.
    owner = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    is_demo = models.BooleanField(default=False)

    objects: ClassVar[TeamQuerySet] = TeamQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        db_table = "team"

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the folded name in step; it is what the unique constraint reads."""
        self.name_folded = fold(self.name)
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        """Return the address of the team's page."""
        return reverse("projects:team", args=[self.slug])

    def as_subject(self) -> actors.Subject:
        """Return the team as what an audit event is about."""
        return actors.Subject("team", str(self.id), self.name, self.get_absolute_url(), team=str(self.id))


class ProjectQuerySet(models.QuerySet["Project"]):
    """Sets of projects."""

    def standing(self) -> "ProjectQuerySet":
        """Keep the projects that have not been closed."""
        return self.filter(ended_at=None)

    def visible_to(self, user: Person, permission: Permission = Permission.PROJECT_VIEW) -> "ProjectQuerySet":
        """Keep the projects one has a right on, directly or through the team that owns them now.

        A right on a cluster shows no project.
        """
        scopes = user.scopes_for(permission)
        if scopes.everything:
            return self
        owned = ProjectTenure.objects.filter(team_id__in=scopes.teams, period__endswith=None)
        return self.filter(Q(pk__in=scopes.projects) | Q(pk__in=owned.values("project_id")))


class Project(UUIDModel):
    """What belongs together: namespaces of many clusters. It is closed, never deleted."""

    slug = SlugField()
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=500, blank=True)
    # Whether anybody may find it by name when asking for access; its owners choose.
    is_listed = models.BooleanField(default=False)
    # What keeps it as code, such as "git": then forms are locked and its manifest says what holds. Empty: people do.
    managed_by = models.CharField(max_length=60, blank=True, default="")
    # One more with every change of what people type: of two who save at once, the second sees the difference.
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    is_demo = models.BooleanField(default=False)

    objects: ClassVar[ProjectQuerySet] = ProjectQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        db_table = "project"

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the address of the project's page."""
        return reverse("projects:project", args=[self.slug])

    def as_subject(self, team_id: UUID | None = None) -> actors.Subject:
        """Return the project as what an audit event is about: as the team's, else as its present owner's."""
        team = str(team_id or "")
        return actors.Subject(
            "project", str(self.id), self.name, self.get_absolute_url(), team=team, project=str(self.id)
        )


class ProjectTenureQuerySet(models.QuerySet["ProjectTenure"]):
    """Sets of spans."""

    def current(self) -> "ProjectTenureQuerySet":
        """Keep the spans that go on."""
        return self.filter(period__endswith=None)

    def at(self, instant: datetime) -> "ProjectTenureQuerySet":
        """Keep the spans that hold the instant."""
        return self.filter(period__contains=instant)


class ProjectTenure(models.Model):
    """A team owned a project during [from, to). An upper end of None goes on.

    A project's first span has no lower end: namespaces may come to it with a past older than the project itself.
    """

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="tenures")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="tenures")
    period = DateTimeRangeField()

    objects: ClassVar[ProjectTenureQuerySet] = ProjectTenureQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        db_table = "project_tenure"
        constraints = [
            models.CheckConstraint(condition=Q(period__isempty=False), name="project_tenure_period"),
            ExclusionConstraint(
                name="project_tenure_no_overlap",
                expressions=[
                    (_one_value("uuid_range", "project"), RangeOperators.EQUAL),
                    ("period", RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} {self.period}"


class NamespaceTenureQuerySet(models.QuerySet["NamespaceTenure"]):
    """Sets of spans."""

    def current(self) -> "NamespaceTenureQuerySet":
        """Keep the spans that go on."""
        return self.filter(period__endswith=None)

    def of(self, keys: Sequence[tuple[Any, str]]) -> "NamespaceTenureQuerySet":
        """Keep the spans of these namespaces, named by (cluster id, uid)."""
        wanted = Q(pk__in=[])
        for cluster_id in {cluster for cluster, _uid in keys}:
            uids = [uid for cluster, uid in keys if cluster == cluster_id]
            wanted |= Q(cluster_id=cluster_id, namespace_uid__in=uids)
        return self.filter(wanted)


class NamespaceTenure(models.Model):
    """A project held a namespace during [from, to). The namespace is its uid: a new one of the same name is another."""

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="holdings")
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="+")
    namespace_uid = models.CharField(max_length=64)
    namespace_name = models.CharField(max_length=253)
    period = DateTimeRangeField()
    reason = models.CharField(_("reason"), max_length=500, blank=True)

    objects: ClassVar[NamespaceTenureQuerySet] = NamespaceTenureQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        db_table = "namespace_tenure"
        constraints = [
            models.CheckConstraint(
                condition=Q(period__isempty=False, period__lower_inf=False, period__lower_inc=True),
                name="namespace_tenure_period",
            ),
            ExclusionConstraint(
                name="namespace_tenure_no_overlap",
                expressions=[
                    (_one_value("uuid_range", "cluster"), RangeOperators.EQUAL),
                    (_one_value("text_range", "namespace_uid"), RangeOperators.EQUAL),
                    ("period", RangeOperators.OVERLAPS),
                ],
            ),
        ]
        indexes = [
            models.Index(fields=["cluster", "namespace_name"], name="namespace_tenure_name"),
            models.Index(fields=["project", "cluster"], name="namespace_tenure_project"),
        ]

    def __str__(self) -> str:
        return f"{self.namespace_name} {self.period}"

    @property
    def begins_at(self) -> datetime:
        """Return where the span begins; a check constraint sees to it that it does."""
        begins: datetime = self.period.lower  # type: ignore[assignment]
        return begins

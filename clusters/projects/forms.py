"""The shape of what people type about teams, projects and namespaces."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from clusters.projects import since as begins
from clusters.projects import wanting
from clusters.projects.models import Project, Team
from clusters.projects.services.holdings import Key
from clusters.projects.services.namespaces import Wanted
from portal.core import errors

NOW, FIRST_SEEN, AN_HOUR = "now", "first_seen", "hour"


def parse_keys(picked: Iterable[str]) -> list[Key]:
    """Read `cluster id/namespace uid` values. Raises `Refused` at "namespaces"."""
    keys: list[Key] = []
    for text in picked:
        cluster, _slash, uid = text.partition("/")
        try:
            keys.append((UUID(cluster), uid))
        except ValueError:
            raise errors.Refused.one("namespaces", _("A chosen row could not be read. Load the page again.")) from None
        if not uid or len(uid) > 64:
            raise errors.Refused.one("namespaces", _("A chosen row could not be read. Load the page again."))
    return keys


def one_id(text: str) -> UUID:
    """Read one id. Raises `Refused`: nothing that a page offers is written like this."""
    try:
        return UUID(text)
    except ValueError:
        raise errors.Refused.one("", _("A chosen row could not be read. Load the page again.")) from None


class TeamForm(forms.Form):
    """A team."""

    name = forms.CharField(label=_("Name"), max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    cost_centre = forms.CharField(label=_("Cost centre"), max_length=100, required=False)
    owner = forms.CharField(
        label=_("Who answers for it"), max_length=200, required=False, help_text=_("A person, an address or a channel.")
    )


class ProjectForm(forms.Form):
    """A project."""

    name = forms.CharField(label=_("Name"), max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    description = forms.CharField(label=_("Description"), max_length=500, required=False)


class ProjectSettingsForm(ProjectForm):
    """A project that stands, and whether it can be found."""

    is_listed = forms.BooleanField(
        label=_("Listed"),
        required=False,
        help_text=_("Everybody can find it by name when asking for access. Otherwise one must know its slug."),
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0)


class NewProjectForm(ProjectForm):
    """A project of a team."""

    team = forms.ModelChoiceField(
        label=_("Team"), queryset=Team.objects.none(), to_field_name="slug", help_text=_("Who pays for it.")
    )

    def __init__(self, *args: Any, teams: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = teams  # type: ignore[attr-defined]


class MoveToTeamForm(forms.Form):
    """The team that takes a project over."""

    team = forms.ModelChoiceField(
        label=_("Team"),
        queryset=Team.objects.none(),
        to_field_name="slug",
        help_text=_("From now on. What it cost until now stays with the team it had."),
    )

    def __init__(self, *args: Any, teams: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = teams  # type: ignore[attr-defined]


class HoldingForm(forms.Form):
    """What happens to the chosen namespaces, and from when it counts."""

    project = forms.ModelChoiceField(
        label=_("Project"),
        queryset=Project.objects.none(),
        to_field_name="slug",
        error_messages={"required": _("Choose a project.")},
    )
    since = forms.ChoiceField(label=_("Counts"))
    hour = forms.DateTimeField(
        label=_("Hour"),
        required=False,
        help_text=_("For “since an hour”: a whole hour of this month, in UTC."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": "3600"}, format="%Y-%m-%dT%H:%M"),
    )
    reason = forms.CharField(label=_("Reason"), max_length=500, required=False)

    def __init__(self, *args: Any, projects: Any, first: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["project"].queryset = projects  # type: ignore[attr-defined]
        self.fields["project"].required = first  # a release names none
        choices = [(NOW, _("from now on")), (AN_HOUR, _("since an hour of this month"))]
        if first:
            choices = [(FIRST_SEEN, _("since it was first seen")), *choices]
        self.fields["since"].choices = choices  # type: ignore[attr-defined]
        self.fields["since"].initial = choices[0][0]

    def instant(self) -> begins.Since:
        """Return from when it counts. Raises `Refused` at "hour"."""
        chosen: str = self.cleaned_data["since"]
        if chosen != AN_HOUR:
            return begins.parse(chosen)
        hour = self.cleaned_data["hour"]
        if hour is None:
            raise errors.Refused.one("hour", _("Name the hour."))
        return begins.parse(hour.isoformat())


class NewNamespacesForm(forms.Form):
    """Namespaces for several clusters at once."""

    names = forms.CharField(
        label=_("Names"),
        max_length=4000,
        help_text=_("One or several, separated by spaces or lines. Each is made on every chosen cluster."),
        widget=forms.Textarea(attrs={"rows": 2, "class": "form-control mono", "spellcheck": "false"}),
    )
    clusters = forms.MultipleChoiceField(label=_("Clusters"), widget=forms.CheckboxSelectMultiple)
    labels = forms.CharField(
        label=_("Labels"),
        max_length=4000,
        required=False,
        help_text=_("key=value, separated by spaces or lines."),
        widget=forms.Textarea(attrs={"rows": 2, "class": "form-control mono", "spellcheck": "false"}),
    )
    ends_at = forms.DateTimeField(
        label=_("Ends"),
        required=False,
        help_text=_("For namespaces of a test or a review, in UTC. Its owners are told three days and one day before."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    delete_then = forms.BooleanField(
        label=_("Delete them then"),
        required=False,
        help_text=_("With all that is in them. Otherwise they wait for the word of an owner."),
    )

    def __init__(self, *args: Any, clusters: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["clusters"].choices = list(clusters)  # type: ignore[attr-defined]

    def wanted(self) -> list[Wanted]:
        """Return what is asked for. Raises `Refused` at "names" and "labels"."""
        names = wanting.names_of(self.cleaned_data["names"])
        labels, wrong = wanting.labels_of(self.cleaned_data["labels"])
        if wrong:
            raise errors.Refused({"labels": wrong})
        end, then = self.cleaned_data["ends_at"], self.cleaned_data["delete_then"]
        return [
            Wanted(UUID(cluster), name, labels, end, bool(end and then))
            for cluster in self.cleaned_data["clusters"]
            for name in names
        ]


class EndForm(forms.Form):
    """Until when the chosen namespaces are there."""

    ends_at = forms.DateTimeField(
        label=_("Ends"),
        required=False,
        help_text=_("In UTC. Empty: they do not end."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    delete_then = forms.BooleanField(
        label=_("Delete them then"),
        required=False,
        help_text=_("With all that is in them. Otherwise they wait for the word of an owner."),
    )


class LeaveForm(forms.Form):
    """What becomes of the namespaces of a project that leaves."""

    choice = forms.ChoiceField(
        label=_("Its namespaces"),
        choices=[("release", _("stand on, without project")), ("delete", _("are deleted with all that is in them"))],
        initial="release",
    )
    name = forms.CharField(
        label=_("Name of the project"),
        max_length=100,
        help_text=_("Type it, so that it is this one."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class RuleForm(forms.Form):
    """Which namespaces without project a project probably owns."""

    project = forms.ModelChoiceField(label=_("Project"), queryset=Project.objects.none(), to_field_name="slug")
    beginning = forms.CharField(
        label=_("Beginning of the name"), max_length=63, required=False, help_text=_("Such as shop-; or a label.")
    )
    label = forms.CharField(label=_("Label"), max_length=381, required=False, help_text=_("Such as team=shop."))
    clusters = forms.CharField(
        label=_("Clusters"),
        max_length=500,
        required=False,
        help_text=_("A selector over labels of clusters, such as stage=test. Empty: all."),
    )

    def __init__(self, *args: Any, projects: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["project"].queryset = projects  # type: ignore[attr-defined]

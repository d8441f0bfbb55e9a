"""The shape of a plan and of a request for more, as people type them."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clusters.quotas import resources
from clusters.quotas.models import Mode, Network, PodSecurity, QuotaPlan, QuotaShare
from clusters.quotas.pool import Key
from clusters.quotas.resources import Unit
from clusters.quotas.services.plans import Limits
from clusters.quotas.standing import Place
from portal.core import errors

_HELP: dict[Unit, Any] = {
    Unit.MILLI: gettext_lazy("Cores, such as 4 or 500m."),
    Unit.BYTES: gettext_lazy("Such as 8Gi or 512Mi."),
    Unit.PIECES: gettext_lazy("A whole number."),
}
_BOUNDS = (
    ("cpu", "defaultRequest", gettext_lazy("CPU requested by a container that names none")),
    ("cpu", "default", gettext_lazy("CPU limit of a container that names none")),
    ("cpu", "max", gettext_lazy("Most CPU of a container")),
    ("memory", "defaultRequest", gettext_lazy("Memory requested by a container that names none")),
    ("memory", "default", gettext_lazy("Memory limit of a container that names none")),
    ("memory", "max", gettext_lazy("Most memory of a container")),
)
OTHERS = "others"


def field_of(name: str) -> str:
    """Return the form's field of a resource."""
    return f"amount:{name}"


def bound_of(resource: str, word: str) -> str:
    """Return the form's field of a bound per container."""
    return f"bound:{resource}:{word}"


def moved(form: forms.Form, field: str) -> str:
    """Return which field of the form a rule's field is."""
    if field.startswith("pool."):
        wanted = field_of(field.removeprefix("pool."))
        return wanted if wanted in form.fields else OTHERS
    if field.startswith("limit_range."):
        _head, resource, *word = field.split(".")
        return bound_of(resource, word[0] if word else "max")
    return field


class PlanForm(forms.Form):
    """A plan: one field for each resource that is offered or limited, the rest as lines of text."""

    mode = forms.ChoiceField(label=gettext_lazy("How it is divided"), choices=Mode.choices)
    below_use = forms.BooleanField(
        label=gettext_lazy("Go below what is used: nothing is stopped, nothing new starts"), required=False
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, names: Sequence[str], places: Sequence[Place], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names, self.places = names, places
        for name in names:
            text = _HELP[resources.unit_of(name)]
            self.fields[field_of(name)] = forms.CharField(
                label=resources.label(name), required=False, max_length=64, help_text=text
            )
        self.fields[OTHERS] = _lines(
            gettext_lazy("Other resources"),
            gettext_lazy(
                "One a line, such as count/jobs.batch=20 or fast.storageclass.storage.k8s.io/requests.storage=1Ti."
            ),
        )
        self.fields["own"] = _lines(
            gettext_lazy("Namespaces with a share of their own"),
            gettext_lazy(
                "Fixed shares only. One a line: cluster/namespace resource=amount, such as east/shop pods=50."
            ),
        )
        for resource, word, label in _BOUNDS:
            self.fields[bound_of(resource, word)] = forms.CharField(label=label, required=False, max_length=64)
        self.fields["pod_security"] = forms.ChoiceField(
            label=gettext_lazy("Pod security"), choices=PodSecurity.choices, required=False
        )
        self.fields["network"] = forms.ChoiceField(
            label=gettext_lazy("Network policy"), choices=Network.choices, required=False
        )
        bounds = [bound_of(resource, word) for resource, word, _label in _BOUNDS]
        amounts = [field_of(name) for name in names]
        self.order_fields(["mode", *amounts, OTHERS, "own", *bounds, "pod_security", "network", "below_use"])

    def limits(self) -> Limits:
        """Return what was typed. Raises `Refused` at the rule's fields."""
        given, wrong = self.cleaned_data, _Wrong()
        amounts = _amounts(((name, given.get(field_of(name), "")) for name in self.names), wrong)
        for line in given.get(OTHERS, "").splitlines():
            name, sign, quantity = line.strip().partition("=")
            if line.strip():
                amounts |= _amounts([(name.strip(), quantity if sign else "?")], wrong)
        bounds: dict[str, dict[str, str]] = {}
        for resource, word, _label in _BOUNDS:
            if quantity := given.get(bound_of(resource, word), "").strip():
                bounds.setdefault(resource, {})[word] = quantity
        own = self._own(given.get("own", ""), wrong) if given["mode"] == Mode.FIXED else {}
        wrong.demand()
        return Limits(
            amounts=amounts,
            own=own,
            limit_range=bounds,
            pod_security=given.get("pod_security", ""),
            network=given.get("network", ""),
        )

    def _own(self, text: str, wrong: "_Wrong") -> dict[Key, dict[str, int]]:
        known = {f"{place.cluster}/{place.name}": place.key for place in self.places}
        found: dict[Key, dict[str, int]] = {}
        for line in filter(str.strip, text.splitlines()):
            where, *pairs = line.split()
            key = known.get(where)
            if key is None or not pairs:
                wrong.add("own", _("%s: write cluster/namespace of this project, then resource=amount.") % where[:120])
                continue
            parted = [pair.partition("=") for pair in pairs]
            found.setdefault(key, {}).update(
                _amounts(((name, amount or "?") for name, _sign, amount in parted), wrong, at="own")
            )
        return found


class MoreForm(forms.Form):
    """A request for more of what a plan limits."""

    reason = forms.CharField(label=gettext_lazy("What for"), max_length=500)

    def __init__(self, *args: Any, limits: Mapping[str, int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names = list(limits)
        for name, amount in limits.items():
            text = _("%(help)s Now %(now)s.") % {
                "help": _HELP[resources.unit_of(name)],
                "now": resources.written(name, amount),
            }
            self.fields[field_of(name)] = forms.CharField(
                label=resources.label(name), required=False, max_length=64, help_text=text
            )
        self.order_fields([*(field_of(name) for name in self.names), "reason"])

    def wanted(self) -> dict[str, int]:
        """Return what was typed. Raises `Refused` at the rule's fields."""
        wrong = _Wrong()
        found = _amounts(((name, self.cleaned_data.get(field_of(name), "")) for name in self.names), wrong)
        wrong.demand()
        return found


def initial(plan: QuotaPlan | None, places: Sequence[Place]) -> dict[str, Any]:
    """Return what the form shows of a plan."""
    if plan is None:
        return {"mode": Mode.POOL, "version": 0}
    amounts = plan.pool_target if plan.mode == Mode.POOL else plan.each
    found: dict[str, Any] = {
        "mode": plan.mode,
        "version": plan.version,
        "pod_security": plan.pod_security,
        "network": plan.network,
        "own": _own_text(plan, places),
    }
    found |= {field_of(name): resources.written(name, amount) for name, amount in amounts.items()}
    for resource, words in plan.limit_range.items():
        found |= {bound_of(resource, word): quantity for word, quantity in words.items()}
    return found


def names_for(plan: QuotaPlan | None) -> list[str]:
    """Return the resources with a field of their own: those offered, and those that are limited."""
    limited = {**plan.pool_target, **plan.each} if plan else {}
    return [*resources.OFFERED, *sorted(name for name in limited if name not in resources.OFFERED)]


def _own_text(plan: QuotaPlan, places: Sequence[Place]) -> str:
    shares: dict[Key, list[str]] = {}
    for share in QuotaShare.objects.filter(project_id=plan.project_id, is_own=True).order_by("resource"):
        text = f"{share.resource}={resources.written(share.resource, int(share.wanted))}"
        shares.setdefault((share.cluster_id, share.namespace_uid), []).append(text)
    lines = [f"{place.cluster}/{place.name} {' '.join(shares[place.key])}" for place in places if place.key in shares]
    return "\n".join(lines)


class _Wrong:
    """What is wrong so far, by the rule's field."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}

    def add(self, field: str, text: str) -> None:
        self.found.setdefault(field, []).append(text)

    def demand(self) -> None:
        if self.found:
            raise errors.Refused(self.found)


def _amounts(pairs: Any, wrong: _Wrong, at: str = "") -> dict[str, int]:
    found: dict[str, int] = {}
    for typed, quantity in pairs:
        if not quantity.strip():
            continue
        try:
            name = resources.name_of(typed)
            found[name] = resources.parse(name, quantity)
        except resources.UnknownResource:
            wrong.add(at or OTHERS, _("%s: Kubernetes has no quota for this.") % typed[:120])
        except resources.BadAmount:
            wrong.add(at or f"pool.{typed}", _("%s is no amount of this.") % quantity[:64])
    return found


def _lines(label: Any, text: Any) -> forms.CharField:
    return forms.CharField(
        label=label, help_text=text, required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 3})
    )

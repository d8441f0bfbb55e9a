"""Rules that suggest a project for namespaces without one."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from clusters.kube import label_selector
from clusters.projects import wanting
from clusters.projects.models import ClaimRule, Project
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import Actor


def create(
    *, project: Project, prefix: str = "", label: str = "", clusters: str = "", by: Actor, at: datetime
) -> ClaimRule:
    """Suggest the project for namespaces whose name begins so, or that bear the label (`key=value`).

    Raises `Refused` at "prefix", "label" and "clusters", and `Conflict` for a rule that is there.
    """
    key, _sign, value = label.strip().partition("=")
    wrong = _wrong(prefix.strip(), key, value, clusters)
    if wrong:
        raise errors.Refused(wrong)
    rule = ClaimRule(
        project=project,
        prefix=prefix.strip(),
        label_key=key,
        label_value=value,
        clusters=clusters.strip(),
        created_by=by.label,
        created_at=at,
    )
    with transaction.atomic():
        try:
            with transaction.atomic():
                rule.save(force_insert=True)
        except IntegrityError:
            raise errors.Conflict.one("", _("This rule is there already.")) from None
        after = {"rule": rule.text, "clusters": rule.clusters}
        audit.record("projects.rule.create", by=by, on=project.as_subject(), after=after)
    return rule


def delete(*, rule: ClaimRule, by: Actor) -> None:
    """Forget a rule; what was put into projects by it stays there."""
    with transaction.atomic():
        before = {"rule": rule.text, "clusters": rule.clusters}
        audit.record("projects.rule.delete", by=by, on=rule.project.as_subject(), before=before)
        rule.delete()


def _wrong(prefix: str, key: str, value: str, clusters: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    if bool(prefix) == bool(key):
        found["prefix"] = [_("Give either the beginning of a name or a label.")]
    elif prefix and not wanting.NAME.fullmatch(f"{prefix}x"):
        found["prefix"] = [_("No name of a namespace begins like this.")]
    elif key and not wanting.is_label(key, value):
        found["label"] = [_("Write key=value, as Kubernetes takes it.")]
    try:
        label_selector.parse(clusters)
    except label_selector.BadSelector as bad:
        found["clusters"] = [str(bad)]
    return found

"""What an answer of a cluster means for the object it is about. Pure."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils.translation import gettext as _

from clusters.applying.models import State
from clusters.kube import errors, writing_errors

# What nobody needs to wait for is tried again then.
SOON, LATER = timedelta(seconds=30), timedelta(minutes=5)
NEVER = timedelta(days=1)


@dataclass(frozen=True)
class Meaning:
    """`ends_pass`: the cluster as a whole does not take anything now. `lost_uid`: the life that was written is over."""

    state: str
    code: str
    text: str
    again: timedelta
    ends_pass: bool = False
    lost_uid: bool = False


# Errors that say nothing about the object but that the cluster, or the way to it, is not there.
AWAY = (
    errors.NameNotResolved,
    errors.AddressRefused,
    errors.Unreachable,
    errors.TlsFailed,
    errors.Unauthorized,
    errors.TooManyRequests,
    errors.ServerError,
    errors.CutShort,
    errors.DeadlinePassed,
    errors.OutcomeUnknown,
)


def meaning(error: errors.KubeError) -> Meaning:  # noqa: PLR0911 - a table of answers, one line each
    """Return what to note; words of the server are never among it."""
    if isinstance(error, AWAY):
        text = _("The cluster does not answer now.")
        code = "credential" if isinstance(error, errors.Unauthorized) else "cluster"
        return Meaning(State.WAITING, code, text, SOON, ends_pass=True)
    if isinstance(error, writing_errors.Stale):
        if error.which == "uid":
            return Meaning(State.WAITING, "other_life", _("It was deleted, or made again."), SOON, lost_uid=True)
        return Meaning(State.WAITING, "stale", _("It changed a moment ago; it is looked at again."), SOON)
    if isinstance(error, writing_errors.Conflict):
        managers = ", ".join(sorted({each.manager for each in error.fields}))[:150]
        return Meaning(State.FAILED, "conflict", _("Somebody else manages it too: %s.") % managers, LATER)
    if isinstance(error, writing_errors.Terminating):
        return Meaning(State.WAITING, "terminating", _("The namespace is being deleted."), LATER)
    if isinstance(error, writing_errors.Missing):
        return _missing(error)
    if isinstance(error, writing_errors.Denied):
        return Meaning(State.FAILED, "denied", _("A policy of the cluster refuses it: %s.") % error.by[:150], LATER)
    if isinstance(error, errors.Forbidden):
        return Meaning(State.WAITING, "rights", _("Paddock's account there lacks the right to write it."), LATER)
    if isinstance(error, (writing_errors.Invalid, writing_errors.Malformed)):
        return Meaning(State.FAILED, error.code, _("The cluster does not understand what is to be written."), NEVER)
    return Meaning(State.FAILED, error.code, _("The cluster refuses it."), LATER)


def _missing(error: writing_errors.Missing) -> Meaning:
    texts = {
        "namespace": _("The namespace is not there."),
        "role": _("The role that it gives is not there: apply the manifest of the cluster again."),
        "kind": _("The cluster does not know this kind of object."),
    }
    text = texts.get(error.what, _("It is not there."))
    return Meaning(State.WAITING, f"no_{error.what}", text, LATER, lost_uid=error.what in ("object", "namespace"))

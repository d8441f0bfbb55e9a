"""Deleting one foreign object, by its uid."""

from uuid import UUID

from django.conf import settings

from clusters.applying import door
from clusters.applying.models import Foreign
from clusters.kube import writing, writing_errors
from clusters.kube.objects.table import BY_NAME
from clusters.kube.writing import Precondition, Target

SECONDS = 30.0


def remove(foreign_id: UUID) -> bool:
    """Delete the object if it is the one that was decided about. False where it was gone. Raises `KubeError`."""
    found = Foreign.objects.select_related("cluster").get(pk=foreign_id)
    target = Target.of(BY_NAME[found.kind], found.name, namespace=found.namespace)
    talk = writing.delete(target, only_if=Precondition(found.uid))
    try:
        writing.perform(door.connection(found.cluster), talk, deadline=SECONDS, allow_loopback=settings.ALLOW_LOOPBACK)
    except (writing_errors.Missing, writing_errors.Stale):
        return False
    return True

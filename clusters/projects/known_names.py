"""What people and outside groups are called in one cluster: by its sign-in, else not at all."""

from collections.abc import Collection
from uuid import UUID

from clusters.projects.members import Holder, Named


def of_cluster(cluster_id: UUID, holders: Collection[Holder]) -> Named:
    """Return the subjects that may be written there, and who is none; nobody where its sign-in is not known."""
    return Named()

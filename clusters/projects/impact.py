"""What lies in a scope, for whoever is about to give rights on it (`ROLE_IMPACT`)."""

from datetime import datetime

from clusters.inventory.models import Namespace
from clusters.projects.models import Project, ProjectTenure
from clusters.registry.models import Cluster
from portal.access.scopes import Person, Scopes
from portal.accounts.bindings.impact import Estate


def touched(person: Person, scopes: Scopes, at: datetime) -> Estate:
    """Return the standing projects that the person may see in the scopes, their live namespaces, and the clusters.

    A scope of a cluster is that cluster, and holds no project.
    """
    projects = Project.objects.visible_to(person).standing()
    if not scopes.everything:
        owned = ProjectTenure.objects.current().filter(team__in=scopes.teams).values_list("project_id", flat=True)
        projects = projects.filter(pk__in=scopes.projects.union(owned))
    namespaces = Namespace.objects.live().filter(project_id__in=projects.values("pk"))
    whole = Cluster.objects.visible_to(person).attached()
    if not scopes.everything:
        whole = whole.filter(pk__in=scopes.clusters)
    seen = set(namespaces.values_list("cluster_id", flat=True).distinct()) | set(whole.values_list("pk", flat=True))
    return Estate(projects.count(), namespaces.count(), len(seen))

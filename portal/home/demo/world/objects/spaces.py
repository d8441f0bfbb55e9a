"""Namespaces with their quotas and Services."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from portal.home.demo.catalogue.shapes import Space
from portal.home.demo.world.chance import Chance
from portal.home.demo.world.lives import Lived, SiteLife
from portal.home.demo.world.objects import parts
from portal.home.demo.world.objects.parts import Body, stamp

RANCHER_CLUSTER = "c-m-4fk7wq2z"
_RANCHER_PROJECTS = {"system": "p-7tq2x", "shop": "p-k4m9d", "payments": "p-z8c5h"}
_TERMINATING = timedelta(minutes=50)


def of(space: Space, life: SiteLife, seed: int) -> Iterator[tuple[str, Body]]:
    """Yield the namespace and what belongs to it as a whole."""
    born = life.born(space) - timedelta(minutes=12)
    yield "namespaces", _namespace(space, life, born)
    apps = [lived for lived in life.apps if lived.space is space]
    chance = Chance(seed, life.site.slug, space.name, "services")
    if space.quota:
        yield "resourcequotas", _quota(space, apps, chance, born)
    for lived in apps:
        if lived.app.kind in ("Deployment", "StatefulSet"):
            yield "services", _service(space, lived.app.name, born, chance, headless=lived.app.kind == "StatefulSet")
    for name in space.balancers:
        yield "services", _balancer(space, name, life, chance, born)


def _namespace(space: Space, life: SiteLife, born: datetime) -> Body:
    labels = {"kubernetes.io/metadata.name": space.name, **dict(space.labels)}
    annotations = {}
    if space.rancher:
        annotations["field.cattle.io/projectId"] = f"{RANCHER_CLUSTER}:{_RANCHER_PROJECTS[space.rancher]}"
    head = parts.metadata(space.name, life.spaces[space.name], born, labels=labels, annotations=annotations)
    if space.terminating:
        head["deletionTimestamp"] = stamp(life.at - _TERMINATING)
    return {"metadata": head, "status": {"phase": "Terminating" if space.terminating else "Active"}}


def _quota(space: Space, apps: list[Lived], chance: Chance, born: datetime) -> Body:
    assert space.quota is not None
    cores, memory, pods = space.quota
    present = [run for lived in apps for run in lived.present() if run.state not in ("succeeded", "failed")]
    hard = {"requests.cpu": str(cores), "requests.memory": f"{memory}Gi", "pods": str(pods)}
    used = {
        "requests.cpu": f"{sum(run.app.cpu for run in present)}m",
        "requests.memory": f"{sum(run.app.memory for run in present)}Mi",
        "pods": str(len(present)),
    }
    return {
        "metadata": parts.metadata("team-quota", chance.uid(), born, namespace=space.name),
        "spec": {"hard": hard},
        "status": {"hard": hard, "used": used},
    }


def _service(space: Space, name: str, born: datetime, chance: Chance, *, headless: bool) -> Body:
    address = "None" if headless else f"10.43.{chance.within(0, 255)}.{chance.within(2, 254)}"
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    return {
        "metadata": parts.metadata(name, chance.uid(), born, namespace=space.name),
        "spec": {"type": "ClusterIP", "clusterIP": address, "ports": ports},
        "status": {"loadBalancer": {}},
    }


def _balancer(space: Space, name: str, life: SiteLife, chance: Chance, born: datetime) -> Body:
    if life.site.distribution == "eks":
        given = {"hostname": f"{chance.digits(12)}.elb.{life.site.region}.example.com"}
    else:
        given = {"ip": f"192.0.2.{chance.within(10, 250)}"}
    address = f"10.43.{chance.within(0, 255)}.{chance.within(2, 254)}"
    ports = [{"name": "https", "port": 443, "targetPort": "https"}]
    return {
        "metadata": parts.metadata(f"{name}-lb", chance.uid(), born, namespace=space.name),
        "spec": {"type": "LoadBalancer", "clusterIP": address, "ports": ports},
        "status": {"loadBalancer": {"ingress": [given]}},
    }

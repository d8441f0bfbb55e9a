"""What the fold makes of facts."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from billing.metering import folding, selectors, services
from billing.metering.lives import Measure
from billing.metering.models import LabelSet, PriceKey, Segment
from billing.metering.rows import Key
from clusters.inventory.models import ChargedFact, Namespace, Pod
from clusters.registry.models import Cluster, State
from portal.core.actors import SYSTEM
from portal.jobs import runner
from portal.jobs import services as jobs
from tests.billing.metering.feed import GIB, START, at, attach, confirm, fold, image, spans, tell

pytestmark = pytest.mark.django_db


@pytest.fixture
def cluster() -> Cluster:
    """One attached cluster."""
    return attach()


def test_an_appearing_pod_opens_a_segment_at_its_start(cluster: Cluster) -> None:
    tell(cluster, "pod", "p", 5, start=2, owner_kind="Deployment", owner_name="web")
    done = fold(cluster)
    one = Segment.objects.get()
    assert (one.starts_at, one.ends_at, one.seen_at) == (at(2), None, at(5))
    assert (one.cpu_m, int(one.memory_bytes), one.owner_kind, one.owner_name) == (500, GIB, "Deployment", "web")
    assert (one.namespace_uid, one.node_uid, one.price_key_id) == ("ns-1", "n-1", None)
    assert not ChargedFact.objects.exists()
    assert done.as_result() == {"facts": 1, "segments": 1}


def test_a_resize_closes_one_and_opens_the_next_when_it_was_seen(cluster: Cluster) -> None:
    tell(cluster, "pod", "p", 5)
    tell(cluster, "pod", "p", 20, cpu_m=800)
    fold(cluster)
    assert spans(cluster, "p") == [(0, 20, ""), (20, None, "")]
    assert list(Segment.objects.order_by("starts_at").values_list("cpu_m", flat=True)) == [500, 800]


def test_a_resize_never_begins_before_the_former_start(cluster: Cluster) -> None:
    tell(cluster, "pod", "p", 5, start=8)
    tell(cluster, "pod", "p", 6, start=8, cpu_m=800)
    fold(cluster)
    assert spans(cluster, "p") == [(8, None, "")]
    assert Segment.objects.get().cpu_m == 800


def test_a_restart_changes_nothing(cluster: Cluster) -> None:
    tell(cluster, "pod", "p", 5)
    tell(cluster, "pod", "p", 30, start=29)
    fold(cluster)
    assert spans(cluster, "p") == [(0, None, "")]


def test_an_end_closes_at_its_instant(cluster: Cluster) -> None:
    tell(cluster, "pod", "p", 5)
    fold(cluster)
    tell(cluster, "pod", "p", 40, end=38)
    fold(cluster)
    assert spans(cluster, "p") == [(0, 38, "")]


def test_an_end_before_a_resize_that_was_seen_takes_the_resize_back(cluster: Cluster) -> None:
    tell(cluster, "pod", "p", 5)
    tell(cluster, "pod", "p", 20, cpu_m=800)
    fold(cluster)
    tell(cluster, "pod", "p", 25, end=18, cpu_m=800)
    fold(cluster)
    assert spans(cluster, "p") == [(0, 18, "")]
    assert Segment.objects.get().cpu_m == 500


def test_a_pod_that_ran_for_no_time_leaves_nothing(cluster: Cluster) -> None:
    tell(cluster, "pod", "p", 5, start=3, end=3)
    fold(cluster)
    assert spans(cluster, "p") == []
    assert not ChargedFact.objects.exists()


def test_a_short_pod_is_charged_its_seconds(cluster: Cluster) -> None:
    tell(cluster, "pod", "p", 5, start=3, end=3.5)
    fold(cluster)
    assert spans(cluster, "p") == [(3, 3.5, "")]


def test_a_missed_end_is_flagged_and_undone_when_the_thing_is_seen_again(cluster: Cluster) -> None:
    tell(cluster, "pod", "p", 5)
    tell(cluster, "pod", "p", 30, end=20, end_flag="missed")
    fold(cluster)
    assert spans(cluster, "p") == [(0, 20, "missed")]
    tell(cluster, "pod", "p", 50)
    fold(cluster)
    assert spans(cluster, "p") == [(0, None, "")]


def test_a_later_end_moves_the_one_that_was_known(cluster: Cluster) -> None:
    tell(cluster, "pod", "p", 5, end=4)
    tell(cluster, "pod", "p", 9, end=7)
    tell(cluster, "pod", "p", 12, end=6)
    fold(cluster)
    assert spans(cluster, "p") == [(0, 6, "")]


def test_a_load_balancer_that_comes_back_begins_anew(cluster: Cluster) -> None:
    tell(cluster, "load_balancer", "lb", 1)
    tell(cluster, "load_balancer", "lb", 10, end=10)
    tell(cluster, "load_balancer", "lb", 30, start=30)
    fold(cluster)
    assert spans(cluster, "lb") == [(0, 10, ""), (30, None, "")]
    assert set(Segment.objects.values_list("units", flat=True)) == {1000}


def test_facts_out_of_order_are_ignored(cluster: Cluster) -> None:
    tell(cluster, "pod", "p", 20, cpu_m=800)
    tell(cluster, "pod", "p", 10)
    tell(cluster, "pod", "p", 40, end=38)
    tell(cluster, "pod", "p", 30)
    fold(cluster)
    assert spans(cluster, "p") == [(0, 38, "")]
    assert Segment.objects.get().cpu_m == 800


def test_facts_told_twice_change_nothing(cluster: Cluster) -> None:
    story: list[dict[str, Any]] = [{"seen": 5}, {"seen": 20, "cpu_m": 800}, {"seen": 40, "end": 38, "cpu_m": 800}]
    for one in story:
        tell(cluster, "pod", "p", **one)
    fold(cluster)
    before = image(cluster)
    for one in story:
        tell(cluster, "pod", "p", **one)
    fold(cluster)
    assert image(cluster) == before
    assert fold(cluster).facts == 0


def test_a_node_has_a_price_key_and_keeps_its_machine(cluster: Cluster) -> None:
    tell(cluster, "node", "n-1", 1, region="eu", capacity_class="spot", provider_id="aws:///i-1", reserved_cpu_m=100)
    tell(cluster, "node", "n-2", 1, region="eu", capacity_class="spot", provider_id="aws:///i-2")
    fold(cluster)
    key = PriceKey.objects.get()
    columns = (key.asset, key.instance_type, key.region, key.capacity_class, key.storage_class, key.provider_id)
    assert columns == ("node", "m5.xlarge", "eu", "spot", "", "")
    found = Segment.objects.get(uid="n-1")
    assert (found.price_key_id, found.provider_id, found.reserved_cpu_m) == (key.pk, "aws:///i-1", 100)
    services.own_keys(cluster_id=cluster.pk, provider_ids=["aws:///i-2", "aws:///i-9"])
    services.own_keys(cluster_id=cluster.pk, provider_ids=["aws:///i-2", "aws:///i-9"])
    assert list(PriceKey.objects.exclude(pk=key.pk).values_list("instance_type", "provider_id")) == [
        ("m5.xlarge", "aws:///i-2")
    ]


def test_a_node_that_turns_spot_changes_its_price_key_then(cluster: Cluster) -> None:
    tell(cluster, "node", "n-1", 1, capacity_class="on_demand")
    tell(cluster, "node", "n-1", 30, capacity_class="spot")
    fold(cluster)
    assert spans(cluster, "n-1") == [(0, 30, ""), (30, None, "")]
    keys = Segment.objects.order_by("starts_at").values_list("price_key__capacity_class", flat=True)
    assert list(keys) == ["on_demand", "spot"]


def test_a_pod_finds_a_node_that_is_known_later(cluster: Cluster) -> None:
    tell(cluster, "pod", "p", 5, node_uid="")
    fold(cluster)
    assert Segment.objects.get().node_uid == ""
    tell(cluster, "node", "n-7", 6, name="node-1")
    fold(cluster)
    assert Segment.objects.get(uid="p").node_uid == "n-7"
    tell(cluster, "pod", "p", 20, node_uid="n-7", cpu_m=800)
    fold(cluster)
    assert list(Segment.objects.filter(uid="p").values_list("node_uid", flat=True)) == ["n-7", "n-7"]
    assert len(spans(cluster, "p")) == 2


def test_a_pod_finds_a_node_told_after_it_in_the_same_fold(cluster: Cluster) -> None:
    tell(cluster, "pod", "p", 5, node_uid="")
    tell(cluster, "node", "old", 6, name="node-1", end=3)
    tell(cluster, "node", "new", 6, name="node-1", start=4)
    fold(cluster, batch=1)
    assert Segment.objects.get(uid="p").node_uid == "old"


def test_learning_the_machine_is_no_change(cluster: Cluster) -> None:
    tell(cluster, "pod", "p", 5, node_uid="")
    tell(cluster, "pod", "p", 9, node_uid="n-1")
    tell(cluster, "pod", "p", 12, node_uid="")
    fold(cluster)
    assert spans(cluster, "p") == [(0, None, "")]
    assert Segment.objects.get().node_uid == "n-1"


def test_a_released_volume_stays_with_its_last_namespace(cluster: Cluster) -> None:
    tell(cluster, "volume", "v", 1, claim_namespace_uid="")
    tell(cluster, "volume", "v", 10)
    tell(cluster, "volume", "v", 20, claim_namespace_uid="")
    tell(cluster, "volume", "v", 30, storage_bytes=20 * GIB)
    fold(cluster)
    found = Segment.objects.order_by("starts_at").values_list("namespace_uid", "storage_bytes")
    assert [(uid, int(size) // GIB) for uid, size in found] == [("", 10), ("ns-1", 10), ("ns-1", 20)]


def test_namespaces_are_named_now_or_later(cluster: Cluster) -> None:
    tell(cluster, "pod", "p", 1)
    fold(cluster)
    assert Segment.objects.get().namespace_name == ""
    Namespace.objects.create(
        cluster=cluster, uid="ns-1", name="shop", observed_at=START, phase="Active", rancher_project=""
    )
    tell(cluster, "pod", "q", 2)
    fold(cluster)
    assert set(Segment.objects.values_list("namespace_name", flat=True)) == {"shop"}


def test_labels_are_kept_once(cluster: Cluster) -> None:
    for uid in "abc":
        tell(cluster, "pod", uid, 1, labels={"team": "shop", "tier": "web"} if uid != "c" else {})
    tell(cluster, "pod", "d", 1, labels={"tier": "web", "team": "shop"})
    fold(cluster)
    assert LabelSet.objects.get().labels == {"team": "shop", "tier": "web"}
    assert Segment.objects.filter(label_set=LabelSet.objects.get()).count() == 3


def test_same_uid_in_two_clusters_is_two_things(cluster: Cluster) -> None:
    other = attach("stage")
    for one in (cluster, other):
        tell(one, "pod", "p", 1)
        fold(one)
    assert spans(cluster, "p") == spans(other, "p") == [(0, None, "")]


def test_a_fold_killed_between_its_batches_goes_on_where_it_was(cluster: Cluster) -> None:
    for number in range(10):
        tell(cluster, "pod", f"p-{number}", 1)
        tell(cluster, "pod", f"p-{number}", 9, cpu_m=700)

    def die(done: int) -> None:
        if done >= 6:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        folding.fold_facts(cluster.pk, alive=die, batch=3)
    assert ChargedFact.objects.count() == 14
    fold(cluster, batch=3)
    assert Segment.objects.count() == 20
    assert Segment.objects.open().count() == 10


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_fails_keeps_its_facts(cluster: Cluster) -> None:
    tell(cluster, "pod", "p", 1)
    tell(cluster, "pod", "q", 2, cpu_m=-1)
    with pytest.raises(IntegrityError):
        fold(cluster)
    assert ChargedFact.objects.count() == 2
    assert not Segment.objects.exists()


def test_a_detached_cluster_ends_at_its_last_confirmation(cluster: Cluster) -> None:
    tell(cluster, "pod", "p", 1)
    tell(cluster, "pod", "late", 55, start=54)
    tell(cluster, "node", "n-1", 1)
    confirm(cluster, at(58), node=at(50))
    Cluster.objects.update(state=State.DETACHED, credential="", detached_at=at(60))
    services.fold(cluster_id=cluster.pk, at=at(90))
    assert spans(cluster, "p") == spans(cluster, "n-1") == [(0, 50, "detached")]
    assert spans(cluster, "late") == []
    assert selectors.counted_to(cluster.pk, at(90)) == at(50)
    before = image(cluster)
    services.fold(cluster_id=cluster.pk, at=at(120))
    assert image(cluster) == before


def test_a_detached_cluster_that_was_never_confirmed_ends_at_the_detachment(cluster: Cluster) -> None:
    tell(cluster, "pod", "p", 1)
    Cluster.objects.update(state=State.DETACHED, credential="", detached_at=at(60))
    services.fold(cluster_id=cluster.pk, at=at(90))
    assert spans(cluster, "p") == [(0, 60, "detached")]


def test_what_outlived_a_detachment_is_charged_from_the_return(cluster: Cluster) -> None:
    common: dict[str, Any] = {"cluster": cluster, "observed_at": START, "started_at": START}
    pod = Pod(
        **common,
        uid="p",
        name="p",
        namespace_name="shop",
        node="node-1",
        phase="Running",
        cpu_m=500,
        memory_bytes=GIB,
        gpu_m=0,
        restarts=0,
        containers=1,
        containers_ready=1,
    )
    pod.save()
    Pod(**{**_columns(pod), "uid": "gone", "gone_at": at(70)}).save()
    for uid in ("p", "gone"):
        tell(cluster, "pod", uid, 1)
    confirm(cluster, at(50))
    Cluster.objects.update(state=State.DETACHED, credential="", detached_at=at(60))
    services.fold(cluster_id=cluster.pk, at=at(61))
    Cluster.objects.update(state=State.ATTACHED, credential="x", attached_at=at(100), detached_at=None)
    services.fold(cluster_id=cluster.pk, at=at(101))
    assert spans(cluster, "p") == [(0, 50, "detached")]
    confirm(cluster, at(105))
    assert selectors.clusters_due(at(106)) == [cluster.pk]
    for _again in range(2):
        services.fold(cluster_id=cluster.pk, at=at(106))
    assert spans(cluster, "p") == [(0, 50, "detached"), (100, None, "")]
    assert spans(cluster, "gone") == [(0, 50, "detached")]


def _columns(pod: Pod) -> dict[str, Any]:
    return {field.attname: getattr(pod, field.attname) for field in Pod._meta.concrete_fields if field.attname != "id"}


def test_a_thing_seen_anew_after_a_detachment_begins_when_it_is_seen(cluster: Cluster) -> None:
    tell(cluster, "pod", "p", 1)
    fold(cluster)
    folding.close_open(cluster.pk, at=at(50))
    tell(cluster, "pod", "p", 110, cpu_m=800)
    fold(cluster)
    assert spans(cluster, "p") == [(0, 50, "detached"), (110, None, "")]


def test_counted_to_is_the_oldest_confirmation(cluster: Cluster) -> None:
    assert selectors.counted_to(cluster.pk, at(60)) is None
    confirm(cluster, at(58), service=at(40))
    assert selectors.confirmed(cluster.pk, at(50)) == selectors.Confirmed(at(40), ("service",))
    assert selectors.confirmed(cluster.pk, at(30)) == selectors.Confirmed(at(30), ())


def test_clusters_are_due_while_something_waits(cluster: Cluster) -> None:
    idle = attach("idle")
    assert selectors.clusters_due(at(1)) == []
    tell(cluster, "pod", "p", 1)
    assert selectors.clusters_due(at(1)) == [cluster.pk]
    fold(cluster)
    assert selectors.clusters_due(at(1)) == []
    Cluster.objects.filter(pk=cluster.pk).update(state=State.DETACHED, credential="", detached_at=at(2))
    assert selectors.clusters_due(at(3)) == [cluster.pk]
    services.fold(cluster_id=cluster.pk, at=at(3))
    assert selectors.clusters_due(at(3)) == []
    assert idle.state == State.ATTACHED


def test_the_job_folds(cluster: Cluster) -> None:
    tell(cluster, "pod", "p", 1)
    job = jobs.enqueue("billing.metering.fold", key=str(cluster.pk), by=SYSTEM, cluster_id=str(cluster.pk))
    assert runner.run(job.pk) == "succeeded"
    job.refresh_from_db()
    assert job.result == {"facts": 1, "segments": 1}


def test_the_past_is_written_whole_or_not_at_all(cluster: Cluster) -> None:
    node = services.Past("node", "n", "n", at(0), at(30), Key("node", "m5.xlarge"), measure=Measure(cpu_m=4000))
    pod = services.Past(
        "pod", "p", "p", at(0), None, namespace_name="shop", measure=Measure(cpu_m=5), labels=(("team", "shop"),)
    )
    assert services.write_segments(cluster_id=cluster.pk, past=[node, pod], at=at(60)) == 2
    assert Segment.objects.get(uid="n").price_key == PriceKey.objects.get(instance_type="m5.xlarge")
    assert Segment.objects.get(uid="p").label_set == LabelSet.objects.get()
    overlapping = services.Past("pod", "p", "p", at(20), at(40))
    with pytest.raises(IntegrityError), transaction.atomic():
        services.write_segments(
            cluster_id=cluster.pk, past=[services.Past("pod", "q", "q", at(0), at(1)), overlapping], at=at(60)
        )
    assert not Segment.objects.filter(uid="q").exists()
    services.erase(cluster_ids=[cluster.pk])
    assert not Segment.objects.exists()


@pytest.mark.parametrize(
    ("name", "second"),
    [
        ("segment_no_overlap", {"starts_at": at(5), "ends_at": at(15)}),
        ("segment_no_overlap", {"starts_at": at(5), "ends_at": None}),
        ("segment_no_overlap", {"starts_at": at(-5), "ends_at": at(1)}),
        ("segment_once", {"starts_at": at(0), "ends_at": at(3)}),
        ("segment_has_length", {"starts_at": at(20), "ends_at": at(20)}),
        ("segment_kind_known", {"kind": "dream", "starts_at": at(20)}),
        ("segment_end_flag_known", {"starts_at": at(20), "ends_at": at(30), "end_flag": "lost"}),
        ("segment_open_has_no_flag", {"starts_at": at(20), "end_flag": "missed"}),
        ("segment_priced_by_kind", {"kind": "node", "starts_at": at(20)}),
        ("segment_quantities_positive", {"starts_at": at(20), "gpu_m": -1}),
    ],
)
def test_the_database_refuses(cluster: Cluster, name: str, second: dict[str, Any]) -> None:
    common: dict[str, Any] = {"cluster": cluster, "kind": "pod", "uid": "p", "name": "p", "seen_at": at(0)}
    Segment.objects.create(**common, starts_at=at(0), ends_at=at(10))
    Segment.objects.create(**{**common, "uid": "other"}, starts_at=at(5), ends_at=at(9))
    Segment.objects.create(**common, starts_at=at(10), ends_at=at(10) + timedelta(seconds=1))
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Segment.objects.create(**{**common, **second})

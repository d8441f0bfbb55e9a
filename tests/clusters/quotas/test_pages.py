"""The quota's page, deciding with a preview, asking for more: who may, what is shown, what is refused."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from clusters.inventory.models import Node, Occurrence
from clusters.projects.models import Project, Team
from clusters.quotas.models import QuotaPlan, QuotaRequest, QuotaShare
from clusters.quotas.pool import Key
from clusters.quotas.services import asking
from portal.access.scopes import ScopeKind
from portal.accounts.models import User
from portal.core import clock
from tests.clusters.quotas.conftest import GIB, a_pod, a_quota, row_of
from tests.clusters.quotas.test_plans import CPU, decide
from tests.factories.rivals import filled, give
from tests.people import client_of, person

pytestmark = pytest.mark.django_db
EXCEEDED = (
    'Error creating: pods "web-6d-x" is forbidden: exceeded quota: paddock, requested: requests.cpu=500m, '
    "used: requests.cpu=3800m, limited: requests.cpu=4"
)


@pytest.fixture
def tina(team: Team) -> User:
    """Owner of the team: decides on limits."""
    tina = person("tina")
    give(tina, "team_owner", ScopeKind.TEAM, team)
    return tina


@pytest.fixture
def olga(project: Project) -> User:
    """Owner of the project: asks for more."""
    olga = person("olga")
    give(olga, "project_owner", ScopeKind.PROJECT, project)
    return olga


def url(project: Project, more: str = "") -> str:
    return f"/projects/{project.slug}/quota/{more}"


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def refuse(key: Key, message: str = EXCEEDED, **more: Any) -> Occurrence:
    """A controller's report."""
    at = clock.now()
    given = {
        "involved_kind": "ReplicaSet",
        "involved_namespace": row_of(key).name,
        "involved_name": "web-6d",
        "involved_uid": "u",
        "reason": "FailedCreate",
        "type": "Warning",
        "message": message,
        "source": "replicaset-controller",
        "count": 7,
        "first_at": at - timedelta(minutes=20),
        "last_at": at - timedelta(minutes=1),
    }
    return Occurrence.objects.create(cluster_id=key[0], namespace=row_of(key), **{**given, **more})


def plan_form(**more: str) -> dict[str, str]:
    return {"mode": "pool", "version": "0", "amount:requests.cpu": "4", "amount:pods": "20", "do": "save", **more}


def test_a_project_without_limits_says_so_and_who_may_sets_them(project: Project, tina: User, olga: User) -> None:
    assert "Nothing limits what this project uses." in text_of(client_of(olga).get(url(project)))
    assert "Set limits" not in text_of(client_of(olga).get(url(project)))
    assert "Set limits" in text_of(client_of(tina).get(url(project)))


def test_strangers_find_nothing_and_an_owner_of_the_project_decides_nothing(
    project: Project, shop: Key, dan: User, olga: User
) -> None:
    for page in ("", "plan/", "more/"):
        assert client_of(dan).get(url(project, page)).status_code == 404
    assert client_of(olga).get(url(project, "plan/")).status_code == 404
    assert client_of(olga).post(url(project, "plan/"), plan_form()).status_code == 404
    assert not QuotaPlan.objects.exists()


def test_a_preview_names_what_no_longer_fits_and_changes_nothing(
    project: Project, shop: Key, cart: Key, tina: User
) -> None:
    a_pod(shop, "web-1", cpu_m=1900)
    a_pod(cart, "bare-1", cpu_m=0, workload="bare")
    a_quota(cart, {"requests.cpu": "200m"}, {"requests.cpu": "0"}, name="tight")
    fixed = {"mode": "fixed", "amount:requests.cpu": "2"}
    answer = client_of(tina).post(url(project, "plan/"), plan_form(**fixed, do="show"))
    assert answer.status_code == 200
    by_name = {one.name: one for one in answer.context["effect"]}
    assert by_name["shop"].no_longer_fit == ("Deployment web",)
    assert by_name["cart"].without_requests == ("Deployment bare",)
    assert by_name["cart"].narrower == ("tight",)
    assert not QuotaPlan.objects.exists()
    with_default = plan_form(**fixed, do="show", **{"bound:cpu:default": "100m"})
    (shown,) = (
        one for one in client_of(tina).post(url(project, "plan/"), with_default).context["effect"] if one.name == "cart"
    )
    assert shown.without_requests == ()


def test_a_plan_is_saved_and_shown_with_its_bars(
    project: Project, shop: Key, cart: Key, tina: User, olga: User
) -> None:
    assert client_of(tina).post(url(project, "plan/"), plan_form(**{"others": "count/jobs.batch=9"})).status_code == 302
    plan = QuotaPlan.objects.get()
    assert plan.pool_target == {CPU: 4000, "pods": 20, "count/jobs.batch": 9}
    a_pod(shop, "web-1", cpu_m=1500)
    answer = client_of(olga).get(url(project))
    bars = {bar.resource: bar for bar in answer.context["bars"]}
    assert (bars[CPU].used, bars[CPU].limit, bars[CPU].bar.requested) == (1500, 4000, 37.5)
    assert "1.5 cores" in text_of(answer)
    assert "Number of jobs.batch" in text_of(answer)
    assert "Ask for more" in text_of(answer)
    assert "Change limits" not in text_of(answer)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"amount:requests.cpu": "lots"}, "amount:requests.cpu"),
        ({"amount:pods": "1.5"}, "amount:pods"),
        ({"amount:requests.cpu": "-1"}, "amount:requests.cpu"),
        ({"amount:requests.cpu": "100m"}, "amount:requests.cpu"),
        ({"others": "cats=3"}, "others"),
        ({"others": "pods"}, "amount:pods"),
        ({"mode": "fixed", "own": "east/nowhere pods=3"}, "own"),
        ({"mode": "fixed", "own": "east/shop pods=many"}, "own"),
        ({"mode": "x"}, "mode"),
        ({"bound:cpu:default": "much"}, "bound:cpu:default"),
        ({"version": "3"}, "amount:requests.cpu"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(
    project: Project, shop: Key, cart: Key, tina: User, given: dict[str, str], field: str
) -> None:
    answer = client_of(tina).post(url(project, "plan/"), plan_form(**given))
    assert answer.status_code in (409, 422)
    form = answer.context["form"]
    assert field in form.errors, form.errors
    assert form.data["amount:requests.cpu"] == given.get("amount:requests.cpu", "4")
    assert not QuotaPlan.objects.exists()


def test_what_was_refused_stands_on_top_with_quota_reason_and_remedy(
    project: Project, shop: Key, cart: Key, olga: User
) -> None:
    decide(project)
    refuse(shop)
    refuse(cart, EXCEEDED.replace("quota: paddock", "quota: their-own"), involved_uid="v")
    refuse(cart, "Error creating: pods is forbidden: <script>something else</script>", involved_uid="w")
    refuse(
        cart,
        'Error creating: pods "a" is forbidden: failed quota: paddock: must specify limits.memory for: app',
        involved_uid="x",
    )
    answer = client_of(olga).get(url(project))
    text = text_of(answer)
    found = {(one.quota, one.ours): one for one in answer.context["refused"]}
    assert set(found) == {("paddock", True), ("their-own", False)}
    assert "CPU requested: 0.5 cores asked for, 3.8 cores of 4 cores in use" in text
    assert "Memory limits is not named by its containers" in text
    assert "This limit is the namespace&#x27;s own" in text
    assert "at least 7 times" in text
    assert "script>something" not in text
    assert text.index("Refused within the last day") < text.index("Use and limits")


def ask_for(client: Client, project: Project, **more: str) -> Any:
    return client.post(url(project, "more/"), {"amount:requests.cpu": "8", "reason": "sale", **more})


def test_a_team_asks_the_approver_sees_the_effect_and_approves(
    project: Project, shop: Key, cart: Key, olga: User, tina: User, ann: User
) -> None:
    decide(project)
    filled(
        Node,
        cluster_id=shop[0],
        name="n",
        ready=True,
        allocatable_cpu_m=16_000,
        allocatable_memory_bytes=64 * GIB,
        allocatable_pods=110,
    )
    a_pod(shop, "web", cpu_m=1000).__class__.objects.update(node="n")
    assert ask_for(client_of(olga), project).status_code == 302
    request = QuotaRequest.objects.get()
    assert "olga has asked for more" in text_of(client_of(olga).get(url(project)))
    assert "more quota for Checkout" in text_of(client_of(olga).get("/requests/"))
    page = text_of(client_of(ann).get("/requests/waiting/"))
    assert "CPU requested from 4 cores to 8 cores." in page
    assert "east has 15 cores" in page
    # What a cluster has left tells of others' use: a team's owner does not see it.
    page = text_of(client_of(tina).get("/requests/waiting/"))
    assert "east has" not in page
    assert "What the clusters have left" in page
    answer = client_of(tina).post(f"/requests/quota/{request.pk}/approve/", {"version": "1"})
    assert answer.status_code == 302
    plan = QuotaPlan.objects.get()
    assert (plan.pool_target[CPU], plan.version, plan.changed_by) == (8000, 2, "tina")
    request.refresh_from_db()
    assert (request.state, request.decided_by) == ("approved", "tina")


def test_nobody_decides_on_their_own_request(project: Project, shop: Key, tina: User) -> None:
    decide(project)
    ask_for(client_of(tina), project)
    request = QuotaRequest.objects.get()
    assert "more quota for Checkout" not in text_of(client_of(tina).get("/requests/waiting/"))
    for what in ("approve", "reject"):
        answer = client_of(tina).post(f"/requests/quota/{request.pk}/{what}/", {"version": "1", "note": "no"})
        assert answer.status_code == 422
    request.refresh_from_db()
    assert request.state == "waiting"


def test_who_may_not_decide_finds_no_request(project: Project, shop: Key, olga: User, dan: User, bob: User) -> None:
    decide(project)
    ask_for(client_of(olga), project)
    request = QuotaRequest.objects.get()
    for user in (dan, bob, olga):
        answer = client_of(user).post(f"/requests/quota/{request.pk}/approve/", {"version": "1"})
        assert answer.status_code == 404
    assert client_of(dan).post(f"/requests/quota/{request.pk}/withdraw/").status_code == 404
    assert client_of(olga).post(f"/requests/quota/{request.pk}/withdraw/").status_code == 302


def test_a_plan_that_changed_under_the_approver_is_a_conflict(
    project: Project, shop: Key, olga: User, tina: User
) -> None:
    decide(project)
    ask_for(client_of(olga), project)
    decide(project, version=1, given={"amounts": {CPU: 5000, "pods": 20}})
    request = QuotaRequest.objects.get()
    assert client_of(tina).post(f"/requests/quota/{request.pk}/approve/", {"version": "1"}).status_code == 409
    request.refresh_from_db()
    assert request.state == "waiting"
    assert QuotaPlan.objects.get().pool_target[CPU] == 5000


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"amount:requests.cpu": "4"}, "amount:requests.cpu"),
        ({"amount:requests.cpu": "x"}, "amount:requests.cpu"),
        ({"amount:requests.cpu": ""}, "__all__"),
        ({"reason": ""}, "reason"),
    ],
)
def test_a_request_for_nothing_more_is_refused(
    project: Project, shop: Key, olga: User, given: dict[str, str], field: str
) -> None:
    decide(project)
    answer = ask_for(client_of(olga), project, **given)
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert not QuotaRequest.objects.exists()


def test_one_request_at_a_time_and_it_expires(project: Project, shop: Key, olga: User) -> None:
    decide(project)
    ask_for(client_of(olga), project)
    assert ask_for(client_of(olga), project).status_code == 409
    assert asking.expire(at=clock.now() + timedelta(days=13)) == 0
    assert asking.expire(at=clock.now() + timedelta(days=14, seconds=1)) == 1
    assert QuotaRequest.objects.get().state == "expired"


def test_limits_are_taken_away_by_who_saw_the_last_version(project: Project, shop: Key, tina: User) -> None:
    decide(project)
    assert client_of(tina).post(url(project, "remove/"), {"version": "7"}).status_code == 409
    assert QuotaPlan.objects.exists()
    assert client_of(tina).post(url(project, "remove/"), {"version": "1"}).status_code == 302
    assert not QuotaPlan.objects.exists()
    assert not QuotaShare.objects.exists()

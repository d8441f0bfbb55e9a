"""Tokens and robots in the browser."""

import html
import re
from typing import Any

import pytest
from django.test import Client

from portal.access.permissions import Permission as P
from portal.accounts.models import User
from portal.core import clock
from portal.core.actors import COMMAND
from portal.tokens.models import Robot, Token
from portal.tokens.services import tokens
from tests.people import client_of
from tests.portal.tokens.conftest import DAY, Estate, ask, give, make, seen

pytestmark = pytest.mark.django_db
OWN, NEW = "/profile/tokens/", "/profile/tokens/new/"
TEXT = re.compile(r"pdk_[0-9a-f]{12}_[A-Za-z0-9_-]{43}")


def text_in(answer: Any) -> str:
    """The token that a page shows."""
    found = TEXT.search(answer.content.decode())
    assert found is not None, answer.content.decode()
    return found.group()


def words(answer: Any) -> str:
    """What a page says, as people read it."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode())))


def sent_of(page: str) -> dict[str, Any]:
    """What the form of a page sends when its button is clicked, as a browser reads it."""
    form = page[page.index('<form class="pd-form"') : page.index("</form>", page.index('<form class="pd-form"'))]
    checked = re.findall(r'<input type="checkbox" name="permissions" value="([^"]+)"[^>]* checked', form)
    scope = re.search(r'<select name="scope".*?</select>', form, re.S)
    days = re.search(r'<select name="days".*?</select>', form, re.S)
    assert scope and days
    options = [re.search(r'value="([^"]*)" selected', part.group()) for part in (scope, days)]
    chosen = [one.group(1) if one else "" for one in options]
    return {"permissions": checked, "scope": chosen[0], "days": chosen[1]}


def test_three_clicks_to_a_scoped_token_with_an_end(bob: User, estate: Estate) -> None:
    give(bob, "project_member", estate.shop)
    browser = client_of(bob)
    first = browser.get(OWN)
    assert "You have no token yet." in words(first)
    assert NEW in first.content.decode()
    second = browser.get(NEW)
    sent = {**sent_of(second.content.decode()), "name": "nightly"}
    assert "project.view" in sent["permissions"]
    assert sent["days"] == "30"
    third = browser.post(NEW, sent)
    assert third.status_code == 200
    assert seen(text_in(third)) == {"checkout"}
    assert "no-store" in third.headers["Cache-Control"]
    after = browser.get(OWN)
    assert not TEXT.search(after.content.decode())
    assert "nightly" in words(after)
    assert "project Checkout" in words(after)
    token = Token.objects.get()
    assert token.expires_at - token.created_at == 30 * DAY


def test_the_preview_follows_the_choices(bob: User, estate: Estate) -> None:
    give(bob, "project_member", estate.shop)
    give(bob, "team_owner", estate.other_team)
    browser = client_of(bob)
    chosen = {
        "scope": f"project/{estate.shop.pk}",
        "permissions": ["project.view", "cost.view"],
        "days": "7",
        "networks": "10.1.0.0/16",
    }
    answer = browser.get(NEW, chosen, headers={"HX-Request": "true"})
    assert "May see projects, see costs, on project Checkout, until " in words(answer)
    assert ", from 10.1.0.0/16." in words(answer)
    assert "<html" not in answer.content.decode()
    of_team = browser.get(NEW, {"scope": f"team/{estate.other_team.pk}"}, headers={"HX-Request": "true"})
    assert "on team Search" in words(of_team)
    assert 'value="team.edit"' in of_team.content.decode()
    assert 'value="team.edit"' not in answer.content.decode()
    for wild in ({"scope": "x/y"}, {"days": "x"}, {"permissions": "nothing"}, {"networks": "<b>", "only": "%00"}):
        odd = browser.get(NEW, wild, headers={"HX-Request": "true"})
        assert odd.status_code == 200
        assert "<b>" not in odd.content.decode()


def test_only_what_one_holds_is_on_offer(bob: User, estate: Estate) -> None:
    give(bob, "project_owner", estate.shop)
    page = client_of(bob).get(NEW).content.decode()
    assert "Checkout" in page
    for word in ("Cart", "Payments", "everything", P.BINDING_EDIT.value, P.ROBOT_EDIT.value, P.PRICE_VIEW.value):
        assert word not in page, word


@pytest.mark.parametrize(
    "change",
    [
        {"scope": "everything"},
        {"scope": "nothing"},
        {"permissions": ["binding.edit"]},
        {"permissions": ["price.edit"]},
        {"permissions": []},
        {"days": "91"},
        {"days": "0"},
        {"networks": "nowhere"},
        {"only": "project/index"},
        {"only": "checkout"},
        {"name": ""},
        {"name": "a\0b"},
    ],
)
def test_what_is_wrong_is_said_and_kept(bob: User, estate: Estate, change: dict[str, Any]) -> None:
    give(bob, "project_owner", estate.shop)
    sent = {
        "name": "typed name",
        "scope": f"project/{estate.shop.pk}",
        "permissions": ["project.view"],
        "days": "30",
        **change,
    }
    answer = client_of(bob).post(NEW, sent)
    assert answer.status_code == 422
    assert not Token.objects.exists()
    if "name" not in change:
        assert "typed name" in answer.content.decode()


def test_somebody_without_rights_is_told(bob: User) -> None:
    assert "no role gives a right" in words(client_of(bob).get(NEW))
    assert client_of(bob).post(NEW, {"name": "x"}).status_code == 422


def test_revoking_is_one_click(bob: User, estate: Estate) -> None:
    give(bob, "project_member", estate.shop)
    token, text = make(bob, estate.shop)
    browser = client_of(bob)
    assert f"{OWN}{token.pk}/revoke/" in browser.get(OWN).content.decode()
    assert browser.post(f"{OWN}{token.pk}/revoke/").status_code == 302
    assert ask(text).status_code == 401
    page = browser.get(OWN)
    assert "Revoked by bob" in words(page)
    assert f"{OWN}{token.pk}/revoke/" not in page.content.decode()


def test_nobody_revokes_anothers(bob: User, cleo: User, ann: User, estate: Estate) -> None:
    give(bob, "project_member", estate.shop)
    token, text = make(bob, estate.shop)
    for other in (cleo, ann):
        assert client_of(other).post(f"{OWN}{token.pk}/revoke/").status_code == 404
        assert client_of(other).delete(f"/api/v1/tokens/{token.pk}/").status_code == 404
    assert ask(text).status_code == 200


def old_session(user: User) -> Client:
    """A browser whose sign-in is some time ago."""
    client = client_of(user)
    session = client.session
    session["authenticated_at"] = int(clock.now().timestamp()) - 601
    session.save()
    return client


def test_making_and_revoking_need_a_sign_in_of_late(bob: User, estate: Estate) -> None:
    give(bob, "project_owner", estate.shop)
    token, text = make(bob, estate.shop)
    browser = old_session(bob)
    assert browser.get(OWN).status_code == 200
    for answer in (browser.get(NEW), browser.post(NEW, {}), browser.post(f"{OWN}{token.pk}/revoke/")):
        assert answer.headers["Location"].startswith("/confirm/")
    refused = browser.delete(f"/api/v1/tokens/{token.pk}/")
    assert (refused.status_code, refused.json()["title"]) == (403, "sign_in_again")
    assert browser.get("/api/v1/tokens/").status_code == 200
    assert ask(text).status_code == 200
    assert browser.get("/robots/new/").headers["Location"].startswith("/confirm/")


def test_administrators_see_and_revoke_everybodys(ann: User, bob: User, estate: Estate) -> None:
    give(bob, "project_member", estate.shop)
    mine, _text = make(ann, None)
    token, text = make(bob, estate.shop, name="bobs")
    browser = client_of(ann)
    assert {"bobs", "report"} <= set(words(browser.get("/tokens/")).split())
    assert browser.post("/tokens/", {"token": [str(token.pk)]}).status_code == 302
    assert ask(text).status_code == 401
    assert Token.objects.get(pk=mine.pk).revoked_at is None
    assert browser.post("/tokens/", {"token": ["x"]}).status_code == 422
    assert client_of(bob).get("/tokens/").status_code == 404
    assert client_of(bob).post("/tokens/", {"token": [str(mine.pk)]}).status_code == 404


def test_an_auditor_sees_them_and_revokes_none(cleo: User, bob: User, estate: Estate) -> None:
    give(cleo, "auditor", None)
    give(bob, "project_member", estate.shop)
    token, text = make(bob, estate.shop)
    page = client_of(cleo).get("/tokens/")
    assert page.status_code == 200
    assert "data-bulk" not in page.content.decode()
    assert client_of(cleo).post("/tokens/", {"token": [str(token.pk)]}).status_code == 404
    assert ask(text).status_code == 200


def test_filters(ann: User, bob: User, estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = clock.now()
    give(bob, "project_member", estate.shop)
    made = {
        "used": make(ann, None, days=90, name="used"),
        "idle": make(ann, None, days=90, name="idle"),
        "short": make(bob, estate.shop, days=40, name="short"),
        "gone": make(bob, estate.shop, days=7, name="gone"),
        "revoked": make(ann, None, days=90, name="revoked"),
    }
    tokens.revoke(token=made["revoked"][0], by=COMMAND, at=begun)
    Token.objects.filter(pk=made["used"][0].pk).update(last_used_at=begun + 20 * DAY)
    monkeypatch.setattr(clock, "now", lambda: begun + 31 * DAY)
    browser = client_of(ann)
    wanted = {
        "state=live": {"used", "idle", "short"},
        "state=expired": {"gone"},
        "state=revoked": {"revoked"},
        "unused=1&state=live": {"idle", "short"},
        "unused=0": {"used"},
        "ending=1": {"short"},
        "owner=bob": {"short", "gone"},
    }
    for query, names in wanted.items():
        rows = browser.get(f"/tokens/?{query}&format=csv")
        found = b"".join(rows.streaming_content).decode().splitlines()[1:]  # type: ignore[attr-defined]
        assert {line.split(",")[0] for line in found if line and line[0] != "#"} == names, query


def test_a_robot_from_the_projects_page_to_its_token(bob: User, estate: Estate) -> None:
    give(bob, "project_owner", estate.shop)
    browser = client_of(bob)
    tab = browser.get("/projects/checkout/robots/")
    assert "/robots/new/?home=project/checkout" in tab.content.decode()
    form = browser.get("/robots/new/?home=project/checkout")
    assert 'value="checkout"' in form.content.decode()
    sent = {"name": "Pipeline", "slug": "ci", "home_kind": "project", "home": "checkout", "role": "project_viewer"}
    assert browser.post("/robots/new/", sent).headers["Location"] == "/robots/ci/"
    assert "Project viewer" in words(browser.get("/robots/ci/"))
    assert "ci" in browser.get("/projects/checkout/robots/").content.decode()
    page = browser.get("/robots/ci/tokens/new/").content.decode()
    made = browser.post("/robots/ci/tokens/new/", {**sent_of(page), "name": "deploy"})
    assert seen(text_in(made)) == {"checkout"}
    token = Token.objects.get()
    assert token.user.username == "robot-ci"
    assert browser.post(f"/robots/tokens/{token.pk}/revoke/").headers["Location"] == "/robots/ci/"
    assert ask(text_in(made)).status_code == 401
    assert browser.post("/robots/ci/retire/").status_code == 302
    assert "Retired" in words(browser.get("/robots/ci/"))


@pytest.mark.parametrize(
    "change",
    [
        {"home": "index"},
        {"home": "nothing"},
        {"home_kind": "team", "home": "payments"},
        {"role": "finance"},
        {"role": "admin"},
        {"project": "cart"},
        {"slug": "Not a slug"},
        {"slug": "new"},
        {"name": ""},
    ],
)
def test_robots_that_cannot_be(bob: User, estate: Estate, change: dict[str, str]) -> None:
    give(bob, "project_owner", estate.shop)
    sent = {"name": "Pipeline", "slug": "ci", "home_kind": "project", "home": "checkout", "role": "project_viewer"}
    answer = client_of(bob).post("/robots/new/", {**sent, **change})
    assert answer.status_code == 422
    assert not Robot.objects.exists()
    if change.get("home") in {"index", "nothing"}:
        assert "There is none with this slug where you manage robots." in words(answer)


def test_a_robots_tokens_offer_what_both_hold(bob: User, ann: User, estate: Estate) -> None:
    give(bob, "project_owner", estate.shop)
    sent = {"name": "P", "slug": "ci", "home_kind": "project", "home": "checkout", "role": "project_member"}
    client_of(bob).post("/robots/new/", sent)
    assert "cost.view" in client_of(bob).get("/robots/ci/tokens/new/").content.decode()
    assert "project.edit" not in client_of(bob).get("/robots/ci/tokens/new/").content.decode()


def test_members_see_robots_and_change_none(cleo: User, bob: User, estate: Estate) -> None:
    give(bob, "project_owner", estate.shop)
    give(cleo, "project_member", estate.shop)
    sent = {"name": "P", "slug": "ci", "home_kind": "project", "home": "checkout", "role": "project_viewer"}
    client_of(bob).post("/robots/new/", sent)
    browser = client_of(cleo)
    page = browser.get("/robots/ci/")
    assert page.status_code == 200
    assert "Retire robot" not in page.content.decode()
    assert browser.post("/robots/ci/retire/").status_code == 404
    assert browser.get("/robots/ci/tokens/new/").status_code == 404
    assert Robot.objects.get().retired_at is None

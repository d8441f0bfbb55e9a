"""api/v1 of tokens and robots."""

from typing import Any

import pytest
import yaml
from django.test import Client

from portal.access.permissions import Permission as P
from portal.accounts.models import User
from portal.tokens.models import Robot, Token
from tests.people import client_of
from tests.portal.tokens.conftest import Estate, ask, give, make, seen

pytestmark = pytest.mark.django_db
TOKENS, ROBOTS, ROBOT_TOKENS = "/api/v1/tokens/", "/api/v1/robots/", "/api/v1/robot-tokens/"


def post(client: Client, path: str, sent: dict[str, Any], **more: Any) -> Any:
    """Send JSON."""
    return client.post(path, sent, content_type="application/json", **more)


@pytest.fixture
def owner(bob: User, estate: Estate) -> User:
    """bob owns Checkout."""
    give(bob, "project_owner", estate.shop)
    return bob


WANTED = {"name": "report", "scope_kind": "project", "scope": "checkout", "permissions": ["project.view"]}
ROBOT = {"slug": "ci", "name": "CI", "home_kind": "project", "home": "checkout", "role": "project_viewer"}


def test_the_text_is_in_one_answer_alone(owner: User) -> None:
    browser = client_of(owner)
    made = post(browser, TOKENS, {**WANTED, "networks": ["10.0.0.0/8"], "days": 7})
    assert made.status_code == 201, made.content
    body = made.json()
    assert seen(body["token"]) == {"checkout"}
    assert body["networks"] == ["10.0.0.0/8"]
    one = browser.get(f"{TOKENS}{body['id']}/")
    assert one.status_code == 200
    assert {**one.json(), "last_used_at": None, "last_address": ""} == {
        key: value for key, value in body.items() if key != "token"
    }
    listed = browser.get(TOKENS)
    assert [row["id"] for row in listed.json()["results"]] == [body["id"]]
    assert body["token"] not in listed.content.decode() + one.content.decode()
    assert browser.delete(f"{TOKENS}{body['id']}/").status_code == 204
    assert ask(body["token"]).status_code == 401


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"scope": "cart"}, "scope"),
        ({"scope": "nothing"}, "scope"),
        ({"scope_kind": "planet"}, "scope_kind"),
        ({"scope_kind": "everything", "scope": ""}, "permissions"),
        ({"scope_kind": "everything"}, "scope"),
        ({"permissions": ["binding.edit"]}, "permissions"),
        ({"permissions": ["fly"]}, "permissions"),
        ({"permissions": "project.view"}, "permissions"),
        ({"permissions": []}, "permissions"),
        ({"days": 91}, "days"),
        ({"days": 0}, "days"),
        ({"days": "x"}, "days"),
        ({"networks": ["x"]}, "networks"),
        ({"only": ["project/cart"]}, "only"),
        ({"only": ["team/payments"]}, "only"),
        ({"only": [{}]}, "only"),
        ({"name": "a\0b"}, "name"),
        ({"name": None}, "name"),
    ],
)
def test_bad_input_names_its_field(owner: User, change: dict[str, Any], field: str) -> None:
    answer = post(client_of(owner), TOKENS, {**WANTED, **change})
    assert answer.status_code == 422, answer.content
    assert field in answer.json()["errors"]
    assert not Token.objects.exists()


def test_absent_and_hidden_things_are_refused_alike(owner: User) -> None:
    answers = [
        post(client_of(owner), TOKENS, {**WANTED, "scope": slug}).json()["errors"] for slug in ("index", "nothing")
    ]
    assert answers[0] == answers[1]
    inside = [
        post(client_of(owner), TOKENS, {**WANTED, "only": [f"project/{slug}"]}).json()["errors"]["only"]
        for slug in ("index", "nowhere")
    ]
    assert [text.replace("index", "x").replace("nowhere", "x") for (text,) in inside] == [
        "project/x: " + inside[0][0].split(": ")[1]
    ] * 2


def test_no_token_manages_tokens_or_robots(ann: User, owner: User) -> None:
    held = [one for one in P if not ann.scopes_for(one).none]
    token, text = make(ann, None, [one for one in held if one.value.endswith(".view")])
    headers = {"Authorization": f"Bearer {text}"}
    for answer in (
        Client().get(TOKENS, headers=headers),
        post(Client(), TOKENS, WANTED, headers=headers),
        Client().get(f"{TOKENS}{token.pk}/", headers=headers),
        Client().delete(f"{TOKENS}{token.pk}/", headers=headers),
    ):
        assert (answer.status_code, answer.json()["title"]) == (403, "sign_in_again")
    assert post(Client(), ROBOTS, ROBOT, headers=headers).status_code == 404
    assert post(Client(), ROBOT_TOKENS, {**WANTED, "robot": str(token.pk)}, headers=headers).status_code == 404
    assert Client().get(ROBOTS, headers=headers).status_code == 200


def test_robots_over_the_api(owner: User, estate: Estate) -> None:
    browser = client_of(owner)
    made = post(browser, ROBOTS, ROBOT)
    assert made.status_code == 201, made.content
    robot = made.json()
    assert robot["username"] == "robot-ci"
    assert robot["home_id"] == str(estate.shop.pk)
    token = post(browser, ROBOT_TOKENS, {**WANTED, "robot": robot["id"]})
    assert token.status_code == 201, token.content
    assert seen(token.json()["token"]) == {"checkout"}
    assert [row["slug"] for row in browser.get(ROBOTS).json()["results"]] == ["ci"]
    assert [row["username"] for row in browser.get(ROBOT_TOKENS).json()["results"]] == ["robot-ci"]
    assert browser.get(f"{ROBOT_TOKENS}{token.json()['id']}/").status_code == 200
    assert browser.delete(f"{ROBOT_TOKENS}{token.json()['id']}/").status_code == 204
    assert ask(token.json()["token"]).status_code == 401
    assert browser.delete(f"{ROBOTS}{robot['id']}/").status_code == 204
    assert browser.get(f"{ROBOTS}{robot['id']}/").json()["retired_at"] is not None
    assert Robot.objects.get().retired_at is not None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"home": "index"}, "home"),
        ({"role": "admin"}, "scope"),
        ({"role": "team_owner"}, "scope"),
        ({"slug": "new"}, "slug"),
    ],
)
def test_robots_that_cannot_be(owner: User, change: dict[str, str], field: str) -> None:
    answer = post(client_of(owner), ROBOTS, {**ROBOT, **change})
    assert answer.status_code == 422
    assert field in answer.json()["errors"]
    assert not Robot.objects.exists()


def test_the_description_says_how_to_show_a_token(bob: User) -> None:
    answer = client_of(bob).get("/api/v1/openapi.yaml")
    told = yaml.safe_load(answer.content)
    assert told["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert {"token": []} in told["paths"]["/api/v1/projects/"]["get"]["security"]
    assert "token" in told["components"]["schemas"]["TokenMade"]["properties"]
    assert "token" not in told["components"]["schemas"]["TokenOut"]["properties"]

"""Second factors: set up once, asked at each sign-in, good once; recovery codes; who must have one."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyotp
import pytest
from django.db import connection
from django.test import Client

from portal.accounts import limits
from portal.accounts.models import RecoveryCode, SecondFactor, Session, User
from portal.accounts.signing import factors
from portal.audit.models import Event
from portal.core import clock, errors
from portal.core.sealed import open_sealed
from tests.people import PASSWORD, client_of, person

CREDENTIALS = {"username": "bob", "password": PASSWORD}


def code_of(user: User, steps: int = 0) -> str:
    """The code an authenticator shows now, or some steps later."""
    factor = SecondFactor.objects.get(user=user)
    moment = clock.now() + timedelta(seconds=30 * steps)
    return pyotp.TOTP(open_sealed(factor, "secret").reveal()).at(moment)


def enrol(user: User) -> list[str]:
    """Set a second factor up; returns the recovery codes. The code of this step is used by it."""
    factors.begin(user=user, at=clock.now())
    return factors.confirm(user=user, code=code_of(user, -1), by=user.as_actor(), at=clock.now())


def first_step(next_: str = "/") -> Client:
    """A browser in which bob's password was typed."""
    client = Client()
    answer = client.post(f"/sign-in/?next={next_}", CREDENTIALS)
    assert answer.headers["Location"].startswith("/sign-in/second-step/")
    return client


def test_a_code_opens_the_session_and_leads_on(bob: User) -> None:
    enrol(bob)
    client = first_step("/password/")
    assert client.get("/profile/").status_code == 302
    answer = client.post("/sign-in/second-step/?next=/password/", {"code": code_of(bob)})
    assert answer.headers["Location"] == "/password/"
    assert client.get("/profile/").status_code == 200


def test_the_first_step_alone_opens_nothing(bob: User) -> None:
    enrol(bob)
    client = first_step()
    for address in ("/", "/profile/", "/profile/sessions/", "/api/v1/projects/"):
        assert client.get(address).status_code == (401 if address.startswith("/api/") else 302), address
    assert not Session.objects.filter(user=bob).exists()


def test_a_code_is_good_once(bob: User) -> None:
    enrol(bob)
    code = code_of(bob)
    assert first_step().post("/sign-in/second-step/", {"code": code}).status_code == 302
    answer = first_step().post("/sign-in/second-step/", {"code": code})
    assert answer.status_code == 422
    assert "not right, or was used" in answer.content.decode()


@pytest.mark.parametrize("wrong", ["", " ", "000000", "12345", "1234567", "abcdef", "１２３４５６", "\x00", "x" * 41])
def test_what_is_no_code_opens_nothing(bob: User, wrong: str) -> None:
    enrol(bob)
    assert first_step().post("/sign-in/second-step/", {"code": wrong}).status_code == 422


def test_the_first_step_counts_for_five_minutes(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    enrol(bob)
    client = first_step()
    later = clock.now() + timedelta(seconds=301)
    monkeypatch.setattr(clock, "now", lambda: later)
    answer = client.post("/sign-in/second-step/", {"code": code_of(bob)})
    assert answer.headers["Location"] == "/sign-in/"


def test_many_wrong_codes_are_slowed_down(bob: User) -> None:
    enrol(bob)
    client = first_step()
    texts = [client.post("/sign-in/second-step/", {"code": "000000"}).content.decode() for _try in range(12)]
    assert "Too many tries" in texts[-1]
    # The right one waits, too.
    late = client.post("/sign-in/second-step/", {"code": code_of(bob)})
    assert (late.status_code, late.headers["Retry-After"]) == (429, "300")


def test_a_recovery_code_is_good_once_and_heard_of(bob: User) -> None:
    codes = enrol(bob)
    assert len(set(codes)) == factors.RECOVERY_CODES
    spoken = codes[3].upper().replace("-", " ")
    assert first_step().post("/sign-in/second-step/", {"code": spoken}).status_code == 302
    assert first_step().post("/sign-in/second-step/", {"code": codes[3]}).status_code == 422
    assert Event.objects.get(kind="accounts.factor.recover").after == {"codes_left": 9}


@pytest.mark.django_db(transaction=True)
def test_one_recovery_code_in_two_browsers_opens_one() -> None:
    user = person("bob")
    code = enrol(user)[0]

    def redeem(_browser: int) -> bool:
        try:
            factors.check(user=user, code=code, by=user.as_actor(), at=clock.now())
        except errors.Refused:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as browsers:
        assert sum(browsers.map(redeem, range(8))) == 1


def test_neither_secret_nor_codes_stand_in_the_database(bob: User) -> None:
    codes = enrol(bob)
    secret = open_sealed(SecondFactor.objects.get(user=bob), "secret").reveal()
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM second_factor UNION ALL SELECT digest FROM recovery_code")
        stored = " ".join(row[0] for row in cursor.fetchall())
    assert secret not in stored
    assert not any(code in stored or code.replace("-", "") in stored for code in codes)


def test_setting_up_shows_the_key_once_and_the_codes_once(bob: User) -> None:
    client = client_of(bob)
    page = client.get("/profile/second-factor/").content.decode()
    assert "data:image/svg+xml" in page
    assert factors.spoken_secret(SecondFactor.objects.get(user=bob)) in page
    answer = client.post("/profile/second-factor/", {"code": code_of(bob)})
    assert answer.content.decode().count('<li class="mono">') == 10
    again = client.get("/profile/second-factor/").content.decode()
    assert "10 recovery codes left" in again
    assert "data:image/svg+xml" not in again


def test_new_codes_replace_the_old(bob: User) -> None:
    old = enrol(bob)
    assert client_of(bob).post("/profile/second-factor/codes/").status_code == 200
    assert RecoveryCode.objects.filter(user=bob).count() == 10
    assert first_step().post("/sign-in/second-step/", {"code": old[0]}).status_code == 422


def test_it_is_changed_only_soon_after_a_sign_in(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    enrol(bob)
    client = client_of(bob)
    later = clock.now() + timedelta(minutes=11)
    monkeypatch.setattr(clock, "now", lambda: later)
    for address in ("/profile/second-factor/codes/", "/profile/second-factor/remove/", "/profile/second-factor/"):
        assert client.post(address).headers["Location"].startswith("/confirm/?next="), address
    assert factors.enrolled(bob)
    page = client.get("/confirm/?next=/profile/second-factor/").content.decode()
    assert 'name="code"' in page
    refused = client.post("/confirm/", {"current": PASSWORD, "code": "000000"})
    assert refused.status_code == 422
    confirmed = client.post("/confirm/?next=/profile/second-factor/", {"current": PASSWORD, "code": code_of(bob)})
    assert confirmed.headers["Location"] == "/profile/second-factor/"
    assert client.post("/profile/second-factor/remove/").headers["Location"] == "/profile/second-factor/"
    assert not factors.enrolled(bob)


def test_administrators_set_one_up_first(ann: User, settings: object) -> None:
    settings.REQUIRE_SECOND_FACTOR = True  # type: ignore[attr-defined]
    client = client_of(ann)
    assert client.get("/people/").headers["Location"] == "/profile/second-factor/"
    fragment = client.get("/people/", headers={"HX-Request": "true"})
    assert fragment.headers["HX-Redirect"] == "/profile/second-factor/"
    api = client.get("/api/v1/people/")
    assert (api.status_code, api.json()["title"]) == (403, "second_factor_missing")
    assert "Administrators need a second factor" in client.get("/profile/second-factor/").content.decode()
    client.post("/profile/second-factor/", {"code": code_of(ann)})
    assert client.get("/people/").status_code == 200


def test_a_session_without_it_does_not_become_one_with_it(ann: User, settings: object) -> None:
    settings.REQUIRE_SECOND_FACTOR = True  # type: ignore[attr-defined]
    old = client_of(ann)
    enrol(ann)
    assert old.get("/people/").headers["Location"] == "/profile/second-factor/"
    # There is one already, so that the old session cannot set up its own.
    assert old.post("/profile/second-factor/", {"code": code_of(ann)}).status_code == 422


def test_people_without_such_rights_go_without(bob: User, fay: User, settings: object) -> None:
    settings.REQUIRE_SECOND_FACTOR = True  # type: ignore[attr-defined]
    assert client_of(bob).get("/profile/").status_code == 200
    assert client_of(fay).get("/costs/").status_code == 200


def test_an_administrator_helps_who_has_no_more_rights(ann: User, bob: User) -> None:
    enrol(bob)
    assert client_of(ann).post("/people/of/bob/reset-factor/").headers["Location"] == "/people/of/bob/"
    assert not factors.enrolled(bob)


def test_whoever_lacks_a_right_resets_nobody_who_has_it(fay: User) -> None:
    helper = person("helper", "admin")
    enrol(fay)
    for address in ("/people/of/fay/reset-factor/", "/people/of/fay/reset-password/"):
        answer = client_of(helper).post(address)
        assert answer.status_code == 422
        assert "rights that you do not have" in answer.content.decode()
    assert factors.enrolled(fay)
    assert fay.check_password(PASSWORD)


def test_a_new_one_time_password_ends_sessions(ann: User, bob: User) -> None:
    theirs = client_of(bob)
    assert theirs.get("/profile/").status_code == 200
    page = client_of(ann).post("/people/of/bob/reset-password/")
    assert page.status_code == 200
    assert theirs.get("/profile/").status_code == 302
    assert not Session.objects.filter(user=bob).exists()


def test_too_many_codes_at_the_confirmation_are_told_to_wait(bob: User) -> None:
    enrol(bob)
    client = client_of(bob)
    answers = [client.post("/confirm/", {"current": PASSWORD, "code": "000000"}) for _try in range(7)]
    assert [one.status_code for one in answers[:5]] == [422] * 5
    assert (answers[-1].status_code, answers[-1].headers["Retry-After"]) == (429, "300")
    assert "Too many tries" in answers[-1].content.decode()


@pytest.mark.parametrize("address", ["/confirm/", "/password/"])
def test_too_many_wrong_passwords_are_told_to_wait(bob: User, address: str) -> None:
    client = client_of(bob)
    typed = {"current": "wrong", "password": "another-long-enough-9"}
    answers = [client.post(address, typed) for _try in range(limits.PER_ACCOUNT + 1)]
    assert answers[0].status_code == 422
    assert "Retry-After" not in answers[0].headers
    assert (answers[-1].status_code, answers[-1].headers["Retry-After"]) == (429, "60")

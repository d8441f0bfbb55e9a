"""What a password must be, and what is remembered of earlier ones."""

import pytest

from portal.accounts import services
from portal.accounts.models import EarlierPassword, User
from portal.accounts.signing import password_rules
from portal.core import errors
from portal.core.actors import COMMAND

GOOD = "correct-horse-battery-{}"


@pytest.mark.parametrize(
    "bad",
    [
        "short-pass1",
        "q1w2e3r4t5y6",
        "1qaz2wsx3edc",
        "x" * 501,
        "é" * 251 + "abcdefgh",
        "good-enough\x00but-not",
        "            aa",
        "ababababababab",
        "ﬃ ﬃ a",
        "ann-administrator",
    ],
)
def test_weak_ones_are_refused(ann: User, bad: str) -> None:
    ann.display_name = "ann-administrator"
    with pytest.raises(errors.Refused) as refused:
        services.check_password_rules(bad, ann)
    assert "password" in refused.value.errors


@pytest.mark.parametrize("good", [GOOD.format(1), "дванадцать-букв", "x1-yz" * 80, "pass phrase of words"])
def test_long_ones_of_any_letters_are_taken(ann: User, good: str) -> None:
    services.check_password_rules(good, ann)


def test_the_last_five_are_refused(ann: User) -> None:
    for number in range(7):
        services.change_password(user=ann, password=GOOD.format(number), by=COMMAND)
    for number in range(2, 7):
        with pytest.raises(errors.Refused, match="last 5"):
            services.change_password(user=ann, password=GOOD.format(number), by=COMMAND)
    services.change_password(user=ann, password=GOOD.format(0), by=COMMAND)
    assert EarlierPassword.objects.filter(user=ann).count() == password_rules.REMEMBERED
    assert not EarlierPassword.objects.filter(password__contains="correct").exists()


def test_another_person_may_have_it(ann: User, bob: User) -> None:
    services.change_password(user=ann, password=GOOD.format(1), by=COMMAND)
    services.change_password(user=bob, password=GOOD.format(1), by=COMMAND)

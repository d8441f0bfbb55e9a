"""The selector syntax: what it selects, and where it says that something is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters.kube import label_selector
from clusters.kube.label_selector import BadSelector, Operator, Requirement, Selector

LABELS: tuple[dict[str, str], ...] = (
    {},
    {"team": "red"},
    {"team": "blue", "tier": "web"},
    {"team": "", "cores": "8"},
    {"cores": "x", "example.org/tier": "api", "in": "notin"},
    {"cores": "3", "team": "Red_1.2"},
)
# What a real server takes, and what it refuses: held to one in test_label_selector_real.
GOOD = (
    "",
    "  ",
    "team",
    "!team",
    "! team",
    "team=red",
    "team==red",
    "team = red",
    "team!=red",
    "team=",
    "team=,tier=web",
    "team in (red,blue)",
    "team in(red , blue)",
    "team notin (red)",
    "team in (red,)",
    "team in (,)",
    "team in ()",
    "team in (,red)",
    "team in (red,,blue)",
    "cores>4",
    "cores > 4,cores<9",
    "example.org/tier=api",
    "in=notin",
    "in in (in,notin)",
    "team=Red_1.2,!tier",
    "team,team=red",
)
# (selector, the character where it goes wrong, counted from 1)
BAD = (
    ("team=red,", 10),
    (",team=red", 1),
    ("team=red,,tier", 10),
    ("team red", 6),
    ("team in red", 9),
    ("team in (red", 13),
    ("team in (red blue)", 14),
    ("=red", 1),
    ("team=red=blue", 9),
    ("team!red", 5),
    ("!team=red", 6),
    ("!", 2),
    ("!!team", 2),
    ("cores>four", 7),
    ("cores>", 7),
    ("cores>=4", 7),
    ("cores<-1", 7),
    ("-team=red", 1),
    ("team=-red", 6),
    ("team=re/d", 6),
    ("Example.org/tier=api", 1),
    ("a/b/c=1", 1),
    ("/tier=api", 1),
    ("team=" + "x" * 64, 6),
    ("x" * 64, 1),
    ("team=)", 6),
    ("(team)", 1),
    ("team=rød", 6),
)


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("", [0, 1, 2, 3, 4, 5]),
        ("team", [1, 2, 3, 5]),
        ("!team", [0, 4]),
        ("team=red", [1]),
        ("team!=red", [0, 2, 3, 4, 5]),
        ("team=", [3]),
        ("team in (red,blue)", [1, 2]),
        ("team notin (red,)", [0, 2, 4, 5]),
        ("team,tier=web", [2]),
        ("cores>4", [3]),
        ("cores<9", [3, 5]),
        ("example.org/tier", [4]),
        ("in in (in,notin)", [4]),
    ],
)
def test_what_is_selected(text: str, chosen: list[int]) -> None:
    selector = label_selector.parse(text)
    assert [number for number, labels in enumerate(LABELS) if selector.matches(labels)] == chosen


@pytest.mark.parametrize("text", GOOD)
def test_it_reads_the_same_when_written_again(text: str) -> None:
    selector = label_selector.parse(text)
    assert label_selector.parse(str(selector)) == selector


@pytest.mark.parametrize(("text", "position"), BAD)
def test_a_fault_is_named_at_its_place(text: str, position: int) -> None:
    with pytest.raises(BadSelector) as caught:
        label_selector.parse(text)
    assert caught.value.position == position
    assert text[position - 1 :].startswith(caught.value.found)
    assert caught.value.why


def test_a_selector_without_end_is_refused() -> None:
    with pytest.raises(BadSelector):
        label_selector.parse("a," * 5_000)


@given(st.text(alphabet="ab=!,() <>in/.-\t0", max_size=24))
def test_no_text_does_worse_than_being_refused(text: str) -> None:
    try:
        selector = label_selector.parse(text)
    except BadSelector as bad:
        assert 1 <= bad.position <= len(text) + 1
        return
    assert label_selector.parse(str(selector)) == selector


def test_an_object_s_own_selector_is_written_in_the_syntax() -> None:
    found = label_selector.LabelSelector(
        match_labels={"tier": "web", "app": "shop"},
        match_expressions=[
            label_selector.Expression("team", "NotIn", ["red", "blue"]),
            label_selector.Expression("frozen", "DoesNotExist"),
            label_selector.Expression("owned", "Exists"),
        ],
    )
    text = label_selector.of_object(found)
    assert text == "app=shop,tier=web,team notin (blue,red),!frozen,owned"
    assert label_selector.parse(text).requirements[2] == Requirement("team", Operator.NOT_IN, ("blue", "red"))
    assert label_selector.of_object(None) == str(Selector()) == ""
    with pytest.raises(ValueError, match="Like"):
        label_selector.of_object(
            label_selector.LabelSelector(match_expressions=[label_selector.Expression("a", "Like")])
        )

"""Who is subject of which ClusterRole: the pure rule."""

import unicodedata
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters.projects import members
from clusters.projects.members import EDIT, VIEW, Grant, Holder, Named, Subject

PROJECT = uuid.UUID(int=7)
HOLDERS = [Holder(kind, uuid.UUID(int=number)) for kind in ("User", "Group") for number in range(1, 5)]
names = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    [
        "system:masters",
        "SYSTEM:x",
        "ｓｙｓｔｅｍ:masters",
        "paddock:project:1:owner",
        "corp:ann",
        "CORP:ANN",
        "corp:a\n",
    ]  # noqa: RUF001
)


def test_own_groups_are_always_there() -> None:
    found = members.of_project(PROJECT, [], Named())
    assert [subject.name for subject in found[EDIT]] == [
        f"paddock:project:{PROJECT}:project_member",
        f"paddock:project:{PROJECT}:project_owner",
    ]
    assert [subject.name for subject in found[VIEW]] == [f"paddock:project:{PROJECT}:project_viewer"]


def test_who_holds_both_is_in_edit_alone() -> None:
    ann = HOLDERS[0]
    named = members.checked({ann: "corp:ann"})
    found = members.of_project(PROJECT, [Grant(VIEW, ann), Grant(EDIT, ann), Grant(EDIT, ann)], named)
    assert [one for one in found[EDIT] if one.name == "corp:ann"] == [Subject("User", "corp:ann")]
    assert Subject("User", "corp:ann") not in found[VIEW]


def test_an_unknown_cluster_role_binds_nobody() -> None:
    ann = HOLDERS[0]
    found = members.of_project(PROJECT, [Grant("cluster-admin", ann)], members.checked({ann: "corp:ann"}))
    assert set(found) == {EDIT, VIEW}
    assert Subject("User", "corp:ann") not in {*found[EDIT], *found[VIEW]}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("system:masters", "reserved"),
        ("System:masters", "reserved"),
        ("ｓｙｓｔｅｍ:masters", "reserved"),  # noqa: RUF001
        ("paddock:project:x:owner", "reserved"),
        ("", "empty"),
        ("  ", "empty"),
        ("a\nb", "control"),
        ("a\u200bb", "control"),
        ("x" * 254, "long"),
    ],
)
def test_names_that_are_never_written(name: str, why: str) -> None:
    assert [one.why for one in members.checked({HOLDERS[0]: name}).refused] == [why]


def test_twins_are_refused_both() -> None:
    named = members.checked({HOLDERS[0]: "corp:ann", HOLDERS[1]: "corp:ANN", HOLDERS[2]: "corp:bob"})
    assert {one.holder for one in named.refused} == {HOLDERS[0], HOLDERS[1]}
    assert set(named.subjects) == {HOLDERS[2]}


def test_a_user_and_a_group_of_one_name_are_no_twins() -> None:
    named = members.checked({HOLDERS[0]: "ops", HOLDERS[4]: "ops"})
    assert not named.refused
    assert named.subjects[HOLDERS[4]] == Subject("Group", "ops")


@given(
    st.dictionaries(st.sampled_from(HOLDERS), names),
    st.lists(st.tuples(st.sampled_from([EDIT, VIEW]), st.sampled_from(HOLDERS))),
)
def test_whatever_names_there_are(given_names: dict[Holder, str], held: list[tuple[str, Holder]]) -> None:
    named = members.checked(given_names)
    assert set(named.subjects) | {one.holder for one in named.refused} == set(given_names)
    assert not set(named.subjects) & {one.holder for one in named.refused}
    found = members.of_project(PROJECT, [Grant(role, holder) for role, holder in held], named)
    ours = {members.own_group(PROJECT, group) for groups in members.OWN_GROUPS.values() for group in groups}
    for role, subjects in found.items():
        assert list(subjects) == sorted(set(subjects))
        for subject in set(subjects) - ours:
            plain = unicodedata.normalize("NFKC", subject.name).casefold()
            assert not plain.strip().startswith(("system:", "paddock:"))
            assert plain.strip()
            # Written as it is known, byte for byte, for somebody who holds that role.
            assert any(named.subjects.get(one) == subject and name == role for name, one in held)
    assert not set(found[EDIT]) & set(found[VIEW])

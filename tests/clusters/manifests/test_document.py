"""Reading and writing the document: strict, with the path of each fault, and there and back without loss."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters.manifests import document
from clusters.manifests.document import Manifest, Member, Place
from portal.core import errors

WHOLE = """
apiVersion: paddock.io/v1
kind: Project
metadata: {name: shop, managedBy: git}
spec:
  name: Shop
  description: ''
  team: payments
  listed: true
  members:
    - {person: ann, role: project_owner, reason: she builds it}
    - {group: devs, provider: house, role: project_member, until: 2027-01-31T00:00:00+01:00}
    - {robot: deployer, role: project_viewer}
  namespaces:
    - {cluster: stage, name: shop-web}
    - {cluster: prod, name: shop-web}
"""


def test_all_of_it() -> None:
    found = document.read(WHOLE.encode())
    assert (found.slug, found.name, found.description, found.team) == ("shop", "Shop", "", "payments")
    assert (found.listed, found.managed_by) == (True, "git")
    assert found.members == (
        Member("group", "devs", "project_member", "house"),
        Member("person", "ann", "project_owner"),
        Member("robot", "deployer", "project_viewer"),
    )
    assert found.members[0].until == datetime(2027, 1, 30, 23, tzinfo=UTC)
    assert found.namespaces == (Place("prod", "shop-web"), Place("stage", "shop-web"))


def test_what_is_left_out_is_left_alone_and_what_is_empty_is_emptied() -> None:
    found = document.read(b"apiVersion: paddock.io/v1\nkind: Project\nmetadata: {name: shop}\nspec: {members: []}")
    assert found == Manifest("shop", members=())
    assert found.namespaces is None
    assert found.members == ()


def changed(**spec: Any) -> bytes:
    """A sound document with some of its spec replaced by YAML text."""
    lines = "".join(f"  {key}: {value}\n" for key, value in spec.items())
    return f"apiVersion: paddock.io/v1\nkind: Project\nmetadata:\n  name: shop\nspec:\n  name: Shop\n{lines}".encode()


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b"", "manifest"),
        (b"[]", "manifest"),
        (b"a: b: c", "manifest"),
        (b"\xff", "manifest"),
        (b"a: &x 1\nb: *x", "manifest"),
        (b"{}\n---\n{}", "manifest"),
        (WHOLE.replace("paddock.io/v1", "v1").encode(), "apiVersion"),
        (WHOLE.replace("kind: Project", "kind: Team").encode(), "kind"),
        (WHOLE.replace("name: shop,", "name: Shop Two,").encode(), "metadata.name"),
        (WHOLE.replace("listed: true", "listed: yes").encode(), "spec.listed"),
        (WHOLE.replace("team: payments", "budget: 7").encode(), "spec.budget"),
        (WHOLE.replace("spec:", "status: {}\nspec:").encode(), "status"),
        (changed(members="7"), "spec.members"),
        (changed(members="[{person: ann}]"), "spec.members[0].role"),
        (changed(members="[{person: ann, group: x, role: r}]"), "spec.members[0]"),
        (changed(members="[{role: r}]"), "spec.members[0]"),
        (changed(members="[{group: x, role: r}]"), "spec.members[0].provider"),
        (changed(members="[{person: x, provider: house, role: r}]"), "spec.members[0].provider"),
        (changed(members="[{person: a, role: r}, {person: a, role: r}]"), "spec.members[1]"),
        (changed(members="[{person: a, role: r, until: tomorrow}]"), "spec.members[0].until"),
        (changed(members="[{person: a, role: r, until: 2027-02-31T00:00:00Z}]"), "spec.members[0].until"),
        (changed(members="[{person: a, role: r, until: 2027-01-31T00:00:00}]"), "spec.members[0].until"),
        (changed(members='[{person: "a\\nb", role: r}]'), "spec.members[0].person"),
        (changed(namespaces="[{cluster: prod}]"), "spec.namespaces[0].name"),
        (changed(namespaces="[{cluster: prod, name: Shop}]"), "spec.namespaces[0].name"),
        (changed(namespaces="[{cluster: prod, name: a, uid: 7}]"), "spec.namespaces[0].uid"),
        (changed(namespaces="[{cluster: p, name: a}, {cluster: p, name: a}]"), "spec.namespaces[1]"),
        (changed(description="x" * 501), "spec.description"),
    ],
)
def test_faults_stand_at_their_path(data: bytes, field: str) -> None:
    with pytest.raises(errors.Refused) as refused:
        document.read(data)
    assert field in refused.value.errors


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(errors.Refused) as refused:
        document.read(changed(members="[{person: ann}]", namespaces="[{name: a}]", budget="7"))
    assert set(refused.value.errors) == {"spec.members[0].role", "spec.namespaces[0].cluster", "spec.budget"}


@pytest.mark.parametrize("count", [2_001, 1_000_000])
def test_too_many_namespaces_are_refused_before_anything_is_looked_up(count: int) -> None:
    entries = "".join(f"    - {{cluster: prod, name: n{number}}}\n" for number in range(count))
    with pytest.raises(errors.Refused) as refused:
        document.read(changed(namespaces="\n" + entries))
    assert set(refused.value.errors) <= {"manifest", "spec.namespaces"}


def test_two_thousand_of_both_are_read() -> None:
    members = "".join(f"    - {{person: p{number}, role: project_viewer}}\n" for number in range(2_000))
    places = "".join(f"    - {{cluster: prod, name: n{number}}}\n" for number in range(2_000))
    found = document.read(changed(members="\n" + members, namespaces="\n" + places))
    assert (len(found.members or ()), len(found.namespaces or ())) == (2_000, 2_000)


LINE = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40)
SLUG = st.from_regex(r"\A[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?\Z")
INSTANT = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
MEMBER = st.builds(
    Member,
    kind=st.just("group"),
    name=LINE,
    role=SLUG,
    provider=SLUG,
    id=st.just("") | LINE,
    until=st.none() | INSTANT.map(lambda one: one.replace(microsecond=0)),
    reason=st.just("") | LINE,
) | st.builds(Member, kind=st.sampled_from(["person", "robot"]), name=LINE, role=SLUG)
MANIFEST = st.builds(
    Manifest,
    slug=SLUG,
    name=st.none() | LINE,
    description=st.none() | st.just("") | LINE,
    team=st.none() | SLUG,
    listed=st.none() | st.booleans(),
    managed_by=st.just("") | LINE,
    members=st.none() | st.lists(MEMBER, unique_by=lambda one: one.key, max_size=4).map(sorted).map(tuple),
    namespaces=st.none() | st.lists(st.builds(Place, SLUG, SLUG), unique=True, max_size=4).map(sorted).map(tuple),
)


@given(MANIFEST)
def test_there_and_back(manifest: Manifest) -> None:
    again = document.read(document.write(manifest).encode())
    assert again == manifest
    assert [(one.until, one.reason) for one in again.members or ()] == [
        (one.until, one.reason) for one in manifest.members or ()
    ]

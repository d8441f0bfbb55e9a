"""The pure rules over what a directory writes."""

import datetime
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.accounts.providers.answers import ProviderDown
from portal.accounts.providers.ldap import entries, library, names
from portal.accounts.providers.ldap.wire import Entry

AT = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("Ann", "Ann"),
        ("  Ann\tS.\r\n", "Ann S."),
        ("Zoe\u0301", "Zoé"),
        ("ann\x00\x1b[31m\x7f", "ann[31m"),
        ("\u202enna\u2066", "nna"),
        ("a\u2028b\ud800c", "abc"),
        ("system:masters", "system:masters"),
        ("<b>&", "<b>&"),
        ("می‌خواهم", "می‌خواهم"),
    ],
)
def test_text_is_cleaned(given_text: str, shown: str) -> None:
    assert names.clean(given_text) == shown


@given(st.text())
def test_clean_text_is_one_line_and_stays_as_it_is(text: str) -> None:
    cleaned = names.clean(text, 40)

    assert len(cleaned) <= 40
    assert not set(cleaned) & set("\r\n\t\0\x1b\u202e\u2028")
    assert "\ufffd" not in names.read(cleaned.encode())


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("cn=A,dc=x", "CN=a, DC=X", True),
        ("cn=a  b,dc=x", "cn=A b,dc=x", True),
        ("cn=a\\2cb,dc=x", "cn=a\\,b,dc=x", True),
        ("cn=a+ou=b,dc=x", "ou=B+cn=A,dc=x", True),
        ("cn=a\\,dc=x,dc=y", "cn=a,dc=x,dc=y", False),
        ("cn=a+ou=b,dc=x", "cn=a,ou=b,dc=x", False),
        ("cn=a,dc=x", "cn=a,dc=y", False),
        ("cn=ab,dc=x", "cn=a b,dc=x", False),
    ],
)
def test_one_name_has_one_form(one: str, other: str, same: bool) -> None:
    assert (names.canonical(one) == names.canonical(other)) is same


@given(st.lists(st.tuples(st.sampled_from(["cn", "OU", "dc"]), st.text(' aB,+=\\#"<>;é', min_size=1)), min_size=1))
def test_the_short_way_says_what_the_long_way_says(parts: list[tuple[str, str]]) -> None:
    """A name that needs no escapes takes a shorter way through `canonical`."""
    ldap = library.demand()
    dn = ldap.dn.dn2str([[(kind, value, 1)] for kind, value in parts])
    long_way = ldap.dn.dn2str([[(*pair, 1) for pair in part] for part in names.parts(dn)])

    assert names.canonical(dn) == long_way


@pytest.mark.parametrize(
    ("dn", "base", "inside"),
    [
        ("uid=ann,ou=people,dc=x", "ou=people,dc=x", True),
        ("uid=ann,ou=blue,ou=people,dc=x", "OU=People, DC=x", True),
        ("ou=people,dc=x", "ou=people,dc=x", True),
        ("uid=ann,ou=other,dc=x", "ou=people,dc=x", False),
        ("uid=ann\\,ou=people\\,dc=x", "ou=people,dc=x", False),
        ("uid=ann,xou=people,dc=x", "ou=people,dc=x", False),
        ("dc=x", "ou=people,dc=x", False),
        ("uid=ann,dc=x", "", False),
    ],
)
def test_who_stands_below_a_base(dn: str, base: str, inside: bool) -> None:
    assert names.inside(dn, base) is inside


def test_ids_have_one_text() -> None:
    known = uuid.UUID("5057f4db-3a91-4e9b-a3c1-0f9f9d9a1b2c")

    assert names.identifier(known.bytes_le, "objectGUID") == str(known)
    assert names.identifier(str(known).encode(), "entryUUID") == str(known)
    assert names.identifier_filter(str(known), "entryUUID") == f"(entryUUID={known})"
    assert names.identifier_filter(str(known), "objectGUID").startswith("(objectGUID=\\db\\f4\\57\\50\\91\\3a")


@pytest.mark.parametrize(("value", "attribute"), [(b"", "entryUUID"), (b"", "objectGUID"), (b"short", "objectGUID")])
def test_an_entry_without_an_id_makes_the_answer_incomplete(value: bytes, attribute: str) -> None:
    with pytest.raises(ProviderDown, match="shows no"):
        names.identifier(value, attribute)


@pytest.mark.parametrize(
    ("values", "off"),
    [
        ({}, False),
        ({"useraccountcontrol": b"512"}, False),
        ({"useraccountcontrol": b"514"}, True),
        ({"useraccountcontrol": b"66050"}, True),
        ({"useraccountcontrol": b"nonsense"}, False),
        ({"msds-user-account-control-computed": b"16"}, True),
        ({"msds-user-account-control-computed": b"8388608"}, False),  # an expired password alone
        ({"accountexpires": b"0"}, False),
        ({"accountexpires": b"9223372036854775807"}, False),
        ({"accountexpires": b"1"}, True),
        ({"accountexpires": b"134168436000000000"}, False),  # an hour later: 2026-03-01 13:00
        ({"accountexpires": b"134168400000000000"}, True),  # this very second
        ({"pwdaccountlockedtime": b"000001010000Z"}, True),
        ({"pwdaccountlockedtime": b"20260301115900Z"}, False),  # locked for a while, by wrong passwords
        ({"nsaccountlock": b"TRUE"}, True),
        ({"nsaccountlock": b"false"}, False),
    ],
)
def test_which_accounts_are_switched_off(values: dict[str, bytes], off: bool) -> None:
    entry = Entry("uid=ann,dc=x", {name: [value] for name, value in values.items()})

    assert entries.switched_off(entry, at=AT) is off

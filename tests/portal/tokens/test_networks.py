"""Networks as people write them."""

import pytest

from portal.core import errors
from portal.tokens import networks


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ([], []),
        (["10.1.0.0/16"], ["10.1.0.0/16"]),
        ([" 10.1.0.0/16 ", "10.1.0.0/16"], ["10.1.0.0/16"]),
        (["10.1.2.3"], ["10.1.2.3/32"]),
        (["2001:DB8::/32"], ["2001:db8::/32"]),
    ],
)
def test_one_spelling(texts: list[str], found: list[str]) -> None:
    assert networks.parse(texts) == found


@pytest.mark.parametrize(
    "text", ["", "x", "10.1.2.3/16", "0.0.0.0/0", "::/0", "10.1.0.0/33", "10.1.0.0-10.2.0.0", "10.1", "fe80::1%eth0/64"]
)
def test_what_is_no_network(text: str) -> None:
    with pytest.raises(errors.Refused) as refused:
        networks.parse([text])
    assert list(refused.value.errors) == ["networks"]


def test_there_is_an_end_to_them() -> None:
    networks.parse(f"10.{n}.0.0/16" for n in range(networks.MOST))
    with pytest.raises(errors.Refused):
        networks.parse(f"10.{n}.0.0/16" for n in range(networks.MOST + 1))


@pytest.mark.parametrize("address", ["", "x", "10.1.2.3.4", "unix"])
def test_no_address_is_in_no_network(address: str) -> None:
    assert not networks.allowed(address, ["10.0.0.0/8"])
    assert networks.allowed(address, [])

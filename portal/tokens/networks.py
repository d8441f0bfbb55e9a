"""The networks a token may be used from. Pure rules."""

import ipaddress
from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _

from portal.core import errors

MOST = 20


def parse(texts: Iterable[str]) -> list[str]:
    """Return networks in one spelling, a single address as a network of one. Raises `Refused` at "networks"."""
    found: list[str] = []
    for text in texts:
        network = str(_network(text))
        if network not in found:
            found.append(network)
    if len(found) > MOST:
        raise errors.Refused.one("networks", _("At most %d networks.") % MOST)
    return found


def allowed(address: str, networks: Sequence[str]) -> bool:
    """Tell whether an address lies in one of the networks; without networks every address does.

    An address that is not known lies in none.
    """
    if not networks:
        return True
    try:
        asked = ipaddress.ip_address(address)
    except ValueError:
        return False
    # The same caller, as a socket for both protocols spells it.
    mapped = getattr(asked, "ipv4_mapped", None)
    return any((mapped or asked) in ipaddress.ip_network(network) for network in networks)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        found = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise errors.Refused.one(
            "networks", _("%s is no network. Write it as 10.1.0.0/16 or 2001:db8::/32.") % text.strip()[:60]
        ) from None
    if not found.prefixlen:
        raise errors.Refused.one("networks", _("%s is every address. Leave the field empty instead.") % found)
    if "/" in text and ipaddress.ip_address(text.split("/")[0].strip()) != found.network_address:
        raise errors.Refused.one(
            "networks",
            _("%(text)s names an address inside of %(network)s. Write the network.")
            % {"text": text.strip()[:60], "network": found},
        )
    return found

"""Networks in options, and who is in one of them."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from functools import lru_cache
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from bridge.config.types import refusal

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


def _parse(value: object) -> IpNetwork:
    if isinstance(value, (ipaddress.IPv4Network, ipaddress.IPv6Network)):
        return value
    if not isinstance(value, str):
        raise refusal("must be a network, such as 192.0.2.0/24 or 2001:db8::/32")
    try:
        return ipaddress.ip_network(value.strip())
    except ValueError as error:
        if "host bits" in str(error):
            meant = ipaddress.ip_network(value.strip(), strict=False)
            raise refusal(f"is an address inside of {meant}: write that, or add /32") from None
        raise refusal("must be a network, such as 192.0.2.0/24 or 2001:db8::/32") from None


Network = Annotated[
    IpNetwork,
    BeforeValidator(_parse),
    WithJsonSchema({"type": "string", "examples": ["192.0.2.0/24", "2001:db8::/32"]}),
]
"""`192.0.2.0/24`, `2001:db8::/32`, or one address."""


class Allowed:
    """Who may send: peers in one of the networks, or everybody when there is none."""

    def __init__(self, networks: Collection[IpNetwork]) -> None:
        self._networks = tuple(networks)
        self._known = lru_cache(maxsize=4096)(self._look)

    def __contains__(self, host: str) -> bool:
        return not self._networks or self._known(host)

    def _look(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._networks)

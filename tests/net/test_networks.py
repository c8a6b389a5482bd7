"""Networks in options, and who is in one of them."""

from __future__ import annotations

import ipaddress

import pytest
from pydantic import TypeAdapter, ValidationError

from bridge.net import Allowed, Network

NETWORK: TypeAdapter[ipaddress.IPv4Network] = TypeAdapter(Network)


def test_without_networks_everybody_may_send() -> None:
    assert "192.0.2.7" in Allowed([])
    assert "" in Allowed([])


def test_peers_in_one_of_the_networks_may_send() -> None:
    allowed = Allowed([NETWORK.validate_python(n) for n in ("192.0.2.0/24", "2001:db8::/32")])
    assert "192.0.2.255" in allowed
    assert "2001:db8:1::7" in allowed
    assert "198.51.100.1" not in allowed
    assert "::1" not in allowed
    assert "no address" not in allowed


def test_one_address_is_a_network() -> None:
    assert NETWORK.validate_python("192.0.2.7") == ipaddress.ip_network("192.0.2.7/32")


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("192.0.2.7/24", "inside of 192.0.2.0/24"),
        ("everybody", "must be a network"),
        (7, "must be a network"),
    ],
)
def test_anything_else_is_refused_in_plain_words(value: object, complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        NETWORK.validate_python(value)

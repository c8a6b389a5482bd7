"""What listeners need of the network: sockets, networks, TLS, the PROXY protocol."""

from bridge.net.accept import accepted
from bridge.net.networks import Allowed, Network
from bridge.net.sockets import (
    Listening,
    bind,
    drops,
    handed,
    is_loopback,
    keep_alive,
    place,
    plain,
    widen,
    written,
)
from bridge.net.tls import ServerTls, server_context

__all__ = [
    "Allowed",
    "Listening",
    "Network",
    "ServerTls",
    "accepted",
    "bind",
    "drops",
    "handed",
    "is_loopback",
    "keep_alive",
    "place",
    "plain",
    "server_context",
    "widen",
    "written",
]

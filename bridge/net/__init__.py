"""What listeners need of the network: sockets and the spelling of addresses."""

from bridge.net.sockets import bind, place, plain, written

__all__ = ["bind", "place", "plain", "written"]

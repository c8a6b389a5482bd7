"""Sockets to listen on: every family, inherited ones, errors with advice."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys

import pytest

from bridge.config import Address
from bridge.errors import BridgeError
from bridge.net import bind, drops, is_loopback, keep_alive, place, plain, widen, written


async def test_a_port_of_0_is_any_free_port() -> None:
    (bound,) = await bind(Address("127.0.0.1", 0), socket.SOCK_STREAM)
    with bound:
        host, port = place(bound)
        assert (host, port > 0) == ("127.0.0.1", True)
        assert not bound.getblocking()


async def test_all_of_ipv6_takes_ipv4_as_well() -> None:
    (bound,) = await bind(Address("::", 0), socket.SOCK_STREAM)
    with bound:
        bound.listen()
        with socket.create_connection(("127.0.0.1", place(bound)[1])) as client:
            assert plain("::ffff:127.0.0.1") == client.getsockname()[0]


async def test_one_ipv6_address_is_only_that() -> None:
    (bound,) = await bind(Address("::1", 0), socket.SOCK_DGRAM)
    with bound:
        assert bound.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1


async def test_a_taken_address_is_refused_with_advice() -> None:
    (bound,) = await bind(Address("127.0.0.1", 0), socket.SOCK_STREAM)
    with bound:
        bound.listen()
        taken = Address(*place(bound))
        with pytest.raises(BridgeError, match=f"tcp {taken}: .*another program listens there"):
            await bind(taken, socket.SOCK_STREAM)


async def test_a_foreign_address_is_refused_with_advice() -> None:
    with pytest.raises(BridgeError, match="this machine has no such address"):
        await bind(Address("192.0.2.1", 0), socket.SOCK_DGRAM)


INHERITING = """
import asyncio, socket, sys
from bridge.config import Address
from bridge.net import bind

async def main():
    for kind in (socket.SOCK_STREAM, socket.SOCK_STREAM, socket.SOCK_DGRAM):
        (bound,) = await bind(Address("127.0.0.1", int(sys.argv[1])), kind)
        print("listens" if bound.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) else "new")
        bound.close()

asyncio.run(main())
"""


def test_a_socket_that_systemd_opened_is_used() -> None:
    """Only for its own transport, and as a copy, so that an input may start again."""
    with socket.create_server(("127.0.0.1", 0)) as given:
        command = (
            f"exec 3<&{given.fileno()}; export LISTEN_PID=$$ LISTEN_FDS=1; "
            f'exec "{sys.executable}" -c "$SCRIPT" {given.getsockname()[1]}'
        )
        done = subprocess.run(
            ["bash", "-c", command],
            env={**os.environ, "SCRIPT": INHERITING},
            pass_fds=[given.fileno()],
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout.split() == ["listens", "listens", "new"]


def test_drops_of_the_kernel_are_counted() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        bound.bind(("127.0.0.1", 0))
        assert widen(bound, 4096) >= 4096 // 2
        assert drops(bound) == 0
        for _ in range(200):
            sender.sendto(bytes(500), bound.getsockname())
        received = 0
        bound.setblocking(False)
        while True:
            try:
                bound.recv(1000)
            except BlockingIOError:
                break
            received += 1
        assert received + drops(bound) == 200


def test_a_dead_peer_is_found_out() -> None:
    with socket.socket() as connected:
        keep_alive(connected)
        assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("192.0.2.1", False),
        ("gw.example.org", False),
    ],
)
def test_what_only_this_machine_reaches(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_an_address_is_written_as_users_write_it() -> None:
    assert written("192.0.2.1", 5514) == "192.0.2.1:5514"
    assert written("2001:db8::1", 5514) == "[2001:db8::1]:5514"
    assert re.fullmatch(r"2001:db8::1", plain("2001:db8::1"))

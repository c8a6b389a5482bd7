"""Connections are taken one by one, and fairly beside other processes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from bridge.config import Address
from bridge.errors import BridgeError
from bridge.net import accepted, bind, drops, handed, place
from bridge.net.accept import PAUSE_SECONDS, waiting
from bridge.net.sockets import Handed

HERE = "127.0.0.1"


@pytest.fixture
def shared() -> Iterator[Handed]:
    """What a worker has; afterwards this process is alone again."""
    yield handed
    handed.replace({}, counts=True)
    handed.is_shared = False


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server((HERE, 0), backlog=1024) as server:
        server.setblocking(False)
        yield server


async def connect(listening: socket.socket, count: int) -> list[asyncio.StreamWriter]:
    async with asyncio.timeout(10):
        opened = [asyncio.open_connection(*place(listening)) for _ in range(count)]
        return [writer for _, writer in await asyncio.gather(*opened)]


async def take(listening: socket.socket, held: list[socket.socket]) -> None:
    async for opened, _ in accepted(listening, lambda: len(held)):
        held.append(opened)
        await asyncio.sleep(0)


async def taken(listening: socket.socket, count: int, takers: int) -> list[int]:
    """How many connections each taker got when so many came at once."""
    held: list[list[socket.socket]] = [[] for _ in range(takers)]
    copies = [listening.dup() for _ in held]
    tasks = [asyncio.create_task(take(*each)) for each in zip(copies, held, strict=True)]
    writers = await connect(listening, count)
    async with asyncio.timeout(10):
        while sum(map(len, held)) < count:
            await asyncio.sleep(0.001)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for opened in (*copies, *(one for every in held for one in every)):
        opened.close()
    for writer in writers:
        writer.close()
        await writer.wait_closed()
    return [len(each) for each in held]


async def test_alone_every_connection_is_taken(listening: socket.socket) -> None:
    assert await taken(listening, 20, 1) == [20]


async def test_of_connections_that_come_at_once_all_get_a_fair_share(
    listening: socket.socket, shared: Handed
) -> None:
    shared.replace({}, counts=True)
    assert min(await taken(listening, 16, 2)) >= 6
    assert min(await taken(listening, 300, 2)) >= 100


async def test_whoever_holds_many_leaves_the_next_one_to_others(
    listening: socket.socket, shared: Handed
) -> None:
    shared.replace({}, counts=True)
    busy = accepted(listening, lambda: 10)
    idle_socket = listening.dup()
    idle = accepted(idle_socket, lambda: 0)
    for _ in range(5):
        waiting = {asyncio.ensure_future(anext(one)): one for one in (busy, idle)}
        [writer] = await connect(listening, 1)
        done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert [waiting[one] for one in done] == [idle]
        done.pop().result()[0].close()
        pending.pop().cancel()
        writer.close()
        await writer.wait_closed()
        busy = accepted(listening, lambda: 10)
    idle_socket.close()


async def test_sockets_that_were_handed_over_are_used_as_often_as_wanted(
    listening: socket.socket, shared: Handed
) -> None:
    where = Address(*place(listening))
    shared.replace({(where, socket.SOCK_STREAM): [listening.dup()]}, counts=True)
    for _ in range(2):
        [opened] = await bind(where, socket.SOCK_STREAM)
        assert place(opened) == place(listening)
        opened.close()
    shared.replace({}, counts=True)
    with pytest.raises(BridgeError, match="another program listens there"):
        await bind(where, socket.SOCK_STREAM)


async def test_what_could_not_be_opened_is_said_by_everybody_who_wants_it(shared: Handed) -> None:
    where = Address(HERE, 5514)
    shared.replace({(where, socket.SOCK_STREAM): "cannot listen: taken"}, counts=True)
    with pytest.raises(BridgeError, match="cannot listen: taken"):
        await bind(where, socket.SOCK_STREAM)


async def test_only_one_of_several_processes_counts_what_the_kernel_dropped(
    shared: Handed,
) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        bound.bind((HERE, 0))
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(100):
            sender.sendto(bytes(500), bound.getsockname())
        assert drops(bound) > 0
        shared.replace({}, counts=False)
        assert drops(bound) == 0


async def test_many_that_wait_are_taken_together(listening: socket.socket, shared: Handed) -> None:
    shared.replace({}, counts=True)
    writers = await connect(listening, 300)
    began = asyncio.get_running_loop().time()
    opened = []
    async with asyncio.timeout(10):
        async for one, _ in accepted(listening, lambda: 1):
            opened.append(one)
            if len(opened) == 300:
                break
    assert asyncio.get_running_loop().time() - began < 300 * PAUSE_SECONDS / 2
    for one in opened:
        one.close()
    for writer in writers:
        writer.close()


async def test_who_asks_is_told_how_many_wait(listening: socket.socket) -> None:
    assert waiting(listening) == 0
    writers = await connect(listening, 5)
    assert waiting(listening) == 5
    for writer in writers:
        writer.close()

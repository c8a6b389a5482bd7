"""GELF over UDP: whole datagrams, chunks that Graylog puts together, and no promise."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from pygelf.gelf import split

from bridge import gelf
from bridge.errors import Retryable
from bridge.outputs import Batch
from bridge.outputs.gelf_udp import GelfUdp
from bridge.testing import FakeGraylog
from tests.outputs.running import Host, batch, document, numbers, until


@contextlib.asynccontextmanager
async def connected(host: Host, port: int, **options: Any) -> AsyncIterator[GelfUdp]:
    settings = {"type": "gelf_udp", "endpoint": f"127.0.0.1:{port}", **options}
    sender = GelfUdp(GelfUdp.Config.model_validate(settings), host.context())
    await sender.connect()
    try:
        yield sender
    finally:
        await sender.close()


def incompressible(number: int, size: int) -> Batch:
    """One event of `size` bytes that no packing makes smaller."""
    text = random.Random(number).randbytes(size // 2).hex()
    data = orjson.dumps({**orjson.loads(document(number)), "full_message": text})
    return Batch(number, "in", 1, data)


@pytest.mark.parametrize("compression", ["none", "gzip", "zlib"])
async def test_events_arrive_small_and_large(host: Host, compression: str) -> None:
    async with (
        FakeGraylog() as graylog,
        connected(host, graylog.udp_port, compression=compression) as sender,
    ):
        await sender.send(batch(1, 20))
        await sender.send(incompressible(21, 50_000))
        await graylog.received(21)
        assert [message.fields["n"] for message in graylog.messages] == list(range(1, 22))
        assert graylog.losses() == []


async def test_an_event_of_too_many_chunks_is_trimmed_and_marked(host: Host) -> None:
    async with (
        FakeGraylog() as graylog,
        connected(host, graylog.udp_port, datagrams_per_second=20_000) as sender,
    ):
        await sender.send(incompressible(1, 1_000_000))
        (message,) = await graylog.received(1)
        assert message.fields[gelf.TRIMMED.removeprefix("_")]
        assert graylog.losses() == []
    assert host.counts == {"trimmed": 1}


async def test_no_datagram_ends_with_nul(host: Host) -> None:
    with receiver() as listening:
        async with connected(host, listening.getsockname()[1], compression="none") as sender:
            await sender.send(batch(1, 3))
        got = [listening.recv(65535) for _ in range(3)]
    assert numbers(got) == [1, 2, 3]
    assert not any(datagram.endswith(b"\0") for datagram in got)


async def test_chunks_are_those_of_another_implementation(host: Host) -> None:
    """Except for the id, which is random."""
    row = incompressible(1, 20_000)
    with receiver() as listening:
        async with connected(host, listening.getsockname()[1], compression="none") as sender:
            await sender.send(row)
        expected = list(split(row.data, 1420))
        got = [listening.recv(65535) for _ in expected]
    assert [one[:2] + one[10:] for one in got] == [one[:2] + one[10:] for one in expected]
    assert len({one[2:10] for one in got}) == 1


async def test_sending_is_paced(host: Host) -> None:
    with receiver() as listening:
        port = listening.getsockname()[1]
        async with connected(host, port, datagrams_per_second=1000) as sender:
            start = asyncio.get_running_loop().time()
            await sender.send(batch(1, 200))
            assert asyncio.get_running_loop().time() - start >= 0.19


async def test_a_closed_port_pauses(host: Host) -> None:
    async with FakeGraylog() as graylog:
        port = graylog.udp_port
    async with connected(host, port) as sender:
        with pytest.raises(Retryable, match="connection refused"):
            await sender.send(batch(1, 3))


async def test_every_address_of_a_name_gets_its_turn(host: Host) -> None:
    async with FakeGraylog() as graylog:
        endpoint = f"localhost:{graylog.udp_port}"
        async with connected(host, 1, endpoint=endpoint) as sender:
            for _ in range(4):
                with contextlib.suppress(Retryable):
                    await sender.send(batch(1, 1))
                await sender.close()
                await sender.connect()
        await until(lambda: bool(graylog.messages))


async def test_a_host_that_does_not_exist_is_named(host: Host) -> None:
    with pytest.raises(Retryable, match=r"cannot reach nowhere\.invalid:12201: "):
        async with connected(host, 1, endpoint="nowhere.invalid:12201"):
            pass


async def test_check_needs_nobody_who_listens(host: Host) -> None:
    config = GelfUdp.Config.model_validate({"type": "gelf_udp", "endpoint": "127.0.0.1:1"})
    await GelfUdp(config, host.context()).check()


async def test_after_close_nothing_is_sent(host: Host) -> None:
    async with FakeGraylog() as graylog:
        async with connected(host, graylog.udp_port) as sender:
            pass
        with pytest.raises(Retryable):
            await sender.send(batch(1, 1))


@contextlib.contextmanager
def receiver() -> Any:
    """A bound socket with room."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(5)
        yield listening

"""Connections: frames in every cut, back-pressure, an end that loses nothing that was read."""

from __future__ import annotations

import asyncio
from importlib.resources import files

from tests.inputs.cef.running import running, send

RECORDS = (files("bridge.testing") / "samples" / "cybereason.txt").read_text().splitlines()


def record(number: int, more: str = "") -> str:
    return f"CEF:0|Example|Gate|1.0|7|Login|5|externalId={number}{more}"


async def test_the_samples_arrive_complete_and_in_order() -> None:
    async with running() as front:
        await send(front, "".join(f"{line}\n" for line in RECORDS).encode())
        await front.emit.wait_for(len(RECORDS))
        assert front.emit.texts == RECORDS
        assert {event["bridge_sender"] for event in front.emit.events} == {"127.0.0.1"}


async def test_it_says_where_it_listens() -> None:
    async with running() as front:
        host, port = front.address
        assert host == "127.0.0.1"
        assert port > 0


async def test_any_cut_of_the_stream_gives_the_same_events() -> None:
    data = f"{record(1)}\n{record(2)}\r\n{record(3)}\0".encode()
    async with running() as front:
        for cut in range(1, len(data)):
            _, writer = await asyncio.open_connection(*front.address)
            writer.write(data[:cut])
            await writer.drain()
            await asyncio.sleep(0)
            writer.write(data[cut:])
            writer.close()
            await writer.wait_closed()
        events = await front.emit.wait_for(3 * (len(data) - 1))
        assert {str(event["cef_external_id"]) for event in events} == {"1", "2", "3"}
        assert not any("bridge_flags" in event for event in events)


async def test_what_was_read_when_the_input_is_stopped_is_emitted_and_awaited() -> None:
    async with running() as front:
        front.emit.durable.clear()
        _, writer = await asyncio.open_connection(*front.address)
        writer.write(f"{record(1)}\n{record(2)}".encode())
        await front.emit.wait_for(1)
        front.task.cancel()
        await front.emit.wait_for(2)
        assert not front.task.done()
        front.emit.durable.set()
        await front.stop()
        assert front.emit.texts == [record(1), record(2)]
        writer.close()

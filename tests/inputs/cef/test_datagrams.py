"""UDP: batches, bursts, what the kernel drops, both transports at once."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from bridge.net import widen
from tests.inputs.cef.running import HandClock, record, running, send


@pytest.fixture
def sender() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        yield opened


async def test_a_datagram_is_a_record(sender: socket.socket) -> None:
    async with running(transport="udp") as front:
        sender.sendto(record(1).encode(), front.address)
        (event,) = await front.emit.wait_for(1)
        assert event["cef_external_id"] == "1"
        assert event["bridge_sender"] == "127.0.0.1"
        assert front.detail == f"listening on udp 127.0.0.1:{front.address[1]}"


async def test_several_records_in_a_datagram_are_several_events(sender: socket.socket) -> None:
    async with running(transport="udp") as front:
        sender.sendto(f"{record(1)}\n{record(2)}\n".encode(), front.address)
        await front.emit.wait_for(2)
        assert front.emit.texts == [record(1), record(2)]


async def test_a_line_feed_and_a_nul_in_a_datagram_are_data(sender: socket.socket) -> None:
    async with running(transport="udp") as front:
        sender.sendto(record(1, " msg=two\nlines\0there").encode(), front.address)
        (event,) = await front.emit.wait_for(1)
        assert event["cef_message"] == "two\nlines\0there"


async def test_empty_datagrams_are_nothing(sender: socket.socket) -> None:
    async with running(transport="udp") as front:
        sender.sendto(b"", front.address)
        sender.sendto(b"\n", front.address)
        sender.sendto(record(1).encode(), front.address)
        await front.emit.wait_for(1)
        assert front.emit.texts == [record(1)]


async def test_a_burst_arrives_complete_and_in_order(sender: socket.socket) -> None:
    """As many as fit the kernel's buffer even if nobody reads them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        number = widen(probe, 4 << 20) // 2000
    async with running(transport="udp") as front:
        for n in range(number):
            sender.sendto(record(n).encode(), front.address)
        await front.emit.wait_for(number)
        assert front.emit.texts == [record(n) for n in range(number)]
        assert not front.counts


async def test_what_does_not_become_durable_is_dropped_by_the_kernel_and_counted(
    sender: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.inputs.cef.handover.MAX_BYTES", 5000)
    monkeypatch.setattr("bridge.inputs.cef.datagrams.WAITING_BYTES", 5000)
    clock = HandClock()
    async with running(clock, transport="udp", receive_buffer_bytes=4096) as front:
        front.emit.durable.clear()
        for number in range(2000):
            sender.sendto(record(number).encode(), front.address)
            if number % 10 == 0:
                await asyncio.sleep(0)
        held = len(front.emit.events)
        assert held < 1000
        clock.advance(1)
        await asyncio.sleep(0)
        assert front.counts["kernel_drops", ""] > 0
        front.emit.durable.set()
        await front.emit.wait_for(2000 - front.counts["kernel_drops", ""])


async def test_what_waits_in_the_kernel_at_the_end_is_read(sender: socket.socket) -> None:
    async with running(transport="udp") as front:
        sender.sendto(record(0).encode(), front.address)
        await front.emit.wait_for(1)
        for number in range(1, 200):
            sender.sendto(record(number).encode(), front.address)
        await front.stop()
        assert len(front.emit.events) == 200


async def test_peers_outside_of_the_networks_are_not_read(sender: socket.socket) -> None:
    async with running(transport="udp", allow_from=["192.0.2.0/24"]) as front:
        sender.sendto(record(1).encode(), front.address)
        await front.stop()
        assert front.counts == {("refused", "allow_from"): 1}
        assert not front.emit.events


async def test_both_transports_at_once(sender: socket.socket) -> None:
    async with running(transport="both") as front:
        tcp, udp = front.input.addresses
        assert front.detail == f"listening on tcp 127.0.0.1:{tcp[1]}, udp 127.0.0.1:{udp[1]}"
        await send(front, record(1).encode())
        await front.emit.wait_for(1)
        sender.sendto(record(2).encode(), udp)
        await front.emit.wait_for(2)
        assert front.emit.texts == [record(1), record(2)]


async def test_a_smaller_buffer_than_wanted_is_said(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.inputs.cef.datagrams.widen", lambda opened, size: size // 2)
    async with running(transport="udp"):
        assert "raise net.core.rmem_max" in caplog.text

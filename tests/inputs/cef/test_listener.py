"""Connections: frames in every cut, back-pressure, an end that loses nothing that was read."""

from __future__ import annotations

import asyncio
import base64
import resource
import socket
from contextlib import suppress
from importlib.resources import files

import pytest

from bridge.errors import BridgeError
from bridge.inputs.cef.handover import MAX_BYTES
from bridge.inputs.cef.listener import (
    CONNECTION_BYTES,
    MAX_TURN_BYTES,
    MIN_TURN_BYTES,
    READ_BYTES,
    TURN_SECONDS,
    Portions,
)
from tests.inputs.cef.running import HandClock, record, running, send, settled

RECORDS = (files("bridge.testing") / "samples" / "cybereason.txt").read_text().splitlines()


async def test_the_samples_arrive_complete_and_in_order() -> None:
    async with running() as front:
        await send(front, "".join(f"{line}\n" for line in RECORDS).encode())
        await front.emit.wait_for(len(RECORDS))
        assert front.emit.texts == RECORDS
        assert {event["bridge_sender"] for event in front.emit.events} == {"127.0.0.1"}


async def test_it_says_where_it_listens() -> None:
    async with running() as front:
        assert front.detail == f"listening on tcp 127.0.0.1:{front.address[1]}"


@pytest.mark.parametrize(
    ("address", "client", "sender"),
    [("[::1]:0", "::1", "::1"), ("[::]:0", "127.0.0.1", "127.0.0.1"), ("[::]:0", "::1", "::1")],
)
async def test_ipv6_and_ipv4_senders_are_named_as_they_are(
    address: str, client: str, sender: str
) -> None:
    async with running(address=address) as front:
        _, writer = await asyncio.open_connection(client, front.address[1])
        writer.write(record(1).encode())
        writer.close()
        await writer.wait_closed()
        (event,) = await front.emit.wait_for(1)
        assert event["bridge_sender"] == sender


async def test_any_cut_of_the_stream_gives_the_same_events() -> None:
    data = f"{record(1)}\n{record(2)}\r\n{record(3)}\0".encode()
    async with running() as front:
        for cut in range(1, len(data)):
            _, writer = await asyncio.open_connection(*front.address)
            writer.write(data[:cut])
            await asyncio.sleep(0)
            writer.write(data[cut:])
            writer.close()
            await writer.wait_closed()
        events = await front.emit.wait_for(3 * (len(data) - 1))
        assert {str(event["cef_external_id"]) for event in events} == {"1", "2", "3"}
        assert not any("bridge_flags" in event for event in events)


async def test_every_framing_may_come_on_one_connection() -> None:
    counted = record(4, " msg=with\nline").encode()
    data = f"{record(1)}\n{record(2)}\r\n{record(3)}\0".encode()
    async with running() as front:
        await send(front, data + b"%d %s" % (len(counted), counted) + record(5).encode() + b"\n")
        events = await front.emit.wait_for(5)
        assert [event["cef_external_id"] for event in events] == list("12345")
        assert events[3]["cef_message"] == "with\nline"


class TestBadInput:
    async def test_garbage_becomes_events_that_say_so(self) -> None:
        async with running() as front:
            await send(front, b"\x00\x01garbage\n" + record(1).encode() + b"\n")
            events = await front.emit.wait_for(2)
            assert [event.get("bridge_flags") for event in events] == ["not_cef", None]
            assert front.counts["not_cef", "127.0.0.1"] == 1

    async def test_invalid_utf_8_is_replaced_and_the_octets_are_kept(self) -> None:
        async with running() as front:
            frame = record(1).encode() + b" act=\xff\xfe"
            await send(front, frame + b"\n")
            (event,) = await front.emit.wait_for(1)
            assert event["cef_device_action"] == "\ufffd\ufffd"
            assert event["bridge_flags"] == "invalid_utf8"
            assert base64.b64decode(str(event["bridge_raw_base64"])) == frame
            assert front.counts["invalid_utf8", "127.0.0.1"] == 1

    async def test_invalid_utf_8_can_be_read_by_another_encoding(self) -> None:
        async with running(fallback_encoding="latin-1") as front:
            await send(front, record(1).encode() + b" act=\xe4\n")
            (event,) = await front.emit.wait_for(1)
            assert event["cef_device_action"] == "ä"

    async def test_half_a_record_at_the_end_of_a_connection_is_an_event(self) -> None:
        async with running() as front:
            await send(front, b"CEF:0|Acme|Gate|1.0|7|Lo")
            (event,) = await front.emit.wait_for(1)
            assert event["full_message"] == "CEF:0|Acme|Gate|1.0|7|Lo"
            assert "header_incomplete" in str(event["bridge_flags"])

    async def test_a_reset_connection_loses_nothing_that_was_read(self) -> None:
        async with running() as front:
            _, writer = await asyncio.open_connection(*front.address)
            writer.write(f"{record(1)}\n{record(2)}".encode())
            await front.emit.wait_for(1)
            linger = b"\1\0\0\0\0\0\0\0"
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.close()
            await front.emit.wait_for(2)
            assert front.emit.texts == [record(1), record(2)]

    async def test_a_nul_in_a_value_ends_the_frame_and_the_rest_is_kept(self) -> None:
        async with running() as front:
            await send(front, record(1, " act=a\0b").encode() + b"\n")
            first, second = await front.emit.wait_for(2)
            assert first["cef_device_action"] == "a"
            assert second["message"] == "b"

    async def test_an_endless_line_comes_in_flagged_pieces(self) -> None:
        line = record(1, " msg=" + "x" * 5000)
        async with running(max_frame_bytes=1024) as front:
            await send(front, line.encode() + b"\n" + record(2).encode() + b"\n")
            events = await front.emit.wait_for(1 + -(-len(line) // 1024))
            assert "".join(front.emit.texts[:-1]) == line
            assert all("over_long" in str(event["bridge_flags"]) for event in events[:-1])
            assert events[-1]["cef_external_id"] == "2"

    async def test_a_client_that_never_writes_is_harmless(self) -> None:
        async with running() as front:
            silent = [await asyncio.open_connection(*front.address) for _ in range(20)]
            await send(front, record(1).encode())
            await front.emit.wait_for(1)
            for _, writer in silent:
                writer.close()

    async def test_a_line_feed_in_a_value_can_be_joined(self) -> None:
        async with running(join_lines=True) as front:
            await send(front, f"{record(1, ' msg=two')}\nlines\n{record(2)}\n".encode())
            first, _ = await front.emit.wait_for(2)
            assert first["cef_message"] == "two\nlines"

    async def test_senders_beyond_a_bound_are_counted_together(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bridge.inputs.cef.reader.MAX_SENDERS", 0)
        async with running() as front:
            await send(front, b"hello\n")
            await front.emit.wait_for(1)
            assert front.counts["not_cef", "others"] == 1

    async def test_a_fault_of_the_bridge_costs_one_event_its_fields(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with running() as front:

            def fail(*_: object, **__: object) -> None:
                raise RuntimeError("a bug")

            monkeypatch.setattr("bridge.inputs.cef.reader.normalize", fail)
            await send(front, record(1).encode())
            (event,) = await front.emit.wait_for(1)
            assert event["message"] == event["full_message"] == record(1)
            assert event["bridge_flags"] == "unread"
            assert "a bug" in caplog.text


class TestBackPressure:
    async def test_500_connections_at_once_are_an_ordinary_day(self) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
        try:
            async with running() as front:
                frames = [f"{record(n)}\n".encode() for n in range(500)]
                await asyncio.gather(*(send(front, frame) for frame in frames))
                events = await front.emit.wait_for(500)
                assert {int(str(event["cef_external_id"])) for event in events} == set(range(500))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    async def test_a_slow_spool_blocks_the_sender_and_bounds_memory(self) -> None:
        line = record(1, " msg=" + "x" * 8000).encode() + b"\n"
        async with running() as front:
            front.emit.durable.clear()
            _, writer = await asyncio.open_connection(*front.address)
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
            number = 4000
            writer.write(line * number)
            await settled(front)
            read = len(front.emit.events) * len(line)
            assert CONNECTION_BYTES <= read <= CONNECTION_BYTES + 512 * 1024
            front.emit.durable.set()
            await front.emit.wait_for(number)
            writer.close()

    async def test_many_senders_together_are_bounded_too(self) -> None:
        """The bound of one connection times the number of connections is no bound."""
        line = record(1, " msg=" + "x" * 30_000).encode() + b"\n"
        async with running() as front:
            front.emit.durable.clear()
            writers = []
            for _ in range(40):
                _, writer = await asyncio.open_connection(*front.address)
                writer.write(line * 32)
                writers.append(writer)
            await settled(front)
            assert len(front.emit.events) * len(line) <= MAX_BYTES + CONNECTION_BYTES
            front.emit.durable.set()
            await front.emit.wait_for(40 * 32)
            for writer in writers:
                writer.close()


class TestTheEnd:
    async def test_what_was_read_is_emitted_and_awaited(self) -> None:
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

    async def test_nobody_is_accepted_afterwards(self) -> None:
        async with running() as front:
            await front.stop()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(*front.address)

    async def test_the_input_can_run_again(self) -> None:
        async with running() as front:
            await front.stop()
            again = asyncio.get_running_loop().create_task(front.input.run(front.emit))
            await front.reports.get()
            await send(front, record(1).encode())
            await front.emit.wait_for(1)
            again.cancel()
            await asyncio.wait([again])

    async def test_a_spool_that_fails_ends_the_input(self) -> None:
        async with running() as front:
            front.emit.failure = BridgeError("the disk is gone")
            await send(front, record(1).encode())
            with pytest.raises(BridgeError, match="the disk is gone"):
                await front.task


class TestWhoMaySend:
    async def test_peers_outside_of_the_networks_are_turned_away_unread(self) -> None:
        async with running(allow_from=["192.0.2.0/24"]) as front:
            reader, writer = await asyncio.open_connection(*front.address)
            assert await reader.read() == b""
            writer.close()
            assert front.counts["refused", "allow_from"] == 1
            assert not front.emit.events

    async def test_peers_inside_are_heard(self) -> None:
        async with running(allow_from=["127.0.0.0/8"]) as front:
            await send(front, record(1).encode())
            await front.emit.wait_for(1)

    async def test_more_connections_than_wanted_are_turned_away(self) -> None:
        async with running(max_connections=2) as front:
            held = [await asyncio.open_connection(*front.address) for _ in range(2)]
            reader, writer = await asyncio.open_connection(*front.address)
            assert await reader.read() == b""
            assert front.counts["refused", "max_connections"] == 1
            for _, other in [*held, (reader, writer)]:
                other.close()

    async def test_an_idle_connection_is_closed_and_its_rest_is_an_event(self) -> None:
        clock = HandClock()
        async with running(clock, idle_seconds=60) as front:
            reader, writer = await asyncio.open_connection(*front.address)
            writer.write(f"{record(1)}\n{record(2)}".encode())
            await front.emit.wait_for(1)
            clock.advance(59)
            await asyncio.sleep(0)
            assert front.counts["idle_closed", ""] == 0
            clock.advance(15)
            assert await reader.read() == b""
            await front.emit.wait_for(2)
            assert front.counts["idle_closed", ""] == 1
            writer.close()

    async def test_the_peer_named_by_a_proxy_is_the_sender(self) -> None:
        header = b"PROXY TCP4 192.0.2.99 198.51.100.1 51234 5514\r\n"
        async with running(proxy_protocol=True) as front:
            await send(front, header + record(1).encode())
            (event,) = await front.emit.wait_for(1)
            assert event["bridge_sender"] == event["host"] == "192.0.2.99"

    async def test_who_does_not_speak_it_is_turned_away(self) -> None:
        async with running(proxy_protocol=True) as front:
            reader, writer = await asyncio.open_connection(*front.address)
            writer.write(record(1).encode())
            with suppress(ConnectionResetError):
                await reader.read()
            assert front.counts["refused", "proxy_protocol"] == 1
            writer.close()


async def turn(portions: Portions, clock: HandClock, reads: int, seconds: float) -> int:
    """One turn of the loop in which so many connections read all they may; how much that was."""
    sizes = [len(portions.next()) for _ in range(reads)]
    for size in sizes:
        portions.read(size)
    clock.advance(seconds)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return sum(sizes)


async def test_what_is_read_in_one_turn_of_the_loop_depends_on_how_long_it_takes() -> None:
    """Otherwise fast senders, or costly records, would keep everything else from its turn."""
    clock = HandClock()
    portions = Portions(clock.monotonic)
    for _ in range(20):
        quick = await turn(portions, clock, 20, 0.001)
    assert MAX_TURN_BYTES // 2 < quick <= MAX_TURN_BYTES
    for _ in range(20):
        slow = await turn(portions, clock, 20, TURN_SECONDS * 5)
    assert slow <= MIN_TURN_BYTES


async def test_a_single_connection_is_read_in_large_portions() -> None:
    clock = HandClock()
    portions = Portions(clock.monotonic)
    for _ in range(3):
        size = await turn(portions, clock, 1, 0.001)
    assert size == READ_BYTES

"""GELF over TCP: confirmed when, and only when, the peer has read everything."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from bridge.config import SpoolConfig
from bridge.delivery import Delivery
from bridge.errors import Rejected, Retryable
from bridge.health import State
from bridge.outputs import Batch
from bridge.outputs.gelf_tcp import MAX_FRAME
from bridge.spool import Spool
from bridge.testing import FakeGraylog
from tests.outputs.over_tcp import Mute, begin, connected, failure, output, send
from tests.outputs.running import Host, batch, document, numbers, serving, until

HOUR = 3600


async def test_every_message_arrives_in_order_and_is_confirmed(host: Host) -> None:
    async with FakeGraylog() as graylog, connected(host, graylog.port) as sender:
        await send(sender, batch(1, 3), batch(4, 5))
        await send(sender, batch(6, 6))
        assert numbers(graylog.documents) == [1, 2, 3, 4, 5, 6]


async def test_nothing_is_confirmed_before_the_peer_has_read_it(host: Host) -> None:
    async with FakeGraylog() as graylog, connected(host, graylog.port) as sender:
        graylog.pause()
        (sending,) = await begin(sender, batch(1, 3))
        sender.flush()
        assert not (await asyncio.wait([sending], timeout=0.2))[0]
        graylog.resume()
        await sending
        assert numbers(graylog.documents) == [1, 2, 3]


async def test_confirmation_is_asked_for_after_a_while(host: Host) -> None:
    async with (
        FakeGraylog() as graylog,
        connected(host, graylog.port, confirm_seconds=0.1) as sender,
    ):
        await sender.send(batch(1, 1))
        assert graylog.connections == 2


async def test_a_confirmation_tells_when_it_was_asked_for(host: Host) -> None:
    """Not when the send began, nor when the peer had got around to it."""
    async with FakeGraylog() as graylog, connected(host, graylog.port) as sender:
        clock = sender.context.clock
        graylog.pause()
        (sending,) = await begin(sender, batch(1, 1))
        await asyncio.sleep(0.1)
        before = clock.monotonic()
        sender.flush()
        await asyncio.sleep(0.1)
        after = clock.monotonic()
        graylog.resume()
        asked_at = await sending
        assert asked_at is not None
        assert before <= asked_at < after - 0.05


async def test_confirmation_is_asked_for_after_so_many_bytes(host: Host) -> None:
    async with (
        FakeGraylog() as graylog,
        connected(host, graylog.port, confirm_bytes=1000, confirm_seconds=HOUR) as sender,
    ):
        await asyncio.gather(*await begin(sender, *(batch(n, n, 500) for n in range(4))))
        assert graylog.connections == 3


async def test_a_large_interval_ends_by_its_size_not_only_by_time(
    host: Host, tmp_path: Path
) -> None:
    options = {"confirm_bytes": "16MiB", "confirm_seconds": HOUR, "hold_back_seconds": 0}
    spool = await Spool.open(SpoolConfig(directory=tmp_path, min_free_bytes=0))
    async with FakeGraylog() as graylog:
        delivery = Delivery(output(host, graylog.port, **options), spool, host.clock)
        running = asyncio.create_task(delivery.run())
        try:
            for number in range(40):
                await spool.append("in", [document(number, 500_000)])
            async with asyncio.timeout(20):
                while (await spool.balance()).outputs["graylog"].delivered < 34:
                    await asyncio.sleep(0.02)
        finally:
            running.cancel()
            await asyncio.wait([running])
            await spool.close()


async def test_the_next_connection_is_open_before_the_one_in_use_is_finished(host: Host) -> None:
    open_at_the_end: list[int] = []
    opened = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        if await reader.read():
            open_at_the_end.append(opened)

    async with serving(handle) as port, connected(host, port) as sender:
        with contextlib.suppress(Retryable):
            await send(sender, batch(1, 1))
        assert open_at_the_end == [2]


async def test_at_most_two_connections_carry_what_is_not_confirmed(host: Host) -> None:
    async with FakeGraylog() as graylog:
        graylog.pause()
        async with connected(host, graylog.port, confirm_bytes=1000) as sender:
            sends = await begin(sender, *(batch(n, n, 1000) for n in range(1, 6)))
            await asyncio.sleep(0.2)
            assert graylog.connections == 3  # two that carry something, and one in reserve
            graylog.resume()
            await asyncio.gather(*sends)
            assert sorted(numbers(graylog.documents)) == [1, 2, 3, 4, 5]


async def test_blanks_go_in_front_of_the_first_document_of_a_connection(host: Host) -> None:
    got: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.read())
        writer.close()

    async with serving(handle) as port, connected(host, port) as sender:
        await send(sender, batch(1, 1), batch(2, 2))
        assert got == [b" " * 4096 + document(1) + b"\0" + document(2) + b"\0"]


@pytest.mark.parametrize("unread", [True, False])
async def test_a_peer_that_closes_first_confirms_nothing(host: Host, unread: bool) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1 if unread else 100_000)
        if not unread:
            writer.write_eof()
            await reader.read()

    async with serving(handle) as port, connected(host, port) as sender:
        reason = await failure(await begin(sender, batch(1, 3)), sender)
    assert reason.startswith(f"127.0.0.1:{port}: ")
    assert "closed the connection" in reason or "reset" in reason


async def test_a_reset_confirms_nothing(host: Host) -> None:
    async with FakeGraylog() as graylog, connected(host, graylog.port) as sender:
        graylog.pause()
        sends = await begin(sender, batch(1, 3))
        sender.flush()
        await asyncio.sleep(0.05)
        await graylog.kill()
        assert "reset" in await failure(sends, sender)


async def test_any_answer_is_a_sign_of_another_protocol(host: Host) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()

    async with serving(handle) as port, connected(host, port) as sender:
        reason = await failure(await begin(sender, batch(1, 1)), sender)
    assert "it answered 28 bytes, which a GELF TCP input never does" in reason


async def test_after_a_break_nothing_more_is_taken_until_connected_again(host: Host) -> None:
    async with FakeGraylog() as graylog, connected(host, graylog.port) as sender:
        graylog.reset()
        await sender.broken()
        with pytest.raises(Retryable):
            await sender.send(batch(1, 1))
        await sender.close()
        await sender.connect()
        await send(sender, batch(1, 1))
        assert numbers(graylog.documents) == [1]


async def test_a_peer_that_goes_away_after_confirming_is_noticed(host: Host) -> None:
    """That is the hold-back: what it had read may be lost."""
    async with FakeGraylog() as graylog, connected(host, graylog.port) as sender:
        await send(sender, batch(1, 1))
        await graylog.stop()
        async with asyncio.timeout(5):
            assert "closed the connection" in await sender.broken()


async def test_a_peer_that_went_away_while_we_were_paused_is_noticed(host: Host) -> None:
    """The time has passed, but nothing has shown since that it lives."""
    async with FakeGraylog() as graylog, connected(host, graylog.port) as sender:
        await send(sender, batch(1, 1))
        host.clock.ahead = 60
        graylog.reset()
        async with asyncio.timeout(5):
            assert f"127.0.0.1:{graylog.port}: " in await sender.broken()


async def test_an_unused_connection_that_times_out_is_replaced_quietly(host: Host) -> None:
    async with FakeGraylog() as graylog, connected(host, graylog.port) as sender:
        await send(sender, batch(1, 1))
        await sender.alive()
        broken = asyncio.create_task(sender.broken())
        host.clock.ahead = 60
        before = graylog.connections
        graylog.reset()
        await until(lambda: graylog.connections == before + 1)
        await send(sender, batch(2, 2))
        assert numbers(graylog.documents) == [1, 2]
        assert not broken.done()
        broken.cancel()


async def test_a_peer_that_is_gone_is_noticed_while_nothing_is_sent(host: Host) -> None:
    async with FakeGraylog() as graylog, connected(host, graylog.port) as sender:
        host.clock.ahead = 60
        await graylog.stop()
        async with asyncio.timeout(5):
            assert f"127.0.0.1:{graylog.port}: " in await sender.broken()


async def test_an_endpoint_that_accepts_and_closes_at_once_is_a_failure(host: Host) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        return

    async with serving(handle) as port:
        sender = output(host, port)
        with contextlib.suppress(Retryable):
            await sender.connect()
            async with asyncio.timeout(5):
                await sender.broken()
        await sender.close()


async def test_a_destination_that_is_away_is_retryable_and_named(host: Host) -> None:
    async with FakeGraylog() as graylog:
        port = graylog.port
    with pytest.raises(Retryable, match=rf"cannot connect to 127\.0\.0\.1:{port}: .*refused"):
        await output(host, port).connect()


async def test_close_is_safe_without_connect_and_twice(host: Host) -> None:
    sender = output(host, 1)
    await sender.close()
    await sender.close()


async def test_a_peer_that_never_closes_is_noticed_and_said_once(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(Mute()) as port:
        sender = output(host, port, timeout_seconds=0.2)
        for _ in range(2):
            await sender.connect()
            sends = await begin(sender, batch(1, 1))
            sender.flush()
            assert "it has taken everything and does not close" in await failure(sends, sender)
            await sender.close()
    warnings = [one for one in caplog.messages if "confirm: none" in one]
    assert len(warnings) == 1


async def test_the_patience_with_a_silent_peer_grows(host: Host) -> None:
    async with serving(Mute()) as port:
        sender = output(host, port, timeout_seconds=0.1)
        spans = []
        for _ in range(3):
            await sender.connect()
            start = host.clock.monotonic()
            sends = await begin(sender, batch(1, 1))
            sender.flush()
            await failure(sends, sender)
            spans.append(host.clock.monotonic() - start)
            await sender.close()
    assert spans[0] < spans[1] < spans[2]
    assert any(state is State.RETRYING and "waiting" in text for state, text in host.reports)


async def test_a_frozen_peer_is_waited_for(host: Host) -> None:
    async with (
        FakeGraylog() as graylog,
        connected(host, graylog.port, timeout_seconds=0.2) as sender,
    ):
        sender._silences = 3
        graylog.pause()
        sends = await begin(sender, batch(1, 1))
        sender.flush()
        await until(lambda: bool(host.reports))
        graylog.resume()
        await asyncio.gather(*sends)
        assert [state for state, _ in host.reports] == [State.RETRYING, State.OK]
        assert numbers(graylog.documents) == [1]


async def test_a_sign_of_life_is_a_fin_that_is_answered(host: Host) -> None:
    async with FakeGraylog() as graylog, connected(host, graylog.port) as sender:
        await send(sender, batch(1, 1))
        before = graylog.connections
        async with asyncio.timeout(5):
            await sender.alive()
        assert graylog.connections == before + 1
        await sender.alive()  # nothing was confirmed since
        assert graylog.connections == before + 1
        assert numbers(graylog.documents) == [1]


@pytest.mark.parametrize("late", [False, True])
async def test_a_frozen_peer_that_is_killed_gave_no_sign_of_life(host: Host, late: bool) -> None:
    async with FakeGraylog() as graylog, connected(host, graylog.port) as sender:
        await send(sender, batch(1, 1))
        graylog.pause()
        host.clock.ahead = 60 * late
        before = graylog.connections
        asking = asyncio.create_task(sender.alive())
        await until(lambda: graylog.connections > before)
        assert not asking.done()
        await graylog.kill()
        with pytest.raises(Retryable, match=r"127\.0\.0\.1"):
            await asking


async def test_without_confirmation_what_is_written_counts(host: Host) -> None:
    mute = Mute()
    async with serving(mute) as port, connected(host, port, confirm="none") as sender:
        await sender.send(batch(1, 2))
        await sender.send(batch(3, 3))
        await until(lambda: mute.data.count(b"\0") == 3)


async def test_without_confirmation_a_break_is_still_noticed(host: Host) -> None:
    async with (
        FakeGraylog() as graylog,
        connected(host, graylog.port, confirm="none") as sender,
    ):
        await sender.send(batch(1, 2))
        await graylog.kill()
        assert f"127.0.0.1:{graylog.port}" in await sender.broken()


async def test_a_full_peer_is_not_confirmed_by_what_waits_in_this_process(host: Host) -> None:
    async with (
        FakeGraylog() as graylog,
        connected(host, graylog.port, confirm="none") as sender,
    ):
        graylog.pause()
        sends = await begin(sender, *(batch(n, n, 1_000_000) for n in range(1, 13)))
        await asyncio.sleep(0.3)
        assert not sends[-1].done()
        graylog.resume()
        await asyncio.gather(*sends)
        await until(lambda: len(graylog.documents) == 12)


async def test_frames_that_graylog_would_choke_on_are_rejected(host: Host) -> None:
    good, big = document(1), document(2, MAX_FRAME + 1)
    async with FakeGraylog() as graylog, connected(host, graylog.port) as sender:
        for messages, refused in (([good, big, good], [1]), ([big], [0])):
            joined = Batch(1, "in", len(messages), b"\0".join(messages))
            with pytest.raises(Rejected) as caught:
                await send(sender, joined)
            assert list(caught.value.indexes) == refused
        assert numbers(graylog.documents) == [1] * 2


async def test_the_largest_document_is_taken(host: Host) -> None:
    async with FakeGraylog() as graylog, connected(host, graylog.port) as sender:
        await send(sender, batch(1, 1, MAX_FRAME))
        assert [len(one.strip()) for one in graylog.documents] == [MAX_FRAME]

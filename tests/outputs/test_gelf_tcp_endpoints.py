"""Several endpoints: who is taken, what follows a break, and what check says of each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from bridge.errors import BridgeError, Retryable
from bridge.outputs.gelf_tcp import GelfTcp
from bridge.testing import FakeGraylog
from tests.outputs.over_tcp import Mute, begin, connected, failure, output, send
from tests.outputs.running import Host, batch, numbers, serving


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.WARNING):
        yield
    assert not caplog.messages


async def test_the_first_endpoint_that_answers_is_taken(host: Host, quiet: None) -> None:
    async with FakeGraylog() as first, FakeGraylog() as second:
        await first.stop()
        async with connected(host, first.port, second.port) as sender:
            await send(sender, batch(1, 1))
            assert numbers(second.documents) == [1]
            await first.start()
            await send(sender, batch(2, 2))
            assert numbers(second.documents) == [1, 2]
            host.clock.ahead = 60
            await send(sender, batch(3, 3))
            assert numbers(first.documents) == [3]


async def test_a_broken_endpoint_is_followed_by_the_next(host: Host) -> None:
    async with (
        FakeGraylog() as first,
        FakeGraylog() as second,
        connected(host, first.port, second.port) as sender,
    ):
        first.pause()
        sends = await begin(sender, batch(1, 1))
        await first.kill()
        await failure(sends, sender)
        await sender.close()
        await sender.connect()
        await send(sender, batch(1, 1))
        assert numbers(second.documents) == [1]


async def test_endpoints_can_take_turns(host: Host) -> None:
    async with FakeGraylog() as first, FakeGraylog() as second:
        ports = first.port, second.port
        async with connected(host, *ports, order="round_robin") as sender:
            for number in range(1, 7):
                await send(sender, batch(number, number))
        assert sorted(numbers(first.documents) + numbers(second.documents)) == [1, 2, 3, 4, 5, 6]
        assert len(first.documents) == len(second.documents) == 3


async def test_in_turn_an_endpoint_that_is_away_is_left_out(host: Host) -> None:
    async with FakeGraylog() as first, FakeGraylog() as second:
        ports = first.port, second.port
        await first.stop()
        async with connected(host, *ports, order="round_robin") as sender:
            for number in range(1, 4):
                await send(sender, batch(number, number))
        assert numbers(second.documents) == [1, 2, 3]


async def test_in_turn_each_endpoint_is_watched_after_it_has_confirmed(host: Host) -> None:
    async with FakeGraylog() as first, FakeGraylog() as second:
        ports = first.port, second.port
        async with connected(host, *ports, order="round_robin") as sender:
            await send(sender, batch(1, 1))
            await send(sender, batch(2, 2))
            await first.kill()
            async with asyncio.timeout(5):
                assert f":{first.port}: " in await sender.broken()


async def test_check_sees_that_fin_is_answered(host: Host) -> None:
    async with FakeGraylog() as graylog:
        await output(host, graylog.port).check()
        assert graylog.documents == []


async def test_check_names_a_receiver_that_never_closes(host: Host) -> None:
    async with serving(Mute()) as port:
        with pytest.raises(BridgeError, match="does not close"):
            await output(host, port, timeout_seconds=0.1).check()
        await output(host, port, timeout_seconds=0.1, confirm="none").check()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"endpoint": []}, "endpoint"),
        ({"endpoint": "localhost:1", "confirm": "close_notify"}, "needs tls"),
        ({"endpoint": "localhost:1", "confirm_bytes": 0}, "confirm_bytes"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        GelfTcp.Config.model_validate({"type": "gelf_tcp", **options})


async def test_a_name_that_cannot_be_one_is_retryable(host: Host) -> None:
    sender = output(host, 1, endpoint=f"{'x' * 64}.example.org:12201")
    with pytest.raises(Retryable, match="cannot be the name of a host"):
        await sender.connect()

"""GELF over TCP against a receiver that frames as Graylog does."""

from __future__ import annotations

import logging

import orjson
import pytest

from bridge.clock import SystemClock
from bridge.errors import Retryable
from bridge.inputs import Context
from bridge.outputs import Batch
from bridge.outputs.gelf_tcp import GelfTcp
from bridge.testing import FakeGraylog


def output(port: int) -> GelfTcp:
    context = Context(
        id="graylog",
        log=logging.getLogger("bridge.test"),
        clock=SystemClock(),
        report=lambda state, detail: None,
        count=lambda name, n=1, label="": None,
        checkpoint=None,  # type: ignore[arg-type]
        unseen=None,  # type: ignore[arg-type]
        kinds={},
    )
    config = GelfTcp.Config.model_validate({"type": "gelf_tcp", "endpoint": f"127.0.0.1:{port}"})
    return GelfTcp(config, context)


def batch(first: int, last: int) -> Batch:
    documents = [
        orjson.dumps({"version": "1.1", "host": "h", "short_message": "m", "_n": number})
        for number in range(first, last + 1)
    ]
    return Batch(last, "in", len(documents), b"\0".join(documents))


async def send_many(sender: GelfTcp) -> None:
    for number in range(2, 50):
        await sender.send(batch(number, number))


async def test_every_message_of_a_batch_arrives_in_order() -> None:
    async with FakeGraylog() as graylog:
        sender = output(graylog.port)
        await sender.connect()
        await sender.send(batch(1, 3))
        await sender.send(batch(4, 5))
        await graylog.received(5, timeout=5)
        assert [message.fields["n"] for message in graylog.messages] == [1, 2, 3, 4, 5]
        await sender.close()


async def test_a_destination_that_is_away_is_retryable_and_named() -> None:
    async with FakeGraylog() as graylog:
        port = graylog.port
    with pytest.raises(Retryable, match=rf"cannot connect to 127\.0\.0\.1:{port}: .*refused"):
        await output(port).connect()


async def test_a_closed_connection_is_retryable() -> None:
    async with FakeGraylog() as graylog:
        sender = output(graylog.port)
        await sender.connect()
        await sender.send(batch(1, 1))
        await graylog.received(1, timeout=5)
        await graylog.stop()
        with pytest.raises(Retryable):
            await send_many(sender)
        await sender.close()


async def test_close_is_safe_without_connect_and_twice() -> None:
    sender = output(1)
    await sender.close()
    await sender.close()

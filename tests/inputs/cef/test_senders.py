"""Programs that others wrote send to the input."""

from __future__ import annotations

import asyncio
import logging
import shutil
import socket
from logging.handlers import SysLogHandler

import pytest

from tests.inputs.cef.running import Running, record, running

NEEDS_LOGGER = pytest.mark.skipif(not shutil.which("logger"), reason="util-linux is not installed")


async def logger(front: Running, *options: str) -> None:
    host, port = front.address
    started = await asyncio.create_subprocess_exec(
        "logger", "--server", host, "--port", str(port), *options, record(1, " act=done")
    )
    assert await started.wait() == 0


@NEEDS_LOGGER
@pytest.mark.parametrize(
    "options",
    [
        ("--rfc3164",),
        ("--rfc5424",),
        ("--rfc5424", "--octet-count"),
        ("--rfc5424", "--sd-id", "meta@1", "--sd-param", 'a="CEF:0|x"'),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_logger(transport: str, options: tuple[str, ...]) -> None:
    async with running(transport=transport) as front:
        await logger(front, f"--{transport}", "--tag", "gate", "--priority", "local0.err", *options)
        (event,) = await front.emit.wait_for(1)
        assert event["cef_external_id"] == "1"
        assert event["cef_device_action"] == "done"
        assert event["syslog_app_name"] == "gate"
        assert (event["syslog_facility"], event["syslog_severity"]) == (16, 3)
        assert event["syslog_host"] == event["host"]
        assert event["bridge_timestamp_from"] == "envelope"


@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_python_s_own_handler(transport: str) -> None:
    """It ends its frames with NUL on both transports."""
    kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
    async with running(transport=transport) as front:
        handler = await asyncio.to_thread(SysLogHandler, front.address, 16, kind)
        for number in (1, 2):
            text = record(number)
            entry = logging.LogRecord("gate", logging.ERROR, "", 0, text, None, None)
            handler.emit(entry)
        events = await front.emit.wait_for(2)
        assert [event["cef_external_id"] for event in events] == ["1", "2"]
        assert events[0]["syslog_facility"] == 16
        handler.close()

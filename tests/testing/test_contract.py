"""The contract holds for our own components, and finds what breaks it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from bridge.inputs import Emit, Input, InputConfig
from bridge.inputs.cef import CefInput
from bridge.outputs import Batch, Output, OutputConfig
from bridge.outputs.console import Console
from bridge.outputs.file import File
from bridge.outputs.gelf_tcp import GelfTcp
from bridge.outputs.gelf_udp import GelfUdp
from bridge.testing import FakeGraylog
from bridge.testing.contract import InputContract, OutputContract
from tests.bridges import record

QUICK = {"confirm_seconds": 0.05, "hold_back_seconds": 0}


class TestCef(InputContract):
    component = CefInput
    options = {"address": "127.0.0.1:0"}

    async def stimulate(self, component: CefInput) -> None:
        _, writer = await asyncio.open_connection(*component.addresses[0])
        writer.write(f"{record(1)}\n".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()


class TestGelfTcp(OutputContract):
    component = GelfTcp
    unreachable = {"endpoint": "127.0.0.1:1"}

    @asynccontextmanager
    async def environment(self) -> AsyncIterator[dict[str, Any]]:
        async with FakeGraylog() as self.graylog:
            yield {"endpoint": f"127.0.0.1:{self.graylog.port}", **QUICK}

    async def arrived(self, count: int) -> list[bytes]:
        await self.graylog.received(count)
        return [document.strip() for document in self.graylog.documents]  # blanks come first


class TestGelfUdp(OutputContract):
    component = GelfUdp

    @asynccontextmanager
    async def environment(self) -> AsyncIterator[dict[str, Any]]:
        async with FakeGraylog() as self.graylog:
            yield {"endpoint": f"127.0.0.1:{self.graylog.udp_port}", "compression": "none"}

    async def arrived(self, count: int) -> list[bytes]:
        await self.graylog.received(count)
        return self.graylog.documents


class TestFile(OutputContract):
    component = File
    unreachable = {"path": "/nonexistent/folder/events.json"}

    @asynccontextmanager
    async def environment(self) -> AsyncIterator[dict[str, Any]]:
        with tempfile.TemporaryDirectory() as folder:
            self.path = Path(folder) / "events.json"
            yield {"path": str(self.path)}

    async def arrived(self, count: int) -> list[bytes]:
        return self.path.read_bytes().splitlines()


class TestConsole(OutputContract):
    component = Console


class Deaf(Input):
    """Breaks every rule that an input can break."""

    class Config(InputConfig):
        undescribed: int = 0

    config: Config

    async def run(self, emit: Emit) -> None:
        while True:
            try:
                for _ in range(100):
                    self.handed_over = asyncio.ensure_future(
                        emit([{"Event Type": "x", "list": [1]}] * 200)  # type: ignore[dict-item]
                    )
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                await asyncio.sleep(0.1)
                return


class DeafContract(InputContract):
    component = Deaf


class Careless(Output):
    """Confirms what nobody took and leaves things behind."""

    Config: ClassVar[type[OutputConfig]] = OutputConfig

    async def connect(self) -> None:
        self.task = asyncio.ensure_future(asyncio.sleep(60))

    async def send(self, batch: Batch) -> None:
        """Nothing."""

    async def close(self) -> None:
        """Nothing."""


class CarelessContract(OutputContract):
    component = Careless
    unreachable = {}

    async def arrived(self, count: int) -> list[bytes]:
        return []


@pytest.mark.parametrize(
    ("test", "sentence"),
    [
        ("test_every_option_has_a_description", "options without a docstring: undescribed"),
        ("test_it_hands_over_events_that_graylog_keeps_whole", "event_type is missing"),
        ("test_it_waits_for_what_is_not_durable", "it goes on although nothing becomes durable"),
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_an_input_does_wrong_is_found(test: str, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        getattr(DeafContract(), test)()


@pytest.mark.parametrize(
    ("test", "sentence"),
    [
        ("test_what_it_sends_arrives", "was sent, .* arrived"),
        ("test_it_can_be_closed_at_any_time", "tasks are left behind"),
        ("test_a_destination_that_is_away_is_no_crash", "it confirms what nobody took"),
    ],
)
def test_what_an_output_does_wrong_is_found(test: str, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        getattr(CarelessContract(), test)()

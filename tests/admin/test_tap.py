"""`/tap` and the command on it: live events, filtered, bounded, safe to print."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.cli.client import Client
from bridge.errors import BridgeError
from bridge.tap import MAX_WAITING, Taps
from tests.bridges import CONFIG, Bridge, record, running


class Listening:
    """`/tap` read in a thread of its own; `events` are those that came so far."""

    def __init__(self, client: Client, query: dict[str, str]) -> None:
        self.events: list[dict[str, Any]] = []
        self.error: BridgeError | None = None
        self._client = client
        self._query = query
        self._enough = 0
        self._thread = threading.Thread(target=self._read, daemon=True)

    def _read(self) -> None:
        try:
            for line in self._client.lines("/tap", self._query):
                if line.strip():
                    self.events.append(json.loads(line))
                if self._enough and len(self.events) >= self._enough:
                    break
        except BridgeError as error:
            self.error = error

    async def start(self, bridge: Bridge) -> None:
        before = len(bridge.service.taps._open)
        self._thread.start()
        async with asyncio.timeout(5):
            while len(bridge.service.taps._open) == before and not self.error:
                await asyncio.sleep(0.005)

    async def until(self, count: int) -> list[dict[str, Any]]:
        """The events, once there are so many; then it stops listening."""
        self._enough = count
        async with asyncio.timeout(5):
            while len(self.events) < count:
                await asyncio.sleep(0.005)
        return self.events


async def listening(bridge: Bridge, **query: str) -> Listening:
    found = Listening(bridge.client, query)
    await found.start(bridge)
    return found


async def test_an_event_is_shown_as_received_as_sent_and_as_stored(tmp_path: Path) -> None:
    async with running(tmp_path, CONFIG % 1) as bridge:
        tap = await listening(bridge)
        await bridge.send(record(1, " act=login"))
        [event] = await tap.until(1)
    assert event["input"] == "malops"
    assert event["received"] == record(1, " act=login")
    assert json.loads(event["sent"])["_cef_device_action"] == "login"
    assert event["stored"]["cef_device_action"] == "login"
    assert event["stored"]["source"] == "127.0.0.1"
    assert event["lost"] == []


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({}, [1, 2, 3]),
        ({"input": "malops"}, [1, 2, 3]),
        ({"event_type": "example", "field": "cef_external_id=2"}, [2]),
        ({"field": "cef_message"}, [3]),
        ({"field": "cef_message=a*c"}, [3]),
        ({"field": "source=127.0.0.1\ncef_external_id=1"}, [1]),
    ],
)
async def test_filters_hold_all_together(
    tmp_path: Path, query: dict[str, str], numbers: list[int]
) -> None:
    async with running(tmp_path, CONFIG % 1) as bridge:
        tap = await listening(bridge, **query)
        await bridge.send(record(1), record(2), record(3, " msg=a b c"))
        events = await tap.until(len(numbers))
    assert [int(event["stored"]["cef_external_id"]) for event in events] == numbers


async def test_what_is_no_filter_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path, CONFIG % 1) as bridge:
        tap = await listening(bridge, inptu="malops")
    assert tap.error is not None
    assert "no such filter: inptu" in str(tap.error)


async def test_what_must_not_leave_the_machine_is_hidden_here_too(tmp_path: Path) -> None:
    text = CONFIG.replace('127.0.0.1:0"', '127.0.0.1:0", redact: {cef_message: "hunter."}') % 1
    async with running(tmp_path, text) as bridge:
        tap = await listening(bridge)
        await bridge.send(record(1, " msg=hunter2"))
        [event] = await tap.until(1)
    assert "hunter2" not in json.dumps(event)


async def test_the_record_can_be_seen_even_if_it_is_not_sent(tmp_path: Path) -> None:
    text = CONFIG.replace('127.0.0.1:0"', '127.0.0.1:0", full_message: false') % 1
    async with running(tmp_path, text) as bridge:
        tap = await listening(bridge)
        await bridge.send(record(1))
        [event] = await tap.until(1)
    assert event["received"] == record(1)
    assert "full_message" not in event["stored"]


async def test_who_reads_too_slowly_is_told_what_was_missed() -> None:
    taps = Taps()
    with taps.open(lambda event: True) as tap:
        for _ in range(MAX_WAITING + 5):
            taps.offer({"bridge_input": "a"}, None, b"{}")
        assert tap.missed == 5
        assert (await tap.take()).input == "a"
    assert not taps.active


async def test_nobody_is_left_behind_when_a_listener_goes_away(tmp_path: Path) -> None:
    async with running(tmp_path, CONFIG % 1) as bridge:
        tap = await listening(bridge)
        assert bridge.service.taps.active
        await bridge.send(record(1))
        await tap.until(1)
        await bridge.send(record(2))
        async with asyncio.timeout(5):
            while bridge.service.taps.active:
                await asyncio.sleep(0.01)


@contextmanager
def answering(lines: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A client that hears these lines."""
    heard = [b"\n", *(json.dumps(line).encode() + b"\n" for line in lines)]
    with monkeypatch.context() as patch:
        patch.setattr(Client, "lines", lambda *_: iter(heard))
        yield


@pytest.mark.parametrize("options", [[], ["--as", "sent"], ["--as", "received"], ["--json"]])
def test_control_characters_never_reach_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    bad = "a\x1b[2Jb\x9bc\u202ed\re"
    event = {
        "input": "malops",
        "event_type": "x",
        "received": bad,
        "sent": json.dumps({"_x": bad}, ensure_ascii=False),
        "stored": {"message": bad, bad: bad},
        "lost": [bad],
    }
    config = tmp_path / "bridge.yaml"
    config.write_text(CONFIG % 1)
    with answering([event, {"missed": 7}], monkeypatch):
        done = CliRunner().invoke(main, ["tap", "-c", str(config), *options])
    assert done.exit_code == 0
    assert all(one.isprintable() or one == "\n" for one in done.output)
    assert "7 events were skipped" in done.stderr
    if "--json" in options:
        assert json.loads(done.stdout.splitlines()[0])["message"] == bad

"""What the output `console` shows, and what it never lets through to a terminal."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from hypothesis import given

from bridge.clock import SystemClock
from bridge.gelf import encode
from bridge.inputs import Context
from bridge.outputs import Batch
from bridge.outputs.console import Console, line, visible
from tests.gelf.events import events

EVENT = {
    "event_type": "cybereason",
    "event_uid": "c-1",
    "timestamp": 1629500007.043,
    "host": "pc-1",
    "message": "Malop created on pc-1",
    "full_message": "CEF:0|Cybereason|…",
    "cef_severity": 7,
    "cybereason_score": 0.5,
    "cybereason_command_line": 'cmd.exe "/c dir"',
}


def console(**options: Any) -> Console:
    context = Context(
        id="console",
        log=logging.getLogger("bridge.test"),
        clock=SystemClock(),
        report=lambda state, detail: None,
        count=lambda name, n=1, label="": None,
        checkpoint=None,  # type: ignore[arg-type]
        unseen=None,  # type: ignore[arg-type]
        kinds={},
    )
    return Console(Console.Config.model_validate({"type": "console"} | options), context)


def batch(*some: dict[str, Any]) -> Batch:
    return Batch(1, "in", len(some), b"\0".join(map(encode, some)))


async def shown(output: Console, *some: dict[str, Any]) -> None:
    await output.connect()
    await output.send(batch(*some))
    await output.close()


async def test_every_event_is_one_readable_line(capfd: pytest.CaptureFixture[str]) -> None:
    await shown(console(), EVENT, {"host": "h", "message": "m"})
    assert capfd.readouterr().out.splitlines() == [
        "2021-08-20T22:53:27.043Z cybereason pc-1 Malop created on pc-1 event_uid=c-1 "
        'cef_severity=7 cybereason_score=0.5 cybereason_command_line="cmd.exe \\"/c dir\\""',
        "- - h m",
    ]


async def test_as_json_every_line_is_the_document(capfd: pytest.CaptureFixture[str]) -> None:
    await shown(console(format="json"), EVENT, EVENT | {"x": "a\nb\x85\u2028\U000e0001é"})
    first, second = capfd.readouterr().out.split("\n")[:-1]
    assert first == encode(EVENT).decode()
    assert json.loads(second)["_x"] == "a\nb\x85\u2028\U000e0001é"
    assert second.endswith('"_x":"a\\nb\\u0085\\u2028\\udb40\\udc01é"}')


def test_nothing_of_an_event_can_move_the_cursor_or_begin_a_line() -> None:
    hostile = "red\x1b[31m \x9b2J \r\n 2026-01-01 forged \u202e"
    written = line(
        encode({"event_type": hostile, "host": hostile, "message": hostile, "x": hostile})
    )
    assert written.isprintable()
    assert written.count("\\r\\n 2026-01-01 forged \\u202e") == 4


def test_colours_are_the_consoles_own() -> None:
    plain, coloured = line(encode(EVENT)), line(encode(EVENT), colour=True)
    assert coloured.count("\x1b[0m") == 7
    for code in ("\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[36m"):
        coloured = coloured.replace(code, "")
    assert coloured == plain


@given(events())
def test_every_event_is_one_printable_line(event: dict[str, Any]) -> None:
    document = encode(event)
    assert line(document).isprintable()
    assert json.loads(visible(document.decode())) == json.loads(document)


@contextmanager
def stdout(fd: int, encoding: str = "utf-8") -> Iterator[None]:
    """Standard output goes to this descriptor, which is closed in the end."""
    with (
        pytest.MonkeyPatch.context() as patch,
        suppress(BrokenPipeError),
        os.fdopen(fd, "w", encoding=encoding) as file,
    ):
        patch.setattr(sys, "stdout", file)
        yield


async def on_a_terminal(monkeypatch: pytest.MonkeyPatch, **environ: str) -> bytes:
    """What a terminal gets of one event."""
    for name in ("TERM", "NO_COLOR"):
        monkeypatch.setenv(name, environ.get(name, ""))
    ours, theirs = os.openpty()
    with stdout(theirs):
        await shown(console(), EVENT)
        got = os.read(ours, 4096)
    os.close(ours)
    return got


async def test_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    got = await on_a_terminal(monkeypatch, TERM="xterm")
    assert b"\x1b[1mMalop created on pc-1\x1b[0m" in got


@pytest.mark.parametrize("environ", [{"TERM": "xterm", "NO_COLOR": "1"}, {"TERM": "dumb"}, {}])
async def test_colours_can_be_turned_off(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    got = await on_a_terminal(monkeypatch, **environ)
    assert b"\x1b" not in got
    assert b"Malop created on pc-1" in got


async def test_an_output_that_cannot_show_a_character_shows_its_number() -> None:
    reading, writing = os.pipe()
    with stdout(writing, "ascii"):
        await shown(console(), {"host": "h", "message": "é"})
    assert os.read(reading, 4096) == b"- - h \\xe9\n"
    os.close(reading)


async def test_a_reader_that_stands_still_holds_up_neither_the_loop_nor_a_stop() -> None:
    reading, writing = os.pipe()
    with stdout(writing):
        long = EVENT | {"message": "m" * 1_000_000}
        writing_it = asyncio.ensure_future(shown(console(), long))
        assert (await asyncio.to_thread(os.read, reading, 10)) == b"2021-08-20"
        assert not writing_it.done()
        writing_it.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing_it
        os.close(reading)


async def test_a_reader_that_went_away_is_an_error_of_the_output() -> None:
    """The loop tries again; nothing counts as confirmed."""
    reading, writing = os.pipe()
    os.close(reading)
    with stdout(writing), pytest.raises(BrokenPipeError):
        await shown(console(), EVENT)

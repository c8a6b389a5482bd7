"""The bridge's own logs: readable, bounded, and never in the way."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge import logs
from bridge.config import Endpoint, GraylogLogs, LogsConfig
from bridge.testing import FakeGraylog

log = logging.getLogger("bridge.input.malops")


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """Put the root logger back as it was."""
    root, own = logging.getLogger(), logging.getLogger("bridge")
    before = list(root.handlers), root.level, own.level
    yield
    for handler in root.handlers:
        if handler not in before[0]:
            handler.close()
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    own.setLevel(before[2])
    logging.captureWarnings(False)


def written(monkeypatch: pytest.MonkeyPatch, config: LogsConfig) -> io.StringIO:
    """Set up the logs; what they write to standard error."""
    error = io.StringIO()
    monkeypatch.setattr("sys.stderr", error)
    logs.set_up(config)
    return error


def test_a_line_names_time_level_and_component(monkeypatch: pytest.MonkeyPatch) -> None:
    error = written(monkeypatch, LogsConfig())
    log.info("reads %s", "slowly")
    logging.getLogger("bridge.service").warning("x", extra={"component": "graylog"})
    logging.getLogger("bridge.service").warning("stopping")
    [first, second, third] = error.getvalue().splitlines()
    assert first[:4].isdigit()
    assert first[20:] == " INFO    malops: reads slowly"
    assert second[20:] == " WARNING graylog: x"
    assert third[20:] == " WARNING stopping"


def test_the_journal_gets_levels_and_no_times(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with (tmp_path / "stderr").open("w+") as error:
        monkeypatch.setattr("sys.stderr", error)
        own = os.fstat(error.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{own.st_dev}:{own.st_ino}")
        logs.set_up(LogsConfig())
        log.warning("slow")
        try:
            raise ValueError("no way")
        except ValueError:
            log.exception("failed")
        lines = (tmp_path / "stderr").read_text().splitlines()
    assert lines[:2] == ["<4>malops: slow", "<3>malops: failed"]
    assert all(line.startswith("<3>") for line in lines[1:])
    assert lines[-1] == "<3>ValueError: no way"


def test_json_holds_the_same_in_one_object_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    error = written(monkeypatch, LogsConfig(format="json"))
    try:
        raise ValueError("no\nway")
    except ValueError:
        log.exception("failed")
    [line] = error.getvalue().splitlines()
    found = json.loads(line)
    assert found["time"].endswith("Z")
    assert (found["level"], found["component"]) == ("error", "malops")
    assert found["message"] == "failed"
    assert "ValueError: no\nway" in found["traceback"]


def test_a_sender_cannot_forge_lines_or_write_to_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    error = written(monkeypatch, LogsConfig())
    log.warning("from %s", "x\n2026-01-01T00:00:00Z INFO all is well\x1b[2J\x9b")
    assert error.getvalue().count("\n") == 1
    assert "\\n2026" in error.getvalue()
    assert "\x1b" not in error.getvalue()
    assert "\x9b" not in error.getvalue()


def test_the_level_holds_for_the_bridge_and_others_only_warn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    error = written(monkeypatch, LogsConfig(level="debug"))
    log.debug("one")
    logging.getLogger("httpx").info("two")
    logging.getLogger("asyncio").warning("three")
    assert [line[29:] for line in error.getvalue().splitlines()] == ["malops: one", "three"]


def test_setting_up_again_replaces_what_was(monkeypatch: pytest.MonkeyPatch) -> None:
    written(monkeypatch, LogsConfig())
    error = written(monkeypatch, LogsConfig(level="error"))
    log.warning("not this")
    log.error("this")
    assert error.getvalue().count("\n") == 1


def test_repeated_warnings_are_held_back_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    error = written(monkeypatch, LogsConfig())
    for number in range(100):
        log.warning("cannot accept: %d", number)
        logging.getLogger("bridge.input.other").warning("cannot accept: %d", number)
    assert error.getvalue().count("\n") == 2 * logs.MAX_REPEATS
    logs.tell_repeats(everything=True)
    lines = error.getvalue().splitlines()
    assert len(lines) == 2 * logs.MAX_REPEATS + 2
    assert lines[-2].endswith("malops: 97 more like this within a minute: cannot accept: 0")
    assert lines[-1].endswith("other: 97 more like this within a minute: cannot accept: 0")


def test_information_is_never_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    error = written(monkeypatch, LogsConfig())
    for _ in range(50):
        log.info("so it is")
    assert error.getvalue().count("\n") == 50


def test_a_new_window_begins_with_the_sum_of_the_last() -> None:
    limiter = logs.Limiter()
    told: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
    handler.addFilter(limiter)
    own = logging.getLogger("bridge.input.windows")
    own.addHandler(handler)
    own.propagate = False
    try:
        for second in (*range(10), 61):
            record = own.makeRecord(own.name, logging.ERROR, "", 0, "broken", (), None)
            record.created = 1_000_000.0 + second
            own.handle(record)
    finally:
        own.removeHandler(handler)
        own.propagate = True
    assert told == ["broken"] * 3 + ["7 more like this within a minute: broken", "broken"]


def test_many_kinds_of_warnings_cost_bounded_memory() -> None:
    limiter = logs.Limiter()
    for number in range(3 * logs.MAX_KINDS):
        limiter.filter(log.makeRecord(log.name, logging.WARNING, "", 0, f"{number}", (), None))
    assert len(limiter._seen) <= logs.MAX_KINDS


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_records_arrive_in_graylog_as_graypy_sends_them(
    monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    async with FakeGraylog() as graylog:
        port = graylog.udp_port if transport == "udp" else graylog.port
        to = GraylogLogs(endpoint=Endpoint("127.0.0.1", port), transport=transport)  # type: ignore[arg-type]
        written(monkeypatch, LogsConfig(graylog=to))
        try:
            raise ValueError("no way")
        except ValueError:
            log.exception("failed: %s", "x" * 200_000)
        [found] = await graylog.received(1)
    assert found.fields["facility"] == "gelf-bridge"
    assert found.fields["component"] == "malops"
    assert found.fields["level"] == 3
    assert str(found.fields["message"]).startswith("failed: xxx")
    assert "ValueError: no way" in str(found.fields["full_message"])


def test_the_level_for_graylog_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(5)
        endpoint = Endpoint(*listening.getsockname())
        to = GraylogLogs(endpoint=endpoint, level="error")
        written(monkeypatch, LogsConfig(graylog=to))
        log.warning("not this")
        log.error("but this")
        assert b"but this" in zlib.decompress(listening.recv(65_535))


def test_a_graylog_that_reads_nothing_blocks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue fills, the rest is discarded and counted; the end does not wait for it."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        endpoint = Endpoint(*deaf.getsockname())
        to = GraylogLogs(endpoint=endpoint, transport="tcp")
        error = written(monkeypatch, LogsConfig(graylog=to))
        began = time.monotonic()
        for _ in range(5 * logs.QUEUE_RECORDS):
            log.info("x" * 5_000)
        assert logs.discarded() > 0
        assert time.monotonic() - began < 10, "waiting for it would take a second a record"
        [handler] = [h for h in logging.getLogger().handlers if isinstance(h, logs.InBackground)]
        began = time.monotonic()
        handler.close()
        assert time.monotonic() - began < logs.CLOSE_SECONDS + 1
    assert "Traceback" not in error.getvalue()


def test_a_failing_graylog_makes_no_further_records(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        to = GraylogLogs(endpoint=Endpoint(*reserved.getsockname()), transport="tcp")
        error = written(monkeypatch, LogsConfig(graylog=to))
        for number in range(20):
            log.info("line %d", number)
        logging.getLogger().handlers[1].close()
    assert error.getvalue().count("\n") == 20


async def test_nothing_of_it_runs_in_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that does not resolve takes its time elsewhere."""
    resolving = asyncio.Event()
    to = GraylogLogs(endpoint=Endpoint("graylog.invalid", 12201))
    written(monkeypatch, LogsConfig(graylog=to))
    loop = asyncio.get_running_loop()

    def slow(*_: object, **__: object) -> None:
        loop.call_soon_threadsafe(resolving.set)
        time.sleep(1)
        raise OSError("no such host")

    monkeypatch.setattr(
        logging.getLogger().handlers[1]._handler,
        "makeSocket",
        slow,  # type: ignore[attr-defined]
    )
    began = time.monotonic()
    log.info("line")
    assert time.monotonic() - began < 0.5
    async with asyncio.timeout(5):
        await resolving.wait()


def test_a_worker_names_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    error = io.StringIO()
    monkeypatch.setattr("sys.stderr", error)
    logs.set_up(LogsConfig(), worker=1)
    log.info("reads")
    logs.set_up(LogsConfig(format="json"), worker=0)
    log.info("reads")
    [text, line] = error.getvalue().splitlines()
    assert text[20:] == " INFO    worker 1: malops: reads"
    assert json.loads(line)["worker"] == 0


WRITING = """
import logging, sys
from bridge import logs
from bridge.config import LogsConfig

logs.set_up(LogsConfig(), int(sys.argv[1]), int(sys.argv[2]))
sys.stdin.readline()
for _ in range(30):
    logging.getLogger("bridge.x").info("%s", sys.argv[1] * 20_000)
"""


def test_long_lines_of_several_workers_are_not_torn(tmp_path: Path) -> None:
    """A pipe takes only 4 KiB at once."""
    with (tmp_path / "lock").open("w+") as lock:
        reading, writing = os.pipe()
        workers = [
            subprocess.Popen(
                [sys.executable, "-c", WRITING, worker, str(lock.fileno())],
                stdin=subprocess.PIPE,
                stderr=writing,
                pass_fds=[lock.fileno()],
            )
            for worker in ("1", "2")
        ]
        os.close(writing)
        for worker in workers:
            assert worker.stdin
            worker.stdin.write(b"\n")
            worker.stdin.close()
        with open(reading, encoding="utf-8") as lines:
            found = [line.split(": ")[-1].strip() for line in lines]
        assert [worker.wait() for worker in workers] == [0, 0]
    assert sorted(found) == ["1" * 20_000] * 30 + ["2" * 20_000] * 30

"""Libraries in one process, on one core: the parser, lines to GELF bytes, the encoder.

`python -m tests.bench.inprocess COUNT` prints `ready` and answers each line on its standard input
with one round as JSON: microseconds of processor time an event, by table and candidate.
"""

from __future__ import annotations

import gc
import json
import logging
import re
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import graypy
import pycef
import pygelf.gelf

from bridge import cef, gelf
from tests.bench.events import Record, records
from tests.bench.own import Path, reads_of


class Job(NamedTuple):
    """What is measured, and how many events it handles."""

    run: Callable[[], object]
    events: int


_LINE = re.compile(
    r"(?:<(\d+)>)?(?:1 )?(.*?)CEF:(\d+)\|" + r"\|".join([r"((?:[^|\\]|\\.)*)"] * 6) + r"\|(.*)",
    re.DOTALL,
)
_PAIR = re.compile(r"(\w+)=(.*?)(?=\s\w+=|$)", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)")
_NAMES = ("vendor", "product", "device_version", "class", "name", "severity")


def plain(line: bytes) -> bytes:
    """What one writes in an hour: a regular expression for the line, one for pairs, then `json`."""
    text = line.decode().rstrip("\n")
    match = _LINE.match(text)
    assert match
    priority, head, version, *header, extension = match.groups()
    message: dict[str, Any] = {"version": "1.1", "host": (head or "-").split()[0], "level": 6}
    message["_facility"] = int(priority or 0) // 8
    message["_cef_version"] = version
    for name, value in zip(_NAMES, header, strict=True):
        message[f"_{name}"] = _ESCAPED.sub(_unescaped, value)
    pairs = {key: _ESCAPED.sub(_unescaped, value) for key, value in _PAIR.findall(extension)}
    for key, value in pairs.items():
        if key.endswith("Label"):
            continue
        name = pairs.get(f"{key}Label", key)
        message[f"_{name}"] = int(value) if value.isdigit() and len(value) < 18 else value
    message["timestamp"] = int(pairs["rt"]) / 1000
    message["short_message"] = message["_name"]
    message["full_message"] = text
    return json.dumps(message).encode()


def _unescaped(match: re.Match[str]) -> str:
    return {"n": "\n", "r": "\r"}.get(match[1], match[1])


def candidates(records: list[Record]) -> dict[str, dict[str, Job]]:
    """What is compared, by table; ours first."""
    frames = [record.line.rstrip(b"\n") for record in records]
    texts = [frame.decode() for frame in frames]
    # pycef fails on a header with an escaped pipe and knows no syslog header.
    bare = [text[text.index("CEF:") :] for text in texts if "\\|" not in text]
    path = Path()
    reads = reads_of(frames)
    path.meet(reads)
    events = [{"event_type": "bench", **record.pairs} for record in records]
    return {
        "parse": {
            "bridge.cef.parse": over(cef.parse, bare),
            "pycef.parse": over(pycef.parse, bare),
            "bridge.cef.parse, syslog header and all": over(cef.parse, texts),
        },
        "line to GELF bytes": {
            "gelf-bridge": over(path.documents, reads, len(frames)),
            "plain regex + json": over(plain, frames),
        },
        "encode": {
            "bridge.gelf.encode": over(gelf.encode, events),
            "graypy": graypy_job(events),
            "pygelf": pygelf_job(events),
        },
    }


def over(function: Callable[[Any], object], items: Iterable[Any], events: int = 0) -> Job:
    """Apply it to everything, keep nothing; each item is an event, unless it is said otherwise."""
    every = list(items)

    def run() -> None:
        for item in every:
            function(item)

    return Job(run, events or len(every))


def graypy_job(events: list[dict[str, Any]]) -> Job:
    handler = graypy.GELFTCPHandler("192.0.2.7", 1, debugging_fields=False)
    return over(handler.makePickle, log_records(events))


def pygelf_job(events: list[dict[str, Any]]) -> Job:
    def encode(record: logging.LogRecord) -> bytes:
        message = pygelf.gelf.make(
            record,
            domain="bench",
            debug=False,
            version="1.1",
            additional_fields={},
            additional_env_fields={},
            include_extra_fields=True,
        )
        return pygelf.gelf.pack(message, False, str)  # type: ignore[no-any-return]

    return over(encode, log_records(events))


def log_records(events: list[dict[str, Any]]) -> list[logging.LogRecord]:
    """The same events as `logging` has them; `msg` is the message there."""
    return [
        logging.makeLogRecord(
            {"levelno": logging.INFO, "levelname": "INFO", **event, "text": event["msg"]}
            | {"msg": "event"}
        )
        for event in events
    ]


def one_round(tables: dict[str, dict[str, Job]]) -> dict[str, dict[str, float]]:
    """Microseconds of processor time an event, by table and candidate."""
    found: dict[str, dict[str, float]] = {table: {} for table in tables}
    for table, jobs in tables.items():
        for name, job in jobs.items():
            gc.collect()
            began = time.process_time()
            job.run()
            found[table][name] = (time.process_time() - began) / job.events * 1e6
    return found


def main(count: int) -> None:
    """Answer until the standard input ends."""
    tables = candidates(records(count))
    print("ready", flush=True)
    while sys.stdin.readline():
        print(json.dumps(one_round(tables)), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))

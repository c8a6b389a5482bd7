"""Events on standard output, one line each: to look at, or as JSON for the next command."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Literal

from bridge import gelf
from bridge.outputs import Batch, Output, OutputConfig

_DIM, _BOLD, _CYAN, _PLAIN = "\x1b[2m", "\x1b[1m", "\x1b[36m", "\x1b[0m"
_HEADING: Final = frozenset({"timestamp", "event_type", "source", "message", "full_message"})


class ConsoleConfig(OutputConfig):
    """Print events: a line each for people, or JSON for pipes."""

    format: Literal["line", "json"] = "line"
    """`line`: time, event type, host and message, then the fields as Graylog will name them, but
    no `full_message`; `json`: the GELF document."""


class Console(Output):
    """Writes every event as one line; a line counts as confirmed when it is written."""

    Config: ClassVar[type[OutputConfig]] = ConsoleConfig
    config: ConsoleConfig

    async def connect(self) -> None:
        """Standard output is always there."""

    async def send(self, batch: Batch) -> None:
        """Write the batch, without holding up others when the reader is slow; raises OSError."""
        if self.config.format == "json":
            lines = [visible(document.decode()) for document in batch.messages()]
        else:
            colour = wants_colour()
            lines = [line(document, colour) for document in batch.messages()]
        text = "".join(f"{each}\n" for each in lines)
        await _write(text.encode(sys.stdout.encoding, "backslashreplace"))

    async def close(self) -> None:
        """Nothing is kept open."""


def line(document: bytes, colour: bool = False) -> str:
    """One message as one line for people, without control characters of its own."""
    fields = gelf.decode(document).fields
    dim, bold, cyan, plain = (_DIM, _BOLD, _CYAN, _PLAIN) if colour else ("", "", "", "")
    parts = [
        f"{dim}{_time(fields)}{plain}",
        f"{cyan}{visible(str(fields.get('event_type', '-')))}{plain}",
        visible(str(fields.get("source", "-"))),
        f"{bold}{visible(str(fields.get('message', '-')))}{plain}",
    ]
    parts += [
        f"{dim}{name}={plain}{_value(value)}"
        for name, value in fields.items()
        if name not in _HEADING
    ]
    return " ".join(parts)


def visible(text: str) -> str:
    """The text with everything that does not print (controls, line ends, direction marks) escaped
    as in JSON, so that a JSON document stays the same document."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)


def wants_colour() -> bool:
    """Only on a terminal that can, and not against `NO_COLOR` (no-color.org)."""
    environ = os.environ
    return (
        sys.stdout.isatty()
        and not environ.get("NO_COLOR")
        and environ.get("TERM") not in (None, "", "dumb")
    )


def _time(fields: Mapping[str, Any]) -> str:
    if "timestamp" not in fields:
        return "-"
    moment = datetime.fromtimestamp(fields["timestamp"], UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds") + "Z"


def _value(value: str | float) -> str:
    if not isinstance(value, str):
        return repr(value)
    is_word = value and not any(each.isspace() or each in "\"'=" for each in value)
    return visible(value if is_word else json.dumps(value, ensure_ascii=False))


async def _write(data: bytes) -> None:
    """Write to the descriptor of standard output in a thread that no stop has to wait for."""
    sys.stdout.flush()
    loop, descriptor = asyncio.get_running_loop(), sys.stdout.fileno()
    written: asyncio.Future[None] = loop.create_future()

    def work() -> None:
        error: OSError | None = None
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(descriptor, left) :]
        except OSError as raised:
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop has ended in the meantime
            loop.call_soon_threadsafe(_finish, written, error)

    threading.Thread(target=work, name="console", daemon=True).start()
    await written


def _finish(written: asyncio.Future[None], error: OSError | None) -> None:
    if written.cancelled():
        return
    if error:
        written.set_exception(error)
    else:
        written.set_result(None)

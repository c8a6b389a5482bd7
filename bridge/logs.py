"""The bridge's own logs: on standard error, and if wanted into Graylog.

A record is about a component when its logger is `bridge.input.<id>` or `bridge.output.<id>`, or
when it has `extra={"component": id}`. Warnings and errors that repeat are held back and counted.
What goes to Graylog does so by graypy, in a thread behind a bounded queue: it can be lost, but it
can neither block the bridge nor make further records.
"""

from __future__ import annotations

import copy
import fcntl
import json
import logging
import os
import queue
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from functools import partial
from logging.handlers import QueueHandler, QueueListener
from typing import TYPE_CHECKING, Any, Final, TextIO

if TYPE_CHECKING:
    from bridge.config import GraylogLogs, LogsConfig

WINDOW_SECONDS: Final = 60.0
MAX_REPEATS: Final = 3
"""So many alike in one window are written, further ones are counted."""
MAX_KINDS: Final = 1000
QUEUE_RECORDS: Final = 1000
MAX_CHARACTERS: Final = 100_000
"""Longer texts are cut on the way to Graylog, so that they fit into 128 datagrams."""
CLOSE_SECONDS: Final = 2.0
JOURNAL_LEVELS: Final = {logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6, logging.DEBUG: 7}
TOLD: Final = "_told"
"""Marks a record that sums up others, which is always let through."""

_COMPONENTS: Final = ("bridge.input.", "bridge.output.")
_ESCAPED: Final = {
    code: repr(chr(code))[1:-1] for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)
}


def set_up(config: LogsConfig, worker: int | None = None, lock: int | None = None) -> None:
    """Send all logs where the configuration wants them; what was set up before is closed.

    Of several processes each names itself by `worker`, and holds `lock`, a file, while it writes to
    standard error, so that no line is torn.
    """
    limiter = Limiter()
    console = Console(lock)
    console.setFormatter(Json() if config.format == "json" else Text(for_journal=_is_journal()))
    handlers: list[logging.Handler] = [console]
    if config.graylog:
        handlers.append(to_graylog(config.graylog))
    for handler in handlers:
        handler.addFilter(limiter)
        handler.addFilter(partial(_sign, worker))
    root = logging.getLogger()
    before, root.handlers[:] = list(root.handlers), handlers
    for handler in before:
        handler.close()
    root.setLevel(logging.WARNING)
    logging.getLogger("bridge").setLevel(config.level.upper())
    logging.captureWarnings(True)


def _sign(worker: int | None, record: logging.LogRecord) -> bool:
    """Write into the record which worker it comes from."""
    if worker is not None:
        record.worker = worker
    return True


def tell_repeats(everything: bool = False) -> None:
    """Write how many records were held back in windows that are over, or in all of them."""
    for handler in logging.getLogger().handlers[:1]:
        for limiter in handler.filters:
            if isinstance(limiter, Limiter):
                limiter.tell(everything=everything)


def discarded() -> int:
    """How many records for Graylog were lost since the logs were set up."""
    handlers = logging.getLogger().handlers
    return sum(one.discarded for one in handlers if isinstance(one, InBackground))


def component_of(record: logging.LogRecord) -> str:
    """The id of the component that a record is about, or an empty text."""
    for prefix in _COMPONENTS:
        if record.name.startswith(prefix):
            return record.name.removeprefix(prefix).partition(".")[0]
    return str(getattr(record, "component", ""))


def printable(text: str) -> str:
    """The text in one line, control characters escaped: whatever a sender wrote into it."""
    return text.translate(_ESCAPED)


def _is_journal() -> bool:
    """Does systemd's journal read standard error? (systemd.exec(5), JOURNAL_STREAM)"""
    try:
        file = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{file.st_dev}:{file.st_ino}"


class Console(logging.StreamHandler[TextIO]):
    """Standard error, alone or in turns with other processes that have the file `lock`."""

    def __init__(self, lock: int | None = None) -> None:
        super().__init__(sys.stderr)
        self._turns = lock

    def emit(self, record: logging.LogRecord) -> None:
        if self._turns is None:
            super().emit(record)
            return
        fcntl.lockf(self._turns, fcntl.LOCK_EX)
        try:
            super().emit(record)
        finally:
            fcntl.lockf(self._turns, fcntl.LOCK_UN)


class Text(logging.Formatter):
    """`2026-01-01T12:00:00Z WARNING malops: retrying: …`; a traceback follows in further lines.

    For the journal the time is left out, and each line begins with its level (sd-daemon(3)).
    """

    def __init__(self, *, for_journal: bool = False) -> None:
        super().__init__()
        self._for_journal = for_journal

    def format(self, record: logging.LogRecord) -> str:
        if not self._for_journal:
            return f"{_time(record)} {record.levelname:7} {self._text(record)}"
        level = f"<{JOURNAL_LEVELS.get(record.levelno, 6)}>"
        return "\n".join(level + line for line in self._text(record).splitlines())

    def _text(self, record: logging.LogRecord) -> str:
        component = component_of(record)
        about = f"{component}: " if component else ""
        if (worker := getattr(record, "worker", None)) is not None:
            about = f"worker {worker}: {about}"
        line = f"{about}{printable(record.getMessage())}"
        trace = _traceback(self, record)
        return f"{line}\n{trace}" if trace else line


class Json(logging.Formatter):
    """An object a line: `time level logger worker component message traceback`."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "worker": getattr(record, "worker", None),
            "component": component_of(record),
            "message": record.getMessage(),
            "traceback": _traceback(self, record),
        }
        return json.dumps({name: one for name, one in fields.items() if one not in (None, "")})


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return formatter.formatException(record.exc_info) if record.exc_info else ""


class _Repeats:
    """Records alike, since the first of them."""

    def __init__(self, first: logging.LogRecord) -> None:
        self.first = first
        self.count = 0


class Limiter(logging.Filter):
    """Holds back warnings and errors that repeat, and says how many they were.

    Alike are those of one component with the same text before the values go in.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[tuple[object, ...], _Repeats] = {}
        self._lock = threading.RLock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write the record; asked by several handlers, it counts once."""
        if record.levelno < logging.WARNING or getattr(record, TOLD, None):
            return True
        with self._lock:
            verdict: bool | None = getattr(record, "_passes", None)
            if verdict is None:
                verdict = record._passes = self._judge(record)
            return verdict

    def _judge(self, record: logging.LogRecord) -> bool:
        key = (record.name, component_of(record), record.levelno, record.msg)
        seen = self._seen.get(key)
        if seen is None or record.created - seen.first.created >= WINDOW_SECONDS:
            if len(self._seen) >= MAX_KINDS or seen:
                self.tell(record.created, everything=seen is None)
            seen = self._seen[key] = _Repeats(record)
        seen.count += 1
        return seen.count <= MAX_REPEATS

    def tell(self, now: float | None = None, *, everything: bool = False) -> None:
        """Sum up the windows that are over, or all."""
        now = datetime.now(UTC).timestamp() if now is None else now
        with self._lock:
            over = [
                (key, seen)
                for key, seen in self._seen.items()
                if everything or now - seen.first.created >= WINDOW_SECONDS
            ]
            for key, _ in over:
                del self._seen[key]
        for _, seen in over:
            if seen.count > MAX_REPEATS:
                logging.getLogger(seen.first.name).handle(_summary(seen))


def _summary(seen: _Repeats) -> logging.LogRecord:
    """A record that says how many were not written."""
    record = copy.copy(seen.first)
    number = seen.count - MAX_REPEATS
    record.created = datetime.now(UTC).timestamp()
    record.msg = f"{number} more like this within a minute: {seen.first.getMessage()}"
    record.args, record.exc_info = (), None
    setattr(record, TOLD, True)
    return record


def to_graylog(config: GraylogLogs) -> InBackground:
    """A handler that sends to a GELF input."""
    import graypy  # only whoever asks for it pays for it

    options: dict[str, Any] = {
        "host": config.endpoint.host,
        "port": config.endpoint.port,
        "facility": "gelf-bridge",
        "debugging_fields": False,
    }
    if config.transport == "udp":
        chunker = graypy.handler.BaseGELFChunker()
        handler = graypy.GELFUDPHandler(gelf_chunker=chunker, **options)
        handler.makeSocket = _datagram_socket(config.endpoint.host)
    else:
        handler = graypy.GELFTCPHandler(**options)
    background = InBackground(handler)
    background.setLevel(config.level.upper())
    return background


def _datagram_socket(host: str) -> Callable[[], socket.socket]:
    """The standard library's handler would speak IPv4 only."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return lambda: socket.socket(family, socket.SOCK_DGRAM)


class InBackground(QueueHandler):
    """Hands records to another handler in a thread; with too many waiting they are discarded."""

    def __init__(self, handler: logging.Handler) -> None:
        self._waiting: queue.Queue[Any] = queue.Queue(QUEUE_RECORDS)
        super().__init__(self._waiting)
        self.discarded = 0
        """Records that found no room, or that the handler could not send."""
        handler.handleError = self._failed  # type: ignore[method-assign]
        handler.lock = _NoLock()  # type: ignore[assignment]
        self._handler = handler
        self._thread = _Listener(self._waiting, handler)
        self._thread.start()

    def enqueue(self, record: logging.LogRecord) -> None:
        """Never waits."""
        try:
            self._waiting.put_nowait(record)
        except queue.Full:
            self.discarded += 1

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """A copy that no longer depends on what it talks about."""
        ready = copy.copy(record)
        ready.msg, ready.args = record.getMessage()[:MAX_CHARACTERS], ()
        if record.exc_info:
            ready.exc_text = _traceback(Text(), record)[:MAX_CHARACTERS]
            ready.exc_info = None
        if component := component_of(record):
            ready.component = component
        return ready

    def close(self) -> None:
        """Send what still waits, for two seconds at most."""
        self._thread.stop()
        self._handler.close()
        super().close()

    def _failed(self, record: logging.LogRecord) -> None:
        self.discarded += 1


class _NoLock(nullcontext[None]):
    """For a handler of one thread alone: at the end of the process nobody must wait for it."""

    def acquire(self) -> None:
        """Nothing to wait for."""

    def release(self) -> None:
        """Nothing to give back."""


class _Listener(QueueListener):
    """The thread; a stop that does not wait for ever."""

    _thread: threading.Thread | None

    def stop(self) -> None:
        thread, self._thread = self._thread, None
        if thread:
            with suppress(queue.Full):
                self.enqueue_sentinel()
            thread.join(CLOSE_SECONDS)

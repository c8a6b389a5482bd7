"""One worker as its parent sees it: a process that is started, watched, asked and replaced."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import httpx

from bridge.admin import Snapshot
from bridge.admin.merge import component, past
from bridge.admin.snapshot import Component, WorkerState
from bridge.health import State
from bridge.http import over_socket
from bridge.service.asking import ANSWER_SECONDS, snapshot
from bridge.service.channel import Channel, Message, pair
from bridge.service.post import socket_of

log = logging.getLogger(__name__)

STEADY_SECONDS: Final = 10.0
"""A worker that dies after so long is replaced at once; before, with growing pauses."""
MAX_PAUSE_SECONDS: Final = 30.0
HUNG_SECONDS: Final = 10.0
SYSTEMD: Final = (
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "LISTEN_PID",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
)
"""What is for the parent alone."""

Orders = Callable[[], tuple[Message, Sequence[int]]]
"""What is in force: a message, and the descriptors beside it (see `bridge.service.worker`)."""


class Member:
    """A worker; each of its processes starts with the `orders` of that moment."""

    def __init__(self, worker: int, directory: Path, orders: Orders) -> None:
        self.worker = worker
        self.client: httpx.AsyncClient = over_socket(directory / socket_of(worker), ANSWER_SECONDS)
        self.ready = asyncio.Event()
        """Set as long as a process is at work with all its inputs begun."""
        self.was_ready = False
        self.restarts = 0
        self.past: dict[tuple[str, str], Component] = {}
        """What the processes before had counted, as far as it is known."""
        self.last: Snapshot | None = None
        self._orders = orders
        self._process: Process | None = None
        self._channel: Channel | None = None
        self._stopping = asyncio.Event()
        self._since = time.time()
        self._heard = time.monotonic()
        self._detail = ""
        self._reloaded: asyncio.Future[list[str]] | None = None

    async def run(self) -> int:
        """Keep a process at work until `stop`; its exit code.

        A first process that says that it cannot be (78: configuration, a newer spool) is the last.
        """
        quick = 0
        while True:
            began = time.monotonic()
            code = await self._live()
            if self._stopping.is_set() or (code == os.EX_CONFIG and not self.was_ready):
                return code
            quick = quick + 1 if time.monotonic() - began < STEADY_SECONDS else 0
            pause = min(2.0 ** min(quick - 2, 6), MAX_PAUSE_SECONDS) if quick > 1 else 0.0
            self._bury(code, pause)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stopping.wait()

    async def _live(self) -> int:
        """One process from its start to its end."""
        ours, theirs = pair()
        self._channel = Channel(ours)
        try:
            with theirs:
                self._process = await asyncio.create_subprocess_exec(
                    *command(self.worker), stdin=theirs.fileno(), env=environment()
                )
            self._since, self._heard = time.time(), time.monotonic()
            self._channel.listen(self._received, lambda: None)
            self.tell("take")
            if self._stopping.is_set():
                self.stop()
            return await self._process.wait()
        except OSError as error:
            log.error("worker %d cannot be started: %s", self.worker, error.strerror)
            return os.EX_OSERR
        finally:
            self.ready.clear()
            self._channel.close()
            self._answered([])
            await self.killed()

    def _bury(self, code: int, pause: float) -> None:
        """Say that it ended, and keep what it had counted."""
        self.restarts += 1
        self._since = time.time()
        self._detail = f"it ended {how(code)}"
        again = f"in {pause:g} s" if pause else "at once"
        log.error("worker %d ended %s; another one starts %s", self.worker, how(code), again)
        for one in past(self.last.components) if self.last else ():
            before = self.past.get((one.kind, one.id))
            self.past[one.kind, one.id] = component({0: before, 1: one}) if before else one
        if self.last:
            self.last.components[:] = [_without_counts(one) for one in self.last.components]

    def tell(self, what: str) -> None:
        """Let the process of this moment `take` what is in force, `reload` or `stop`."""
        message, descriptors = self._orders()
        if self._channel:
            self._channel.send({"do": what, **message}, descriptors)

    def _received(self, message: Message, _: list[int]) -> None:
        self._heard = time.monotonic()
        if "ready" in message:
            self._detail, self._since = "", time.time()
            self.was_ready = True
            self.ready.set()
        elif "reloaded" in message:
            self._answered(message["reloaded"])

    def _answered(self, problems: list[str]) -> None:
        if self._reloaded and not self._reloaded.done():
            self._reloaded.set_result(problems)

    async def reload(self, seconds: float) -> list[str]:
        """Let it apply what is in force now; the problems that it had.

        A process that ends meanwhile has none: its successor starts with what is in force.
        """
        self._reloaded = asyncio.get_running_loop().create_future()
        self.tell("reload")
        if not self.ready.is_set():
            return []  # it may have to begin before it can answer
        try:
            async with asyncio.timeout(seconds):
                return await self._reloaded
        except TimeoutError:
            return ["it has not answered in time"]

    def stop(self) -> None:
        """Begin its orderly stop."""
        self._stopping.set()
        self.tell("stop")

    async def killed(self) -> None:
        """End it at once; what it had accepted stays in its spool."""
        if self._process and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    # What is known of it

    @property
    def is_alive(self) -> bool:
        """Whether its loop turns, or it is being replaced."""
        return not self.ready.is_set() or time.monotonic() - self._heard < HUNG_SECONDS

    @property
    def state(self) -> WorkerState:
        """As others see it."""
        state, detail = State.STARTING, self._detail
        if self.ready.is_set():
            state = State.OK if self.is_alive else State.FAILED
            detail = "" if self.is_alive else "it gives no sign of life"
        if self._stopping.is_set():
            state = State.STOPPING
        pid = self._process.pid if self._process else 0
        return WorkerState(
            self.worker, pid, state, detail, self._since, self.restarts, resident(pid)
        )

    async def look(self) -> Snapshot | None:
        """Its snapshot, the last one while it does not answer."""
        self.last = await snapshot(self.client) or self.last
        return self.last


def _without_counts(one: Component) -> Component:
    state = State.STARTING if one.type else one.state
    return replace(one, state=state, detail="", counts=[], deviations=[])


def command(worker: int) -> list[str]:
    """This very command again, as that worker; `ps` shows which is which."""
    return [sys.executable, *sys.orig_argv[1:], "--worker", str(worker)]


def environment() -> Mapping[str, str]:
    """Ours, without what only concerns the parent."""
    return {name: value for name, value in os.environ.items() if name not in SYSTEMD}


def how(code: int) -> str:
    """`by SIGKILL`, `with exit code 1`."""
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"


def resident(pid: int) -> int:
    """Bytes of memory of a process; 0 when there is none (proc_pid_statm(5))."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")

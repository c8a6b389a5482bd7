"""The parent of several workers: starts them, watches them, replaces them, and speaks for them."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import httpx

from bridge import logs
from bridge.admin import Admin, Reloads, Snapshot, merge
from bridge.admin.fleet import FLEET_ROUTES
from bridge.clock import Clock, SystemClock
from bridge.config import Config, Registry, load, read_file
from bridge.errors import BridgeError, ConfigError
from bridge.service.changes import pinned, sentences, tell
from bridge.service.channel import Message, in_memory
from bridge.service.kinds import Kinds
from bridge.service.listeners import Listeners
from bridge.service.member import Member
from bridge.service.systemd import Systemd
from bridge.spool import Balance, Spool
from bridge.spool.absorb import absorb, kinds
from bridge.spool.lock import Lock, prepare
from bridge.version import VERSION

log = logging.getLogger(__name__)

WATCH_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 5.0
GRACE_SECONDS: Final = 5.0
"""How much longer than `stop_timeout_seconds` a worker may take to stop, or to reload."""


class Fleet:
    """A bridge with workers; `run` returns after an orderly stop of them all.

    `text` is the configuration as it was read from `source`. `on_reload` are called with the
    configuration when the spool is locked, and with each new one after it came into force.
    """

    def __init__(
        self, text: str, source: Path, registry: Registry, clock: Clock | None = None
    ) -> None:
        self.config = load(text, str(source), os.environ, registry)
        self.source = source
        self.clock = clock or SystemClock()
        self.started_at = self.clock.now()
        self.reloads = Reloads()
        self.on_reload: list[Callable[[Config], None]] = []
        self.exit_code = 0
        """That of a worker that could not even start."""
        self._registry = registry
        self._text = self._start = in_memory(text)
        self._manager = Systemd()
        self._listeners = Listeners(registry)
        self._members: dict[int, Member] = {}
        self._ready = asyncio.Event()
        self._stopping = asyncio.Event()
        self._changing = asyncio.Lock()
        self._reloading: asyncio.Task[Reloads] | None = None

    @property
    def clients(self) -> Mapping[int, httpx.AsyncClient]:
        """By which the workers are asked."""
        return {worker: one.client for worker, one in self._members.items()}

    @property
    def lock(self) -> int:
        """A file that all workers have, to take turns by; while it runs."""
        return self._lock.fileno()

    def stop(self) -> None:
        """Begin an orderly stop."""
        self._stopping.set()

    async def run(self) -> None:
        """Run until `stop`; raises SpoolError at the start."""
        directory = self.config.spool.directory
        prepare(directory)
        self._lock = await Lock.wait(directory)
        try:
            self._tell_listeners()
            rest = absorb(directory, self.config.workers, Spool.max_dead_bytes)
            self._kinds = Kinds.of(kinds(directory))
            await self._listeners.adopt(self.config)
            for worker in (*range(self.config.workers), *rest):
                self._members[worker] = Member(worker, directory, self._orders)
            await self._run_workers()
        finally:
            self._listeners.close()
            for client in self.clients.values():
                await client.aclose()
            self._lock.release()

    async def _run_workers(self) -> None:
        admin = self.admin = Admin(self, FLEET_ROUTES)
        await admin.start()
        try:
            async with asyncio.TaskGroup() as core:
                running = [core.create_task(self._run(one)) for one in self._members.values()]
                watching = core.create_task(self._watch())
                await self._stopping.wait()
                await self._drain(running)
                watching.cancel()
        finally:
            await admin.close()
            logs.tell_repeats(everything=True)

    async def _run(self, member: Member) -> None:
        code = await member.run()
        if not self._stopping.is_set():
            self.exit_code = code
            self.stop()

    def _orders(self) -> tuple[Message, Sequence[int]]:
        """What is in force."""
        listening, sockets = self._listeners.described()
        files = (self._text, self._start, self._lock.fileno(), self._kinds.file)
        return {"listening": listening}, (*files, *sockets)

    # How it is

    async def snapshot(self) -> Snapshot:
        """Everything about all workers at this moment."""
        found = dict(zip(self._members, await self._look(), strict=True))
        parts = {worker: one for worker, one in found.items() if one}
        past = {-1 - worker: list(one.past.values()) for worker, one in self._members.items()}
        each = {worker: one.components for worker, one in parts.items()} | past
        return Snapshot(
            version=VERSION,
            pid=os.getpid(),
            started_at=self.started_at,
            now=self.clock.now(),
            config=str(self.source),
            reloads=self.reloads,
            components=merge.components(each),
            spool=merge.spool(
                {worker: one.spool for worker, one in parts.items()}, self.config.spool
            ),
            logs_discarded=logs.discarded() + sum(one.logs_discarded for one in parts.values()),
            workers=[one.state for one in self._members.values()],
        )

    async def _look(self) -> list[Snapshot | None]:
        return await asyncio.gather(*(one.look() for one in self._members.values()))

    async def balance(self) -> Balance:
        """The accounts of all workers, once each has answered."""
        await self._ready.wait()
        return merge.accounts(await self.snapshot())

    async def _watch(self) -> None:
        """Tell systemd of the start, and that all live; try again to listen."""
        due = self.clock.monotonic() + RETRY_SECONDS
        every = min(WATCH_SECONDS, self._manager.watchdog_seconds / 3 or WATCH_SECONDS)
        while True:
            members = self._members.values()
            if not self._ready.is_set() and all(one.ready.is_set() for one in members):
                self._ready.set()
                log.info("%d workers are at work", len(members))
                self._manager.ready(self._summary())
            if all(one.is_alive for one in members):
                self._manager.alive()
            if self._listeners.failed and self.clock.monotonic() >= due:
                due = self.clock.monotonic() + RETRY_SECONDS
                await self._listen_again()
            logs.tell_repeats()
            await asyncio.sleep(every)

    async def _listen_again(self) -> None:
        async with self._changing:
            await self._retry()

    async def _retry(self) -> None:
        if self._listeners.failed and await self._listeners.retry():
            for member in self._members.values():
                member.tell("take")

    def _summary(self) -> str:
        return (
            f"{len(self._members)} workers; inputs: {', '.join(self.config.inputs)}; "
            f"outputs: {', '.join(self.config.outputs)}"
        )

    # Reload

    def begin_reload(self) -> None:
        """Reload in the background, as on SIGHUP."""
        self._reloading = asyncio.ensure_future(self.reload())

    async def reload(self) -> Reloads:
        """Read the configuration again; every worker applies what has changed.

        A configuration with problems changes nothing.
        """
        async with self._changing:
            self._manager.reloading()
            problems: list[str] = []
            changes: list[str] = []
            try:
                problems, changes = await self._apply(read_file(self.source))
            except ConfigError as error:
                problems = [str(problem) for problem in error.problems]
            except BridgeError as error:
                problems = [str(error)]
            count = self.reloads.count + 1
            self.reloads = Reloads(count, self.clock.now(), problems, changes)
            tell(self.reloads)
            self._manager.ready(self._summary())
        return self.reloads

    async def _apply(self, text: str) -> tuple[list[str], list[str]]:
        """The problems that workers had, and what has changed."""
        if self._stopping.is_set():
            raise BridgeError("the bridge is stopping")
        config = load(text, str(self.source), os.environ, self._registry)
        changes = sentences(self.config, config)
        before, self.config = self.config, pinned(config, self.config)
        if self._text != self._start:
            os.close(self._text)
        self._text = in_memory(text)
        await self._listeners.adopt(self.config)
        seconds = config.stop_timeout_seconds + GRACE_SECONDS
        members = self._members.values()
        answers = await asyncio.gather(*(one.reload(seconds) for one in members))
        await self._retry()  # an address may have been taken by the workers themselves
        problems = [
            f"worker {worker}: {problem}"
            for worker, problems in zip(self._members, answers, strict=True)
            for problem in problems
        ]
        if before.admin != self.config.admin:
            await self.admin.listen(self.config.admin)
        self._tell_listeners()
        return problems, changes

    def _tell_listeners(self) -> None:
        for listener in self.on_reload:
            listener(self.config)

    # The end

    async def _drain(self, running: Sequence[asyncio.Task[None]]) -> None:
        """Stop all; one that takes too long is killed, and what it had stays spooled."""
        log.info("stopping %d workers", len(running))
        self._manager.stopping()
        async with self._changing:
            self._listeners.close()
            for member in self._members.values():
                member.stop()
            await asyncio.wait(running, timeout=self.config.stop_timeout_seconds + GRACE_SECONDS)
            await asyncio.gather(*(one.killed() for one in self._members.values()))

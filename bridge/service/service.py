"""The lifecycle of the bridge."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bridge import heartbeat, logs
from bridge.admin import ROUTES, Admin, Reloads, Snapshot, take
from bridge.clock import Clock, SystemClock
from bridge.config import ComponentConfig, Config, HeartbeatConfig, Kind, Registry
from bridge.config.moment import Moment
from bridge.config.spelling import unknown
from bridge.emit import as_it_is
from bridge.errors import BridgeError, ConfigError
from bridge.health import Health, State, Status
from bridge.inputs import Context, Input
from bridge.inputs.poller import Progress
from bridge.memory import give_back
from bridge.outputs import Output
from bridge.service.changes import Changes, compare, pinned, sentences, tell
from bridge.service.kinds import Kinds
from bridge.service.parts import Receiver, Sender
from bridge.service.post import Post, alone
from bridge.spool import Balance, Spool, Taken
from bridge.spool.absorb import kinds
from bridge.spool.lock import databases
from bridge.tap import Taps

log = logging.getLogger(__name__)

LEVEL_OF_STATE = {
    State.STARTING: logging.DEBUG,
    State.STOPPING: logging.DEBUG,
    State.RETRYING: logging.WARNING,
    State.FAILED: logging.ERROR,
}
WATCH_SECONDS = 1.0
GIVE_BACK_SECONDS = 60.0
"""Between two times that memory is returned to the system."""


class Service:
    """One process's worth of bridge; `run` returns after an orderly stop.

    `source` is the file that the configuration came from, `reread` reads it again (raising
    ConfigError); `on_reload` are called with a new configuration after it came into force. With
    `has_job` no input runs by itself: somebody calls `poll` or `backfill`, then `stop`. `post` is
    its place among other processes.
    """

    def __init__(
        self,
        config: Config,
        registry: Registry,
        clock: Clock | None = None,
        *,
        source: Path | None = None,
        reread: Callable[[], Config] | None = None,
        has_job: bool = False,
        post: Post | None = None,
    ) -> None:
        self.config = config
        self.source = source
        self.clock = clock or SystemClock()
        self.started_at = self.clock.now()
        self.health = Health(self.clock)
        self.taps = Taps()
        self.reloads = Reloads()
        self.on_reload: list[Callable[[Config], None]] = []
        self.started = asyncio.Event()
        self.spool: Spool
        self.admin: Admin[Service]
        self._registry = registry
        self._reread = reread
        self._has_job = has_job
        self._post = post or alone()
        self._manager = self._post.manager
        self._kinds = self._post.kinds
        self._stopping = asyncio.Event()
        self._changing = asyncio.Lock()
        self._receivers: dict[str, Receiver] = {}
        self._senders: dict[str, Sender] = {}
        self._core: asyncio.TaskGroup
        self.health.subscribe(_log_status)

    @property
    def inputs(self) -> Mapping[str, Input]:
        """The inputs at work, by id."""
        return {name: part.component for name, part in self._receivers.items()}

    @property
    def outputs(self) -> Mapping[str, Output]:
        """The outputs at work, by id."""
        return {name: part.component for name, part in self._senders.items()}

    @property
    def is_stopping(self) -> bool:
        """Whether the end has begun."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Begin an orderly stop: inputs first, then what is under way to the outputs."""
        self._stopping.set()

    async def run(self) -> None:
        """Run until `stop`; raises what goes wrong in the core, and `SpoolError` at the start."""
        async with self.opened():
            self.admin = Admin(self, ROUTES, self._post.socket)
            try:
                await self.admin.start()
                async with asyncio.TaskGroup() as core:
                    self._core = core
                    self._start_parts(self._senders, () if self._has_job else self._receivers)
                    watching = core.create_task(self._watch())
                    self.started.set()
                    await self._stopping.wait()
                    await self._drain()
                    watching.cancel()
            finally:
                await self.admin.close()
                logs.tell_repeats(everything=True)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """The spool and all components, not at work: for what is done while no bridge runs.

        Raises SpoolLocked when one does.
        """
        place = self.config.spool.directory
        self.spool = await Spool.open(
            self.config.spool, worker=self._post.worker, is_locked=self._kinds is not None
        )
        if self._kinds is None and len(databases(place)) > 1:
            self._kinds = Kinds.of(kinds(place))
        self.spool.on_trouble(_log_trouble)
        try:
            await self._build()
            yield
        finally:
            await self.spool.close()

    async def replay(self, name: str, lines: Sequence[bytes]) -> Taken:
        """Take lines of a file as records of an input; returns when they are durable.

        Raises BridgeError when there is no such input, or when it cannot read them.
        """
        return await self._receiver(name).replay(lines)

    async def poll(self) -> None:
        """One round of every input. Raises BridgeError, after the other inputs were polled."""
        failed: list[BridgeError] = []
        for receiver in self._receivers.values():
            try:
                await receiver.poll()
            except BridgeError as error:
                failed.append(error)
        if failed:
            raise failed[0]

    async def backfill(
        self,
        name: str,
        since: Moment | None,
        until: Moment | None,
        tell: Callable[[Progress], None],
    ) -> None:
        """Give the past of an input; returns when it is durable. Raises BridgeError."""
        await self._receiver(name).backfill(since, until, tell)

    def _receiver(self, name: str) -> Receiver:
        if name not in self._receivers:
            raise BridgeError(unknown("input", name, list(self._receivers)))
        return self._receivers[name]

    async def snapshot(self) -> Snapshot:
        """Everything about the bridge at this moment."""
        return await take(self)

    async def balance(self) -> Balance:
        """The accounts of this moment."""
        return await self.spool.balance()

    async def _accounts(self) -> Balance:
        """Those of the whole bridge; our own when the parent does not answer."""
        ask = self._post.accounts
        return (await ask() if ask else None) or await self.balance()

    async def emptied(self) -> None:
        """Return when no output needs anything of the spool any more."""
        await self.spool.until_empty()

    async def _build(self) -> None:
        """Outputs first, so that the spool keeps every event for each of them."""
        for name, output in self.config.outputs.items():
            self._add_output(name, self._component("output", name, output))
        for name in self._senders:
            await self.spool.attach(name)
        await self._retire(self._senders)
        for name, config in self.config.inputs.items():
            self._add_input(name, self._component("input", name, config))
        if self.config.heartbeat and not self._has_job:
            self._add_input(heartbeat.ID, self._heartbeat(self.config.heartbeat))

    def _heartbeat(self, config: HeartbeatConfig) -> Input:
        context = self._context("input", heartbeat.ID)
        ids = (lambda: list(self._receivers), lambda: list(self._senders))
        return heartbeat.Heartbeat(config, context, self.health, self._accounts, *ids)

    def _start_parts(self, outputs: Iterable[str], inputs: Iterable[str]) -> None:
        for name in outputs:
            self._senders[name].start(self._core)
        for name in inputs:
            self._receivers[name].start(self._core)

    def _add_input(self, name: str, component: Input) -> None:
        agree = as_it_is if self._kinds is None else self._kinds.agree
        self._receivers[name] = Receiver(component, self.spool, self.clock, self.taps, agree)

    def _add_output(self, name: str, component: Output) -> None:
        self._senders[name] = Sender(component, self.spool, self.clock)

    def _component(self, kind: Kind, component_id: str, config: ComponentConfig) -> Any:
        cls = self._registry.component(kind, config.type)
        return cls(config, self._context(kind, component_id))

    def _context(self, kind: Kind, component_id: str) -> Context:
        return Context(
            id=component_id,
            log=logging.getLogger(f"bridge.{kind}.{component_id}"),
            clock=self.clock,
            report=partial(self.health.report, component_id),
            count=partial(self.health.count, component_id),
            checkpoint=partial(self.spool.checkpoint, component_id),
            unseen=partial(self.spool.unseen, component_id),
            kinds=self.spool.kinds if self._kinds is None else self._kinds,
            recall=lambda name: self.spool.recall(f"{component_id}: {name}"),
            remember=lambda name, value: self.spool.remember(f"{component_id}: {name}", value),
        )

    async def _retire(self, outputs: Iterable[str]) -> None:
        for output, waiting in (await self.spool.retire(list(outputs))).items():
            log.warning(
                "output %s is no longer configured: %d events it had not delivered are given up "
                "for it",
                output,
                waiting,
            )

    # Reload

    def begin_reload(self) -> None:
        """Reload in the background, as on SIGHUP; the result is logged and in `reloads`."""
        if self.started.is_set():
            self._core.create_task(self.reload())

    async def reload(self) -> Reloads:
        """Read the configuration again and apply what has changed.

        Changed components are started again, the others keep their connections and read again what
        their options only name. A configuration with problems changes nothing.
        """
        async with self._changing:
            self._manager.reloading()
            problems: list[str] = []
            changes: list[str] = []
            try:
                changes = await self._apply(self._read_again())
            except ConfigError as error:
                problems = [str(problem) for problem in error.problems]
            except BridgeError as error:
                problems = [str(error)]
            count = self.reloads.count + 1
            self.reloads = Reloads(count, self.clock.now(), problems, changes)
            if self._post.is_alone:
                tell(self.reloads)
            self._manager.ready(self._summary())
        return self.reloads

    def _read_again(self) -> Config:
        if self._stopping.is_set():
            raise BridgeError("the bridge is stopping")
        if self._reread is None:
            raise BridgeError("this bridge was started without a configuration file")
        return self._reread()

    async def _apply(self, config: Config) -> list[str]:
        """Everything that can fail comes before the first change."""
        inputs = compare(self.config.inputs, config.inputs)
        outputs = compare(self.config.outputs, config.outputs)
        new_inputs = {n: self._component("input", n, config.inputs[n]) for n in inputs.new}
        new_outputs = {n: self._component("output", n, config.outputs[n]) for n in outputs.new}
        before, self.config = self.config, pinned(config, self.config)
        await self._take_away(inputs, outputs)
        for name, output in new_outputs.items():
            self._add_output(name, output)
            await self.spool.attach(name)
        await self._retire(self._senders)
        for name, component in new_inputs.items():
            self._add_input(name, component)
        self._start_parts(new_outputs, new_inputs)
        for name in inputs.same:
            self._receivers[name].component.reload()
        if before.admin != config.admin:
            await self.admin.listen(config.admin)
        for listener in self.on_reload:
            listener(config)
        return sentences(before, config)

    async def _take_away(self, inputs: Changes, outputs: Changes) -> None:
        """Stop what is gone or changed; what takes too long is cut short, and stays spooled."""
        receivers = [self._receivers.pop(name) for name in inputs.old]
        senders = [self._senders.pop(name) for name in outputs.old]
        await self._stop_parts(receivers, senders)
        for name in (*inputs.removed, *outputs.removed):
            self.health.forget(name)

    # The end

    async def _drain(self) -> None:
        """Stop the inputs, commit what they had read, let the sends under way be confirmed."""
        log.info("stopping: inputs first, then what is under way")
        self._manager.stopping()
        async with self._changing:
            await self._stop_parts(self._receivers.values(), self._senders.values())

    async def _stop_parts(
        self, receivers: Collection[Receiver], senders: Collection[Sender]
    ) -> None:
        try:
            async with asyncio.timeout(self.config.stop_timeout_seconds):
                await asyncio.gather(*(receiver.stop() for receiver in receivers))
                await asyncio.gather(*(sender.stop() for sender in senders))
        except TimeoutError:
            log.warning(
                "not everything under way was confirmed within %g s: it stays in the spool and "
                "will be sent again at the next start",
                self.config.stop_timeout_seconds,
            )
            parts: list[Receiver | Sender] = [*receivers, *senders]
            await asyncio.gather(*(part.cut() for part in parts))

    # Meanwhile

    async def _watch(self) -> None:
        """Say when the spool is full; tell systemd of the start, and that we live; tidy up."""
        full = told = ""
        give_back_at = self.clock.monotonic() + GIVE_BACK_SECONDS
        every = min(WATCH_SECONDS, self._manager.watchdog_seconds / 3 or WATCH_SECONDS)
        while True:
            if full != (full := self.spool.full):
                log.warning("%s", f"the spool is full: {full}" if full else "the spool has room")
            if not told and all(map(self._has_begun, self._receivers)):
                self._manager.ready(told := self._summary())
            self._manager.alive()
            logs.tell_repeats()
            if self.clock.monotonic() >= give_back_at:
                give_back_at = self.clock.monotonic() + GIVE_BACK_SECONDS
                give_back()
            await asyncio.sleep(every)

    def _has_begun(self, name: str) -> bool:
        status = self.health.status(name)
        return status is not None and status.state is not State.STARTING

    def _summary(self) -> str:
        return f"inputs: {', '.join(self._receivers)}; outputs: {', '.join(self._senders)}"


def _log_status(status: Status) -> None:
    level = LEVEL_OF_STATE.get(status.state, logging.INFO)
    detail = f": {status.detail}" if status.detail else ""
    log.log(level, "%s%s", status.state, detail, extra={"component": status.component})


def _log_trouble(text: str) -> None:
    if text:
        log.error("the spool is in trouble: %s", text)
    else:
        log.info("the spool is well again")

"""The running bridge: starts the parts, restarts inputs that fail, drains and stops."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Any, Literal

from bridge.clock import Clock, SystemClock
from bridge.config import ComponentConfig, Config, Registry
from bridge.delivery import Delivery
from bridge.emit import Emitter
from bridge.health import Health, State, Status
from bridge.inputs import Context, Input
from bridge.outputs import Output
from bridge.retry import persist
from bridge.spool import Spool

log = logging.getLogger(__name__)

LEVEL_OF_STATE = {State.RETRYING: logging.WARNING, State.FAILED: logging.ERROR}


class Service:
    """One process's worth of bridge; `run` returns after an orderly stop."""

    def __init__(self, config: Config, registry: Registry, clock: Clock | None = None) -> None:
        self.config = config
        self.clock = clock or SystemClock()
        self.health = Health(self.clock)
        self.inputs: dict[str, Input] = {}
        self.outputs: dict[str, Output] = {}
        self.spool: Spool
        self.started = asyncio.Event()
        self._registry = registry
        self._stopping = asyncio.Event()
        self._deliveries: list[Delivery] = []
        self._receiving: list[asyncio.Task[None]] = []
        self._sending: list[asyncio.Task[None]] = []
        self.health.subscribe(_log_status)

    def stop(self) -> None:
        """Begin an orderly stop: inputs first, then what is under way to the outputs."""
        self._stopping.set()

    async def run(self) -> None:
        """Run until `stop`; raises what goes wrong in the core, and `SpoolError` at the start."""
        self.spool = await Spool.open(self.config.spool)
        try:
            await self._build()
            async with asyncio.TaskGroup() as core:
                self._start(core)
                self.started.set()
                await self._stopping.wait()
                await self._drain()
                for task in self._sending:
                    task.cancel()
        finally:
            await self.spool.close()

    async def emptied(self) -> None:
        """Return when no output needs anything of the spool any more."""
        while not await self.spool.empty():
            await self.clock.sleep(0.02)

    async def _build(self) -> None:
        for component_id, config in self.config.inputs.items():
            self.inputs[component_id] = self._component("input", component_id, config)
        for component_id, config in self.config.outputs.items():
            output = self.outputs[component_id] = self._component("output", component_id, config)
            self._deliveries.append(Delivery(output, self.spool, self.clock))
            await self.spool.attach(component_id)
        await self._retire()

    def _component(
        self, kind: Literal["input", "output"], component_id: str, config: ComponentConfig
    ) -> Any:
        cls = self._registry.component(kind, config.type)
        context = Context(
            id=component_id,
            log=logging.getLogger(f"bridge.{kind}.{component_id}"),
            clock=self.clock,
            report=partial(self.health.report, component_id),
            count=partial(self.health.count, component_id),
            checkpoint=partial(self.spool.checkpoint, component_id),
            unseen=partial(self.spool.unseen, component_id),
            kinds=self.spool.kinds,
            recall=lambda name: self.spool.recall(f"{component_id}: {name}"),
            remember=lambda name, value: self.spool.remember(f"{component_id}: {name}", value),
        )
        return cls(config, context)

    async def _retire(self) -> None:
        for output, waiting in (await self.spool.retire(self.config.outputs)).items():
            log.warning(
                "output %s is no longer configured: %d events it had not delivered are given up "
                "for it",
                output,
                waiting,
            )

    def _start(self, core: asyncio.TaskGroup) -> None:
        for component_id in (*self.outputs, *self.inputs):
            self.health.report(component_id, State.STARTING)
        for delivery in self._deliveries:
            self._sending.append(core.create_task(delivery.run()))
        for component in self.inputs.values():
            self._receiving.append(core.create_task(self._keep_running(component)))

    async def _keep_running(self, component: Input) -> None:
        """Run an input; after a failure start it again with growing pauses."""
        context = component.context
        emit = Emitter(component, self.spool, self.clock, context.count)

        def failed(error: BaseException, pause: float) -> None:
            context.count("failures")
            reason = str(error) or type(error).__name__
            context.report(State.RETRYING, f"{reason}; starting again in {pause:.1f} s")
            context.log.debug("failure", exc_info=error)

        await persist(
            partial(component.run, emit),
            errors=(Exception,),
            clock=self.clock,
            failed=failed,
            max_seconds=60.0,
        )
        context.report(State.STOPPED, "finished")

    async def _drain(self) -> None:
        """Stop the inputs, commit what they had read, let the sends under way be confirmed."""
        log.info("stopping: inputs first, then what is under way")
        try:
            async with asyncio.timeout(self.config.stop_timeout_seconds):
                await self._stop_inputs()
                await asyncio.gather(*(delivery.drain() for delivery in self._deliveries))
        except TimeoutError:
            log.warning(
                "not everything under way was confirmed within %g s: it stays in the spool and "
                "will be sent again at the next start",
                self.config.stop_timeout_seconds,
            )

    async def _stop_inputs(self) -> None:
        for component_id in self.inputs:
            self.health.report(component_id, State.STOPPING)
        for task in self._receiving:
            task.cancel()
        if self._receiving:
            await asyncio.wait(self._receiving)
        for component_id in self.inputs:
            self.health.report(component_id, State.STOPPED)


def _log_status(status: Status) -> None:
    level = LEVEL_OF_STATE.get(status.state, logging.INFO)
    detail = f": {status.detail}" if status.detail else ""
    log.log(level, "%s %s%s", status.component, status.state, detail)

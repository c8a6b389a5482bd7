"""The heartbeat: events about the bridge itself, through its own spool and outputs.

They are of the `event_type` gelf_bridge: at each beat one for every component and one for the
whole, and one more for a component whose state changes. Graylog's alerts and the dashboard about
the bridge live on them.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection, Iterator
from typing import Final

from bridge.clock import Clock
from bridge.config import HeartbeatConfig
from bridge.event import Event
from bridge.health import Health, State, Status
from bridge.inputs import Context, Emit, Input, InputConfig
from bridge.spool import Balance, InputBalance, OutputBalance
from bridge.version import VERSION

ID: Final = "heartbeat"
"""The id of this input; no other component may have it."""
EVENT_TYPE: Final = "gelf_bridge"
_LEVELS: Final = {State.RETRYING: 4, State.FAILED: 3}
_INFORMATIONAL: Final = 6


class Heartbeat(Input):
    """Says every `interval_seconds`, and at each change of a state, how the bridge is.

    `balance` gives the accounts of the whole bridge, `inputs` and `outputs` the ids of those at
    work at the moment.
    """

    kinds = {
        **dict.fromkeys(("bridge_component", "bridge_kind", "bridge_state"), "text"),
        **dict.fromkeys(("bridge_detail", "bridge_version"), "text"),
        **dict.fromkeys(("bridge_accepted", "bridge_delivered"), "long"),
        **dict.fromkeys(("bridge_spooled_events", "bridge_spooled_bytes"), "long"),
        **dict.fromkeys(
            ("bridge_oldest_undelivered_seconds", "bridge_last_event_seconds"), "double"
        ),
    }

    def __init__(
        self,
        config: HeartbeatConfig,
        context: Context,
        health: Health,
        balance: Callable[[], Awaitable[Balance]],
        inputs: Callable[[], Collection[str]],
        outputs: Callable[[], Collection[str]],
    ) -> None:
        super().__init__(InputConfig(type=ID, full_message=False), context)
        self._interval = config.interval_seconds
        self._health = health
        self._balance = balance
        self._inputs = inputs
        self._outputs = outputs
        self._host = socket.gethostname()
        self._states: dict[str, State] = {}
        self._changed: dict[str, Status] = {}
        self._wake = asyncio.Event()
        self._ages = _Ages(context.clock)
        health.subscribe(self._note)

    async def run(self, emit: Emit) -> None:
        """Beat until cancelled."""
        clock = self.context.clock
        self.context.report(State.OK, f"every {self._interval:g} s")
        while True:
            await emit(await self._beat())
            due = clock.monotonic() + self._interval
            while (left := due - clock.monotonic()) > 0:
                await self._woken_or(left)
                if self._changed:
                    await emit(await self._changes())

    def _note(self, status: Status) -> None:
        """Remember the newest state of a component, once it has changed."""
        before = self._states.get(status.component)
        self._states[status.component] = status.state
        if before not in (None, status.state) and status.component != ID:
            self._changed[status.component] = status
            self._wake.set()

    async def _woken_or(self, seconds: float) -> None:
        """Wait until a state has changed, for so long at most."""
        waiting = {
            asyncio.ensure_future(self._wake.wait()),
            asyncio.ensure_future(self.context.clock.sleep(seconds)),
        }
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        self._wake.clear()

    async def _beat(self) -> list[Event]:
        """One event for each component, and one for the whole."""
        balance = await self._balance()
        self._changed.clear()
        return [self._whole(balance), *self._components(balance)]

    async def _changes(self) -> list[Event]:
        """One event for each component whose state has changed since it was asked for."""
        balance = await self._balance()
        changed, self._changed = self._changed, {}
        return [each for each in self._components(balance) if each["bridge_component"] in changed]

    def _components(self, balance: Balance) -> Iterator[Event]:
        for name in self._inputs():
            if name != ID:
                own = balance.inputs.get(name)
                yield self._event(name, "input", self._of_input(name, own))
        for name in self._outputs():
            yield self._event(name, "output", self._of_output(balance.outputs.get(name)))

    def _of_input(self, name: str, balance: InputBalance | None) -> Event:
        accepted = balance.accepted if balance else 0
        return {
            "bridge_accepted": accepted,
            "bridge_last_event_seconds": self._ages.since(name, accepted),
        }

    def _of_output(self, balance: OutputBalance | None) -> Event:
        if balance is None:
            return {}
        return {
            "bridge_delivered": balance.delivered,
            "bridge_spooled_events": balance.spooled,
            "bridge_oldest_undelivered_seconds": self._age(balance.oldest),
        }

    def _whole(self, balance: Balance) -> Event:
        """The bridge as one: what waits in the spool."""
        figures: Event = {
            "bridge_spooled_bytes": balance.bytes,
            "bridge_spooled_events": max(
                (each.spooled for each in balance.outputs.values()), default=0
            ),
            "bridge_oldest_undelivered_seconds": self._age(balance.oldest),
        }
        text = f"gelf-bridge {VERSION}: {balance.bytes} bytes in the spool"
        return self._stamped(text, _INFORMATIONAL) | {"bridge_kind": "bridge"} | figures

    def _event(self, name: str, kind: str, figures: Event) -> Event:
        status = self._health.status(name)
        state = status.state if status else State.STARTING
        detail = status.detail if status else ""
        text = f"gelf-bridge: {kind} {name} {state}" + (f": {detail}" if detail else "")
        facts: Event = {
            "bridge_component": name,
            "bridge_kind": kind,
            "bridge_state": str(state),
            "bridge_detail": detail or None,
        }
        return self._stamped(text, _LEVELS.get(state, _INFORMATIONAL)) | facts | figures

    def _stamped(self, text: str, level: int) -> Event:
        return {
            "event_type": EVENT_TYPE,
            "timestamp": self.context.clock.now(),
            "host": self._host,
            "message": text,
            "level": level,
            "bridge_version": VERSION,
        }

    def _age(self, moment: float | None) -> float:
        return max(0.0, self.context.clock.now() - moment) if moment is not None else 0.0


class _Ages:
    """How long ago an input had an event: when its count of accepted ones last moved."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[str, tuple[int, float]] = {}

    def since(self, name: str, accepted: int) -> float:
        """Seconds, to the nearest beat; before the first event those since the start."""
        now = self._clock.monotonic()
        before = self._seen.get(name)
        if before is None or before[0] != accepted:
            self._seen[name] = (accepted, now)
            return 0.0
        return now - before[1]

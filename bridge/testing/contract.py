"""Tests that every component must pass; for pytest, with nothing else needed.

A test module of a plugin is complete with this::

    class TestMyInput(InputContract):
        component = MyInput
        options = {"address": "127.0.0.1:0"}

`environment` may be overridden for what has to be there (a server, a sender, a folder); it yields
the options. What a test finds wrong it says in one sentence.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, ClassVar

from pydantic import BaseModel, ValidationError

from bridge import gelf
from bridge.config.docstrings import describe
from bridge.errors import DeliveryError
from bridge.event import Event
from bridge.inputs import Input
from bridge.outputs import Batch, Output
from bridge.testing.context import Collector, Host

SECONDS = 10.0
"""How long anything may take."""
NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
MAX_HELD_UP = 10_000
"""So many events, at most, may be under way when none of them becomes durable."""


class _Contract:
    """What inputs and outputs have in common."""

    component: ClassVar[Any]
    options: ClassVar[dict[str, Any]] = {}

    @asynccontextmanager
    async def environment(self) -> AsyncIterator[dict[str, Any]]:
        """What has to be there while the component works; yields its options."""
        yield dict(self.options)

    def make(self, options: dict[str, Any], host: Host) -> Any:
        """The component, made as the bridge makes it."""
        config = self.component.Config.model_validate({"type": "test", **options})
        return self.component(config, host.context())

    def test_every_option_has_a_description(self) -> None:
        """`explain`, `init` and `schema` show the docstrings under the options of `Config`."""
        model: type[BaseModel] = self.component.Config
        describe(model)
        missing = [name for name, info in model.model_fields.items() if not info.description]
        assert not missing, f"options without a docstring: {', '.join(missing)}"
        assert (model.__doc__ or "").strip(), "Config has no docstring: it says what it is for"

    def test_an_unknown_option_is_refused(self) -> None:
        """A misspelt option must not be ignored in silence."""

        async def run() -> None:
            async with self.environment() as options:
                with suppress(ValidationError):
                    self.make(options | {"no_such_option": 1}, Host())
                    raise AssertionError("Config takes unknown options: derive it from ours")

        _run(run())

    def test_making_it_does_nothing_yet(self) -> None:
        """Connections, tasks and files belong into `run` and `connect`: `check` makes it, too."""

        async def run() -> None:
            async with self.environment() as options:
                before = asyncio.all_tasks()
                self.make(options, Host())
                self.make(options, Host())
                assert asyncio.all_tasks() == before, "__init__ starts tasks"

        _run(run())

    def test_check_finds_nothing_wrong(self) -> None:
        """`check` tries and leaves nothing behind."""

        async def run() -> None:
            async with self.environment() as options:
                await self.make(options, Host()).check()

        _run(run())


class InputContract(_Contract):
    """An input hands over events until it is cancelled, and no faster than they become durable."""

    component: ClassVar[type[Input]]
    expected: ClassVar[int] = 1
    """How many events come of `stimulate`, or by themselves."""

    async def stimulate(self, component: Any) -> None:
        """Make it hand over events: write to it, put a file there; called once it runs."""

    def test_it_hands_over_events_that_graylog_keeps_whole(self) -> None:
        """Flat, with an `event_type` and snake_case names, and nothing that the encoder changes."""

        async def check(component: Any, running: asyncio.Task[None], emit: Collector) -> None:
            await _until(lambda: len(emit.events) >= self.expected, running)
            for event in emit.events:
                _check_event(event)

        self._while_running(check)

    def test_it_ends_when_it_is_cancelled(self) -> None:
        """At once, cleaning up behind it, so that the next one can take its place."""

        async def check(component: Any, running: asyncio.Task[None], emit: Collector) -> None:
            await _until(lambda: len(emit.events) >= self.expected, running)

        self._while_running(check)
        self._while_running(check)

    def test_it_can_be_cancelled_before_it_has_begun(self) -> None:
        """A stop may come at any moment."""

        async def check(component: Any, running: asyncio.Task[None], emit: Collector) -> None:
            await asyncio.sleep(0)

        self._while_running(check, stimulated=False)

    def test_it_waits_for_what_is_not_durable(self) -> None:
        """While no emit returns, it must not pile up events; and it must still be cancellable."""
        never: list[asyncio.Future[None]] = []

        def outcome() -> Awaitable[None]:
            never.append(asyncio.get_running_loop().create_future())
            return never[-1]

        async def check(component: Any, running: asyncio.Task[None], emit: Collector) -> None:
            await _until(emit.called.is_set, running)
            await asyncio.sleep(0.2)
            assert len(emit.events) <= MAX_HELD_UP, "it goes on although nothing becomes durable"
            running.cancel()
            await asyncio.sleep(0)
            for future in never:
                if not future.done():
                    future.set_result(None)

        self._while_running(check, outcome)

    def test_it_does_not_hide_that_an_emit_failed(self) -> None:
        """Whoever swallows the error loses events: `run` must end with it."""

        class Broken(Exception):
            """What the spool raises."""

        async def fail() -> None:
            raise Broken

        async def check(component: Any, running: asyncio.Task[None], emit: Collector) -> None:
            async with asyncio.timeout(SECONDS):
                await asyncio.wait([running])
            assert isinstance(running.exception(), Broken), "run went on although an emit failed"

        self._while_running(check, fail)

    def _while_running(
        self,
        check: Callable[[Any, asyncio.Task[None], Collector], Awaitable[None]],
        outcome: Callable[[], Awaitable[None]] | None = None,
        *,
        stimulated: bool = True,
    ) -> None:
        async def run() -> None:
            async with self.environment() as options:
                host = Host()
                emit = Collector(host, outcome)
                component = self.make(options, host)
                before = asyncio.all_tasks()
                running = asyncio.ensure_future(component.run(emit))
                try:
                    if stimulated:
                        await _until(lambda: bool(host.reports) or bool(emit.events), running)
                        await self.stimulate(component)
                    await check(component, running, emit)
                finally:
                    await _cancelled(running)
                await _check_left(before)

        _run(run())


class OutputContract(_Contract):
    """An output sends a batch and returns when it is confirmed."""

    component: ClassVar[type[Output]]
    unreachable: ClassVar[dict[str, Any] | None] = None
    """Options with which nothing can be reached; None when there is no such thing."""

    async def arrived(self, count: int) -> list[bytes] | None:
        """The documents at the destination, once there are so many; None if that is not known."""
        return None

    def test_what_it_sends_arrives(self) -> None:
        """Every document of every batch, in order."""
        first, second = _batch(1, 3), _batch(2, 2)

        async def run(output: Any) -> None:
            await output.connect()
            await output.send(first)
            await output.send(second)
            found = await self.arrived(first.count + second.count)
            if found is not None:
                sent = [*first.messages(), *second.messages()]
                assert found == sent, f"{sent} was sent, {found} arrived"

        self._with_output(run)

    def test_it_can_be_closed_at_any_time(self) -> None:
        """Without a connection, twice, and before it is used again."""

        async def run(output: Any) -> None:
            await output.close()
            await output.connect()
            await output.close()
            await output.close()
            await output.connect()
            await output.send(_batch(1, 1))

        self._with_output(run)

    def test_a_send_can_be_cancelled(self) -> None:
        """The delivery loop does so when the connection breaks."""

        async def run(output: Any) -> None:
            await output.connect()
            sending = asyncio.ensure_future(output.send(_batch(1, 1)))
            await asyncio.sleep(0)
            await _cancelled(sending)

        self._with_output(run)

    def test_a_destination_that_is_away_is_no_crash(self) -> None:
        """`connect` raises `Retryable` or OSError: the loop tries again. Anything else ends it."""
        if self.unreachable is None:
            return

        async def run(output: Any) -> None:
            with suppress(DeliveryError, OSError):
                await output.connect()
                await output.send(_batch(1, 1))
                raise AssertionError("it confirms what nobody took")

        self._with_output(run, self.unreachable)

    def _with_output(
        self,
        work: Callable[[Any], Coroutine[Any, Any, None]],
        more: dict[str, Any] | None = None,
    ) -> None:
        async def run() -> None:
            async with self.environment() as options:
                before = asyncio.all_tasks()
                output = self.make(options | (more or {}), Host())
                try:
                    await work(output)
                finally:
                    await output.close()
                await _check_left(before)

        _run(run())


def _run(work: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(3 * SECONDS):
            await work

    asyncio.run(bounded())


async def _until(holds: Callable[[], bool], running: asyncio.Task[None]) -> None:
    """Wait for something, as long as the component runs."""
    try:
        async with asyncio.timeout(SECONDS):
            while not holds():
                if running.done():
                    running.result()
                    raise AssertionError("run has ended by itself, before it did what was awaited")
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"nothing came within {SECONDS:g} s") from None


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=SECONDS)
    assert done, f"it has not ended {SECONDS:g} s after it was cancelled"


async def _check_left(before: set[asyncio.Task[Any]]) -> None:
    """Tasks that were cancelled get a moment to end."""
    left = asyncio.all_tasks() - before
    if left:
        _, left = await asyncio.wait(left, timeout=0.5)
    assert not left, f"tasks are left behind: {left}"


def _check_event(event: Event) -> None:
    assert event.get("event_type"), f"event_type is missing: {event}"
    for name, value in event.items():
        assert NAME.match(name), f"{name!r} is no name in snake_case"
        assert value is None or isinstance(value, str | int | float), f"{name} is no plain value"
    stored = gelf.decode(gelf.encode(event))
    assert stored.rejection is None, f"Graylog would refuse the event: {stored.rejection}"
    assert not stored.dropped, f"Graylog would drop {', '.join(map(str, stored.dropped))}"


def _batch(position: int, count: int) -> Batch:
    documents = [
        gelf.encode({"event_type": "test", "message": f"{position}-{n}", "host": "test"})
        for n in range(count)
    ]
    return Batch(position, "test", count, b"\0".join(documents))

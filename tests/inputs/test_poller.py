"""What every poller has from its base class: rounds, pauses, positions, look backs."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bridge.config.moment import Moment
from bridge.errors import BridgeError, Denied, Retryable
from bridge.health import State
from bridge.inputs import Context
from bridge.inputs.poller import Page, Poller, PollerConfig, Position, Progress
from tests.clocks import VirtualClock
from tests.inputs.cylance.running import Ledger

HOUR = 3600.0


class Toy(Poller):
    """A source that keeps what it was asked for; `script` says what each walk does."""

    def __init__(self, config: PollerConfig, context: Context, *streams: str) -> None:
        super().__init__(config, context)
        self.streams = streams or ("news",)
        self.account = "acme"
        self.asked: list[tuple[str, float, float | None, float]] = []
        self.script: list[Callable[[], Any]] = []
        self.opened_times = 0
        self.is_open = False

    async def open(self) -> None:
        self.opened_times += 1
        self.is_open = True

    async def close(self) -> None:
        self.is_open = False

    async def pages(
        self, stream: str, since: float, until: float | None = None, *, oldest: float = 0.0
    ) -> AsyncIterator[Page]:
        assert self.is_open
        now = self.context.clock.now()
        self.asked.append((stream, since, until, oldest))
        if self.script:
            await self.script.pop(0)()
        number = len(self.asked)
        yield Page([self.event(stream, number, "a")])
        yield Page([self.event(stream, number, "b")], until or now)

    def event(self, stream: str, number: int, part: str) -> dict[str, Any]:
        now = self.context.clock.now()
        return {"event_type": "toy", "timestamp": now, "event_uid": f"{stream}-{number}{part}"}


class Stage:
    """A toy on a virtual clock, and what it said."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.ledger = Ledger()
        self.said: list[tuple[State, str]] = []

    def toy(self, *streams: str, **options: Any) -> Toy:
        context = Context(
            id="toy",
            log=logging.getLogger("bridge.input.toy"),
            clock=self.clock,
            report=lambda state, detail: self.said.append((state, detail)),
            count=lambda name, n=1, label="": None,
            checkpoint=self.ledger.checkpoint,
            unseen=self.ledger.unseen,
            kinds={},
        )
        return Toy(PollerConfig(type="toy", **options), context, *streams)

    async def run(self, toy: Toy, walks: int) -> None:
        """Run until so many walks were begun."""
        running = asyncio.ensure_future(toy.run(self.ledger.emit))
        async with asyncio.timeout(10):
            while len(toy.asked) < walks and not running.done():
                await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait([running])
        if not running.cancelled() and (error := running.exception()):
            raise error


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def fail(error: Exception) -> None:
    raise error


def failing(error: Exception) -> Callable[[], Any]:
    return lambda: fail(error)


async def test_the_first_walk_begins_at_start_and_the_next_where_it_was(stage: Stage) -> None:
    """Less the overlap; the first one of a process looks back, as far as `start`."""
    begin = stage.clock.now()
    toy = stage.toy(start="-2h")
    await stage.run(toy, 3)
    firsts = [since - begin for _, since, _, _ in toy.asked]
    assert firsts[0] == -2 * HOUR
    assert firsts[1] == pytest.approx(-1800, abs=1)
    assert firsts[2] == pytest.approx(60 - 1800, abs=8)
    assert {oldest - begin for *_, oldest in toy.asked} == {-2 * HOUR}


async def test_after_a_restart_the_position_counts_and_not_start(stage: Stage) -> None:
    await stage.run(stage.toy(start="-1h"), 2)
    reached = Position.read(stage.ledger.checkpoints["news"]).reached
    await stage.clock.sleep(50 * HOUR)
    toy = stage.toy(start="now", look_back_seconds=0)
    await stage.run(toy, 1)
    assert toy.asked[0][1] == pytest.approx(reached - 1800)


async def test_a_look_back_is_taken_at_the_start_and_once_an_hour(stage: Stage) -> None:
    toy = stage.toy(start="-7d", interval_seconds=600, look_back_seconds=12 * HOUR)
    await stage.run(toy, 16)
    back = [round((stage.clock.now() - since) / HOUR) for _, since, _, _ in toy.asked]
    begins = [since for _, since, _, _ in toy.asked]
    long = [number for number in range(1, 16) if begins[number] < begins[number - 1] - HOUR]
    assert back[0] >= 7 * 24
    assert len(long) == 2
    assert long[1] - long[0] in (6, 7)


async def test_rounds_begin_at_intervals_with_some_jitter(stage: Stage) -> None:
    toy = stage.toy(interval_seconds=100)
    times: list[float] = []

    async def note() -> None:
        times.append(stage.clock.monotonic())

    toy.script = [note] * 30
    await stage.run(toy, 30)
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert all(90 <= gap <= 110 for gap in gaps)
    assert len(set(gaps)) > 5


async def test_a_slow_round_delays_the_next_and_none_overlaps(stage: Stage) -> None:
    toy = stage.toy(interval_seconds=10)
    times: list[float] = []

    async def slow() -> None:
        times.append(stage.clock.monotonic())
        await stage.clock.sleep(35)

    toy.script = [slow] * 5
    await stage.run(toy, 5)
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert gaps == [35, 35, 35, 35]


async def test_what_is_retryable_is_tried_again_from_the_same_position(stage: Stage) -> None:
    toy = stage.toy()
    toy.script = [failing(Retryable("a cloud went by"))] * 4
    await stage.run(toy, 5)
    assert len({since for _, since, _, _ in toy.asked}) == 1
    assert (State.RETRYING, True) in [(state, "a cloud" in text) for state, text in stage.said]
    assert stage.said[-1] == (State.OK, "polling news")


async def test_a_denied_stream_rests_for_an_hour_and_says_so(stage: Stage) -> None:
    toy = stage.toy()
    toy.script = [failing(Denied("no right to the news"))]
    await stage.run(toy, 2)
    assert (State.FAILED, "no right to the news") in stage.said
    assert stage.clock.monotonic() >= HOUR


async def test_a_bug_in_a_source_comes_out_as_it_is(stage: Stage) -> None:
    """The service starts the input again; no group of exceptions hides what it was."""
    toy = stage.toy("news", "weather")
    toy.script = [failing(KeyError("nothing like that"))]
    with pytest.raises(KeyError, match="nothing like that"):
        await stage.run(toy, 9)
    assert not toy.is_open


async def test_the_position_is_kept_with_the_last_page_only(stage: Stage) -> None:
    toy = stage.toy(start="-1h")
    seen: list[tuple[int, bool]] = []
    emit = stage.ledger.emit

    def noting(events: Any, checkpoint: Any = None, once: bool = False) -> Any:
        seen.append((len(events), bool(checkpoint)))
        return emit(events, checkpoint, once)

    await toy.poll(noting)
    await stage.clock.sleep(60)
    await toy.poll(noting)
    first_start, first_round_done = (0, True), (0, True)
    a_round = [(1, False), (1, True)]
    assert seen == [first_start, *a_round, first_round_done, *a_round]


async def test_a_position_never_goes_back() -> None:
    position = Position("acme", start=0, began=10, reached=100)
    assert position.after(Page((), 50)).reached == 100
    assert position.after(Page((), 150, {"a": 1})) == Position("acme", 0, 10, 150, False, {"a": 1})
    assert position.after(Page((), None, {"a": 1})) is position


def test_positions_and_progress_survive_being_written() -> None:
    position = Position("acme", 1_700_000_000.25, 1_700_000_001, 1_700_000_002, True, [1])
    assert Position.read(position.written()) == position
    progress = Progress("acme", "news", "-7d now", 1.5, 2.0, 1.75, events=7, done=True)
    assert Progress.read("news", progress.written()) == progress


async def test_a_backfill_has_a_position_of_its_own(stage: Stage) -> None:
    toy = stage.toy(start="now")
    await toy.poll(stage.ledger.emit)
    before = dict(stage.ledger.checkpoints)
    told: list[Progress] = []
    now = stage.clock.now()
    await toy.backfill(stage.ledger.emit, Moment("-7d"), Moment("-1d"), told.append)
    assert stage.ledger.checkpoints == before
    _, since, until, oldest = toy.asked[-1]
    assert (since, until, oldest) == (now - 7 * 86_400, now - 86_400, now - 7 * 86_400)
    assert told[-1].done
    assert told[-1].events == 2
    marked = [event.get("bridge_backfill") for event in stage.ledger.events[-2:]]
    assert marked == ["true", "true"]


async def test_streams_that_were_filled_are_not_filled_again_after_an_interruption(
    stage: Stage,
) -> None:
    toy = stage.toy("news", "weather")
    toy.script = [lambda: asyncio.sleep(0), failing(asyncio.CancelledError())]  # type: ignore[arg-type]
    with pytest.raises(asyncio.CancelledError):
        await toy.backfill(stage.ledger.emit, Moment("-7d"))
    toy.asked.clear()
    await toy.backfill(stage.ledger.emit, Moment("-7d"))
    assert [stream for stream, *_ in toy.asked] == ["weather"]


async def test_other_words_begin_another_backfill(stage: Stage) -> None:
    toy = stage.toy()
    toy.script = [failing(asyncio.CancelledError())]  # type: ignore[arg-type]
    with pytest.raises(asyncio.CancelledError):
        await toy.backfill(stage.ledger.emit, Moment("-7d"))
    await toy.backfill(stage.ledger.emit, Moment("-2d"))
    assert stage.clock.now() - toy.asked[-1][1] == 2 * 86_400


async def test_the_data_of_another_account_is_not_mixed_in(stage: Stage) -> None:
    toy = stage.toy()
    await toy.poll(stage.ledger.emit)
    toy.account = "other"
    with pytest.raises(BridgeError, match="acme"):
        await toy.poll(stage.ledger.emit)


async def test_it_is_open_while_anybody_needs_it(stage: Stage) -> None:
    toy = stage.toy()
    async with toy.opened():
        await toy.poll(stage.ledger.emit)
        assert toy.is_open
    assert not toy.is_open
    assert toy.opened_times == 1


async def test_once_polls_the_other_streams_when_one_fails(stage: Stage) -> None:
    toy = stage.toy("news", "weather")
    toy.script = [failing(Denied("no news"))]
    with pytest.raises(Denied, match="no news"):
        await toy.poll(stage.ledger.emit)
    assert [stream for stream, *_ in toy.asked] == ["news", "weather"]

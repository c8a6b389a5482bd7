"""The past by request, beside live polling and after an interruption."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bridge.config.moment import Moment
from bridge.errors import BridgeError
from bridge.inputs.cylance.fake import FakeCylance
from bridge.inputs.poller import Progress
from tests.clocks import VirtualClock
from tests.inputs.cylance.running import Host, Ledger, repeated

DAY = 86_400.0


async def backfill(
    host: Host, cylance: FakeCylance, ledger: Ledger, since: str | None, **options: Any
) -> list[Progress]:
    told: list[Progress] = []
    moment = Moment(since) if since else None
    poller = host.poller(cylance, details=False, **options)
    await poller.backfill(ledger.emit, moment, tell=told.append)
    return told


async def test_a_backfill_gives_the_past_once_and_marks_it(
    cylance: FakeCylance, clock: VirtualClock, host: Host, ledger: Ledger
) -> None:
    for number in range(300):
        then = clock.now() - 30 * DAY + 100 + number * 8000
        cylance.world.add_detection(then, then)
    await host.poller(cylance, details=False, start="-24h").poll(ledger.emit)
    live = len(ledger.events)
    told = await backfill(host, cylance, ledger, "-30d")
    assert len(ledger.events) == 300
    assert {event.get("bridge_backfill") for event in ledger.events[live:]} == {"true"}
    assert not repeated(ledger, ["detections"])
    assert told[-1].done
    assert all(one.since <= one.reached <= one.until for one in told if one.stream == "detections")
    assert set(ledger.checkpoints) == {"threats", "detections"}


async def test_a_backfill_that_was_interrupted_goes_on(
    cylance: FakeCylance, clock: VirtualClock, host: Host, ledger: Ledger
) -> None:
    """Asked for in the same words, or in none; the live positions are not touched."""
    for number in range(400):
        then = clock.now() - 30 * DAY + 100 + number * 6000
        cylance.world.add_threat(then, then)
    cylance.api.max_page_size = 20

    def emit(events: Any, checkpoint: Any = None, once: bool = False) -> Any:
        if len(ledger.events) > 150:
            raise asyncio.CancelledError
        return ledger.emit(events, checkpoint, once)

    poller = host.poller(cylance, details=False, streams=["threats"])
    with pytest.raises(asyncio.CancelledError):
        await poller.backfill(emit, Moment("-30d"))
    requests = len(cylance.api.asked)
    told = await backfill(host, cylance, ledger, None, streams=["threats"])
    assert told[0].reached - told[0].since > 10 * DAY
    assert len(ledger.events) == 400
    assert len(cylance.api.asked) - requests < 60
    assert ledger.offered < 480


async def test_a_backfill_without_a_since_needs_something_to_go_on_with(
    cylance: FakeCylance, host: Host, ledger: Ledger
) -> None:
    with pytest.raises(BridgeError, match="--since -7d"):
        await backfill(host, cylance, ledger, None)


async def test_a_backfill_from_now_holds_no_time(
    cylance: FakeCylance, host: Host, ledger: Ledger
) -> None:
    with pytest.raises(BridgeError, match="holds no time"):
        await backfill(host, cylance, ledger, "now")


async def test_live_polling_goes_on_during_a_backfill(
    cylance: FakeCylance, clock: VirtualClock, host: Host, ledger: Ledger
) -> None:
    for number in range(600):
        then = clock.now() - 30 * DAY + 100 + number * 4000
        cylance.world.add_threat(then, then)
    cylance.api.max_page_size = 20
    poller = host.poller(cylance, details=False, streams=["threats"], start="now")
    running = asyncio.ensure_future(poller.run(ledger.emit))
    filling = asyncio.ensure_future(poller.backfill(ledger.emit, Moment("-30d")))
    while len(ledger.events) < 100:
        await asyncio.sleep(0.001)
    fresh = cylance.world.add_threat(clock.now(), clock.now()).lower()

    def live() -> list[Any]:
        return [event for event in ledger.events if "bridge_backfill" not in event]

    while not live():
        await asyncio.sleep(0.001)
    assert not filling.done()
    assert [event["cylance_sha256"] for event in live()] == [fresh]
    await filling
    assert len(ledger.events) == 601
    running.cancel()
    await asyncio.wait([running])

"""The input against the fake API: what becomes of rows, rights, details, checkpoints, errors."""

from __future__ import annotations

import asyncio
import json
import logging
from itertools import pairwise
from typing import Any

import pytest

from bridge.config.moment import Moment
from bridge.errors import BridgeError, Denied, Retryable
from bridge.health import State
from bridge.httpd import as_json
from bridge.inputs.cylance.fake import FakeCylance, Faults
from bridge.inputs.cylance.fake.faults import ANSWERS, KINDS
from bridge.inputs.poller import Progress
from tests.clocks import VirtualClock
from tests.inputs.cylance.running import Host, Ledger, key_of, repeated

DAY = 86_400.0


def fill(cylance: FakeCylance, clock: VirtualClock, count: int = 30) -> None:
    """Things that happened in the last 20 hours."""
    for number in range(count):
        then = clock.now() - 20 * 3600 * (1 - number / count)
        cylance.world.add_threat(then, then, devices=2)
        cylance.world.add_detection(then, then)
        cylance.world.add_memory_protection(then, then)


async def test_every_row_becomes_one_event(
    cylance: FakeCylance, clock: VirtualClock, host: Host, ledger: Ledger
) -> None:
    fill(cylance, clock)
    streams = ["threats", "detections", "memory_protection", "threat_devices", "devices"]
    poller = host.poller(cylance, streams=streams)
    for _ in range(3):
        await poller.poll(ledger.emit)
        await clock.sleep(60)
    assert len(ledger.of("threat")) == 30
    assert len(ledger.of("detection")) == 30
    assert len(ledger.of("memory_protection")) == 30
    assert len(ledger.of("threat_device")) == 60
    assert len(ledger.of("device")) == 5
    assert not repeated(ledger, streams[:4])


async def test_the_first_start_is_marked_and_what_happens_later_is_not(
    cylance: FakeCylance, clock: VirtualClock, host: Host, ledger: Ledger
) -> None:
    """Rules leave alone what is marked: it is old on purpose."""
    fill(cylance, clock, 3)
    poller = host.poller(cylance)
    await poller.poll(ledger.emit)
    assert {event.get("bridge_backfill") for event in ledger.events} == {"true"}
    await clock.sleep(60)
    cylance.world.add_threat(clock.now(), clock.now())
    await poller.poll(ledger.emit)
    assert "bridge_backfill" not in ledger.events[-1]


async def test_a_start_now_leaves_the_past_alone(
    cylance: FakeCylance, clock: VirtualClock, host: Host, ledger: Ledger
) -> None:
    fill(cylance, clock)
    poller = host.poller(cylance, start="now", streams=["threats", "threat_devices"])
    await poller.poll(ledger.emit)
    assert not ledger.events
    await clock.sleep(30)
    sha256 = next(iter(cylance.world.threats))
    cylance.world.find_again(sha256, clock.now())
    await poller.poll(ledger.emit)
    assert [event["cylance_kind"] for event in ledger.events] == ["threat", "threat_device"]


async def test_after_a_restart_it_goes_on_where_it_was(
    cylance: FakeCylance, clock: VirtualClock, host: Host, ledger: Ledger
) -> None:
    """However long it was away; `start` does not count any more."""
    await host.poller(cylance, start="now").poll(ledger.emit)
    for number in range(50):
        cylance.world.add_detection(clock.now(), clock.now())
        await clock.sleep(3600 * number / 10)
    await host.poller(cylance, start="now").poll(ledger.emit)
    assert len(ledger.of("detection")) == 50


async def test_one_file_on_many_machines_is_as_many_events(
    clock: VirtualClock, host: Host, ledger: Ledger
) -> None:
    from bridge.inputs.cylance.fake import World

    async with FakeCylance(now=clock.now, world=World(1, devices=500)) as cylance:
        cylance.world.add_threat(clock.now(), clock.now(), devices=500)
        await host.poller(cylance, streams=["threat_devices"]).poll(ledger.emit)
    assert len({event["host"] for event in ledger.events}) == 500
    assert {type(event["cylance_file_path"]) for event in ledger.events} == {str}


async def test_a_threat_is_asked_for_its_devices_again_only_when_it_was_found_again(
    cylance: FakeCylance, clock: VirtualClock, host: Host, ledger: Ledger
) -> None:
    sha256 = cylance.world.add_threat(clock.now(), clock.now())
    poller = host.poller(cylance, streams=["threat_devices"])
    for _ in range(5):
        await poller.poll(ledger.emit)
        await clock.sleep(60)

    def asked() -> int:
        return sum(one.path.endswith("/devices") for one in cylance.api.asked)

    assert asked() == 1
    cylance.world.find_again(sha256, clock.now())
    await poller.poll(ledger.emit)
    assert asked() == 2


async def test_an_inventory_is_given_once_and_then_only_its_changes(
    cylance: FakeCylance, clock: VirtualClock, host: Host, ledger: Ledger
) -> None:
    """A device that goes back to what it was has changed, too."""
    device = next(iter(cylance.world.devices.values())).body
    states = []
    for state in ("Online", "Offline", "Offline", "Online", "Offline"):
        device["state"] = state
        cylance.world.changes += 1
        poller = host.poller(cylance, streams=["devices"])
        await poller.poll(ledger.emit)
        states.append(len(ledger.of("device")))
        await clock.sleep(3600)
    assert states == [5, 6, 6, 7, 8]
    changed = [event["cylance_device_state"] for event in ledger.events[5:]]
    assert changed == ["Offline", "Online", "Offline"]


async def test_details_are_asked_for_once_for_each_event(
    cylance: FakeCylance, clock: VirtualClock, host: Host, ledger: Ledger
) -> None:
    fill(cylance, clock, 5)
    for _ in range(3):
        await host.poller(cylance).poll(ledger.emit)
    details = [one.path for one in cylance.api.asked if one.path.count("/") > 2]
    details = [path for path in details if not path.startswith("/auth")]
    assert len(details) == len(set(details)) == 10
    assert {event["cylance_detected_by"] for event in ledger.of("threat")} == {"File Watcher"}
    rules = {event["cylance_detection_rule_name"] for event in ledger.of("detection")}
    assert rules == {"example-rule"}


async def test_without_details_only_lists_are_read(
    cylance: FakeCylance, clock: VirtualClock, host: Host, ledger: Ledger
) -> None:
    fill(cylance, clock, 5)
    await host.poller(cylance, details=False).poll(ledger.emit)
    assert len(ledger.events) == 10
    paths = {one.path for one in cylance.api.asked}
    assert paths == {"/auth/v2/token", "/threats/v2", "/detections/v2"}


@pytest.mark.parametrize("fault", ["404", "500", "html", "null", "denied"])
async def test_details_are_never_worth_the_event(
    cylance: FakeCylance,
    clock: VirtualClock,
    host: Host,
    ledger: Ledger,
    fault: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fill(cylance, clock, 3)
    answer = cylance.api._one

    def failing(name: str, key: str) -> Any:
        return as_json({}, 404) if fault == "404" else ANSWERS.get(fault) or answer(name, key)

    cylance.api._one = failing  # type: ignore[method-assign]
    if fault == "denied":
        cylance.api.scopes -= {"threat:read", "opticsdetect:read"}
    with caplog.at_level(logging.WARNING):
        await host.poller(cylance).poll(ledger.emit)
    assert len(ledger.events) == 6
    assert {event["bridge_flags"] for event in ledger.events} == {"details_missing"}
    assert host.counted["details_missing"] == 6
    assert ("going on without details" in caplog.text) == (fault == "denied")


async def test_a_rate_limit_on_details_is_waited_for(
    cylance: FakeCylance, clock: VirtualClock, host: Host, ledger: Ledger
) -> None:
    cylance.world.add_threat(clock.now(), clock.now())
    cylance.api.faults.script = ["", ""] + ["429"] * 6
    await host.poller(cylance, streams=["threats"]).poll(ledger.emit)
    [event] = ledger.events
    assert event["cylance_detected_by"] == "File Watcher"
    assert clock.monotonic() >= 6 * 60


async def test_a_missing_right_stops_that_stream_alone(
    cylance: FakeCylance, clock: VirtualClock, host: Host, ledger: Ledger
) -> None:
    fill(cylance, clock, 3)
    cylance.api.scopes.remove("opticsdetect:list")
    with pytest.raises(Denied, match="opticsdetect:list"):
        await host.poller(cylance, streams=["detections", "threats"]).poll(ledger.emit)
    assert len(ledger.of("threat")) == 3
    state, detail = host.said[-1]
    assert state is State.FAILED
    assert "opticsdetect:list" in detail


async def test_a_right_that_is_granted_later_heals_by_itself(
    cylance: FakeCylance, clock: VirtualClock, host: Host, ledger: Ledger
) -> None:
    cylance.world.add_detection(clock.now(), clock.now())
    cylance.api.scopes.remove("opticsdetect:list")
    running = asyncio.ensure_future(host.poller(cylance, streams=["detections"]).run(ledger.emit))
    while not host.said or host.said[-1][0] is not State.FAILED:
        await asyncio.sleep(0.001)
    cylance.api.scopes.add("opticsdetect:list")
    while not ledger.events:
        await asyncio.sleep(0.001)
    assert clock.monotonic() >= 3600
    assert host.said[-1][0] is State.OK
    running.cancel()
    await asyncio.wait([running])


async def test_a_page_size_that_is_not_taken_becomes_smaller(
    cylance: FakeCylance, clock: VirtualClock, host: Host, ledger: Ledger
) -> None:
    fill(cylance, clock, 60)
    cylance.api.max_page_size = 20
    await host.poller(cylance, details=False).poll(ledger.emit)
    assert len(ledger.events) == 120


async def test_another_tenant_is_refused_until_the_checkpoint_is_reset(
    cylance: FakeCylance, clock: VirtualClock, host: Host, ledger: Ledger
) -> None:
    await host.poller(cylance).poll(ledger.emit)
    other = "00000000-1111-4222-8333-444444444444"
    cylance.login.tenant_id = other
    with pytest.raises(BridgeError, match="checkpoint reset protect"):
        await host.poller(cylance, tenant_id=other).poll(ledger.emit)
    ledger.checkpoints.clear()
    await host.poller(cylance, tenant_id=other).poll(ledger.emit)


async def test_another_spelling_of_the_tenant_is_the_same_tenant(
    cylance: FakeCylance, clock: VirtualClock, host: Host, ledger: Ledger
) -> None:
    fill(cylance, clock, 2)
    await host.poller(cylance).poll(ledger.emit)
    spelled = cylance.login.tenant_id.replace("-", "").upper()
    cylance.login.tenant_id = spelled
    await host.poller(cylance, tenant_id=spelled).poll(ledger.emit)
    assert len(ledger.events) == 4


async def test_the_uid_of_an_event_does_not_depend_on_who_reads_it(
    cylance: FakeCylance, clock: VirtualClock
) -> None:
    fill(cylance, clock, 4)
    found = []
    for details in (True, False):
        ledger = Ledger()
        await Host(ledger, clock).poller(cylance, details=details).poll(ledger.emit)
        found.append(ledger.seen)
    assert found[0] == found[1]


async def test_rows_without_an_id_are_given_once_and_counted(
    cylance: FakeCylance, clock: VirtualClock, host: Host, ledger: Ledger
) -> None:
    fill(cylance, clock, 3)
    for row in cylance.world.threats.values():
        del row.body["sha256"]
    poller = host.poller(cylance, streams=["threats"], details=False)
    await poller.poll(ledger.emit)
    await poller.poll(ledger.emit)
    assert len(ledger.events) == 3
    assert host.counted["rows_without_id"] >= 3


async def test_rows_that_are_no_objects_cost_nobody_else(
    cylance: FakeCylance, clock: VirtualClock, host: Host, ledger: Ledger
) -> None:
    fill(cylance, clock, 2)
    page = {"page_number": 1, "total_pages": 1, "page_size": 200, "total_number_of_items": 3}
    items: list[Any] = ["odd", 7, {"sha256": "AA", "last_found": {"a": []}, "cylance_score": []}]
    cylance.api._list = lambda *_: as_json(page | {"page_items": items})  # type: ignore[method-assign]
    await host.poller(cylance, streams=["threats"], details=False).poll(ledger.emit)
    assert len(ledger.events) == 3


# Errors


@pytest.mark.parametrize("kind", KINDS)
async def test_after_any_bad_answer_nothing_is_missing(
    cylance: FakeCylance, clock: VirtualClock, host: Host, ledger: Ledger, kind: str
) -> None:
    fill(cylance, clock, 3)
    cylance.api.faults.script = ["", kind, "", kind, kind]
    await host.poller(cylance, details=False).poll(ledger.emit)
    assert len(ledger.events) == 6
    assert host.said[-1][0] is State.OK


async def test_a_storm_loses_nothing_and_meets_at_most_one_request_a_second(
    cylance: FakeCylance, clock: VirtualClock, host: Host, ledger: Ledger
) -> None:
    """429, 5xx and 401 in two answers of three, over an hour of polling two streams."""
    kinds = ("429 seconds", "500", "502", "503", "401", "refused", "cut", "html")
    cylance.api.faults = Faults(seed=1, rate=0.66, kinds=kinds)
    poller = host.poller(cylance, details=False)
    async with poller.opened():
        for _ in range(20):
            cylance.world.add_threat(clock.now(), clock.now())
            cylance.world.add_detection(clock.now(), clock.now())
            for stream in poller.streams:
                await poller.patiently(stream, lambda s=stream: poller.round(s, ledger.emit))
            await clock.sleep(60)
    assert cylance.api.faults.met > 50
    assert len({key_of(event) for event in ledger.events}) == len(ledger.events) == 40
    asked = cylance.api.asked
    for failed, following in pairwise(asked):
        if failed.status != 200 or failed.fault in ("html", "cut"):
            assert following.at - failed.at >= 1, failed
        if failed.status == 429:
            assert following.at - failed.at >= 7


async def test_a_rotated_secret_heals_by_itself(
    cylance: FakeCylance, clock: VirtualClock, host: Host, ledger: Ledger, tmp_path: Any
) -> None:
    from bridge.config.references import Resolver

    file = tmp_path / "secret"
    file.write_text(cylance.login.app_secret)
    cylance.world.add_threat(clock.now(), clock.now())
    poller = host.poller(cylance, app_secret=Resolver({}, tmp_path).resolve("${file:secret}"))
    running = asyncio.ensure_future(poller.run(ledger.emit))
    while not ledger.events:
        await asyncio.sleep(0.001)
    cylance.login.app_secret = "a fresh secret, also of some length"
    cylance.login.revoke()
    while not any("the login was refused" in detail for _, detail in host.said):
        await asyncio.sleep(0.001)
    file.write_text(cylance.login.app_secret)
    cylance.world.add_threat(clock.now(), clock.now())
    while len(ledger.events) < 2:
        await asyncio.sleep(0.001)
    running.cancel()
    await asyncio.wait([running])


async def test_no_secret_is_in_any_log_at_any_level(
    cylance: FakeCylance,
    clock: VirtualClock,
    host: Host,
    ledger: Ledger,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Not in ours, not in those of the libraries, not in states, events or errors."""
    fill(cylance, clock, 3)
    tokens: set[str] = set()
    echo = {"message": f"bad token {cylance.login.app_secret}"}

    def on_request(path: str) -> None:
        tokens.update(cylance.login._tokens)

    cylance.api.on_request = on_request
    with caplog.at_level(0):
        cylance.api.faults = Faults(seed=3, rate=0.4)
        await host.poller(cylance).poll(ledger.emit)
        cylance.api.faults = Faults()
        ANSWERS["echo"] = as_json(echo, 401)
        cylance.api.faults.script = ["echo"]
        with pytest.raises(BridgeError) as caught:
            await host.poller(cylance).check()
        del ANSWERS["echo"]
    told = caplog.text + str(host.said) + json.dumps(ledger.events) + str(caught.value)
    assert "httpx" in caplog.text or "httpcore" in caplog.text
    assert tokens
    for secret in (cylance.login.app_secret, *tokens):
        assert secret not in told


async def test_once_gives_up_after_five_minutes(
    cylance: FakeCylance, clock: VirtualClock, host: Host, ledger: Ledger
) -> None:
    cylance.api.faults = Faults(rate=1.0, kinds=("503",))
    with pytest.raises(Retryable, match="503"):
        await host.poller(cylance).poll(ledger.emit)
    assert 60 < clock.monotonic() < 600


# Backfill


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


# Trying it


async def test_check_is_content_when_everything_can_be_read(
    cylance: FakeCylance, clock: VirtualClock, host: Host
) -> None:
    fill(cylance, clock, 1)
    streams = ["threats", "detections", "memory_protection", "threat_devices", "devices"]
    await host.poller(cylance, streams=streams).check()
    assert all(one.query.get("page_size", "1") == "1" for one in cylance.api.asked)


async def test_check_names_every_missing_right(
    cylance: FakeCylance, clock: VirtualClock, host: Host
) -> None:
    fill(cylance, clock, 1)
    missing = {"threat:read", "opticsdetect:list", "threat:devicelist"}
    cylance.api.scopes -= missing
    streams = ["threats", "detections", "memory_protection", "threat_devices"]
    with pytest.raises(BridgeError) as caught:
        await host.poller(cylance, streams=streams).check()
    assert all(scope in str(caught.value) for scope in missing)


async def test_check_does_not_wait_for_what_fails(
    cylance: FakeCylance, clock: VirtualClock, host: Host
) -> None:
    poller = host.poller(cylance, app_secret="another secret, also of some length")
    with pytest.raises(BridgeError, match="check app_id"):
        await poller.check()
    assert len(cylance.api.asked) == 1

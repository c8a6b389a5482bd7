"""The input against the fake API: what becomes of rows, rights, details and checkpoints."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from bridge.errors import BridgeError, Denied
from bridge.health import State
from bridge.httpd import as_json
from bridge.inputs.cylance.fake import FakeCylance
from bridge.inputs.cylance.fake.faults import ANSWERS
from tests.clocks import VirtualClock
from tests.inputs.cylance.running import Host, Ledger, fill, repeated


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

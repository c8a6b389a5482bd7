"""Bad answers, storms, rotated secrets and missing rights; what check says of them."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from typing import Any

import pytest

from bridge.errors import BridgeError, Retryable
from bridge.health import State
from bridge.httpd import as_json
from bridge.inputs.cylance.fake import FakeCylance, Faults
from bridge.inputs.cylance.fake.faults import ANSWERS, KINDS
from tests.clocks import VirtualClock
from tests.inputs.cylance.running import Host, Ledger, fill, key_of


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

"""The fake API is as strict as the guide, so that a poller which it serves does nothing wrong."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import pytest

from bridge.inputs.cylance.fake import FakeCylance
from tests.clocks import VirtualClock


@pytest.fixture
async def http(cylance: FakeCylance) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=cylance.base_url, trust_env=False) as client:
        yield client


def signed(cylance: FakeCylance, secret: str = "", **changed: Any) -> str:
    now = int(cylance.api.now())
    claims = {
        "iss": "http://cylance.com",
        "sub": cylance.login.app_id,
        "tid": cylance.login.tenant_id,
        "iat": now,
        "exp": now + 1800,
        "jti": str(uuid.uuid4()),
    } | changed
    return jwt.encode(claims, secret or cylance.login.app_secret)


async def login(http: httpx.AsyncClient, token: str) -> httpx.Response:
    return await http.post("/auth/v2/token", json={"auth_token": token})


@pytest.fixture
async def headers(http: httpx.AsyncClient, cylance: FakeCylance) -> dict[str, str]:
    answer = await login(http, signed(cylance))
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"exp": 10**12}, 400),
        ({"iat": 0, "exp": 1800}, 401),
        ({"iss": "https://cylance.com"}, 401),
        ({"sub": "somebody"}, 401),
        ({"tid": "another"}, 401),
        ({"scope": "threat:list"}, 400),
        ({"iat": 1.5}, 400),
    ],
)
async def test_a_wrong_login_is_refused(
    http: httpx.AsyncClient, cylance: FakeCylance, changed: dict[str, Any], status: int
) -> None:
    assert (await login(http, signed(cylance, **changed))).status_code == status


async def test_a_signature_with_another_secret_is_refused(
    http: httpx.AsyncClient, cylance: FakeCylance
) -> None:
    other = signed(cylance, secret="another secret of enough length, 32+")
    assert (await login(http, other)).status_code == 401
    assert (await login(http, "b'not a token'")).status_code == 401


async def test_a_login_cannot_be_replayed(http: httpx.AsyncClient, cylance: FakeCylance) -> None:
    token = signed(cylance)
    assert (await login(http, token)).status_code == 200
    assert (await login(http, token)).status_code == 401


async def test_an_access_token_ends(
    http: httpx.AsyncClient, headers: dict[str, str], clock: VirtualClock
) -> None:
    assert (await http.get("/threats/v2", headers=headers)).status_code == 200
    await clock.sleep(1801)
    assert (await http.get("/threats/v2", headers=headers)).status_code == 401
    assert (await http.get("/threats/v2")).status_code == 401


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("page=1&page_size=200", 200),
        ("page=99", 200),
        ("page=0", 400),
        ("page=x", 400),
        ("page_number=1", 400),
        ("page_size=0", 400),
        ("page_size=201", 400),
        ("start=2024-01-01T00:00:00Z", 400),
        ("start_time=2024-01-01T00:00:00.000Z&end_time=2024-01-02T00:00:00", 200),
        ("end_time=2024-01-02T00:00:00Z", 400),
        ("start_time=2024-01-01", 400),
        ("start_time=2024-01-01T00:00:00 00:00", 400),
    ],
)
async def test_parameters_are_those_of_the_guide(
    http: httpx.AsyncClient, headers: dict[str, str], query: str, status: int
) -> None:
    assert (await http.get(f"/threats/v2?{query}", headers=headers)).status_code == status


async def test_a_page_size_that_is_not_supported_is_said_in_the_vendors_words(
    http: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await http.get("/threats/v2?page_size=0", headers=headers)
    assert answer.json() == {"message": "The page size requested is not supported."}


async def test_a_missing_scope_is_refused_in_both_dialects(
    http: httpx.AsyncClient, cylance: FakeCylance, headers: dict[str, str]
) -> None:
    cylance.api.scopes.clear()
    assert (await http.get("/threats/v2", headers=headers)).status_code == 403
    optics = await http.get("/detections/v2", headers=headers)
    assert (optics.status_code, optics.json()["status"]) == (403, "ACCESS_DENIED")


async def test_rows_look_like_those_of_the_vendor(
    http: httpx.AsyncClient, cylance: FakeCylance, headers: dict[str, str], clock: VirtualClock
) -> None:
    now = clock.now()
    sha256 = cylance.world.add_threat(now, now, devices=2)
    detection = cylance.world.add_detection(now, now)
    page = (await http.get("/threats/v2", headers=headers)).json()
    assert page["page_items"][0]["last_found"] == "2023-11-14T22:13:20"
    assert page["page_items"][0]["sha256"].isupper()
    assert (page["total_pages"], page["total_number_of_items"]) == (1, 1)
    optics = (await http.get("/detections/v2", headers=headers)).json()["page_items"][0]
    assert optics["ReceivedTime"] == "2023-11-14T22:13:20.000Z"
    details = await http.get(f"/threats/v2/{sha256.lower()}", headers=headers)
    assert details.json()["cert_timestamp"] == "0001-01-01T00:00:00"
    found = await http.get(f"/threats/v2/{sha256}/devices", headers=headers)
    assert found.json()["total_number_of_items"] == 2
    rule = await http.get(f"/detections/v2/{detection}/details", headers=headers)
    assert rule.json()["DetectionRule"]["Name"]
    unknown = await http.get(f"/threats/v2/{'0' * 64}", headers=headers)
    assert (unknown.status_code, unknown.content.strip()) == (404, b"")


async def test_a_file_that_is_found_again_overwrites_its_row(
    cylance: FakeCylance, clock: VirtualClock
) -> None:
    sha256 = cylance.world.add_threat(clock.now(), clock.now())
    await clock.sleep(60)
    cylance.world.find_again(sha256, clock.now())
    old, new = [one for one in cylance.world.listings if one.stream == "threats"]
    assert (old.until, new.until) == (clock.now(), None)
    assert len(cylance.world.threats) == 1


def test_the_same_seed_lives_the_same_life() -> None:
    lives = []
    for _ in range(2):
        fake = FakeCylance(seed=7, now=time.time)
        for number in range(200):
            fake.world.live(1000.0 + number, 100)
        lives.append(json.dumps([row.body for row in fake.world.threats.values()]))
    assert lives[0] == lives[1]

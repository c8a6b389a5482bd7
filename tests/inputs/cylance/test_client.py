"""One request: what counts as an answer, what everything else means, and how fast we ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bridge.config import Secret
from bridge.errors import BridgeError, Denied, Retryable
from bridge.http import HttpOptions
from bridge.httpd import Response, as_json
from bridge.inputs.cylance.auth import LoginRefused
from bridge.inputs.cylance.client import Access, Client, Unfit
from bridge.inputs.cylance.fake import FakeCylance
from bridge.inputs.cylance.fake.faults import ANSWERS, KINDS
from tests.clocks import VirtualClock

PATH = "/threats/v2"


def ignore(error: BaseException, pause: float) -> None:
    """For refused logins that are not the subject."""


def client_of(cylance: FakeCylance, clock: VirtualClock, **changed: str) -> Client:
    login = cylance.login
    values = {
        "base_url": cylance.base_url,
        "tenant_id": login.tenant_id,
        "app_id": login.app_id,
        "app_secret": login.app_secret,
    } | changed
    access = Access(**values | {"app_secret": Secret(values["app_secret"])})  # type: ignore[arg-type]
    return Client(access, HttpOptions(proxy="none", timeout_seconds=5), clock)  # type: ignore[arg-type]


@pytest.fixture
async def client(cylance: FakeCylance, clock: VirtualClock) -> AsyncIterator[Client]:
    client = client_of(cylance, clock)
    yield client
    await client.aclose()


async def get(client: Client) -> object:
    return await client.get(PATH, {"page": 1}, "threat:list", ignore)


async def test_one_login_serves_many_requests(client: Client, cylance: FakeCylance) -> None:
    for _ in range(5):
        await get(client)
    assert cylance.login.logins == 1


async def test_a_token_that_is_not_taken_any_more_is_replaced_once(
    client: Client, cylance: FakeCylance
) -> None:
    await get(client)
    cylance.login.revoke()
    assert isinstance(await get(client), dict)
    assert cylance.login.logins == 2


async def test_a_token_that_is_never_taken_is_not_asked_for_for_ever(
    client: Client, cylance: FakeCylance
) -> None:
    cylance.api.faults.script = ["", "refused", "", "refused"]
    with pytest.raises(Retryable, match="a fresh access token is not taken") as caught:
        await get(client)
    assert caught.value.retry_after == 60
    assert cylance.login.logins == 2


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("refused", "401")])
async def test_every_bad_answer_is_tried_again_later(
    client: Client, cylance: FakeCylance, clock: VirtualClock, kind: str
) -> None:
    """And the next request, whosever it is, waits for at least a second."""
    cylance.api.faults.script = ["", kind]
    if kind in ("no envelope", "list", "null"):
        assert not isinstance(await get(client), str)  # good JSON: the list looks at its shape
        return
    with pytest.raises(Retryable):
        await get(client)
    await get(client)
    failed, following = cylance.api.asked[-2:]
    assert following.at - failed.at >= 1


@pytest.mark.parametrize(("kind", "seconds"), [("429", 60), ("429 seconds", 7), ("429 date", 9)])
async def test_the_rate_limit_makes_every_input_of_the_tenant_wait(
    client: Client, cylance: FakeCylance, clock: VirtualClock, kind: str, seconds: float
) -> None:
    other = client_of(cylance, clock)
    await get(other)
    cylance.api.faults.script = ["", kind]
    with pytest.raises(Unfit) as caught:
        await get(client)
    assert caught.value.retry_after == pytest.approx(seconds, abs=1)
    await get(other)
    assert cylance.api.asked[-1].at - cylance.api.asked[-2].at >= seconds - 1
    await other.aclose()


@pytest.mark.parametrize("wanted", ["-5", "soon", "1e9", "99999999999", "Mon, 99 Foo"])
async def test_a_strange_wish_to_wait_is_kept_within_reason(
    client: Client, cylance: FakeCylance, monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    monkeypatch.setitem(ANSWERS, "429", as_json({}, 429, {"Retry-After": wanted}))
    cylance.api.faults.script = ["", "429"]
    with pytest.raises(Unfit) as caught:
        await get(client)
    assert 1 <= (caught.value.retry_after or 0) <= 3600


async def test_a_missing_right_is_named(client: Client, cylance: FakeCylance) -> None:
    cylance.api.scopes.remove("threat:list")
    with pytest.raises(Denied, match="lacks the right threat:list"):
        await get(client)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"app_secret": "a wrong secret of enough length, 32+"}, "401: Invalid JWT payload"),
        ({"app_id": "another"}, "check app_id"),
        ({"tenant_id": "another"}, "tenant_id"),
    ],
)
async def test_a_refused_login_says_what_to_look_at(
    cylance: FakeCylance, clock: VirtualClock, changed: dict[str, str], words: str
) -> None:
    client = client_of(cylance, clock, **changed)
    with pytest.raises(LoginRefused) as caught:
        await client.login()
    assert words in str(caught.value)
    assert cylance.base_url in str(caught.value)
    await client.aclose()


@pytest.mark.parametrize(("skew", "words"), [(4000, "s behind"), (-4000, "s ahead of")])
async def test_a_wrong_clock_is_measured(skew: float, words: str, clock: VirtualClock) -> None:
    async with FakeCylance(now=lambda: clock.now() + skew) as cylance:
        client = client_of(cylance, clock)
        with pytest.raises(LoginRefused, match=rf"(399\d|400\d) {words}"):
            await client.login()
        await client.aclose()


@pytest.mark.parametrize(("skew", "counts"), [(-90, -90), (90, 0)])
async def test_of_the_two_clocks_the_earlier_one_counts(
    clock: VirtualClock, skew: float, counts: float
) -> None:
    """A position that runs ahead would lose what is listed meanwhile."""
    async with FakeCylance(now=lambda: clock.now() + skew) as cylance:
        client = client_of(cylance, clock)
        await client.login()
        assert client.now() == pytest.approx(clock.now() + counts, abs=1.1)
        await client.aclose()


async def test_a_server_that_is_not_there_is_said_in_words(clock: VirtualClock) -> None:
    async with FakeCylance() as cylance:
        client = client_of(cylance, clock)
    with pytest.raises(Retryable, match=r"cannot connect to http://127\.0\.0\.1"):
        await client.login()
    await client.aclose()


async def test_a_redirect_is_not_followed(
    client: Client, cylance: FakeCylance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could lead the credentials anywhere."""
    away = Response(302, headers={"Location": "http://192.0.2.1/"})
    monkeypatch.setitem(ANSWERS, "502", away)
    cylance.api.faults.script = ["", "502"]
    with pytest.raises(Unfit, match="look at region or base_url"):
        await get(client)


async def test_an_endless_answer_is_cut_off(
    client: Client, cylance: FakeCylance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.inputs.cylance.client.MAX_REPLY_BYTES", 10_000)
    long = Response(200, b" " * 20_000, "application/json")
    monkeypatch.setitem(ANSWERS, "502", long)
    cylance.api.faults.script = ["", "502"]
    with pytest.raises(Retryable, match="too long"):
        await get(client)


async def test_deep_json_is_an_unreadable_answer(
    client: Client, cylance: FakeCylance, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = Response(200, b"[" * 200_000, "application/json")
    monkeypatch.setitem(ANSWERS, "502", deep)
    cylance.api.faults.script = ["", "502"]
    with pytest.raises(Retryable, match="cannot be read"):
        await get(client)


async def test_what_an_error_says_is_shown_without_secrets(
    client: Client, cylance: FakeCylance, monkeypatch: pytest.MonkeyPatch
) -> None:
    await get(client)
    token = next(iter(cylance.login._tokens))
    said = f"no: {token} {cylance.login.app_secret}\n\x1b[31m" + "x" * 500
    monkeypatch.setitem(ANSWERS, "500", as_json({"message": said}, 500))
    cylance.api.faults.script = ["500"]
    with pytest.raises(Unfit) as caught:
        await get(client)
    text = str(caught.value)
    assert token not in text
    assert cylance.login.app_secret not in text
    assert text.isprintable()
    assert len(text) < 300


async def test_requests_of_one_tenant_never_overlap(
    client: Client, cylance: FakeCylance, clock: VirtualClock
) -> None:

    running = 0
    most = 0
    answer = cylance.api._answer

    def counting(request, now):  # type: ignore[no-untyped-def]
        nonlocal running, most
        running += 1
        most = max(most, running)
        found = answer(request, now)
        running -= 1
        return found

    cylance.api._answer = counting  # type: ignore[method-assign]
    others = [client_of(cylance, clock) for _ in range(3)]
    await asyncio.gather(*(get(one) for one in (client, *others)))
    assert most == 1
    for other in others:
        await other.aclose()


def test_errors_are_the_bridges_own() -> None:
    assert issubclass(LoginRefused, BridgeError)
    assert issubclass(Unfit, Retryable)

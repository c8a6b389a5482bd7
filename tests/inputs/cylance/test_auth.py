"""The login: what is signed, how long a token is used, what a refusal says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jwt
import pytest

from bridge.config import Secret
from bridge.config.references import Resolver
from bridge.errors import Retryable
from bridge.inputs.cylance.auth import Auth, LoginRefused, advice, life
from tests.clocks import VirtualClock

SECRET = "5ec7e700-0000-4000-8000-000000000002"


class Exchange:
    """The other side: keeps what was posted, answers what it is told to."""

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []
        self.replies: list[Any] = []

    async def __call__(self, body: dict[str, str]) -> Any:
        self.posted.append(jwt.decode(body["auth_token"], options={"verify_signature": False}))
        self.signed = body["auth_token"]
        reply = self.replies.pop(0) if self.replies else {"access_token": f"t{len(self.posted):09}"}
        if isinstance(reply, Exception):
            raise reply
        return reply


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


def auth(clock: VirtualClock, exchange: Exchange, secret: Secret | None = None) -> Auth:
    return Auth("tenant", "app", secret or Secret(SECRET), clock, exchange)


def ignore(error: BaseException, pause: float) -> None:
    """For failures that the test looks at in other ways."""


async def test_what_is_signed_is_what_the_guide_wants(
    clock: VirtualClock, exchange: Exchange
) -> None:
    await auth(clock, exchange).token(ignore)
    jwt.decode(
        exchange.signed,
        SECRET,
        algorithms=["HS256"],
        options={"verify_exp": False, "verify_iat": False},
    )
    assert jwt.get_unverified_header(exchange.signed) == {"alg": "HS256", "typ": "JWT"}
    [claims] = exchange.posted
    assert claims.pop("jti")
    assert claims == {
        "iss": "http://cylance.com",
        "sub": "app",
        "tid": "tenant",
        "iat": int(clock.now()),
        "exp": int(clock.now()) + 1800,
    }


async def test_a_token_is_used_until_its_end(clock: VirtualClock, exchange: Exchange) -> None:
    login = auth(clock, exchange)
    assert await login.token(ignore) == await login.token(ignore)
    await clock.sleep(1400)
    assert await login.token(ignore) == "t000000001"
    await clock.sleep(100)
    assert await login.token(ignore) == "t000000002"


async def test_a_token_that_says_how_long_it_lasts_is_believed(
    clock: VirtualClock, exchange: Exchange
) -> None:
    short = jwt.encode({"iat": 1000, "exp": 1100}, SECRET)
    exchange.replies = [{"access_token": short}]
    login = auth(clock, exchange)
    await login.token(ignore)
    await clock.sleep(69)
    assert await login.token(ignore) == short
    await clock.sleep(1)
    assert await login.token(ignore) != short


@pytest.mark.parametrize(
    ("token", "seconds"),
    [
        ("opaque-token", 1500),
        (jwt.encode({"exp": 10}, SECRET), 1500),
        (jwt.encode({"iat": 0, "exp": 5}, SECRET), 1500),
        (jwt.encode({"iat": 0, "exp": 10**9}, SECRET), 1500),
        (jwt.encode({"iat": 0, "exp": 1700}, SECRET), 1700),
    ],
)
def test_the_life_of_a_token_is_a_hint(token: str, seconds: float) -> None:
    assert life(token) == seconds


async def test_each_login_has_an_id_of_its_own(clock: VirtualClock, exchange: Exchange) -> None:
    login = auth(clock, exchange)
    login.forget(await login.token(ignore))
    await login.token(ignore)
    first, second = exchange.posted
    assert first["jti"] != second["jti"]


async def test_forgetting_an_old_token_does_not_lose_the_new_one(
    clock: VirtualClock, exchange: Exchange
) -> None:
    login = auth(clock, exchange)
    old = await login.token(ignore)
    login.forget(old)
    new = await login.token(ignore)
    login.forget(old)
    assert await login.token(ignore) == new


async def test_a_refused_login_is_tried_again_for_ever_with_pauses_up_to_15_minutes(
    clock: VirtualClock, exchange: Exchange
) -> None:
    exchange.replies = [LoginRefused("no")] * 40
    pauses = []
    await auth(clock, exchange).token(lambda error, pause: pauses.append(pause))
    assert len(pauses) == 40
    assert 300 < max(pauses) <= 900


async def test_a_secret_in_a_file_is_read_again_for_each_login(
    clock: VirtualClock, exchange: Exchange, tmp_path: Path
) -> None:
    """A secret that was rotated heals by itself."""
    file = tmp_path / "secret"
    file.write_text("an old secret that the server does not know\n")
    secret = Secret(Resolver({}, tmp_path).resolve("${file:secret}"))
    login = auth(clock, exchange, secret)
    exchange.replies = [LoginRefused("no")]
    await login.token(lambda error, pause: file.write_text(f"{SECRET}\n") and None)
    jwt.decode(
        exchange.signed,
        SECRET,
        algorithms=["HS256"],
        options={"verify_exp": False, "verify_iat": False},
    )


async def test_a_secret_that_cannot_be_read_is_waited_for(
    clock: VirtualClock, exchange: Exchange, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET)
    secret = Secret(Resolver({}, tmp_path).resolve("${file:secret}"))
    file.unlink()
    said = []

    def failed(error: BaseException, pause: float) -> None:
        said.append(str(error))
        file.write_text(SECRET)

    await auth(clock, exchange, secret).token(failed)
    assert len(said) == 1
    assert said[0].startswith("app_secret cannot be read")


@pytest.mark.parametrize(
    "reply",
    [None, [], {}, {"access_token": 7}, {"access_token": ""}, {"access_token": "with\nline end"}],
)
async def test_a_reply_without_a_usable_token_is_no_login(
    clock: VirtualClock, exchange: Exchange, reply: Any
) -> None:
    exchange.replies = [reply]
    with pytest.raises(Retryable, match="no access token"):
        await auth(clock, exchange).token(ignore)


async def test_nothing_secret_stays_in_a_text(clock: VirtualClock, exchange: Exchange) -> None:
    login = auth(clock, exchange)
    token = await login.token(ignore)
    foreign = jwt.encode({"a": 1}, SECRET)
    text = login.hide(f"{SECRET} {exchange.signed} {token} {foreign} rest")
    assert text == "*** *** *** *** rest"


def test_advice_names_the_clock_when_it_is_wrong() -> None:
    assert "312 s behind" in advice("401", -312, "https://x")
    assert "312 s ahead of" in advice("401", 312, "https://x")
    assert "NTP" in advice("401", 312, "https://x")


def test_advice_names_everything_else_when_the_clock_is_right() -> None:
    text = advice("400: Bad Request", 3, "https://protectapi-au.cylance.com")
    for word in ("app_id", "app_secret", "tenant_id", "https://protectapi-au.cylance.com", "400"):
        assert word in text
    assert "NTP" not in text

"""Logging in: sign a JWT with the application's secret, exchange it for an access token, keep that.

Source: the Cylance User API guide, *Authentication*: HS256, `iss` is `http://cylance.com`, at most
1800 seconds from `iat` to `exp`, a fresh `jti` each time.
"""

from __future__ import annotations

import asyncio
import re
import uuid
import warnings
from collections.abc import Awaitable, Callable
from typing import Any, Final

import jwt

from bridge.clock import Clock
from bridge.config import Secret
from bridge.errors import BridgeError, Retryable
from bridge.retry import persist

PATH: Final = "/auth/v2/token"
JWT_SECONDS: Final = 1800
TOKEN_SECONDS: Final = 1500.0
"""How long a token is used whose life cannot be read; the server's own limit is not published."""
MARGIN_SECONDS: Final = 30.0
MAX_PAUSE_SECONDS: Final = 900.0
SKEW_SECONDS: Final = 60.0
"""From here on a wrong clock is named as the likely cause of a refused login."""

_USABLE = re.compile(r"[\x21-\x7e]{8,16384}")
_TOKEN = re.compile(r"[\w-]{8,}\.[\w-]{8,}\.[\w-]*")


class LoginRefused(BridgeError):
    """The API does not take our credentials; the sentence says what to look at."""


class Auth:
    """The access token of one application: made when needed, used until its end or a 401.

    `post(body)` sends the exchange and returns the decoded reply; it raises LoginRefused and
    Retryable.
    """

    def __init__(
        self,
        tenant_id: str,
        app_id: str,
        secret: Secret,
        clock: Clock,
        post: Callable[[dict[str, str]], Awaitable[Any]],
    ) -> None:
        self._tenant_id = tenant_id
        self._app_id = app_id
        self._secret = secret
        self._clock = clock
        self._post = post
        self._exchanging = asyncio.Lock()
        self._token = ""
        self._ends = float("-inf")
        self._hidden: set[str] = set()

    async def token(self, failed: Callable[[BaseException, float], None]) -> str:
        """The access token. A refused login is tried again for ever, with pauses up to 15 minutes;
        `failed(error, pause)` hears of each."""
        async with self._exchanging:
            if not self._token or self._clock.monotonic() >= self._ends:
                await persist(
                    self.exchange,
                    errors=(LoginRefused,),
                    clock=self._clock,
                    failed=failed,
                    max_seconds=MAX_PAUSE_SECONDS,
                )
            return self._token

    def forget(self, token: str) -> None:
        """The server does not take this token any more."""
        if token == self._token:
            self._token = ""

    async def exchange(self) -> None:
        """Log in once. Raises LoginRefused or Retryable."""
        signed = self._sign()
        reply = await self._post({"auth_token": signed})
        token = reply.get("access_token") if isinstance(reply, dict) else None
        if not isinstance(token, str) or not _USABLE.fullmatch(token):
            raise Retryable("the reply to the login holds no access token")
        self._hidden.add(token)
        self._token = token
        self._ends = self._clock.monotonic() + life(token) - MARGIN_SECONDS

    def hide(self, text: str) -> str:
        """The text without anything secret, for whatever a server writes into its errors."""
        for secret in self._hidden:
            text = text.replace(secret, "***")
        return _TOKEN.sub("***", text)

    def _sign(self) -> str:
        try:
            secret = self._secret.reveal().strip()
        except OSError as error:
            raise LoginRefused(f"app_secret cannot be read: {error}") from error
        issued = int(self._clock.now())
        claims = {
            "exp": issued + JWT_SECONDS,
            "iat": issued,
            "iss": "http://cylance.com",
            "sub": self._app_id,
            "tid": self._tenant_id,
            "jti": str(uuid.uuid4()),
        }
        with warnings.catch_warnings():
            # Of a secret that is too short the answer to the login tells more than a warning.
            warnings.simplefilter("ignore")
            signed = jwt.encode(claims, secret, algorithm="HS256")
        self._hidden = {secret, signed, self._token} - {""}
        return signed


def life(token: str) -> float:
    """How many seconds an access token lasts, by its own words where they can be read."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
        seconds = float(claims["exp"]) - float(claims["iat"])
    except (jwt.InvalidTokenError, KeyError, TypeError, ValueError):
        return TOKEN_SECONDS
    return seconds if 2 * MARGIN_SECONDS <= seconds <= 86_400 else TOKEN_SECONDS


def advice(said: str, skew: float, region: str) -> str:
    """What to do about a refused login; `skew` is how far our clock is ahead, in seconds."""
    if abs(skew) > SKEW_SECONDS:
        way = "ahead of" if skew > 0 else "behind"
        return (
            f"the login was refused ({said}): the clock of this machine is {abs(skew):.0f} s {way} "
            "the server's; set it right, for example with NTP"
        )
    return (
        f"the login was refused ({said}): check app_id, app_secret (shown only once: make a new "
        f"one when in doubt), tenant_id, and that the tenant lives in {region}"
    )

"""One request to the API at a time: the login before it, the judgement of the reply after it.

A reply counts only when status and content type are what the guide promises; everything else is
Retryable (the caller tries again and skips nothing), Denied (a right is missing) or LoginRefused.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

from bridge import http
from bridge.clock import Clock
from bridge.config import Secret
from bridge.errors import Denied, Retryable
from bridge.event import scrub
from bridge.inputs.cylance.auth import PATH, Auth, LoginRefused, advice
from bridge.inputs.cylance.gate import SECONDS_AFTER_FAILURE, Gate
from bridge.inputs.cylance.normalize import guid

MAX_REPLY_BYTES: Final = 64 * 1024 * 1024
RATE_LIMIT_SECONDS: Final = 60.0
"""How long a 429 without `Retry-After` makes a tenant wait."""
MAX_WAIT_SECONDS: Final = 3600.0
CREDENTIALS_SECONDS: Final = 60.0
MAX_WORDS: Final = 200
GOOD: Final = (200, 201)
LOGIN_REFUSED: Final = (400, 401, 403)


class Unfit(Retryable):
    """The API answered this request with a status that says no; `status` is that."""

    def __init__(self, status: int, reason: str, retry_after: float | None = None) -> None:
        self.status = status
        super().__init__(reason, retry_after)


@dataclass(frozen=True, slots=True)
class Access:
    """Where the API is, and with which application it is read."""

    base_url: str
    tenant_id: str
    app_id: str
    app_secret: Secret


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply, read to its end."""

    status: int
    content_type: str
    headers: Mapping[str, str]
    body: bytes


class Client:
    """The API of one tenant; `await aclose()` in the end."""

    def __init__(self, access: Access, options: http.HttpOptions, clock: Clock) -> None:
        self.host = httpx.URL(access.base_url).host
        self.skew = 0.0
        """How far our clock is ahead of the server's, in seconds."""
        self._access = access
        self._clock = clock
        self._seconds = options.timeout_seconds
        self._gate = Gate.of(access.base_url, guid(access.tenant_id))
        self._auth = Auth(access.tenant_id, access.app_id, access.app_secret, clock, self._exchange)
        self._http = http.client(options, base_url=access.base_url, connections=2)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def now(self) -> float:
        """The server's time or ours, whichever is earlier, in seconds since the epoch.

        Positions must never run ahead: what lies before them is not asked for any more.
        """
        return self._clock.now() - max(self.skew, 0.0)

    def hold(self, seconds: float = SECONDS_AFTER_FAILURE) -> None:
        """Let nobody ask this tenant anything for so long."""
        self._gate.hold(self._clock, seconds)

    async def login(self) -> None:
        """Log in once. Raises LoginRefused with advice, or Retryable."""
        await self._auth.exchange()

    async def logged_in(self, failed: Callable[[BaseException, float], None]) -> None:
        """Wait until there is an access token; see `get`."""
        await self._auth.token(failed)

    async def get(
        self,
        path: str,
        params: Mapping[str, str | int],
        scope: str,
        failed: Callable[[BaseException, float], None],
    ) -> Any:
        """The decoded JSON of one resource; `failed(error, pause)` hears of refused logins.

        Raises Denied that names `scope`, or Retryable; the latter is Unfit when it has a status.
        """
        for _ in range(2):
            token = await self._auth.token(failed)
            reply = await self._send("GET", path, params=params, token=token)
            if reply.status != 401:
                return self._judged(reply, path, scope)
            self._auth.forget(token)
        raise Retryable(
            f"{path}: a fresh access token is not taken (401: {self._words(reply)}): "
            "look at the application's rights and this machine's clock",
            CREDENTIALS_SECONDS,
        )

    async def _exchange(self, body: dict[str, str]) -> Any:
        reply = await self._send("POST", PATH, content=json.dumps(body).encode())
        if reply.status in LOGIN_REFUSED:
            said = f"{reply.status}: {self._words(reply)}"
            raise LoginRefused(advice(said, self.skew, self._access.base_url))
        return self._judged(reply, PATH, "")

    async def _send(
        self,
        method: str,
        path: str,
        *,
        token: str = "",
        params: Mapping[str, str | int] | None = None,
        content: bytes | None = None,
    ) -> Reply:
        headers = {"Accept": "application/json"}
        if content is not None:
            headers["Content-Type"] = "application/json; charset=utf-8"
        if token:
            headers["Authorization"] = f"Bearer {token}"
        request = self._http.build_request(
            method, path, params=params, headers=headers, content=content
        )
        async with self._gate.turn(self._clock):
            self.hold()
            try:
                async with asyncio.timeout(4 * self._seconds):
                    reply = await self._read(await self._http.send(request, stream=True))
            except httpx.HTTPError as error:
                raise Retryable(http.words(error)) from error
            except TimeoutError as error:
                raise Retryable(f"{self.host} did not finish its answer in time") from error
            if reply.status in GOOD:
                self._gate.release()
        self._look_at_the_clock(reply)
        return reply

    async def _read(self, response: httpx.Response) -> Reply:
        body = bytearray()
        try:
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > MAX_REPLY_BYTES:
                    raise httpx.DecodingError("the answer is too long", request=response.request)
        finally:
            await response.aclose()
        content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Reply(response.status_code, content_type, response.headers, bytes(body))

    def _look_at_the_clock(self, reply: Reply) -> None:
        try:
            date = parsedate_to_datetime(reply.headers.get("date", ""))
        except ValueError:
            return
        server = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
        self.skew = self._clock.now() - server

    def _judged(self, reply: Reply, path: str, scope: str) -> Any:
        """The decoded body of a good reply; raises what a bad one means."""
        if reply.status in GOOD:
            return self._decoded(reply, path)
        said = f"{path}: {reply.status}: {self._words(reply)}"
        if reply.status == 403:
            raise Denied(
                f"{said}: the application lacks the right {scope}: grant it in the console under "
                "Settings, Integrations, Custom Applications"
            )
        if reply.status == 429:
            wait = _wanted_wait(reply, self.now())
            self.hold(wait)
            raise Unfit(429, f"{path}: too many requests (429)", wait)
        if 300 <= reply.status < 400:
            said = f"{said}: it wants to send us elsewhere; look at region or base_url"
        raise Unfit(reply.status, said)

    def _decoded(self, reply: Reply, path: str) -> Any:
        try:
            if not reply.content_type.endswith("json"):
                raise ValueError(f"{reply.content_type or 'no type'} instead of JSON")
            return json.loads(reply.body)
        except (ValueError, RecursionError) as error:
            self.hold()
            reason = self._auth.hide(scrub(str(error)))[:MAX_WORDS]
            raise Retryable(f"{path}: the answer cannot be read: {reason}") from None

    def _words(self, reply: Reply) -> str:
        """What an error says for itself, without anything secret."""
        try:
            body = json.loads(reply.body)
            said = body.get("message") or body.get("error") or body.get("status")
        except (ValueError, RecursionError, AttributeError):
            said = None
        text = said if isinstance(said, str) else f"{reply.content_type or 'no'} answer"
        return self._auth.hide(" ".join(scrub(text).split()))[:MAX_WORDS]


def _wanted_wait(reply: Reply, now: float) -> float:
    """The seconds of `Retry-After`, in either of its forms."""
    wanted = reply.headers.get("retry-after", "").strip()
    try:
        date = None if wanted.isdigit() else parsedate_to_datetime(wanted)
        seconds = float(wanted) if date is None else date.timestamp() - now
    except (ValueError, OverflowError):
        seconds = RATE_LIMIT_SECONDS
    return min(max(seconds, 1.0), MAX_WAIT_SECONDS)

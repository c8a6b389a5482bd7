"""GELF over HTTP to Graylog's *GELF HTTP* input: confirmed by 2xx, which is less than it seems.

Graylog answers 202 as soon as it has read a request, before it hands the event over
(`org.graylog2.inputs.transports.netty.HttpHandler`), so a Graylog that is killed takes answered
events with it. Hence the hold-back here, too: while something is held back and no request is due,
empty ones ask whether the input is still there.
"""

from __future__ import annotations

import asyncio
import email.utils
from collections.abc import Iterator
from typing import Annotated, ClassVar, Final

import httpx
from pydantic import AfterValidator, Field

from bridge import gelf, http
from bridge.config import ByteSize, Secret
from bridge.errors import BridgeError, Rejected, Retryable
from bridge.http import HttpOptions
from bridge.inputs import Context
from bridge.net.certificates import described
from bridge.outputs import Batch, Output, OutputConfig

BUSY: Final = frozenset({408, 425, 429})
MISDIRECTED: Final = frozenset({401, 403, 404, 405, 407, 426})
"""Statuses that are about the way of the request, not about the message in it."""
GATEWAY: Final = frozenset({502, 503, 504})
"""What a proxy answers when there is no Graylog behind it any more."""
TOO_LARGE: Final = 413
MAX_PAUSE_SECONDS: Final = 300.0


def _url(value: str) -> str:
    try:
        url = httpx.URL(value)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host or url.query or url.userinfo:
        raise ValueError("must be a URL, such as https://graylog.example.org:12202/gelf")
    return str(url.copy_with(path="/gelf") if url.path == "/" else url)


class GelfHttpConfig(OutputConfig, HttpOptions):
    """Send to a GELF HTTP input of Graylog; each answer confirms what it is for."""

    url: Annotated[str, AfterValidator(_url)] = Field(
        examples=["https://graylog.example.org:12202/gelf"]
    )
    """URL of a GELF HTTP input; the path is `/gelf` if none is given. A proxy in front of it must
    not try again by itself (HAProxy: `retries 0`), or it hides that Graylog was away."""
    headers: dict[str, Secret] = {}
    """Headers of every request, such as the one that the input asks for."""
    bulk: bool = False
    """Many events a request: only if *Enable Bulk Receiving* is on at the input. Without it each
    event is a request of its own, of which a processor core makes about a thousand a second."""
    max_body_bytes: ByteSize = Field(default=65_536, ge=4096)
    """What the input takes at most in one request, unpacked; longer events are trimmed."""
    connections: int = Field(default=8, ge=1, le=1000)
    """How many requests may be under way at once."""
    hold_back_seconds: float = Field(default=2.0, ge=0)
    """How long confirmed events are kept, to send them again if Graylog goes down meanwhile."""


class GelfHttp(Output):
    """Requests over kept-alive connections, several at once."""

    Config: ClassVar[type[OutputConfig]] = GelfHttpConfig
    config: GelfHttpConfig
    window_bytes = 1024 * 1024
    _client: httpx.AsyncClient | None = None
    _watching: asyncio.Task[None] | None = None

    def __init__(self, config: GelfHttpConfig, context: Context) -> None:
        super().__init__(config, context)
        self.hold_back_seconds = config.hold_back_seconds
        self._room = asyncio.Semaphore(config.connections)
        self._broken: asyncio.Future[str]
        self._asked_at = self._confirmed_at = float("-inf")

    async def connect(self) -> None:
        """Make a client and see that there is a server; raises `Retryable`."""
        self._broken = asyncio.get_running_loop().create_future()
        self._client = self._make()
        await self._ask(self._client)
        if self.hold_back_seconds:
            self._watching = asyncio.ensure_future(self._watch(self._client))

    async def send(self, batch: Batch) -> None:
        """Return when every event was answered by 2xx; raises `Retryable` or `Rejected`."""
        messages = [self._fitting(message) for message in batch.messages()]
        posts = [
            asyncio.ensure_future(self._deliver(messages, places))
            for places in self._packed(messages)
        ]
        try:
            refused = [one for some in await asyncio.gather(*posts) for one in some]
        finally:
            for post in posts:
                post.cancel()
        if refused:
            reasons = "; ".join(sorted({error.reason for error in refused}))
            raise Rejected([place for error in refused for place in error.indexes], reasons)

    async def broken(self) -> str:
        """Return when the server has gone away: what it answered last is in doubt."""
        return await asyncio.shield(self._broken)

    async def alive(self) -> None:
        """Return when the server has answered a request for nothing; raises `Retryable`."""
        if self._client is None:
            raise Retryable("not connected")
        await self._ask(self._client)

    async def close(self) -> None:
        """Let go of all connections."""
        client, self._client = self._client, None
        if self._watching:
            self._watching.cancel()
            self._watching = None
        if client:
            await client.aclose()

    async def check(self) -> str | None:
        """See that there is a GELF HTTP input at the URL."""
        async with self._make() as client:
            answer = await self._ask(client)
            tls = answer.extensions["network_stream"].get_extra_info("ssl_object")
            words = described(tls) if tls else None
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise BridgeError(f"{self.config.url}: there is no GELF HTTP input at this path")
        return words

    # Requests

    def _make(self) -> httpx.AsyncClient:
        headers = {name: value.reveal() for name, value in self.config.headers.items()}
        headers["Content-Type"] = "application/json"
        try:
            return http.client(self.config, headers=headers, connections=self.config.connections)
        except BridgeError as error:
            raise Retryable(str(error)) from error

    async def _deliver(self, messages: list[bytes], places: range) -> list[Rejected]:
        """Post the messages at these places; what the server will never take is returned."""
        body = b"".join(messages[place] + b"\n" for place in places)
        async with self._room:
            answer = await self._post(body)
        try:
            judge(answer)
        except Rejected as rejected:
            if answer.status_code != TOO_LARGE or len(places) == 1:
                return [Rejected(places, f"{self.config.url} {rejected.reason}")]
            middle = len(places) // 2
            first = await self._deliver(messages, places[:middle])
            return first + await self._deliver(messages, places[middle:])
        except Retryable as error:
            reason = f"{self.config.url} {error.reason}"
            if answer.status_code in GATEWAY:
                self._break(reason)
            raise Retryable(reason, error.retry_after) from None
        self._confirmed_at = self.context.clock.monotonic()
        return []

    async def _post(self, body: bytes) -> httpx.Response:
        if self._client is None:
            raise Retryable("not connected")
        self._asked_at = self.context.clock.monotonic()
        try:
            return await self._client.post(self.config.url, content=body)
        except httpx.TransportError as error:
            self._break(http.words(error))
            raise Retryable(http.words(error)) from error

    async def _ask(self, client: httpx.AsyncClient) -> httpx.Response:
        """The answer to a request for nothing; raises `Retryable`."""
        self._asked_at = self.context.clock.monotonic()
        try:
            answer = await client.options(self.config.url)
        except httpx.TransportError as error:
            raise Retryable(http.words(error)) from error
        if answer.status_code in GATEWAY:
            raise Retryable(f"{self.config.url} answered {answer.status_code}")
        return answer

    async def _watch(self, client: httpx.AsyncClient) -> None:
        """While confirmed events are held back, see that the server is still there."""
        clock, pause = self.context.clock, self.hold_back_seconds / 4
        while not self._broken.done():
            await clock.sleep(pause)
            now = clock.monotonic()
            if now - self._confirmed_at <= self.hold_back_seconds and now - self._asked_at >= pause:
                try:
                    await self._ask(client)
                except Retryable as error:
                    self._break(error.reason)

    def _break(self, reason: str) -> None:
        if not self._broken.done():
            self._broken.set_result(reason)

    # Bodies

    def _fitting(self, message: bytes) -> bytes:
        fitting = gelf.trim(message, self.config.max_body_bytes - 1)
        if fitting is not message:
            self.context.count("trimmed")
        return fitting

    def _packed(self, messages: list[bytes]) -> Iterator[range]:
        """The places of messages that share a body."""
        start = size = 0
        for place, message in enumerate(messages):
            full = size + len(message) + 1 > self.config.max_body_bytes
            if place > start and (full or not self.config.bulk):
                yield range(start, place)
                start, size = place, 0
            size += len(message) + 1
        yield range(start, len(messages))


def judge(answer: httpx.Response) -> None:
    """Return when the server has taken it; raises `Retryable` or `Rejected` with its words."""
    status = answer.status_code
    if answer.is_success:
        return
    said = " ".join(answer.text[:200].split())
    reason = f"answered {status} {answer.reason_phrase}" + (f": {said}" if said else "")
    if status in MISDIRECTED:
        raise Retryable(f"{reason} (check url, headers and proxy)")
    if status in BUSY or status < 400 or status >= 500:
        raise Retryable(reason, retry_after(answer))
    raise Rejected((), reason)


def retry_after(answer: httpx.Response) -> float | None:
    """The pause in seconds that the server wishes (RFC 9110, 10.2.3), at most five minutes."""
    value = answer.headers.get("retry-after", "")
    try:
        if value.isdecimal():
            seconds = float(value)
        else:
            at = email.utils.parsedate_to_datetime(value)
            now = email.utils.parsedate_to_datetime(answer.headers["date"])
            seconds = (at - now).total_seconds()
    except (KeyError, ValueError, TypeError):
        return None
    return min(max(seconds, 0.0), MAX_PAUSE_SECONDS)

"""GELF over HTTP: 2xx confirms, the rest is repeated, split or buried."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Self

import httpx
import orjson
import pytest
from pydantic import ValidationError

from bridge import gelf
from bridge.config import Address
from bridge.errors import BridgeError, Rejected, Retryable
from bridge.httpd import Abort, HttpServer, Request, Response
from bridge.outputs.gelf_http import GelfHttp, retry_after
from bridge.testing import FakeGraylog
from tests.outputs.running import Authority, Host, batch, document, numbers


@contextlib.asynccontextmanager
async def connected(host: Host, port: int, **options: Any) -> AsyncIterator[GelfHttp]:
    settings = {"type": "gelf_http", "url": f"http://127.0.0.1:{port}/gelf", **options}
    sender = GelfHttp(GelfHttp.Config.model_validate(settings), host.context())
    await sender.connect()
    try:
        yield sender
    finally:
        await sender.close()


class Server:
    """Answers each POST by what `answer` says, and keeps the requests."""

    def __init__(self, answer: Callable[[Request], Response]) -> None:
        self.requests: list[Request] = []
        self.asked = 200
        """The status that a request for nothing gets."""
        self._answer = answer

    async def _handle(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(self.asked)
        self.requests.append(request)
        return self._answer(request)

    async def __aenter__(self) -> Self:
        self._server = HttpServer(self._handle)
        await self._server.listen(Address("127.0.0.1", 0))
        self.port = self._server.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.close()


async def test_every_event_is_one_request_and_arrives(host: Host) -> None:
    async with FakeGraylog() as graylog, connected(host, graylog.http_port) as sender:
        await sender.send(batch(1, 20))
        assert sorted(numbers(graylog.documents)) == list(range(1, 21))


async def test_in_bulk_many_events_share_a_request(host: Host) -> None:
    async with (
        Server(lambda request: Response(202)) as server,
        connected(host, server.port, bulk=True) as sender,
    ):
        await sender.send(batch(1, 500, 700))
    bodies = [request.body for request in server.requests]
    assert len(bodies) == 6
    assert all(body.endswith(b"\n") and len(body) <= 65_536 for body in bodies)
    lines = b"".join(bodies).splitlines()
    assert sorted(numbers(lines)) == list(range(1, 501))


async def test_a_bulk_input_takes_them_all(host: Host) -> None:
    async with (
        FakeGraylog(bulk=True) as graylog,
        connected(host, graylog.http_port, bulk=True) as sender,
    ):
        await sender.send(batch(1, 300))
        assert sorted(numbers(graylog.documents)) == list(range(1, 301))


async def test_every_body_ends_with_a_newline(host: Host) -> None:
    """Without it an input in bulk mode holds the last event back until the connection closes."""
    async with (
        Server(lambda request: Response(202)) as server,
        connected(host, server.port) as sender,
    ):
        await sender.send(batch(1, 1))
    assert server.requests[0].body == document(1) + b"\n"


async def test_headers_are_sent(host: Host) -> None:
    async with Server(lambda request: Response(202)) as server:
        headers = {"Authorization": "Bearer letmein"}
        async with connected(host, server.port, headers=headers) as sender:
            await sender.send(batch(1, 1))
            assert "letmein" not in repr(sender.config)
    assert server.requests[0].headers["authorization"] == "Bearer letmein"


async def test_over_tls(host: Host, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with FakeGraylog(tls=authority.server()) as graylog:
        url = f"https://127.0.0.1:{graylog.http_port}"
        tls = {"authorities": authority.file}
        config = GelfHttp.Config.model_validate({"type": "gelf_http", "url": url, "tls": tls})
        words = await GelfHttp(config, host.context()).check()
        assert str(words).startswith("TLSv1.3, certificate valid for ")
        async with connected(host, 0, url=url, tls=tls) as sender:
            await sender.send(batch(1, 2))
        assert sorted(numbers(graylog.documents)) == [1, 2]


async def test_a_long_event_is_trimmed_to_the_limit_of_the_input(host: Host) -> None:
    async with FakeGraylog() as graylog, connected(host, graylog.http_port) as sender:
        await sender.send(batch(1, 1, 100_000))
        (kept,) = graylog.documents
        assert len(kept) <= 65_536
        assert orjson.loads(kept)[gelf.TRIMMED]
        assert host.counts == {"trimmed": 1}


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 301])
async def test_what_may_pass_is_tried_again(host: Host, status: int) -> None:
    async with (
        Server(lambda request: Response(status, b"not now")) as server,
        connected(host, server.port) as sender,
    ):
        with pytest.raises(Retryable, match=f"answered {status} .*: not now"):
            await sender.send(batch(1, 3))


@pytest.mark.parametrize("status", [401, 403, 404, 405, 407])
async def test_what_is_wrong_with_the_way_is_not_the_fault_of_an_event(
    host: Host, status: int
) -> None:
    async with (
        Server(lambda request: Response(status)) as server,
        connected(host, server.port) as sender,
    ):
        with pytest.raises(Retryable, match="check url, headers and proxy"):
            await sender.send(batch(1, 1))


async def test_the_servers_wish_for_a_pause_is_heard(host: Host) -> None:
    answer = Response(429, headers={"Retry-After": "7"})
    async with Server(lambda request: answer) as server, connected(host, server.port) as sender:
        with pytest.raises(Retryable) as caught:
            await sender.send(batch(1, 1))
    assert caught.value.retry_after == 7


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("86400", 300),
        ("Sat, 01 Jan 2022 00:00:30 GMT", 30),
        ("Fri, 31 Dec 2021 00:00:00 GMT", 0),
        ("soon", None),
        ("-3", None),
    ],
)
def test_a_pause_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    headers = {"Retry-After": value, "Date": "Sat, 01 Jan 2022 00:00:00 GMT"}
    assert retry_after(httpx.Response(429, headers=headers)) == seconds


async def test_what_is_refused_is_rejected_and_the_others_stand(host: Host) -> None:
    def answer(request: Request) -> Response:
        return Response(400, b"odd") if request.json()["_n"] == 2 else Response(202)

    async with Server(answer) as server, connected(host, server.port) as sender:
        with pytest.raises(Rejected, match="answered 400 Bad Request: odd") as caught:
            await sender.send(batch(1, 3))
    assert list(caught.value.indexes) == [1]
    assert len(server.requests) == 3


async def test_a_body_that_is_too_large_is_split_until_the_culprit_is_alone(host: Host) -> None:
    def answer(request: Request) -> Response:
        return Response(413 if len(request.body) > 2000 else 202)

    row = batch(1, 8, 500)
    documents = [*row.messages(), document(9, 3000)]
    row = type(row)(9, "in", 9, b"\0".join(documents))
    taken: list[int] = []
    async with Server(answer) as server, connected(host, server.port, bulk=True) as sender:
        with pytest.raises(Rejected, match="413") as caught:
            await sender.send(row)
    assert list(caught.value.indexes) == [8]
    for request in server.requests:
        if len(request.body) <= 2000:
            taken += numbers(request.body.splitlines())
    assert sorted(taken) == [1, 2, 3, 4, 5, 6, 7, 8]


async def test_a_server_that_goes_away_leaves_what_it_answered_in_doubt(host: Host) -> None:
    async with FakeGraylog() as graylog, connected(host, graylog.http_port) as sender:
        await sender.send(batch(1, 1))
        await graylog.kill()
        with pytest.raises(Retryable, match=r"127\.0\.0\.1"):
            await sender.send(batch(2, 2))
        async with asyncio.timeout(1):
            assert "127.0.0.1" in await sender.broken()


async def test_a_server_that_goes_away_is_noticed_without_a_request(host: Host) -> None:
    async with (
        FakeGraylog() as graylog,
        connected(host, graylog.http_port, hold_back_seconds=0.4) as sender,
    ):
        await sender.send(batch(1, 1))
        await graylog.kill()
        async with asyncio.timeout(2):
            assert "refused" in await sender.broken()


async def test_a_proxy_without_a_server_behind_it_leaves_it_in_doubt(host: Host) -> None:
    async with (
        Server(lambda request: Response(503)) as server,
        connected(host, server.port) as sender,
    ):
        with pytest.raises(Retryable):
            await sender.send(batch(1, 1))
        async with asyncio.timeout(1):
            assert "503" in await sender.broken()


async def test_a_proxy_s_own_answer_is_no_sign_of_life(host: Host) -> None:
    async with (
        Server(lambda request: Response(202)) as server,
        connected(host, server.port) as sender,
    ):
        await sender.alive()
        server.asked = 502
        with pytest.raises(Retryable, match="502"):
            await sender.alive()


async def test_a_cut_connection_is_retryable(host: Host) -> None:
    def answer(request: Request) -> Response:
        raise Abort

    async with Server(answer) as server, connected(host, server.port) as sender:
        with pytest.raises(Retryable, match=r"127\.0\.0\.1"):
            await sender.send(batch(1, 5))


async def test_a_server_that_does_not_answer_is_retryable(host: Host) -> None:
    async with (
        FakeGraylog() as graylog,
        connected(host, graylog.http_port, timeout_seconds=0.2, hold_back_seconds=0) as sender,
    ):
        graylog.pause()
        with pytest.raises(Retryable, match="did not answer in time"):
            await sender.send(batch(1, 2))


async def test_a_destination_that_is_away_is_retryable_and_named(host: Host) -> None:
    async with FakeGraylog() as graylog:
        port = graylog.http_port
    with pytest.raises(
        Retryable, match=rf"cannot connect to http://127\.0\.0\.1:{port}: .*refused"
    ):
        async with connected(host, port):
            pass


async def test_no_more_requests_run_at_once_than_is_said(host: Host) -> None:
    running = most = 0

    async def handle(request: Request) -> Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return Response(202)

    server = HttpServer(handle)
    await server.listen(Address("127.0.0.1", 0))
    async with connected(host, server.addresses[0][1], connections=3) as sender:
        await sender.send(batch(1, 20))
    await server.close()
    assert most == 3


async def test_check_finds_a_wrong_path(host: Host) -> None:
    async def handle(request: Request) -> Response:
        return Response(200 if request.path == "/gelf" else 404)

    server = HttpServer(handle)
    await server.listen(Address("127.0.0.1", 0))
    url = f"http://127.0.0.1:{server.addresses[0][1]}"
    for path, is_right in (("", True), ("/", True), ("/gelf", True), ("/api", False)):
        config = GelfHttp.Config.model_validate({"type": "gelf_http", "url": url + path})
        sender = GelfHttp(config, host.context())
        with contextlib.nullcontext() if is_right else pytest.raises(BridgeError, match="no GELF"):
            await sender.check()
    await server.close()


@pytest.mark.parametrize(
    "url", ["graylog.example.org", "ftp://graylog.example.org", "https://me:pw@graylog.example.org"]
)
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="must be a URL"):
        GelfHttp.Config.model_validate({"type": "gelf_http", "url": url})

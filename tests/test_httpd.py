"""The small HTTP server, over real sockets."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from bridge.config import Address
from bridge.errors import BridgeError
from bridge.httpd import Abort, HttpServer, Limits, Refusal, Request, Response, as_json

LOOPBACK = Address("127.0.0.1", 0)


class Api:
    """A handler with a behaviour for each path."""

    def __init__(self) -> None:
        self.streaming = asyncio.Event()
        self.stream_ended = asyncio.Event()

    async def __call__(self, request: Request) -> Response:
        match request.path:
            case "/echo":
                return as_json(
                    {
                        "method": request.method,
                        "query": request.query,
                        "body": request.body.decode(),
                        "peer": request.peer,
                        "double": request.headers.get("x-double"),
                    }
                )
            case "/json":
                return as_json(request.json(), 201, {"X-Own": "yes"})
            case "/endless":
                return Response(body=self.endless())
            case "/pieces":
                return Response(body=pieces(b"one ", b"", b"two"))
            case "/short":
                return Response(body=pieces(b"12345"), headers={"Content-Length": "5"})
            case "/cut":
                return Response(body=cut(), headers={"Content-Length": "100"})
            case "/abort":
                raise Abort
            case "/bug":
                raise RuntimeError("a bug in the handler")
        raise Refusal(404, "there is nothing here")

    async def endless(self) -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"tick\n"
                self.streaming.set()
                await asyncio.sleep(0.01)
        finally:
            self.stream_ended.set()


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def cut() -> AsyncIterator[bytes]:
    yield b"only this"
    raise Abort


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
async def server(api: Api) -> AsyncIterator[HttpServer]:
    server = HttpServer(
        api, Limits(body_bytes=1000, connections=8, request_seconds=0.3, idle_seconds=0.5)
    )
    await server.listen(LOOPBACK)
    yield server
    await server.close()


@pytest.fixture
async def client(server: HttpServer) -> AsyncIterator[httpx.AsyncClient]:
    base = f"http://127.0.0.1:{server.addresses[0][1]}"
    async with httpx.AsyncClient(base_url=base, trust_env=False) as client:
        yield client


async def talk(server: HttpServer, sent: bytes) -> bytes:
    """Everything that the server answers to these bytes until it closes."""
    reader, writer = await asyncio.open_connection(*server.addresses[0])
    writer.write(sent)
    try:
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


async def test_a_request_arrives_whole(client: httpx.AsyncClient) -> None:
    answer = await client.put("/echo?a=1&b=%C3%A4&a=2", content="häh", headers={"X-Double": "1"})
    assert answer.json() == {
        "method": "PUT",
        "query": {"a": "2", "b": "ä"},
        "body": "häh",
        "peer": "127.0.0.1",
        "double": "1",
    }
    assert answer.headers["content-type"] == "application/json"
    assert "date" in answer.headers


async def test_a_connection_serves_many_requests(client: httpx.AsyncClient) -> None:
    for number in range(5):
        answer = await client.get("/echo", params={"number": number})
        assert answer.json()["query"] == {"number": str(number)}


async def test_requests_may_be_sent_ahead_of_the_answers(server: HttpServer) -> None:
    one = b"GET /pieces HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /pieces HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answered = await talk(server, one + one + last)
    assert answered.count(b"HTTP/1.1 200") == 3


async def test_a_body_in_pieces_is_put_together(client: httpx.AsyncClient) -> None:
    answer = await client.post("/json", content=pieces(b'{"a":', b"[1,2]}"))
    assert (answer.status_code, answer.json()) == (201, {"a": [1, 2]})
    assert answer.headers["x-own"] == "yes"


async def test_an_answer_in_pieces_is_streamed(client: httpx.AsyncClient) -> None:
    assert (await client.get("/pieces")).text == "one two"
    assert (await client.get("/short")).text == "12345"


async def test_head_has_no_body(client: httpx.AsyncClient) -> None:
    assert (await client.head("/echo")).content == b""
    assert (await client.get("/echo")).status_code == 200


async def test_a_client_that_waits_for_100_continue_is_told_to_go_on(server: HttpServer) -> None:
    reader, writer = await asyncio.open_connection(*server.addresses[0])
    writer.write(
        b"POST /json HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    )
    assert (await reader.readline()).startswith(b"HTTP/1.1 100")
    await reader.readline()
    writer.write(b"{}")
    assert (await reader.readline()).startswith(b"HTTP/1.1 201")
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    ("path", "body", "status", "text"),
    [
        ("/nowhere", b"", 404, "there is nothing here\n"),
        ("/json", b"{", 400, "the body is not JSON\n"),
        ("/json", b"x" * 1001, 413, "a body may have 1000 bytes\n"),
        ("/echo?" + "&".join(["a=1"] * 101), b"", 400, "a query may have 100 fields\n"),
    ],
)
async def test_a_refusal_is_a_status_and_a_sentence(
    client: httpx.AsyncClient, path: str, body: bytes, status: int, text: str
) -> None:
    answer = await client.post(path, content=body)
    assert (answer.status_code, answer.text) == (status, text)


async def test_a_body_beyond_the_bound_is_not_read(server: HttpServer) -> None:
    """The answer arrives although the client is still sending."""
    head = b"POST /json HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n"
    answered = await talk(server, head + b"x" * 200_000)
    assert answered.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in answered.lower()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 40_000, b"431"),
        (b"NONSENSE\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"GET /echo HTTP/1.1\r\nHost: x\r\nX-Slow", b"408"),
        (b"POST /json HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n{", b"408"),
    ],
)
async def test_what_is_no_request_is_answered_and_ended(
    server: HttpServer, sent: bytes, status: bytes
) -> None:
    assert (await talk(server, sent)).startswith(b"HTTP/1.1 " + status)


async def test_an_idle_connection_is_closed(server: HttpServer) -> None:
    assert await talk(server, b"") == b""


async def test_connections_beyond_the_bound_are_turned_away(server: HttpServer) -> None:
    opened = [await asyncio.open_connection(*server.addresses[0]) for _ in range(8)]
    assert (await talk(server, b"")).startswith(b"HTTP/1.1 503")
    for _, writer in opened:
        writer.close()
        await writer.wait_closed()


async def test_a_stream_ends_when_the_client_goes_away(client: httpx.AsyncClient, api: Api) -> None:
    async with client.stream("GET", "/endless") as answer:
        async for piece in answer.aiter_bytes():
            assert piece.startswith(b"tick")
            break
    async with asyncio.timeout(5):
        await api.stream_ended.wait()


async def test_closing_the_server_ends_streams(
    server: HttpServer, client: httpx.AsyncClient, api: Api
) -> None:
    async with client.stream("GET", "/endless") as answer:
        await api.streaming.wait()
        await server.close()
        with pytest.raises(httpx.RemoteProtocolError):
            await answer.aread()
    assert api.stream_ended.is_set()
    await server.close()


@pytest.mark.parametrize("path", ["/abort", "/cut"])
async def test_a_handler_can_cut_the_connection(client: httpx.AsyncClient, path: str) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get(path)


async def test_a_bug_in_a_handler_costs_one_connection(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get("/bug")
    assert "a bug in the handler" in caplog.text
    assert (await client.get("/echo")).status_code == 200


async def test_a_unix_socket_belongs_to_its_owner_and_replaces_a_stale_one(
    api: Api, tmp_path: Path
) -> None:
    path = tmp_path / "admin.sock"
    stale = HttpServer(api)
    await stale.listen_unix(path)
    server = HttpServer(api)
    await server.listen_unix(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    transport = httpx.AsyncHTTPTransport(uds=str(path))
    async with httpx.AsyncClient(transport=transport, base_url="http://bridge") as client:
        assert (await client.get("/echo")).json()["peer"] == "local"
    await server.close()
    await stale.close()
    assert not path.exists()


async def test_a_socket_that_cannot_be_bound_is_explained(api: Api, tmp_path: Path) -> None:
    server = HttpServer(api)
    with pytest.raises(BridgeError, match="too long for a unix socket"):
        await server.listen_unix(tmp_path / ("x" * 200))
    with pytest.raises(BridgeError, match="choose another directory"):
        await server.listen_unix(tmp_path / "nowhere" / "admin.sock")
    await server.close()

"""Who may ask the admin server what: the socket, the address, names and the token."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import httpx
import pytest

from bridge.testing import FakeGraylog
from tests.bridges import CONFIG, Bridge, running

TOKEN = "0123456789abcdef"
OPEN = ["/healthz", "/readyz", "/status", "/history", "/metrics"]


def config(**options: object) -> str:
    more = "".join(f", {name}: {value}" for name, value in options.items())
    return CONFIG % 1 + f'admin: {{address: "127.0.0.1:0"{more}}}\n'


def client(bridge: Bridge, **headers: str) -> httpx.AsyncClient:
    host, port = bridge.service.admin.addresses[0]
    return httpx.AsyncClient(base_url=f"http://{host}:{port}", headers=headers, trust_env=False)


async def test_the_socket_is_for_its_owner_alone(tmp_path: Path) -> None:
    async with running(tmp_path, CONFIG % 1):
        socket = tmp_path / "spool" / "admin.sock"
        assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    assert not socket.exists()


async def test_without_an_address_there_is_only_the_socket(tmp_path: Path) -> None:
    async with running(tmp_path, CONFIG % 1) as bridge:
        assert bridge.service.admin.addresses == []


@pytest.mark.parametrize("path", OPEN)
async def test_health_and_counts_are_open(tmp_path: Path, path: str) -> None:
    async with running(tmp_path, config()) as bridge, client(bridge) as http:
        answer = await http.get(path)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_events_and_changes_need_a_token_that_is_configured(tmp_path: Path) -> None:
    async with running(tmp_path, config()) as bridge, client(bridge) as http:
        assert (await http.get("/tap")).status_code == 403
        answer = await http.post("/reload", headers={"Authorization": "Bearer"})
        assert (answer.status_code, "needs admin.token" in answer.text) == (403, True)
        assert bridge.service.reloads.count == 0


@pytest.mark.parametrize("given", [None, "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x"])
async def test_a_wrong_token_opens_nothing(tmp_path: Path, given: str | None) -> None:
    async with running(tmp_path, config(token=f'"{TOKEN}"')) as bridge, client(bridge) as http:
        headers = {"Authorization": given} if given else {}
        answer = await http.post("/reload", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert bridge.service.reloads.count == 0


async def test_the_right_token_opens_everything(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    async with running(tmp_path, config(token=f'"${{file:{token}}}"')) as bridge:
        async with client(bridge, Authorization=f"Bearer {TOKEN}") as http:
            assert (await http.post("/reload")).json()["problems"] == []
        token.write_text("another token altogether\n")
        async with client(bridge, Authorization=f"Bearer {TOKEN}") as http:
            assert (await http.post("/reload")).status_code == 401, "it was rotated"
        async with client(bridge, Authorization="Bearer another token altogether") as http:
            assert (await http.post("/reload")).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:1", 200),
        ("[::1]:9100", 200),
        ("192.0.2.7", 200),
        ("localhost:9100", 200),
        ("bridge.example.org", 200),
        ("evil.example.org", 421),
        ("", 421),
        ("[evil", 421),
    ],
)
async def test_a_foreign_name_is_not_served(tmp_path: Path, host: str, status: int) -> None:
    """Otherwise a web page could make a browser read the answers, by DNS rebinding."""
    text = config(hosts="[bridge.example.org]")
    async with running(tmp_path, text) as bridge, client(bridge) as http:
        assert (await http.get("/status", headers={"Host": host})).status_code == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://localhost:9100", 200), ("http://evil.example.org", 403), ("null", 403)],
)
async def test_another_site_may_not_ask(tmp_path: Path, origin: str, status: int) -> None:
    async with running(tmp_path, config()) as bridge, client(bridge) as http:
        headers = {"Host": "localhost:9100", "Origin": origin}
        assert (await http.get("/status", headers=headers)).status_code == status


async def test_unknown_paths_and_methods_are_told_apart(tmp_path: Path) -> None:
    async with running(tmp_path, config()) as bridge, client(bridge) as http:
        assert (await http.get("/nothing")).status_code == 404
        assert (await http.post("/status")).status_code == 405
        assert (await http.head("/healthz")).status_code == 200


async def test_an_address_in_use_stops_no_events(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with FakeGraylog() as graylog:
        text = CONFIG % graylog.port + f'admin: {{address: "127.0.0.1:{graylog.port}"}}\n'
        async with running(tmp_path, text) as bridge:
            assert bridge.service.admin.addresses == []
            await bridge.until("graylog")
    assert "another program listens there" in caplog.text


async def test_it_answers_until_the_very_end(tmp_path: Path) -> None:
    """While the bridge drains, one can see what it waits for."""
    stalled = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await stalled.wait()
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    text = CONFIG % server.sockets[0].getsockname()[1] + "stop_timeout_seconds: 1\n"
    async with running(tmp_path, text) as bridge:
        await bridge.until("graylog")
        await bridge.send("CEF:0|a|b|c|d|e|5|")
        await bridge.accepted(1)
        bridge.service.stop()
        await asyncio.sleep(0.1)
        status = await bridge.ask("/status")
    stalled.set()
    server.close()
    await server.wait_closed()
    [own] = [one for one in status["components"] if one["id"] == "malops"]  # type: ignore[attr-defined]
    assert own["state"] == "stopped"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "evil.example.org"}, 421),
        ({"Host": "localhost:8080", "Origin": "http://evil.example.org"}, 403),
        ({"Host": "localhost:8080", "Origin": "http://localhost:8080"}, 200),
    ],
)
async def test_a_forwarded_socket_is_not_open_to_every_web_page(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    """`ssh -L 8080:…/admin.sock` shows the page to a browser, which other sites share."""
    async with running(tmp_path, CONFIG % 1) as bridge:
        transport = httpx.AsyncHTTPTransport(uds=str(bridge.client.path))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            assert (await http.post("/reload", headers=headers)).status_code == status

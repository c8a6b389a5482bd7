"""HTTP clients: own authorities, proxies, and failures told in words."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import trustme
from pydantic import ValidationError

from bridge.http import HttpOptions, client, words
from bridge.net.client_tls import ClientTls

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


@contextlib.asynccontextmanager
async def server(
    answer: bytes | None = ANSWER, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """The port of a server that gives every request the same answer (None: no answer until the
    client goes), and the requests it saw."""
    seen: list[bytes] = []
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            seen.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(await reader.read() if answer is None else answer)
            writer.close()
            await writer.wait_closed()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls) as running:
        yield running.sockets[0].getsockname()[1], seen
        await asyncio.gather(*serving)


def authority_and_context(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    file = folder / "authority.pem"
    authority.cert_pem.write_to_path(file)
    return file, context


async def failure(url: str, options: HttpOptions) -> str:
    async with client(options) as http:
        with pytest.raises(httpx.HTTPError) as caught:
            await http.get(url)
    return words(caught.value)


async def test_requests_say_who_asks() -> None:
    async with server() as (port, seen), client(HttpOptions()) as http:
        answer = await http.get(f"http://127.0.0.1:{port}/")
    assert answer.text == "hi"
    assert b"User-Agent: gelf-bridge/" in seen[0]


async def test_a_proxy_gets_the_request_with_its_own_credentials() -> None:
    async with server() as (port, seen):
        options = HttpOptions.model_validate({"proxy": f"http://me:secret@127.0.0.1:{port}"})
        async with client(options) as http:
            await http.get("http://graylog.example.org/api")
    assert seen[0].startswith(b"GET http://graylog.example.org/api HTTP/1.1")
    assert b"Proxy-Authorization: Basic " in seen[0]
    assert "secret" not in repr(options)


async def test_the_environment_names_a_proxy_unless_the_options_say_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with server() as (port, seen), server() as (proxy, seen_by_proxy):
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        for options in (HttpOptions(), HttpOptions.model_validate({"proxy": "none"})):
            async with client(options) as http:
                await http.get(f"http://127.0.0.1:{port}/")
    assert (len(seen_by_proxy), len(seen)) == (1, 1)


@pytest.mark.parametrize("proxy", ["proxy.example.org:9999", "ftp://proxy.example.org", "//", "x"])
def test_a_proxy_that_is_no_url_is_refused_unseen(proxy: str) -> None:
    with pytest.raises(ValidationError, match="must be the URL of a proxy") as caught:
        HttpOptions.model_validate({"proxy": proxy})
    assert "9999" not in str(caught.value)


async def test_an_own_authority_is_trusted(tmp_path: Path) -> None:
    file, context = authority_and_context(tmp_path, "127.0.0.1")
    options = HttpOptions(tls=ClientTls(authorities=file))
    async with server(tls=context) as (port, _), client(options) as http:
        assert (await http.get(f"https://127.0.0.1:{port}/")).text == "hi"


async def test_the_certificate_may_hold_another_name_if_it_is_said(tmp_path: Path) -> None:
    file, context = authority_and_context(tmp_path, "graylog.example.org")
    options = HttpOptions(tls=ClientTls(authorities=file, server_name="graylog.example.org"))
    async with server(tls=context) as (port, _), client(options) as http:
        assert (await http.get(f"https://127.0.0.1:{port}/")).text == "hi"


async def test_an_unknown_authority_is_told_in_words(tmp_path: Path) -> None:
    _, context = authority_and_context(tmp_path, "127.0.0.1")
    async with server(tls=context) as (port, _):
        told = await failure(f"https://127.0.0.1:{port}/", HttpOptions())
    assert told.startswith(f"cannot connect to https://127.0.0.1:{port}: its certificate is not")


async def test_failures_name_the_server_and_the_reason() -> None:
    async with server(answer=b"") as (port, _):
        told = await failure(f"http://me:secret@127.0.0.1:{port}/", HttpOptions())
        assert told.startswith(f"http://127.0.0.1:{port}: ")
    told = await failure(f"http://127.0.0.1:{port}/", HttpOptions())
    assert told == f"cannot connect to http://127.0.0.1:{port}: connection refused"


async def test_a_server_that_does_not_answer_is_given_up() -> None:
    async with server(answer=None) as (port, _):
        told = await failure(f"http://127.0.0.1:{port}/", HttpOptions(timeout_seconds=0.1))
    assert told == f"http://127.0.0.1:{port} did not answer in time"

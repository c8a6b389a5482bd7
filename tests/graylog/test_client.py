"""The client of Graylog's REST API: its ways, and words for every refusal."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge.config import Address
from bridge.graylog.client import Graylog, GraylogError, read_token, words
from bridge.httpd import HttpServer, Request, Response, as_json
from bridge.testing.graylog_rest import FakeGraylogApi

SECRET = "secret-token"


@asynccontextmanager
async def answering(response: Response, *, version: str = "7.0.1+1") -> AsyncIterator[str]:
    """A server that tells a version, and answers everything else so."""

    async def handle(request: Request) -> Response:
        return as_json({"version": version}) if request.path == "/api/" else response

    server = HttpServer(handle)
    await server.listen(Address("127.0.0.1", 0))
    yield f"http://127.0.0.1:{server.addresses[0][1]}"
    await server.close()


@pytest.mark.parametrize("suffix", ["", "/", "/api", "/api/"])
async def test_a_url_may_name_the_api_or_not(suffix: str) -> None:
    async with FakeGraylogApi() as fake, Graylog(fake.url + suffix, fake.token) as graylog:
        assert (await graylog.get("/streams"))["total"] == 3
        assert graylog.url == fake.url


@pytest.mark.parametrize(("version", "wraps"), [("6.3.7", False), ("7.0.1", True)])
async def test_the_release_decides_how_things_are_made(version: str, wraps: bool) -> None:
    async with FakeGraylogApi(version) as fake, Graylog(fake.url, fake.token) as graylog:
        assert graylog.release.text == version
        index_set = fake.state.default_index_set["id"]
        answer = await graylog.create("/streams", {"title": "t", "index_set_id": index_set})
        assert answer["stream_id"] in fake.state.streams
        assert ("entity" in fake.asked[-1].body) is wraps


async def test_lists_are_read_to_their_last_page() -> None:
    async with FakeGraylogApi() as fake, Graylog(fake.url, fake.token) as graylog:
        for number in range(230):
            row = {"name": f"p{number}", "description": "", "custom_field_mappings": []}
            fake.state.add(fake.state.profiles, row)
        path = "/system/indices/index_sets/profiles/paginated"
        assert len(await graylog.pages(path, "elements")) == 230


async def test_what_is_gone_need_not_be_deleted() -> None:
    async with FakeGraylogApi() as fake, Graylog(fake.url, fake.token) as graylog:
        await graylog.delete("/system/pipelines/rule/6b02eeeeeeeeeeeeeeeeeeee")
        assert await graylog.find("/users/nobody") is None
        with pytest.raises(GraylogError, match="DELETE"):
            await graylog.delete("/system/indices/index_sets/" + fake.state.default_index_set["id"])


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (Response(401), "does not take the token"),
        (as_json({"message": "Not authorized"}, 403), "answered 403 to GET /x: Not authorized"),
        (as_json({"validation_errors": {"title": ["is empty"]}}, 400), "is empty"),
        (as_json([{"reason": "Unknown function"}], 400), "Unknown function"),
        (as_json({"odd": 1}, 400), "{'odd': 1}"),
        (Response(500, b"<html>"), "answered 500 to GET /x: no reason given"),
        (Response(302, headers={"Location": "https://example.org/"}), "redirects to https://ex"),
        (Response(200, b"<html>", "text/html"), "something other than JSON"),
    ],
)
async def test_a_refusal_is_one_sentence_without_the_token(response: Response, reason: str) -> None:
    async with answering(response) as url, Graylog(url, SECRET) as graylog:
        with pytest.raises(GraylogError) as caught:
            await graylog.get("/x")
    assert reason in str(caught.value)
    assert SECRET not in f"{caught.value!r} {caught.value.__dict__}"


async def test_a_server_that_is_not_there_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(GraylogError, match=rf"cannot connect to http://127\.0\.0\.1:{port}"):
        async with Graylog(f"http://127.0.0.1:{port}", SECRET):
            pass


async def test_another_kind_of_server_is_none() -> None:
    async with answering(Response(404), version="unknown") as url:
        with pytest.raises(GraylogError, match="is no Graylog"):
            async with Graylog(url, SECRET):
                pass


def test_the_token_comes_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAYLOG_TOKEN", "from-environment")
    assert read_token(None) == "from-environment"
    path = tmp_path / "token"
    path.write_text("from-file\n")
    assert read_token(path) == "from-file"
    monkeypatch.delenv("GRAYLOG_TOKEN")
    assert read_token(None) == ""
    with pytest.raises(GraylogError, match="cannot be read"):
        read_token(tmp_path / "none")


def test_no_reason_is_said_to_be_none() -> None:
    assert words(None) == "no reason given"
    assert words({}) == "no reason given"

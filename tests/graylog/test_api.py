"""A server's own parser is asked over its REST API."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from bridge.graylog.api import GraylogApi, GraylogError, read_token
from tests.graylog.rules.writing import PIPELINE, rule, written

ERRORS = [
    {"type": "undeclared_variable", "line": 5, "position_in_line": 4, "reason": "second"},
    {"type": "undeclared_function", "line": 3, "position_in_line": 2, "reason": "first"},
]


class Server:
    """Answers as Graylog 6.3 and 7.0 answer to `…/rule/parse` and `…/pipeline/parse`."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.answers: dict[str, tuple[int, Any]] = {}
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.asked.append((self.path, dict(self.headers), body))
                status, answer = server.answers.get(self.path.split("/")[-2], (200, body))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, *_: object) -> None:
                pass

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    own = Server()
    thread = threading.Thread(target=own.http.serve_forever)
    thread.start()
    yield own
    own.http.shutdown()
    own.http.server_close()
    thread.join()


async def checked(url: str, folder: Path) -> list[str]:
    rule_set = written(folder, shout__rule=rule(), example__pipeline=PIPELINE)
    async with GraylogApi(url, "secret-token") as api:
        return [str(each) for each in await api.check_set(rule_set)]


async def test_what_the_server_takes_is_well(server: Server, tmp_path: Path) -> None:
    assert await checked(f"{server.url}/api/", tmp_path) == []
    [(path, headers, body), (other, _, _)] = server.asked
    assert path == "/api/system/pipelines/rule/parse"
    assert other == "/api/system/pipelines/pipeline/parse"
    assert headers["X-Requested-By"] == "gelf-bridge"
    assert headers["Authorization"].startswith("Basic ")
    assert body == {"title": "", "description": "", "source": rule()}


async def test_its_errors_come_with_their_places(server: Server, tmp_path: Path) -> None:
    server.answers["rule"] = (400, ERRORS)
    path = tmp_path / "shout.rule"
    assert await checked(server.url, tmp_path) == [f"{path}:3:3: first", f"{path}:5:5: second"]


@pytest.mark.parametrize(
    ("status", "answer", "reason"),
    [
        (401, None, "the token is not valid there"),
        (403, {}, "may not read pipeline rules"),
        (500, {}, "answered 500"),
        (400, {"message": "odd"}, "refused to parse"),
    ],
)
async def test_other_answers_say_what_to_do(
    server: Server, tmp_path: Path, status: int, answer: Any, reason: str
) -> None:
    server.answers["rule"] = (status, answer)
    with pytest.raises(GraylogError, match=reason) as caught:
        await checked(server.url, tmp_path)
    assert "secret-token" not in str(caught.value)


async def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(GraylogError, match=rf"cannot connect to http://127\.0\.0\.1:{port}"):
        await checked(f"http://127.0.0.1:{port}", tmp_path)


def test_the_token_comes_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAYLOG_TOKEN", "from-environment")
    assert read_token(None) == "from-environment"
    path = tmp_path / "token"
    path.write_text("from-file\n")
    assert read_token(path) == "from-file"
    monkeypatch.delenv("GRAYLOG_TOKEN")
    with pytest.raises(GraylogError, match="make one in Graylog"):
        read_token(None)

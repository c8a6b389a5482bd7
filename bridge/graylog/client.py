"""Graylog's REST API: one client that knows its ways, so that nobody else has to.

Every change carries `X-Requested-By`; what 7.0 wants inside `entity` is put there (`create`);
lists are read to their last page; refusals become one sentence each. The token is in no message.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import httpx

from bridge import http
from bridge.errors import BridgeError

Json = Any
"""Whatever JSON can hold."""

TOKEN_VARIABLE: Final = "GRAYLOG_TOKEN"  # noqa: S105 - the name, not the token
PAGE: Final = 100
_RELEASE: Final = re.compile(r"(\d+)\.(\d+)")


class GraylogError(BridgeError):
    """The server could not be asked, or refused; `status` is 0 when there was no answer."""

    def __init__(self, reason: str, status: int = 0, answer: Json = None) -> None:
        self.status = status
        self.answer = answer
        super().__init__(reason)


class Release(NamedTuple):
    """The version of a server, as far as the API depends on it."""

    major: int
    minor: int
    text: str

    @property
    def wraps(self) -> bool:
        """Whether shared entities are created inside `{"entity": …}`."""
        return self.major >= 7


def read_token(path: Path | None) -> str:
    """The access token in a file, or in GRAYLOG_TOKEN; empty when there is none.

    Raises GraylogError when the file cannot be read.
    """
    if path is None:
        return os.environ.get(TOKEN_VARIABLE, "").strip()
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise GraylogError(f"the token cannot be read from {path}: {error}") from None


class Graylog:
    """The API of the server at `url` (with or without `/api`); an asynchronous context manager.

    Entering asks for the version. Every method raises GraylogError.
    """

    def __init__(self, url: str, token: str, options: http.HttpOptions | None = None) -> None:
        self.url = url.rstrip("/").removesuffix("/api")
        self.release = Release(0, 0, "")
        self._client = http.client(
            options or http.HttpOptions(),
            base_url=f"{self.url}/api",
            headers={"X-Requested-By": "gelf-bridge", "Accept": "application/json"},
            auth=(token, "token"),
        )

    async def __aenter__(self) -> Self:
        try:
            self.release = await self._release()
        except GraylogError:
            await self._client.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def get(self, path: str, **query: str | int) -> Json:
        """What is at a path below `/api`."""
        return await self._call("GET", path, None, query)

    async def post(self, path: str, body: Json = None, **query: str | int) -> Json:
        """The answer to a body."""
        return await self._call("POST", path, body, query)

    async def put(self, path: str, body: Json, **query: str | int) -> Json:
        """The answer to a body that replaces something."""
        return await self._call("PUT", path, body, query)

    async def delete(self, path: str, **query: str | int) -> None:
        """Remove something; that it is gone already is fine."""
        try:
            await self._call("DELETE", path, None, query)
        except GraylogError as error:
            if error.status != httpx.codes.NOT_FOUND:
                raise

    async def find(self, path: str, **query: str | int) -> Json | None:
        """What is at a path, or None when there is nothing."""
        try:
            return await self.get(path, **query)
        except GraylogError as error:
            if error.status == httpx.codes.NOT_FOUND:
                return None
            raise

    async def create(self, path: str, body: Json, **query: str | int) -> Json:
        """Make something that can be shared: 7.0 and later want it inside `entity`."""
        return await self.post(path, self.wrapped(body), **query)

    def wrapped(self, body: Json) -> Json:
        """The body of something that can be shared, as this release wants it."""
        return {"entity": body} if self.release.wraps else body

    async def pages(self, path: str, key: str) -> list[Json]:
        """Everything of a list that comes in pages under `key`."""
        found: list[Json] = []
        page = 1
        while True:
            answer = await self.get(path, page=page, per_page=PAGE)
            rows = answer[key]
            found += rows
            if len(rows) < PAGE:
                return found
            page += 1

    async def _release(self) -> Release:
        answer = await self.get("/")
        text = str(answer.get("version", "")) if isinstance(answer, Mapping) else ""
        match = _RELEASE.match(text)
        if match is None:
            raise GraylogError(f"{self.url} is no Graylog: it does not tell its version")
        return Release(int(match[1]), int(match[2]), text.partition("+")[0])

    async def _call(
        self, method: str, path: str, body: Json, query: Mapping[str, str | int]
    ) -> Json:
        try:
            answer = await self._client.request(method, path, json=body, params=dict(query))
        except httpx.HTTPError as error:
            raise GraylogError(http.words(error)) from error
        except httpx.InvalidURL as error:
            raise GraylogError(f"{self.url} is no URL: {error}") from None
        if answer.is_success:
            return self._read(answer)
        raise self._refusal(method, path, answer)

    def _read(self, answer: httpx.Response) -> Json:
        if not answer.content or answer.request.method == "DELETE":
            return None  # 7.0.1 cuts some answers to DELETE off
        try:
            return answer.json()
        except ValueError:
            raise GraylogError(
                f"{self.url} answers with something other than JSON: is it the URL of Graylog's "
                "web interface or API, such as https://graylog.example.org:9000?"
            ) from None

    def _refusal(self, method: str, path: str, answer: httpx.Response) -> GraylogError:
        status = answer.status_code
        try:
            content = answer.json()
        except ValueError:
            content = None
        if status == httpx.codes.UNAUTHORIZED:
            reason = f"{self.url} does not take the token: it is wrong, or has expired"
        elif answer.is_redirect:
            target = answer.headers.get("location", "")
            reason = f"{self.url} redirects to {target}: give that URL without the path"
        else:
            reason = f"{self.url} answered {status} to {method} {path}: {words(content)}"
        return GraylogError(reason, status, content)


def words(content: Json) -> str:
    """What an error answer says: a message, errors by field, or errors of the rule parser."""
    if isinstance(content, list):
        return "; ".join(words(each) for each in content)
    if not isinstance(content, Mapping):
        return "no reason given"
    for key in ("message", "reason", "validation_errors", "errors"):
        if value := content.get(key):
            return value if isinstance(value, str) else str(value)
    return str(dict(content)) if content else "no reason given"


__all__ = [
    "TOKEN_VARIABLE",
    "Graylog",
    "GraylogError",
    "Json",
    "Release",
    "read_token",
    "words",
]

"""A Graylog server's REST API, as far as the bridge asks it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx

from bridge import http
from bridge.errors import BridgeError, Problem
from bridge.graylog.rules import RuleSet
from bridge.graylog.rules.source import Source

TOKEN_VARIABLE: Final = "GRAYLOG_TOKEN"  # noqa: S105 - the name, not the token


class GraylogError(BridgeError):
    """The server could not be asked, or refused; says what to do."""


def read_token(path: Path | None) -> str:
    """The access token in a file, or in the environment; raises GraylogError."""
    token = path.read_text(encoding="utf-8") if path else os.environ.get(TOKEN_VARIABLE, "")
    if not token.strip():
        place = str(path) if path else f"the environment variable {TOKEN_VARIABLE}"
        raise GraylogError(
            f"{place} has no access token: make one in Graylog (System / Users, Edit tokens) and "
            f"give it by --token-file or {TOKEN_VARIABLE}"
        )
    return token.strip()


class GraylogApi:
    """The API of the server at `url` (with or without `/api`); an asynchronous context manager.

    Raises GraylogError for everything that goes wrong.
    """

    def __init__(self, url: str, token: str, options: http.HttpOptions | None = None) -> None:
        self._url = url.rstrip("/").removesuffix("/api")
        self._client = http.client(
            options or http.HttpOptions(),
            base_url=f"{self._url}/api",
            # Graylog refuses what changes something without X-Requested-By.
            headers={"X-Requested-By": "gelf-bridge", "Accept": "application/json"},
            auth=(token, "token"),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def check_set(self, rule_set: RuleSet) -> list[Problem]:
        """What the server's own parser does not take; nothing is stored there."""
        found: list[Problem] = []
        for rule in rule_set.rules:
            found += await self._parse("rule", rule)
        for pipeline in rule_set.pipelines:
            found += await self._parse("pipeline", pipeline)
        return found

    async def _parse(self, kind: str, source: Source) -> list[Problem]:
        body = {"title": "", "description": "", "source": source.text}
        answer = await self._post(f"/system/pipelines/{kind}/parse", body)
        errors = answer.json() if answer.status_code == httpx.codes.BAD_REQUEST else []
        if not isinstance(errors, list):
            raise GraylogError(f"{self._url} refused to parse: {errors}")
        return [
            Problem(
                str(source.path), error["line"], error["position_in_line"] + 1, "", error["reason"]
            )
            for error in sorted(errors, key=lambda each: (each["line"], each["position_in_line"]))
        ]

    async def _post(self, path: str, body: Mapping[str, Any]) -> httpx.Response:
        try:
            answer = await self._client.post(path, json=body)
        except httpx.HTTPError as error:
            raise GraylogError(http.words(error)) from error
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise GraylogError(
                f"{self._url} answered {answer.status_code}: the token is not valid there, or its "
                "user may not read pipeline rules"
            )
        if answer.status_code not in (httpx.codes.OK, httpx.codes.BAD_REQUEST):
            raise GraylogError(f"{self._url} answered {answer.status_code} to {path}")
        return answer

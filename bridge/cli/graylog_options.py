"""The options by which commands find a Graylog server, and get in."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridge.cli.options import Decorator
from bridge.errors import BridgeError

if TYPE_CHECKING:
    from bridge.graylog.client import Graylog

Command = Callable[..., None]


def server_options(*, required: bool) -> Callable[[Command], Command]:
    """`--graylog`, `--token-file` and how the server is recognised; the command gets `graylog`,
    which is None when it was not asked for."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def wrapped(url: str | None, token_file: Path | None, **options: Any) -> None:
            tls = {name: options.pop(name) for name in ("authorities", "verify")}
            command(graylog=_client(url, token_file, tls) if url else None, **options)

        decorated: Command = wrapped
        for option in reversed(_options(required)):
            decorated = option(decorated)
        return decorated

    return decorate


def _options(required: bool) -> tuple[Decorator, ...]:
    path = click.Path(exists=True, path_type=Path)
    return (
        click.option("--graylog", "url", required=required, metavar="URL", help="The server."),
        click.option(
            "--token-file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="File with an access token; else GRAYLOG_TOKEN, else a question.",
        ),
        click.option(
            "--authorities",
            type=path,
            help="Authorities for its certificate, PEM; default: those of the system.",
        ),
        click.option(
            "--no-verify", "verify", flag_value=False, default=True, help="Take any certificate."
        ),
    )


def _client(url: str, token_file: Path | None, tls: dict[str, Any]) -> Graylog:
    from pydantic import ValidationError  # late: most commands ask no server

    from bridge import http
    from bridge.graylog.client import Graylog
    from bridge.net.client_tls import ClientTls

    try:
        options = http.HttpOptions(tls=ClientTls(**tls))
    except ValidationError as error:
        raise BridgeError("; ".join(each["msg"] for each in error.errors())) from None
    return Graylog(url, _token(token_file), options)


def _token(path: Path | None) -> str:
    from bridge.graylog.client import TOKEN_VARIABLE, GraylogError, read_token

    if token := read_token(path):
        return token
    if path is None and sys.stdin.isatty():
        return str(click.prompt("Access token", hide_input=True)).strip()
    place = str(path) if path else f"the environment variable {TOKEN_VARIABLE}"
    raise GraylogError(
        f"{place} has no access token: make one in Graylog (System / Users and Teams, Edit tokens) "
        f"and give it by --token-file or {TOKEN_VARIABLE}"
    )

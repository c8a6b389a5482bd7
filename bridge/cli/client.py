"""Asking a running bridge over its socket: light, so that `status` answers at once."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from bridge.cli.options import config_file
from bridge.config.document import parse
from bridge.config.references import Resolver
from bridge.errors import BridgeError, ConfigError, Problem

SOCKET = "admin.sock"
TIMEOUT_SECONDS = 30.0


class NotRunning(BridgeError):
    """Nothing answers on the socket."""


class Client:
    """One conversation after the other with the bridge behind a socket."""

    def __init__(self, path: Path, timeout: float | None = TIMEOUT_SECONDS) -> None:
        self.path = path
        self.timeout = timeout

    def get(self, path: str, **query: str) -> Any:
        """The answer to GET as JSON; raises BridgeError with the answer's own words."""
        return json.loads(self._ask("GET", path, query))

    def text(self, path: str, **query: str) -> str:
        """The answer to GET as text."""
        return self._ask("GET", path, query).decode()

    def post(self, path: str, body: bytes = b"", **query: str) -> Any:
        """The answer to POST as JSON."""
        return json.loads(self._ask("POST", path, query, body))

    def lines(self, path: str, query: Mapping[str, str], method: str = "GET") -> Iterator[bytes]:
        """The lines of a long answer, as they come."""
        with self._connected(None) as connection:
            yield from _answered(connection, method, path, query, b"")

    def _ask(self, method: str, path: str, query: Mapping[str, str], body: bytes = b"") -> bytes:
        with self._connected(self.timeout) as connection:
            return _answered(connection, method, path, query, body).read()

    @contextlib.contextmanager
    def _connected(self, timeout: float | None) -> Iterator[HTTPConnection]:
        with contextlib.closing(_UnixConnection(self.path, timeout)) as connection:
            try:
                yield connection
            except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
                raise NotRunning(
                    f"the bridge is not running: nothing answers on {self.path}; if it "
                    "was started, the end of its log says why it stopped"
                ) from None
            except PermissionError:
                raise BridgeError(
                    f"{self.path} is for the user that runs the bridge: try again as that user, "
                    "or as root"
                ) from None
            except (OSError, HTTPException) as error:
                reason = getattr(error, "strerror", None) or error
                raise BridgeError(f"the bridge behind {self.path} broke off: {reason}") from None


class _UnixConnection(HTTPConnection):
    def __init__(self, path: Path, timeout: float | None) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _answered(
    connection: HTTPConnection, method: str, path: str, query: Mapping[str, str], body: bytes
) -> HTTPResponse:
    connection.request(method, f"{path}?{urlencode(query)}" if query else path, body or None)
    response = connection.getresponse()
    if response.status >= 400:
        reason = response.read().decode(errors="replace").strip()
        raise BridgeError(reason or f"the bridge answers {response.status}")
    return response


def socket_of(config: Path) -> Path:
    """Where the bridge with this configuration listens; nothing else of it need be in order.

    Raises ConfigError when there is no `spool.directory` to be read.
    """
    try:
        text = config.read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigError([Problem(str(config), 0, 0, "", f"cannot be read: {reason}")]) from None
    document = parse(text, str(config), Resolver(os.environ, config.parent))
    directory = document.at(("spool", "directory"))
    if not isinstance(directory, str):
        own = [one for one in document.problems if one.path.startswith("spool")]
        message = "this says where to find the running bridge, and it is missing"
        raise ConfigError(own or [Problem(str(config), 1, 1, "spool.directory", message)])
    return config.parent / Path(directory).expanduser() / SOCKET


def client_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option `-c`, which gives the command a `Client`."""

    def find(ctx: click.Context, parameter: click.Parameter, path: Path) -> Client:
        return Client(socket_of(path))

    return config_file("client", callback=find)(command)

"""The one place that makes HTTP clients: proxy, authorities, time-outs and words for failures.

Pollers, the Graylog client and `gelf_http` take their options from `HttpOptions` and their client
from `client`, so that a proxy or an own authority is configured the same way everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import httpx
from pydantic import AfterValidator, Field

from bridge.config import Secret, Section
from bridge.net.client_tls import ClientTls, client_context
from bridge.net.reasons import reason
from bridge.version import VERSION

USER_AGENT = f"gelf-bridge/{VERSION}"


def _proxy(value: Secret) -> Secret:
    try:
        url = httpx.URL(value.reveal())
    except httpx.InvalidURL:
        url = httpx.URL()
    if value.reveal() != "none" and (url.scheme not in ("http", "https") or not url.host):
        raise ValueError("must be the URL of a proxy, such as http://proxy.example.org:3128")
    return value


class HttpOptions(Section):
    """How to reach a server over HTTP."""

    proxy: Annotated[Secret, AfterValidator(_proxy)] | None = None
    """URL of a proxy, with name and password if it wants them; `none` goes directly. Default: what
    the environment says (HTTPS_PROXY, HTTP_PROXY, NO_PROXY)."""
    tls: ClientTls = ClientTls()
    """How the server is recognised."""
    timeout_seconds: float = Field(default=30.0, gt=0)
    """How long connecting, sending and waiting for an answer may take, each."""


def client(
    options: HttpOptions,
    *,
    base_url: str = "",
    headers: Mapping[str, str] | None = None,
    auth: httpx.Auth | tuple[str, str] | None = None,
    connections: int = 10,
    **more: Any,
) -> httpx.AsyncClient:
    """An HTTP client with keep-alive that follows no redirects; `await it.aclose()` in the end.

    `connections` are the most that are open at once, `more` goes to httpx. Raises BridgeError that
    names the file when a certificate cannot be used.
    """
    proxy = options.proxy.reveal() if options.proxy else None
    server_name = options.tls.server_name

    async def name_the_server(request: httpx.Request) -> None:
        if server_name:
            request.extensions = {**request.extensions, "sni_hostname": server_name}

    return httpx.AsyncClient(
        base_url=base_url,
        headers={"User-Agent": USER_AGENT, **(headers or {})},
        auth=auth,
        verify=client_context(options.tls),
        proxy=httpx.Proxy(proxy) if proxy and proxy != "none" else None,
        trust_env=proxy is None,
        timeout=httpx.Timeout(options.timeout_seconds),
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        event_hooks={"request": [name_the_server]},
        **more,
    )


def over_socket(path: Path, seconds: float) -> httpx.AsyncClient:
    """A client of a server of our own behind a unix socket; `seconds` is its time-out."""
    return httpx.AsyncClient(
        base_url="http://localhost",
        transport=httpx.AsyncHTTPTransport(uds=str(path)),
        headers={"User-Agent": USER_AGENT},
        timeout=seconds,
        trust_env=False,
    )


def words(error: httpx.HTTPError) -> str:
    """What went wrong on the way to a server, in words and without any credential."""
    try:
        where = _place(error.request.url)
    except RuntimeError:
        where = "the server"
    if isinstance(error, httpx.ConnectTimeout):
        return f"cannot connect to {where}: no answer in time"
    if isinstance(error, httpx.TimeoutException):
        return f"{where} did not answer in time"
    if isinstance(error, httpx.ProxyError):
        return f"the proxy on the way to {where} refused: {error}"
    if isinstance(error, httpx.ConnectError):
        return f"cannot connect to {where}: {_cause(error)}"
    return f"{where}: {_cause(error)}"


def _place(url: httpx.URL) -> str:
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{url.scheme}://{host}" + (f":{url.port}" if url.port else "")


def _cause(error: BaseException) -> str:
    """The reason is at the bottom of a chain of errors, if the library gave one at all."""
    deepest = error
    while (below := deepest.__cause__ or deepest.__context__) is not None:
        deepest = below
    return reason(deepest) if isinstance(deepest, OSError) else str(error) or reason(deepest)


__all__ = ["USER_AGENT", "HttpOptions", "client", "over_socket", "words"]

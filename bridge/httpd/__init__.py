"""The one small HTTP server: h11 speaks the protocol, asyncio carries the bytes.

The admin server and every fake API are handlers of it: a handler takes a `Request` and returns a
`Response`. Keep-alive, TCP and unix sockets, TLS, streamed answers; what a client may send is
bounded in size, number and time.
"""

from bridge.httpd.messages import (
    Abort,
    Handler,
    Limits,
    Refusal,
    Request,
    Response,
    as_json,
    refused,
)
from bridge.httpd.server import HttpServer

__all__ = [
    "Abort",
    "Handler",
    "HttpServer",
    "Limits",
    "Refusal",
    "Request",
    "Response",
    "as_json",
    "refused",
]

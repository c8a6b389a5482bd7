"""One client: h11 speaks the protocol. Imported with the first one, for it takes its time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterable
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import h11

from bridge.httpd.messages import Abort, Handler, Limits, Refusal, Request, Response, refused
from bridge.net import plain

MAX_HEAD_BYTES: Final = 32 * 1024
READ_BYTES: Final = 64 * 1024
MAX_FIELDS: Final = 100
HTTP_PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}
CLOSE_SECONDS: Final = 5.0
LINGER_SECONDS: Final = 1.0
GONE: Final = (ConnectionError, ssl.SSLError, TimeoutError)
"""What a client does that went away or stopped reading."""


class Connection:
    """Request after request of one client."""

    def __init__(
        self,
        handler: Handler,
        limits: Limits,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._handler = handler
        self._limits = limits
        self._reader = reader
        self._writer = writer
        self._protocol = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        peer = writer.get_extra_info("peername")
        if isinstance(peer, tuple):
            opened: socket.socket = writer.get_extra_info("socket")
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._peer = plain(peer[0]) if isinstance(peer, tuple) else "local"
        self._method = ""

    async def serve(self) -> None:
        """Answer until the client or the protocol ends the connection."""
        try:
            while await self._exchange():
                self._protocol.start_next_cycle()
            await self._linger()
        except (Abort, *GONE):
            pass
        finally:
            self._writer.close()
            with contextlib.suppress(*GONE):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._writer.wait_closed()

    async def _exchange(self) -> bool:
        """Answer one request; whether another one may follow."""
        if not self._protocol.trailing_data[0]:
            async with asyncio.timeout(self._limits.idle_seconds):
                await self._read()
        try:
            async with asyncio.timeout(self._limits.request_seconds):
                request = await self._receive()
        except h11.RemoteProtocolError as error:
            response = refused(error.error_status_hint, str(error))
        except Refusal as refusal:
            response = refused(refusal.status, refusal.reason)
        except TimeoutError:
            response = refused(408, "the request took too long")
        else:
            if request is None:
                return False
            response = await self._handled(request)
        await self._answer(response)
        return self._protocol.our_state is self._protocol.their_state is h11.DONE

    async def _linger(self) -> None:
        """Read on for a moment: closing with something unread would take the answer back."""
        if self._protocol.their_state in (h11.DONE, h11.MUST_CLOSE, h11.CLOSED):
            return
        if self._writer.can_write_eof():
            self._writer.write_eof()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while await self._reader.read(READ_BYTES):
                    pass

    async def _handled(self, request: Request) -> Response:
        try:
            return await self._handler(request)
        except Refusal as refusal:
            return refused(refusal.status, refusal.reason)

    async def _receive(self) -> Request | None:
        """The next whole request, or None when the client has closed the connection."""
        head = await self._event()
        if not isinstance(head, h11.Request):
            return None
        self._method = head.method.decode("latin-1")
        body = bytearray()
        while isinstance(piece := await self._event(), h11.Data):
            body += piece.data
            if len(body) > self._limits.body_bytes:
                raise Refusal(413, f"a body may have {self._limits.body_bytes} bytes")
        return self._request(head, bytes(body))

    async def _event(self) -> Any:
        while (event := self._protocol.next_event()) is h11.NEED_DATA:
            if self._protocol.they_are_waiting_for_100_continue:
                await self._send(h11.InformationalResponse(status_code=100, headers=[]))
            await self._read()
        return event

    async def _read(self) -> bool:
        data = await self._reader.read(READ_BYTES)
        self._protocol.receive_data(data)
        return bool(data)

    def _request(self, head: h11.Request, body: bytes) -> Request:
        headers: dict[str, str] = {}
        for raw_name, raw_value in head.headers:
            name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        path, _, query = head.target.decode("latin-1").partition("?")
        try:
            pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError:
            raise Refusal(400, f"a query may have {MAX_FIELDS} fields") from None
        return Request(self._method, unquote(path), dict(pairs), headers, body, self._peer)

    async def _answer(self, response: Response) -> None:
        if self._protocol.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        headers = {"date": formatdate(usegmt=True), "content-type": response.content_type}
        if isinstance(response.body, bytes):
            headers["content-length"] = str(len(response.body))
        if self._protocol.their_state is not h11.DONE:
            headers["connection"] = "close"  # the rest of the request was not read
        headers |= {name.lower(): value for name, value in response.headers.items()}
        phrase = HTTP_PHRASES.get(response.status, "")
        head = h11.Response(status_code=response.status, headers=[*headers.items()], reason=phrase)
        if self._method == "HEAD":
            await self._send(head, h11.EndOfMessage())
        elif isinstance(response.body, bytes):
            await self._send(head, h11.Data(data=response.body), h11.EndOfMessage())
        else:
            await self._send(head)
            await self._stream(response.body)
            await self._send(h11.EndOfMessage())

    async def _stream(self, pieces: AsyncIterable[bytes]) -> None:
        """Send the pieces as they come; stop asking for more when the client has gone."""
        sending = asyncio.ensure_future(self._send_all(pieces))
        watching = asyncio.ensure_future(self._read())
        try:
            await asyncio.wait((sending, watching), return_when=asyncio.FIRST_COMPLETED)
            if watching.done() and not sending.done() and not watching.result():
                raise ConnectionResetError("the client went away")
            await sending
        finally:
            sending.cancel()
            watching.cancel()
            await asyncio.gather(sending, watching, return_exceptions=True)

    async def _send_all(self, pieces: AsyncIterable[bytes]) -> None:
        async for piece in pieces:
            if piece:
                await self._send(h11.Data(data=piece))

    async def _send(self, *events: Any) -> None:
        """Send in one piece, so that no packet waits for the receipt of another."""
        self._writer.write(b"".join(self._protocol.send(event) or b"" for event in events))
        async with asyncio.timeout(self._limits.idle_seconds):
            await self._writer.drain()

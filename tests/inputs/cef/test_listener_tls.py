"""TLS: certificates of both sides, their change at work, and handshakes that fail."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

from bridge.inputs.cef.listener import (
    CONNECTION_BYTES,
)
from tests.inputs.cef.running import Running, record, running, send, settled


class TestTls:
    @pytest.fixture
    def authority(self) -> trustme.CA:
        return trustme.CA()

    @pytest.fixture
    def tls(self, authority: trustme.CA, tmp_path: Path) -> dict[str, str]:
        return {"certificate": str(issued(authority, tmp_path / "server.pem"))}

    @pytest.fixture
    def client(self, authority: trustme.CA) -> ssl.SSLContext:
        context = ssl.create_default_context()
        authority.configure_trust(context)
        return context

    async def test_records_arrive(self, tls: dict[str, str], client: ssl.SSLContext) -> None:
        async with running(tls=tls) as front:
            await send(front, f"{record(1)}\n{record(2)}".encode(), client)
            await front.emit.wait_for(2)
            assert front.emit.texts == [record(1), record(2)]
            assert front.detail.startswith("listening on tls 127.0.0.1:")

    async def test_a_slow_spool_blocks_here_too(
        self, tls: dict[str, str], client: ssl.SSLContext
    ) -> None:
        line = record(1, " msg=" + "x" * 8000).encode() + b"\n"
        async with running(tls=tls) as front:
            front.emit.durable.clear()
            _, writer = await connect(front, client)
            writer.write(line * 1000)
            await settled(front)
            assert len(front.emit.events) * len(line) <= CONNECTION_BYTES + 512 * 1024
            front.emit.durable.set()
            await front.emit.wait_for(1000)
            writer.close()

    async def test_who_speaks_no_tls_is_turned_away(self, tls: dict[str, str]) -> None:
        async with running(tls=tls) as front:
            reader, writer = await asyncio.open_connection(*front.address)
            writer.write(record(1).encode() + b"\n" * 1000)
            await reader.read()
            assert front.counts["refused", "handshake"] == 1
            assert not front.emit.events
            writer.close()

    async def test_only_clients_with_a_certificate_are_heard(
        self, tls: dict[str, str], authority: trustme.CA, client: ssl.SSLContext, tmp_path: Path
    ) -> None:
        known = tmp_path / "clients.pem"
        authority.cert_pem.write_to_path(known)
        async with running(tls=tls | {"verify_clients": str(known)}) as front:
            reader, writer = await connect(front, client)
            with suppress(ssl.SSLError, ConnectionResetError):
                assert await reader.read() == b""
            writer.close()
            assert front.counts["refused", "handshake"] == 1
            authority.issue_cert("sender.example.org").configure_cert(client)
            await send(front, record(1).encode(), client)
            await front.emit.wait_for(1)

    async def test_certificates_are_read_again_for_new_connections(
        self, tls: dict[str, str], client: ssl.SSLContext, tmp_path: Path
    ) -> None:
        async with running(tls=tls) as front:
            before = await serial(front, client)
            renewed = trustme.CA()
            issued(renewed, tmp_path / "server.pem")
            assert await serial(front, client) == before
            front.input.reload()
            renewed.configure_trust(client)
            assert await serial(front, client) != before

    async def test_certificates_that_cannot_be_read_again_stay(
        self, tls: dict[str, str], client: ssl.SSLContext, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with running(tls=tls) as front:
            before = await serial(front, client)
            trustme.CA().cert_pem.write_to_path(tls["certificate"])  # without a key
            front.input.reload()
            assert await serial(front, client) == before
            assert "the certificates in use stay in use" in caplog.text

    async def test_a_proxy_s_header_comes_before_the_handshake(
        self, tls: dict[str, str], client: ssl.SSLContext
    ) -> None:
        async with running(tls=tls, proxy_protocol=True) as front:
            loop = asyncio.get_running_loop()
            reader = asyncio.StreamReader()
            transport, protocol = await loop.create_connection(
                lambda: asyncio.StreamReaderProtocol(reader), *front.address
            )
            transport.write(b"PROXY TCP4 192.0.2.99 198.51.100.1 51234 5514\r\n")
            secured = await loop.start_tls(transport, protocol, client, server_hostname="localhost")
            assert secured is not None
            secured.write(record(1).encode() + b"\n")
            (event,) = await front.emit.wait_for(1)
            assert event["bridge_sender"] == "192.0.2.99"
            secured.close()


def issued(authority: trustme.CA, path: Path) -> Path:
    certificate = authority.issue_cert("localhost")
    certificate.private_key_and_cert_chain_pem.write_to_path(path)
    return path


async def connect(
    front: Running, client: ssl.SSLContext
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(*front.address, ssl=client, server_hostname="localhost")


async def serial(front: Running, client: ssl.SSLContext) -> str:
    """Which certificate the input shows."""
    _, writer = await connect(front, client)
    shown = writer.get_extra_info("peercert")
    writer.close()
    return str(shown["serialNumber"])

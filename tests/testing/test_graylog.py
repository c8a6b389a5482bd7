"""The fake Graylog takes what Graylog takes, loses what Graylog loses, and says so."""

from __future__ import annotations

import asyncio
import gzip
import logging
import socket
import ssl
import struct
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import graypy
import pygelf
import pytest
import trustme

from bridge.gelf import encode
from bridge.testing import FakeGraylog
from bridge.testing.graylog import MAX_FRAME


def document(number: int, **fields: Any) -> bytes:
    return encode({"host": "pc-1", "message": "m", "n": number, **fields})


def numbers(graylog: FakeGraylog) -> list[Any]:
    return [message.fields["n"] for message in graylog.messages]


async def exchange(graylog: FakeGraylog, data: bytes) -> None:
    """Send everything, half-close, and wait for the end of file from the other side."""
    reader, writer = await asyncio.open_connection(graylog.host, graylog.port)
    writer.write(data)
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


@pytest.fixture
async def graylog() -> AsyncIterator[FakeGraylog]:
    async with FakeGraylog() as server:
        yield server


class TestTcp:
    async def test_every_frame_is_a_message_and_the_end_of_file_confirms_them(
        self, graylog: FakeGraylog
    ) -> None:
        await exchange(graylog, b"".join(document(n) + b"\0" for n in range(100)))
        assert numbers(graylog) == list(range(100))
        assert graylog.losses() == []
        assert graylog.connections == 1

    async def test_a_last_frame_without_its_nul_is_taken(self, graylog: FakeGraylog) -> None:
        await exchange(graylog, document(1) + b"\0" + document(2))
        assert numbers(graylog) == [1, 2]

    async def test_half_a_frame_at_the_end_is_rejected_and_reported(
        self, graylog: FakeGraylog
    ) -> None:
        await exchange(graylog, document(1) + b"\0" + document(2)[:20])
        assert numbers(graylog) == [1]
        (loss,) = graylog.losses()
        assert loss.startswith("rejected: ")
        assert graylog.documents[1] == document(2)[:20]

    async def test_a_frame_in_many_small_pieces_is_put_together(self, graylog: FakeGraylog) -> None:
        _, writer = await asyncio.open_connection(graylog.host, graylog.port)
        for byte in document(1) + b"\0":
            writer.write(bytes([byte]))
            await writer.drain()
        await graylog.received(1)
        assert numbers(graylog) == [1]
        writer.close()

    async def test_blanks_before_the_first_frame_do_no_harm(self, graylog: FakeGraylog) -> None:
        await exchange(graylog, b" " * 4096 + document(1) + b"\0")
        assert numbers(graylog) == [1]

    @pytest.mark.parametrize("bad", [b"\0", b"x\0"])
    async def test_an_empty_or_one_byte_frame_closes_the_connection_after_what_was_read(
        self, graylog: FakeGraylog, bad: bytes
    ) -> None:
        reader, writer = await asyncio.open_connection(graylog.host, graylog.port)
        writer.write(document(1) + b"\0" + bad + document(2) + b"\0")
        assert await reader.read() == b""
        assert numbers(graylog) == [1, 2]
        writer.close()

    async def test_invalid_json_costs_one_message_and_not_the_connection(
        self, graylog: FakeGraylog
    ) -> None:
        await exchange(graylog, document(1) + b"\0{broken\0" + document(2) + b"\0")
        assert numbers(graylog) == [1, 2]
        assert len(graylog.rejected) == 1

    async def test_the_longest_frame_is_taken(self, graylog: FakeGraylog) -> None:
        await exchange(graylog, document(1).ljust(MAX_FRAME) + b"\0")
        assert numbers(graylog) == [1]

    async def test_a_longer_frame_is_lost_and_closes_the_connection(
        self, graylog: FakeGraylog
    ) -> None:
        _, writer = await asyncio.open_connection(graylog.host, graylog.port)
        writer.write(document(1) + b"\0" + b"x" * (MAX_FRAME + 1))

        async def go_on() -> None:
            while True:
                writer.write(b"x" * 65_536)
                await writer.drain()

        with pytest.raises(ConnectionError):
            await go_on()
        assert numbers(graylog) == [1]
        writer.close()

    async def test_a_message_without_a_host_or_a_time_gets_those_of_its_arrival(
        self, graylog: FakeGraylog
    ) -> None:
        await exchange(graylog, b'{"short_message":"m"}\0')
        (message,) = graylog.messages
        assert message.fields["source"] == "127.0.0.1"
        assert message.fields["timestamp"] > 1_600_000_000
        assert graylog.losses() == ['message 1: "host" is missing']

    async def test_everything_that_would_be_lost_is_named(self, graylog: FakeGraylog) -> None:
        good = '"host":"h","short_message":"m"'
        frames = [f'{{{good},"_a b":1,"_c":true,"_e":[]}}', f'{{{good},"_d":1e300}}', "{}"]
        await exchange(graylog, "\0".join(frames).encode())
        assert graylog.losses() == [
            'rejected: "short_message" is missing',
            "message 1: _a b: the name has a character that Graylog does not take",
            "message 1: _c: Graylog drops booleans",
            "message 1: _e: becomes text",
            "message 2: d: beyond a 32-bit float, loses the message",
        ]


class TestWaiting:
    async def test_received_returns_as_soon_as_the_messages_are_there(
        self, graylog: FakeGraylog
    ) -> None:
        waiting = asyncio.ensure_future(graylog.received(2))
        await exchange(graylog, document(1) + b"\0")
        assert not waiting.done()
        await exchange(graylog, document(2) + b"\0")
        assert await waiting == graylog.messages

    async def test_received_says_what_came_instead(self, graylog: FakeGraylog) -> None:
        await exchange(graylog, document(1) + b"\0[]\0")
        with pytest.raises(TimeoutError, match=r"1 of 2 messages came .* is missing"):
            await graylog.received(2, timeout=0.01)


class TestOutages:
    async def test_it_comes_back_on_the_same_ports(self, graylog: FakeGraylog) -> None:
        ports = graylog.port, graylog.udp_port
        await exchange(graylog, document(1) + b"\0")
        await graylog.stop()
        with pytest.raises(OSError, match=r"refused|failed"):
            await asyncio.open_connection(graylog.host, graylog.port)
        await graylog.start()
        assert (graylog.port, graylog.udp_port) == ports
        await exchange(graylog, document(2) + b"\0")
        assert numbers(graylog) == [1, 2]

    async def test_a_stop_ends_connections_in_order(self, graylog: FakeGraylog) -> None:
        reader, writer = await asyncio.open_connection(graylog.host, graylog.port)
        writer.write(document(1) + b"\0")
        await graylog.received(1)
        await graylog.stop()
        assert await reader.read() == b""
        writer.close()

    async def test_a_kill_resets_connections(self, graylog: FakeGraylog) -> None:
        reader, writer = await asyncio.open_connection(graylog.host, graylog.port)
        writer.write(document(1) + b"\0")
        await graylog.received(1)
        await graylog.kill()
        with pytest.raises(ConnectionResetError):
            await reader.read()
        with pytest.raises(OSError, match=r"refused|failed"):
            await asyncio.open_connection(graylog.host, graylog.port)
        writer.close()

    async def test_a_reset_leaves_the_port_open(self, graylog: FakeGraylog) -> None:
        reader, writer = await asyncio.open_connection(graylog.host, graylog.port)
        writer.write(document(1) + b"\0")
        await graylog.received(1)
        graylog.reset()
        with pytest.raises(ConnectionResetError):
            await reader.read()
        await exchange(graylog, document(2) + b"\0")
        assert numbers(graylog) == [1, 2]
        writer.close()

    async def test_nothing_is_read_during_a_pause_and_nothing_lost(
        self, graylog: FakeGraylog
    ) -> None:
        _, early = await asyncio.open_connection(graylog.host, graylog.port)
        early.write(document(1) + b"\0")
        await graylog.received(1)
        graylog.pause()
        early.write(document(2) + b"\0")
        late = asyncio.ensure_future(exchange(graylog, document(3) + b"\0"))
        with pytest.raises(TimeoutError):
            await graylog.received(2, timeout=0.05)
        assert not late.done()
        graylog.resume()
        await late
        await graylog.received(3)
        assert sorted(numbers(graylog)) == [1, 2, 3]
        early.close()

    async def test_stopping_twice_is_harmless(self, graylog: FakeGraylog) -> None:
        await graylog.stop()
        await graylog.stop()


class TestTls:
    async def test_a_client_that_says_goodbye_gets_an_answer(self) -> None:
        """The peer's close_notify is what an output takes for a confirmation."""
        authority = trustme.CA()
        server, client = (
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH),
            ssl.create_default_context(),
        )
        authority.issue_cert("localhost").configure_cert(server)
        authority.configure_trust(client)

        def talk(port: int) -> None:
            with (
                socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
                client.wrap_socket(plain, server_hostname="localhost") as secure,
            ):
                secure.sendall(document(1) + b"\0" + document(2))
                secure.unwrap()

        async with FakeGraylog(tls=server) as graylog:
            await asyncio.to_thread(talk, graylog.port)
            await graylog.received(2)
            assert numbers(graylog) == [1, 2]


class TestUdp:
    @staticmethod
    def send(graylog: FakeGraylog, *datagrams: bytes) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for datagram in datagrams:
                sender.sendto(datagram, (graylog.host, graylog.udp_port))

    @staticmethod
    def chunks(data: bytes, count: int, key: bytes = b"12345678") -> list[bytes]:
        size = -(-len(data) // count)
        return [
            b"\x1e\x0f" + key + struct.pack("BB", n, count) + data[n * size : (n + 1) * size]
            for n in range(count)
        ]

    @pytest.mark.parametrize("pack", [bytes, gzip.compress, zlib.compress])
    async def test_a_datagram_is_a_message_in_any_compression(
        self, graylog: FakeGraylog, pack: Any
    ) -> None:
        self.send(graylog, pack(document(1)))
        await graylog.received(1)
        assert numbers(graylog) == [1]
        assert graylog.losses() == []

    async def test_chunks_may_come_in_any_order_and_mixed(self, graylog: FakeGraylog) -> None:
        one = self.chunks(gzip.compress(document(1, x="y" * 3_000)), 5, b"one.....")
        two = self.chunks(document(2, x="z" * 3_000), 3, b"two.....")
        self.send(graylog, *one[::-2], *two[1:], *one[1::2], two[0])
        await graylog.received(2)
        assert sorted(numbers(graylog)) == [1, 2]

    async def test_a_datagram_that_ends_in_nul_is_lost(self, graylog: FakeGraylog) -> None:
        self.send(graylog, document(1) + b"\0", document(2))
        await graylog.received(1)
        assert numbers(graylog) == [2]
        assert len(graylog.rejected) == 1

    async def test_too_short_datagrams_are_ignored(self, graylog: FakeGraylog) -> None:
        self.send(graylog, b"", b"x", document(1))
        await graylog.received(1)
        assert graylog.losses() == []

    async def test_a_chunk_of_too_long_a_message_is_discarded(self, graylog: FakeGraylog) -> None:
        self.send(graylog, *self.chunks(document(1, x="y" * 3_000), 129), document(2))
        await graylog.received(1)
        assert numbers(graylog) == [2]
        assert graylog.losses() == ["discarded: a message of more than 128 chunks"]


def record(message: str, **extra: Any) -> logging.LogRecord:
    made = logging.LogRecord("witness", logging.WARNING, __file__, 1, message, (), None)
    made.__dict__.update(extra)
    return made


@contextmanager
def closing(handler: Any) -> Iterator[Any]:
    try:
        yield handler
    finally:
        handler.close()


class TestForeignWitnesses:
    """Two libraries that others wrote speak to the same inputs, and are understood."""

    async def test_graypy_over_tcp(self, graylog: FakeGraylog) -> None:
        with closing(graypy.GELFTCPHandler(graylog.host, graylog.port)) as handler:
            await asyncio.to_thread(handler.handle, record("hello", answer=42, flag="yes"))
            (message,) = await graylog.received(1)
        assert message.fields["message"] == "hello"
        assert message.fields["level"] == 4
        assert (message.fields["answer"], message.fields["flag"]) == (42, "yes")
        assert message.rejection is None

    async def test_graypy_over_udp_in_chunks(self, graylog: FakeGraylog) -> None:
        with closing(graypy.GELFUDPHandler(graylog.host, graylog.udp_port)) as handler:
            text = "".join(map(chr, range(0x4E00, 0x4E00 + 5_000)))
            handler.handle(record("long", text=text))
            (message,) = await graylog.received(1)
        assert message.fields["text"] == text

    async def test_pygelf_over_tcp(self, graylog: FakeGraylog) -> None:
        handler = pygelf.GelfTcpHandler(
            graylog.host, graylog.port, include_extra_fields=True, _origin="witness"
        )
        with closing(handler):
            await asyncio.to_thread(handler.handle, record("hello", answer=42))
            (message,) = await graylog.received(1)
        assert message.fields["message"] == "hello"
        assert (message.fields["answer"], message.fields["origin"]) == (42, "witness")

    async def test_pygelf_over_udp_compressed_and_in_chunks(self, graylog: FakeGraylog) -> None:
        handler = pygelf.GelfUdpHandler(
            graylog.host, graylog.udp_port, compress=True, chunk_size=100, include_extra_fields=True
        )
        with closing(handler):
            text = "".join(map(chr, range(0x4E00, 0x4E00 + 500)))
            handler.handle(record("long", text=text))
            (message,) = await graylog.received(1)
        assert message.fields["text"] == text

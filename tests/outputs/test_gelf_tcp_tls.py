"""GELF over TCP with TLS: the peer's close_notify is the proof."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
from pathlib import Path

import pytest

from bridge.errors import BridgeError, Retryable
from bridge.testing import FakeGraylog
from tests.outputs.running import Authority, Handler, Host, batch, numbers, serving
from tests.outputs.test_gelf_tcp import begin, connected, failure, output, send


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def tls(authority: Authority, **options: object) -> dict[str, object]:
    return {"authorities": authority.file, **options}


def without_close_notify(context: ssl.SSLContext, got: list[bytes]) -> Handler:
    """A TLS server that reads everything and then closes without close_notify."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = context.wrap_bio(incoming, outgoing, server_side=True)
        is_ready = False
        while data := await reader.read(65536):
            incoming.write(data)
            with contextlib.suppress(ssl.SSLWantReadError):
                if not is_ready:
                    session.do_handshake()
                    is_ready = True
                while more := session.read():
                    got.append(more)
            writer.write(outgoing.read())
        writer.close()

    return handle


async def test_close_notify_confirms_and_is_remembered(host: Host, authority: Authority) -> None:
    async with (
        FakeGraylog(tls=authority.server()) as graylog,
        connected(host, graylog.port, tls=tls(authority)) as sender,
    ):
        await send(sender, batch(1, 3), batch(4, 5))
        await send(sender, batch(6, 6))
        assert numbers(graylog.documents) == [1, 2, 3, 4, 5, 6]
        assert host.notes == {f"close_notify 127.0.0.1:{graylog.port}": True}


async def test_much_goes_through(host: Host, authority: Authority) -> None:
    async with (
        FakeGraylog(tls=authority.server()) as graylog,
        connected(host, graylog.port, tls=tls(authority)) as sender,
    ):
        await send(sender, *(batch(n, n, 1_000_000) for n in range(1, 10)))
        assert sorted(numbers(graylog.documents)) == list(range(1, 10))


async def test_nothing_is_confirmed_before_it_is_read(host: Host, authority: Authority) -> None:
    async with (
        FakeGraylog(tls=authority.server()) as graylog,
        connected(host, graylog.port, tls=tls(authority)) as sender,
    ):
        await send(sender, batch(1, 1))
        graylog.pause()
        sends = await begin(sender, batch(2, 2))
        sender.flush()
        assert not (await asyncio.wait(sends, timeout=0.2))[0]
        graylog.resume()
        await asyncio.gather(*sends)


async def test_a_fin_is_enough_until_close_notify_was_seen(
    host: Host, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    got: list[bytes] = []
    async with (
        serving(without_close_notify(authority.server(), got)) as port,
        connected(host, port, tls=tls(authority)) as sender,
    ):
        await send(sender, batch(1, 1))
        await send(sender, batch(2, 2))
    assert b"".join(got).count(b"\0") == 2
    assert len([one for one in caplog.messages if "set confirm: close_notify" in one]) == 1
    assert host.notes == {}


@pytest.mark.parametrize("confirm", ["auto", "close_notify"])
async def test_a_fin_is_not_enough_where_close_notify_is_to_be_expected(
    host: Host, authority: Authority, confirm: str
) -> None:
    async with serving(without_close_notify(authority.server(), [])) as port:
        if confirm == "auto":
            host.notes[f"close_notify 127.0.0.1:{port}"] = True
        async with connected(host, port, tls=tls(authority), confirm=confirm) as sender:
            sends = await begin(sender, batch(1, 1))
            sender.flush()
            assert "without close_notify" in await failure(sends, sender)


async def test_a_fin_can_be_made_enough_for_ever(host: Host, authority: Authority) -> None:
    async with serving(without_close_notify(authority.server(), [])) as port:
        host.notes[f"close_notify 127.0.0.1:{port}"] = True
        async with connected(host, port, tls=tls(authority), confirm="fin") as sender:
            await send(sender, batch(1, 1))


async def test_a_peer_that_ends_tls_first_confirms_nothing(
    host: Host, authority: Authority
) -> None:
    async with (
        FakeGraylog(tls=authority.server()) as graylog,
        connected(host, graylog.port, tls=tls(authority)) as sender,
    ):
        sends = await begin(sender, batch(1, 1))
        await graylog.received(1)
        await graylog.stop()
        assert f"127.0.0.1:{graylog.port}: " in await failure(sends, sender)


async def test_a_killed_peer_confirms_nothing(host: Host, authority: Authority) -> None:
    async with (
        FakeGraylog(tls=authority.server()) as graylog,
        connected(host, graylog.port, tls=tls(authority)) as sender,
    ):
        graylog.pause()
        sends = await begin(sender, batch(1, 1))
        sender.flush()
        await graylog.kill()
        assert "reset" in await failure(sends, sender)


async def test_the_name_in_the_certificate_is_checked(host: Host, authority: Authority) -> None:
    async with FakeGraylog(tls=authority.server("graylog.example.org")) as graylog:
        with pytest.raises(Retryable, match="its certificate is not accepted"):
            await output(host, graylog.port, tls=tls(authority)).connect()
        named = tls(authority, server_name="graylog.example.org")
        async with connected(host, graylog.port, tls=named) as sender:
            await send(sender, batch(1, 1))


async def test_an_unknown_authority_is_not_accepted(host: Host, authority: Authority) -> None:
    async with FakeGraylog(tls=authority.server()) as graylog:
        with pytest.raises(Retryable, match="its certificate is not accepted"):
            await output(host, graylog.port, tls=True).connect()


@pytest.mark.parametrize("version", ["1.2", "1.3"])
async def test_a_client_certificate_is_shown(
    host: Host, authority: Authority, tmp_path: Path, version: str
) -> None:
    context = authority.server()
    context.verify_mode = ssl.CERT_REQUIRED
    if version == "1.2":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    shown = tls(authority, certificate=authority.client_certificate(tmp_path))
    async with FakeGraylog(tls=context) as graylog:
        async with connected(host, graylog.port, tls=shown) as sender:
            await send(sender, batch(1, 1))
        assert numbers(graylog.documents) == [1]


async def test_a_missing_client_certificate_is_told(host: Host, authority: Authority) -> None:
    """The server's alert comes after the handshake that TLS 1.3 considers finished."""
    context = authority.server()
    context.verify_mode = ssl.CERT_REQUIRED
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        opened, _ = listener.accept()
        with opened, contextlib.suppress(ssl.SSLError):
            context.wrap_socket(opened, server_side=True)

    serving_one = asyncio.create_task(asyncio.to_thread(serve))
    async with connected(host, listener.getsockname()[1], tls=tls(authority)) as sender:
        async with asyncio.timeout(5):
            assert "alert certificate required" in await sender.broken()
    await serving_one
    listener.close()


async def test_a_plain_input_is_no_tls_input(host: Host, authority: Authority) -> None:
    async with FakeGraylog() as graylog:
        sender = output(host, graylog.port, tls=tls(authority), timeout_seconds=0.3)
        with pytest.raises(Retryable, match="cannot connect"):
            await sender.connect()


async def test_plain_text_to_a_tls_input_is_never_confirmed(
    host: Host, authority: Authority
) -> None:
    async with FakeGraylog(tls=authority.server()) as graylog:
        async with connected(host, graylog.port) as sender:
            sends = await begin(sender, batch(1, 1))
            sender.flush()
            assert f"127.0.0.1:{graylog.port}: " in await failure(sends, sender)
        assert graylog.documents == []


async def test_a_file_that_is_gone_is_told(
    host: Host, authority: Authority, tmp_path: Path
) -> None:
    file = tmp_path / "gone.pem"
    file.write_bytes(Path(authority.file).read_bytes())
    sender = output(host, 1, tls={"authorities": file})
    file.unlink()
    with pytest.raises(Retryable, match=r"gone\.pem"):
        await sender.connect()
    with pytest.raises(BridgeError, match=r"gone\.pem"):
        await sender.check()


async def test_check_goes_through_the_handshake(host: Host, authority: Authority) -> None:
    async with FakeGraylog(tls=authority.server()) as graylog:
        sender = output(host, graylog.port, tls=tls(authority), confirm="close_notify")
        words = await sender.check()
        unverified = await output(host, graylog.port, tls={"verify": False}).check()
    assert words is not None
    place = f"127.0.0.1:{graylog.port}: TLSv1.3, certificate valid for"
    assert re.fullmatch(rf"{place} \d+ more days, answers close_notify", words)
    assert "certificate not verified" in str(unverified)

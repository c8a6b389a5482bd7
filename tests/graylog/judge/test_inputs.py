"""Graylog's real inputs take what is sent to them, and hand it over."""

from __future__ import annotations

import socket
import ssl
import time
from pathlib import Path

import httpx
import pytest
import trustme

from bridge.graylog.judge import GraylogInput, Judge

FRAMES = [b'{"short_message": "one"}', b'{"short_message": "two"}']


def handed_over(gelf: GraylogInput, count: int) -> list[bytes]:
    """The documents, as soon as there are so many."""
    end = time.monotonic() + 10
    while len(gelf.documents()) < count and time.monotonic() < end:
        time.sleep(0.005)
    return gelf.documents()


def send_tcp(gelf: GraylogInput, *frames: bytes) -> bytes:
    """What comes back after frames, each with its NUL, and FIN."""
    with socket.create_connection(("127.0.0.1", gelf.port), timeout=10) as connection:
        connection.sendall(b"".join(frame + b"\0" for frame in frames))
        connection.shutdown(socket.SHUT_WR)
        return connection.recv(1)


def test_tcp_answers_fin_with_fin_when_it_has_read_everything(judge: Judge) -> None:
    with judge.input("tcp") as gelf:
        assert send_tcp(gelf, *FRAMES) == b""
        assert handed_over(gelf, 2) == FRAMES
        assert gelf.stats() == (2, len(b"".join(FRAMES)))


def test_tls_takes_the_certificate_that_it_is_given(judge: Judge, tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(tmp_path / "key")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "certificate")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with judge.input(
        "tcp",
        tls_enable=True,
        tls_cert_file=str(tmp_path / "certificate"),
        tls_key_file=str(tmp_path / "key"),
    ) as gelf:
        with (
            socket.create_connection(("127.0.0.1", gelf.port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
        ):
            connection.sendall(FRAMES[0] + b"\0")
        assert handed_over(gelf, 1) == FRAMES[:1]


def test_udp_takes_a_datagram(judge: Judge) -> None:
    with judge.input("udp") as gelf, socket.socket(type=socket.SOCK_DGRAM) as sender:
        sender.sendto(FRAMES[0], ("127.0.0.1", gelf.port))
        assert handed_over(gelf, 1) == FRAMES[:1]


def test_http_takes_a_post(judge: Judge) -> None:
    with judge.input("http") as gelf:
        answer = httpx.post(f"http://{gelf.endpoint}/gelf", content=FRAMES[0])
        assert answer.status_code == 202
        assert handed_over(gelf, 1) == FRAMES[:1]


def test_settings_are_those_of_the_input_form(judge: Judge) -> None:
    """What is not given has the form's default; what is given counts."""
    with judge.input("http", enable_bulk_receiving=True) as gelf:
        httpx.post(f"http://{gelf.endpoint}/gelf", content=b"\n".join(FRAMES) + b"\n")
        assert handed_over(gelf, 2) == FRAMES
    with judge.input("http", max_chunk_size=10) as gelf:
        assert httpx.post(f"http://{gelf.endpoint}/gelf", content=FRAMES[0]).status_code == 413


def test_a_stopped_input_starts_again_on_its_port(judge: Judge) -> None:
    with judge.input("tcp") as gelf:
        send_tcp(gelf, FRAMES[0])
        handed_over(gelf, 1)
        gelf.stop()
        with pytest.raises(ConnectionRefusedError):
            send_tcp(gelf, FRAMES[1])
        gelf.start()
        assert gelf.stats() == (0, 0)
        send_tcp(gelf, FRAMES[1])
        assert handed_over(gelf, 2) == FRAMES


def test_a_slow_input_takes_its_time(judge: Judge) -> None:
    with judge.input("tcp", delay_us=20_000) as gelf:
        started = time.monotonic()
        send_tcp(gelf, *FRAMES * 5)
        handed_over(gelf, 10)
        assert time.monotonic() - started >= 0.18

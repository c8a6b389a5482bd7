"""What is said about a TLS connection."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from pathlib import Path

import trustme

from bridge.net.certificates import described

DAY = 86_400


def test_version_and_days_are_told(tmp_path: Path) -> None:
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(client)
    ours, theirs = socket.socketpair()
    answering = threading.Thread(target=lambda: answer(server, theirs))
    answering.start()
    with client.wrap_socket(ours, server_hostname="localhost") as tls:
        certificate = tls.getpeercert()
        assert certificate
        until = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
        assert described(tls, until - 61.5 * DAY) == "TLSv1.3, certificate valid for 61 more days"
        assert described(tls, until - 1.5 * DAY) == "TLSv1.3, certificate valid for 1 more day"
        left = int((until - time.time()) // DAY)
        assert described(tls) == f"TLSv1.3, certificate valid for {left} more days"
    answering.join()


def answer(context: ssl.SSLContext, connection: socket.socket) -> None:
    """Shake hands, and read until the other side has gone."""
    with context.wrap_socket(connection, server_side=True) as tls:
        tls.recv(1)

"""What is to be said about an established TLS connection."""

from __future__ import annotations

import ssl
import time


def described(tls: ssl.SSLObject | ssl.SSLSocket, now: float | None = None) -> str:
    """`TLSv1.3, certificate valid for 61 more days`; `now` in seconds since the epoch."""
    version = tls.version() or "TLS"
    certificate = tls.getpeercert()
    until = certificate.get("notAfter") if certificate else None
    if not isinstance(until, str):
        return f"{version}, certificate not verified"
    left = ssl.cert_time_to_seconds(until) - (time.time() if now is None else now)
    days = int(left // 86_400)
    return f"{version}, certificate valid for {days} more day{'' if days == 1 else 's'}"

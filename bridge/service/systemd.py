"""What systemd wants to hear of a service: sd_notify(3), `Type=notify` and the watchdog."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping


class Systemd:
    """Tells the service manager how it goes; without one, nothing happens."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "").replace("@", "\0", 1)
        own = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        microseconds = environ.get("WATCHDOG_USEC", "") if own else ""
        self.watchdog_seconds = int(microseconds) / 1e6 if microseconds.isdigit() else 0.0
        """Without a sign of life for so long it kills us; 0 means never."""

    def ready(self, status: str) -> None:
        """Started, or the reload is done; `status` is one line for `systemctl status`."""
        self._tell(f"READY=1\nSTATUS={status}")

    def reloading(self) -> None:
        """The configuration is being read again."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """An orderly stop has begun."""
        self._tell("STOPPING=1")

    def alive(self) -> None:
        """A sign of life for the watchdog."""
        self._tell("WATCHDOG=1")

    def _tell(self, text: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
            try:
                to.setblocking(False)
                to.sendto(text.encode(), self._address)
            except OSError:
                # A service manager that does not listen must not stop the service.
                return

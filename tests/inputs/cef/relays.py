"""rsyslog and syslog-ng between a sender and the input: started with a configuration of ours."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

RSYSLOG = """
global(workDirectory="{folder}" {tls})
module(load="imptcp")
template(name="raw" type="string" string="%rawmsg%")
input(type="imptcp" port="{listen}" address="127.0.0.1" ruleset="relay")
ruleset(name="relay" queue.type="FixedArray" queue.size="20000") {{
  action(type="omfwd" target="127.0.0.1" port="{send}" protocol="tcp" template="raw"
         action.resumeRetryCount="-1" {framing})
}}
"""
OCTETS = 'TCP_Framing="octet-counted"'
LINES = 'TCP_Framing="traditional"'
TLS = 'StreamDriver="gtls" StreamDriverMode="1" StreamDriverAuthMode="x509/certvalid"'

SYSLOG_NG = """
@version: 3.38
options {{ log-msg-size(65536); dns-cache(no); use-dns(no); }};
source s {{ network(ip("127.0.0.1") port({listen}) transport("tcp") flags(no-parse)); }};
destination d {{ {driver}("127.0.0.1" port({send}) transport("tcp")
  template("${{MESSAGE}}{end}") log-fifo-size(200000)); }};
log {{ source(s); destination(d); flags(flow-control); }};
"""
SYSLOG_NG_PACKAGES = ("syslog-ng-core", "libivykis0", "libnet1", "libwrap0", "libpcre3")


class Relay(ABC):
    """A relay that takes lines on `port` and passes them on."""

    adds_header = False
    """Whether it puts a syslog header of its own before what it passes on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]

    @abstractmethod
    def command(self, send: int) -> list[str]:
        """Write the configuration; the command that starts it."""

    def environ(self) -> dict[str, str]:
        return {}

    @asynccontextmanager
    async def running(self, send: int) -> AsyncIterator[None]:
        """Start it, and end it again."""
        process = await asyncio.create_subprocess_exec(
            *self.command(send),
            env=os.environ | self.environ(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            process.terminate()
            await process.wait()

    async def send(self, lines: list[bytes]) -> None:
        """Write lines to it; waits until it listens."""
        for _ in range(200):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                break
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
        writer.write(b"".join(lines))
        await writer.drain()
        writer.close()
        await writer.wait_closed()


class Rsyslog(Relay):
    """imptcp → omfwd with the framing of the test."""

    def __init__(self, folder: Path, framing: str, authority: Path | None = None) -> None:
        super().__init__(folder)
        self.framing = framing
        self.authority = authority
        need(shutil.which("rsyslogd") is not None, "rsyslog is not installed")
        if authority:
            drivers = list(Path("/usr/lib").glob("*/rsyslog/lmnsd_gtls.so"))
            need(bool(drivers), "rsyslog-gnutls is not installed")

    def command(self, send: int) -> list[str]:
        tls = f'DefaultNetstreamDriverCAFile="{self.authority}"' if self.authority else ""
        config = self.folder / "rsyslog.conf"
        config.write_text(
            RSYSLOG.format(
                folder=self.folder, listen=self.port, send=send, framing=self.framing, tls=tls
            )
        )
        return ["rsyslogd", "-n", "-f", str(config), "-i", str(self.folder / "pid")]


class SyslogNg(Relay):
    """`syslog` counts octets, `network` ends lines; it cannot be installed beside rsyslog."""

    def __init__(self, folder: Path, driver: str) -> None:
        super().__init__(folder)
        self.driver = driver
        self.adds_header = driver == "syslog"
        self.root = folder / "root"
        need(shutil.which("apt-get") is not None, "syslog-ng comes from Debian's packages")
        got = subprocess.run(
            ["apt-get", "download", "-q", *SYSLOG_NG_PACKAGES], cwd=folder, capture_output=True
        )
        need(got.returncode == 0, "syslog-ng's packages cannot be downloaded")
        for package in folder.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, self.root], check=True)

    def environ(self) -> dict[str, str]:
        folders = ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib/syslog-ng")
        return {"LD_LIBRARY_PATH": ":".join(str(self.root / folder) for folder in folders)}

    def command(self, send: int) -> list[str]:
        config = self.folder / "syslog-ng.conf"
        end = "\\n" if self.driver == "network" else ""
        text = SYSLOG_NG.format(driver=self.driver, listen=self.port, send=send, end=end)
        config.write_text(text)
        modules = next((self.root / "usr/lib/syslog-ng").glob("3.*"))
        files = {"-f": config, "-R": "persist", "-p": "pid", "-c": "control"}
        own = [part for option, file in files.items() for part in (option, str(self.folder / file))]
        program = str(self.root / "usr/sbin/syslog-ng")
        return [program, "-F", "--no-caps", "--module-path", str(modules), *own]


def need(is_there: bool, reason: str) -> None:
    """Skip the test; with GELF_BRIDGE_REQUIRE_SENDERS=1 fail it."""
    if not is_there:
        if os.environ.get("GELF_BRIDGE_REQUIRE_SENDERS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)

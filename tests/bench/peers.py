"""The relays under test: each takes CEF lines over TCP and sends NUL-ended JSON over TCP."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from bridge.cli.client import Client
from bridge.errors import BridgeError
from tests.bench.processes import wait_for_port

RSYSLOG = """
global(workDirectory="{folder}")
module(load="imptcp")
module(load="mmnormalize")
template(name="gelf" type="list") {{
  constant(value="{{\\"version\\":\\"1.1\\",\\"host\\":\\"") property(name="hostname" format="json")
  constant(value="\\",\\"short_message\\":\\"") property(name="msg" format="json")
  constant(value="\\",\\"_cef\\":") property(name="$!f") constant(value="}}")
}}
input(type="imptcp" port="{listen}" address="127.0.0.1" ruleset="relay")
ruleset(name="relay" queue.type="FixedArray" queue.size="50000" queue.dequeueBatchSize="1024") {{
  action(type="mmnormalize" rulebase="{folder}/cef.rulebase")
  action(type="omfwd" target="127.0.0.1" port="{send}" protocol="tcp" TCP_FrameDelimiter="0"
         template="gelf")
}}
"""
RULEBASE = "version=2\nrule=:%f:cef%\nrule=: %f:cef%\n"

SYSLOG_NG = """
@version: 3.38
options {{ keep-hostname(yes); use-dns(no); dns-cache(no); log-msg-size(65536); }};
source s {{ network(ip("127.0.0.1") port({listen}) transport("tcp") max-connections(64)
  log-iw-size(64000) log-fetch-limit(1000)); }};
parser columns {{ csv-parser(
  columns("cef.version", "cef.vendor", "cef.product", "cef.device_version", "cef.class",
          "cef.name", "cef.severity", "cef.ext")
  delimiters(chars("|")) flags(escape-none, greedy) template("${{MESSAGE}}")); }};
parser pairs {{ kv-parser(prefix("ext.") template("${{cef.ext}}")); }};
destination d {{ network("127.0.0.1" port({send}) transport("tcp") log-fifo-size(100000)
  template("$(format-json --scope none version=1.1 host=${{HOST}} short_message=${{cef.name}} \
--key cef.* --key ext.*)$(binary 0x00)")
  disk-buffer(mem-buf-size(67108864) disk-buf-size(2147483648) reliable(yes) dir("{folder}")));
}};
log {{ source(s); parser(columns); parser(pairs); destination(d); flags(flow-control); }};
"""

BRIDGE = """
inputs: {{edr: {{type: cef, address: "127.0.0.1:{listen}", transport: {transport}, {input}}}}}
outputs: {{graylog: {{type: gelf_tcp, endpoint: "127.0.0.1:{send}", {output}}}}}
spool: {{directory: "{folder}/spool", min_free_bytes: 0, max_bytes: 64GiB}}
{more}
"""
READY_SECONDS = 20.0
LOOK_SECONDS = 0.01


class Peer(ABC):
    """One relay; `start` writes its configuration into a folder of its own."""

    name: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "".join(c if c.isalnum() else "-" for c in self.name)
        self.process: subprocess.Popen[bytes]

    def start(self, listen: int, send: int) -> None:
        """Start it; returns when it listens."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        command = self.command(listen, send)
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env=os.environ | self.environ()
            )
        try:
            wait_for_port(listen, self.process, self.protocol)
        except BaseException:
            self.stop()
            raise

    def await_ready(self) -> None:
        """Return when it works at full strength; a port may be open before."""

    def stop(self) -> None:
        """End it, at once if it does not end within ten seconds."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    protocol: ClassVar[str] = "tcp"

    def environ(self) -> dict[str, str]:
        """What it needs in its environment."""
        return {}

    @abstractmethod
    def command(self, listen: int, send: int) -> list[str]:
        """Write the configuration; the command that starts it."""


class Rsyslog(Peer):
    """imptcp → mmnormalize with liblognorm's CEF type → omfwd, in memory only."""

    name = "rsyslog + liblognorm"

    def command(self, listen: int, send: int) -> list[str]:
        config = self.folder / "rsyslog.conf"
        config.write_text(RSYSLOG.format(folder=self.folder, listen=listen, send=send))
        (self.folder / "cef.rulebase").write_text(RULEBASE)
        return ["rsyslogd", "-n", "-f", str(config), "-i", str(self.folder / "pid")]


class NotUnpacked(Exception):
    """A program's packages cannot be had here."""


class SyslogNg(Peer):
    """network → csv-parser and kv-parser → network, with a reliable disk buffer."""

    name = "syslog-ng + reliable buffer"
    packages = ("syslog-ng-core", "libivykis0", "libnet1", "libwrap0", "libpcre3")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.root = folder / "syslog-ng-root"
        if not self.root.exists():
            self.unpack(folder / "packages")

    def unpack(self, packages: Path) -> None:
        """Its Debian packages, beside rsyslog's, with which they cannot be installed."""
        packages.mkdir(parents=True, exist_ok=True)
        command = ["apt-get", "download", "-qq", *self.packages]
        done = subprocess.run(command, cwd=packages, capture_output=True, text=True)
        if done.returncode:
            raise NotUnpacked(done.stderr.strip())
        for package in packages.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, self.root], check=True)

    def environ(self) -> dict[str, str]:
        folders = ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib/syslog-ng")
        return {"LD_LIBRARY_PATH": ":".join(str(self.root / folder) for folder in folders)}

    def command(self, listen: int, send: int) -> list[str]:
        config = self.folder / "syslog-ng.conf"
        config.write_text(SYSLOG_NG.format(folder=self.folder, listen=listen, send=send))
        modules = next((self.root / "usr/lib/syslog-ng").glob("3.*"))
        places = {
            "module-path": modules,
            "cfgfile": config,
            "persist-file": self.folder / "persist",
            "pidfile": self.folder / "pid",
            "control": self.folder / "control",
        }
        options = [f"--{name}={place}" for name, place in places.items()]
        return [str(self.root / "usr/sbin/syslog-ng"), "-F", "--no-caps", *options]


class Bridge(Peer):
    """gelf-bridge as it is installed."""

    name = "gelf-bridge"
    input = ""
    """What is added to the options of its input."""
    output = ""
    """What is added to the options of its output."""
    more = ""
    """What is added to its configuration."""
    module = "bridge"

    def command(self, listen: int, send: int) -> list[str]:
        config = self.folder / "bridge.yaml"
        config.write_text(
            BRIDGE.format(
                folder=self.folder,
                listen=listen,
                send=send,
                transport=self.protocol,
                input=self.input,
                output=self.output,
                more=self.more,
            )
        )
        return [sys.executable, "-m", self.module, "run", "-c", str(config)]

    @property
    def client(self) -> Client:
        """For questions to it."""
        return Client(self.folder / "spool" / "admin.sock")

    def await_ready(self) -> None:
        until = time.monotonic() + READY_SECONDS
        while True:
            try:
                self.client.text("/readyz")
                return
            except BridgeError:
                if time.monotonic() > until:
                    raise
            time.sleep(LOOK_SECONDS)


class Pure(Bridge):
    """Without the compiled parts."""

    name = "gelf-bridge, pure Python"

    def environ(self) -> dict[str, str]:
        return {"GELF_BRIDGE_PURE": "1"}


class Unconfirmed(Bridge):
    """Without the confirmation by half-close, and without the hold-back."""

    name = "gelf-bridge, not confirmed"
    output = "confirm: none, hold_back_seconds: 0"


class Volatile(Bridge):
    """With a queue in memory in place of the spool."""

    name = "gelf-bridge, no spool"
    output = "hold_back_seconds: 0"
    module = "tests.bench.without_spool"


class TwoWorkers(Bridge):
    """Two processes that share the port."""

    name = "gelf-bridge, 2 workers"
    more = "workers: 2"


class OverUdp(Bridge):
    """The same events as datagrams."""

    name = "gelf-bridge over UDP"
    protocol = "udp"

"""HAProxy and nginx in front of a receiver, as processes with small configurations."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.lab.processes import Running
from tests.ports import free_port

HAPROXY = """
defaults
  mode tcp
  timeout connect 2s
  timeout client 60s
  timeout server 60s
frontend gelf
  bind 127.0.0.1:{port}
  default_backend graylog
backend graylog
  retries {retries}
  server graylog 127.0.0.1:{target}
"""

NGINX = """
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{}}
stream {{ server {{ listen 127.0.0.1:{port}; proxy_pass 127.0.0.1:{target}; {half_close} }} }}
"""


class HAProxy(Running):
    """`mode tcp`, defaults else: a server that does not answer is tried again for three seconds."""

    program = "haproxy"
    retries = 3

    def __init__(self, folder: Path, target: int) -> None:
        super().__init__(folder / "haproxy.log")
        self.port = free_port()
        self._config = folder / "haproxy.cfg"
        text = HAPROXY.format(port=self.port, target=target, retries=self.retries)
        self._config.write_text(text)

    async def start(self) -> None:
        """Start passing on."""
        await self._start([found(self.program), "-db", "-f", str(self._config)])
        await self._listening(self.port)


class FrankHAProxy(HAProxy):
    """Says at once when a server is away, as the confirmation by HTTP needs it."""

    retries = 0


class Nginx(Running):
    """The stream module, with or without `proxy_half_close on`."""

    program = "nginx"

    def __init__(self, folder: Path, target: int, half_close: bool = True) -> None:
        super().__init__(folder / "nginx.log")
        self.port = free_port()
        self._config = folder / "nginx.conf"
        on = "proxy_half_close on;" if half_close else ""
        text = NGINX.format(port=self.port, target=target, folder=folder, half_close=on)
        self._config.write_text(text)

    async def start(self) -> None:
        """Start passing on."""
        command = [found(self.program), "-e", "stderr", "-c", str(self._config)]
        await self._start(command)
        await self._listening(self.port)


def found(program: str) -> str:
    """The path of a program; skips the test when it is missing, unless that is forbidden."""
    path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")
    if path is None:
        if os.environ.get("GELF_BRIDGE_REQUIRE_PROXIES") == "1":
            pytest.fail(f"{program} is not installed")
        pytest.skip(f"{program} is not installed")
    return path

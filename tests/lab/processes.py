"""Processes of the laboratory: started, paused, killed, and never left behind."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from bridge.cli.client import Client
from bridge.config import SpoolConfig
from bridge.errors import BridgeError
from bridge.spool import Balance, Spool
from tests.ports import free_port

PYTHON = (sys.executable, "-u", "-m")


class Running:
    """A process whose output goes into a file."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._process: asyncio.subprocess.Process | None = None

    async def _start(self, command: Sequence[str], says: str | None = None) -> str:
        """Start; with `says` wait until a line of its output contains that, and return it."""
        with self.log.open("ab") as log:
            place = log.tell()
            self._process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
        async with asyncio.timeout(30):
            while says is not None:
                text = self.log.read_bytes()[place:].decode()
                for line in text.splitlines(keepends=True):
                    if says in line and line.endswith("\n"):
                        return line.strip()
                assert self._process.returncode is None, text
                await asyncio.sleep(0.01)
        return ""

    async def _listening(self, port: int) -> None:
        """Wait until somebody listens on a port."""
        async with asyncio.timeout(10):
            while True:
                assert self.is_running, self.log.read_text()
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    await writer.wait_closed()
                    return
                await asyncio.sleep(0.01)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def memory(self) -> int:
        """Bytes of memory that the process has (its resident set)."""
        assert self._process
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        assert self._process
        self._process.send_signal(number)

    async def kill(self) -> None:
        """SIGKILL, if it still runs."""
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def terminate(self) -> int:
        """SIGTERM; the exit code."""
        assert self._process
        self._process.terminate()
        async with asyncio.timeout(20):
            return await self._process.wait()


class ReceiverProcess(Running):
    """`tests.lab.receiver`, always on the same ports."""

    def __init__(self, folder: Path, tls: Path | None = None) -> None:
        super().__init__(folder / "receiver.log")
        self.file = folder / "received"
        self.file.touch()
        self.tcp, self.http, self.udp = free_port(), free_port(), free_port()
        self.host = "127.0.0.1"
        self.prefix: tuple[str, ...] = ()
        self._tls = tls

    async def start(self, rate: float = 0) -> None:
        """Start reading, at most `rate` events a second."""
        ports = [f"--tcp={self.tcp}", f"--http={self.http}", f"--udp={self.udp}"]
        options = [f"--rate={rate}", *ports]
        options += [f"--tls={self._tls}"] if self._tls else []
        options.append(f"--host={self.host}")
        command = [*self.prefix, *PYTHON, "tests.lab.receiver", str(self.file), *options]
        await self._start(command, says="listening")

    def received(self) -> list[str]:
        """The ids of all events that were ever handed over."""
        return [one for one in self.file.read_text().split("\n") if one]

    def written(self) -> int:
        """How many bytes of ids it has written so far."""
        return self.file.stat().st_size


class BridgeProcess(Running):
    """`gelf-bridge run` with one CEF input; `limits` are options of the spool."""

    def __init__(
        self, folder: Path, outputs: str, spool: Path | None, limits: str, program: str
    ) -> None:
        super().__init__(folder / "bridge.log")
        self.spool = spool or folder / "spool"
        self.listen = 0
        self._config = folder / "bridge.yaml"
        self._outputs = outputs
        self._limits = limits
        self._program = program
        self._client = Client(self.spool / "admin.sock")

    async def start(self) -> None:
        """Start and wait until the input listens; later starts take the same port."""
        self._config.write_text(
            f'inputs: {{malops: {{type: cef, address: "127.0.0.1:{self.listen}"}}}}\n'
            f"outputs:\n{self._outputs}\n"
            f"spool: {{directory: {self.spool}, {self._limits}}}\n"
        )
        command = [*PYTHON, self._program, "run", "-c", str(self._config)]
        line = await self._start(command, says="listening on tcp 127.0.0.1:")
        self.listen = int(line.rpartition(":")[2])

    async def components(self) -> dict[str, dict[str, object]]:
        """What the running bridge says of its components; every account must hold."""
        snapshot = await asyncio.to_thread(self._client.get, "/status")
        found = {one["id"]: one for one in snapshot["components"]}
        for name, one in found.items():
            assert one["balance"] is None or one["balance"]["holds"], (name, one["balance"])
        return found

    async def payload(self) -> int:
        """Bytes of events that wait in the spool of the running bridge."""
        return int((await asyncio.to_thread(self._client.get, "/status"))["spool"]["bytes"])

    async def drained(self, output: str = "graylog", timeout: float = 60) -> None:
        """Wait until an output has nothing left in the spool and nothing is on its way into it."""
        async with asyncio.timeout(timeout):
            while True:
                with contextlib.suppress(BridgeError):
                    found = await self.components()
                    left = [found["malops"]["balance"], found[output]["balance"]]
                    if left[0]["in_flight"] == left[1]["spooled"] == 0:  # type: ignore[index]
                        return
                await asyncio.sleep(0.05)

    async def account(self) -> Balance:
        """The accounts in the spool, which must hold; only while the bridge does not run."""
        spool = await Spool.open(SpoolConfig(directory=self.spool, min_free_bytes=0))
        try:
            balance = await spool.balance()
        finally:
            await spool.close()
        assert balance.holds, balance
        return balance

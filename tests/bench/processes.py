"""What the kernel knows of processes and their descendants: processor time, memory, ports."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Final

TICKS: Final = os.sysconf("SC_CLK_TCK")
LISTENING: Final = "0A"


def tree(pid: int) -> list[int]:
    """A process and all that descend from it; empty when it has ended."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = " ".join((task / "children").read_text() for task in tasks)
    except OSError:
        return []
    return [pid, *(found for child in children.split() for found in tree(int(child)))]


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and its descendants, those that have ended included."""
    return sum(_ticks(one) for one in tree(pid)) / TICKS


def peaks(pid: int) -> list[int]:
    """The most memory that each of the processes has had resident, in bytes."""
    return [_status(one, "VmHWM") for one in tree(pid)]


def resident(pid: int) -> int:
    """The memory that the processes have resident now, in bytes."""
    return sum(_status(one, "VmRSS") for one in tree(pid))


def wait_for_port(port: int, process: subprocess.Popen[bytes], protocol: str = "tcp") -> None:
    """Return when somebody listens on the port, without connecting to it."""
    for _ in range(3000):
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        if _is_bound(port, protocol):
            return
        time.sleep(0.005)
    raise RuntimeError(f"{process.args!r} does not listen on {port}")


def drops(port: int) -> int:
    """Datagrams to a port that the kernel has thrown away because its buffer was full."""
    lines = Path("/proc/net/udp").read_text().splitlines()[1:]
    own = [line.split() for line in lines if line.split()[1].endswith(f":{port:04X}")]
    return sum(int(fields[-1]) for fields in own)


def _is_bound(port: int, protocol: str) -> bool:
    lines = Path(f"/proc/net/{protocol}").read_text().splitlines()[1:]
    own = [line.split() for line in lines if line.split()[1] == f"0100007F:{port:04X}"]
    return any(protocol == "udp" or fields[3] == LISTENING for fields in own)


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[11:15]))


def _status(pid: int, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(name)), 0)

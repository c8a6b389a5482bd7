"""A link with delay: two network namespaces, joined by a relay in user space.

`ip netns exec NEAR python -m tests.long.delivery.link FAR FOLDER` runs the laboratory in NEAR with
its receiver in FAR, and prints the outcomes as JSON. (Where the kernel has netem this could be one
command; most small kernels have not.)
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import itertools
import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from bridge.outputs.gelf_tcp import GelfTcp
from tests.lab.play import Way, play
from tests.lab.processes import PYTHON, ReceiverProcess
from tests.lab.scenarios import SCENARIOS
from tests.outputs.running import Host, batch

DELAY_SECONDS = 0.02
NEAR_ADDRESS, FAR_ADDRESS = "192.0.2.1", "192.0.2.2"
PACKET_BYTES = 65536
SET_INTERFACE = 0x400454CA  # TUNSETIFF of linux/if_tun.h
TUN_WITHOUT_HEADER = 0x0001 | 0x1000
TRIALS = 20
RATE = 2000
SCALE = 2
TIMEOUT = 120
SCENARIO_NAMES = ("crash", "behind", "stop")
CLOSED_AFTER_SECONDS = 0.1
"""As in `closer`."""


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def interface(name: str) -> int:
    """A new TUN interface in this namespace; its packets come out of the descriptor."""
    opened = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    request = struct.pack("16sH22x", name.encode(), TUN_WITHOUT_HEADER)
    fcntl.ioctl(opened, SET_INTERFACE, request)
    return opened


@contextlib.contextmanager
def link(far: str) -> Iterator[None]:
    """Join this namespace with another one; each packet comes `DELAY_SECONDS` late."""
    here, there = interface("gelf-near"), interface("gelf-far")
    ip("link", "set", "gelf-far", "netns", far)
    for words, name, address in (
        ((), "gelf-near", NEAR_ADDRESS),
        (("-n", far), "gelf-far", FAR_ADDRESS),
    ):
        ip(*words, "address", "add", f"{address}/30", "dev", name)
        ip(*words, "link", "set", name, "up", "mtu", "9000")
        ip(*words, "link", "set", "lo", "up")
    loop = asyncio.get_running_loop()

    def relay(source: int, target: int) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                packet = os.read(source, PACKET_BYTES)
                loop.call_later(DELAY_SECONDS, send, target, packet)

    def send(target: int, packet: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(target, packet)

    loop.add_reader(here, relay, here, there)
    loop.add_reader(there, relay, there, here)
    try:
        yield
    finally:
        for opened in (here, there):
            loop.remove_reader(opened)
            os.close(opened)


class FarReceiver(ReceiverProcess):
    """The receiver, in the other namespace."""

    def __init__(self, folder: Path, far: str, tls: Path | None) -> None:
        super().__init__(folder, tls)
        self.prefix = ("ip", "netns", "exec", far)
        self.host = FAR_ADDRESS


async def crossing(far: str, folder: Path) -> int:
    """How often a FIN of the peer that crossed ours on the way was taken for an answer."""
    receiver = FarReceiver(folder, far, None)
    taken = 0
    for trial in range(TRIALS):
        listener = await asyncio.create_subprocess_exec(
            *receiver.prefix, *PYTHON, "tests.long.delivery.closer", str(receiver.tcp), stdout=-1
        )
        assert listener.stdout
        await listener.stdout.readline()
        host = Host()
        settings = {"type": "gelf_tcp", "endpoint": f"{FAR_ADDRESS}:{receiver.tcp}"}
        sender = GelfTcp(GelfTcp.Config.model_validate(settings), host.context())
        await sender.connect()
        batches = batch(1, 1), batch(2, 61, 700)
        first = asyncio.ensure_future(sender.send(batches[0]))
        # The peer accepts after one delay and closes a while later. What we send then comes after
        # that, and is on its way when its FIN comes here.
        await asyncio.sleep(CLOSED_AFTER_SECONDS + 2 * DELAY_SECONDS * (trial + 4) / (TRIALS + 8))
        second = asyncio.ensure_future(sender.send(batches[1]))
        await asyncio.sleep(0)
        sender.flush()
        await asyncio.wait([first, second])
        first.exception()
        await sender.close()
        read = int(await listener.stdout.readline())
        taken += not second.exception() and read < sum(len(one.data) for one in batches)
        await listener.wait()
    return taken


async def run(far: str, folder: Path) -> dict[str, object]:
    """Some scenarios over the link."""
    with link(far):
        found: dict[str, object] = {"crossing": await crossing(far, folder)}
        for transport, scenario in itertools.product(("tcp", "tls", "http"), SCENARIO_NAMES):
            place = folder / f"{transport}-{scenario}"
            place.mkdir()
            tls = place / "server.pem" if transport == "tls" else None
            receiver = FarReceiver(place, far, tls)
            way = Way(transport, options={"connections": 32} if transport == "http" else {})
            outcome = await play(
                SCENARIOS[scenario], way, place, RATE, SCALE, TIMEOUT, receiver=receiver
            )
            found[f"{transport}-{scenario}"] = asdict(outcome)
        return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(sys.argv[1], Path(sys.argv[2])))))

"""One scenario from its beginning to its account, on any way from the bridge to a receiver."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.graylog import GraylogReceiver
from tests.lab.lab import Outcome, Receiver, lab
from tests.lab.proxies import HAProxy, Nginx
from tests.lab.scenarios import Scenario


@dataclass(frozen=True, slots=True)
class Way:
    """How events get to a receiver: the fake one, or the inputs of a version of Graylog."""

    transport: str = "tcp"
    graylog: str = ""
    proxy: type[HAProxy | Nginx] | None = None
    options: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        through = f" through {self.proxy.program}" if self.proxy else ""
        return f"{self.transport}{through}, {f'Graylog {self.graylog}' if self.graylog else 'fake'}"


async def play(
    scenario: Scenario,
    way: Way,
    folder: Path,
    rate: float,
    scale: float,
    timeout: float = 60,
    receiver: Receiver | None = None,
) -> Outcome:
    """What became of a scenario at so many events a second; `scale` is that of its times.

    `timeout` is how long it may take until everything is delivered; `receiver` is another one than
    the way has.
    """
    folder.mkdir(exist_ok=True)
    async with lab(folder, way.transport, **way.options) as own:
        if receiver:
            own.receiver = receiver
        elif way.graylog:
            own.receiver = GraylogReceiver(folder, way.transport == "tls", way.graylog)
        if way.proxy:
            proxy = way.proxy(folder, own.target)
            await proxy.start()
            own.closing.push_async_callback(proxy.kill)
            own.through = proxy.port
        await scenario(own, rate, scale)
        return await own.outcome(timeout)


def judge(outcome: Outcome, least: float) -> None:
    """Everything accepted has arrived, and little of it twice."""
    assert outcome.accepted > least
    assert outcome.lost == 0
    assert outcome.delivered == outcome.accepted
    assert outcome.repeated <= outcome.bound

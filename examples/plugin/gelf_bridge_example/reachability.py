"""The input `reachability`: says whenever a service can be reached, or no longer can."""

import asyncio

from pydantic import Field

from bridge import Emit, Input, InputConfig, State
from bridge.config import Endpoint


class ReachabilityConfig(InputConfig):
    """Try to connect to a service again and again; each change is an event."""

    endpoint: Endpoint
    """The service, over TCP."""
    interval_seconds: float = Field(default=30, gt=0)
    """How often to try."""


class Reachability(Input):
    Config = ReachabilityConfig

    async def run(self, emit: Emit) -> None:
        before = None
        while True:
            state = await self.state()
            if state != before:
                text = f"{self.config.endpoint} is {state}"
                fields = {
                    "reachability_state": state,
                    "reachability_port": self.config.endpoint.port,
                }
                event = {"event_type": "reachability", "host": self.config.endpoint.host}
                await emit([{**event, "message": text, **fields}])
            before = state
            self.context.report(State.OK, f"it is {state}")
            await self.context.clock.sleep(self.config.interval_seconds)

    async def state(self) -> str:
        endpoint = self.config.endpoint
        try:
            async with asyncio.timeout(10):
                _, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
        except OSError:
            return "unreachable"
        writer.close()
        return "reachable"

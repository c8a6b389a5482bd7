"""Both components pass the tests that every component must pass."""

import asyncio
from contextlib import asynccontextmanager

from gelf_bridge_example.reachability import Reachability
from gelf_bridge_example.webhook import Webhook

from bridge.testing.contract import InputContract, OutputContract


class TestReachability(InputContract):
    component = Reachability
    options = {"endpoint": "127.0.0.1:1", "interval_seconds": 0.01}


class TestWebhook(OutputContract):
    component = Webhook
    unreachable = {"url": "http://127.0.0.1:1/"}

    @asynccontextmanager
    async def environment(self):
        """A server that takes everything."""
        server = await asyncio.start_server(self.answer, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        yield {"url": f"http://{host}:{port}/"}
        server.close()
        await server.wait_closed()

    async def answer(self, reader, writer):
        await reader.readuntil(b"}")
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

"""A Cylance User API as a real HTTP server on this machine, to test against.

`world` is a tenant that lives, `login` and `api` answer as strictly as the guide says, `faults`
spoil answers. Everything random follows the seed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Self

from bridge.config import Address
from bridge.httpd import HttpServer, Limits
from bridge.inputs.cylance.fake.api import SCOPES, Api, Asked
from bridge.inputs.cylance.fake.faults import Faults
from bridge.inputs.cylance.fake.login import Login
from bridge.inputs.cylance.fake.world import Listing, World

TENANT_ID = "7d3f0b6c-2f60-4a3d-9f5d-0c1e2b3a4d5e"
APP_ID = "c0ffee00-0000-4000-8000-000000000001"
APP_SECRET = "5ec7e700-0000-4000-8000-000000000002"  # noqa: S105 - opens nothing but this


class FakeCylance:
    """`async with FakeCylance() as cylance:` serves on `cylance.base_url` until the end."""

    def __init__(
        self,
        seed: int = 0,
        now: Callable[[], float] = time.time,
        world: World | None = None,
        tenant_id: str = TENANT_ID,
    ) -> None:
        self.world = world or World(seed)
        self.login = Login(tenant_id, APP_ID, APP_SECRET)
        self.api = Api(self.world, self.login, now)
        self._server = HttpServer(self.api, Limits(idle_seconds=600))

    async def __aenter__(self) -> Self:
        await self._server.listen(Address("127.0.0.1", 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.close()

    @property
    def base_url(self) -> str:
        """Where it serves."""
        host, port = self._server.addresses[0]
        return f"http://{host}:{port}"

    @property
    def settings(self) -> dict[str, Any]:
        """The options of an input that reads it."""
        return {
            "type": "cylance",
            "base_url": self.base_url,
            "tenant_id": self.login.tenant_id,
            "app_id": self.login.app_id,
            "app_secret": self.login.app_secret,
        }


__all__ = ["SCOPES", "Api", "Asked", "FakeCylance", "Faults", "Listing", "Login", "World"]

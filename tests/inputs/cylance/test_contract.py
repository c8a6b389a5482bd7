"""The input keeps the contract that every input keeps."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bridge.inputs.cylance import CylanceInput
from bridge.inputs.cylance.fake import FakeCylance
from bridge.testing.contract import InputContract


class TestCylanceInput(InputContract):
    component = CylanceInput
    expected = 10

    @asynccontextmanager
    async def environment(self) -> AsyncIterator[dict[str, Any]]:
        async with FakeCylance() as cylance:
            for number in range(5):
                then = time.time() - 600 * (number + 1)
                cylance.world.add_threat(then, then)
                cylance.world.add_detection(then, then)
            settings = cylance.settings | {"proxy": "none"}
            yield {name: value for name, value in settings.items() if name != "type"}

"""What processes of one bridge ask each other over their admin sockets."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import httpx
from pydantic import TypeAdapter, ValidationError

from bridge.admin import Snapshot
from bridge.admin.merge import accounts
from bridge.http import over_socket
from bridge.spool import Balance

ANSWER_SECONDS: Final = 5.0
_SNAPSHOT: Final = TypeAdapter(Snapshot)


async def snapshot(client: httpx.AsyncClient) -> Snapshot | None:
    """Everything about a process; None when it does not answer."""
    try:
        answer = await client.get("/status")
        return _SNAPSHOT.validate_python(answer.json())
    except (httpx.HTTPError, ValueError, ValidationError):
        return None


async def balance(socket: Path) -> Balance | None:
    """The accounts of whoever answers on a socket; None when nobody does."""
    async with over_socket(socket, ANSWER_SECONDS) as client:
        found = await snapshot(client)
    return accounts(found) if found else None

"""Processes of one bridge ask each other over their sockets."""

from __future__ import annotations

from pathlib import Path

from bridge.admin import SOCKET
from bridge.http import over_socket
from bridge.service.asking import balance, snapshot
from tests.bridges import CONFIG, record, running


async def test_the_snapshot_of_another_process_is_the_same_as_its_own(tmp_path: Path) -> None:
    async with running(tmp_path, CONFIG % 1) as bridge:
        await bridge.send(record(1), record(2, " dst=nowhere"))
        await bridge.accepted(2)
        socket = tmp_path / "spool" / SOCKET
        async with over_socket(socket, 5) as client:
            found = await snapshot(client)
        own = await bridge.service.snapshot()
        assert found
        assert (found.components[0], found.spool) == (own.components[0], own.spool)
        accounts = await balance(socket)
        assert accounts
        assert accounts.inputs == (await bridge.service.balance()).inputs


async def test_nobody_answers_where_nobody_is(tmp_path: Path) -> None:
    assert await balance(tmp_path / SOCKET) is None

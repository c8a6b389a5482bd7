"""The file of a worker that is no more becomes part of the first one."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.config import SpoolConfig
from bridge.errors import SpoolError
from bridge.spool import Buried, Progress, Spool
from bridge.spool import absorb as absorbing
from bridge.spool.absorb import absorb, kinds
from bridge.spool.lock import databases
from bridge.spool.schema import LETTERS

DEAD_LIMIT = 1 << 20


async def write(directory: Path, worker: int, count: int, *, deliver: bool = True) -> None:
    """A spool with so many events, of which the last one is buried."""
    spool = await Spool.open(SpoolConfig(directory=directory), worker=worker)
    await spool.attach("out")
    documents = [b'{"n":%d}' % number for number in range(count)]
    await spool.append("in", documents, kinds={"shared": f"kind_{worker}", f"of_{worker}": "text"})
    if deliver:
        [batch] = await spool.read("out", 0, 1 << 20)
        buried = (Buried(documents[-1], "too odd", "in"),)
        await spool.advance("out", Progress(batch.id, delivered=count - 1, buried=buried))
    await spool.close()


async def test_accounts_and_dead_letters_are_added(directory: Path) -> None:
    await write(directory, 0, 10)
    await write(directory, 2, 5)
    assert absorb(directory, 1, DEAD_LIMIT) == []
    assert list(databases(directory)) == [0]
    spool = await Spool.open(SpoolConfig(directory=directory))
    balance = await spool.balance()
    assert balance.inputs["in"].accepted == 15
    assert (balance.outputs["out"].delivered, balance.outputs["out"].buried) == (13, 2)
    assert balance.holds
    letters = await spool.dead_letters()
    assert [await spool.document(one.id) for one in letters] == [b'{"n":9}', b'{"n":4}']
    assert spool.kinds == {"shared": "kind_0", "of_0": "text", "of_2": "text"}
    await spool.close()


async def test_a_file_with_undelivered_events_stays(directory: Path) -> None:
    await write(directory, 0, 1)
    await write(directory, 1, 3, deliver=False)
    await write(directory, 2, 3)
    assert absorb(directory, 1, DEAD_LIMIT) == [1]
    assert list(databases(directory)) == [0, 1]
    assert absorb(directory, 2, DEAD_LIMIT) == []
    assert list(databases(directory)) == [0, 1]


async def test_after_a_crash_in_the_middle_nothing_is_added_twice(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(directory, 0, 10)
    await write(directory, 1, 5)

    def crash(path: Path, suffix: str) -> Path:
        raise SpoolError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(absorbing, "beside", crash)
        with pytest.raises(SpoolError, match="killed"):
            absorb(directory, 1, DEAD_LIMIT)
    assert list(databases(directory)) == [0, 1]
    assert absorb(directory, 1, DEAD_LIMIT) == []
    spool = await Spool.open(SpoolConfig(directory=directory))
    assert (await spool.balance()).inputs["in"].accepted == 15
    await spool.close()


async def test_kinds_are_those_of_all_files_and_the_first_file_counts(directory: Path) -> None:
    await write(directory, 0, 1)
    await write(directory, 1, 1)
    (directory / "worker-2.db").write_bytes(b"no database")
    assert kinds(directory) == {"shared": "kind_0", "of_0": "text", "of_1": "text"}


async def test_each_worker_has_ids_of_its_own_for_dead_letters(directory: Path) -> None:
    await write(directory, 0, 1)
    await write(directory, 3, 1)
    spool = await Spool.open(SpoolConfig(directory=directory), worker=3)
    assert [one.id for one in await spool.dead_letters()] == [3 * LETTERS + 1]
    await spool.close()

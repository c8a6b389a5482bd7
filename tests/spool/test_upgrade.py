"""A spool that an older version has written goes on as if nothing had happened."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from bridge.spool import Spool
from tests.clocks import VirtualClock
from tests.spool.conftest import Opener, texts
from tests.spool.written import AHEAD, BEHIND, INPUT, MORE, POLLER, WRITTEN_AT, document

FILES = sorted((Path(__file__).parent.parent / "data" / "spool").glob("*.tar.gz"))


@pytest.fixture(params=FILES, ids=lambda path: path.name.removesuffix(".tar.gz"))
async def older(request: pytest.FixtureRequest, opened: Opener, directory: Path) -> Spool:
    """The spool of an older version, opened by this one on the day it was written."""
    directory.mkdir()
    with tarfile.open(request.param) as packed:
        packed.extractall(directory)
    return await opened(min_free_bytes=0, clock=VirtualClock(WRITTEN_AT))


def test_there_is_a_file_of_a_release() -> None:
    assert FILES


async def test_every_account_goes_on(older: Spool) -> None:
    balance = await older.balance()
    assert balance.holds
    inputs = {name: (one.accepted, one.repeated) for name, one in balance.inputs.items()}
    assert inputs == {INPUT: (2 + MORE, 0), POLLER: (2, 1)}
    behind, ahead = balance.outputs[BEHIND], balance.outputs[AHEAD]
    assert (behind.accepted, behind.delivered, behind.spooled) == (4 + MORE, 0, 4 + MORE)
    assert (ahead.delivered, ahead.buried, ahead.spooled) == (2, 1, 1 + MORE)
    await older.append(INPUT, [document(0)])
    assert (await older.balance()).inputs[INPUT].accepted == 3 + MORE


async def test_every_output_gets_what_it_has_not_had(older: Spool) -> None:
    rest = [document(number) for number in range(4, 5 + MORE)]
    assert texts(await older.read(AHEAD, await older.attach(AHEAD), 2**20)) == rest
    everything = [document(number) for number in (1, 2, 3)] + rest
    assert texts(await older.read(BEHIND, await older.attach(BEHIND), 2**20)) == everything


async def test_pollers_go_on_where_they_were_and_take_nothing_twice(older: Spool) -> None:
    assert await older.checkpoint(POLLER, "threats") == {"until": "2026-11-18"}
    assert await older.unseen(POLLER, ["three", "four", "five"]) == {"five"}


async def test_what_was_remembered_still_is(older: Spool) -> None:
    assert older.kinds == {"x_number": "number"}
    assert older.recall("closes graylog.example.org:12201") is True


async def test_dead_letters_can_be_sent_again(older: Spool) -> None:
    (letter,) = await older.dead_letters(AHEAD)
    assert letter.reason == "answered 400 Bad Request"
    assert await older.document(letter.id) == document(3)
    assert await older.retry_dead([letter.id]) == 1
    assert texts(await older.read(AHEAD, await older.attach(AHEAD), 2**20))[-1] == document(3)

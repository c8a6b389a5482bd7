"""The spool as inputs and outputs see it."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from bridge.errors import SpoolError
from bridge.spool import Progress, Spool, Taken
from bridge.spool.packing import ROW_BYTES
from bridge.spool.reader import Reader
from bridge.spool.records import Place
from bridge.spool.segments import behind
from tests.spool.conftest import Opener, deliver, indexed, sql, stored, texts


async def test_what_was_appended_is_read_in_the_same_order(spool: Spool) -> None:
    """The order of calls is the order in the spool."""
    futures = [spool.append("in", [b"%d" % n, b"%d!" % n]) for n in range(100)]
    await asyncio.gather(*futures)
    expected = [text for n in range(100) for text in (b"%d" % n, b"%d!" % n)]
    assert texts(await spool.read("out", 0, 10**6)) == expected


async def test_an_append_resolves_when_it_is_on_disk(spool: Spool, directory: Path) -> None:
    """A record of its own as soon as the future is done, and in the database soon."""
    assert await spool.append("in", [b"one", b"two"]) == Taken(accepted=2, repeated=0)
    ((_, row),) = behind(directory / "worker-0.db-rows", Place(0, 0), 0)
    assert (row.input, row.target, row.count, row.data) == ("in", None, 2, b"one\0two")
    while not (rows := stored(directory)):
        await asyncio.sleep(0.01)
    (row,) = rows
    assert (row.input, row.target, row.count, row.data) == ("in", None, 2, b"one\0two")


async def test_a_spool_that_is_opened_again_holds_everything(opened: Opener) -> None:
    """Rows, cursors, checkpoints, kinds, notes and accounts survive."""
    spool = await opened()
    await spool.attach("out")
    await spool.append("in", [b"a"], checkpoint={"walk": {"page": 7}}, kinds={"score": "double"})
    await spool.append("other", [b"b"])
    await deliver(spool, max_bytes=1)
    await spool.remember("graylog.example.org answers", [1, "yes"])
    before = await spool.balance()
    await spool.close()

    again = await opened()
    assert texts(await again.read("out", await again.attach("out"), 1)) == [b"b"]
    assert await again.checkpoint("in", "walk") == {"page": 7}
    assert again.kinds == {"score": "double"}
    assert again.recall("graylog.example.org answers") == [1, "yes"]
    assert again.recall("anything else") is None
    assert await again.balance() == before


async def test_an_abandoned_future_withdraws_nothing(spool: Spool) -> None:
    """Cancelling the await is not cancelling the append."""
    future = spool.append("in", [b"kept"])
    future.cancel()
    assert texts(await spool.read("out", 0, 1)) == [b"kept"]


async def test_reading_waits_for_the_first_row(spool: Spool) -> None:
    """No polling, no empty answer."""
    reading = asyncio.create_task(spool.read("out", 0, 1))
    await spool.append("in", [], checkpoint={"walk": 1})
    assert not reading.done()
    await spool.append("in", [b"here"])
    assert texts(await reading) == [b"here"]


async def test_two_readers_wait_and_one_gives_up(spool: Spool) -> None:
    """A reader that is cancelled takes nobody with it."""
    await spool.attach("second")
    one = asyncio.create_task(spool.read("out", 0, 1))
    two = asyncio.create_task(spool.read("second", 0, 1))
    await spool.append("in", [], checkpoint={"walk": 1})
    one.cancel()
    await spool.append("in", [b"here"])
    assert texts(await two) == [b"here"]


@pytest.mark.parametrize("from_disk", [False, True])
async def test_reading_takes_whole_rows_up_to_a_size(opened: Opener, *, from_disk: bool) -> None:
    """One row at least, then as many as fit; from memory and from disk alike."""
    spool = await opened()
    await spool.attach("out")
    for n in range(5):
        await spool.append("in", [b"%d" % n * 100])
    if from_disk:
        await spool.close()
        spool = await opened()
    assert [len(b.data) for b in await spool.read("out", 0, 1)] == [100]
    first = await spool.read("out", 0, 299)
    assert [b.id for b in first] == [1, 2]
    assert [b.id for b in await spool.read("out", first[-1].id, 300)] == [3, 4, 5]
    assert spool.readable("out", 4)
    assert not spool.readable("out", 5)


async def test_a_read_that_fails_is_tried_again(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And said meanwhile."""
    spool = await opened()
    await spool.attach("out")
    await spool.append("in", [b"a"])
    await spool.close()
    spool = await opened()
    works = Reader.batches
    said: list[str] = []

    def broken(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    def listen(trouble: str) -> None:
        said.append(trouble)
        monkeypatch.setattr(Reader, "batches", works)

    monkeypatch.setattr("bridge.spool.spool.RETRY_SECONDS", 0.01)
    monkeypatch.setattr(Reader, "batches", broken)
    spool.on_trouble(listen)
    assert texts(await spool.read("out", 0, 1)) == [b"a"]
    assert said == ["the spool cannot be read (disk I/O error), trying again", ""]


async def test_rows_go_when_every_output_has_passed_them(spool: Spool, directory: Path) -> None:
    """The slowest output decides."""
    await spool.attach("slow")
    await spool.append("in", [b"a"])
    await spool.append("in", [b"b"])
    await deliver(spool)
    assert sql(directory, "SELECT id FROM batches") == [(1,), (2,)]
    await deliver(spool, "slow", 1)
    assert sql(directory, "SELECT id FROM batches") == [(2,)]
    await deliver(spool, "slow", 1)
    assert sql(directory, "SELECT id FROM batches") == []
    assert (await spool.balance()).bytes == 0


async def test_ids_never_come_again(opened: Opener) -> None:
    """An id that came twice would look delivered: not after emptying, not after a restart."""
    spool = await opened()
    await spool.attach("out")
    await spool.append("in", [b"a"])
    await deliver(spool)
    await spool.close()
    spool = await opened()
    await spool.append("in", [b"b"])
    assert [b.id for b in await spool.read("out", 0, 1)] == [2]


async def test_a_new_output_starts_at_the_oldest_row_kept(spool: Spool) -> None:
    """It gets what is still there, and that is what its account starts with."""
    for text in (b"gone", b"kept", b"kept too"):
        await spool.append("in", [text])
    await deliver(spool, max_bytes=1)
    cursor = await spool.attach("late")
    assert texts(await spool.read("late", cursor, 10**6)) == [b"kept", b"kept too"]
    late = (await spool.balance()).outputs["late"]
    assert (late.accepted, late.spooled) == (2, 2)


async def test_without_an_output_rows_are_kept_for_the_first(opened: Opener) -> None:
    """Inputs may start before the first output is attached."""
    spool = await opened()
    await spool.append("in", [b"early"])
    assert texts(await spool.read("out", await spool.attach("out"), 1)) == [b"early"]


async def test_a_target_gets_its_rows_alone(spool: Spool, directory: Path) -> None:
    """Nobody else reads, counts or keeps them."""
    await spool.attach("second")
    await spool.append("in", [b"for all"])
    await spool.append("in", [b"for two"], target="second")
    assert await deliver(spool) == [b"for all"]
    assert await deliver(spool, "second") == [b"for all", b"for two"]
    assert sql(directory, "SELECT id FROM batches") == []
    balance = await spool.balance()
    assert balance.holds
    assert (balance.outputs["out"].accepted, balance.outputs["second"].accepted) == (1, 2)


async def test_a_target_frees_its_rows_before_slower_outputs(spool: Spool, directory: Path) -> None:
    """The others will never want them."""
    await spool.attach("second")
    await spool.append("in", [b"for all"])
    await spool.append("in", [b"for two"], target="second")
    await deliver(spool, "second")
    await indexed(spool)
    assert [row.data for row in stored(directory)] == [b"for all"]


async def test_an_output_that_comes_back_gets_nothing_of_its_old_rows(spool: Spool) -> None:
    """What was for it alone is deleted, from the file and from memory."""
    await spool.attach("old")
    await spool.append("in", [b"a"], target="old")
    await spool.append("in", [b"b"])
    assert await spool.retire(["out"]) == {"old": 2}
    assert texts(await spool.read("old", await spool.attach("old"), 1)) == [b"b"]


async def test_documents_may_come_joined(spool: Spool) -> None:
    """Many in one piece cost less; they are counted and packed like others."""
    joined = b"\0".join(b"%d" % (number % 10) * 60_000 for number in range(20))
    assert await spool.append("in", [b"a", joined]) == Taken(21, 0)
    assert await spool.append("in", [b"x\0y", b"z"], uids=["1", "2", "1"]) == Taken(2, 1)
    batches = await spool.read("out", 0, 2**21)
    assert b"\0".join(texts(batches)) == b"a\0" + joined + b"\0x\0y"
    assert max(len(batch.data) for batch in batches) <= ROW_BYTES
    assert sum(batch.count for batch in batches) == 23
    assert (await spool.balance()).holds


async def test_a_retired_output_is_forgotten(spool: Spool, directory: Path) -> None:
    """It is named with what it had not delivered, and holds back nobody any more."""
    await spool.attach("old")
    await spool.append("in", [b"a", b"b"])
    await spool.append("in", [b"c"], target="old")
    await deliver(spool)
    assert await spool.retire(["out"]) == {"old": 3}
    assert await spool.retire(["out"]) == {}
    assert sql(directory, "SELECT id FROM batches") == []
    assert list((await spool.balance()).outputs) == ["out"]
    assert await spool.empty()
    with pytest.raises(SpoolError, match="old"):
        await spool.read("old", 0, 1)
    with pytest.raises(SpoolError, match="old"):
        await spool.advance("old", Progress(1))
    with pytest.raises(ValueError, match="old"):
        spool.append("in", [b"d"], target="old")


async def test_numbers_that_do_not_fit_the_rows_are_refused(spool: Spool) -> None:
    """A delivery that miscounts is a bug; the accounts must not follow it."""
    await spool.append("in", [b"a", b"b"])
    for wrong in (Progress(1, 1), Progress(1, 3), Progress(0, 1), Progress(2, 2)):
        with pytest.raises(SpoolError, match="accounts for"):
            await spool.advance("out", wrong)
    await spool.advance("out", Progress(1, delivered=1, filtered=1))
    assert await spool.empty()
    assert (await spool.balance()).holds


async def test_a_refused_order_does_not_stop_its_neighbours(spool: Spool) -> None:
    """They share a transaction, not their fate."""
    await spool.append("in", [b"a"])
    wrong = spool.advance("out", Progress(1, delivered=5))
    right = spool.advance("out", Progress(1, delivered=1))
    append = spool.append("in", [b"b"])
    with pytest.raises(SpoolError):
        await wrong
    await right
    assert await append == Taken(1, 0)
    assert (await spool.balance()).holds


async def test_once_drops_what_was_taken_before(opened: Opener) -> None:
    """Within one call, across calls and across restarts, for each input on its own."""
    spool = await opened()
    await spool.attach("out")
    first = spool.append("in", [b"1", b"2", b"2 again"], uids=["1", "2", "2"])
    second = spool.append("in", [b"2", b"3"], uids=["2", "3"])
    assert (await first, await second) == (Taken(2, 1), Taken(1, 1))
    await spool.close()
    spool = await opened()
    assert await spool.append("in", [b"3", b"4"], uids=["3", "4"]) == Taken(1, 1)
    assert await spool.append("other", [b"3"], uids=["3"]) == Taken(1, 0)
    assert texts(await spool.read("out", 0, 10**6)) == [b"1", b"2", b"3", b"4", b"3"]
    assert (await spool.balance()).inputs["in"].repeated == 3
    assert await spool.unseen("in", ["4", "5", "odd \ud800 text"]) == {"5", "odd \ud800 text"}


async def test_a_page_of_repetitions_still_moves_the_checkpoint(spool: Spool) -> None:
    """Otherwise a poller would ask for the same page for ever."""
    await spool.append("in", [b"1"], uids=["1"], checkpoint={"walk": 1})
    assert await spool.append("in", [b"1"], uids=["1"], checkpoint={"walk": 2}) == Taken(0, 1)
    assert await spool.checkpoint("in", "walk") == 2


async def test_checkpoints_can_be_listed_set_moved_and_deleted(spool: Spool) -> None:
    """They are kept by input and stream."""
    await spool.append("in", [b"1"], uids=["1"], checkpoint={"b": [1], "a": None})
    await spool.set_checkpoint("in", "a", "now")
    await spool.set_checkpoint("taken", "a", 0)
    listed = await spool.checkpoints()
    assert [(c.input, c.stream, c.value) for c in listed] == [
        ("in", "a", "now"),
        ("in", "b", [1]),
        ("taken", "a", 0),
    ]
    with pytest.raises(SpoolError, match="taken"):
        await spool.move("in", "taken")
    assert await spool.move("in", "new") == 2
    assert await spool.checkpoint("in", "b") is None
    assert await spool.checkpoint("new", "b") == [1]
    assert await spool.unseen("new", ["1"]) == set()
    assert await spool.delete_checkpoints("new", "b") == 1
    assert await spool.delete_checkpoints("new") == 1
    assert [c.input for c in await spool.checkpoints()] == ["taken"]


async def test_a_checkpoint_is_asked_for_after_what_is_on_its_way(spool: Spool) -> None:
    """An input that was cancelled and started again must not go back behind its own events."""
    spool.append("in", [b"1"], uids=["1"], checkpoint={"walk": 1}).cancel()
    assert await spool.checkpoint("in", "walk") == 1
    spool.append("in", [], checkpoint={"walk": 2}).cancel()
    assert await spool.checkpoint("in", "walk") == 2
    spool.append("in", [b"2"], uids=["2"]).cancel()
    assert await spool.unseen("in", ["1", "2", "3"]) == {"3"}


async def test_the_first_kind_of_a_field_stays(opened: Opener) -> None:
    """It holds from the call on, for everybody, and is on disk with the events that brought it."""
    spool = await opened()
    first = spool.append("in", [b"1"], kinds={"acme_score": "double"})
    second = spool.append("other", [b"2"], kinds={"acme_score": "text", "acme_name": "text"})
    assert spool.kinds == {"acme_score": "double", "acme_name": "text"}
    await asyncio.gather(first, second)
    await spool.close()
    assert (await opened()).kinds == {"acme_score": "double", "acme_name": "text"}


async def test_empty_means_that_nobody_needs_anything(spool: Spool) -> None:
    """Neither on its way nor spooled."""
    assert await spool.empty()
    future = spool.append("in", [b"a"])
    assert not await spool.empty()
    await future
    assert not await spool.empty()
    waiting = asyncio.create_task(spool.until_empty())
    await deliver(spool)
    await waiting
    assert await spool.empty()


async def test_the_balance_knows_events_in_flight_and_ages(spool: Spool) -> None:
    """Received is more than accepted while a commit is under way."""
    future = spool.append("in", [b"a", b"b"])
    first = await spool.balance()
    await future
    then = await spool.balance()
    assert first.holds
    assert (then.inputs["in"].received, then.inputs["in"].accepted) == (2, 2)
    assert then.oldest is not None
    assert then.outputs["out"].oldest == then.oldest
    await deliver(spool)
    assert (await spool.balance()).oldest is None


async def test_what_cannot_be_stored_fails_at_the_call(spool: Spool) -> None:
    """One caller's mistake must not reach the writer, which works for all."""
    for documents in ([b"a"], [b"a\0b", b"c"]):
        with pytest.raises(ValueError, match="uids"):
            spool.append("in", documents, uids=["1", "2"])
    with pytest.raises(TypeError):
        spool.append("in", [b"a"], checkpoint={"walk": object()})
    with pytest.raises(ValueError):
        spool.append("in", [b"a"], checkpoint={"\ud800": 1})
    assert (await spool.balance()).inputs == {}
    assert spool.kinds == {}


async def test_close_commits_what_was_appended(opened: Opener) -> None:
    """And is safe twice, also at the same time."""
    spool = await opened()
    future = spool.append("in", [b"a"])
    await asyncio.gather(spool.close(), spool.close())
    await spool.close()
    assert await future == Taken(1, 0)
    with pytest.raises(SpoolError, match="closed"):
        spool.append("in", [b"b"])
    with pytest.raises(SpoolError, match="closed"):
        await spool.checkpoints()


async def test_close_wakes_readers(spool: Spool) -> None:
    """Nobody waits for ever."""
    reading = asyncio.create_task(spool.read("out", 0, 1))
    emptying = asyncio.create_task(spool.until_empty())
    await asyncio.sleep(0)
    await spool.close()
    with pytest.raises(SpoolError, match="closed"):
        await reading
    await emptying

"""What an output would never take: kept with its reason, within bounds, and tried again."""

from __future__ import annotations

import pytest

from bridge.spool import Buried, Progress, Spool
from tests.spool.conftest import Opener, deliver


async def test_buried_documents_become_dead_letters(opened: Opener) -> None:
    """With reason and input; they can be listed, read, deleted, and survive."""
    spool = await opened()
    await spool.attach("out")
    await spool.append("in", [b"good", b"bad", b"worse"])
    letters = (Buried(b"bad", "too \ud800 odd", "in"), Buried(b"worse", "x" * 5000, "in"))
    await spool.advance("out", Progress(1, delivered=1, buried=letters))
    assert (await spool.balance()).outputs["out"].buried == 2
    assert (await spool.balance()).holds
    await spool.close()

    spool = await opened()
    bad, worse = await spool.dead_letters()
    assert (bad.output, bad.input, bad.reason, bad.bytes) == ("out", "in", "too ? odd", 3)
    assert worse.reason == "x" * 1000
    assert await spool.dead_letters("another") == []
    assert await spool.dead_letters(after=bad.id) == [worse]
    assert await spool.dead_letters(limit=1) == [bad]
    assert await spool.document(worse.id) == b"worse"
    assert await spool.delete_dead([worse.id, 999]) == 1
    assert await spool.document(worse.id) is None
    assert await spool.dead_counts() == {"out": 1}


async def test_a_dead_letter_can_be_tried_again(spool: Spool) -> None:
    """It goes to the output that had buried it, and to no other."""
    await spool.attach("second")
    await spool.append("in", [b"bad"])
    await spool.advance("out", Progress(1, buried=(Buried(b"bad", "no", "in"),)))
    await deliver(spool, "second")
    (letter,) = await spool.dead_letters()
    assert await spool.retry_dead([letter.id, 999]) == 1
    assert await deliver(spool) == [b"bad"]
    assert await spool.dead_counts() == {}
    assert await spool.empty()
    balance = await spool.balance()
    assert balance.holds
    assert balance.outputs["out"].accepted == 2
    assert balance.inputs["in"].received == 1


async def test_a_dead_letter_of_an_output_that_is_gone_stays(spool: Spool) -> None:
    """Nobody would take it."""
    await spool.attach("old")
    await spool.append("in", [b"bad"])
    await spool.advance("old", Progress(1, buried=(Buried(b"bad", "no", "in"),)))
    await spool.retire(["out"])
    (letter,) = await spool.dead_letters()
    assert await spool.retry_dead([letter.id]) == 0
    assert await spool.document(letter.id) == b"bad"


async def test_dead_letters_have_a_bound_of_their_own(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest documents go, and that is counted."""
    monkeypatch.setattr(Spool, "max_dead_bytes", 250)
    spool = await opened()
    await spool.attach("out")
    documents = [b"%d" % n * 100 for n in range(4)]
    await spool.append("in", documents)
    letters = tuple(Buried(document, "no", "in") for document in documents)
    await spool.advance("out", Progress(1, buried=letters))
    assert [await spool.document(n) for n in (1, 2, 3, 4)] == [None, None, *documents[2:]]
    out = (await spool.balance()).outputs["out"]
    assert (out.buried, out.forgotten, out.holds) == (4, 2, True)

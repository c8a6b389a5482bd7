"""What can be read of a damaged file gets into a spool again, once."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import random
from itertools import accumulate, count
from pathlib import Path

import pytest

from bridge.config import SpoolConfig
from bridge.errors import SpoolError, SpoolLocked, SpoolTooNew
from bridge.spool import Progress, Spool
from bridge.spool.damage import files_aside
from bridge.spool.records import size_of
from bridge.spool.salvage import export, salvage
from bridge.spool.wreck import Wreck
from tests.spool.conftest import Opener, sql, texts
from tests.spool.wrecks import PAGE, SEGMENT, Image, flipped, make, marked

DEAD_LIMIT = 2**20
FLIPS = 30
OPENINGS = 16


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """One spool for all tests here."""
    return asyncio.run(make(tmp_path_factory.mktemp("image") / "spool"))


def found_in(path: Path) -> set[bytes]:
    """The events that can be read of a file."""
    with Wreck(path) as wreck:
        for _ in wreck.survey():
            pass
        return {row.data for row in wreck.rows()}


def expect(image: Image, path: Path, lost: int = 0) -> None:
    """Every event is found, but for the one that was damaged itself."""
    missing = set(image.waiting.values()) - found_in(path)
    assert missing <= {marked(lost)}, f"lost: {[event[:8] for event in missing]}"


def test_everything_is_found_in_a_sound_file(image: Image, tmp_path: Path) -> None:
    assert len(image.wal) > 20 * PAGE
    assert len(image.main) > 10 * PAGE
    assert len(image.rows) > 20 * PAGE
    expect(image, image.write(tmp_path))


def event_at(image: Image, place: int) -> int:
    """The number of the event whose record holds a place of the segment."""
    ends = accumulate(size_of("in", None, len(marked(n))) for n in count(1))
    return next(number for number, end in enumerate(ends, 1) if place < end)


def flip_and_read(image: Image, folder: Path, seed: int, times: int) -> None:
    """Bits here and there, in each of the files; each is looked for by itself."""
    chance = random.Random(seed)
    for _ in range(times):
        bit, place = chance.randrange(8), chance.randrange(len(image.rows))
        expect(image, image.write(folder, main=flipped(image.main, place % len(image.main), bit)))
        expect(image, image.write(folder, wal=flipped(image.wal, place % len(image.wal), bit)))
        path = image.write(folder, rows=flipped(image.rows, place, bit))
        expect(image, path, event_at(image, place))


def test_a_flipped_bit_costs_no_more_than_its_row(image: Image, tmp_path: Path) -> None:
    flip_and_read(image, tmp_path, 0, FLIPS)


def test_a_segment_that_ends_too_early_gives_what_is_left(image: Image, tmp_path: Path) -> None:
    for end in range(0, len(image.rows), 4 * PAGE):
        path = image.write(tmp_path, rows=image.rows[:end])
        whole = {marked(number) for number in range(1, event_at(image, end))}
        assert found_in(path) & set(image.waiting.values()) == whole & set(image.waiting.values())


@pytest.mark.parametrize("suffixes", [("",), ("-wal",), ("", "-wal")])
def test_the_rows_are_found_without_the_rest(
    image: Image, tmp_path: Path, suffixes: tuple[str, ...]
) -> None:
    """The database, its WAL, or both are gone."""
    path = image.write(tmp_path)
    for suffix in suffixes:
        path.with_name(path.name + suffix).unlink()
    expect(image, path)


def places(image: Image, count: int, seed: int) -> list[tuple[str, int]]:
    """Where to flip bits: half of them in headers, where much depends on a bit."""
    chance = random.Random(seed)
    found = [("main", chance.randrange(100)) for _ in range(count // 4)]
    found += [("main", chance.randrange(len(image.main))) for _ in range(count // 8)]
    found += [("wal", chance.randrange(32)) for _ in range(count // 4)]
    found += [("wal", chance.randrange(len(image.wal))) for _ in range(count // 8)]
    return found + [("rows", chance.randrange(len(image.rows))) for _ in range(count // 4)]


async def works(directory: Path) -> None:
    """A spool runs on the files: it takes an event and everything gets through to it."""
    async with asyncio.timeout(20):
        spool = await Spool.open(SpoolConfig(directory=directory, min_free_bytes=0))
        position = await spool.attach("out")
        await spool.append("in", [b"new"])
        seen: list[bytes] = []
        while b"new" not in seen:
            batches = await spool.read("out", position, 2**20)
            seen += texts(batches)
            steps = (Progress(batch.id, delivered=batch.count) for batch in batches)
            await asyncio.gather(*(spool.advance("out", step) for step in steps))
            position = batches[-1].id
        assert await spool.empty()
        await spool.close()


async def flip_and_run(image: Image, folder: Path, seed: int, times: int) -> None:
    """The spool works, sets the file aside, or takes it for one of a newer version."""
    for number, (name, place) in enumerate(places(image, times, seed)):
        directory = folder / str(number)
        image.write(directory, **{name: flipped(getattr(image, name), place, number % 8)})
        try:
            await works(directory)
        except SpoolTooNew:
            assert name == "main"
            assert 60 <= place < 64


async def test_a_flipped_bit_never_stops_the_spool(image: Image, tmp_path: Path) -> None:
    await flip_and_run(image, tmp_path, 5, OPENINGS)


@pytest.mark.parametrize("place", [18, 19, 44, 45, 46, 47])
async def test_another_number_of_the_format_never_stops_the_spool(
    image: Image, tmp_path: Path, place: int
) -> None:
    """SQLite takes it for that of a newer one, and not for damage."""
    for bit in range(8):
        image.write(tmp_path / f"{bit}", main=flipped(image.main, place, bit))
        await works(tmp_path / f"{bit}")


async def test_a_cut_never_stops_the_spool(image: Image, tmp_path: Path) -> None:
    """At the border of pages, with the WAL and without it; and in the segment."""
    for end in range(0, len(image.main) + 1, 5 * PAGE):
        image.write(tmp_path / f"{end}", main=image.main[:end])
        await works(tmp_path / f"{end}")
        image.write(tmp_path / f"{end}-alone", main=image.main[:end], wal=b"")
        await works(tmp_path / f"{end}-alone")
    for end in range(0, len(image.rows), 10 * PAGE):
        image.write(tmp_path / f"{end}-rows", rows=image.rows[:end])
        await works(tmp_path / f"{end}-rows")


async def test_a_segment_that_is_gone_never_stops_the_spool(image: Image, tmp_path: Path) -> None:
    path = image.write(tmp_path / "spool")
    (path.with_name("worker-0.db-rows") / SEGMENT).unlink()
    await works(path.parent)


# Into a spool


def broken(image: Image, folder: Path) -> Path:
    """The spool without its first page."""
    return image.write(folder, main=bytes(PAGE) + image.main[PAGE:])


async def held(directory: Path, output: str = "out") -> list[bytes]:
    """What a spool would deliver."""
    spool = await Spool.open(SpoolConfig(directory=directory, min_free_bytes=0))
    position = await spool.attach(output)
    found = texts(await spool.read(output, position, 2**30)) if not await spool.empty() else []
    assert (await spool.balance()).holds
    await spool.close()
    return found


async def test_what_waited_goes_on_in_order_once(image: Image, tmp_path: Path) -> None:
    """Behind what was spooled since; a second time nothing is doubled."""
    wreck, directory = broken(image, tmp_path / "wreck"), tmp_path / "spool"
    spool = await Spool.open(SpoolConfig(directory=directory, min_free_bytes=0))
    await spool.attach("out")
    await spool.append("in", [b"since"])
    await spool.close()
    found = salvage(wreck, directory, DEAD_LIMIT)
    assert (found.rows, found.missing, found.again) == (len(image.waiting), 0, 0)
    assert await held(directory) == [b"since", *image.waiting.values()]
    assert found.letters == 7
    assert found.small["checkpoints"] == 1
    again = salvage(wreck, directory, DEAD_LIMIT)
    assert (again.rows, again.again, again.letters) == (0, len(image.waiting), 0)
    assert await held(directory) == [b"since", *image.waiting.values()]


async def test_a_damaged_spool_gets_back_what_it_had(
    opened: Opener, directory: Path, image: Image
) -> None:
    """Set aside at the start, salvaged afterwards: nothing is lost, and the accounts hold."""
    broken(image, directory)
    spool = await opened(min_free_bytes=0)
    await spool.attach("out")
    (aside,) = spool.aside
    assert (await spool.balance()).outputs["out"].dropped == len(image.waiting)
    await spool.close()
    found = salvage(aside, directory, DEAD_LIMIT)
    assert found.rows == len(image.waiting)
    assert found.is_whole
    assert await held(directory) == list(image.waiting.values())


def test_the_running_bridge_is_left_alone(image: Image, tmp_path: Path) -> None:
    wreck, directory = broken(image, tmp_path / "wreck"), tmp_path / "spool"

    async def try_it() -> None:
        spool = await Spool.open(SpoolConfig(directory=directory))
        with pytest.raises(SpoolLocked):
            salvage(wreck, directory, DEAD_LIMIT)
        await spool.close()

    asyncio.run(try_it())


def test_an_outputs_events_stay_its_own(image: Image, tmp_path: Path) -> None:
    """What one output had passed goes to the other one only."""
    directory = tmp_path / "spool"

    async def fill() -> None:
        spool = await Spool.open(SpoolConfig(directory=directory, min_free_bytes=0))
        for output in ("quick", "slow"):
            await spool.attach(output)
        for number in range(1, 5):
            await spool.append("in", [marked(number)])
        await spool.append("in", [b"for one"], target="slow")
        await spool.advance("quick", Progress(2, delivered=2))
        await spool.close()

    asyncio.run(fill())
    content = (directory / "worker-0.db").read_bytes()
    (directory / "worker-0.db").write_bytes(bytes(PAGE) + content[PAGE:])
    asyncio.run(held(directory, "quick"))
    (aside,) = files_aside(directory / "worker-0.db")
    salvage(aside, directory, DEAD_LIMIT)
    assert asyncio.run(held(directory, "quick")) == [marked(3), marked(4)]
    slow = asyncio.run(held(directory, "slow"))
    assert slow == [marked(1), marked(2), marked(3), marked(4), b"for one"]


def test_documents_can_go_into_a_file(image: Image, tmp_path: Path) -> None:
    """One a line, and the spool of nobody is touched."""
    output = io.BytesIO()
    found = export(broken(image, tmp_path / "wreck"), output)
    assert output.getvalue().splitlines() == list(image.waiting.values())
    assert found.events == len(image.waiting)


def test_a_full_disk_is_told(image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the same command goes on later."""
    wreck, directory = broken(image, tmp_path / "wreck"), tmp_path / "spool"
    directory.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr("bridge.spool.store.RESERVE_BYTES", 2**60)
        with pytest.raises(SpoolError, match="salvage the same file again"):
            salvage(wreck, directory, DEAD_LIMIT)
    with monkeypatch.context() as patch:
        patch.setattr("bridge.spool.segments.write_rows", full)
        with pytest.raises(SpoolError, match=r"^No space left on device: make room"):
            salvage(wreck, directory, DEAD_LIMIT)
    assert salvage(wreck, directory, DEAD_LIMIT).rows == len(image.waiting)
    assert sql(directory, "PRAGMA integrity_check") == [("ok",)]


def full(*rows: object) -> None:
    """A disk that takes nothing any more."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_what_is_lost_is_counted(image: Image, tmp_path: Path) -> None:
    """By rows that must have been there, and by what could not be read."""
    rows = image.rows.replace(b"<000030>", bytes(8))
    found = export(image.write(tmp_path / "wreck", rows=rows), io.BytesIO())
    assert (found.rows, found.missing) == (len(image.waiting) - 1, 1)
    assert found.unreadable["rows"] == 1
    assert not found.is_whole


def test_without_accounts_nobody_says_that_it_is_whole(image: Image, tmp_path: Path) -> None:
    """The first tables of the file are gone."""
    wal = image.wal.replace(b"outputout", b"outpu\xfeout")
    main = image.main.replace(b"outputout", b"outpu\xfeout")
    found = export(image.write(tmp_path / "wreck", main=main, wal=wal), io.BytesIO())
    assert not found.accounts.outputs
    assert not found.is_whole
    assert found.rows >= len(image.waiting)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SpoolError, match="there is no spool file"):
        export(tmp_path / "nothing", io.BytesIO())

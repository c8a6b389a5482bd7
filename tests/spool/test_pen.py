"""Who writes rows: both kinds do it in order, and nothing behind what failed."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.native import core
from bridge.spool.pen import CompiledPen, Pen, PythonPen
from bridge.spool.records import CHECKED, signed
from bridge.spool.segments import Portion

NOWHERE = -1
KINDS = [
    pytest.param(
        CompiledPen,
        marks=pytest.mark.skipif(core is None, reason="the compiled parts are not installed"),
    ),
    PythonPen,
]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Callable[[], Pen]:
    made: Callable[[], Pen] = request.param
    return made


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    with (tmp_path / "rows").open("w+b") as opened:
        yield opened.fileno()


def portion(file: int, start: int, text: bytes) -> Portion:
    return Portion(file, 1, start, start + CHECKED + len(text), [(bytes(CHECKED), text)])


def written(text: bytes) -> bytes:
    return signed(bytes(CHECKED), text) + text


async def test_portions_are_on_the_disk_when_it_says_so(
    kind: Callable[[], Pen], file: int, tmp_path: Path
) -> None:
    pen = kind()
    texts = [b"%d" % number * 1000 for number in range(10)]
    size = len(written(texts[0]))
    await asyncio.gather(*(pen.write(portion(file, i * size, t)) for i, t in enumerate(texts)))
    assert (tmp_path / "rows").read_bytes() == b"".join(map(written, texts))
    pen.close()


async def test_nothing_is_written_behind_what_failed(
    kind: Callable[[], Pen], file: int, tmp_path: Path
) -> None:
    """Until it is told to go on."""
    pen = kind()
    ends = [pen.write(portion(NOWHERE, 0, b"a")), pen.write(portion(file, 0, b"b"))]
    errors = await asyncio.gather(*ends, return_exceptions=True)
    assert [getattr(one, "errno", 0) for one in errors] == [errno.EBADF, errno.ECANCELED]
    assert (tmp_path / "rows").read_bytes() == b""
    pen.go_on()
    await pen.write(portion(file, 0, b"c"))
    assert (tmp_path / "rows").read_bytes() == written(b"c")
    pen.close()

"""Walking a list that changes between two pages: no row slips past."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import Retryable
from bridge.inputs.cylance.streams import DETECTIONS, DEVICES, THREATS, Stream
from bridge.inputs.cylance.walk import Envelope, Found, Walk, envelope
from tests.clocks import VirtualClock

BASE = 1_700_000_000
OVERLAP = 1800.0


def at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def threat(number: int, seconds: float) -> dict[str, Any]:
    return {"sha256": f"{number:064x}", "last_found": at(seconds), "exact": seconds}


class Shown:
    """A list as the API shows it; `between` runs between two requests."""

    def __init__(self, rows: list[dict[str, Any]], size: int = 10) -> None:
        self.rows = rows
        self.size = size
        self.asked: list[tuple[int, float | None, float | None]] = []
        self.honours_since = True
        self.honours_until = True
        self.until_inclusive = True
        self.replies: list[dict[str, Any]] = []
        """Wrong numbers for the next replies, in order."""

    def between(self) -> None:
        """Nothing happens."""

    async def ask(self, page: int, low: float | None, high: float | None) -> Envelope:
        self.asked.append((page, low, high))
        if len(self.asked) > 1:
            self.between()
        found = [row for row in self.rows if self._is_shown(row["exact"], low, high)]
        found.sort(key=lambda row: -row["exact"])
        reply = {
            "page_number": page,
            "page_size": self.size,
            "total_pages": -(-len(found) // self.size),
            "total_number_of_items": len(found),
            "page_items": found[(page - 1) * self.size : page * self.size],
        }
        return envelope(reply | (self.replies.pop(0) if self.replies else {}), page)

    def _is_shown(self, seconds: float, low: float | None, high: float | None) -> bool:
        if low is not None and self.honours_since and seconds < low:
            return False
        if high is None or not self.honours_until:
            return True
        return seconds <= high if self.until_inclusive else seconds < high


class Walked:
    """What a walk gave."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.reached: list[float] = []

    @property
    def ids(self) -> set[str]:
        return {item["sha256"] for item in self.items}


async def walk(
    shown: Shown,
    since: float = BASE,
    until: float | None = None,
    now: float = BASE + 86_400,
    stream: Stream = THREATS,
    walked: Walked | None = None,
) -> Walked:
    walked = walked or Walked()
    clock = VirtualClock(now)
    async for found in Walk(stream, shown.ask, clock, lambda: now, OVERLAP).between(since, until):
        assert isinstance(found, Found)
        walked.items += found.items
        if found.reached is not None:
            walked.reached.append(found.reached)
    return walked


def spread(count: int, seconds: float = 80_000) -> list[dict[str, Any]]:
    return [threat(number, BASE + number * seconds / count) for number in range(count)]


async def test_a_short_list_is_one_request() -> None:
    shown = Shown(spread(7))
    walked = await walk(shown)
    assert [item["sha256"] for item in walked.items] == [row["sha256"] for row in shown.rows]
    assert shown.asked == [(1, BASE - 1, None)]


async def test_a_long_list_is_cut_into_slices_that_fit_one_page() -> None:
    """So one reply shows a slice whole, and nothing can move between two pages."""
    shown = Shown(spread(500), size=20)
    walked = await walk(shown)
    assert walked.ids == {row["sha256"] for row in shown.rows}
    assert {page for page, _, _ in shown.asked} == {1}
    assert len(shown.asked) < 60
    assert walked.reached[:-1] == sorted(walked.reached[:-1])


async def test_rows_come_oldest_first() -> None:
    walked = await walk(Shown(spread(300)))
    first_shown = list(dict.fromkeys(item["exact"] for item in walked.items))
    assert first_shown == sorted(first_shown)


@pytest.mark.parametrize("inclusive", [True, False])
async def test_it_does_not_matter_whether_the_end_is_inclusive(inclusive: bool) -> None:
    shown = Shown([threat(number, BASE + number // 3) for number in range(600)], size=20)
    shown.until_inclusive = inclusive
    walked = await walk(shown, now=BASE + 1000)
    assert walked.ids == {row["sha256"] for row in shown.rows}


async def test_more_rows_in_a_second_than_fit_a_page_are_paged() -> None:
    shown = Shown([threat(number, BASE + 100) for number in range(95)])
    walked = await walk(shown)
    assert len(walked.ids) == 95
    assert max(page for page, _, _ in shown.asked) == 10


async def test_a_row_that_slips_past_a_page_border_is_found_by_walking_again() -> None:
    """After page 1 a row of it is deleted: what was first on page 2 is last on page 1 now."""
    rows = [threat(number, BASE + 100) for number in range(35)]

    class Deleting(Shown):
        def between(self) -> None:
            if self.asked[-1][0] == 2 and len(self.rows) == 35:
                del self.rows[0]

    shown = Deleting(rows)
    expected = {row["sha256"] for row in rows}
    assert (await walk(shown)).ids == expected


async def test_a_row_that_is_replaced_by_a_late_one_hides_nothing() -> None:
    """One goes, one comes: every reply says the same total, and still a row was not seen."""
    rows = [threat(number, BASE + 100) for number in range(30)]

    class Swapping(Shown):
        swapped = False

        def between(self) -> None:
            if self.asked[-1][0] == 2 and not self.swapped:
                self.swapped = True
                self.rows.pop(0)
                self.rows.append(threat(99, BASE + 100))

    shown = Swapping(rows)
    walked = await walk(shown)
    assert {row["sha256"] for row in shown.rows} <= walked.ids


async def test_a_list_that_never_holds_still_is_no_complete_walk() -> None:
    """What it showed was given; how far it reaches is not said."""

    class Shrinking(Shown):
        def between(self) -> None:
            if self.asked[-1][0] == 2:
                del self.rows[0]

    shown = Shrinking([threat(number, BASE + 100) for number in range(95)])
    walked = Walked()
    with pytest.raises(Retryable, match="does not hold still"):
        await walk(shown, walked=walked)
    assert len(walked.ids) > 80
    assert all(reached <= BASE + 100 for reached in walked.reached)


async def test_a_page_without_its_rows_is_asked_for_again() -> None:
    shown = Shown(spread(5))
    shown.replies = [{"page_items": []}, {"page_items": []}]
    assert len((await walk(shown)).ids) == 5
    assert len(shown.asked) == 3


async def test_that_a_long_time_holds_nothing_is_believed_when_it_is_said_twice() -> None:
    shown = Shown(spread(5))
    shown.replies = [{"page_items": [], "total_number_of_items": 0, "total_pages": 0}]
    assert len((await walk(shown)).ids) == 5


async def test_a_quiet_minute_is_believed_at_once() -> None:
    """The next round asks for it again."""
    shown = Shown([])
    walked = await walk(shown, since=BASE - 1800, now=BASE)
    assert len(shown.asked) == 1
    assert walked.reached == [BASE - OVERLAP]


async def test_a_walk_reaches_as_far_as_its_newest_row_but_not_into_the_future() -> None:
    now = BASE + 86_400
    assert (await walk(Shown([threat(1, now - 60)]))).reached == [now - 60]
    assert (await walk(Shown([threat(1, now + 600)]))).reached == [now]
    assert (await walk(Shown([threat(1, BASE)]))).reached == [now - OVERLAP]


async def test_a_walk_to_a_given_time_ends_there() -> None:
    shown = Shown(spread(500), size=20)
    walked = await walk(shown, until=BASE + 40_000)
    assert walked.reached[-1] == BASE + 40_000
    wanted = {row["sha256"] for row in shown.rows if row["exact"] <= BASE + 40_000}
    assert walked.ids == wanted


@pytest.mark.parametrize("ignored", ["honours_since", "honours_until"])
async def test_a_server_that_ignores_bounds_is_walked_page_by_page(ignored: str) -> None:
    """It costs more, but nothing is missed, and it ends."""
    rows = spread(100) + [threat(1000 + number, BASE - 90_000 - number) for number in range(20)]
    shown = Shown(rows)
    setattr(shown, ignored, False)
    walked = await walk(shown)
    assert {row["sha256"] for row in spread(100)} <= walked.ids
    assert len(shown.asked) < 60


async def test_a_bound_on_another_time_than_the_one_that_is_shown_does_no_harm() -> None:
    """Detections: whether `start` means OccurrenceTime or ReceivedTime is not documented."""
    rows = [
        {
            "sha256": str(number),
            "ReceivedTime": at(BASE + number * 100) + "Z",
            "OccurrenceTime": at(BASE + number * 100 - 900) + "Z",
            "exact": BASE + number * 100 - 900,
        }
        for number in range(200)
    ]
    shown = Shown(rows)
    walked = await walk(shown, since=BASE - 1000, stream=DETECTIONS)
    assert len(walked.ids) == 200
    assert {page for page, _, _ in shown.asked} == {1}


async def test_a_list_without_times_is_read_whole() -> None:
    shown = Shown([threat(number, BASE) for number in range(45)])
    clock = VirtualClock()
    found = [
        item["sha256"]
        async for items in Walk(DEVICES, shown.ask, clock, clock.now, OVERLAP).everything()
        for item in items
    ]
    assert len(found) == len(set(found)) == 45
    assert all(low is None and high is None for _, low, high in shown.asked)


GOOD = {
    "page_number": 1,
    "total_pages": 1,
    "page_size": 10,
    "total_number_of_items": 1,
    "page_items": [{}],
}


@pytest.mark.parametrize(
    "reply",
    [
        None,
        [],
        "text",
        {},
        GOOD | {"page_items": None},
        GOOD | {"page_items": {}},
        GOOD | {"page_number": "1"},
        GOOD | {"page_number": True},
        GOOD | {"total_number_of_items": -1},
        GOOD | {"page_number": 2},
        {name: value for name, value in GOOD.items() if name != "total_pages"},
    ],
)
def test_what_is_no_page_is_no_answer(reply: Any) -> None:
    with pytest.raises(Retryable):
        envelope(reply, 1)


def test_a_row_that_is_no_object_becomes_one() -> None:
    found = envelope(GOOD | {"page_items": ["odd", {"a": 1}]}, 1)
    assert found.items == [{"item": "odd"}, {"a": 1}]


@settings(deadline=None, derandomize=True)
@given(
    stamps=st.lists(st.integers(0, 4000), max_size=120),
    size=st.integers(1, 12),
    seed=st.integers(0, 1000),
)
async def test_whatever_the_times_are_every_row_that_stays_is_found(
    stamps: list[int], size: int, seed: int
) -> None:
    """Rows come and go between any two requests; those that were there all the time are found."""
    rows = [threat(number, BASE + stamp) for number, stamp in enumerate(stamps)]
    random_ = random.Random(seed)
    fresh = iter(range(10_000, 10_400))

    class Living(Shown):
        changes = 6

        def between(self) -> None:
            if self.changes and random_.random() < 0.3:
                self.changes -= 1
                if self.rows and random_.random() < 0.5:
                    gone.add(self.rows.pop(random_.randrange(len(self.rows)))["sha256"])
                else:
                    self.rows.append(threat(next(fresh), BASE + random_.randrange(4000)))

    gone: set[str] = set()
    shown = Living(list(rows), size)
    walked = await walk(shown, now=BASE + 4000)
    assert {row["sha256"] for row in rows} - gone <= walked.ids

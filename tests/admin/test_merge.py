"""Several processes speak as one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.admin import merge, spread
from bridge.admin.snapshot import Component, Count, Deviation, SpoolState
from bridge.config import SpoolConfig
from bridge.httpd import Refusal
from bridge.spool import InputBalance, OutputBalance
from bridge.spool.schema import LETTERS

INPUT = Component(
    kind="input",
    id="malops",
    type="cef",
    state="ok",
    detail="listening",
    since=10.0,
    balance=InputBalance(received=5, accepted=3, repeated=1, in_flight=1),
    counts=[Count("refused", "allow_from", 2)],
    deviations=[Deviation("192.0.2.1", "odd", "is odd", 4)],
)
OUTPUT = replace(
    INPUT,
    kind="output",
    id="graylog",
    type="gelf_tcp",
    balance=OutputBalance(10, 4, 3, 1, 1, 1, 0, 100.0),
    counts=[],
    deviations=[],
    dead=1,
)


def test_counts_and_accounts_add_up() -> None:
    later = replace(OUTPUT, balance=OutputBalance(20, 20, 0, 0, 0, 0, 0, None))
    [malops, graylog] = merge.components({0: [INPUT, OUTPUT], 1: [INPUT, later]})
    assert malops.balance == InputBalance(10, 6, 2, 2)
    assert malops.counts == [Count("refused", "allow_from", 4)]
    assert malops.deviations == [Deviation("192.0.2.1", "odd", "is odd", 8)]
    assert graylog.balance == OutputBalance(30, 24, 3, 1, 1, 1, 0, 100.0)
    assert graylog.balance.holds
    assert graylog.dead == 2


@pytest.mark.parametrize("worst", ["failed", "retrying", "starting", "stopping", "stopped"])
def test_the_worst_state_counts_and_says_which_worker_it_is(worst: str) -> None:
    unwell = replace(INPUT, state=worst, detail="cannot listen", since=50.0)
    [found] = merge.components({0: [INPUT], 3: [unwell]})
    assert (found.state, found.detail, found.since) == (worst, "worker 3: cannot listen", 50.0)


def test_a_detail_that_all_share_is_told_once() -> None:
    [found] = merge.components({0: [INPUT], 1: [INPUT]})
    assert found.detail == "listening"


def test_only_accounts_are_left_of_what_only_a_former_worker_had() -> None:
    """Whoever has the component at work says how it is."""
    left = replace(INPUT, type="", state="removed", detail="", counts=[], deviations=[])
    [found] = merge.components({0: [INPUT], 4: [left]})
    assert (found.type, found.state) == ("cef", "ok")
    assert found.balance == InputBalance(10, 6, 2, 2)
    [removed] = merge.components({4: [left]})
    assert removed.state == "removed"


def test_what_a_process_had_counted_outlives_it_without_its_accounts() -> None:
    """Those are in its spool, and its successor has them."""
    [gone] = merge.past([INPUT, OUTPUT])
    [found] = merge.components({0: [INPUT], -1: [gone]})
    assert found.counts == [Count("refused", "allow_from", 4)]
    assert found.balance == INPUT.balance


def test_the_files_of_all_workers_are_one_spool(tmp_path: Path) -> None:
    one = SpoolState("a", 10, 50, 7.0, "", "", ["b.damaged"])
    two = replace(one, bytes=5, oldest=None, full="50 bytes are taken", aside=["a.damaged"])
    config = SpoolConfig(directory=tmp_path, max_bytes=100)
    found = merge.spool({0: one, 1: two}, config)
    assert (found.bytes, found.max_bytes, found.oldest) == (15, 100, 7.0)
    assert found.full == "worker 1: 50 bytes are taken"
    assert found.aside == ["a.damaged", "b.damaged"]


def asks(asked: list[Any]) -> spread.Asks:
    """Two files with two dead letters each."""

    def file(worker: int) -> spread.Ask:
        async def ask(method: str, path: str, query: spread.Query) -> Any:
            asked.append((worker, path, dict(query)))
            if path == "/dead":
                after, limit = int(query.get("after", 0)), int(query["limit"])
                ids = [worker * LETTERS + number for number in (1, 2)]
                return [{"id": one} for one in ids if one > after][:limit]
            return {"count": 2, "document": str(worker)}

        return ask

    return {0: file(0), 2: file(2)}


async def test_dead_letters_come_page_by_page_from_one_file_after_the_other() -> None:
    found: list[int] = []
    while page := await spread.letters(
        asks([]), {"limit": "1", "after": str(found[-1] if found else 0)}
    ):
        found += [one["id"] for one in page]
    assert found == [1, 2, 2 * LETTERS + 1, 2 * LETTERS + 2]


async def test_an_id_leads_to_the_file_that_has_the_letter() -> None:
    asked: list[Any] = []
    assert (await spread.letter(asks(asked), {"id": str(2 * LETTERS + 1)}))["document"] == "2"
    ids = f"1,{2 * LETTERS + 1},2"
    assert await spread.retry(asks(asked), {"ids": ids}) == {"count": 4}
    assert asked[1:] == [
        (0, "/dead/retry", {"ids": "1,2"}),
        (2, "/dead/retry", {"ids": str(2 * LETTERS + 1)}),
    ]
    assert await spread.drop(asks(asked), {"all": "yes"}) == {"count": 4}


async def test_a_letter_that_no_file_has_is_refused() -> None:
    with pytest.raises(Refusal, match="no dead letter"):
        await spread.letter(asks([]), {"id": str(7 * LETTERS)})
    with pytest.raises(Refusal, match="ids are numbers"):
        await spread.drop(asks([]), {"ids": "one"})

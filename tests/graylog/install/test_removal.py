"""Removing what was installed, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.graylog.client import Graylog, GraylogError
from bridge.graylog.plan import Consent, Refused
from bridge.testing.graylog_rest import FakeGraylogApi
from tests.graylog.install.acts import (
    ALL,
    everywhere,
    holdings,
    install,
    remove,
    titles,
)


@everywhere
async def test_a_removal_leaves_nothing_of_ours_and_touches_nothing_else(
    fake: FakeGraylogApi, graylog: Graylog
) -> None:
    held = holdings(fake)
    choices = replace(
        ALL,
        extras=ALL.extras | {"lookups"},
        intel_url="https://intel.example.org/${key}",
        csv_path="/etc/graylog/files.csv",
    )
    await install(graylog, choices)
    assert holdings(fake) != held
    await remove(graylog, Consent())
    assert holdings(fake) == held
    assert titles(await remove(graylog, Consent())) == []


async def test_a_removal_keeps_the_events_unless_told_otherwise(
    fake: FakeGraylogApi, graylog: Graylog
) -> None:
    await install(graylog)
    todo = await remove(graylog, Consent(), events=False)
    assert "stays with its events" in todo.notes[-1]
    assert len(fake.state.index_sets) == 3
    assert len(fake.state.profiles) == 1
    await install(graylog)
    assert len(fake.state.index_sets) == 3


async def test_a_removal_stops_at_what_was_edited(fake: FakeGraylogApi, graylog: Graylog) -> None:
    await install(graylog, ALL)
    view = next(row for row in fake.state.views.values() if row["title"] == "Bridge health")
    view["summary"] = "Ours now"
    with pytest.raises(Refused, match="dashboard Bridge health: was edited"):
        await remove(graylog, Consent())
    await remove(graylog, Consent(keep=True))
    assert [row["title"] for row in fake.state.views.values()] == ["Bridge health"]


@pytest.mark.parametrize("steps", [3, 8, 22])
async def test_an_interrupted_removal_is_finished_by_the_next(
    steps: int, fake: FakeGraylogApi, graylog: Graylog
) -> None:
    held = holdings(fake)
    await install(graylog, ALL)
    fake.fail_after = steps
    with pytest.raises(GraylogError):
        await remove(graylog, Consent())
    fake.fail_after = None
    await remove(graylog, Consent())
    assert holdings(fake) == held

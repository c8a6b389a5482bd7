"""What the tests of the installation do to a server, and ask of it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bridge.graylog.client import Graylog
from bridge.graylog.entity import Entity
from bridge.graylog.installer import Choices, plan_installation
from bridge.graylog.plan import Consent, Plan, carry_out
from bridge.graylog.removal import plan_removal
from bridge.graylog.survey import survey
from bridge.testing.graylog_rest import FakeGraylogApi

PLAIN = Choices()
ALL = Choices(extras=frozenset({"dashboards", "alerts"}))
TABLES = (
    *("rules", "pipelines", "streams", "index_sets", "profiles", "inputs", "caches", "adapters"),
    *("tables", "views", "definitions", "shares"),
)

everywhere = pytest.mark.parametrize(
    ("version", "pipelines_first"),
    [("6.3.7", False), ("6.3.7", True), ("7.0.1", False), ("7.0.1", True)],
    indirect=True,
    ids=["6.x", "6.x pipelines first", "7.x", "7.x pipelines first"],
)
"""Both shapes of the API, and both orders of the processors."""


def source(kind: str, name: str, body: str = "") -> dict[str, Any]:
    inner = 'when true then set_field("a", "b");' if kind == "rule" else "stage 0 match pass"
    text = f'{kind} "{name}"\n{body or inner}\nend\n'
    return {"title": name, "description": None, "source": text, "_scope": "DEFAULT"}


def holdings(fake: FakeGraylogApi) -> dict[str, Any]:
    """Everything that the server holds, connections without those that hold nothing."""
    state = fake.state
    held = {name: copy.deepcopy(getattr(state, name)) for name in TABLES}
    held["connections"] = {
        stream: list(row["pipeline_ids"])
        for stream, row in state.connections.items()
        if row["pipeline_ids"]
    }
    return held | {"allowed": copy.deepcopy(state.allowed)}


async def plan(graylog: Graylog, choices: Choices = PLAIN) -> Plan:
    return await plan_installation(graylog, await survey(graylog), choices)


async def take(graylog: Graylog, todo: Plan) -> list[Entity]:
    """Carry a plan out; what was saved on the way."""
    saved: list[Entity] = []
    await carry_out(graylog, todo, lambda step: None, saved.append)
    return saved


async def install(graylog: Graylog, choices: Choices = PLAIN) -> list[Entity]:
    return await take(graylog, await plan(graylog, choices))


async def remove(graylog: Graylog, consent: Consent, *, events: bool = True) -> Plan:
    todo = await plan_removal(graylog, await survey(graylog), consent, events=events)
    await take(graylog, todo)
    return todo


def named(table: dict[str, dict[str, Any]], title: str) -> dict[str, Any]:
    [found] = [row for row in table.values() if row.get("title", row.get("name")) == title]
    return found


def titles(todo: Plan) -> list[str]:
    return [f"{step.verb} {step.title}" for step in todo.steps]


def connected(fake: FakeGraylogApi, stream: str) -> list[str]:
    return list(fake.state.connections.get(stream, {"pipeline_ids": []})["pipeline_ids"])

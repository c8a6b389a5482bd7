"""Removing from a server what the bridge made, and nothing else."""

from __future__ import annotations

from typing import Final

from bridge.graylog.client import Graylog
from bridge.graylog.entity import Kind
from bridge.graylog.kinds.events import DEFINITIONS
from bridge.graylog.kinds.indices import INDEX_SETS, PROFILES, FieldTypes
from bridge.graylog.kinds.inputs import INPUTS
from bridge.graylog.kinds.lookups import ADAPTERS, CACHES, TABLES
from bridge.graylog.kinds.rules import PIPELINES, RULES, Disconnected
from bridge.graylog.kinds.streams import STREAMS
from bridge.graylog.kinds.views import DASHBOARDS, SEARCHES
from bridge.graylog.lookups import forbidden
from bridge.graylog.plan import Consent, Plan, Planner
from bridge.graylog.survey import MORE, Server, demand

_ORDER: Final[tuple[Kind, ...]] = (
    *(DEFINITIONS, SEARCHES, DASHBOARDS, PIPELINES, RULES),
    *(TABLES, ADAPTERS, CACHES, STREAMS, INPUTS),
)
"""First what looks at others, then what is looked at."""


async def plan_removal(
    graylog: Graylog, server: Server, consent: Consent, *, events: bool = False
) -> Plan:
    """Everything that is to be removed, in order; index sets only with `events`, for they hold
    them. Nothing is changed; raises GraylogError when the user may not do it."""
    planner = Planner(graylog, 0, consent)
    for kind in MORE:
        if kind not in server.found:
            planner.note(f"{kind.word}s were not looked for: the user may not read them")
    for kind in _ORDER:
        for old in server.ours(kind):
            if kind is PIPELINES:
                await planner.setting(Disconnected(old.id, old.name))
            await planner.removal(old)
    if any(each.body["config"]["type"] == "httpjsonpath" for each in server.ours(ADAPTERS)):
        await planner.setting(forbidden())
    await _indices(planner, server, events)
    demand(server, {step.right for step in planner.plan.steps})
    return planner.plan


async def _indices(planner: Planner, server: Server, events: bool) -> None:
    profiles = {each.id: each for each in server.ours(PROFILES)}
    kept: set[str] = set()
    for each in server.of(INDEX_SETS):
        profile = each.body.get("field_type_profile") or ""
        if INDEX_SETS.is_ours(each) and events:
            await planner.removal(each)
        elif INDEX_SETS.is_ours(each):
            kept.add(profile)
            planner.note(
                f"the index set {each.name} stays with its events and field types; --delete-events "
                "removes them, too"
            )
        elif profile in profiles:
            await planner.setting(FieldTypes(each.id, each.name, None))
    for identity, old in profiles.items():
        if identity not in kept:
            await planner.removal(old)

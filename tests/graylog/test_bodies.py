"""Every body that the installer sends is read by the class that reads it on a real server."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from bridge.graylog.client import Graylog
from bridge.graylog.entity import Entity, Kind
from bridge.graylog.installer import Choices, plan_installation
from bridge.graylog.judge import Judge
from bridge.graylog.kinds.events import DEFINITIONS
from bridge.graylog.kinds.indices import PROFILES
from bridge.graylog.kinds.lookups import ADAPTERS, CACHES, TABLES
from bridge.graylog.kinds.views import DASHBOARDS, SEARCHES
from bridge.graylog.plan import Consent, Plan, carry_out
from bridge.graylog.removal import plan_removal
from bridge.graylog.survey import survey
from bridge.testing.graylog_rest import Asked, FakeGraylogApi

ID = "[0-9a-f]{24}"
REST = "org.graylog2.rest"
PIPELINES = "org.graylog.plugins.pipelineprocessor.rest"
FIELD_TYPES = f"{REST}.resources.system.field_types"
CLASSES = {
    "POST /streams": f"{REST}.resources.streams.requests.CreateStreamRequest",
    f"PUT /streams/{ID}": f"{REST}.models.streams.requests.UpdateStreamRequest",
    f"POST /streams/{ID}/rules": f"{REST}.resources.streams.rules.requests.CreateStreamRuleRequest",
    f"(POST|PUT) /system/pipelines/rule(/parse|/{ID})?": f"{PIPELINES}.RuleSource",
    f"(POST|PUT) /system/pipelines/pipeline(/parse|/{ID})?": f"{PIPELINES}.PipelineSource",
    "POST /system/pipelines/connections/to_pipeline": f"{PIPELINES}.PipelineReverseConnections",
    "POST /system/inputs": f"{REST}.models.system.inputs.requests.InputCreateRequest",
    f"PUT /system/indices/index_sets/{ID}": (
        f"{REST}.resources.system.indexer.requests.IndexSetUpdateRequest"
    ),
    "POST /system/indices/index_sets/profiles": (
        "org.graylog2.indexer.indexset.profile.IndexFieldTypeProfileData"
    ),
    "PUT /system/indices/index_sets/profiles": (
        "org.graylog2.indexer.indexset.profile.IndexFieldTypeProfile"
    ),
    "PUT /system/indices/mappings/set_profile": f"{FIELD_TYPES}.FieldTypeProfileChangeRequest",
    "PUT /system/indices/mappings/remove_profile_from": (
        f"{FIELD_TYPES}.FieldTypeProfileUnsetRequest"
    ),
    "POST /authz/shares/entities/.*": "org.graylog.security.shares.EntityShareRequest",
    "POST /views/search": "org.graylog.plugins.views.search.rest.SearchDTO",
    f"(POST|PUT) /views(/{ID})?": "org.graylog.plugins.views.search.views.ViewDTO",
    f"(POST|PUT) /events/definitions(/{ID})?": "org.graylog.events.processor.EventDefinitionDto",
    f"(POST|PUT) /system/lookup/caches(/{ID})?": f"{REST}.models.system.lookup.CacheApi",
    f"(POST|PUT) /system/lookup/adapters(/{ID})?": f"{REST}.models.system.lookup.DataAdapterApi",
    f"(POST|PUT) /system/lookup/tables(/{ID})?": f"{REST}.models.system.lookup.LookupTableApi",
    "PUT /system/urlwhitelist": "org.graylog2.system.urlwhitelist.UrlWhitelist",
    "PUT /system/urlallowlist": "org.graylog2.system.urlallowlist.UrlAllowlist",
}
INDEX_SET = {
    6: f"{REST}.resources.system.indexer.responses.IndexSetSummary",
    7: f"{REST}.resources.system.indexer.requests.IndexSetCreationRequest",
}
WRAPPER = "org.graylog.security.shares.CreateEntityRequest"
EVERYTHING = Choices(
    extras=frozenset({"dashboards", "alerts", "lookups"}),
    retention_days=90,
    share_with=("everyone", "ann"),
    intel_url="https://intel.example.org/files/${key}",
    csv_path="/etc/graylog/files.csv",
)


async def take(graylog: Graylog, choices: Choices) -> Plan:
    plan = await plan_installation(graylog, await survey(graylog), choices)
    await carry_out(graylog, plan, lambda step: None, lambda entity: None)
    return plan


async def everything(version: str, schema: str) -> list[Asked]:
    """All requests of an installation, of one after edits, and of a removal."""
    async with FakeGraylogApi(version) as fake, Graylog(fake.url, fake.token) as graylog:
        foreign = fake.state.add(
            fake.state.index_sets, fake.state.default_index_set | {"id": "", "index_prefix": "x"}
        )
        first = replace(EVERYTHING, schema=schema)
        await take(graylog, first)
        for row in (*fake.state.rules.values(), *fake.state.pipelines.values()):
            row["source"] += "\n"
        edited = (
            *fake.state.rules.values(),
            *fake.state.pipelines.values(),
            *fake.state.definitions.values(),
            *fake.state.views.values(),
            *fake.state.streams.values(),
            *fake.state.profiles.values(),
            *fake.state.caches.values(),
            *fake.state.adapters.values(),
            *fake.state.tables.values(),
        )
        for row in edited:
            _edit(row)
        again = replace(first, retention_days=45, index_set=foreign["id"])
        again = replace(again, consent=Consent(force=True, adopt=True))
        await take(graylog, again)
        plan = await plan_removal(graylog, await survey(graylog), Consent(), events=True)
        await carry_out(graylog, plan, lambda step: None, lambda entity: None)
        return [asked for asked in fake.asked if asked.body is not None]


def _edit(row: dict[str, Any]) -> None:
    """Change something of a kind that the next installation puts right."""
    if "source" in row:
        row["source"] = row["source"].replace("\nend", "\n// edited\nend")
    for key in ("priority", "max_size"):
        if key in row:
            row[key] += 1
    if "custom_field_mappings" in row:
        row["custom_field_mappings"] = row["custom_field_mappings"][1:]
    if "summary" in row:
        row["summary"] += " (edited)"
    if row.get("title", "").startswith("Endpoint security"):
        row["rules"][0]["field"] = "edited"
    if "config" in row and "type" in row["config"] and "query" not in row["config"]:
        row["title"] += " (edited)"
    if "cache_id" in row:
        row["default_single_value"] = "edited"


def classes(asked: Asked, major: int) -> list[str]:
    """The class of a body, inside the wrapper where there is one."""
    if asked.path == "/system/indices/index_sets":
        return [INDEX_SET[major]]
    line = f"{asked.method} {asked.path}"
    [found] = [name for pattern, name in CLASSES.items() if re.fullmatch(pattern, line)]
    return [WRAPPER, found] if "entity" in asked.body else [found]


@pytest.mark.parametrize("schema", ["ecs", "gim"])
async def test_every_body_is_taken_by_the_class_of_the_server(schema: str, judge: Judge) -> None:
    requests = await everything(judge.version, schema)
    major = int(judge.version[0])
    seen = set()
    for asked in requests:
        assert asked.status < 300, asked
        name = classes(asked, major)
        judge.ask("read_body", classes=name, body=asked.body)
        seen.add((asked.method, name[-1]))
    assert {name for _, name in seen} >= set(CLASSES.values()) - {
        CLASSES["PUT /system/urlwhitelist" if major >= 7 else "PUT /system/urlallowlist"]
    }


@pytest.mark.parametrize("schema", ["ecs", "gim"])
async def test_what_the_server_answers_has_the_content_that_was_sent(
    schema: str, judge: Judge
) -> None:
    """Otherwise each installation would take its own dashboards and alerts for edited ones."""
    kinds: dict[str, tuple[Kind, ...]] = {
        "views": (DASHBOARDS, SEARCHES),
        "events/definitions": (DEFINITIONS,),
        "system/lookup/caches": (CACHES,),
        "system/lookup/adapters": (ADAPTERS,),
        "system/lookup/tables": (TABLES,),
        "system/indices/index_sets/profiles": (PROFILES,),
    }
    compared: set[Kind] = set()
    for asked in await everything(judge.version, schema):
        for path, group in kinds.items():
            if asked.path != f"/{path}":
                continue
            sent = asked.body.get("entity", asked.body)
            answer = judge.ask(
                "read_body", classes=classes(asked, int(judge.version[0])), body=asked.body
            )
            answer = answer.get("entity", answer)
            for kind in group:
                assert Entity(kind, "", answer).content == Entity(kind, "", sent).content
                compared.add(kind)
    assert compared == {kind for group in kinds.values() for kind in group}


def test_the_judge_says_what_a_class_does_not_take(judge: Judge) -> None:
    body = {"title": "t", "rules": [], "index_set_id": "x", "colour": "red"}
    with pytest.raises(Exception, match="colour"):
        judge.ask("read_body", classes=[CLASSES["POST /streams"]], body=body)

"""Installing, changing and removing, against a server in the shapes of 6.x and 7.x."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bridge.graylog.client import Graylog, GraylogError
from bridge.graylog.entity import Entity
from bridge.graylog.installer import Choices, plan_installation
from bridge.graylog.kinds.rules import RULES
from bridge.graylog.ownership import Mark, digest
from bridge.graylog.plan import Consent, Plan, Refused, Verb, carry_out
from bridge.graylog.removal import plan_removal
from bridge.graylog.survey import survey
from bridge.graylog.wanted import STREAM
from bridge.testing.graylog_rest import DEFAULT_STREAM, FakeGraylogApi

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


@pytest.fixture
def version(request: pytest.FixtureRequest) -> str:
    return str(getattr(request, "param", "7.0.1"))


@pytest.fixture
def pipelines_first(request: pytest.FixtureRequest) -> bool:
    return bool(getattr(request, "param", False))


@pytest.fixture
async def fake(version: str, pipelines_first: bool) -> AsyncIterator[FakeGraylogApi]:
    """A server that has lived: a stream, a pipeline and a rule of somebody."""
    async with FakeGraylogApi(version, pipelines_first=pipelines_first) as server:
        state = server.state
        own = {"title": "Firewalls", "is_editable": True, "is_default": False, "disabled": False}
        stream = state.add(state.streams, {**state.streams[DEFAULT_STREAM], **own, "id": ""})
        state.add(state.rules, source("rule", "by somebody"))
        pipeline = state.add(state.pipelines, source("pipeline", "by somebody"))
        for each in (stream["id"], DEFAULT_STREAM):
            ids = [pipeline["id"], "6b02eeeeeeeeeeeeeeeeeeee"]  # one of them is gone
            state.connections[each] = {"id": each, "stream_id": each, "pipeline_ids": ids}
        yield server


@pytest.fixture
async def graylog(fake: FakeGraylogApi) -> AsyncIterator[Graylog]:
    async with Graylog(fake.url, fake.token) as client:
        yield client


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


@everywhere
async def test_an_installation_makes_everything_that_events_need(
    fake: FakeGraylogApi, graylog: Graylog, pipelines_first: bool
) -> None:
    await install(graylog, ALL)
    state = fake.state
    stream = named(state.streams, STREAM)
    assert stream["disabled"] is False
    assert stream["remove_matches_from_default_stream"] is True
    assert [rule["field"] for rule in stream["rules"]] == ["bridge_input"]
    index_set = state.index_sets[stream["index_set_id"]]
    assert index_set["data_tiering"]["index_lifetime_min"] == "P30D"
    types = state.profiles[index_set["field_type_profile"]]["custom_field_mappings"]
    assert {"field": "host_ip", "type": "ip"} in types
    running = [state.pipelines[each]["title"] for each in connected(fake, stream["id"])]
    assert sorted(running) == [f"gelf-bridge {name}" for name in ("cybereason", "cylance", "late")]
    on_default = connected(fake, DEFAULT_STREAM)
    routing = [each for each in on_default if each in state.pipelines]
    assert ("gelf-bridge routing" in {state.pipelines[each]["title"] for each in routing}) is (
        pipelines_first
    )
    assert "6b02eeeeeeeeeeeeeeeeeeee" in on_default
    assert [row["attributes"]["port"] for row in state.inputs.values()] == [12201]
    assert len(state.views) == 4
    assert len(state.definitions) == 7
    assert all(row["config"]["streams"] == [stream["id"]] for row in state.definitions.values())


def connected(fake: FakeGraylogApi, stream: str) -> list[str]:
    return list(fake.state.connections.get(stream, {"pipeline_ids": []})["pipeline_ids"])


@everywhere
async def test_the_default_stream_is_left_alone_where_stream_rules_run_first(
    fake: FakeGraylogApi, graylog: Graylog, pipelines_first: bool
) -> None:
    before = connected(fake, DEFAULT_STREAM)
    await install(graylog)
    added = [each for each in connected(fake, DEFAULT_STREAM) if each not in before]
    assert len(added) == (1 if pipelines_first else 0)
    for rule in fake.state.rules.values():
        if rule["title"] == "route_gelf_bridge":
            stream = named(fake.state.streams, STREAM)
            assert f'id: "{stream["id"]}"' in rule["source"]


@everywhere
async def test_a_second_installation_changes_nothing(
    fake: FakeGraylogApi, graylog: Graylog
) -> None:
    await install(graylog, ALL)
    held = holdings(fake)
    for choices in (ALL, PLAIN):
        again = await plan(graylog, choices)
        assert titles(again) == []
        await take(graylog, again)
    assert holdings(fake) == held


@everywhere
async def test_an_edited_rule_is_shown_and_kept_until_forced(
    fake: FakeGraylogApi, graylog: Graylog
) -> None:
    await install(graylog)
    rule = named(fake.state.rules, "normalize_cylance")
    shipped = rule["source"]
    edited = rule["source"] = shipped.replace("then\n", 'then\n  set_field("mine", "yes");\n', 1)
    todo = await plan(graylog)
    assert titles(todo) == ["update rule normalize_cylance"]
    assert '-  set_field("mine", "yes");' in todo.steps[0].diff()
    with pytest.raises(Refused, match=r"was edited on the server \(--force\)"):
        await take(graylog, todo)
    assert rule["source"] == edited
    saved = await install(graylog, Choices(consent=Consent(force=True)))
    assert named(fake.state.rules, "normalize_cylance")["source"] == shipped
    assert [each.body["source"] for each in saved] == [edited]
    assert titles(await plan(graylog)) == []


async def test_what_was_edited_can_be_kept_while_the_rest_is_updated(
    fake: FakeGraylogApi, graylog: Graylog
) -> None:
    await install(graylog)
    named(fake.state.rules, "normalize_cylance")["source"] += "// mine\n"
    del fake.state.rules[named(fake.state.rules, "tidy_cylance")["id"]]
    todo = await plan(graylog, Choices(consent=Consent(keep=True)))
    assert titles(todo) == ["create rule tidy_cylance"]
    assert "it stays as it is" in todo.notes[-1]


async def test_our_own_older_rule_is_updated_without_a_word(
    fake: FakeGraylogApi, graylog: Graylog
) -> None:
    """As an earlier version left it: another text, and the mark that belongs to it."""
    await install(graylog)
    rule = named(fake.state.rules, "normalize_cylance")
    shipped = rule["source"]
    rule["source"] = source("rule", "normalize_cylance")["source"]
    mark = Mark(1, digest(RULES.content(rule)))
    rule["description"] = f"Of an earlier version ({mark})"
    assert await install(graylog) == []
    assert named(fake.state.rules, "normalize_cylance")["source"] == shipped


async def test_rules_of_a_newer_bridge_are_not_taken_back(
    fake: FakeGraylogApi, graylog: Graylog
) -> None:
    await install(graylog)
    rule = named(fake.state.rules, "normalize_cylance")
    rule["source"] = source("rule", "normalize_cylance")["source"]
    rule["description"] = str(Mark(99, digest(RULES.content(rule))))
    with pytest.raises(Refused, match="made by a newer gelf-bridge"):
        await install(graylog)


@everywhere
async def test_a_foreign_rule_of_the_same_name_is_replaced_only_when_adopted(
    fake: FakeGraylogApi, graylog: Graylog
) -> None:
    """Readers of the document have a normalize_cylance of their own."""
    mine = fake.state.add(fake.state.rules, source("rule", "normalize_cylance"))
    todo = await plan(graylog)
    with pytest.raises(Refused, match=r"rule normalize_cylance: was not made .* \(--adopt\)"):
        await take(graylog, todo)
    assert named(fake.state.rules, "normalize_cylance") == mine
    assert not fake.state.profiles
    saved = await install(graylog, Choices(consent=Consent(adopt=True)))
    assert [(each.name, each.body["source"]) for each in saved] == [
        ("normalize_cylance", mine["source"])
    ]
    assert titles(await plan(graylog)) == []


async def test_rules_that_were_imported_by_hand_are_taken_over(
    fake: FakeGraylogApi, graylog: Graylog
) -> None:
    """They have the same text, and no mark."""
    await install(graylog)
    rule = named(fake.state.rules, "tidy_cylance")
    rule["description"] = "Imported by hand"
    assert titles(await plan(graylog)) == ["mark rule tidy_cylance"]
    await install(graylog)
    assert "sha256:" in named(fake.state.rules, "tidy_cylance")["description"]


@everywhere
async def test_an_interrupted_installation_is_finished_by_the_next(
    fake: FakeGraylogApi, graylog: Graylog
) -> None:
    await install_in_two(fake, graylog, 12)


@pytest.mark.parametrize("steps", [0, 3, 20, 30])
async def test_wherever_it_was_interrupted(
    steps: int, fake: FakeGraylogApi, graylog: Graylog
) -> None:
    await install_in_two(fake, graylog, steps)


async def install_in_two(fake: FakeGraylogApi, graylog: Graylog, steps: int) -> None:
    todo = await plan(graylog, ALL)
    fake.fail_after = steps
    with pytest.raises(GraylogError):
        await take(graylog, todo)
    fake.fail_after = None
    await install(graylog, ALL)
    assert titles(await plan(graylog, ALL)) == []
    for table in ("rules", "pipelines", "views", "definitions", "profiles"):
        names = [row.get("title", row.get("name")) for row in getattr(fake.state, table).values()]
        assert len(names) == len(set(names)), table
    assert named(fake.state.streams, STREAM)["disabled"] is False
    assert len(fake.state.inputs) == 1


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


@everywhere
async def test_routing_goes_when_the_order_is_put_right(
    fake: FakeGraylogApi, graylog: Graylog, pipelines_first: bool
) -> None:
    before = connected(fake, DEFAULT_STREAM)
    await install(graylog)
    order = fake.system.processors["processor_order"]
    pipelines = next(each for each in order if each["name"] == "Pipeline Processor")
    order.remove(pipelines)
    order.append(pipelines)
    await install(graylog)
    assert connected(fake, DEFAULT_STREAM) == before
    assert "gelf-bridge routing" not in {row["title"] for row in fake.state.pipelines.values()}


async def test_what_the_operator_chose_stays(fake: FakeGraylogApi, graylog: Graylog) -> None:
    """Retention, notifications, a disabled alert, a renamed stream, a further stream."""
    await install(graylog, ALL)
    state = fake.state
    stream = named(state.streams, STREAM)
    state.index_sets[stream["index_set_id"]]["data_tiering"]["index_lifetime_min"] = "P365D"
    stream["title"] = "Endpoints"
    alert = named(state.definitions, "Malware")
    alert["notifications"] = [{"notification_id": "6b02dddddddddddddddddddd"}]
    alert["notification_settings"] = {"grace_period_ms": 60_000, "backlog_size": 1}
    alert["state"] = "DISABLED"
    pipeline = named(state.pipelines, "gelf-bridge cylance")["id"]
    firewalls = named(state.streams, "Firewalls")["id"]
    state.connections[firewalls]["pipeline_ids"].append(pipeline)
    assert titles(await plan(graylog)) == []
    alert["priority"] = 1
    await install(graylog, Choices(consent=Consent(force=True)))
    after = named(state.definitions, "Malware")
    assert after["priority"] == 3
    assert after["state"] == "DISABLED"
    assert after["notifications"] == alert["notifications"]
    assert after["notification_settings"] == alert["notification_settings"]


async def test_a_paused_stream_is_resumed(fake: FakeGraylogApi, graylog: Graylog) -> None:
    await install(graylog)
    named(fake.state.streams, STREAM)["disabled"] = True
    assert titles(await plan(graylog)) == [f"set state of the stream {STREAM}"]
    await install(graylog)
    assert named(fake.state.streams, STREAM)["disabled"] is False


async def test_the_schema_is_fixed_by_the_first_installation(
    fake: FakeGraylogApi, graylog: Graylog
) -> None:
    await install(graylog, Choices(schema="gim", extras=ALL.extras))
    assert titles(await plan(graylog)) == []
    first = named(fake.state.streams, STREAM)["index_set_id"]
    with pytest.raises(GraylogError, match="gim is installed"):
        await plan(graylog, Choices(schema="ecs"))
    forced = Consent(force=True)
    with pytest.raises(GraylogError, match="holds gim names: --schema ecs needs another one"):
        await plan(graylog, Choices(schema="ecs", index_set=first, consent=forced))
    await install(graylog, Choices(schema="ecs", consent=forced))
    second = named(fake.state.streams, STREAM)["index_set_id"]
    assert second != first
    assert fake.state.index_sets[second]["index_prefix"] == "gelf-bridge-ecs"
    assert "event_kind" in named(fake.state.rules, "normalize_cylance")["source"]
    assert titles(await plan(graylog)) == []


async def test_gim_is_suggested_where_illuminate_is(fake: FakeGraylogApi, graylog: Graylog) -> None:
    assert not any("Illuminate" in note for note in (await plan(graylog)).notes)
    row = fake.state.streams[DEFAULT_STREAM]
    fake.state.add(fake.state.streams, {**row, "id": "", "title": "Illuminate:Messages"})
    assert any("--schema gim" in note for note in (await plan(graylog)).notes)


async def test_a_stream_and_an_index_set_that_are_there_can_be_used(
    fake: FakeGraylogApi, graylog: Graylog
) -> None:
    state = fake.state
    stream = named(state.streams, "Firewalls")
    index_set = state.add(
        state.index_sets, {**state.default_index_set, "id": "", "default": False, "title": "Own"}
    )
    stream["index_set_id"] = index_set["id"]
    choices = Choices(stream=stream["id"], index_set=index_set["id"], input="none")
    await install(graylog, choices)
    assert [row["title"] for row in state.streams.values()].count(STREAM) == 0
    assert not state.inputs
    assert index_set["id"] in state.rotated
    assert state.index_sets[index_set["id"]]["field_type_profile"]
    pipeline = named(state.pipelines, "gelf-bridge cylance")["id"]
    assert pipeline in connected(fake, stream["id"])
    assert titles(await plan(graylog, Choices(input="none"))) == []
    held = dict(stream)
    await remove(graylog, Consent())
    assert named(state.streams, "Firewalls") == held
    assert state.index_sets[index_set["id"]]["field_type_profile"] is None


async def test_field_types_of_others_are_replaced_only_when_adopted(
    fake: FakeGraylogApi, graylog: Graylog
) -> None:
    state = fake.state
    theirs = state.add(
        state.profiles, {"name": "theirs", "description": "", "custom_field_mappings": []}
    )
    row = {**state.default_index_set, "id": "", "default": False, "title": "Own"}
    index_set = state.add(state.index_sets, row | {"field_type_profile": theirs["id"]})
    with pytest.raises(Refused, match="field types of the index set Own"):
        await install(graylog, Choices(index_set=index_set["id"]))
    await install(graylog, Choices(index_set=index_set["id"], consent=Consent(adopt=True)))
    assert state.index_sets[index_set["id"]]["field_type_profile"] != theirs["id"]
    assert theirs["id"] in state.profiles


async def test_the_retention_of_an_index_set_is_set_when_asked_for(
    fake: FakeGraylogApi, graylog: Graylog
) -> None:
    await install(graylog, Choices(retention_days=90))
    stream = named(fake.state.streams, STREAM)
    kept = fake.state.index_sets[stream["index_set_id"]]["data_tiering"]
    assert (kept["index_lifetime_min"], kept["index_lifetime_max"]) == ("P90D", "P100D")
    assert titles(await plan(graylog, Choices(retention_days=90))) == []
    await install(graylog, Choices(retention_days=7))
    index_set = fake.state.index_sets[stream["index_set_id"]]
    assert index_set["data_tiering"]["index_lifetime_min"] == "P7D"
    assert index_set["field_type_profile"]


async def test_a_stream_is_shared_without_taking_it_from_others(
    fake: FakeGraylogApi, graylog: Graylog
) -> None:
    await install(graylog, Choices(share_with=("everyone",)))
    stream = named(fake.state.streams, STREAM)["id"]
    await install(graylog, Choices(share_with=("ann",)))
    [shares] = [each for name, each in fake.state.shares.items() if name.endswith(stream)]
    assert shares == {
        "grn::::builtin-team:everyone": "view",
        "grn::::user:6b02ffffffffffffffffffff": "view",
    }
    with pytest.raises(GraylogError, match="there is no user bob"):
        await plan(graylog, Choices(share_with=("bob",)))


async def test_urls_that_others_allowed_stay_allowed(
    fake: FakeGraylogApi, graylog: Graylog
) -> None:
    theirs = {"id": "1", "type": "literal", "title": "t", "value": "https://example.org"}
    fake.state.allowed["entries"].append(theirs)
    url = "https://intel.example.org/v1/${key}?full=1"
    await install(graylog, Choices(extras=frozenset({"lookups"}), intel_url=url))
    assert theirs in fake.state.allowed["entries"]
    assert len(fake.state.allowed["entries"]) == 2
    assert titles(await plan(graylog)) == []


async def test_a_port_that_is_taken_is_said_before_anything_is_made(
    fake: FakeGraylogApi, graylog: Graylog
) -> None:
    syslog = {"title": "Syslog", "type": "org.graylog2.inputs.syslog.tcp.SyslogTCPInput"}
    fake.state.add(fake.state.inputs, {**syslog, "attributes": {"port": 12201}})
    with pytest.raises(GraylogError, match="the input Syslog has port 12201 already"):
        await plan(graylog)
    await install(graylog, Choices(input_port=12202))
    assert len(fake.state.inputs) == 2


async def test_a_gelf_input_that_is_there_is_used(fake: FakeGraylogApi, graylog: Graylog) -> None:
    gelf = {"title": "GELF", "type": "org.graylog2.inputs.gelf.http.GELFHttpInput"}
    fake.state.add(fake.state.inputs, {**gelf, "attributes": {"port": 12201}})
    todo = await plan(graylog)
    assert not any("input" in title for title in titles(todo))
    assert "events can come in through GELF (port 12201)" in todo.notes


async def test_an_index_prefix_in_the_way_is_said_before_anything_is_made(
    fake: FakeGraylogApi, graylog: Graylog
) -> None:
    row = {**fake.state.default_index_set, "id": "", "index_prefix": "gelf", "title": "Own"}
    fake.state.add(fake.state.index_sets, row)
    with pytest.raises(GraylogError, match="would conflict with gelf of the index set Own"):
        await plan(graylog)


async def test_what_is_there_is_offered(fake: FakeGraylogApi, graylog: Graylog) -> None:
    notes = "\n".join((await plan(graylog)).notes)
    assert "--index-set takes one that is there: " in notes
    assert "(Default index set)" in notes
    assert "--stream takes one that is there: " in notes
    assert "(Firewalls)" in notes
    assert "Default Stream" not in notes


async def test_an_untried_release_is_noted() -> None:
    async with FakeGraylogApi("8.0.0") as fake, Graylog(fake.url, fake.token) as graylog:
        assert "not tried with Graylog 8.0.0" in (await plan(graylog)).notes[0]
    async with FakeGraylogApi("5.2.1") as fake, Graylog(fake.url, fake.token) as graylog:
        with pytest.raises(GraylogError, match=r"5\.2\.1 is too old"):
            await plan(graylog)


async def test_keys_in_headers_of_an_adapter_are_not_shown(
    fake: FakeGraylogApi, graylog: Graylog
) -> None:
    choices = Choices(extras=frozenset({"lookups"}), intel_url="https://intel.example.org/${key}")
    await install(graylog, choices)
    [adapter] = fake.state.adapters.values()
    adapter["config"] = adapter["config"] | {"headers": {"X-Api-Key": "hunter2"}}
    [step] = (await plan(graylog, choices)).steps
    assert "X-Api-Key" in step.before
    assert "hunter2" not in step.before + step.after


async def test_wrong_ids_name_those_that_there_are(fake: FakeGraylogApi, graylog: Graylog) -> None:
    with pytest.raises(GraylogError, match=r"there is no stream nosuch; there are: .*Firewalls"):
        await plan(graylog, Choices(stream="nosuch"))
    with pytest.raises(GraylogError, match="belongs to the system"):
        await plan(graylog, Choices(stream=DEFAULT_STREAM))


async def test_processors_that_are_turned_off_are_noted(
    fake: FakeGraylogApi, graylog: Graylog
) -> None:
    name = "org.graylog.plugins.pipelineprocessor.processors.PipelineInterpreter"
    fake.system.processors["disabled_processors"].append(name)
    assert any("Pipeline Processor is turned off" in note for note in (await plan(graylog)).notes)


async def test_only_the_verb_of_a_step_decides_its_right(graylog: Graylog) -> None:
    rights = {step.right for step in (await plan(graylog)).steps}
    assert {"pipeline_rule:create", "streams:create", "streams:changestate"} <= rights
    await install(graylog)
    todo = await plan_removal(graylog, await survey(graylog), Consent(), events=True)
    assert {step.right for step in todo.steps if step.verb is Verb.DELETE} >= {
        *("pipeline_rule:delete", "pipeline:delete", "streams:edit", "inputs:terminate"),
        *("indexsets:delete", "mappingprofiles:delete"),
    }

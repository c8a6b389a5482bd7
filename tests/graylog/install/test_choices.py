"""What the operator chose, has, or has in the way."""

from __future__ import annotations

import pytest

from bridge.graylog.client import Graylog, GraylogError
from bridge.graylog.installer import Choices
from bridge.graylog.plan import Consent, Refused, Verb
from bridge.graylog.removal import plan_removal
from bridge.graylog.survey import survey
from bridge.graylog.wanted import STREAM
from bridge.testing.graylog_rest import DEFAULT_STREAM, FakeGraylogApi
from tests.graylog.install.acts import (
    ALL,
    connected,
    install,
    named,
    plan,
    remove,
    titles,
)


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


async def test_before_6_1_a_new_index_set_is_kept_as_the_default_one() -> None:
    async with FakeGraylogApi("6.0.14") as fake, Graylog(fake.url, fake.token) as graylog:
        fake.state.default_index_set["data_tiering"]["index_lifetime_min"] = "P21D"
        await install(graylog)
        stream = named(fake.state.streams, STREAM)
        made = fake.state.index_sets[stream["index_set_id"]]
        assert made["data_tiering"]["index_lifetime_min"] == "P21D"
        assert made["default"] is False
        assert titles(await plan(graylog)) == []


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

"""Installing, again and again, whatever was edited or interrupted in between."""

from __future__ import annotations

import pytest

from bridge.graylog.client import Graylog, GraylogError
from bridge.graylog.installer import Choices
from bridge.graylog.kinds.rules import RULES
from bridge.graylog.ownership import Mark, digest
from bridge.graylog.plan import Consent, Refused
from bridge.graylog.wanted import STREAM
from bridge.testing.graylog_rest import DEFAULT_STREAM, FakeGraylogApi
from tests.graylog.install.acts import (
    ALL,
    PLAIN,
    connected,
    everywhere,
    holdings,
    install,
    named,
    plan,
    source,
    take,
    titles,
)


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

"""The content packs are those that this version makes, and Graylog's own classes take them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.graylog.client import Graylog
from bridge.graylog.content_packs import FOLDER, as_text, content_pack, packs, rules_pack, write
from bridge.graylog.dashboards import dashboards
from bridge.graylog.files import pipelines_folder
from bridge.graylog.installer import Choices, plan_installation
from bridge.graylog.judge import Judge, JudgeError
from bridge.graylog.kinds.events import DEFINITIONS
from bridge.graylog.kinds.views import DASHBOARDS
from bridge.graylog.schema import ECS, SCHEMAS
from bridge.graylog.survey import survey
from bridge.testing.graylog_rest import FakeGraylogApi


@pytest.mark.parametrize("name", list(packs()))
def test_the_files_are_as_this_version_makes_them(
    name: str, generated: Callable[[Path, str], None]
) -> None:
    generated(pipelines_folder() / FOLDER / name, as_text(packs()[name]))


def test_there_is_no_other_file() -> None:
    assert {path.name for path in (pipelines_folder() / FOLDER).iterdir()} == packs().keys()


@pytest.mark.parametrize("name", list(packs()))
def test_graylog_reads_a_pack_into_its_own_classes(name: str, judge: Judge) -> None:
    pack = packs()[name]
    assert len(judge.ask("read_pack", pack=pack)) == len(pack["entities"])


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_what_a_pack_makes_is_what_the_installer_makes(schema: Any, judge: Judge) -> None:
    """So that the installer knows it for its own: only streams differ, which digests ignore."""
    made = judge.ask("read_pack", pack=content_pack(schema))
    alerts = [each for each in made if "field_spec" in each]
    assert len(alerts) == 7
    sent = {
        each["data"]["title"]["@value"]: each["data"] for each in content_pack(schema)["entities"]
    }
    for alert in alerts:
        data = sent[alert["title"]]
        config = data["config"] | {"query": data["config"]["query"]["@value"]}
        plain = {"priority": data["priority"]["@value"], "alert": True, "config": config}
        kept = {key: data[key] for key in ("field_spec", "key_spec")}
        assert DEFINITIONS.content(alert) == DEFINITIONS.content(plain | kept)
    views = {each.name: each for each in dashboards(schema)}
    shown = [each for each in made if "search_id" in each]
    assert {each["title"] for each in shown} == views.keys()
    for each in shown:
        assert DASHBOARDS.content(each) == views[each["title"]].content


def test_the_judge_says_what_is_wrong_with_a_pack(judge: Judge) -> None:
    pack = rules_pack(ECS)
    del pack["entities"][1]["constraints"]
    with pytest.raises(JudgeError, match="constraints"):
        judge.ask("read_pack", pack=pack)


def test_references_stay_inside_a_pack() -> None:
    """A pipeline whose stream is not in its pack would fail half way, and block the next try."""
    for pack in packs().values():
        ids = [each["id"] for each in pack["entities"]]
        assert len(ids) == len(set(ids))
        for each in pack["entities"]:
            for stream in each["data"].get("connected_streams", []):
                assert stream["@value"] in ids
            assert "stream_id" not in json.dumps(each)
            assert "@(" not in json.dumps(each)


def test_packs_of_both_schemas_are_different_packs() -> None:
    assert len({pack["id"] for pack in packs().values()}) == 4


def test_packs_can_be_written_anywhere(tmp_path: Path) -> None:
    written = write(tmp_path / "new")
    assert sorted(path.name for path in written) == sorted(packs())
    assert json.loads(written[0].read_text())["v"] == 1


async def test_the_installer_takes_over_what_a_pack_made() -> None:
    """Rules and pipelines of a pack have the installer's text and mark."""
    async with FakeGraylogApi() as fake, Graylog(fake.url, fake.token) as graylog:
        for row in _rows(rules_pack(ECS)):
            table = fake.state.pipelines if "pipeline" in row["kind"] else fake.state.rules
            fake.state.add(table, row["data"] | {"_scope": "DEFAULT"})
        plan = await plan_installation(graylog, await survey(graylog), Choices())
    touched = [
        step for step in plan.steps if step.new and step.new.kind.word in ("rule", "pipeline")
    ]
    assert touched == []


def _rows(pack: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for each in pack["entities"]:
        if each["type"]["name"] in ("pipeline_rule", "pipeline"):
            names = ("title", "description", "source")
            data = {name: each["data"][name]["@value"] for name in names}
            kind = "rule" if each["type"]["name"] == "pipeline_rule" else "pipeline"
            yield {"kind": kind, "data": data}

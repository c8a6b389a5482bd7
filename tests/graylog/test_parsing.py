"""A server's own parser is asked over its REST API."""

from __future__ import annotations

from pathlib import Path

from bridge.graylog.client import Graylog
from bridge.graylog.parsing import check_set
from bridge.testing.graylog_rest import FakeGraylogApi
from tests.graylog.rules.writing import PIPELINE, rule, written


async def checked(folder: Path, text: str) -> tuple[list[str], FakeGraylogApi]:
    rule_set = written(folder, shout__rule=text, example__pipeline=PIPELINE)
    async with FakeGraylogApi() as fake, Graylog(fake.url, fake.token) as graylog:
        return [str(each) for each in await check_set(graylog, rule_set)], fake


async def test_what_the_server_takes_is_well(tmp_path: Path) -> None:
    found, fake = await checked(tmp_path, rule())
    assert found == []
    assert [asked.path for asked in fake.asked] == [
        "/system/pipelines/rule/parse",
        "/system/pipelines/pipeline/parse",
    ]
    assert fake.asked[0].body["source"] == rule()
    assert not fake.state.rules


async def test_its_errors_come_with_their_places(tmp_path: Path) -> None:
    found, _ = await checked(tmp_path, rule('later("x");\n  nosuch("loud", "yes");'))
    path = tmp_path / "shout.rule"
    assert found == [
        f"{path}:5:3: Unknown function later in line 5 pos 2",
        f"{path}:6:3: Unknown function nosuch in line 6 pos 2",
    ]

"""Dead letters by command, with the bridge running and without."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.config import SpoolConfig
from bridge.spool import Buried, Progress, Spool
from bridge.testing import FakeGraylog
from tests.bridges import CONFIG, running
from tests.outputs.running import document

Command = Callable[..., str]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose spool holds three events, two of them buried by two outputs."""
    path = tmp_path / "bridge.yaml"
    path.write_text(CONFIG % 1)
    asyncio.run(bury(tmp_path / "spool"))
    return path


async def bury(directory: Path) -> None:
    spool = await Spool.open(SpoolConfig(directory=directory, min_free_bytes=0))
    for output, number in (("graylog", 1), ("archive", 2)):
        await spool.attach(output)
        await spool.append("malops", [document(number), document(3)], target=output)
        (row,) = await spool.read(output, 0, 1)
        buried = (Buried(document(number), "answered 400: \x1b[31modd", "malops"),)
        await spool.advance(output, Progress(row.id, delivered=1, buried=buried))
    await spool.close()


def command(config: Path, *arguments: str, code: int = 0, answer: str | None = None) -> str:
    done = CliRunner().invoke(main, ["dead", *arguments, "-c", str(config)], input=answer)
    assert done.exit_code == code, done.output
    return done.output


async def spooled(config: Path) -> dict[str, int]:
    spool = await Spool.open(SpoolConfig(directory=config.parent / "spool", min_free_bytes=0))
    balance = await spool.balance()
    await spool.close()
    assert balance.holds
    return {name: one.spooled for name, one in balance.outputs.items()}


def test_list_says_what_and_why(config: Path) -> None:
    lines = command(config, "list").splitlines()
    assert "malops → graylog" in lines[0]
    assert lines[0].endswith(r"answered 400: \x1b[31modd")
    assert lines[2].startswith("2 dead letters, ")
    assert len(command(config, "list", "--output", "archive").splitlines()) == 2


def test_list_can_be_read_by_programs(config: Path) -> None:
    letters = [json.loads(line) for line in command(config, "list", "--json").splitlines()]
    assert [(one["id"], one["output"]) for one in letters] == [(1, "graylog"), (2, "archive")]


def test_list_is_short_when_there_is_nothing(config: Path) -> None:
    assert command(config, "list", "--output", "none") == "no dead letters\n"


def test_show_prints_the_whole_document(config: Path) -> None:
    head, *rest = command(config, "show", "2").splitlines()
    assert "malops → archive" in head
    assert json.loads("\n".join(rest))["_n"] == 2


def test_show_knows_when_there_is_none(config: Path) -> None:
    assert "there is no dead letter 9" in command(config, "show", "9", code=1)


def test_export_writes_one_object_a_line(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "letters.jsonl"
    assert command(config, "export", str(file)) == ""
    exported = [json.loads(line) for line in file.read_text().splitlines()]
    assert [one["document"]["_n"] for one in exported] == [1, 2]
    assert exported[0]["reason"] == "answered 400: \x1b[31modd"
    assert command(config, "export") == file.read_text()


def test_retry_spools_them_again_for_their_own_output(config: Path) -> None:
    assert command(config, "retry", "2") == "1 spooled again\n"
    assert asyncio.run(spooled(config)) == {"graylog": 0, "archive": 1}
    assert command(config, "retry", "--all") == "1 spooled again\n"
    assert asyncio.run(spooled(config)) == {"graylog": 1, "archive": 1}
    assert command(config, "list") == "no dead letters\n"


def test_drop_asks_first(config: Path) -> None:
    command(config, "drop", "--output", "graylog", code=1, answer="n\n")
    assert command(config, "list").endswith("B\n")
    command(config, "drop", "--output", "graylog", "--yes")
    assert "malops → graylog" not in command(config, "list")


@pytest.mark.parametrize("arguments", [(), ("1", "--all"), ("--all", "--output", "graylog")])
def test_it_must_be_said_which(config: Path, arguments: tuple[str, ...]) -> None:
    assert "say which" in command(config, "retry", *arguments, code=2)


def test_a_bridge_that_never_ran_has_no_spool(config: Path, tmp_path: Path) -> None:
    text = config.read_text().replace("directory: spool", "directory: elsewhere")
    config.write_text(text)
    assert "the bridge never ran" in command(config, "list", code=1)
    assert not (tmp_path / "elsewhere").exists()


async def test_a_running_bridge_is_asked(tmp_path: Path) -> None:
    await bury(tmp_path / "spool")
    async with FakeGraylog() as graylog, running(tmp_path, CONFIG % graylog.port) as bridge:
        listed = await asyncio.to_thread(command, bridge.path, "list", "--json")
        assert [json.loads(one)["id"] for one in listed.splitlines()] == [1, 2]
        assert '"_n": 1' in await asyncio.to_thread(command, bridge.path, "show", "1")
        assert "no dead letter 7" in await asyncio.to_thread(
            lambda: command(bridge.path, "show", "7", code=1)
        )
        done = await asyncio.to_thread(command, bridge.path, "retry", "--output", "graylog")
        assert done == "1 spooled again\n"
        await graylog.received(1)
        assert graylog.messages[0].fields["n"] == 1
        dropped = await asyncio.to_thread(command, bridge.path, "drop", "--all", "--yes")
        assert dropped == "1 dropped\n"


async def bury_more(directory: Path) -> None:
    """As a second worker does."""
    spool = await Spool.open(SpoolConfig(directory=directory, min_free_bytes=0), worker=1)
    await spool.attach("graylog")
    await spool.append("malops", [document(9)])
    (row,) = await spool.read("graylog", 0, 1)
    buried = (Buried(document(9), "answered 413", "malops"),)
    await spool.advance("graylog", Progress(row.id, buried=buried))
    await spool.close()


def test_letters_of_all_workers_are_found_without_a_bridge(config: Path) -> None:
    asyncio.run(bury_more(config.parent / "spool"))
    letters = [json.loads(line) for line in command(config, "list", "--json").splitlines()]
    assert [one["reason"] for one in letters][2:] == ["answered 413"]
    other = str(letters[2]["id"])
    assert "answered 413" in command(config, "show", other)
    assert command(config, "retry", other, "1") == "2 spooled again\n"
    assert command(config, "drop", "--all", "--yes") == "1 dropped\n"
    assert command(config, "list") == "no dead letters\n"

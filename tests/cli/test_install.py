"""`pipelines install | diff | remove | export | packs`, run as a user runs them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.testing.graylog_rest import FakeGraylogApi


@dataclass(frozen=True)
class Done:
    code: int
    output: str


class Shell:
    """Runs the commands, in the current folder, against a server."""

    def __init__(self, fake: FakeGraylogApi) -> None:
        self.fake = fake
        self.token: str | None = fake.token

    async def run(self, *arguments: str) -> Done:
        """In a thread, because the server answers in this one."""
        environ = {"GRAYLOG_TOKEN": self.token, "COLUMNS": "100", "NO_COLOR": "1"}
        call = CliRunner().invoke
        result = await asyncio.to_thread(call, main, ["pipelines", *arguments], env=environ)
        assert self.fake.token not in result.output
        return Done(result.exit_code, result.output)

    async def graylog(self, command: str, *arguments: str) -> Done:
        return await self.run(command, "--graylog", self.fake.url, *arguments)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
async def shell() -> AsyncIterator[Shell]:
    async with FakeGraylogApi() as fake:
        yield Shell(fake)


def rule(shell: Shell, title: str) -> dict[str, str]:
    [found] = [row for row in shell.fake.state.rules.values() if row["title"] == title]
    return found


async def test_it_shows_the_plan_and_does_it_and_a_second_time_nothing(shell: Shell) -> None:
    done = await shell.graylog("install", "--yes", "--with", "dashboards,alerts")
    assert done.code == 0
    assert "+ create index set Endpoint security, ECS (gelf-bridge)" in done.output
    assert "    +keeps: 30 to 40 days" in done.output
    assert "    +index_set_id: '(the index set)'" in done.output
    assert "on http://127.0.0.1" in done.output
    assert done.output.endswith("Done.\n")
    assert len(shell.fake.state.definitions) == 7
    again = await shell.graylog("install", "--yes")
    assert again == Done(
        0,
        "i events can come in through GELF TCP (gelf-bridge) (port 12201)\n"
        "Nothing to do: all is as it shall be.\n",
    )


@pytest.mark.parametrize("option", ["", "--dry-run"])
async def test_without_consent_nothing_is_changed(shell: Shell, option: str) -> None:
    done = await shell.graylog("install", *filter(None, [option]))
    assert done.code == (0 if option else 1)
    assert "+ create rule normalize_cylance (" in done.output
    assert ("nobody can be asked here" in done.output) is not bool(option)
    assert not shell.fake.state.rules


async def test_what_was_edited_needs_force_and_is_saved(shell: Shell, folder: Path) -> None:
    await shell.graylog("install", "--yes")
    rule(shell, "tidy_cylance")["source"] += "// mine\n"
    edited = rule(shell, "tidy_cylance")["source"]
    refused = await shell.graylog("install", "--yes")
    assert refused.code == 1
    assert "    -// mine" in refused.output
    assert "! was edited on the server: add --force to replace it" in refused.output
    assert "nothing was changed:" in refused.output
    forced = await shell.graylog("install", "--yes", "--force")
    assert forced.code == 0
    [saved] = (folder / "graylog-saved").rglob("tidy_cylance.rule")
    assert saved.read_text() == edited
    assert "// mine" not in rule(shell, "tidy_cylance")["source"]


async def test_diff_tells_by_its_exit_code(shell: Shell) -> None:
    before = await shell.graylog("diff")
    assert before.code == 1
    assert "to create" in before.output
    assert not shell.fake.state.rules
    await shell.graylog("install", "--yes")
    after = await shell.graylog("diff")
    assert (after.code, after.output.splitlines()[-1]) == (0, "No difference.")


async def test_remove_takes_it_away_and_keeps_the_events(shell: Shell) -> None:
    await shell.graylog("install", "--yes")
    done = await shell.graylog("remove", "--yes")
    assert done.code == 0
    assert "stays with its events" in done.output
    assert not shell.fake.state.rules
    assert len(shell.fake.state.index_sets) == 3
    done = await shell.graylog("remove", "--yes", "--delete-events")
    assert len(shell.fake.state.index_sets) == 2


async def test_export_writes_what_the_server_holds(shell: Shell, folder: Path) -> None:
    await shell.graylog("install", "--yes", "--with", "alerts")
    rule(shell, "tidy_cylance")["source"] += "// mine\n"
    done = await shell.graylog("export", "mine")
    assert done.code == 0
    assert (folder / "mine" / "tidy_cylance.rule").read_text().endswith("// mine\n")
    assert (folder / "mine" / "alert-Malware.json").exists()
    assert len(done.output.splitlines()) == len(list((folder / "mine").iterdir()))


async def test_packs_are_written_without_a_server(shell: Shell, folder: Path) -> None:
    done = await shell.run("packs", "out")
    assert done.code == 0
    assert len(list((folder / "out").glob("gelf-bridge-*.json"))) == 4


async def test_without_a_token_it_says_how_to_get_one(shell: Shell) -> None:
    shell.token = None
    done = await shell.graylog("install", "--yes")
    assert done.code == 1
    assert "the environment variable GRAYLOG_TOKEN has no access token" in done.output
    assert "Traceback" not in done.output


async def test_a_wrong_token_is_not_shown(shell: Shell, folder: Path) -> None:
    (folder / "token").write_text("hunter2hunter2")
    done = await shell.graylog("install", "--yes", "--token-file", "token")
    assert done.code == 1
    assert "does not take the token" in done.output
    assert "hunter2" not in done.output


async def test_missing_rights_are_listed_before_anything_is_changed() -> None:
    reads = ("mappingprofiles", "indexsets", "inputs", "streams", "pipeline_rule", "pipeline")
    rights = [f"{each}:read" for each in (*reads, "pipeline_connection", "clusterconfigentry")]
    async with FakeGraylogApi(permissions=rights[1:]) as fake:
        done = await Shell(fake).graylog("install", "--yes")
        assert "lacks rights: mappingprofiles:read;" in done.output
    async with FakeGraylogApi(permissions=[*rights, "pipeline_rule:*", "pipeline:*"]) as fake:
        done = await Shell(fake).graylog("install", "--yes")
        assert "lacks rights: indexsets:create, inputs:create, mappingprofiles" in done.output
        assert not fake.state.profiles
    assert done.code == 1


async def test_an_input_whose_port_is_taken_is_told(shell: Shell) -> None:
    shell.fake.state.busy_ports.add(12201)
    done = await shell.graylog("install", "--yes")
    assert done.code == 1
    assert "the input GELF TCP (gelf-bridge) does not run: bind(..) failed" in done.output


async def test_an_interruption_says_how_to_go_on(shell: Shell) -> None:
    await shell.graylog("diff")
    changes = len(shell.fake.asked)
    shell.fake.fail_after = changes + 3
    done = await shell.graylog("install", "--yes")
    assert done.code == 1
    assert "3 of " in done.output
    assert "run the command again for the rest" in done.output
    shell.fake.fail_after = None
    assert (await shell.graylog("install", "--yes")).code == 0


async def test_a_terminal_is_asked_for_token_days_and_consent(shell: Shell) -> None:
    ours, theirs = os.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", "pipelines", "install", "--graylog", shell.fake.url),
        env={key: each for key, each in os.environ.items() if key != "GRAYLOG_TOKEN"},
        stdin=theirs,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout
    answers = {b"token: ": shell.fake.token, b"40 days): ": "90", b"[y/N]: ": "y"}
    for question, answer in answers.items():
        shown = await process.stdout.readuntil(question)
        assert shell.fake.token.encode() not in shown
        os.write(ours, f"{answer}\n".encode())
    rest, _ = await process.communicate()
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 0, rest.decode()
    [index_set] = [
        row for row in shell.fake.state.index_sets.values() if "bridge" in row["index_prefix"]
    ]
    assert index_set["data_tiering"]["index_lifetime_min"] == "P90D"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--with", "dashbords"], "dashbords: there are only dashboards, alerts, lookups"),
        (["--with", "lookups", "--yes"], "--with lookups needs --intel-url, --csv-path, or both"),
        (["--intel-url", "https://x.example.org/", "--yes"], "must have ${key} in the place"),
        (["--schema", "ocsf"], "'ocsf' is not one of 'ecs', 'gim'"),
    ],
)
async def test_wrong_choices_are_told(shell: Shell, arguments: list[str], reason: str) -> None:
    done = await shell.graylog("install", *arguments)
    assert done.code in (1, 2)
    assert reason in done.output
    assert not shell.fake.state.rules

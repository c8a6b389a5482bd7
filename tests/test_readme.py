"""Every console block in README.md that shows output is what the commands really print.

The commands run beside a bridge with the README's own configuration. Numbers that differ from run
to run (processes, times, ports) are masked on both sides; everything else must be equal.
"""

from __future__ import annotations

import asyncio
import difflib
import os
import re
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bridge.testing import FakeGraylog
from tests.bridges import Bridge, record, running

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
FENCE = re.compile(r"^( *)```(console|yaml)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
BLOCKS = [(found[2], textwrap.dedent(found[3])) for found in FENCE.finditer(README)]
SHOWN = [text for kind, text in BLOCKS if kind == "console" and text.startswith("$ ")]
FILES = {
    found[1]: text
    for kind, text in BLOCKS
    if kind == "yaml" and (found := re.match(r"# (\S+\.yaml)\n", text))
}
OWN = next(text for kind, text in BLOCKS if kind == "yaml" and text.startswith("inputs:\n"))
BIN = Path(sys.executable).parent

MOVING = [
    (r"\d+ (?:d|h|min|s)(?: \d+ (?:h|min|s))?(?![\w/])", "<duration>"),
    (r"process \d+", "process <pid>"),
    (r"gelf-bridge \d+\.\d+\.\d+\S*,", "gelf-bridge <version>,"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "<time>"),
    (r"(?<=timestamp )[\d.]+", "<seconds>"),
    (r"\b[0-9a-f]{8,}-\d+", "<uid>"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:<port>"),
    (r"\b(?:192\.0\.2\.7|127\.0\.0\.1)\b(?!:)", "<sender>"),
    (r"(?<=  )/\S+(?=: [\d.]+ [KM]?i?B of)", "<directory>"),
    (r"(?<=: )[\d.,]+ (?:B|KiB)(?= of)", "<size>"),
]


def masked(text: str) -> str:
    for pattern, word in MOVING:
        text = re.sub(pattern, word, text)
    return text


@pytest.fixture
async def bridge(tmp_path: Path) -> AsyncIterator[Bridge]:
    """The first configuration of the README at work; its Graylog and its port are ours."""
    async with FakeGraylog() as graylog:
        here = f"127.0.0.1:{graylog.port}"
        quick = f'"{here}", confirm_seconds: 0.05, hold_back_seconds: 0.05'
        text = OWN.replace('"graylog.example.org:12201"', quick).replace(":5514", ":0")
        assert text.count(here) == 1
        for name, content in FILES.items():
            (tmp_path / name).write_text(content)
        async with running(tmp_path, text) as bridge:
            yield bridge


async def keep_sending(bridge: Bridge) -> None:
    """For `tap`: a record again and again."""
    while True:
        await bridge.send(record(1))
        await asyncio.sleep(0.05)


async def printed(command: str, folder: Path) -> str:
    """What a command prints, as a person sees it on a terminal of 100 columns."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", command),
        cwd=folder,
        env=os.environ | {"PATH": path, "COLUMNS": "100", "LC_ALL": "C.UTF-8"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return output.decode()


@pytest.mark.parametrize("block", SHOWN, ids=lambda block: block.split("\n")[0][2:60])
async def test_the_readme_shows_what_is_really_printed(block: str, bridge: Bridge) -> None:
    command, _, shown = block.removeprefix("$ ").partition("\n")
    sending = None
    if " tap " in command:
        sending = asyncio.create_task(keep_sending(bridge))
    else:
        await bridge.send(*(record(n, " msg=a=b c") for n in range(12)))
        await bridge.delivered(12)
    try:
        output = await printed(command, bridge.path.parent)
    finally:
        if sending:
            sending.cancel()
    difference = difflib.unified_diff(
        masked(shown).splitlines(), masked(output).splitlines(), "README.md", "printed", "", "", 1
    )
    assert masked(shown) == masked(output), "\n".join(difference)


def test_there_are_blocks_to_look_at() -> None:
    assert len(SHOWN) >= 6
    assert "broken.yaml" in FILES


def called(text: str) -> Iterator[str]:
    """The calls of gelf-bridge in the console blocks of a page; output is no call."""
    for found in FENCE.finditer(text):
        for line in textwrap.dedent(found[3]).splitlines() if found[2] == "console" else ():
            if call := re.match(r"(?:\$ )?(?:\S*/)?gelf-bridge ([a-z].*)", line):
                yield call[1]


CALLED = {
    line
    for page in ("README.md", "pipelines/README.md", "examples/plugin/README.md")
    for line in called((ROOT / page).read_text())
}


@pytest.mark.parametrize("line", sorted(CALLED))
def test_every_command_in_a_block_has_its_options(line: str) -> None:
    """Those that only say what to type, too."""
    from click import Command, Context, Group

    from bridge.cli import main

    context = Context(main)
    command: Command = main
    for word in line.split():
        if isinstance(command, Group) and not word.startswith("-"):
            found = command.get_command(context, word)
            assert found, word
            command = found
        elif re.match(r"-+[a-z]", word):
            assert any(word in one.opts for one in command.params), word


def test_every_block_is_looked_at() -> None:
    """A block of configuration is checked as it is or stands beside its complaints; a block of
    commands shows what it prints, or there is nothing that it would print."""
    assert len(CALLED) > 15
    for kind, text in BLOCKS:
        if kind == "yaml":
            assert "inputs:" in text
        else:
            assert text.startswith("$ ") or "\n$ " not in text


def test_every_command_that_is_named_exists() -> None:
    """In running text too: nobody shall look for a command that is not there."""
    from click import Context, Group

    from bridge.cli import main

    context = Context(main)
    for found in re.findall(r"`gelf-bridge ([^`]+)`", README):
        name, _, rest = found.partition(" ")
        command = main.get_command(context, name)
        assert command, f"gelf-bridge {found}"
        if isinstance(command, Group) and rest:
            assert rest.split()[0] in command.list_commands(context), f"gelf-bridge {found}"

"""Instructions an event, by callgrind: `python -m tests.bench.instructions`, about half a minute.

They repeat exactly, so a change for the worse is seen at once, however busy the machine is. What
they were is in `instructions.json`, for each kind of machine and Python; `--record` writes it anew.
Ends with 1 when an event costs more than 3 % more than that; says so and ends with 0 where nothing
is recorded.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click
from rich.console import Console

from bridge.native import core
from tests.bench.counted import MARK, PARTS
from tests.bench.tables import Table

Counts = dict[str, int]

RECORDED: Final = Path(__file__).with_name("instructions.json")
EVENTS: Final = 300
TOLERANCE: Final = 0.03
VERSIONS: Final = {"compiled": "0", "pure Python": "1"}
_TOTALS: Final = re.compile(r"^totals: (\d+)", re.MULTILINE)


def key(kind: str) -> str:
    """On what the counts depend."""
    return (
        f"CPython {platform.python_version()} ({platform.python_compiler()}), "
        f"{platform.machine()}, {' '.join(platform.libc_ver())}, orjson {version('orjson')}, {kind}"
    )


def start(pure: str, folder: Path) -> subprocess.Popen[bytes]:
    """Run `counted` under callgrind, which writes a file for each part into the folder."""
    return subprocess.Popen(
        [
            *("valgrind", "-q", "--tool=callgrind", f"--dump-before={MARK}"),
            *(f"--callgrind-out-file={folder / 'part'}", sys.executable),
            *("-m", "tests.bench.counted", str(EVENTS)),
        ],
        env=os.environ | {"PYTHONHASHSEED": "0", "GELF_BRIDGE_PURE": pure},
    )


def counts(folder: Path) -> Counts:
    """Instructions an event; file 1 is what was before the first mark, and so on."""
    found = {}
    for number, part in enumerate(PARTS):
        totals = _TOTALS.search((folder / f"part.{2 * number + 2}").read_text())
        if not totals:
            raise RuntimeError(f"callgrind has counted nothing for {part}")
        found[part] = round(int(totals[1]) / EVENTS)
    return found


def count() -> dict[str, Counts]:
    """Both versions at once."""
    with TemporaryDirectory() as name:
        running = {}
        for kind, pure in VERSIONS.items():
            if kind != "compiled" or core:
                (Path(name) / kind).mkdir()
                running[kind] = start(pure, Path(name) / kind)
        for kind, process in running.items():
            if process.wait():
                raise RuntimeError(f"{kind}: callgrind ended with {process.returncode}")
        return {key(kind): counts(Path(name) / kind) for kind in running}


def judge(found: dict[str, Counts], recorded: dict[str, Counts]) -> tuple[Table, list[str]]:
    """Each count beside the recorded one; and what is worse."""
    rows, worse = [], []
    for where, parts in found.items():
        kind = where.rpartition(", ")[2]
        for part, number in parts.items():
            before = recorded.get(where, {}).get(part)
            if not before:
                rows.append([f"{part} ({kind})", f"{number:,}", "–", "–"])
                continue
            change = number / before - 1
            rows.append([f"{part} ({kind})", f"{number:,}", f"{before:,}", f"{change:+.2%}"])
            if change > TOLERANCE:
                worse.append(f"{part} ({kind}) takes {change:.1%} more instructions an event")
    return Table("Instructions an event", ["", "now", "recorded", "change"], rows), worse


@click.command()
@click.option("--record", is_flag=True, help="Write down what was counted.")
def main(record: bool) -> None:
    """Count, compare with what was recorded."""
    if not shutil.which("valgrind"):
        click.echo("nothing is counted: valgrind is not installed (apt-get install valgrind)")
        return
    found = count()
    recorded: dict[str, Counts] = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    table, worse = judge(found, recorded)
    table.show(Console())
    for where in found:
        if where not in recorded:
            click.echo(f"nothing is compared, because nothing is recorded for {where}")
    if record:
        text = json.dumps(recorded | found, indent=2, sort_keys=True)
        RECORDED.write_text(text + "\n")
    elif worse:
        raise click.ClickException(
            f"{'; '.join(worse)}. If that is wanted: python -m tests.bench.instructions --record"
        )


if __name__ == "__main__":
    main(prog_name="python -m tests.bench.instructions")

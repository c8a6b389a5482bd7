"""`gelf-bridge support`: one file with everything that somebody who helps needs to know."""

from __future__ import annotations

import io
import json
import os
import platform
import re
import tarfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import yaml

from bridge.cli.check import summary
from bridge.cli.client import Client, socket_of
from bridge.cli.config import effective
from bridge.cli.loading import config_option, load
from bridge.cli.status import lines
from bridge.cli.version import libraries
from bridge.config import Secret, Section
from bridge.config.document import Document, parse
from bridge.config.references import Referenced, Resolver
from bridge.errors import BridgeError
from bridge.version import VERSION

LOG_LINES = 5000
SYSTEM = [
    "/proc/self/limits",
    "/proc/meminfo",
    "/proc/loadavg",
    "/proc/sys/net/core/rmem_max",
    "/proc/sys/net/core/somaxconn",
]
README = """\
What gelf-bridge support has gathered. Secrets of the configuration are replaced by stars, and no
event is in here; names of hosts, addresses and, in log.txt, words of senders are.

version.json  versions of the bridge, of Python, of its libraries and of the system
config.yaml   the configuration as it counts, with references in place of what they stand for
check.txt     what `check` says of it
status.txt    what `status` says, or why the bridge does not answer
status.json, history.json, metrics.txt
              the same for programs, the rates of the last quarter of an hour, the metrics
spool.txt     the files of the spool, and the room on its disk
system.txt    limits, memory, load
log.txt       the end of the log, if --log named one
"""


@click.command()
@config_option
@click.option(
    "--log", type=click.Path(path_type=Path, dir_okay=False), help="The bridge's log file."
)
@click.option(
    "-o",
    "--output",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Default: gelf-bridge-support-<time>.tar.gz in this folder.",
)
def support(path: Path, log: Path | None, target: Path | None) -> None:
    """Write one file for somebody who helps: versions, configuration, status; no secrets or events.

    Look through it before you pass it on.
    """
    target = target or Path(time.strftime("gelf-bridge-support-%Y%m%d-%H%M%S.tar.gz"))
    hide = hider(path)
    try:
        with target.open("xb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
            target.chmod(0o600)
            for name, text in members(path, log):
                _add(archive, f"gelf-bridge-support/{name}", hide(text))
    except OSError as error:
        raise BridgeError(f"{target} was not written: {error.strerror}") from None
    click.echo(
        f"{target} is written: it holds no secrets, but look through it before you pass it on"
    )


def members(path: Path, log: Path | None) -> Iterator[tuple[str, str]]:
    """Name and text of everything in the file; what cannot be had says why."""
    yield "README.txt", README
    yield "version.json", json.dumps(_versions(), indent=2)
    yield "config.yaml", _or_why(lambda: yaml.safe_dump(effective(path), sort_keys=False))
    yield "check.txt", _or_why(lambda: summary(load(path)[0]))
    try:
        client = Client(socket_of(path))
        status = client.get("/status")
    except BridgeError as error:
        yield "status.txt", str(error)
    else:
        yield "status.txt", click.unstyle("\n".join(lines(status)))
        yield "status.json", json.dumps(status, indent=2)
        yield "history.json", _or_why(lambda: client.text("/history"))
        yield "metrics.txt", _or_why(lambda: client.text("/metrics"))
    yield "spool.txt", _or_why(lambda: _files(socket_of(path).parent))
    yield "system.txt", "\n".join(_read(Path(name)) for name in SYSTEM)
    if log:
        yield "log.txt", _tail(log)


def hider(path: Path) -> Callable[[str], str]:
    """A function that puts stars over every secret of a configuration."""
    try:
        loaded, _ = load(path)
        secrets = set(_secrets(loaded))
    except BridgeError:
        secrets = set()
    secrets |= set(_referenced(path))
    found = sorted((one for one in secrets if len(one) > 3), key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, found)) or r"(?!)")
    return lambda text: pattern.sub("***", text)


def _secrets(value: object) -> Iterator[str]:
    if isinstance(value, Secret):
        try:
            yield value.reveal()
        except OSError:
            return
    elif isinstance(value, Section):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, dict):
        for one in value.values():
            yield from _secrets(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _secrets(one)


def _referenced(path: Path) -> Iterator[str]:
    """What references stand for: it may be secret although no option says so."""
    try:
        text = path.read_text("utf-8-sig")
        document: Document = parse(text, str(path), Resolver(os.environ, path.parent))
    except (OSError, ValueError, BridgeError):
        return
    for place in document.referenced:
        if isinstance(value := document.at(place), Referenced):
            yield str(value)


def _versions() -> dict[str, str]:
    system = {"system": platform.platform(), "Python": platform.python_version()}
    return {"gelf-bridge": VERSION, **system, **libraries()}


def _or_why(ask: Callable[[], str]) -> str:
    try:
        return ask()
    except BridgeError as error:
        return str(error)


def _files(directory: Path) -> str:
    try:
        disk = os.statvfs(directory)
        rows = [f"{file.stat().st_size:>16,} {file.name}" for file in sorted(directory.iterdir())]
    except OSError as error:
        return f"{directory}: {error.strerror}"
    free = disk.f_bavail * disk.f_frsize
    return "\n".join([str(directory), *rows, f"{free:>16,} bytes free on the disk"])


def _read(path: Path) -> str:
    try:
        return f"{path}\n{path.read_text()}"
    except OSError as error:
        return f"{path}: {error.strerror}\n"


def _tail(path: Path) -> str:
    try:
        with path.open(errors="replace") as file:
            return "".join(deque(file, LOG_LINES))
    except OSError as error:
        return f"{path}: {error.strerror}\n"


def _add(archive: tarfile.TarFile, name: str, text: str) -> None:
    data = text.encode("utf-8", "replace")
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = len(data), int(time.time()), 0o600
    archive.addfile(member, io.BytesIO(data))

"""`gelf-bridge version`: what exactly is installed here."""

from __future__ import annotations

import json
import platform
import sqlite3
from importlib.metadata import PackageNotFoundError, distribution
from importlib.metadata import version as version_of

import click

from bridge import native
from bridge.cli.options import json_option
from bridge.version import VERSION


@click.command()
@json_option
def version(as_json: bool) -> None:
    """Print the versions of the bridge, of Python, and of what it stands on."""
    found = {
        "gelf-bridge": VERSION,
        "compiled parts": compiled_parts(),
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        **libraries(),
    }
    if as_json:
        click.echo(json.dumps(found))
    else:
        for name, number in found.items():
            click.echo(f"{name} {number}")


def compiled_parts() -> str:
    """Whether they are in use, and if not, why; without them everything is the same, but slower."""
    if native.core is not None:
        return "in use"
    return "off by GELF_BRIDGE_PURE" if native.PURE else "none: installed without a C compiler"


def libraries() -> dict[str, str]:
    """The libraries that the bridge requires, with the versions installed."""
    try:
        required = distribution("gelf-bridge").requires or []
    except PackageNotFoundError:
        return {}
    names = [line for line in required if "extra ==" not in line]
    plain = sorted(_name(line) for line in names)
    return {name: _version(name) for name in plain}


def _name(requirement: str) -> str:
    end = next((i for i, c in enumerate(requirement) if not (c.isalnum() or c in "-_.")), None)
    return requirement[:end]


def _version(name: str) -> str:
    try:
        return version_of(name)
    except PackageNotFoundError:
        return "missing"

"""`gelf-bridge init`: a configuration to begin with, made from the components themselves."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from bridge.cli.describe import KINDS, Component, Option, component
from bridge.errors import BridgeError
from bridge.plugins import EntryPoints

WIDTH = 96
DEFAULTS = {"input": "cef", "output": "gelf_tcp"}
SPOOL = "/var/lib/gelf-bridge"


@click.command()
@click.argument("types", metavar="[TYPE]...", nargs=-1)
@click.option(
    "--all", "everything", is_flag=True, help="Every option, the optional ones as comments."
)
@click.option(
    "-o",
    "--output",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this file, which must not exist yet; default: print.",
)
def init(types: tuple[str, ...], everything: bool, path: Path | None) -> None:
    """Write a commented configuration for components of these TYPEs (default: cef gelf_tcp).

    It holds what is needed and nothing else. References such as ${env:TENANT_ID} stand for values
    that you set in the environment; `check` says which are missing.
    """
    text = configuration(EntryPoints(), types, everything)
    if path is None:
        click.echo(text, nl=False)
        return
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise BridgeError(f"{path} was not written: {error.strerror}") from None
    click.echo(f"{path} is written. Next: gelf-bridge check -c {path}")


def configuration(registry: EntryPoints, types: Iterable[str], everything: bool = False) -> str:
    """A whole configuration; raises BridgeError for an unknown or a broken type."""
    chosen = [one for name in types for one in component(registry, name)]
    for kind in KINDS:
        if not any(one.kind == kind for one in chosen):
            chosen += [one for one in component(registry, DEFAULTS[kind]) if one.kind == kind]
    for one in chosen:
        if one.problem:
            raise BridgeError(one.problem)
    head = "# gelf-bridge check -c FILE finds mistakes, gelf-bridge run -c FILE runs it.\n"
    spool = f"spool:\n  # {_SPOOL_TEXT}\n  directory: {SPOOL}\n"
    return head + sample(chosen, everything) + spool


_SPOOL_TEXT = "Where events wait until they are delivered; a folder of the bridge's own."


def sample(chosen: Iterable[Component], everything: bool = False) -> str:
    """The sections of these components."""
    chosen = list(chosen)
    taken: set[str] = set()
    lines: list[str] = []
    for kind in KINDS:
        own = [one for one in chosen if one.kind == kind]
        if own:
            lines.append(f"{kind}s:")
        for one in own:
            name, number = _free(one, taken)
            lines += _component(one, name, number, everything)
    return "\n".join(lines) + "\n"


def _free(one: Component, taken: set[str]) -> tuple[str, int]:
    """An id that no other component has, and its number among those of its type."""
    name, number = one.name, 2
    while name in taken:
        name, number = f"{one.name}-{number}", number + 1
    taken.add(name)
    return name, number - 1


def _component(one: Component, name: str, number: int, everything: bool) -> Iterator[str]:
    yield from _comment(one.text.partition("\n\n")[0], 2)
    yield f"  {name}:"
    yield f"    type: {one.name}"
    for option in one.options:
        if option.suggested or everything:
            yield from _comment(option.text, 4)
            mark = "" if option.suggested else "# "
            value = f"./{name}" if option.kind == "path" else _value(option)
            if option.name == "address":
                value = _PORT.sub(lambda port: str(int(port[0]) + number - 1), value)
            yield f"    {mark}{option.name}: {value}"


_PORT = re.compile(r"(?<=:)[1-9][0-9]*$")
"""Each listener gets one of its own, counted from that of the first of its type."""


def _comment(text: str, indent: int) -> Iterator[str]:
    margin = " " * indent + "# "
    yield from textwrap.wrap(text, WIDTH, initial_indent=margin, subsequent_indent=margin)


def _value(option: Option) -> str:
    """The default, an example, or where to put the value."""
    for found in (option.example if option.suggested else None, option.default, option.example):
        if found is not None:
            return found
    return "{}" if option.kind == "section" else f"${{env:{option.name.upper()}}}"

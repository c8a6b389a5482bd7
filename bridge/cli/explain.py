"""`gelf-bridge explain`: documentation in the terminal, made from the components themselves."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterator
from dataclasses import asdict

import click

from bridge.cli.describe import Component, Option, component, components, options
from bridge.cli.glossary import ACCOUNTS, EXIT_CODES, STATES
from bridge.cli.init import sample
from bridge.cli.options import json_option
from bridge.cli.words import with_colour
from bridge.config import Config
from bridge.config.spelling import nearest, unknown
from bridge.errors import BridgeError
from bridge.plugins import EntryPoints


@click.command()
@click.argument("name", required=False)
@json_option
@click.option("--fields", is_flag=True, help="Of an input: the fields whose kind is fixed.")
def explain(name: str | None, as_json: bool, fields: bool) -> None:
    """Explain NAME: a component type (cef), one of its options (cef.address), a section (spool), a
    deviation (unescaped_equals), a state, a count, or an exit code. Without NAME: list what there
    is to explain.
    """
    registry = EntryPoints()
    if name is None:
        found = contents(registry)
        lines = [json.dumps(found)] if as_json else _listed(found)
        click.echo("\n".join(lines), color=with_colour())
        return
    if as_json:
        click.echo(json.dumps(as_data(registry, name), ensure_ascii=False))
        return
    for line in explanation(registry, name, fields):
        click.echo(line, color=with_colour())


def explanation(registry: EntryPoints, name: str, fields: bool = False) -> Iterator[str]:
    """The lines about a name; raises BridgeError for one that nobody knows."""
    head, _, rest = name.partition(".")
    types = [one.name for one in components(registry)]
    if head in types:
        for one in component(registry, head):
            yield from _about_fields(one) if fields else _about(one, rest)
        return
    sections = _sections()
    section_names = [one.name for one in sections]
    if head in section_names:
        yield from _option(_within(sections, name), 0)
        return
    text = words(registry).get(name)
    if text is None:
        raise BridgeError(_nothing(name, types, [*words(registry), *section_names]))
    yield from _wrapped(text)


def _sections() -> list[Option]:
    return [one for one in options(Config) if one.name not in ("inputs", "outputs")]


def _nothing(name: str, types: list[str], others: list[str]) -> str:
    meant = nearest(name, [*types, *others])
    hint = f"did you mean {meant}?" if meant else "gelf-bridge explain lists all there is"
    return f"there is nothing to explain under this name; {hint}"


def words(registry: EntryPoints) -> dict[str, str]:
    """Everything that has one explanation: codes, states, accounts, deviations."""
    found = {**EXIT_CODES, **STATES, **ACCOUNTS}
    for one in components(registry):
        for name, deviation in getattr(one.cls, "deviations", {}).items():
            found[name] = f"A sender {deviation.does}. {deviation.help}"
    return found


def contents(registry: EntryPoints) -> dict[str, list[str]]:
    """Every name that can be explained, by what it is."""
    known = components(registry)
    return {
        "component types": [one.name for one in known],
        "sections": [one.name for one in _sections()],
        "states": list(STATES),
        "counts": list(ACCOUNTS),
        "deviations of senders": [
            flag for one in known for flag in getattr(one.cls, "deviations", {})
        ],
        "exit codes": list(EXIT_CODES),
    }


def _listed(found: dict[str, list[str]]) -> Iterator[str]:
    for title, names in found.items():
        yield click.style(title, bold=True)
        yield from _wrapped(", ".join(names), 1)


def as_data(registry: EntryPoints, name: str) -> object:
    """The same for programs."""
    if name in words(registry):
        return {"name": name, "text": words(registry)[name]}
    return [
        {
            "kind": one.kind,
            "type": one.name,
            "text": one.text,
            "problem": one.problem,
            "options": [] if one.problem else [asdict(option) for option in one.options],
            "fields": dict(getattr(one.cls, "kinds", {})),
            "deviations": {
                flag: deviation._asdict()
                for flag, deviation in getattr(one.cls, "deviations", {}).items()
            },
        }
        for one in component(registry, name)
    ]


def _about(one: Component, rest: str) -> Iterator[str]:
    if one.problem:
        raise BridgeError(one.problem)
    if rest:
        yield from _option(_within(one.options, rest), 0)
        return
    yield click.style(f"{one.name}, an {one.kind}", bold=True) + f" (from {one.owner})"
    yield from _wrapped(one.text)
    yield ""
    yield click.style("Sample", bold=True)
    yield from (f"  {line}" for line in sample([one]).splitlines())
    yield ""
    yield click.style("Options", bold=True)
    for option in one.options:
        yield from _option(option, 1)
    if deviations := getattr(one.cls, "deviations", {}):
        yield ""
        yield click.style("Deviations of senders that are counted", bold=True)
        yield from _table({flag: deviation.does for flag, deviation in deviations.items()})
    if kinds := getattr(one.cls, "kinds", {}):
        yield ""
        yield f"{len(kinds)} fields have a fixed kind: gelf-bridge explain {one.name} --fields"


def _about_fields(one: Component) -> Iterator[str]:
    kinds = getattr(one.cls, "kinds", {})
    yield from _table(dict(sorted(kinds.items())))


def _within(found: list[Option], path: str) -> Option:
    """The option at a dotted path."""
    name, _, rest = path.partition(".")
    for option in found:
        if option.name == name:
            return _within(list(option.inner), rest) if rest else option
    raise BridgeError(unknown("option", name, [option.name for option in found]))


def _option(option: Option, depth: int) -> Iterator[str]:
    """Name, kind and default, and below them what it is for."""
    margin = "  " * depth
    default = f", default {option.default}" if option.default is not None else ""
    needed = click.style(", required", fg="yellow") if option.required else default
    yield f"{margin}{click.style(option.name, fg='cyan')}: {option.kind}{needed}"
    yield from _wrapped(option.text, depth + 2)
    for inner in option.inner:
        yield from _option(inner, depth + 2)


def _table(rows: dict[str, str]) -> Iterator[str]:
    width = max(map(len, rows), default=0)
    for name, text in rows.items():
        yield f"  {name:{width}}  {text}"


def _wrapped(text: str, depth: int = 0) -> Iterator[str]:
    margin = "  " * depth
    width = max(40, min(100, shutil.get_terminal_size().columns))
    for paragraph in text.split("\n\n"):
        yield from textwrap.wrap(paragraph, width, initial_indent=margin, subsequent_indent=margin)

"""`gelf-bridge check`: every problem of a configuration, before anything starts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from bridge.cli import BAD_CONFIG
from bridge.cli.loading import config_option, load
from bridge.config import ComponentConfig, Config
from bridge.errors import ConfigError, Problem


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def check(ctx: click.Context, path: Path, as_json: bool) -> None:
    """Say everything that is wrong with a configuration; nothing is started or connected.

    Exits with 78 when there is a problem.
    """
    if not as_json:
        click.echo(f"{path}: all is well: {summary(load(path)[0])}")
        return
    try:
        config, _ = load(path)
    except ConfigError as error:
        click.echo(report(path, None, error.problems))
        ctx.exit(BAD_CONFIG)
    click.echo(report(path, config, ()))


def summary(config: Config) -> str:
    """`input malops (cef); outputs graylog (gelf_tcp), screen (console)`."""
    return f"{_listed('input', config.inputs)}; {_listed('output', config.outputs)}"


def report(path: Path, config: Config | None, problems: Sequence[Problem]) -> str:
    """What `--json` prints: `ok`, `source`, ids and types of the components, `problems`."""
    document = {
        "ok": not problems,
        "source": str(path),
        "inputs": _types(config.inputs) if config else {},
        "outputs": _types(config.outputs) if config else {},
        "problems": [asdict(problem) for problem in problems],
    }
    return json.dumps(document, ensure_ascii=False)


def _listed(kind: str, components: Mapping[str, ComponentConfig]) -> str:
    names = ", ".join(f"{name} ({type_})" for name, type_ in _types(components).items())
    return f"{kind}{'s' if len(components) > 1 else ''} {names}"


def _types(components: Mapping[str, ComponentConfig]) -> dict[str, str]:
    return {name: config.type for name, config in components.items()}

"""`gelf-bridge check`: every problem of a configuration, before anything starts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from bridge.cli import BAD_CONFIG
from bridge.cli.loading import config_option, load
from bridge.cli.words import printable
from bridge.config import ComponentConfig, Config, Registry
from bridge.errors import ConfigError, Problem


@click.command()
@config_option
@click.option("--connect", is_flag=True, help="Try every component, too: log in, connect, bind.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def check(ctx: click.Context, path: Path, connect: bool, as_json: bool) -> None:
    """Say everything that is wrong with a configuration; nothing is started.

    Nothing is connected either, but with --connect. Exits with 78 when there is a problem, and with
    1 when a component that was tried cannot do its work.
    """
    try:
        config, registry = load(path)
    except ConfigError as error:
        if not as_json:
            raise
        click.echo(report(path, None, error.problems))
        ctx.exit(BAD_CONFIG)
    tried = _tried(config, registry) if connect else {}
    if as_json:
        click.echo(report(path, config, (), tried))
    else:
        for line in lines(path, config, tried):
            click.echo(line)
    ctx.exit(1 if any(tried.values()) else 0)


def _tried(config: Config, registry: Registry) -> dict[str, str]:
    from bridge.cli.connect import try_all  # late: most checks connect nothing

    return try_all(config, registry)


def lines(path: Path, config: Config, tried: Mapping[str, str]) -> Iterator[str]:
    """What is said about a good configuration; `tried` is component → what is wrong, or empty."""
    yield f"{path}: all is well: {summary(config)}"
    for name, remark in remarks(config).items():
        yield f"outputs.{name}: {remark}"
    for name, problem in tried.items():
        yield f"{name}: {printable(problem) or 'ok'}"


def summary(config: Config) -> str:
    """`input malops (cef); outputs graylog (gelf_tcp), screen (console)`."""
    return f"{_listed('input', config.inputs)}; {_listed('output', config.outputs)}"


def remarks(config: Config) -> dict[str, str]:
    """What is to be known about the promises of outputs, by their id."""
    outputs = {name: getattr(output, "remark", "") for name, output in config.outputs.items()}
    return {name: remark for name, remark in outputs.items() if remark}


def report(
    path: Path,
    config: Config | None,
    problems: Sequence[Problem],
    tried: Mapping[str, str] | None = None,
) -> str:
    """What `--json` prints: `ok`, `source`, ids and types of the components, `remarks`,
    `problems`, and with `--connect` `tried`: component → what is wrong with it, or empty."""
    document = {
        "ok": not problems and not any((tried or {}).values()),
        "source": str(path),
        "inputs": _types(config.inputs) if config else {},
        "outputs": _types(config.outputs) if config else {},
        "remarks": remarks(config) if config else {},
        "problems": [asdict(problem) for problem in problems],
        **({"tried": tried} if tried else {}),
    }
    return json.dumps(document, ensure_ascii=False)


def _listed(kind: str, components: Mapping[str, ComponentConfig]) -> str:
    names = ", ".join(f"{name} ({type_})" for name, type_ in _types(components).items())
    return f"{kind}{'s' if len(components) > 1 else ''} {names}"


def _types(components: Mapping[str, ComponentConfig]) -> dict[str, str]:
    return {name: config.type for name, config in components.items()}

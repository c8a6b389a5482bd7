"""`gelf-bridge check`: every problem of a configuration, before anything starts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridge.cli import BAD_CONFIG
from bridge.cli.graylog_options import server_options
from bridge.cli.loading import config_option, load
from bridge.cli.words import printable
from bridge.config import ComponentConfig, Config, Registry
from bridge.errors import ConfigError, Problem

if TYPE_CHECKING:
    from bridge.cli.connect import Tried
    from bridge.graylog.client import Graylog


@click.command()
@config_option
@click.option("--connect", is_flag=True, help="Try every component, too: log in, connect, bind.")
@click.option(
    "--send-test",
    is_flag=True,
    help="With --connect: send a test event, marked bridge_demo, through every output.",
)
@server_options(required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def check(
    ctx: click.Context,
    path: Path,
    connect: bool,
    send_test: bool,
    graylog: Graylog | None,
    as_json: bool,
) -> None:
    """Say everything that is wrong with a configuration; nothing is started.

    Nothing is connected either, but with --connect; --graylog then looks at that server, too: is
    everything there that events need, and did the test event arrive, in the right stream, with the
    right fields and types? Exits with 78 when there is a problem, and with 1 when something that
    was tried cannot do its work.
    """
    if not connect and (send_test or graylog):
        raise click.UsageError("--send-test and --graylog need --connect")
    try:
        config, registry = load(path)
    except ConfigError as error:
        if not as_json:
            raise
        click.echo(report(path, None, error.problems))
        ctx.exit(BAD_CONFIG)
    tried = _tried(config, registry, send_test, graylog) if connect else []
    if as_json:
        click.echo(report(path, config, (), tried))
    else:
        for line in lines(path, config, tried):
            click.echo(line)
    ctx.exit(1 if any(each.problem for each in tried) else 0)


def _tried(
    config: Config, registry: Registry, send_test: bool, graylog: Graylog | None
) -> list[Tried]:
    from bridge.cli.connect import try_all  # late: most checks connect nothing

    tried = try_all(config, registry)
    if send_test or graylog:
        from bridge.cli.send_test import try_graylog

        tried += try_graylog(config, registry, send_test, graylog)
    return tried


def lines(path: Path, config: Config, tried: Sequence[Tried]) -> Iterator[str]:
    """What is said about a good configuration."""
    yield f"{path}: all is well: {summary(config)}"
    for name, remark in remarks(config).items():
        yield f"outputs.{name}: {remark}"
    for each in tried:
        yield f"{each.name}: {printable(each.problem or each.words) or 'ok'}"


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
    tried: Sequence[Tried] = (),
) -> str:
    """What `--json` prints: `ok`, `source`, ids and types of the components, `remarks`,
    `problems`, and with `--connect` `tried`: component → what is wrong with it, or empty; what
    else there is to say of one is in `words`."""
    document = {
        "ok": not problems and not any(each.problem for each in tried),
        "source": str(path),
        "inputs": _types(config.inputs) if config else {},
        "outputs": _types(config.outputs) if config else {},
        "remarks": remarks(config) if config else {},
        "problems": [asdict(problem) for problem in problems],
        **({"tried": {each.name: each.problem for each in tried}} if tried else {}),
        **({"words": words} if (words := {e.name: e.words for e in tried if e.words}) else {}),
    }
    return json.dumps(document, ensure_ascii=False)


def _listed(kind: str, components: Mapping[str, ComponentConfig]) -> str:
    names = ", ".join(f"{name} ({type_})" for name, type_ in _types(components).items())
    return f"{kind}{'s' if len(components) > 1 else ''} {names}"


def _types(components: Mapping[str, ComponentConfig]) -> dict[str, str]:
    return {name: config.type for name, config in components.items()}

"""`gelf-bridge config show`: what the bridge makes of a configuration, without its secrets."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import yaml

from bridge.cli.loading import config_option, load
from bridge.cli.options import json_option
from bridge.config import Section
from bridge.config.document import Document, parse
from bridge.config.references import Referenced, Resolver


@click.group()
def config() -> None:
    """Look at a configuration."""


@config.command()
@config_option
@json_option
def show(path: Path, as_json: bool) -> None:
    """Print the configuration as it counts: with all defaults, without secrets.

    What came from a reference is shown as the reference.
    """
    shown = effective(path)
    if as_json:
        click.echo(json.dumps(shown, ensure_ascii=False))
    else:
        click.echo(yaml.safe_dump(shown, sort_keys=False, allow_unicode=True), nl=False)


def effective(path: Path) -> dict[str, Any]:
    """The configuration in plain values; raises ConfigError."""
    loaded, _ = load(path)
    written = parse(path.read_text("utf-8-sig"), str(path), Resolver(os.environ, path.parent))
    whole: dict[str, Any] = _with_references(_plain(loaded), (), written)
    return whole


def _plain(value: Any) -> Any:
    """A value as YAML has it; the text of a secret is stars."""
    if isinstance(value, Section):
        fields = type(value).model_fields.items()
        pairs = [(info.alias or name, getattr(value, name)) for name, info in fields]
        return {name: _plain(one) for name, one in pairs if one is not None}
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, re.Pattern):
        return value.pattern
    return value if isinstance(value, (str, int, float, bool)) else str(value)


def _with_references(value: Any, path: tuple[str | int, ...], written: Document) -> Any:
    if isinstance(value, dict):
        return {key: _with_references(one, (*path, key), written) for key, one in value.items()}
    if isinstance(value, list):
        return [_with_references(one, (*path, i), written) for i, one in enumerate(value)]
    source = written.at(path)
    return source.written if isinstance(source, Referenced) else value

"""The option `--config`, and what every command does with it."""

from __future__ import annotations

import os
from pathlib import Path

import click

from bridge.config import Config, load_file
from bridge.plugins import EntryPoints

config_option = click.option(
    "-c",
    "--config",
    "path",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The configuration, in YAML.",
)


def load(path: Path) -> tuple[Config, EntryPoints]:
    """Read a configuration with the environment and the components of this installation.

    Raises ConfigError, which the command group turns into lines and exit code 78.
    """
    registry = EntryPoints()
    return load_file(path, os.environ, registry), registry

"""The option `--config`, and what every command does with it."""

from __future__ import annotations

import os
from pathlib import Path

from bridge.cli.options import config_file
from bridge.config import Config, load_file
from bridge.plugins import EntryPoints

config_option = config_file()


def load(path: Path) -> tuple[Config, EntryPoints]:
    """Read a configuration with the environment and the components of this installation.

    Raises ConfigError, which the command group turns into lines and exit code 78.
    """
    registry = EntryPoints()
    return load_file(path, os.environ, registry), registry

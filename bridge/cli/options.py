"""Options that several commands share; importing them costs nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def config_file(name: str = "path", **more: Any) -> Decorator:
    """The option `-c FILE`, in the parameter `name` of the command."""
    return click.option(
        "-c",
        "--config",
        name,
        type=click.Path(path_type=Path),
        required=True,
        envvar="GELF_BRIDGE_CONFIG",
        show_envvar=True,
        metavar="FILE",
        help="The configuration, in YAML.",
        **more,
    )


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")

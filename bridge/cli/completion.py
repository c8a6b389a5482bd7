"""`gelf-bridge completion`: completion by the Tab key."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

PROGRAM = "gelf-bridge"
VARIABLE = "_GELF_BRIDGE_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes commands and options in SHELL.

    bash: gelf-bridge completion bash > ~/.local/share/bash-completion/completions/gelf-bridge

    zsh: gelf-bridge completion zsh > "${fpath[1]}/_gelf-bridge"

    fish: gelf-bridge completion fish > ~/.config/fish/completions/gelf-bridge.fish
    """
    from bridge.cli import main

    if found := get_completion_class(shell):
        click.echo(found(main, {}, PROGRAM, VARIABLE).source())

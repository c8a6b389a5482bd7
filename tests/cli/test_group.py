"""The command group turns our own errors into lines and exit codes, and hides no crash."""

from __future__ import annotations

import re
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner, Result

from bridge import cli
from bridge.errors import BridgeError, ConfigError, Problem, SpoolDenied, SpoolLocked, SpoolTooNew

PROBLEM = Problem("x.yaml", 3, 7, "inputs.a.b", "is wrong")


def run_failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> Result:
    """What happens when a command raises `error`."""

    @click.command()
    def failing() -> None:
        raise error

    monkeypatch.setattr(cli, "failing", failing, raising=False)
    monkeypatch.setitem(cli.COMMANDS, "failing", ("bridge.cli:failing", "Fail."))
    return CliRunner().invoke(cli.main, ["failing"])


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ConfigError([PROBLEM, PROBLEM]), 78, "x.yaml:3:7: inputs.a.b: is wrong\n" * 2),
        (SpoolTooNew("worker-0.db", 9, 1), 78, "gelf-bridge: the spool worker-0.db has format 9, "),
        (SpoolDenied("not yours"), 78, "gelf-bridge: not yours\n"),
        (SpoolLocked("spool", "process 7"), 1, "gelf-bridge: the spool spool is in use by process"),
        (BridgeError("no way"), 1, "gelf-bridge: no way\n"),
        (click.UsageError("not so"), 2, "Usage: "),
    ],
)
def test_errors_have_a_line_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, line: str
) -> None:
    done = run_failing(monkeypatch, error)
    assert done.exit_code == code
    assert done.stderr.startswith(line)
    assert done.stdout == ""


def test_a_crash_stays_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    error = ZeroDivisionError()
    assert run_failing(monkeypatch, error).exception is error


def test_every_command_of_the_table_exists() -> None:
    context = click.Context(cli.main)
    for name in cli.main.list_commands(context):
        command = cli.main.get_command(context, name)
        assert isinstance(command, click.Command)
        assert command.name == name
        assert command.help


def test_help_costs_no_command_and_cuts_no_sentence() -> None:
    """What it prints comes from the table; nothing that a command needs is imported."""
    heavy = ("pydantic", "httpx", "rich", "bridge.cli.run", "bridge.cli.status")
    code = (
        "import sys\nfrom bridge.cli import main\nmain(['--help'], standalone_mode=False)\n"
        f"assert not set({heavy}) & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for name, (_, summary) in cli.COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(summary)}$", done.stdout, re.MULTILINE), name


def test_a_command_that_was_meant_is_named() -> None:
    done = CliRunner().invoke(cli.main, ["chek"])
    assert done.exit_code == 2
    assert "No such command 'chek', did you mean check?" in done.stderr

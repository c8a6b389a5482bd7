"""The command group turns our own errors into lines and exit codes, and hides no crash."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner, Result

from bridge import cli
from bridge.errors import BridgeError, ConfigError, Problem, SpoolLocked, SpoolTooNew

PROBLEM = Problem("x.yaml", 3, 7, "inputs.a.b", "is wrong")


def run_failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> Result:
    """What happens when a command raises `error`."""

    @click.command()
    def failing() -> None:
        raise error

    monkeypatch.setattr(cli, "failing", failing, raising=False)
    monkeypatch.setitem(cli.COMMANDS, "failing", "bridge.cli:failing")
    return CliRunner().invoke(cli.main, ["failing"])


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ConfigError([PROBLEM, PROBLEM]), 78, "x.yaml:3:7: inputs.a.b: is wrong\n" * 2),
        (SpoolTooNew("worker-0.db", 9, 1), 78, "gelf-bridge: the spool worker-0.db has format 9, "),
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

"""`gelf-bridge pipelines`: Graylog's rules as files."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from pathlib import Path

import click

from bridge.cli import install
from bridge.cli.graylog_options import server_options
from bridge.errors import BridgeError, Problem
from bridge.graylog.client import Graylog
from bridge.graylog.files import pipelines_folder
from bridge.graylog.judge import DEFAULT, LINES, Judge
from bridge.graylog.parsing import check_set as ask_parser
from bridge.graylog.rules import Rule, RuleSet, check_set, rule_sets
from bridge.graylog.rules.testing import run as run_tests

COMMON = "common"
"""The folder of rules that belong to no schema."""

FOLDERS = click.argument(
    "folders", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path)
)


@click.group()
def pipelines() -> None:
    """Graylog's pipeline rules: those that come with the bridge, and your own."""


@pipelines.command("list")
@FOLDERS
def list_(folders: Sequence[Path]) -> None:
    """List the rules, and where each belongs.

    Of the FOLDERS and all below them, or of those that come with the bridge.
    """
    for rule_set in _sets(folders):
        click.echo(rule_set.folder)
        for rule in rule_set.rules:
            click.echo(f"  {rule.name or rule.path.name}{_place(rule, rule_set)}")


@pipelines.command()
@click.argument("name")
@click.option("--schema", default="ecs", show_default=True, help="Of the rules of this schema.")
def show(name: str, schema: str) -> None:
    """Print the rule or pipeline NAME, to be pasted into Graylog's source editor."""
    sets = [each for each in _sets(()) if each.folder.name in (schema, COMMON)]
    sources = {each.name: each.text for one in sets for each in (*one.rules, *one.pipelines)}
    if name not in sources:
        known = ", ".join(sorted(each for each in sources if each))
        raise BridgeError(f"there is no rule or pipeline {name} in {schema}; there are: {known}")
    click.echo(sources[name], nl=False)


@pipelines.command()
@FOLDERS
@server_options(required=False)
@click.pass_context
def check(ctx: click.Context, folders: Sequence[Path], graylog: Graylog | None) -> None:
    """Say what is wrong with rules and pipelines; exits with 1 when something is.

    Of the FOLDERS and all below them, or of those that come with the bridge. With --graylog the
    parser of that server is asked, too.
    """
    sets = _sets(folders)
    problems = [problem for each in sets for problem in check_set(each)]
    if graylog:
        problems += asyncio.run(_ask_server(sets, graylog))
    for problem in problems:
        click.echo(problem)
    rules = sum(len(each.rules) for each in sets)
    whole = f"{rules} rules, {sum(len(each.pipelines) for each in sets)} pipelines"
    click.echo(f"{whole}: {_counted(problems) if problems else 'all is well'}")
    ctx.exit(1 if problems else 0)


@pipelines.command()
@FOLDERS
@click.option(
    "--graylog-version",
    "version",
    type=click.Choice(list(LINES)),
    default=DEFAULT,
    show_default=True,
    help="The Graylog whose engine runs the rules.",
)
@click.pass_context
def test(ctx: click.Context, folders: Sequence[Path], version: str) -> None:
    """Run the *.test.yaml files beside the rules on Graylog's own engine.

    Of the FOLDERS and all below them, or of those that come with the bridge. Needs a JDK and Maven,
    which fetches Graylog's jars at the first time. Exits with 1 when a test fails.
    """
    with Judge(version) as judge:
        results = list(itertools.chain(*(run_tests(each, judge) for each in _sets(folders))))
    failed = [result for result in results if result.failures]
    for result in failed:
        click.echo(f"{result.file}: {result.case}")
        for failure in result.failures:
            click.echo(f"  {failure}")
    click.echo(f"{len(results)} tests on Graylog {version}, {len(failed)} failed")
    ctx.exit(1 if failed else 0)


def _sets(folders: Sequence[Path]) -> list[RuleSet]:
    found = [each for folder in folders or [pipelines_folder()] for each in rule_sets(folder)]
    if not found:
        raise BridgeError(f"no rules, pipelines or tests in {', '.join(map(str, folders))}")
    return found


async def _ask_server(sets: Sequence[RuleSet], graylog: Graylog) -> list[Problem]:
    async with graylog:
        return [problem for each in sets for problem in await ask_parser(graylog, each)]


def _place(rule: Rule, rule_set: RuleSet) -> str:
    for pipeline in rule_set.pipelines:
        for stage in pipeline.stages:
            if rule.name in [token.value for token in stage.rules]:
                return f': pipeline "{pipeline.name}", stage {stage.number}'
    return ""


def _counted(problems: Sequence[Problem]) -> str:
    return "1 problem" if len(problems) == 1 else f"{len(problems)} problems"


for command in install.COMMANDS:
    pipelines.add_command(command)

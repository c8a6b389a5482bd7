"""`gelf-bridge pipelines install | diff | remove | export | packs`: what Graylog needs to hold."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from bridge.cli.graylog_options import server_options
from bridge.cli.options import Decorator
from bridge.cli.plan_text import show, summary
from bridge.errors import BridgeError
from bridge.graylog import content_packs
from bridge.graylog.client import Graylog, GraylogError
from bridge.graylog.entity import Entity
from bridge.graylog.installer import EXTRAS, Choices, known_stream, plan_installation
from bridge.graylog.kinds.indices import INDEX_SETS, defaults, keeps
from bridge.graylog.kinds.inputs import INPUTS, TITLE, failure
from bridge.graylog.plan import Consent, Plan, Refused, Step, Verb, carry_out
from bridge.graylog.removal import plan_removal
from bridge.graylog.saving import ours, save
from bridge.graylog.schema import SCHEMAS
from bridge.graylog.survey import Server, survey


def choice_options(command: Callable[..., None]) -> Callable[..., None]:
    """What is to be installed; the command gets `choices`."""

    @functools.wraps(command)
    def wrapped(**options: Any) -> None:
        consent = Consent(options.pop("force"), options.pop("adopt"), options.pop("keep"))
        names = ("schema", "extras", "stream", "index_set", "input", "input_port", "retention_days")
        more = ("share_with", "intel_url", "intel_value", "csv_path")
        chosen = {name: options.pop(name) for name in (*names, *more)}
        command(choices=Choices(consent=consent, **chosen), **options)

    decorated: Callable[..., None] = wrapped
    for option in reversed(_CHOICES):
        decorated = option(decorated)
    return decorated


def _words(ctx: click.Context, param: click.Parameter, value: Sequence[str]) -> frozenset[str]:
    """Words with commas between them, each one of EXTRAS."""
    words = frozenset(word.strip() for text in value for word in text.split(",") if word.strip())
    if unknown := sorted(words - set(EXTRAS)):
        raise click.BadParameter(f"{', '.join(unknown)}: there are only {', '.join(EXTRAS)}")
    return words


_CHOICES: tuple[Decorator, ...] = (
    click.option(
        "--schema",
        type=click.Choice(list(SCHEMAS)),
        help="Names of fields: ecs (default) or gim. Fixed at the first installation.",
    ),
    click.option(
        "--with",
        "extras",
        callback=_words,
        multiple=True,
        metavar="LIST",
        help=f"More of what there is: {', '.join(EXTRAS)}.",
    ),
    click.option("--input", metavar="ID|none", help="The GELF input that is there, or none."),
    click.option(
        "--input-port",
        type=click.IntRange(1, 65535),
        default=12201,
        show_default=True,
        help="Port of a GELF TCP input that is made.",
    ),
    click.option("--index-set", metavar="ID", help="An index set that is there."),
    click.option("--stream", metavar="ID", help="A stream that is there."),
    click.option(
        "--share-with", multiple=True, metavar="USER", help="Who may read the stream; or everyone."
    ),
    click.option(
        "--retention-days", type=click.IntRange(1, 36500), help="How long events are kept."
    ),
    click.option(
        "--intel-url",
        metavar="URL",
        help="Threat intelligence that answers JSON; ${key} stands for the hash.",
    ),
    click.option(
        "--intel-value",
        default="$.verdict",
        show_default=True,
        metavar="JSONPATH",
        help="Where the verdict is in its answer.",
    ),
    click.option("--csv-path", metavar="PATH", help="A list of hashes, on each Graylog node."),
    click.option("--force", is_flag=True, help="Replace what was edited on the server."),
    click.option("--adopt", is_flag=True, help="Replace what others made under our names."),
    click.option("--keep", is_flag=True, help="Leave what was edited as it is."),
)
verbose_option = click.option("-v", "--verbose", is_flag=True, help="Show everything whole.")
yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Only show what would be done.")
saved_option = click.option(
    "--saved",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("graylog-saved"),
    show_default=True,
    help="Folder for what others wrote and is replaced.",
)


@click.command()
@server_options(required=True)
@choice_options
@saved_option
@verbose_option
@yes_option
@dry_run_option
def install(
    graylog: Graylog, choices: Choices, saved: Path, verbose: bool, yes: bool, dry_run: bool
) -> None:
    """Set Graylog up: input, index set, stream, rules, pipelines.

    Shows what is to be done and asks. Run again it brings up to date what has changed; after an
    interruption it does the rest. What somebody edited or made is shown and left alone, unless
    --force or --adopt is given; it is saved before it is replaced.
    """

    async def work() -> None:
        async with graylog:
            server = await survey(graylog)
            ready = await _ask_retention(graylog, server, choices, asking=not (yes or dry_run))
            plan = await plan_installation(graylog, server, ready)
            await _settle(graylog, plan, saved, verbose=verbose, yes=yes, dry_run=dry_run)
            if not dry_run:
                await _look_at_input(graylog, plan)

    asyncio.run(work())


@click.command()
@server_options(required=True)
@choice_options
@verbose_option
@click.pass_context
def diff(ctx: click.Context, graylog: Graylog, choices: Choices, verbose: bool) -> None:
    """Show what `install` would change, and change nothing.

    Exits with 1 when there is something.
    """

    async def work() -> Plan:
        async with graylog:
            return await plan_installation(graylog, await survey(graylog), choices)

    plan = asyncio.run(work())
    console = _console()
    show(console, plan, whole=verbose)
    console.print(Text(f"{summary(plan)}." if plan.steps else "No difference."))
    ctx.exit(1 if plan.steps else 0)


@click.command()
@server_options(required=True)
@click.option("--force", is_flag=True, help="Remove what was edited, too.")
@click.option("--keep", is_flag=True, help="Leave what was edited as it is.")
@click.option("--delete-events", is_flag=True, help="Remove the index set with all events in it.")
@saved_option
@verbose_option
@yes_option
@dry_run_option
def remove(
    graylog: Graylog,
    force: bool,
    keep: bool,
    delete_events: bool,
    saved: Path,
    verbose: bool,
    yes: bool,
    dry_run: bool,
) -> None:
    """Remove what `install` made, and nothing else.

    The index set stays with its events, unless --delete-events is given.
    """

    async def work() -> None:
        async with graylog:
            consent = Consent(force=force, keep=keep)
            server = await survey(graylog)
            plan = await plan_removal(graylog, server, consent, events=delete_events)
            await _settle(graylog, plan, saved, verbose=verbose, yes=yes, dry_run=dry_run)

    asyncio.run(work())


@click.command()
@server_options(required=True)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def export(graylog: Graylog, folder: Path) -> None:
    """Write what the server holds of ours into FOLDER, edited or not.

    Rules and pipelines as their source, all else as JSON.
    """

    async def work() -> list[Path]:
        async with graylog:
            return [save(folder, each) for each in await ours(graylog, await survey(graylog))]

    for path in asyncio.run(work()):
        click.echo(path)


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def packs(folder: Path) -> None:
    """Write the content packs into FOLDER, to be uploaded in Graylog's web interface.

    For those without API access; pipelines/README.md tells the steps.
    """
    for path in content_packs.write(folder):
        click.echo(path)


async def _ask_retention(
    graylog: Graylog, server: Server, choices: Choices, *, asking: bool
) -> Choices:
    """How long a new index set keeps events is worth a question."""
    is_new = not (server.ours(INDEX_SETS) or choices.index_set or known_stream(server))
    if choices.retention_days is not None or not is_new or not asking or not sys.stdin.isatty():
        return choices
    usual = keeps(await defaults(graylog))
    days = click.prompt(
        f"Days to keep events (Enter for this server's default, {usual})",
        default=0,
        type=click.IntRange(0, 36500),
        show_default=False,
    )
    return dataclasses.replace(choices, retention_days=days or None)


async def _settle(
    graylog: Graylog, plan: Plan, saved: Path, *, verbose: bool, yes: bool, dry_run: bool
) -> None:
    """Show a plan, ask, and carry it out."""
    console = _console()
    show(console, plan, whole=verbose)
    if not plan.steps:
        console.print(Text("Nothing to do: all is as it shall be."))
        return
    console.print(Text(f"{summary(plan)} on {graylog.url} (Graylog {graylog.release.text})."))
    if dry_run:
        return
    if plan.obstacles:
        raise Refused(plan)
    if not yes:
        _confirm()
    folder = saved / time.strftime("%Y-%m-%d_%H-%M-%S")
    number = 0

    def told(step: Step) -> None:
        nonlocal number
        number += 1
        console.print(Text(f"{number}/{len(plan.steps)} {_DONE[step.verb]} {step.title}"))

    def keep(entity: Entity) -> None:
        console.print(Text(f"saved {save(folder, entity)}"))

    try:
        await carry_out(graylog, plan, told, keep)
    except GraylogError as error:
        done = f"{number} of {len(plan.steps)} steps are done"
        raise BridgeError(f"{error}\n{done}: run the command again for the rest") from error
    console.print(Text("Done."))


_DONE = {
    Verb.CREATE: "created",
    Verb.UPDATE: "updated",
    Verb.MARK: "marked",
    Verb.DELETE: "removed",
    Verb.SET: "set",
}


def _confirm() -> None:
    if not sys.stdin.isatty():
        raise BridgeError("nothing was changed: add --yes, because nobody can be asked here")
    if not click.confirm("Do this?"):
        raise BridgeError("nothing was changed")


async def _look_at_input(graylog: Graylog, plan: Plan) -> None:
    """Graylog takes an input whose port is in use, and says so only in its state."""
    if not any(step.new and step.new.kind is INPUTS for step in plan.steps):
        return
    for each in await INPUTS.load(graylog):
        if each.name == TITLE and (reason := await failure(graylog, each.id)):
            raise BridgeError(
                f"the input {TITLE} does not run: {reason} Choose another port: remove the input "
                "in Graylog, and install again with --input-port"
            )


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True)


COMMANDS = (install, diff, remove, export, packs)

"""A plan as people read it: one line a step, and the difference below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from bridge.cli.words import printable
from bridge.graylog.entity import reference
from bridge.graylog.plan import Plan, Step, Verb

_SIGNS: Final = {
    Verb.CREATE: ("+ create", "green"),
    Verb.UPDATE: ("~ update", "yellow"),
    Verb.MARK: ("= mark", "cyan"),
    Verb.DELETE: ("- remove", "red"),
    Verb.SET: ("~ set", "yellow"),
}
_COLOURS: Final = {"+": "green", "-": "red", "@": "cyan"}
SHORT: Final = 8
"""What is made or removed is shown whole up to so many lines."""


def show(console: Console, plan: Plan, *, whole: bool = False) -> None:
    """Print all steps, what stands in the way of some, and the notes."""
    for step in plan.steps:
        sign, colour = _SIGNS[step.verb]
        console.print(Text(f"{sign} {printable(step.title)}{_size(step)}", colour))
        for line in _shown(step, whole):
            shown = printable(line).replace(reference("")[:-1], "(the ")
            console.print(Text(f"    {shown}", _COLOURS.get(line[:1], "")))
        if step.why:
            what = f"add {step.needs} to replace it" if step.needs else "it is replaced"
            console.print(Text(f"    ! {step.why}: {what}", "bold red"))
    for note in plan.notes:
        first, *rest = note.splitlines()
        console.print(Text(f"i {printable(first)}", "cyan"))
        for line in rest:
            console.print(Text(f"    {printable(line)}"))


def summary(plan: Plan) -> str:
    """`3 to create, 1 to update`."""
    names = {
        Verb.CREATE: "to create",
        Verb.UPDATE: "to update",
        Verb.MARK: "to mark as ours",
        Verb.DELETE: "to remove",
        Verb.SET: "to set",
    }
    counts = {verb: sum(step.verb is verb for step in plan.steps) for verb in names}
    return ", ".join(f"{number} {names[verb]}" for verb, number in counts.items() if number)


def _shown(step: Step, whole: bool) -> Sequence[str]:
    if _is_long(step) and not whole:
        return []
    return [line for line in step.diff() if not line.startswith("@@")]


def _is_long(step: Step) -> bool:
    """What is wholly new or wholly gone can be long; a difference is always shown."""
    return step.verb in (Verb.CREATE, Verb.DELETE) and _lines(step) > SHORT


def _lines(step: Step) -> int:
    return len((step.after or step.before).splitlines())


def _size(step: Step) -> str:
    return f" ({_lines(step)} lines)" if _is_long(step) else ""

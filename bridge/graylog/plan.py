"""What has to be done on a server, as data: steps that can be shown, and then taken.

A plan is computed from what is there and what shall be there. Taking its steps one by one is safe
to interrupt: the next plan holds the rest.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from bridge.errors import BridgeError
from bridge.graylog.client import Graylog
from bridge.graylog.entity import Entity, Setting, as_text, resolved, unresolved
from bridge.graylog.ownership import Mark, Owner, digest, mark_in, marked, owner


class Verb(StrEnum):
    """What a step does."""

    CREATE = "create"
    UPDATE = "update"
    MARK = "mark"
    """Only the description changes: the entity is what it shall be."""
    DELETE = "delete"
    SET = "set"


@dataclass(frozen=True, slots=True)
class Step:
    """One change: of an entity (`old`, `new`) or of a setting; `before` and `after` as text."""

    verb: Verb
    title: str
    before: str = ""
    after: str = ""
    old: Entity | None = None
    new: Entity | None = None
    setting: Setting | None = None
    needs: str = ""
    """The option without which it is not done; empty when nothing stands in the way."""
    why: str = ""
    """What stands in the way."""

    @property
    def right(self) -> str:
        """The permission that it takes."""
        if self.setting:
            return self.setting.right
        entity = self.new or self.old
        changes = self.verb in (Verb.UPDATE, Verb.MARK)
        return entity.kind.right("edit" if changes else self.verb.value) if entity else ""

    def diff(self) -> list[str]:
        """The difference, line by line, as `diff -u` shows it without its first two lines."""
        lines = difflib.unified_diff(
            self.before.splitlines(), self.after.splitlines(), lineterm="", n=2
        )
        return list(lines)[2:]


@dataclass(slots=True)
class Plan:
    """All steps in their order, and what else there is to say."""

    steps: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    """References of entities that are there already."""

    @property
    def obstacles(self) -> list[Step]:
        """Steps that need an option that was not given."""
        return [step for step in self.steps if step.needs]


class Refused(BridgeError):
    """The plan needs a decision first; `plan` shows which."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        lines = [f"{step.title}: {step.why} ({step.needs})" for step in plan.obstacles]
        super().__init__("nothing was changed:\n  " + "\n  ".join(lines))


@dataclass(frozen=True, slots=True)
class Consent:
    """Which obstacles somebody wants out of the way."""

    force: bool = False
    """Replace what was edited, or made by a newer bridge."""
    adopt: bool = False
    """Replace what others made under our names."""
    keep: bool = False
    """Leave what was edited as it is."""


_OBSTACLES = {
    Owner.EDITED: ("--force", "was edited on the server"),
    Owner.NEWER: ("--force", "was made by a newer gelf-bridge"),
    Owner.FOREIGN: ("--adopt", "was not made by gelf-bridge"),
}


class Planner:
    """Compares entity by entity, and keeps the ids that others refer to."""

    def __init__(self, graylog: Graylog, number: int, consent: Consent) -> None:
        self.plan = Plan()
        self._graylog = graylog
        self._number = number
        self._consent = consent

    async def entity(self, new: Entity, there: Iterable[Entity]) -> None:
        """Plan for an entity that shall be there; `there` are those of its kind that are."""
        kind = new.kind
        mark = Mark(self._number, digest(new.content))
        wanted = replace(new, description=marked(new.description, mark))
        same_name = sorted(
            (each for each in there if each.name == new.name),
            key=lambda each: not kind.is_ours(each),
        )
        if not same_name:
            self._add(Step(Verb.CREATE, new.title, "", kind.text(new), new=wanted))
            return
        old = await kind.whole(self._graylog, same_name[0])
        if new.reference:
            self.plan.ids[new.reference] = old.id
        if len(same_name) > 1:
            self.note(f"there are {len(same_name)} of {new.title}; the one with id {old.id} counts")
        if not kind.once:
            self._compare(old, wanted)

    def _compare(self, old: Entity, new: Entity) -> None:
        seen = replace(old, body=unresolved(old.body, self.plan.ids))
        whose = owner(old.description, seen.content, new.content, self._number)
        if whose is Owner.SAME:
            if mark_in(old.description) != mark_in(new.description):
                self._add(Step(Verb.MARK, new.title, old.description, new.description, old, new))
            return
        before, after = new.kind.text(seen), new.kind.text(new)
        step = Step(Verb.UPDATE, new.title, before, after, old, new)
        self._add(self._judged(step, whose))

    async def removal(self, old: Entity) -> None:
        """Plan to remove something of ours."""
        whole = await old.kind.whole(self._graylog, old)
        mark = mark_in(whole.description)
        edited = mark is not None and mark.digest != digest(whole.content)
        step = Step(Verb.DELETE, whole.title, whole.kind.text(whole), "", whole)
        whose = Owner.EDITED if edited and not whole.kind.once else Owner.OURS
        self._add(self._judged(step, whose))

    def create(self, new: Entity) -> None:
        """Plan to make an entity of a kind that has no descriptions, hence no mark."""
        self._add(Step(Verb.CREATE, new.title, "", new.kind.text(new), new=new))

    async def setting(self, setting: Setting, *, foreign: bool = False) -> None:
        """Plan for a setting; `foreign` when somebody else has set it to something."""
        subject = resolved(setting.subject, self.plan.ids)
        known = not subject.startswith("@(")
        current = await setting.read(self._graylog, subject) if known else None
        value = setting.merged(current, self.plan.ids)
        if value != current:
            before = as_text(current) if current is not None else ""
            shown = as_text(unresolved(value, self.plan.ids))
            step = Step(Verb.SET, setting.title, before, shown, setting=setting)
            self._add(self._judged(step, Owner.FOREIGN) if foreign else step)

    def known(self, reference: str, identity: str) -> None:
        """Take an entity that is there for what a reference means."""
        self.plan.ids[reference] = identity

    def note(self, text: str) -> None:
        """Something to say beside the steps."""
        self.plan.notes.append(text)

    def _judged(self, step: Step, whose: Owner) -> Step:
        if whose not in _OBSTACLES:
            return step
        needs, why = _OBSTACLES[whose]
        granted = self._consent.adopt if needs == "--adopt" else self._consent.force
        return replace(step, needs="" if granted else needs, why=why)

    def _add(self, step: Step) -> None:
        if step.needs == "--force" and self._consent.keep:
            self.note(f"{step.title} {step.why}: it stays as it is")
            return
        self.plan.steps.append(step)


async def carry_out(
    graylog: Graylog,
    plan: Plan,
    told: Callable[[Step], None],
    save: Callable[[Entity], None],
) -> None:
    """Take all steps; `told` hears of each that is done.

    `save` gets what others wrote before it is replaced or removed. Raises Refused when an obstacle
    is left (nothing is changed then), and GraylogError in the middle: planning anew finds the rest.
    """
    if plan.obstacles:
        raise Refused(plan)
    ids = dict(plan.ids)
    for step in plan.steps:
        if step.old and step.why:
            save(step.old)
        await _take(graylog, step, ids)
        told(step)


async def _take(graylog: Graylog, step: Step, ids: dict[str, str]) -> None:
    if step.setting:
        await _set(graylog, step.setting, ids)
    elif step.new:
        ready = replace(step.new, body=resolved(step.new.body, ids))
        if step.old:
            await ready.kind.update(graylog, step.old, ready)
            return
        made = await ready.kind.create(graylog, ready)
        if ready.reference:
            ids[ready.reference] = made
    elif step.old:
        await step.old.kind.delete(graylog, step.old)


async def _set(graylog: Graylog, setting: Setting, ids: dict[str, str]) -> None:
    """Read again, so that what others set in the meantime is not lost."""
    subject = resolved(setting.subject, ids)
    current = await setting.read(graylog, subject)
    value = setting.merged(current, ids)
    if value != current:
        await setting.write(graylog, subject, value)

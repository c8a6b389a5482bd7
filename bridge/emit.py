"""From an input's events to rows of the spool: stamp, settle types, hide, encode, append.

One `Emitter` an input. Calling it does all of that at once and returns the spool's future, so the
order of calls is the order in the spool.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

import orjson

from bridge import gelf
from bridge.clock import Clock
from bridge.event import RESERVED, Event, Value, text
from bridge.inputs import Input, InputConfig, Json, Member
from bridge.spool import Spool, Taken
from bridge.tap import Taps

KIND_OF_TYPE: Final = {str: "text", int: "long", float: "double", bool: "text"}
FIXED_KINDS: Final = {
    "bridge_input": "text",
    "bridge_sender": "text",
    "bridge_received_at": "time",
    "bridge_flags": "text",
    "bridge_leftover": "text",
    "bridge_backfill": "text",
    "bridge_demo": "text",
    "bridge_replay": "text",
}
HIDDEN: Final = "***"
_ANY: Final = "any"
"""In place of a kind: the encoder knows what these fields can hold."""

# What OpenSearch's date detection takes for a date (its default formats), pure numbers excepted.
_DATE_LIKE = re.compile(r"\d{4}(-\d\d(-\d\d(T[\d:.,]*(Z|[+-][\d:]+)?)?)?|/\d\d/\d\d( [\d:]+)?.*)\Z")
_OWN_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z")
_SURELY_OWN_TIME = re.compile(
    r"(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z\Z"
)


Agree = Callable[[str, str], str]
"""Field and its kind by its first value → the kind that all workers give it."""


def as_it_is(field: str, kind: str) -> str:
    """Nobody else has to agree."""
    return kind


class _Batch:
    """What the events of one call have in common."""

    def __init__(self, now: float, agree: Agree = as_it_is) -> None:
        self.now = now
        self.agree = agree
        self.received_at = iso(now)
        self.learned: dict[str, str] = {}
        self.changes: list[gelf.Change] = []


class Emitter:
    """The `emit` of one input; see `bridge.inputs.Emit`."""

    def __init__(
        self,
        component: Input,
        spool: Spool,
        clock: Clock,
        count: Callable[..., None],
        taps: Taps | None = None,
        agree: Agree = as_it_is,
    ) -> None:
        self._input = component.context.id
        self._config: InputConfig = component.config
        self._kinds = {**FIXED_KINDS, **component.kinds, **dict.fromkeys(RESERVED, _ANY)}
        self._spool = spool
        self._clock = clock
        self._count = count
        self._taps = Taps() if taps is None else taps
        self._agree = agree
        self._run = secrets.token_hex(6)
        self._next = 1

    def __call__(
        self,
        events: Iterable[Event | bytes],
        checkpoint: Mapping[str, Json] | None = None,
        once: bool = False,
    ) -> asyncio.Future[Taken]:
        """Encode and append; the future ends when it is committed.

        What are documents already (see `members`), one or several joined by NUL, is appended as it
        is; they have no `once`.
        """
        batch = _Batch(self._clock.now(), self._agree)
        given = list(events)
        documents = [one if isinstance(one, bytes) else self._document(one, batch) for one in given]
        uids = []
        if once:
            uids = [str(one["event_uid"]) for one in given if not isinstance(one, bytes)]
        for what, number in Counter(change.what for change in batch.changes).items():
            self._count(f"gelf_{what}", number)
        return self._spool.append(
            self._input,
            documents,
            uids=uids if once else None,
            checkpoint=checkpoint,
            kinds=batch.learned or None,
        )

    def _document(self, event: Event, batch: _Batch) -> bytes:
        self._stamp(event, batch.now, batch.received_at)
        self._hide(event)
        original = event.get("full_message")
        if not self._config.full_message:
            event.pop("full_message", None)
        settled = self._settle(event, batch)
        document = gelf.encode(settled, batch.changes)
        if self._taps.active:
            self._taps.offer(settled, original, document)
        return document

    # For inputs that make documents themselves: `bridge.inputs.Express`

    @property
    def is_open(self) -> bool:
        """Whether documents are taken in place of events."""
        return not (self._taps.active or self._config.redact or self._config.drop_fields)

    def numbers(self, count: int) -> tuple[str, int]:
        """The beginning of `event_uid`, and the first of `count` numbers that may follow it."""
        first, self._next = self._next, self._next + count
        return f"{self._run}-", first

    def document(self, event: Event, now: float, number: int) -> bytes:
        """The document of an event that is emitted `now` and gets this number."""
        batch = _Batch(now)
        following, self._next = self._next, number
        self._stamp(event, now, batch.received_at)
        self._next = following
        if not self._config.full_message:
            event.pop("full_message", None)
        return gelf.encode(self._settle(event, batch))

    def members(self, example: Event) -> list[Member] | None:
        """The members of the document of such an event; None where its fields do not fit."""
        batch = _Batch(self._clock.now())
        event = dict(example)
        self._stamp(event, batch.now, batch.received_at)
        if not self._config.full_message:
            event.pop("full_message", None)
        settled = self._settle(event, batch)
        document = gelf.encode(settled, batch.changes)
        as_they_are = all(type(settled.get(name)) is type(value) for name, value in event.items())
        if batch.changes or not as_they_are:
            return None
        fields = {gelf.wire_name(name): name for name in settled}
        if self._config.message == "raw":
            fields[gelf.wire_name("message")] = "full_message"
        constant = {*self._config.fields, *(("event_type",) if self._config.event_type else ())}
        members = []
        for key, value in orjson.loads(document).items():
            field = fields.get(key, "")
            is_known = field not in batch.learned
            member = Member(key, "" if field in constant else field, orjson.dumps(value), is_known)
            members.append(member)
        return members

    def _stamp(self, event: Event, now: float, received_at: str) -> None:
        config = self._config
        if event.get("timestamp") is None:
            event["timestamp"] = now
        event["bridge_input"] = self._input
        event["bridge_received_at"] = received_at
        if event.get("event_uid") is None:
            event["event_uid"] = f"{self._run}-{self._next}"
            self._next += 1
        if config.event_type:
            event["event_type"] = config.event_type
        if config.message == "raw" and event.get("full_message"):
            event["message"] = event["full_message"]
        if config.fields:
            event.update(config.fields)

    def _hide(self, event: Event) -> None:
        """Apply `drop_fields` and `redact`; what they hide disappears from the full texts too."""
        texts = ("message", "full_message")
        for name in self._config.drop_fields:
            value = event.pop(name, None)
            if value is not None and str(value):
                for text in texts:
                    if isinstance(whole := event.get(text), str):
                        event[text] = whole.replace(str(value), HIDDEN)
        for name, pattern in self._config.redact.items():
            for field in (name, *texts):
                if isinstance(value := event.get(field), str):
                    event[field] = pattern.sub(HIDDEN, value)

    def _settle(self, event: Event, batch: _Batch) -> Event:
        """Give every field the kind that its name has for ever."""
        settled: Event = {}
        kinds = self._kinds.get
        for name, value in event.items():
            kind = kinds(name) or self._kind(name, value, batch)
            is_plain = kind == "text" and type(value) is str and not value[:1].isdigit()
            if is_plain or kind is _ANY or value is None:
                settled[name] = value
            else:
                place, fitted = fit(name, value, kind)
                settled[place] = fitted
        return settled

    def _kind(self, name: str, value: Value, batch: _Batch) -> str:
        """The kind of a name that this emitter has not met before."""
        if kind := self._spool.kinds.get(name):
            self._kinds[name] = kind
        elif value is None:
            kind = _ANY
        elif not (kind := batch.learned.get(name, "")):
            kind = batch.learned[name] = batch.agree(name, kind_of(value))
        return kind


def kind_of(value: Value) -> str:
    """The kind of a field that no table fixes, from its first value.

    A text in the one form of time that inputs write makes it a `time`.
    """
    if isinstance(value, str) and _OWN_TIME.match(value):
        return "time"
    return KIND_OF_TYPE.get(type(value), "text")


def fit(name: str, value: Value, kind: str) -> tuple[str, Value]:
    """Where a value belongs when its field has `kind`: there, or in a sibling of another kind.

    Siblings: `_text` for a text, `_number` (always a decimal) for a number, `_time` for a text that
    an index would take for a date in a field that holds other texts. Times get the one form of the
    bridge: an index refuses a message whose date has another form than those before it.
    """
    if isinstance(value, str):
        date = _date(value) if kind in ("text", "time") and value[:1].isdigit() else None
        if kind == "text":
            return (f"{name}_time", date) if date else (name, value)
        return (name, date) if date else (f"{name}_text", value)
    if isinstance(value, bool):
        return (name if kind == "text" else f"{name}_text"), value
    if value is None or (kind == "long" and isinstance(value, int)):
        return name, value
    try:
        return (name if kind == "double" else f"{name}_number"), float(value)
    except OverflowError:
        return f"{name}_text", text(value)


def _date(text: str) -> str | None:
    """What an index would take for a date, in the form of the bridge; None if it would not."""
    if _SURELY_OWN_TIME.match(text):
        return text
    if not _DATE_LIKE.match(text):
        return None
    whole = f"{text}-01" if len(text) == len("2026-01") else text
    try:
        if text[4] == "/":
            moment = datetime.fromisoformat(text[:10].replace("/", "-"))
        else:
            moment = datetime.fromisoformat(whole.removesuffix("T"))
        return text if _OWN_TIME.match(text) else iso(_utc(moment).timestamp())
    except (ValueError, OverflowError):  # February 30 is no date for an index either
        return None


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def iso(seconds: float) -> str:
    """ISO 8601 in UTC with six decimals and `Z`, the one form of time in the bridge's fields."""
    moment = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="microseconds") + "Z"

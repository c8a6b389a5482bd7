"""The compiled parts against Python: `python -m tests.native.differential 1000000 [SEED]`.

Every record goes both ways: ordinary ones made odd (`records`), vendors' own ones damaged and very
wide ones (`hostile`), to inputs with all kinds of options; and streams of them in every framing
(`streams`). Ends with 1 at the first difference, and shows it.
"""

from __future__ import annotations

import logging
import random
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from unittest import mock

import orjson

from bridge import cef
from bridge.cef import parser
from bridge.emit import Emitter
from bridge.inputs.cef import CefConfig, CefInput
from bridge.inputs.cef.press import Item, Press
from bridge.inputs.cef.reader import Reader
from bridge.native import core
from tests.native.hostile import damaged, wide
from tests.native.records import frame
from tests.native.streams import both_ways, cuts, stream

START = 1_767_323_045.25
PER_INPUT = 5000
"""So many records meet one input; the next one has other options and has learned nothing."""
KINDS = [frame, damaged, wide]
WEIGHTS = [70, 25, 5]
OPTIONS: list[dict[str, Any]] = [
    *({}, {}, {}, {"message": "raw"}, {"full_message": False}, {"event_type": "edr"}),
    *({"fields": {"customer": "emea", "cef_name": "constant"}}, {"timezone": "Europe/Berlin"}),
    *({"keep_short_keys": True}, {"drop_fields": ["cef_name"]}, {"redact": {"cef_name": "o+"}}),
    {"fallback_encoding": "latin-1"},
]
"""With `escapes: false` or `quotes: true` an input has no press."""


class Clock:
    """A clock that the test moves; some of its times have no short form as a decimal."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> float:
        return self.time


class Kinds:
    """In place of the spool: remembers kinds, gives documents back."""

    def __init__(self) -> None:
        self.kinds: dict[str, str] = {}

    def append(
        self, owner: str, documents: Sequence[bytes], *, kinds: Mapping[str, str] | None, **_: Any
    ) -> Sequence[bytes]:
        self.kinds.update(kinds or {})
        return documents


@dataclass(frozen=True)
class Difference:
    """A frame that did not become the same in both ways."""

    frame: bytes
    pressed: bytes
    usual: bytes


class Comparison:
    """One input with a press, and the usual way beside it."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock()
        self.pressed = 0
        kinds = Kinds()
        self.errors: list[str] = []
        log: Any = SimpleNamespace(error=self._complain, exception=self._complain)
        context: Any = SimpleNamespace(
            id="front", kinds=kinds.kinds, clock=self.clock, count=_ignore, log=log
        )
        config = CefConfig.model_validate({"type": "cef", "address": "127.0.0.1:0"} | options)
        self.reader = Reader(context, config)
        self.emit = Emitter(CefInput(config, context), kinds, self.clock, _ignore)  # type: ignore[arg-type]
        self.press = Press(self.reader, self.emit)

    def _complain(self, text: str, *arguments: object) -> None:
        self.errors.append(text % arguments)

    def compare(self, data: bytes) -> Difference | None:
        """Read a frame in both ways; what differs."""
        return self.compare_read([data])

    def compare_read(self, frames: list[bytes], sender: str = "192.0.2.7") -> Difference | None:
        """Read frames that come together in both ways; what differs first."""
        items = self.press.read(frames, {}, sender)
        made = [one for item in items for one in _apart(item)]
        assert len(made) == len(frames), frames
        found = [self._different(*pair, sender) for pair in zip(frames, made, strict=True)]
        self.emit(items)
        return next((difference for difference in found if difference), None)

    def _different(self, data: bytes, item: Item, sender: str) -> Difference | None:
        if isinstance(item, bytes):
            self.pressed += 1
            uid = orjson.loads(item)["_event_uid"]
            (event,) = self.reader.read([data], {}, sender)
            usual = self.emit.document(event, self.clock.now(), int(uid.partition("-")[2]))
            if item != usual:
                return Difference(data, item, usual)
        return different_records(data)


def _apart(item: Item) -> list[Item]:
    """The documents of an item that holds several."""
    return [*item.split(b"\0")] if isinstance(item, bytes) else [item]


def different_records(data: bytes) -> Difference | None:
    """What the two parsers make of a frame where they differ, as octets and as a text."""
    for form in (data, data.decode("utf-8", "surrogateescape")):
        compiled = core.record(form)
        with mock.patch.object(parser, "core", None):
            usual = cef.parse(form)
        if compiled is not None and (compiled != usual or repr(compiled) != repr(usual)):
            return Difference(data, repr(compiled).encode(), repr(usual).encode())
    return None


def _ignore(*counted: object, **more: object) -> None:
    pass


def run(
    count: int, seed: int, per_input: int, tell: Callable[[int, int], None] = _ignore
) -> Counter[str]:
    """Compare so many records; raises AssertionError at the first difference.

    The result counts the records, those that the compiled press wrote, and the streams cut.
    """
    rng = random.Random(seed)
    found: Counter[str] = Counter()
    while (done := found["records"]) < count:
        comparison = Comparison(**rng.choice(OPTIONS))
        found["records"] += compare_some(min(per_input, count - done), comparison, rng)
        found["pressed"] += comparison.pressed
        found["streams"] += 1
        tell(done, found["pressed"])
    return found


def compare_some(count: int, comparison: Comparison, rng: random.Random) -> int:
    """Records of all kinds to one input, some of them as a stream, too."""
    frames = [rng.choices(KINDS, WEIGHTS)[0](rng) for _ in range(count)]
    start = 0
    while start < count:
        if rng.random() < 0.01:
            comparison.clock.time += rng.choice([0.001, 1.0, 61.0, 1e-6, 3e6])
        read = frames[start : start + rng.choice([1, 1, 1, 3, 20])]
        difference = comparison.compare_read(read)
        assert difference is None, difference
        assert not comparison.errors, (comparison.errors, read)
        start += len(read)
    octets = stream(rng.sample(frames, min(40, count)), rng)
    compiled, usual = both_ways(octets, cuts(octets, rng))
    assert compiled == usual, octets
    return count


if __name__ == "__main__":
    logging.disable()
    total, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    done = run(total, seed, PER_INPUT, lambda *numbers: print(*numbers, end="\r", flush=True))
    print(
        f"{done['records']} records, {done['pressed']} of them by the compiled press, "
        f"{done['streams']} streams: no difference"
    )

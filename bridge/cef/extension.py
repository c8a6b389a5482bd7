"""The extension of a CEF record: `key=value` pairs, found in one pass from left to right.

A key is a word right before `=` and after a blank, tab, CR or LF. A backslash is no part of a key,
so an escaped equals sign can never begin a pair, and escapes are undone after the split.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from bridge.cef.dictionary import Kind, lookup
from bridge.cef.values import unusual

WHITE: Final = " \t\r\n\v\f"


class Extension(NamedTuple):
    """The pairs, last of each key; the earlier ones of repeated keys; text outside of pairs."""

    pairs: dict[str, str]
    duplicates: list[tuple[str, str]]
    leftover: str
    flags: set[str]


class _Plan(NamedTuple):
    """What is known of a sequence of keys; a device repeats few of them for ever."""

    checked: tuple[tuple[str, Kind], ...]  # keys whose values should be numbers or times
    flags: frozenset[str]


# `ad.x`, `ad.f[0]`, `PanOSX-Forwarded-For`, `größe`; a comma only as in `ad.a,b`.
_KEY = re.compile(r"\w[\w\-\[\]]*+(?:\.[\w.,\-\[\]]*+)?")
_FIRST_KEY = re.compile(r"[\w:/@][\w.,:/@\-\[\]]*+")
_PLANS: Final[dict[tuple[str, ...], _Plan]] = {}
_MAX_PLANS: Final = 1024
_MAX_PLANNED_KEYS: Final = 64
_MAX_PLANNED_LENGTH: Final = 1024


def read_extension(text: str, *, escapes: bool = True, quotes: bool = False) -> Extension:
    """Split into pairs and undo the escapes, unless `escapes` is off; linear in the length.

    With `quotes` a value that begins with `"` ends at the next `"` before a pair. White space at
    the end of the last value is dropped.
    """
    text = text.rstrip(WHITE)
    flags: set[str] = set()
    first, *pieces = text.split("=")
    if not pieces:
        leftover = text.strip(WHITE)
        return Extension({}, [], leftover, {"leftover"} if leftover else flags)
    last = pieces.pop()
    ends = [piece.rpartition(" ") for piece in pieces]
    keys = (first, *[key for _, _, key in ends])
    plan = None if quotes else _PLANS.get(keys)
    leftover = ""
    if plan and "" not in [blank for _, blank, _ in ends]:
        values = [value for value, _, _ in ends]
        values.append(last)
    else:
        keys, values, leftover = _search(first, pieces, last, quotes, flags)
        plan = _plan(keys)
    if "\n" in text and any("\n" in value for value in values):
        flags.add("raw_line_break")
    if escapes and "\\" in text:
        values = [_unescape(value, flags) if "\\" in value else value for value in values]
    return _collect(keys, values, leftover, plan, flags)


def _collect(
    keys: tuple[str, ...], values: list[str], leftover: str, plan: _Plan, flags: set[str]
) -> Extension:
    pairs = dict(zip(keys, values, strict=True))
    duplicates = [] if len(pairs) == len(keys) else _earlier(keys, values)
    if duplicates:
        flags.add("duplicate_key")
    if leftover:
        flags.add("leftover")
    flags |= plan.flags
    for key, kind in plan.checked:
        flags |= unusual(kind, pairs[key], pairs.get("dtz"))
    return Extension(pairs, duplicates, leftover, flags)


def _earlier(keys: tuple[str, ...], values: list[str]) -> list[tuple[str, str]]:
    """Every pair whose key comes again, in order."""
    last = {key: index for index, key in enumerate(keys)}
    return [
        (key, value)
        for index, (key, value) in enumerate(zip(keys, values, strict=True))
        if last[key] != index
    ]


def _search(
    first: str, pieces: list[str], last: str, quotes: bool, flags: set[str]
) -> tuple[tuple[str, ...], list[str], str]:
    """Keys, values and leftover, from what stands between the equals signs."""
    leftover, key = _first_key(first, flags)
    keys: list[str] = []
    values: list[str] = []
    held = [leftover] if key is None else []  # parts of one text, which had `=` between them
    for piece in pieces:
        value, next_key = _split(piece, flags)
        held.append(value)
        if next_key is None or (quotes and key is not None and _is_open(held)):
            held[-1] = piece
            continue
        if key is None:
            leftover = "=".join(held)
        else:
            keys.append(key)
            values.append(_joined(held, flags))
        key, held = next_key, []
    held.append(last)
    if key is None:
        leftover = "=".join(held)
    else:
        keys.append(key)
        values.append(_joined(held, flags))
    return tuple(keys), values, leftover.strip(WHITE)


def _first_key(text: str, flags: set[str]) -> tuple[str, str | None]:
    """Leftover and key of what stands before the first `=`, where most may be wrong."""
    word = text.rstrip(WHITE)
    cut = 1 + max(word.rfind(" "), word.rfind("\t"), word.rfind("\n"), word.rfind("|"))
    cut = max(cut, 1 + word.rfind("\r"))
    if not _FIRST_KEY.fullmatch(word, cut):
        return text, None
    if len(word) < len(text):
        flags.add("blank_before_equals")
    return word[:cut], word[cut:]


def _split(piece: str, flags: set[str]) -> tuple[str, str | None]:
    """Value and the key after it; None: the `=` that follows is part of the value."""
    cut = max(piece.rfind(" "), piece.rfind("\t"), piece.rfind("\n"), piece.rfind("\r"))
    if cut < 0 or not _KEY.fullmatch(piece, cut + 1):
        return piece, None
    key = piece[cut + 1 :]
    if piece[cut] != " ":
        flags.add("separator_not_blank")
        if piece[cut - 1 : cut + 1] == "\r\n":
            cut -= 1
    return piece[:cut], key


def _is_open(held: list[str]) -> bool:
    """Whether the value begins with a quote that is not closed yet."""
    if not held[0].startswith('"'):
        return False
    end = held[-1].rstrip(WHITE)
    return not end.endswith('"') or (len(held) == 1 and len(end) == 1)


def _joined(held: list[str], flags: set[str]) -> str:
    for part in held[:-1]:
        if (len(part) - len(part.rstrip("\\"))) % 2 == 0:
            flags.add("unescaped_equals")
            break
    return "=".join(held)


def _unescape(value: str, flags: set[str]) -> str:
    r"""One pass: `\\`, `\=`, `\n` and `\r`; before any other character a backslash stays."""
    parts = [
        part.replace("\\=", "=").replace("\\n", "\n").replace("\\r", "\r")
        for part in value.split("\\\\")
    ]
    if any("\\" in part for part in parts):
        flags.add("unknown_escape")
    return "\\".join(parts)


def _plan(keys: tuple[str, ...]) -> _Plan:
    kinds = [(key, meaning.kind) for key in dict.fromkeys(keys) if (meaning := lookup(key))]
    checked = tuple((key, kind) for key, kind in kinds if kind in ("long", "double", "time"))
    is_plain = all(key.isascii() and key.isalnum() for key in keys)
    plan = _Plan(checked, frozenset() if is_plain else frozenset({"key_not_alphanumeric"}))
    if len(keys) <= _MAX_PLANNED_KEYS and sum(map(len, keys)) <= _MAX_PLANNED_LENGTH:
        if len(_PLANS) >= _MAX_PLANS:
            _PLANS.clear()
        _PLANS[keys] = plan
    return plan

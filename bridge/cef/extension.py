"""The extension of a CEF record: `key=value` pairs, found in one pass from left to right.

A key is a word right before `=` and after a blank, tab, CR or LF. A backslash is no part of a key,
so an escaped equals sign can never begin a pair, and escapes are undone after the split.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from bridge.cef.familiar import read_familiar
from bridge.cef.plans import Plan, plan_for
from bridge.cef.values import unusual

WHITE: Final = " \t\r\n\v\f"
_SEPARATORS: Final = " \t\r\n"
_LINE_BREAK = re.compile(r"[\r\n]")
# `ad.x`, `ad.f[0]`, `PanOSX-Forwarded-For`, `größe`; a comma only as in `ad.a,b`.
_KEY = re.compile(r"\w[\w\-\[\]]*+(?:\.[\w.,\-\[\]]*+)?")
_FIRST_KEY = re.compile(r"[\w:/@][\w.,:/@\-\[\]]*+")
_MAX_WORDS: Final = 4096
_MAX_WORD: Final = 64
_words: set[str] = set()  # known to have the shape of a key

Extension = tuple[dict[str, str], list[tuple[str, str]], str, set[str]]
"""The pairs, last of each key; the earlier ones of repeated keys; text outside of pairs; flags."""


def read_extension(text: str, *, escapes: bool = True, quotes: bool = False) -> Extension:
    """Split into pairs and undo the escapes, unless `escapes` is off; linear in the length.

    With `quotes` a value that begins with `"` ends at the next `"` before a pair. White space at
    the end of the last value is dropped.
    """
    text = text.strip(WHITE)
    lines = "\n" in text or "\r" in text
    if not (lines or quotes) and (familiar := read_familiar(text, escapes=escapes)):
        plan, values, has_unknown_escape = familiar
        return _collect(plan, values, "", {"unknown_escape"} if has_unknown_escape else set())
    pieces = text.split("=")
    if escapes and "\\=" in text:
        pieces = _merge(pieces)
    flags: set[str] = set()
    if len(pieces) == 1:
        return {}, [], text, {"leftover"} if text else flags
    keys, found, leftover = _search(pieces, lines, quotes, flags)
    if lines and any("\n" in value or "\r" in value for value in found):
        flags.add("raw_line_break")
    if escapes and "\\" in text:
        found = [_unescape(value, flags) if "\\" in value else value for value in found]
    return _collect(plan_for(keys), found, leftover, flags)


def _collect(plan: Plan, values: Sequence[str], leftover: str, flags: set[str]) -> Extension:
    pairs = dict(zip(plan.keys, values, strict=True))
    duplicates = [] if len(pairs) == len(values) else _earlier(plan.keys, values)
    if duplicates:
        flags.add("duplicate_key")
    if leftover:
        flags.add("leftover")
    if plan.flags:
        flags |= plan.flags
    if plan.numbers or plan.times:
        unusual(pairs, plan, flags)
    return pairs, duplicates, leftover, flags


def _earlier(keys: Sequence[str], values: Sequence[str]) -> list[tuple[str, str]]:
    """Every pair whose key comes again, in order."""
    last = {key: index for index, key in enumerate(keys)}
    pairs = enumerate(zip(keys, values, strict=True))
    return [pair for index, pair in pairs if last[pair[0]] != index]


def _merge(pieces: list[str]) -> list[str]:
    """Put together again what was split at an escaped equals sign."""
    escaped = {
        index for index, piece in enumerate(pieces) if piece[-1:] == "\\" and _ends_escaping(piece)
    }
    merged: list[str] = []
    begin = 0
    for index in sorted(escaped):
        if index < begin:
            continue
        end = index
        while end in escaped:
            end += 1
        merged += pieces[begin:index]
        merged.append("=".join(pieces[index : end + 1]))
        begin = end + 1
    return merged + pieces[begin:]


def _ends_escaping(piece: str) -> bool:
    """Backslashes go in pairs; an odd one escapes what follows."""
    return (len(piece) - len(piece.rstrip("\\"))) % 2 == 1


def _search(
    pieces: list[str], lines: bool, quotes: bool, flags: set[str]
) -> tuple[tuple[str, ...], list[str], str]:
    """Keys, values and leftover, from what stands between the equals signs."""
    leftover, key = _first_key(pieces[0], flags)
    keys = [] if key is None else [key]
    values: list[str] = []
    held = [leftover] if key is None else []  # parts of one text, which had `=` between them
    for piece in pieces[1:-1]:
        value, blank, next_key = piece.rpartition(" ")
        if piece and (lines or not blank or next_key not in _words):
            value, next_key = _split(piece, flags)
        if not next_key or (quotes and keys and _is_open(held, value)):
            held.append(piece)
            continue
        if keys:
            values.append(_joined([*held, value], flags))
        else:
            leftover = "=".join([*held, value])
        held = []
        keys.append(next_key)
    held.append(pieces[-1])
    if keys:
        values.append(_joined(held, flags))
    else:
        leftover = "=".join(held)
    return tuple(keys), values, leftover.strip(WHITE)


def _joined(parts: list[str], flags: set[str]) -> str:
    """One value, with the equals signs in it that began no pair."""
    if len(parts) > 1:
        flags.add("unescaped_equals")
    return "=".join(parts)


def _first_key(text: str, flags: set[str]) -> tuple[str, str | None]:
    """Leftover and key of what stands before the first `=`."""
    word = text.rstrip(WHITE)
    cut = 1 + max(_last_white(word), word.rfind("|"))
    leftover, key = word[:cut], word[cut:]
    shape = _KEY if leftover.strip(WHITE) else _FIRST_KEY
    if not shape.fullmatch(key):
        return text, None
    if len(word) < len(text):
        flags.add("blank_before_equals")
    return leftover, key


def _split(piece: str, flags: set[str]) -> tuple[str, str]:
    """Value and the key after it; no key: the `=` that follows is part of the value.

    Of the white space between them the last character is the separator, or all of it from the
    first line break on.
    """
    cut = _last_white(piece)
    key = piece[cut + 1 :]
    if cut < 0 or not (key in _words or _is_word(key)):
        return piece, ""
    if piece[cut] != " ":
        flags.add("separator_not_blank")
    if piece[cut - 1 : cut] in _SEPARATORS:
        white = piece[len(piece[:cut].rstrip(_SEPARATORS)) : cut + 1]
        if line_break := _LINE_BREAK.search(white):
            flags.add("separator_not_blank")
            cut -= len(white) - 1 - line_break.start()
    return piece[:cut], key


def _is_word(key: str) -> bool:
    """Whether it has the shape of a key; remembered, within bounds."""
    if not _KEY.fullmatch(key):
        return False
    if len(_words) < _MAX_WORDS and len(key) <= _MAX_WORD:
        _words.add(key)
    return True


def _last_white(text: str) -> int:
    """Where the last octet stands that may separate pairs; -1: nowhere."""
    return max(text.rfind(" "), text.rfind("\t"), text.rfind("\n"), text.rfind("\r"))


def _is_open(held: list[str], value: str) -> bool:
    """Whether a value begins with a quote that is not closed yet."""
    if not (held[0] if held else value).startswith('"'):
        return False
    end = value.rstrip(WHITE)
    return not end.endswith('"') or (not held and len(end) == 1)


def _unescape(value: str, flags: set[str]) -> str:
    r"""One pass: `\\`, `\=`, `\n` and `\r`; before any other character a backslash stays."""
    parts = [
        part.replace("\\=", "=").replace("\\n", "\n").replace("\\r", "\r")
        for part in value.split("\\\\")
    ]
    text = "\\".join(parts)
    if text.count("\\") >= len(parts):
        flags.add("unknown_escape")
    return text

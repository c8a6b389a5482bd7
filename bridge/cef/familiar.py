"""The short way through an extension whose keys came before in the same order.

It says no more than the long way in `bridge.cef.extension`, only sooner. Most of the time that a
record takes is spent here; a compiled version would replace this module.
"""

from __future__ import annotations

from collections.abc import Sequence

from bridge.cef.plans import MAX_KEYS, Plan, known

# Stand for `\\\\` and `\\=` while the text is split; a text that has them takes the long way.
_BACKSLASH, _EQUALS = "\0", "\1"

Familiar = tuple[Plan, Sequence[str], bool]
"""The plan, the values of its keys, unescaped, and whether there were escapes that are none."""


def read_familiar(text: str, *, escapes: bool) -> Familiar | None:
    """The values of a familiar extension; None when it is not, or when anything is unusual.

    `text` has no line breaks and no white space at its ends. All escapes but `\\=` are undone
    before the split: what comes of them is no part of a key, and no blank comes of them.
    """
    has_unknown_escape = False
    escapes = escapes and "\\" in text
    if escapes:
        if _BACKSLASH in text or _EQUALS in text:
            return None
        text = text.replace("\\\\", _BACKSLASH)
        if "\\" in text:
            text = text.replace("\\=", _EQUALS).replace("\\n", "\n").replace("\\r", "\r")
            has_unknown_escape = "\\" in text
        text = text.replace(_BACKSLASH, "\\")
    pieces = text.split("=")
    if not 2 < len(pieces) <= MAX_KEYS:
        return None
    values: Sequence[str]
    values, blanks, keys = zip(*[piece.rpartition(" ") for piece in pieces[1:-1]], strict=True)
    plan = known((pieces[0], *keys))
    if plan is None or "" in blanks:
        return None
    values = (*values, pieces[-1])
    if escapes and _EQUALS in text:
        values = [value.replace(_EQUALS, "=") for value in values]
    return plan, values, has_unknown_escape

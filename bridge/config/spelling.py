"""Words that nobody knows, and the nearest that somebody does."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Sequence

_PLAIN = re.compile(r"[\w@/:+-]+")


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word that was probably meant; case and `-` for `_` do not count.

    `cutoff` is how alike they must be, from 0 to 1. A shortened word counts as near, because units
    are easily left out (`idle`, `idle_seconds`).
    """
    word, folded = _fold(word), {_fold(name): name for name in known}
    found = difflib.get_close_matches(word, folded, n=1, cutoff=cutoff)
    if not found and len(word) > 2:
        found = [name for name in folded if name.startswith(word)]
    return folded[found[0]] if found else None


def unknown(what: str, word: str, known: Sequence[str]) -> str:
    """`no such input, did you mean malops? Known: malops, protect`; `word` is not repeated."""
    meant = nearest(word, known)
    words = ", ".join(map(shown, known))
    if meant is None:
        return f"no such {what}; known: {words}"
    return f"no such {what}, did you mean {shown(meant)}? Known: {words}"


def choice(words: Sequence[str]) -> str:
    """`a, b or c`."""
    return " or ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def shown(word: str) -> str:
    """The word as it can be printed: escaped and in quotes unless it is plain."""
    return word if _PLAIN.fullmatch(word) else json.dumps(word)


def _fold(word: str) -> str:
    return word.lower().replace("-", "_")

"""Rule and pipeline sources as tokens with their places. Follows Graylog's `RuleLang.g4`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

KEYWORDS: Final = frozenset(
    "all either pass and or not pipeline rule during stage when then end let match".split()
)
OPENING: Final = {"(": ")", "[": "]", "{": "}"}
CLOSING: Final = frozenset(OPENING.values())

_TOKEN = re.compile(
    r"""
      (?P<blank>\s+|//[^\n]*|/\*.*?\*/)
    | (?P<text>"(?:[^"\\]|\\.)*")
    | (?P<quoted>`[^`\n]*`)
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<name>[A-Za-z_]\w*)
    | (?P<symbol>==|!=|<=|>=|[-+*/%<>.,:;()\[\]{}$=!'])
    """,
    re.VERBOSE | re.DOTALL,
)
_UNKNOWN: Final = {
    '"': "a text without its closing quote",
    "`": "a name without its closing back-quote",
    "/": "a comment without its end",
    "#": "`#` begins no comment here, `//` does",
    "\ufeff": "a byte order mark, which Graylog does not take: save the file without it",
}


class Token(NamedTuple):
    """`kind` is text, quoted, number, name, keyword or symbol; line and column count from 1."""

    kind: str
    text: str
    line: int
    column: int

    def is_keyword(self, word: str) -> bool:
        """Keywords may be written in any case."""
        return self.kind == "keyword" and self.text.lower() == word

    @property
    def value(self) -> str:
        """What stands between the quotes."""
        return self.text[1:-1] if self.kind in ("text", "quoted") else self.text


class Unreadable(ValueError):
    """The source has something that is no token."""

    def __init__(self, line: int, column: int, reason: str) -> None:
        self.line = line
        self.column = column
        super().__init__(reason)


def tokens(source: str) -> Iterator[Token]:
    """The tokens, without blanks and comments; raises Unreadable where there is none."""
    place, line, line_start = 0, 1, 0
    while place < len(source):
        match = _TOKEN.match(source, place)
        if match is None or (match[0] == "/" and source.startswith("/*", place)):
            wrong = source[place]
            reason = _UNKNOWN.get(wrong, f"{wrong!r} means nothing in a rule")
            raise Unreadable(line, place - line_start + 1, reason)
        kind = match.lastgroup or ""
        if kind != "blank":
            is_keyword = kind == "name" and match[0].lower() in KEYWORDS
            column = place - line_start + 1
            yield Token("keyword" if is_keyword else kind, match[0], line, column)
        if breaks := match[0].count("\n"):
            line += breaks
            line_start = place + match[0].rindex("\n") + 1
        place = match.end()

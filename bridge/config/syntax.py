"""What PyYAML's errors mean, in words for a person; the text itself is never repeated."""

from __future__ import annotations

import yaml

_QUOTE = "put the text in quotes"
_INDENTATION = "this line is not indented like its neighbours"
_NO_COLON_BEFORE = f"{_INDENTATION}, or the line before it lacks its colon"
_SECOND_COLON = f"a second colon in this line: {_QUOTE}"

# Errors that PyYAML places where it gave up, not where the mistake begins.
_TOLD_AT_THE_END = ("unexpected end of stream", "document separator", "could not find expected ':'")

# (part of PyYAML's problem or context, what to say); the first that fits is taken.
_WORDS = [
    (r"found character '\t'", "a tab cannot stand here: indent with blanks"),
    ("found character", f"a text cannot begin with this character: {_QUOTE}"),
    ("sequence entries are not allowed", "a list entry (- …) cannot begin here: give it a line"),
    ("mapping keys are not allowed", "a key cannot stand here"),
    ("could not find expected ':'", "this line has no colon: write `key: value`"),
    (
        "undefined alias",
        f"there is no anchor of this name; for a text that begins with *, {_QUOTE}",
    ),
    ("found duplicate anchor", "this anchor name is given twice"),
    ("second occurrence", "this anchor name is given twice"),
    ("while scanning an alias", f"a text cannot begin with *: {_QUOTE}"),
    ("while scanning an anchor", f"a text cannot begin with &: {_QUOTE}"),
    ("while scanning a tag", f"a text cannot begin with !: {_QUOTE}"),
    ("while parsing a tag", f"a text cannot begin with !: {_QUOTE}"),
    ("tag handle", f"a text cannot begin with !: {_QUOTE}"),
    ("while scanning a directive", f"a line cannot begin with %: {_QUOTE}"),
    ("unknown escape character", "no such escape: double the backslash, or use single quotes"),
    ("escape sequence of", "no such escape: double the backslash, or use single quotes"),
    ("while scanning a quoted scalar", "the quote that is opened here is never closed"),
    ("but found another document", "only one document is allowed: remove the line ---"),
    ("expected the node content", "a value is missing before this"),
    ("while parsing a block", _INDENTATION),
    ("while parsing a flow sequence", "a comma or ] is missing before this"),
    ("while parsing a flow mapping", "a comma or } is missing before this"),
    ("while scanning a block scalar", "only a number, + or - may follow | or >"),
    ("'<document start>'", "this does not belong to what stands before it"),
]


def describe(error: yaml.YAMLError, text: str) -> tuple[int, int, str]:
    """Line and column (both from 1) and a sentence."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return _marked(error, error.problem_mark, text)
    position = getattr(error, "position", 0)
    before = text[:position]
    code = ord(text[position]) if position < len(text) else 0
    message = f"the character U+{code:04X} is not allowed in YAML: is this a text file?"
    return before.count("\n") + 1, position - before.rfind("\n"), message


def _marked(error: yaml.MarkedYAMLError, mark: yaml.Mark, text: str) -> tuple[int, int, str]:
    told = f"{error.context} {error.problem}"
    if any(part in told for part in _TOLD_AT_THE_END) and error.context_mark:
        mark = error.context_mark
    if text[mark.index - 1 : mark.index + 1] == "${":
        message = 'between { } and [ ] a reference needs quotes: "${env:NAME}"'
    elif "mapping values are not allowed" in told:
        before = text[mark.index - mark.column : mark.index]
        message = _SECOND_COLON if ": " in before else _NO_COLON_BEFORE
    else:
        message = next((words for part, words in _WORDS if part in told), "this is not valid YAML")
    return mark.line + 1, mark.column + 1, message

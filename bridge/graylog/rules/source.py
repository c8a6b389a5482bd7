"""Rule and pipeline files, read as far as it takes to know what belongs together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bridge.errors import Problem
from bridge.graylog.rules.functions import Version, version
from bridge.graylog.rules.tokens import CLOSING, OPENING, Token, Unreadable, tokens

_HEADER = re.compile(
    r"// gelf-bridge rules (?P<number>\d+); Graylog (?P<version>\d+\.\d+) or newer; "
    r'pipeline "(?P<pipeline>[^"]+)", stage (?P<stage>\d+)'
)


class Header(NamedTuple):
    """What the first line of a rule file of ours says."""

    number: int
    """The version of the rule set."""
    oldest: Version
    """The lowest Graylog that takes the rule."""
    pipeline: str
    stage: int


class Argument(NamedTuple):
    """One argument of a call; `name` is None for a positional one."""

    name: Token | None


class Call(NamedTuple):
    """One call of a function."""

    function: Token
    arguments: tuple[Argument, ...]


class Stage(NamedTuple):
    """One stage of a pipeline and the rules in it."""

    number: int
    rules: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A file: the name of the rule or pipeline in it, and what could not be read."""

    path: Path
    text: str
    name: str | None = None
    problems: tuple[Problem, ...] = ()

    def problem(self, token: Token | None, message: str) -> Problem:
        """Something that is wrong at a token, or with the whole file."""
        line, column = (token.line, token.column) if token else (0, 0)
        return Problem(str(self.path), line, column, "", message)


@dataclass(frozen=True, slots=True)
class Rule(Source):
    """A file with a rule."""

    header: Header | None = None
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Pipeline(Source):
    """A file with a pipeline."""

    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules, pipelines and tests of one folder."""

    folder: Path
    rules: tuple[Rule, ...] = ()
    pipelines: tuple[Pipeline, ...] = ()
    tests: tuple[Path, ...] = field(default=())


def rule_sets(folder: Path) -> list[RuleSet]:
    """The sets in a folder and below it, one for each folder that has any of their files."""
    suffixes = (".rule", ".pipeline", ".test.yaml")
    found = {path.parent for path in folder.rglob("*") if path.name.endswith(suffixes)}
    return [_rule_set(each) for each in sorted(found)]


def _rule_set(folder: Path) -> RuleSet:
    return RuleSet(
        folder,
        tuple(read_rule(path) for path in sorted(folder.glob("*.rule"))),
        tuple(read_pipeline(path) for path in sorted(folder.glob("*.pipeline"))),
        tuple(sorted(folder.glob("*.test.yaml"))),
    )


def read_rule(path: Path) -> Rule:
    """A rule file; what is wrong with it is in `problems`."""
    return rule_of(path, path.read_text(encoding="utf-8"))


def rule_of(path: Path, text: str) -> Rule:
    """A rule that is at hand as text; `path` is what its problems name."""
    reader = _Reader(Rule(path, text))
    name = reader.opening("rule")
    body = reader.body()
    return Rule(path, text, name, reader.found(), _header(text), tuple(_calls(body)))


def read_pipeline(path: Path) -> Pipeline:
    """A pipeline file; what is wrong with it is in `problems`."""
    return pipeline_of(path, path.read_text(encoding="utf-8"))


def pipeline_of(path: Path, text: str) -> Pipeline:
    """A pipeline that is at hand as text; `path` is what its problems name."""
    reader = _Reader(Pipeline(path, text))
    name = reader.opening("pipeline")
    body = reader.body()
    return Pipeline(path, text, name, reader.found(), tuple(_stages(body)))


def _header(text: str) -> Header | None:
    match = _HEADER.fullmatch(text.partition("\n")[0].rstrip())
    if match is None:
        return None
    oldest = version(match["version"])
    return Header(int(match["number"]), oldest, match["pipeline"], int(match["stage"]))


class _Reader:
    """The tokens of one file, from the front to the back."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._problems: list[Problem] = []
        self._tokens: list[Token] = []
        try:
            self._tokens.extend(tokens(source.text))
        except Unreadable as error:
            place = Problem(str(source.path), error.line, error.column, "", str(error))
            self._problems.append(place)

    def found(self) -> tuple[Problem, ...]:
        """Everything that is wrong."""
        return tuple(self._problems)

    def opening(self, word: str) -> str | None:
        """The name after the word that the file has to begin with."""
        if len(self._tokens) < 2 or not self._tokens[0].is_keyword(word):
            self._complain(next(iter(self._tokens), None), f'the file has to begin with {word} "…"')
            return None
        name = self._tokens[1]
        if name.kind not in ("text", "quoted"):
            self._complain(name, f"the name of the {word} has to stand in double quotes")
            return None
        return name.value

    def body(self) -> list[Token]:
        """What stands between the name and `end`."""
        end = next((at for at, token in enumerate(self._tokens) if token.is_keyword("end")), None)
        if end is None:
            if not self._problems:
                self._complain(self._tokens[-1] if self._tokens else None, "`end` is missing")
            return self._tokens[2:]
        if rest := self._tokens[end + 1 :]:
            what = "a second rule" if rest[0].is_keyword("rule") else "text"
            self._complain(rest[0], f"{what} after `end`, which Graylog ignores without a word")
        body = self._tokens[2:end]
        self._check_brackets(body)
        return body

    def _check_brackets(self, body: Sequence[Token]) -> None:
        open_: list[Token] = []
        for token in body:
            if token.kind != "symbol":
                continue
            if token.text in OPENING:
                open_.append(token)
            elif token.text in CLOSING and (not open_ or OPENING[open_.pop().text] != token.text):
                self._complain(token, f"`{token.text}` closes nothing that is open here")
                return
        if open_:
            self._complain(open_[-1], f"`{open_[-1].text}` is never closed")

    def _complain(self, token: Token | None, message: str) -> None:
        self._problems.append(self._source.problem(token, message))


def _calls(body: Sequence[Token]) -> list[Call]:
    return [
        Call(token, _arguments(body[at + 2 :]))
        for at, token in enumerate(body[:-1])
        if token.kind in ("name", "quoted") and body[at + 1].text == "("
    ]


def _arguments(after: Sequence[Token]) -> tuple[Argument, ...]:
    """The arguments that begin behind an opening parenthesis."""
    found: list[Argument] = []
    depth, expected = 0, True
    for at, token in enumerate(after):
        if depth == 0 and token.text == ")":
            break
        if expected:
            named = token.kind in ("name", "quoted") and _is_colon(after, at + 1)
            found.append(Argument(token if named else None))
            expected = False
        if token.kind == "symbol":
            depth += (token.text in OPENING) - (token.text in CLOSING)
            expected = depth == 0 and token.text == ","
    return tuple(found)


def _is_colon(tokens: Sequence[Token], at: int) -> bool:
    return at < len(tokens) and tokens[at].text == ":"


def _stages(body: Sequence[Token]) -> list[Stage]:
    stages: list[Stage] = []
    for at, token in enumerate(body[:-1]):
        after = body[at + 1]
        if token.is_keyword("stage") and after.kind == "number":
            stages.append(Stage(int(float(after.text)), ()))
        elif token.is_keyword("rule") and stages:
            number, rules = stages[-1]
            stages[-1] = Stage(number, (*rules, after))
    return stages

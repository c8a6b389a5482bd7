"""What is wrong with rules and pipelines, as far as it can be said without a server."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from bridge.errors import Problem
from bridge.graylog.rules.functions import OLDEST, Function, Parameter, Version, functions
from bridge.graylog.rules.source import Argument, Call, Rule, RuleSet, Source


def check(sets: Iterable[RuleSet]) -> list[Problem]:
    """Everything that is wrong with these sets, each by itself."""
    return [problem for each in sets for problem in check_set(each)]


def check_set(rule_set: RuleSet) -> list[Problem]:
    """Everything that is wrong with a set of rules and pipelines that belong together."""
    problems: list[Problem] = []
    for rule in rule_set.rules:
        problems += [*rule.problems, *_check_name(rule), *_check_calls(rule)]
    for pipeline in rule_set.pipelines:
        problems += [*pipeline.problems, *_check_name(pipeline)]
    problems += _check_belonging(rule_set)
    return sorted(problems, key=lambda each: (each.source, each.line, each.column))


def _check_name(source: Source) -> Iterator[Problem]:
    """Files are found by the name of what is in them; blanks may be `-` or `_` there."""
    if source.name is None:
        return
    stem = source.path.stem
    if stem.replace("_", "-") != source.name.replace(" ", "-").replace("_", "-"):
        yield source.problem(None, f'holds "{source.name}", so it has to be called that')


def _check_belonging(rule_set: RuleSet) -> Iterator[Problem]:
    rules = {rule.name: rule for rule in rule_set.rules if rule.name is not None}
    counts = Counter(rule.name for rule in rule_set.rules)
    for rule in rule_set.rules:
        if rule.name is not None and counts[rule.name] > 1:
            yield rule.problem(None, f'there are {counts[rule.name]} rules "{rule.name}"')
    named: dict[str, list[tuple[str, int]]] = {}
    for pipeline in rule_set.pipelines:
        for stage in pipeline.stages:
            for token in stage.rules:
                named.setdefault(token.value, []).append((pipeline.name or "", stage.number))
                if token.value not in rules:
                    complaint = f'there is no rule "{token.value}"{_near(token.value, rules)}'
                    yield pipeline.problem(token, complaint)
    if rule_set.pipelines:
        for name, rule in rules.items():
            yield from _check_place(rule, named.get(name, []))


def _check_place(rule: Rule, places: Sequence[tuple[str, int]]) -> Iterator[Problem]:
    if not places:
        yield rule.problem(None, f'no pipeline names the rule "{rule.name}"')
    elif rule.header and (rule.header.pipeline, rule.header.stage) not in places:
        pipeline, stage = places[0]
        complaint = f'its first line says another place than pipeline "{pipeline}", stage {stage}'
        yield rule.problem(None, complaint)


def _check_calls(rule: Rule) -> Iterator[Problem]:
    oldest = rule.header.oldest if rule.header else None
    known = functions()
    for call in rule.calls:
        function = known.get(call.function.value)
        if function is None:
            name = call.function.value
            complaint = f"there is no function {name}{_near(name, known)}"
            yield rule.problem(call.function, complaint)
        else:
            yield from _check_age(rule, call, function, oldest)
            yield from _check_arguments(rule, call, function)


def _check_age(
    rule: Rule, call: Call, function: Function, oldest: Version | None
) -> Iterator[Problem]:
    """Without a first line that declares a version there is nothing to compare with."""
    if oldest is None or oldest < OLDEST:
        return
    if function.since > oldest:
        yield rule.problem(call.function, _too_new(function.name, function.since, oldest))
    for parameter, argument in _matched(call, function):
        if parameter.since > max(oldest, function.since):
            what = f"the argument {parameter.name} of {function.name}"
            token = argument.name or call.function
            yield rule.problem(token, _too_new(what, parameter.since, oldest))


def _too_new(what: str, since: Version, oldest: Version) -> str:
    return (
        f"{what} came with Graylog {_text(since)}, and the first line promises "
        f"{_text(oldest)} or newer"
    )


def _text(number: Version) -> str:
    return f"{number[0]}.{number[1]}"


def _check_arguments(rule: Rule, call: Call, function: Function) -> Iterator[Problem]:
    names = [argument.name for argument in call.arguments if argument.name]
    if names and len(names) < len(call.arguments):
        complaint = f"{function.name}: either all arguments have names or none"
        yield rule.problem(call.function, complaint)
        return
    known = [parameter.name for parameter in function.parameters]
    for token in names:
        if token.value not in known:
            complaint = (
                f"{function.name} has no argument {token.value}{_near(token.value, known)}, "
                "and Graylog may ignore it without a word"
            )
            yield rule.problem(token, complaint)
    if len(call.arguments) > len(known):
        complaint = f"{function.name} takes at most {len(known)} argument(s)"
        yield rule.problem(call.function, complaint)
    yield from _check_required(rule, call, function)


def _check_required(rule: Rule, call: Call, function: Function) -> Iterator[Problem]:
    given = {parameter.name for parameter, _ in _matched(call, function)}
    for parameter in function.parameters:
        if not parameter.optional and parameter.name not in given:
            complaint = f"{function.name} needs its argument {parameter.name}"
            yield rule.problem(call.function, complaint)


def _matched(call: Call, function: Function) -> Iterator[tuple[Parameter, Argument]]:
    by_name = {parameter.name: parameter for parameter in function.parameters}
    for place, argument in enumerate(call.arguments):
        if argument.name:
            if parameter := by_name.get(argument.name.value):
                yield parameter, argument
        elif place < len(function.parameters):
            yield function.parameters[place], argument


def _near(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (is it {close[0]}?)" if close else ""

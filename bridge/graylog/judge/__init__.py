"""The judge: Graylog's own decoder, rule engine and inputs, asked from Python.

    with Judge("6.3.7") as judge:
        judge.decode(b'{"version": "1.1", "host": "a", "short_message": "b"}').fields
        with judge.input("tcp") as gelf:
            ...  # send to gelf.endpoint
            gelf.documents()

Needs a JDK (17; 21 for Graylog 7) and Maven, which fetches Graylog's jars when they are first
needed. Nothing of Graylog is part of this project.
"""

from bridge.graylog.judge.answers import Outcome, Parsed, ParseError, Verdict
from bridge.graylog.judge.client import Judge, JudgeError
from bridge.graylog.judge.inputs import GraylogInput, Stats
from bridge.graylog.judge.toolchain import DEFAULT, LINES, JudgeMissing

__all__ = [
    "DEFAULT",
    "LINES",
    "GraylogInput",
    "Judge",
    "JudgeError",
    "JudgeMissing",
    "Outcome",
    "ParseError",
    "Parsed",
    "Stats",
    "Verdict",
]

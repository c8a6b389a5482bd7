"""The judge answers with what Graylog's own classes say."""

from __future__ import annotations

import json
import math

import pytest

from bridge.graylog.judge import Judge, JudgeError

RULE = """
rule "shout"
when has_field("word")
then set_field("loud", uppercase(to_string($message.word)));
end
"""
PIPELINE = """
pipeline "voices"
stage 0 match either
rule "shout"
end
"""


def document(**fields: object) -> bytes:
    return json.dumps({"version": "1.1", "host": "h", "short_message": "m"} | fields).encode()


def test_a_message_is_decoded_with_java_types(judge: Judge) -> None:
    verdict = judge.decode(document(_n=5, _f=0.5, _t=" x ", _b=True, level=3))
    assert verdict.rejection is None
    assert verdict.fields["n"] == 5
    assert verdict.types["n"] == "Long"
    assert verdict.types["f"] == "Double"
    assert verdict.fields["t"] == "x"
    assert verdict.types["level"] == "Integer"
    assert "b" not in verdict.fields


def test_what_json_cannot_write_comes_back_whole(judge: Judge) -> None:
    """Infinity is a number, and half a surrogate pair half a surrogate pair."""
    verdict = judge.decode(document()[:-1] + rb', "_inf": 1e400, "_half": "x\ud83d"}')
    assert verdict.fields["inf"] == math.inf
    assert verdict.fields["half"] == "x\ud83d"


def test_a_refusal_says_why(judge: Judge) -> None:
    assert "short_message" in (judge.decode(b"{}").rejection or "")
    assert judge.decode(b'{"host": "h"').rejection
    assert judge.decode(b"").rejection


def test_a_message_without_a_host_comes_from_its_sender(judge: Judge) -> None:
    assert judge.decode(b'{"message": "m"}', "192.0.2.7").fields["source"] == "192.0.2.7"


def test_a_rule_runs_and_its_trace_is_told(judge: Judge) -> None:
    judge.load([RULE], [PIPELINE])
    outcome = judge.run(document(_word="hey"))
    assert outcome.ran == ("shout",)
    [message] = outcome.messages
    assert message.fields["loud"] == "HEY"
    assert message.indexed["loud"] == "HEY"
    assert message.errors == ()
    assert judge.run(document()).ran == ()


def test_fields_are_taken_as_graylog_would_hold_them(judge: Judge) -> None:
    """Numbers are Long and Double, booleans and lists stay, the time is a time."""
    judge.load([], [])
    given = {
        "message": "m",
        "source": "s",
        "timestamp": "2026-01-02T03:04:05.678Z",
        "long": 1,
        "double": 1.0,
        "truth": True,
        "list": ["a", "b"],
    }
    [message] = judge.run(given).messages
    assert {name: message.types[name] for name in given} == {
        "message": "String",
        "source": "String",
        "timestamp": "DateTime",
        "long": "Long",
        "double": "Double",
        "truth": "Boolean",
        "list": "List",
    }
    assert {name: message.fields[name] for name in given} == given


def test_a_processing_error_is_told(judge: Judge) -> None:
    bad = 'rule "shout" when true then set_field("x", parse_date("no", "yyyy")); end'
    judge.load([bad], [PIPELINE])
    [message] = judge.run(document()).messages
    assert "parse_date" in message.errors[0]


def test_a_dropped_message_leaves_nothing(judge: Judge) -> None:
    judge.load(['rule "shout" when true then drop_message(); end'], [PIPELINE])
    assert judge.run(document()).messages == ()


def test_a_pipeline_sees_the_messages_of_its_stream(judge: Judge) -> None:
    stream = "00000000000000000000abcd"
    judge.load([RULE], [PIPELINE], streams={stream: "Loud"}, connections={stream: ["voices"]})
    assert judge.run(document(_word="hey"), ["Loud"]).ran == ("shout",)
    assert judge.run(document(_word="hey")).ran == ()


def test_a_look_up_table_answers(judge: Judge) -> None:
    rule = 'rule "shout" when true then set_field("x", lookup_value("colours", "sky")); end'
    judge.load([rule], [PIPELINE], lookups={"colours": {"sky": "blue"}})
    [message] = judge.run(document()).messages
    assert message.fields["x"] == "blue"


def test_parse_errors_have_their_place(judge: Judge) -> None:
    parsed = judge.parse_rule('rule "a"\nwhen true\nthen nosuch();\nend')
    [error] = parsed.errors
    assert (error.line, error.position) == (3, 5)
    assert "nosuch" in str(error)
    assert judge.parse_rule(RULE).names == ("shout",)
    assert judge.parse_pipeline(PIPELINE).names == ("voices",)
    assert judge.parse_pipeline('pipeline "a"').errors


def test_a_question_that_cannot_be_answered_is_an_error(judge: Judge) -> None:
    with pytest.raises(JudgeError, match="unknown command"):
        judge.ask("guess")
    with pytest.raises(JudgeError, match="Unknown function nosuch"):
        judge.load(['rule "a" when true then nosuch(); end'], [])


def test_without_a_process_it_says_so() -> None:
    with pytest.raises(JudgeError, match="not running"):
        Judge().functions()

"""Sources are cut into the tokens of Graylog's grammar."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.graylog.rules.tokens import Token, Unreadable, tokens


def texts(source: str) -> list[str]:
    return [token.text for token in tokens(source)]


def test_blanks_and_comments_are_passed_over() -> None:
    assert texts("a // b\n/* c\n d */ e\r\n") == ["a", "e"]


def test_each_token_knows_its_place() -> None:
    assert list(tokens('let x =\n  "a\nb" ;')) == [
        Token("keyword", "let", 1, 1),
        Token("name", "x", 1, 5),
        Token("symbol", "=", 1, 7),
        Token("text", '"a\nb"', 2, 3),
        Token("symbol", ";", 3, 4),
    ]


def test_what_stands_in_texts_and_quoted_names_is_no_token() -> None:
    assert texts(r'"end \" // x" `a-b` $message.`rule`') == [
        r'"end \" // x"',
        "`a-b`",
        *("$", "message", ".", "`rule`"),
    ]


def test_keywords_count_in_any_case() -> None:
    [token] = tokens("END")
    assert token.is_keyword("end")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ('"open', "closing quote"),
        ("`open", "closing back-quote"),
        ("/* open", "comment without its end"),
        ("# a comment", "`//` does"),
        ("\ufeffrule", "byte order mark"),
        ("a ? b", "'?' means nothing"),
    ],
)
def test_what_is_no_token_is_told_with_its_place(source: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason) as caught:
        list(tokens(f"\n {source}"))
    assert (caught.value.line, caught.value.column) >= (2, 2)


@given(st.text())
def test_any_text_ends_in_tokens_or_in_a_complaint(source: str) -> None:
    """Tokens come in order, and their texts stand in the source."""
    place = 0
    with contextlib.suppress(Unreadable):
        for token in tokens(source):
            place = source.index(token.text, place) + len(token.text)

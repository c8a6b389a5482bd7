"""References are resolved in texts, and only there."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.references import (
    MAX_FILE_BYTES,
    Referenced,
    Resolver,
    UnresolvedError,
    read_secret,
)


def resolve(text: str, folder: Path = Path(), **environ: str) -> str:
    return Resolver(environ, folder).resolve(text)


def reasons(text: str, folder: Path = Path(), **environ: str) -> list[str]:
    with pytest.raises(UnresolvedError) as caught:
        resolve(text, folder, **environ)
    return caught.value.reasons


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("${env:A}", "alpha"),
        ("<${env:A}-${env:A}>", "<alpha-alpha>"),
        ("${env:NONE:-other}", "other"),
        ("${env:EMPTY:-other}", "other"),
        ("${env:NONE:-}", ""),
        ("${env:A:-other}", "alpha"),
        ("${env:EMPTY}", ""),
        ("${env:TRICKY}", "${env:A}"),
        ("$${env:A}", "${env:A}"),
        ("$${env:A} ${env:A}", "${env:A} alpha"),
        ("no reference", "no reference"),
        ("$env:A $ {env:A} {env:A}", "$env:A $ {env:A} {env:A}"),
    ],
)
def test_variables_are_put_in_place(written: str, expected: str) -> None:
    assert resolve(written, A="alpha", EMPTY="", TRICKY="${env:A}") == expected


@pytest.mark.parametrize(
    "written", ["${A}", "${env:}", "${env:1A}", "${file:}", "${vault:x}", "${}"]
)
def test_other_forms_are_refused(written: str) -> None:
    assert reasons(written, A="alpha") == [
        "this is not a reference: write ${env:NAME}, ${env:NAME:-default} or ${file:path}, "
        "and $${ for the text ${"
    ]


@pytest.mark.parametrize("written", ["${env:A", "x ${", "${env:${env:A}"])
def test_an_open_reference_is_refused(written: str) -> None:
    assert "a reference is not closed: write ${env:NAME} or ${file:path}" in reasons(written, A="x")


def test_all_missing_variables_are_told_and_the_nearest_name() -> None:
    assert reasons("${env:APP_SECERT}${env:OTHER}", APP_SECRET="hunter2") == [
        "the environment variable APP_SECERT is not set, did you mean APP_SECRET?",
        "the environment variable OTHER is not set; set it, or give a default: ${env:OTHER:-…}",
    ]


def test_a_file_gives_its_text_without_the_line_ends_after_it(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b" two\nlines \r\n\n")
    assert resolve("${file:secret}", tmp_path) == " two\nlines "
    assert resolve(f"${{file:{tmp_path}/secret}}") == " two\nlines "


def test_a_file_with_a_reference_in_it_is_only_text(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("${env:A}")
    assert resolve("${file:secret}", tmp_path, A="alpha") == "${env:A}"


def test_the_text_with_references_can_be_resolved_again(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("old")
    resolved = resolve("Bearer ${file:secret}", tmp_path)
    assert isinstance(resolved, Referenced)
    assert resolved == "Bearer old"
    (tmp_path / "secret").write_text("new")
    assert resolved.again() == "Bearer new"
    assert resolved == "Bearer old"


def test_resolving_again_says_when_the_file_is_gone(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("old")
    resolved = resolve("${file:secret}", tmp_path)
    assert isinstance(resolved, Referenced)
    (tmp_path / "secret").unlink()
    with pytest.raises(OSError, match=r"secret cannot be read: No such file or directory\Z"):
        resolved.again()


def test_the_repr_of_a_resolved_text_shows_the_reference() -> None:
    assert repr(resolve("${env:A}", A="hunter2")) == "'${env:A}'"


def test_a_text_without_references_stays_the_same_object() -> None:
    text = "plain"
    assert resolve(text) is text


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("long", "the file PLACE/long is longer than 65536 bytes"),
        ("binary", "the file PLACE/binary is not UTF-8 text"),
        ("pipe", "PLACE/pipe is not a file"),
        ("", "PLACE is not a file"),
        ("none", "the file PLACE/none cannot be read: No such file or directory"),
        ("x" * 300, f"the file PLACE/{'x' * 300} cannot be read: File name too long"),
        ("a\0b", "the path contains a character that no path can have"),
        ("\ud800", "the path contains a character that no path can have"),
    ],
)
def test_a_file_that_is_no_secret_is_refused(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "long").write_bytes(b"x" * (MAX_FILE_BYTES + 1))
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError) as caught:
        read_secret(tmp_path / name)
    assert str(caught.value) == message.replace("PLACE", str(tmp_path))


def test_a_file_of_the_greatest_length_is_read(tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(b"x" * MAX_FILE_BYTES)
    assert len(read_secret(tmp_path / "long")) == MAX_FILE_BYTES


TEXTS = st.text(st.sampled_from("${}:-env file\nA") | st.characters(), max_size=30)


@given(TEXTS)
def test_any_text_can_be_written_with_doubled_dollars(text: str) -> None:
    assert resolve(text.replace("${", "$${")) == text


@given(TEXTS)
def test_a_text_is_resolved_or_refused_and_nothing_else_happens(text: str) -> None:
    with contextlib.suppress(UnresolvedError):
        assert "${" in text or resolve(text, env="x", A="y") == text
        resolve(text, env="x", A="y")

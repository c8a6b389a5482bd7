"""Option types say in plain words what is wrong, and never repeat the value."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from bridge.config import Address, ByteSize, Endpoint, InputId, LocalPath, Regex, Secret
from bridge.config.references import Resolver


def read(kind: Any, value: object, **context: object) -> Any:
    return TypeAdapter(kind).validate_python(value, context=context)


def refusal(kind: Any, value: object, **context: object) -> str:
    with pytest.raises(ValidationError) as caught:
        read(kind, value, **context)
    [error] = caught.value.errors()
    return error["msg"]


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("0.0.0.0:5514", "0.0.0.0", 5514),
        ("localhost:0", "localhost", 0),
        ("[::]:5514", "::", 5514),
        ("[2001:DB8::0001]:65535", "2001:db8::1", 65535),
        ("[fe80::1%eth0]:514", "fe80::1%eth0", 514),
        ("graylog.example.org.:12201", "graylog.example.org.", 12201),
        ("my_host-1:1", "my_host-1", 1),
        (" localhost:5514 ", "localhost", 5514),
    ],
)
def test_addresses_have_a_host_and_a_port(text: str, host: str, port: int) -> None:
    address = read(Address, text)
    assert (address.host, address.port) == (host, port)
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5514, "must be HOST:PORT, such as 0.0.0.0:5514"),
        (None, "must be HOST:PORT, such as 0.0.0.0:5514"),
        ("5514", "must be HOST:PORT, such as 0.0.0.0:5514; the port is missing"),
        ("", "must be HOST:PORT, such as 0.0.0.0:5514; the port is missing"),
        ("[::1]", "must be HOST:PORT, such as 0.0.0.0:5514; the port is missing"),
        (":5514", "must be HOST:PORT, such as 0.0.0.0:5514; the host is missing"),
        ("*:5514", "must be HOST:PORT, such as 0.0.0.0:5514; the host is not a name"),
        ("-a:5514", "must be HOST:PORT, such as 0.0.0.0:5514; the host is not a name"),
        ("a..b:5514", "must be HOST:PORT, such as 0.0.0.0:5514; the host is not a name"),
        ("a/b:5514", "must be HOST:PORT, such as 0.0.0.0:5514; the host is not a name"),
        ("[a]:5514", "there is no IPv6 address between the brackets"),
        ("::1:5514", "an IPv6 address needs brackets, such as [2001:db8::1]:5514"),
        ("1.2.3:5514", "the host before the port is not an IPv4 address"),
        ("tcp://a:5514", "must be HOST:PORT without a scheme, such as 0.0.0.0:5514"),
        ("a:-1", "the port must be a whole number from 0 to 65535"),
        ("a:65536", "the port must be a whole number from 0 to 65535"),
        ("a:٣", "the port must be a whole number from 0 to 65535"),
        ("a:5514.0", "the port must be a whole number from 0 to 65535"),
        ("a: 5514", "the port must be a whole number from 0 to 65535"),
        ("a:", "must be HOST:PORT, such as 0.0.0.0:5514; the port is missing"),
    ],
)
def test_what_is_no_address_is_refused_in_plain_words(value: object, message: str) -> None:
    assert refusal(Address, value) == message


def test_an_endpoint_needs_a_real_port() -> None:
    assert read(Endpoint, "[2001:db8::1]:12201") == Endpoint("2001:db8::1", 12201)
    assert refusal(Endpoint, "a:0") == "the port must be a whole number from 1 to 65535"
    assert Endpoint("a", 1) != Address("a", 1)


@given(st.text())
def test_any_text_is_an_address_or_a_value_error(text: str) -> None:
    try:
        address = Address.parse(text)
    except ValueError:
        return
    assert Address.parse(str(address)) == address


@given(st.ip_addresses(), st.integers(0, 65535))
def test_every_ip_address_can_be_written_and_read(host: object, port: int) -> None:
    address = Address(str(host), port)
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    ("written", "size"),
    [
        (0, 0),
        (123, 123),
        ("123", 123),
        ("1_000", 1000),
        ("5B", 5),
        ("1KB", 1000),
        ("1KiB", 1024),
        ("64kib", 65_536),
        ("1.5 GiB", 3 * 2**29),
        ("2TiB", 2**41),
        ("9007199254740993", 9007199254740993),
    ],
)
def test_sizes_are_numbers_or_have_a_unit(written: object, size: int) -> None:
    found = read(ByteSize, written)
    assert found == size
    assert type(found) is int


@pytest.mark.parametrize(
    "value", ["1G", "1 GiBB", "GiB", "-1KiB", "1e3", "", 1.5, None, [1], "true"]
)
def test_what_is_no_size_is_refused_in_plain_words(value: object) -> None:
    assert refusal(ByteSize, value) == "must be a number of bytes or a size, such as 64KiB or 1GiB"


def test_no_size_is_negative() -> None:
    assert refusal(ByteSize, -1) == "Input should be greater than or equal to 0"


def test_a_regular_expression_is_compiled() -> None:
    assert read(Regex, r"\d+").sub("*", "a1b22") == "a*b*"


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "is not a regular expression: missing ), unterminated subpattern at position 0"),
        ("[[a]", "is not a regular expression: Possible nested set at position 1"),
        ("a{99999999999}", "is a regular expression beyond all bounds"),
        ("(" * 5000, "is a regular expression beyond all bounds"),
    ],
)
def test_a_bad_regular_expression_is_refused_with_the_reason(pattern: str, message: str) -> None:
    assert refusal(Regex, pattern) == message


def test_relative_paths_start_at_the_folder_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/bridge")
    assert read(LocalPath, "spool", folder=Path("/etc/bridge")) == Path("/etc/bridge/spool")
    assert read(LocalPath, "/spool", folder=Path("/etc/bridge")) == Path("/spool")
    assert read(LocalPath, "~/spool", folder=Path("/etc/bridge")) == Path("/home/bridge/spool")
    assert read(LocalPath, "spool") == Path("spool")


@pytest.mark.parametrize("path", ["", ".", "./"])
def test_what_names_nothing_is_no_path(path: str) -> None:
    assert refusal(LocalPath, path) == "must be a path, and other than ."


@pytest.mark.parametrize("path", ["a\nb", "a\0b", "\x1b[0m"])
def test_a_path_can_be_printed(path: str) -> None:
    assert refusal(LocalPath, path) == "must be a path; this one has control characters"


def test_a_home_that_does_not_exist_is_refused() -> None:
    assert (
        refusal(LocalPath, "~nobody-of-this-name/x")
        == "there is no home directory to replace the ~ by"
    )


def test_an_input_is_known_when_the_context_names_it() -> None:
    assert read(InputId, "malops", inputs=["malops"]) == "malops"
    assert read(InputId, "anything") == "anything"
    assert (
        refusal(InputId, "malpos", inputs=["malops", "a b"])
        == 'no such input, did you mean malops? Known: malops, "a b"'
    )


def test_a_secret_shows_itself_only_on_demand() -> None:
    secret = read(Secret, "hunter2")
    assert secret.reveal() == "hunter2"
    assert f"{secret} {secret!r} {[secret]}" == "*** Secret('***') [Secret('***')]"
    assert "hunter2" not in str(TypeAdapter(Secret).dump_json(secret))


def test_secrets_are_equal_by_value() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert copy.deepcopy(Secret("a")) == Secret("a")


def test_a_secret_from_a_file_is_read_again_each_time(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("old\n")
    secret = read(Secret, Resolver({}, tmp_path).resolve("${file:secret}"))
    (tmp_path / "secret").write_text("new\n")
    assert secret.reveal() == "new"
    (tmp_path / "secret").unlink()
    with pytest.raises(OSError, match="cannot be read"):
        secret.reveal()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (12345678, "must be a text: put the value in quotes"),
        (None, "must be a text: put the value in quotes"),
        ("", "a secret is needed here, but it is empty"),
    ],
)
def test_what_is_no_secret_is_refused(value: object, message: str) -> None:
    assert refusal(Secret, value) == message


def test_an_empty_variable_is_no_secret() -> None:
    empty = Resolver({"APP_SECRET": ""}, Path()).resolve("${env:APP_SECRET}")
    assert refusal(Secret, empty) == "a secret is needed here, but what it refers to is empty"


def test_every_type_has_a_json_schema() -> None:
    for kind in (Address, Endpoint, ByteSize, InputId, LocalPath, Regex, Secret):
        assert TypeAdapter(kind).json_schema()["type"]

"""What the declarations of components say: schema, explanations, first configurations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
import yaml
from click.testing import CliRunner, Result

from bridge import native
from bridge.cli import main
from bridge.cli.config import effective
from bridge.cli.describe import Option, component, components, options, schema
from bridge.cli.explain import explanation, words
from bridge.cli.init import configuration
from bridge.config import Config, load
from bridge.errors import BridgeError
from bridge.plugins import EntryPoints
from tests.config.components import ListenerConfig

ROOT = Path(__file__).parent.parent.parent
REGISTRY = EntryPoints()
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
INPUTS, OUTPUTS = REGISTRY.types("input"), REGISTRY.types("output")


class Anything(dict[str, str]):
    """An environment in which every variable has a value."""

    def get(self, key: str, default: Any = None) -> Any:
        return "value"


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    whole = schema(REGISTRY)
    jsonschema.Draft202012Validator.check_schema(whole)
    return jsonschema.Draft202012Validator(whole)


def read(text: str) -> Any:
    """As an editor reads YAML: words, numbers and booleans, nothing of ours."""
    return yaml.safe_load(text)


# Options


def named(model: type[Any]) -> dict[str, Option]:
    return {option.name: option for option in options(model)}


def test_options_are_described_in_words() -> None:
    found = named(ListenerConfig)
    assert found["address"].kind == "text"
    assert found["address"].required
    assert found["address"].example == "0.0.0.0:5514"
    assert found["transport"].kind == "tcp, udp or both"
    assert found["transport"].default == '"tcp"'
    assert found["max_frame_bytes"].kind == "size"
    assert found["max_frame_bytes"].default == "1MiB"
    assert found["idle_seconds"].kind == "number, more than 0"
    assert found["connections"].kind == "whole number, 1 or more and 10000 or less"
    assert found["full_message"].kind == "true or false"
    assert found["redact"].kind == "section of name: regular expression"
    assert found["tls"].kind == "true or false or section"
    assert [inner.name for inner in found["tls"].inner] == ["certificate", "minimum"]


def test_every_option_of_every_component_is_described() -> None:
    def undescribed(found: list[Option], path: str) -> Iterator[str]:
        for option in found:
            if not option.text or option.kind in ("", "anything"):
                yield f"{path}.{option.name}"
            yield from undescribed(list(option.inner), f"{path}.{option.name}")

    assert [
        one for each in components(REGISTRY) for one in undescribed(each.options, each.name)
    ] == []


# The schema


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_schema_accepts_the_examples(
    path: Path, validator: jsonschema.Draft202012Validator
) -> None:
    assert list(validator.iter_errors(read(path.read_text()))) == []


@pytest.mark.parametrize(
    "text",
    [
        "inputs: {a: {type: cef}}",
        "inputs: {a: {type: cfe, address: 'localhost:1'}}",
        "inputs: {a: {type: cef, address: 'localhost:1', adress: x}}",
        "inputs: {a: {type: cef, address: 'localhost:1', transport: tpc}}",
        "inputs: {a: {type: cef, address: 'localhost:1', max_connections: 0}}",
        "inputs: {a: {type: gelf_tcp, endpoint: 'localhost:1'}}",
        "inputs: {}",
        "logs: {level: loud}",
        "unknown: 1",
    ],
)
def test_the_schema_refuses_what_check_refuses(
    text: str, validator: jsonschema.Draft202012Validator
) -> None:
    good = {
        "inputs": {"a": {"type": "cef", "address": "localhost:1"}},
        "outputs": {"b": {"type": "console"}},
        "spool": {"directory": "spool"},
    }
    assert list(validator.iter_errors(good)) == []
    assert list(validator.iter_errors(good | read(text))) != []


def test_the_schema_lets_references_stand_for_anything(
    validator: jsonschema.Draft202012Validator,
) -> None:
    text = """
    x-anything: {of: one's own}
    inputs:
      a: {type: cef, address: "${env:A}", transport: "${env:T}", max_connections: "${env:N:-5}"}
    outputs: {b: {type: console}}
    spool: {directory: "${env:D}", max_bytes: 1GiB}
    """
    assert list(validator.iter_errors(read(text))) == []


def test_the_command_prints_it() -> None:
    assert json.loads(invoke("schema").output)["title"] == "Configuration of gelf-bridge"


# init


@pytest.mark.parametrize("everything", [False, True])
@pytest.mark.parametrize(
    "types", [(), *((name,) for name in INPUTS + OUTPUTS), ("cef", "cef"), ("file", "file")]
)
def test_init_writes_what_passes_check(types: tuple[str, ...], everything: bool) -> None:
    text = configuration(REGISTRY, types, everything)
    config = load(text, "bridge.yaml", Anything(), REGISTRY)
    assert {one.type for one in (*config.inputs.values(), *config.outputs.values())} >= set(types)
    assert len(config.inputs) + len(config.outputs) == max(2, len(types) + 1)


@pytest.mark.parametrize("name", INPUTS + OUTPUTS)
def test_the_comments_of_init_show_the_defaults(name: str) -> None:
    """Without their marks they say what counts anyway."""
    [one] = component(REGISTRY, name)
    options = [option for option in one.options if option.default is not None]
    short, long = (configuration(REGISTRY, [name], everything) for everything in (False, True))
    for option in options:
        line = f"{option.name}: {option.default}\n"
        assert f"    # {line}" in long
        long = long.replace(f"    # {line}", f"    {line}")
    assert load(long, "b", Anything(), REGISTRY) == load(short, "b", Anything(), REGISTRY)


def test_init_writes_a_file_once(tmp_path: Path) -> None:
    path = tmp_path / "bridge.yaml"
    assert "Next: gelf-bridge check -c" in invoke("init", "cef", "-o", str(path)).output
    again = invoke("init", "cef", "-o", str(path))
    assert (again.exit_code, "File exists" in again.output) == (1, True)
    assert invoke("check", "-c", str(path)).exit_code == 0


def test_init_of_something_unknown_offers_the_nearest() -> None:
    done = invoke("init", "gelf_tpc")
    assert done.exit_code == 1
    assert "did you mean gelf_tcp?" in done.output


# explain


@pytest.mark.parametrize("name", INPUTS + OUTPUTS)
def test_every_component_explains_itself(name: str) -> None:
    text = click.unstyle("\n".join(explanation(REGISTRY, name)))
    for one in component(REGISTRY, name):
        assert all(f"{option.name}: " in text for option in one.options)
        assert f"type: {name}" in text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("78", "The configuration cannot be used"),
        ("unescaped_equals", "A sender writes unescaped equals."),
        ("kernel_drops", "receive_buffer_bytes"),
        ("retrying", "tries again by itself"),
        ("cef.tls.minimum", "The lowest version of TLS."),
        ("spool.on_full", "the oldest events go"),
        ("admin", "address: text, required"),
    ],
)
def test_options_codes_and_names_are_explained(name: str, text: str) -> None:
    assert text in click.unstyle(" ".join(" ".join(explanation(REGISTRY, name)).split()))


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("unescapd_equals", "did you mean unescaped_equals?"),
        ("cef.adress", "did you mean address?"),
        ("nothing-of-the-kind", "gelf-bridge explain lists all there is"),
    ],
)
def test_what_cannot_be_explained_gets_a_hint(name: str, hint: str) -> None:
    with pytest.raises(BridgeError) as caught:
        list(explanation(REGISTRY, name))
    assert hint in str(caught.value)


def test_explanations_are_data_too() -> None:
    [found] = json.loads(invoke("explain", "cef", "--json").output)
    assert found["options"][0]["name"] == "address"
    assert found["fields"]["cef_destination_address"] == "text"
    assert "unescaped_equals" in found["deviations"]
    assert json.loads(invoke("explain", "78", "--json").output)["name"] == "78"


def test_fixed_fields_are_listed() -> None:
    output = invoke("explain", "cef", "--fields").output
    assert "cef_destination_port" in output
    assert len(output.splitlines()) > 200


def test_without_a_name_everything_that_can_be_explained_is_listed() -> None:
    listed = json.loads(invoke("explain", "--json").output)
    names = [name for names in listed.values() for name in names]
    assert {"cef", "spool", "retrying", "resent", "unescaped_equals", "78"} <= set(names)
    assert set(names) <= {*words(REGISTRY), *INPUTS, *OUTPUTS, *Config.model_fields}
    assert set(names) <= set(re.findall(r"\w+", invoke("explain").output))


COUNTED = re.compile(r"""\bcount\(\s*"(\w+)\"""")


def test_everything_that_is_counted_is_explained() -> None:
    """Whatever name `status` and metrics may show."""
    files = (ROOT / "bridge").rglob("*.py")
    counted = {name for file in files for name in COUNTED.findall(file.read_text())}
    assert counted >= {"failures", "refused", "retries", "resent", "trimmed"}
    assert counted - words(REGISTRY).keys() == set()


def test_every_explanation_is_a_whole_sentence() -> None:
    for name, text in words(REGISTRY).items():
        assert text.endswith((".", "`.")), name


# components, config show, completion, version


def test_components_are_listed_with_who_brings_them() -> None:
    output = invoke("components").output
    assert [line.split()[1] for line in output.splitlines()] == INPUTS + OUTPUTS
    assert "[gelf-bridge " in output
    listed = json.loads(invoke("components", "--json").output)
    assert [one["type"] for one in listed] == INPUTS + OUTPUTS
    assert all(one["text"] and not one["problem"] for one in listed)


CONFIG = """
inputs:
  malops:
    type: cef
    address: "127.0.0.1:${env:PORT}"
    fields: {customer: "${env:CUSTOMER}"}
    redact: {message: "hunter[0-9]"}
outputs:
  graylog: {type: gelf_tcp, endpoint: ["graylog.example.org:12201"]}
spool: {directory: spool}
admin: {address: "127.0.0.1:9100", token: "0123456789abcdef"}
"""


def test_config_show_has_defaults_and_no_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bridge.yaml"
    path.write_text(CONFIG)
    monkeypatch.setenv("PORT", "5514")
    monkeypatch.setenv("CUSTOMER", "top-secret")
    done = invoke("config", "show", "-c", str(path))
    assert done.exit_code == 0
    assert "top-secret" not in done.output
    assert "0123456789abcdef" not in done.output
    shown = yaml.safe_load(done.output)
    assert list(shown) == [
        "inputs",
        "outputs",
        "spool",
        "workers",
        "stop_timeout_seconds",
        "admin",
        "logs",
    ]
    assert shown["inputs"]["malops"]["address"] == "127.0.0.1:${env:PORT}"
    assert shown["inputs"]["malops"]["fields"] == {"customer": "${env:CUSTOMER}"}
    assert shown["inputs"]["malops"]["transport"] == "tcp"
    assert shown["admin"]["token"] == "***"
    assert json.loads(invoke("config", "show", "-c", str(path), "--json").output) == shown


def test_what_config_show_prints_is_the_same_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bridge.yaml"
    path.write_text(CONFIG.replace('"0123456789abcdef"', '"${env:TOKEN}"'))
    for name, value in (("PORT", "5514"), ("CUSTOMER", "x"), ("TOKEN", "0123456789abcdef")):
        monkeypatch.setenv(name, value)
    again = tmp_path / "again.yaml"
    again.write_text(yaml.safe_dump(effective(path)))
    assert effective(again) == effective(path)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(shell: str) -> None:
    output = invoke("completion", shell).output
    assert "_GELF_BRIDGE_COMPLETE" in output
    assert "gelf-bridge" in output


def test_completion_completes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMP_WORDS", "gelf-bridge sta")
    monkeypatch.setenv("COMP_CWORD", "1")
    monkeypatch.setenv("_GELF_BRIDGE_COMPLETE", "bash_complete")
    done = CliRunner().invoke(main, prog_name="gelf-bridge")
    assert done.output == "plain,status\n"


def test_version_names_what_it_stands_on() -> None:
    found = json.loads(invoke("version", "--json").output)
    assert {"gelf-bridge", "Python", "pydantic", "httpx"} <= found.keys()
    assert "missing" not in found.values()
    assert invoke("version").output.startswith("gelf-bridge ")


def test_version_says_whether_the_compiled_parts_are_in_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(native, "core", object())
    assert "compiled parts in use\n" in invoke("version").output
    monkeypatch.setattr(native, "core", None)
    monkeypatch.setattr(native, "PURE", False)
    assert "compiled parts none: installed without a C compiler\n" in invoke("version").output

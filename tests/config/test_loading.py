"""Broken configurations (tests/data/config/*.yaml) give exactly the problems in the .txt files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.config import Config, load, load_file
from bridge.errors import ConfigError, Problem
from tests.config.components import Components, ListenerConfig, PollerConfig, SenderConfig

DATA = Path(__file__).parent.parent / "data" / "config"

GOOD = """\
x-secrets: &account
  tenant_id: ${env:TENANT_ID}
  app_secret: ${env:APP_SECRET}
inputs:
  malops:
    type: cef
    address: 0.0.0.0:5514
    transport: both
    allow_from: [192.0.2.0/24, "2001:db8::/32"]
    max_frame_bytes: 64KiB
    idle_seconds: 1.5
    full_message: no
    fields: {customer: emea, country: no, rack: 7, ratio: 0.5, vip: true, since: 2026-01-01}
    redact: {message: 'user=\\S+'}
    tls: {certificate: listener.pem}
  protect: {<<: *account, type: cylance, proxy: "[2001:db8::1]:3128"}
outputs:
  graylog: {type: gelf_tcp, endpoint: "graylog.example.org:12201", except: [protect]}
spool: {directory: spool, max_bytes: 1GiB}
stop_timeout_seconds: ${env:STOP:-5}
"""
ENVIRON = {"TENANT_ID": "0042", "APP_SECRET": "hunter2"}

BROKEN = sorted(path.stem for path in DATA.glob("*.yaml"))
BROKEN_ENVIRON = {
    "BAD_PATTERN": "(hunter2",
    "END": "hunter2",
    "PROXY": "hunter2.example.org",
    "REGION": "hunter2",
    "TENANT_ID": "hunter2",
}


def read(text: str = GOOD, **environ: str) -> Config:
    return load(text, "/etc/bridge/bridge.yaml", ENVIRON | environ, Components())


def problems_of(text: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(text, **environ)
    return [str(problem).partition(": ")[2] for problem in caught.value.problems]


@pytest.mark.parametrize("case", BROKEN)
def test_every_problem_is_told_at_once_and_literally(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(DATA)
    with pytest.raises(ConfigError) as caught:
        load_file(Path(f"{case}.yaml"), BROKEN_ENVIRON, Components())
    assert f"{caught.value}\n" == Path(f"{case}.txt").read_text()


@pytest.mark.parametrize("case", BROKEN)
def test_no_problem_repeats_a_value_that_may_be_a_secret(case: str) -> None:
    assert "hunter2" not in (DATA / f"{case}.txt").read_text()


def test_a_good_configuration_becomes_models() -> None:
    config = read()
    assert list(config.inputs) == ["malops", "protect"]
    assert list(config.outputs) == ["graylog"]
    assert config.spool.directory == Path("/etc/bridge/spool")
    assert config.spool.max_bytes == 1024**3
    assert config.spool.min_free_bytes == 256 * 1024**2
    assert config.spool.on_full == "block"
    assert config.stop_timeout_seconds == 5.0


def test_options_arrive_in_their_types() -> None:
    malops = read().inputs["malops"]
    assert isinstance(malops, ListenerConfig)
    assert (malops.address.host, malops.address.port) == ("0.0.0.0", 5514)
    assert [str(network) for network in malops.allow_from] == ["192.0.2.0/24", "2001:db8::/32"]
    assert malops.max_frame_bytes == 65_536
    assert malops.idle_seconds == 1.5
    assert malops.redact["message"].sub("***", "user=alice x") == "*** x"
    assert not isinstance(malops.tls, bool)
    assert malops.tls.certificate == Path("/etc/bridge/listener.pem")


def test_words_that_yaml_takes_for_something_else_mean_what_the_option_needs() -> None:
    malops = read().inputs["malops"]
    assert isinstance(malops, ListenerConfig)
    assert malops.full_message is False
    assert malops.fields == {
        "customer": "emea",
        "country": "no",
        "rack": 7,
        "ratio": 0.5,
        "vip": "true",
        "since": "2026-01-01",
    }


def test_anchors_and_merge_keys_share_options_and_references() -> None:
    protect = read().inputs["protect"]
    assert isinstance(protect, PollerConfig)
    assert protect.tenant_id == "0042"
    assert protect.app_secret.reveal() == "hunter2"
    assert str(protect.proxy) == "[2001:db8::1]:3128"


def test_an_option_may_have_another_name_in_the_file() -> None:
    graylog = read().outputs["graylog"]
    assert isinstance(graylog, SenderConfig)
    assert graylog.exclude == ["protect"]


def test_nothing_that_came_from_a_reference_is_in_any_repr() -> None:
    config = read()
    shown = repr((config, config.inputs, config.outputs, config.inputs["protect"], str(config)))
    assert "0042" not in shown
    assert "hunter2" not in shown
    assert "PollerConfig(type='cylance')" in shown


def test_a_configuration_cannot_be_changed_after_loading() -> None:
    with pytest.raises(ValueError, match="frozen"):
        read().stop_timeout_seconds = 1.0


def test_two_loads_of_the_same_text_are_equal_until_a_secret_changes() -> None:
    assert read() == read()
    assert read().inputs["protect"] != read(APP_SECRET="rotated").inputs["protect"]


PLACES = [
    "cef", "0.0.0.0:5514", "both", "192.0.2.0/24", "64KiB", "1.5", "no", "emea", "7", "true",
    "'user=\\S+'", "listener.pem", "cylance", '"[2001:db8::1]:3128"', "gelf_tcp", "protect]",
    '"graylog.example.org:12201"', "spool,", "1GiB", "${env:STOP:-5}",
]  # fmt: skip


@pytest.mark.parametrize("value", ["hunter2", "hunter2.example.org:99999", "(hunter2", "HUNTER2"])
@pytest.mark.parametrize("place", PLACES)
def test_a_secret_in_the_wrong_place_is_never_repeated(place: str, value: str) -> None:
    end = place[-1] if place[-1] in ",]" else ""
    assert place in GOOD
    text = GOOD.replace(place, f'"${{env:LEAK}}"{end}', 1)
    try:
        shown = repr(read(text, LEAK=value))
    except ConfigError as error:
        shown = str(error)
    assert "hunter2" not in shown.lower()
    assert "99999" not in shown


def test_a_problem_of_the_whole_section_stands_at_its_id() -> None:
    text = GOOD.replace("proxy:", "start: never, proxy:")
    assert problems_of(text) == ["inputs.protect: start and end are both never"]


def test_outputs_may_only_name_inputs_that_exist() -> None:
    assert problems_of(GOOD.replace("[protect]", "[protekt]")) == [
        "outputs.graylog.except[0]: no such input, did you mean protect? Known: malops, protect"
    ]


def test_a_misspelt_option_is_not_also_reported_as_missing() -> None:
    assert problems_of(GOOD.replace("    address:", "    adress:")) == [
        "inputs.malops.adress: no such option, did you mean address?"
    ]


def test_a_value_that_is_missing_is_not_also_reported_as_wrong() -> None:
    assert problems_of(GOOD.replace("64KiB", "${env:SIZE}")) == [
        "inputs.malops.max_frame_bytes: the environment variable SIZE is not set; "
        "set it, or give a default: ${env:SIZE:-…}"
    ]


def test_a_registry_without_any_types_says_so_at_the_type() -> None:
    class Nothing(Components):
        _all = {"input": {}, "output": {}}

        def component(self, kind: str, name: str) -> object:
            raise ConnectionError

    with pytest.raises(ConfigError, match=r"inputs\.malops\.type: is missing; known: "):
        load("inputs: {malops: {}}\noutputs: {}\nspool: {directory: x}", "x", {}, Nothing())


def test_paths_of_references_start_at_the_folder_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2\n")
    (tmp_path / "bridge.yaml").write_text(GOOD.replace("${env:APP_SECRET}", "${file:secret}"))
    config = load_file(tmp_path / "bridge.yaml", ENVIRON, Components())
    protect = config.inputs["protect"]
    assert isinstance(protect, PollerConfig)
    assert protect.app_secret.reveal() == "hunter2"
    assert config.spool.directory == tmp_path / "spool"


def test_a_rotated_secret_is_read_again(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("old")
    protect = read(GOOD.replace("${env:APP_SECRET}", f"${{file:{secret}}}")).inputs["protect"]
    assert isinstance(protect, PollerConfig)
    assert protect.app_secret.reveal() == "old"
    secret.write_text("new\n")
    assert protect.app_secret.reveal() == "new"


def test_a_file_with_a_byte_order_mark_and_crlf_is_read(tmp_path: Path) -> None:
    path = tmp_path / "bridge.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load_file(path, ENVIRON, Components()) == load(GOOD, str(path), ENVIRON, Components())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.yaml", "cannot be read: No such file or directory"),
        ("", "cannot be read: Is a directory"),
        ("a\0b", "cannot be read: embedded null byte"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_problem(tmp_path: Path, name: str, message: str) -> None:
    path = tmp_path / name
    with pytest.raises(ConfigError) as caught:
        load_file(path, {}, Components())
    assert str(caught.value) == f"{path}: {message}"


def test_a_file_that_never_ends_is_one_problem() -> None:
    with pytest.raises(ConfigError, match=r"\A/dev/zero: is longer than 4 MiB"):
        load_file(Path("/dev/zero"), {}, Components())


PIECES = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        [
            *("\n", "\n  ", "\t", ": ", "- ", "{", "}", "[", "]", ", ", "'", '"', "|", "? ", "#"),
            *("&a ", "*a", "!x ", "!!int ", "<<: ", '"\\U', '"\\x', "FFFFFFFF", "---\n", "\ud800"),
            *("${", "$${", "${env:A}", "${env:B}", "${file:/}", "%YAML 1.1\n", "\0", "\x85", "~"),
            *("null", "0o7", "1:2", "9" * 5000, "1.0e+999", ".inf", "inputs", "malops", "type"),
        ]
    ),
)


@example(where=0, cut=len(GOOD), pieces=["inputs: " + "[" * 400])
@example(where=0, cut=len(GOOD), pieces=["%YAML 1." + "9" * 5000 + "\n--- {}"])
@given(
    where=st.integers(0, len(GOOD)),
    cut=st.integers(0, len(GOOD)) | st.integers(0, 5),
    pieces=st.lists(PIECES, max_size=12),
)
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_configuration_or_has_problems(
    where: int, cut: int, pieces: list[str]
) -> None:
    """Nothing but ConfigError is ever raised; each problem has a place and can be printed."""
    text = GOOD[:where] + "".join(pieces) + GOOD[where + cut :]
    problems: tuple[Problem, ...] | None = None
    try:
        shown = repr(read(text, A="hunter2"))
    except ConfigError as error:
        problems, shown = error.problems, str(error)
    lines = len(re.split("\r\n|[\r\n\x85\u2028\u2029]", text))
    assert problems is None or problems
    assert all(1 <= problem.line <= lines and problem.column >= 1 for problem in problems or ())
    assert "hunter2" not in shown.encode().decode()

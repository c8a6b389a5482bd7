"""Components are found by the entry points of installed packages; these are made on the spot."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.errors import PluginError
from bridge.plugins import EntryPoints

Install = Callable[..., None]

GOOD = """
from bridge import Input, Output

class Feed(Input):
    async def run(self, emit): ...

class Sink(Output):
    async def connect(self): ...
    async def send(self, batch): ...
    async def close(self): ...

class NoConfig(Input):
    Config = dict

def function(): ...
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """`install("acme", inputs="feed = acme_feed:Feed", code=…)`: a package of one module."""
    monkeypatch.syspath_prepend(tmp_path)
    installed: list[str] = []

    def install(name: str, inputs: str = "", outputs: str = "", code: str = GOOD) -> None:
        (tmp_path / f"{name}_feed.py").write_text(code)
        metadata = tmp_path / f"{name}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(
            f"[gelf_bridge.inputs]\n{inputs}\n[gelf_bridge.outputs]\n{outputs}\n"
        )
        importlib.invalidate_caches()
        installed.append(f"{name}_feed")

    yield install
    for module in installed:
        sys.modules.pop(module, None)


def refusal(kind: str, name: str) -> str:
    with pytest.raises(PluginError) as caught:
        EntryPoints().component(kind, name)  # type: ignore[arg-type]
    return str(caught.value)


def test_the_built_in_components_come_in_by_the_same_door() -> None:
    assert "cef" in EntryPoints().types("input")
    assert {"console", "gelf_tcp"} <= set(EntryPoints().types("output"))
    assert EntryPoints().component("input", "cef").__module__ == "bridge.inputs.cef"


def test_what_is_installed_later_is_found_by_a_registry_that_has_looked_before(
    install: Install,
) -> None:
    registry = EntryPoints()
    assert "feed" not in registry.types("input")
    install("acme", inputs="feed = acme_feed:Feed")
    assert registry.component("input", "feed").__module__ == "acme_feed"
    assert "feed" in registry.types("input")


def test_an_installed_component_is_found_beside_the_built_in_ones(install: Install) -> None:
    install("acme", inputs="feed = acme_feed:Feed", outputs="sink = acme_feed:Sink")
    assert {"cef", "feed"} <= set(EntryPoints().types("input"))
    assert {"gelf_tcp", "sink"} <= set(EntryPoints().types("output"))
    assert EntryPoints().component("input", "feed").__name__ == "Feed"
    assert EntryPoints().component("output", "sink").__name__ == "Sink"


def test_types_are_listed_without_importing_anything(install: Install) -> None:
    install("acme", inputs="feed = acme_feed:Feed", code="raise SystemExit")
    assert "feed" in EntryPoints().types("input")
    assert "acme_feed" not in sys.modules


def test_an_unknown_type_is_refused() -> None:
    assert refusal("input", "feed") == "no installed package has the input type feed"


def test_a_type_of_two_packages_is_refused_and_both_are_named(install: Install) -> None:
    install("zeta", inputs="feed = zeta_feed:Feed")
    install("acme", inputs="feed = acme_feed:Feed")
    assert refusal("input", "feed") == (
        "the input type feed is claimed by acme 1.0 and zeta 1.0: uninstall one"
    )


def test_without_any_entry_point_the_package_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert EntryPoints().types("input") == []
    assert refusal("input", "cef") == (
        "no input types are installed: the files of gelf-bridge are here, but the package is not; "
        "install it with pip"
    )


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module' (HERE:1)"),
        ("\nraise RuntimeError('out of\\norder')", "RuntimeError: out of order (HERE:2)"),
        ("raise ValueError", "ValueError: no reason given (HERE:1)"),
        (
            "def f():\n  return undefined\nf()",
            "NameError: name 'undefined' is not defined (HERE:2)",
        ),
        ("1 / 0", "ZeroDivisionError: division by zero (HERE:1)"),
        ("x = (", "SyntaxError: '(' was never closed (acme_feed.py, line 1)"),
        ("", "AttributeError: module 'acme_feed' has no attribute 'Feed'"),
    ],
)
def test_what_cannot_be_imported_is_refused_with_the_reason(
    install: Install, tmp_path: Path, code: str, reason: str
) -> None:
    install("acme", inputs="feed = acme_feed:Feed", code=code)
    here = str(tmp_path / "acme_feed.py")
    assert refusal("input", "feed") == (
        f"acme_feed:Feed of acme 1.0 cannot be imported: {reason.replace('HERE', here)}"
    )


@pytest.mark.parametrize("name", ["Sink", "function", "NoConfig"])
def test_what_is_no_input_is_refused(install: Install, name: str) -> None:
    install("acme", inputs=f"feed = acme_feed:{name}")
    assert refusal("input", "feed") == (
        f"acme_feed:{name} of acme 1.0 is no input: it must be a class derived from bridge.Input, "
        "its Config from bridge.InputConfig"
    )


def test_what_is_no_output_is_refused(install: Install) -> None:
    install("acme", outputs="sink = acme_feed:Feed")
    assert refusal("output", "sink") == (
        "acme_feed:Feed of acme 1.0 is no output: it must be a class derived from bridge.Output, "
        "its Config from bridge.OutputConfig"
    )

"""Imports go downwards only; the pure modules stay pure; the parser can be imported alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "bridge"

# A module may import from its own tier (to the left of it) and from the tiers above it.
TIERS = [
    ["version", "errors", "event", "native"],
    ["times", "syslog", "cef", "gelf"],
    ["clock", "retry", "memory", "config", "net", "http", "httpd", "health", "spool", "logs"],
    ["inputs", "inputs.position", "inputs.poller", "outputs"],
    ["inputs.*", "outputs.*", "graylog"],
    ["plugins"],
    ["tap", "emit", "delivery", "heartbeat"],
    ["admin"],
    ["service"],
    ["testing"],
    ["cli"],
]
PURE = {"errors", "event", "times", "cef", "syslog", "gelf"}
IMPURE = {"asyncio", "socket", "sqlite3", "httpx", "ssl", "pydantic", "subprocess", "threading"}

MODULES = sorted(ROOT.rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def tier_name(module: str) -> str:
    """`inputs.cef.listener` belongs to `inputs.*`; base classes have places of their own."""
    if any(module in tier for tier in TIERS):
        return module
    head, _, rest = module.partition(".")
    return f"{head}.*" if rest and head in ("inputs", "outputs") else head


def place(module: str) -> tuple[int, int]:
    name = tier_name(module)
    for height, tier in enumerate(TIERS):
        if name in tier:
            return height, tier.index(name)
    raise AssertionError(f"bridge.{module} has no place in TIERS: give it one")


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: imports are absolute here"
            is_package = (ROOT.parent / node.module.replace(".", "/")).is_dir()
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                file = ROOT.parent / (inner.replace(".", "/") + ".py")
                known = file.exists() or file.with_suffix("").is_dir()
                found.add(inner if is_package and known else node.module)
    return found


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_only_from_below(path: Path) -> None:
    module = name_of(path)
    if module in ("", "__main__"):
        return
    own = place(module)
    package = module.split(".")[:2]
    for imported in imports(path):
        if not imported.startswith("bridge."):
            continue
        target = imported.removeprefix("bridge.")
        if target.split(".")[:2] == package:
            continue
        # Inputs and outputs do not know each other.
        if target.split(".")[:1] == package[:1] and package[0] not in ("inputs", "outputs"):
            continue
        assert place(target) < own, f"bridge.{module} imports bridge.{target}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_pure_module_imports_nothing_that_does_input_or_output(path: Path) -> None:
    module = name_of(path)
    if module.split(".")[0] in PURE:
        assert not {name.split(".")[0] for name in imports(path)} & IMPURE


def test_the_parser_can_be_imported_without_the_rest() -> None:
    """`import bridge.cef` must not draw in asyncio or pydantic."""
    code = (
        "import bridge.cef, sys; print(sorted({'asyncio', 'pydantic', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

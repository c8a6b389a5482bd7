"""The compiled parts are built where there is a compiler, and not missed where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.test_package import ROOT, SOURCES, Environment, environment

HAS_COMPILER = shutil.which(os.environ.get("CC", "cc")) is not None
IS_COMPILED = "bridge.native.core is not None"


def built(folder: Path, kind: str = "wheel", **variables: str) -> Path:
    """A distribution, built in a copy of the sources with these variables in the environment."""
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.so")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder / name)
    command = [
        sys.executable,
        "-m",
        "build",
        f"--{kind}",
        "--no-isolation",
        "--outdir",
        "dist",
        ".",
    ]
    done = subprocess.run(
        command, cwd=folder, env=os.environ | variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [distribution] = (folder / "dist").iterdir()
    return distribution


def compiled_files(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return [name for name in archive.namelist() if name.endswith(".so")]


def reads(installed: Environment) -> str:
    """What the parser of an installation makes of a record."""
    return installed.evaluate("bridge.cef", "bridge.cef.parse('CEF:0|A|B|1|2|C|5|src=x').header")


@pytest.mark.skipif(not HAS_COMPILER, reason="there is no C compiler here")
def test_a_wheel_holds_the_compiled_parts(tmp_path: Path) -> None:
    wheel = built(tmp_path / "checkout")
    assert len(compiled_files(wheel)) == 1
    installed = environment(tmp_path / "environment", str(wheel))
    assert "compiled parts in use" in installed.run("gelf-bridge", "version")
    assert "'device_vendor': 'A'" in reads(installed)


@pytest.mark.skipif(not HAS_COMPILER, reason="there is no C compiler here")
def test_from_a_source_distribution_they_are_built_on_the_way(tmp_path: Path) -> None:
    sources = built(tmp_path / "checkout", "sdist")
    installed = environment(tmp_path / "environment", str(sources))
    assert "compiled parts in use" in installed.run("gelf-bridge", "version")
    assert "'device_vendor': 'A'" in reads(installed)


def test_without_a_compiler_the_installation_works_without_them(tmp_path: Path) -> None:
    wheel = built(tmp_path / "checkout", CC="no-such-compiler")
    assert compiled_files(wheel) == []
    installed = environment(tmp_path / "environment", str(wheel))
    assert "compiled parts none" in installed.run("gelf-bridge", "version")
    assert "'device_vendor': 'A'" in reads(installed)


def test_they_can_be_switched_off() -> None:
    code = f"import bridge.native; print({IS_COMPILED})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"GELF_BRIDGE_PURE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"

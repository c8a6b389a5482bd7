"""What is installed is complete: from a wheel, and from a checkout in editable mode.

The builds need no network: setuptools and what the bridge depends on are lent by the environment
that runs the tests.
"""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from configparser import ConfigParser
from dataclasses import dataclass
from importlib.metadata import entry_points, version
from pathlib import Path

import pytest

import bridge
from bridge.plugins import EntryPoints

ROOT = Path(bridge.__file__).parent.parent
SOURCES = ["bridge", "pipelines", "setup.cfg", "setup.py", "README.md", "LICENSE"]
CONFIG = """\
inputs: {malops: {type: cef, address: "127.0.0.1:5514"}}
outputs: {graylog: {type: gelf_tcp, endpoint: "graylog.example.org:12201", tls: true}}
spool: {directory: spool}
"""


@dataclass(frozen=True)
class Environment:
    """A throw-away virtual environment."""

    folder: Path

    def run(self, *command: str) -> str:
        """The output of one of its programs, started away from every checkout."""
        program = self.folder / "bin" / command[0]
        done = subprocess.run(
            [program, *command[1:]], cwd=self.folder, capture_output=True, text=True, timeout=50
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def evaluate(self, module: str, expression: str) -> str:
        return self.run("python", "-c", f"import {module}; print({expression})")


def environment(folder: Path, *package: str) -> Environment:
    """Make one and install a package into it."""
    venv.create(folder, with_pip=False)
    [site] = folder.glob("lib/python*/site-packages")
    (site / "lent.pth").write_text(sysconfig.get_paths()["purelib"])
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install"]
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--ignore-installed"]
    done = subprocess.run([*pip, *options, *package], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return Environment(folder)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is needed to build."""
    folder = tmp_path_factory.mktemp("checkout")
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.so")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def wheel(checkout: Path) -> Path:
    """Built from a source distribution, so that one is complete, too."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", "dist", "."]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    [built] = (checkout / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def from_wheel(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return environment(tmp_path_factory.mktemp("wheel"), str(wheel))


@pytest.fixture(scope="module")
def editable(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return environment(tmp_path_factory.mktemp("editable"), "--editable", str(checkout))


def test_every_package_folder_is_listed_in_setup_cfg() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "bridge").rglob("*.py")}
    packages = {".".join(folder.parts) for folder in folders}
    assert set(setup["options"]["packages"].split()) == packages | {"bridge.pipelines"}


def test_the_wheel_holds_every_file_of_the_code_and_of_the_rules(
    wheel: Path, checkout: Path
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
    inside = {name for name in inside if not name.endswith(".so")}
    expected = {
        str(path.relative_to(checkout)).replace("pipelines/", "bridge/pipelines/", 1)
        for folder in ("bridge", "pipelines")
        for path in (checkout / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert inside == expected


def test_the_version_is_the_same_everywhere(from_wheel: Environment) -> None:
    assert version("gelf-bridge") == bridge.__version__
    assert from_wheel.run("gelf-bridge", "--version") == f"gelf-bridge {bridge.__version__}"
    assert from_wheel.run("python", "-m", "bridge", "--version").endswith(bridge.__version__)


def test_a_wheel_brings_its_own_rules(from_wheel: Environment) -> None:
    where = Path(from_wheel.evaluate("bridge", "bridge.__file__")).parent
    assert where.is_relative_to(from_wheel.folder)
    found = from_wheel.evaluate("bridge.graylog.files", "bridge.graylog.files.pipelines_folder()")
    assert Path(found) == where / "pipelines"


def test_an_editable_install_finds_the_rules_of_its_checkout(
    editable: Environment, checkout: Path
) -> None:
    assert editable.evaluate("bridge", "bridge.__file__") == str(checkout / "bridge/__init__.py")
    found = editable.evaluate("bridge.graylog.files", "bridge.graylog.files.pipelines_folder()")
    assert found == str(checkout / "pipelines")


@pytest.mark.parametrize("kind", ["from_wheel", "editable"])
def test_components_are_found_where_it_is_installed(
    kind: str, request: pytest.FixtureRequest
) -> None:
    installed: Environment = request.getfixturevalue(kind)
    (installed.folder / "bridge.yaml").write_text(CONFIG)
    assert installed.run("gelf-bridge", "check", "-c", "bridge.yaml") == (
        "bridge.yaml: all is well: input malops (cef); output graylog (gelf_tcp)"
    )


def test_every_entry_point_leads_to_something() -> None:
    registry = EntryPoints()
    for kind in ("input", "output"):
        for point in entry_points(group=f"gelf_bridge.{kind}s"):
            if point.dist and point.dist.name == "gelf-bridge":
                assert registry.component(kind, point.name) is point.load()  # type: ignore[arg-type]


def test_every_public_name_can_be_reached() -> None:
    for name in bridge.__all__:
        assert getattr(bridge, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        importlib.import_module("bridge").nothing  # noqa: B018

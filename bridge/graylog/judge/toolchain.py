"""What the judge runs on: a JDK, Graylog's jars (by Maven), and its own classes.

Jars and classes lie in `$XDG_CACHE_HOME/gelf-bridge/judge` (`~/.cache/…`), under names that carry
a digest of what they were made from, so that nothing in there can be stale. Where Maven gets the
jars from is the business of its own settings.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridge.errors import BridgeError

HERE: Final = Path(__file__).parent
JVM_FOLDER: Final = Path("/usr/lib/jvm")
_JAVA_VERSION: Final = re.compile(r'^JAVA_VERSION="(?:1\.)?(\d+)', re.MULTILINE)


class JudgeMissing(BridgeError):
    """The judge cannot run on this machine; says what is missing and how to get it."""


@dataclass(frozen=True, slots=True)
class Line:
    """A release of Graylog that can judge."""

    version: str
    pom: str
    java: int
    """The oldest Java that reads its class files."""


LINES: Final = {
    line.version: line
    for line in (
        Line("6.2.3", "pom-6.xml", 17),
        Line("6.3.7", "pom-6.xml", 17),
        Line("7.0.1", "pom-7.xml", 21),
    )
}
DEFAULT: Final = "6.3.7"


def line(version: str) -> Line:
    """The line of that version; raises JudgeMissing for a version that is not known."""
    if version not in LINES:
        known = ", ".join(LINES)
        raise JudgeMissing(f"Graylog {version} cannot judge here; these can: {known}")
    return LINES[version]


def find_jdk(oldest: int) -> Path:
    """The home of a JDK (it has `javac`) of at least this version.

    JAVA_HOME, then the `javac` on PATH, then /usr/lib/jvm. Raises JudgeMissing.
    """
    for home in _jdks():
        if _java_version(home) >= oldest:
            return home
    raise JudgeMissing(
        f"the judge needs a JDK, version {oldest} or newer, and found none: install one "
        f"(Debian: default-jdk-headless) or let JAVA_HOME point to it"
    )


def _jdks() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home)
    if javac := shutil.which("javac"):
        yield Path(javac).resolve().parent.parent
    yield from sorted(JVM_FOLDER.glob("*"))


def _java_version(home: Path) -> int:
    """0 when there is no JDK."""
    release = home / "release"
    if not ((home / "bin" / "javac").is_file() and release.is_file()):
        return 0
    found = _JAVA_VERSION.search(release.read_text(encoding="utf-8", errors="replace"))
    return int(found[1]) if found else 0


def cache() -> Path:
    """The folder of everything that was fetched or compiled."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "gelf-bridge" / "judge"


def jars(line: Line) -> Path:
    """The folder of Graylog's jars, fetched when it is not there (84 MB); raises JudgeMissing."""
    pom = HERE / line.pom
    folder = cache() / f"jars-{line.version}-{_digest(pom)}"
    return _made(folder, lambda target: _fetch(line, pom, target))


def _fetch(line: Line, pom: Path, target: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise JudgeMissing(
            "Maven fetches Graylog's jars for the judge, and there is no `mvn` on the PATH: "
            "install it (Debian: maven)"
        )
    # Maven writes beside a pom of its own, so it gets a copy: the package may be read-only.
    with tempfile.TemporaryDirectory() as project:
        copy = shutil.copy(pom, Path(project) / "pom.xml")
        command = [
            *(maven, "--quiet", "--batch-mode", "--file", str(copy)),
            *(f"-Dgraylog.version={line.version}", f"-DoutputDirectory={target}"),
            "dependency:copy",
        ]
        _run(command, f"Maven could not fetch the jars of Graylog {line.version}")


def classes(jars: Path, jdk: Path) -> Path:
    """The folder of the judge's own classes, compiled against these jars when it is not there."""
    sources = sorted((HERE / "java").glob("*.java"))
    folder = cache() / f"classes-{_digest(*sources, salt=f'{jars.name} {jdk.name}')}"

    def compile_into(target: Path) -> None:
        options = ["-nowarn", "-proc:none", "-d", str(target), "-cp", f"{jars}/*"]
        command = [str(jdk / "bin" / "javac"), *options, *map(str, sources)]
        _run(command, "the judge could not be compiled")

    return _made(folder, compile_into)


def _made(folder: Path, make: Callable[[Path], None]) -> Path:
    """The folder, made as a whole or not at all, also when several processes make it at once."""
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, ignore_cleanup_errors=True) as work:
        made = Path(work) / "made"
        made.mkdir()
        make(made)
        with contextlib.suppress(OSError):  # somebody else was quicker
            made.rename(folder)
    return folder


def _run(command: list[str], complaint: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode:
        raise JudgeMissing(f"{complaint}:\n{(done.stdout + done.stderr).strip()[-2000:]}")


def _digest(*files: Path, salt: str = "") -> str:
    digest = hashlib.sha256(salt.encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]

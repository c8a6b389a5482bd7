"""The judge finds what it runs on, or says what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.graylog.judge import LINES, Judge, JudgeMissing, toolchain


def jdk(folder: Path, version: str) -> Path:
    """The least that makes a JDK."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "javac").touch()
    (folder / "release").write_text(f'IMPLEMENTOR="Example"\nJAVA_VERSION="{version}"\n')
    return folder


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without Java and Maven, and with an empty cache."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(toolchain, "JVM_FOLDER", tmp_path / "jvm")
    return tmp_path


def test_java_home_comes_first(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jdk(bare / "jvm" / "java-17", "17.0.15")
    monkeypatch.setenv("JAVA_HOME", str(jdk(bare / "mine", "25.0.3")))
    assert toolchain.find_jdk(17) == bare / "mine"


def test_a_jdk_that_is_too_old_is_passed_over(bare: Path) -> None:
    jdk(bare / "jvm" / "java-17", "17.0.15")
    jdk(bare / "jvm" / "java-25", "25")
    assert toolchain.find_jdk(17) == bare / "jvm" / "java-17"
    assert toolchain.find_jdk(21) == bare / "jvm" / "java-25"


def test_a_runtime_without_a_compiler_is_no_jdk(bare: Path) -> None:
    (jdk(bare / "jvm" / "java-17", "17.0.15") / "bin" / "javac").unlink()
    with pytest.raises(JudgeMissing, match="needs a JDK, version 17 or newer"):
        toolchain.find_jdk(17)


def test_without_java_it_says_how_to_get_it(bare: Path) -> None:
    with pytest.raises(JudgeMissing, match="default-jdk-headless"):
        Judge().start()


def test_without_maven_it_says_how_to_get_it(bare: Path) -> None:
    jdk(bare / "jvm" / "java-17", "17.0.15")
    with pytest.raises(JudgeMissing, match=r"no `mvn` on the PATH"):
        Judge().start()


def test_what_maven_complains_about_is_told_and_nothing_is_left(bare: Path) -> None:
    jdk(bare / "jvm" / "java-17", "17.0.15")
    (bare / "bin").mkdir()
    maven = bare / "bin" / "mvn"
    maven.write_text("#!/bin/sh\necho 'no route to the repository' >&2\nexit 1\n")
    maven.chmod(0o755)
    with pytest.raises(JudgeMissing, match="no route to the repository"):
        Judge().start()
    assert list((bare / "cache" / "gelf-bridge" / "judge").iterdir()) == []


def test_an_unknown_line_names_those_that_are_known() -> None:
    with pytest.raises(JudgeMissing, match=", ".join(LINES)):
        Judge("1.0").start()


def test_the_poms_name_no_registry() -> None:
    for line in LINES.values():
        assert "<repository>" not in (toolchain.HERE / line.pom).read_text()

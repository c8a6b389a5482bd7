"""The rules are found beside the code, in a wheel as in a checkout (see tests/test_package.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.graylog.files import pipelines_folder


def write_readme(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("# Pipelines\n")
    return folder


def test_in_a_checkout_it_is_the_sibling_of_the_package() -> None:
    assert pipelines_folder() == Path(__file__).parent.parent.parent / "pipelines"


def test_the_packaged_folder_comes_first(tmp_path: Path) -> None:
    write_readme(tmp_path / "pipelines")
    packaged = write_readme(tmp_path / "bridge" / "pipelines")
    assert pipelines_folder(tmp_path / "bridge") == packaged


def test_a_folder_of_that_name_that_is_not_ours_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "bridge" / "pipelines").mkdir(parents=True)
    beside = write_readme(tmp_path / "pipelines")
    assert pipelines_folder(tmp_path / "bridge") == beside


def test_without_either_both_places_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        pipelines_folder(tmp_path / "bridge")
    assert f"{tmp_path}/bridge/pipelines and {tmp_path}/pipelines" in str(caught.value)

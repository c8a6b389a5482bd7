"""The spool checked and salvaged by command."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridge.cli import main
from bridge.spool import schema
from tests.bridges import CONFIG, running
from tests.spool.conftest import sql
from tests.spool.wrecks import PAGE, Image, make


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """A spool as a killed bridge leaves it."""
    return asyncio.run(make(tmp_path_factory.mktemp("image") / "spool"))


@pytest.fixture
def config(tmp_path: Path, image: Image) -> Path:
    """A configuration, and the spool of `image` for it."""
    path = tmp_path / "bridge.yaml"
    path.write_text(CONFIG % 1)
    image.write(tmp_path / "spool")
    return path


def command(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["spool", *map(str, arguments)])


def break_header(config: Path) -> Path:
    """Zeros over the first page of the spool; its path."""
    path = config.parent / "spool" / "worker-0.db"
    path.write_bytes(bytes(PAGE) + path.read_bytes()[PAGE:])
    return path


def test_a_sound_spool_is_well(config: Path) -> None:
    done = command("check", "-c", config)
    assert done.exit_code == 0
    assert "all is well: 24 rows with 24 events, 7 dead letters" in done.stdout


def test_a_damaged_page_is_found(config: Path) -> None:
    """With advice, and exit code 1."""
    break_header(config)
    done = command("check", "-c", config)
    assert done.exit_code == 1
    assert "WAL without its database" in done.stdout
    assert "start the bridge, which sets the file aside" in done.stdout


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE batches SET count = count + 1 WHERE id = 30", "row 30 does not hold 2 events"),
        ("UPDATE dead SET bytes = 1 WHERE id = 1", "dead letter 1 does not have 1 bytes"),
        ("UPDATE counters SET value = 7 WHERE name = 'delivered'", "output out has 45 events"),
        ("UPDATE counters SET value = 99 WHERE name = 'cursor'", "has passed row 99"),
        ("DROP INDEX seen_by_age", "there is no INDEX seen_by_age"),
    ],
)
def test_what_does_not_agree_is_found(config: Path, change: str, problem: str) -> None:
    """Pages may be right and their content wrong."""
    sql(config.parent / "spool", change)
    done = command("check", "-c", config)
    assert done.exit_code == 1
    assert problem in done.stdout


async def test_a_running_bridge_can_be_checked(tmp_path: Path) -> None:
    """And it is not salvaged into."""
    async with running(tmp_path, CONFIG % 1) as bridge:
        done = await asyncio.to_thread(command, "check", "-c", bridge.path)
        assert "all is well" in done.stdout
        done = await asyncio.to_thread(command, "salvage", bridge.path, "-c", bridge.path)
        assert done.exit_code == 1
        assert "the bridge is running: stop it" in done.stderr


def test_no_spool_is_told(tmp_path: Path) -> None:
    path = tmp_path / "bridge.yaml"
    path.write_text(CONFIG % 1)
    done = command("check", "-c", path)
    assert done.exit_code == 1
    assert "there is no spool file" in done.stderr


async def test_a_bridge_sets_a_damaged_file_aside_and_says_so(config: Path, image: Image) -> None:
    """It runs on, its status names the file, and salvaging brings back what waited."""
    break_header(config)
    async with running(config.parent, CONFIG % 1) as bridge:
        (aside,) = bridge.service.spool.aside
        status = await asyncio.to_thread(CliRunner().invoke, main, ["status", "-c", str(config)])
        assert f"damaged and set aside: {aside}" in status.stdout
    done = await asyncio.to_thread(command, "check", "-c", config)
    assert f"{aside}: a damaged file that was set aside" in done.stdout
    done = await asyncio.to_thread(command, "salvage", aside, "-c", config)
    assert done.exit_code == 0
    assert "24 events in 24 rows spooled" in done.stderr
    assert "7 dead letters taken" in done.stderr
    assert "output out had 45 events accepted" in done.stderr
    assert "no event that was waiting is missing" in done.stderr
    done = await asyncio.to_thread(command, "salvage", aside, "-c", config)
    assert "0 events in 0 rows spooled" in done.stderr
    assert "24 events were salvaged before" in done.stderr


def test_documents_go_to_a_file_or_a_pipe(config: Path, image: Image, tmp_path: Path) -> None:
    """One a line, and what was found on standard error."""
    wreck, output = break_header(config), tmp_path / "found"
    lines = list(image.waiting.values())
    assert command("salvage", wreck, "--output", output).exit_code == 0
    assert output.read_bytes().splitlines() == lines
    assert command("salvage", wreck, "--output", "-").stdout_bytes.splitlines() == lines


@pytest.mark.parametrize("more", [[], ["--output", "-", "-c", "x.yaml"]])
def test_one_target_is_asked_for(config: Path, more: list[str]) -> None:
    done = command("salvage", config, *more)
    assert done.exit_code == 2
    assert "say where to" in done.stderr


def test_the_spool_is_not_salvaged_into_itself(config: Path) -> None:
    done = command("salvage", break_header(config), "-c", config)
    assert done.exit_code == 1
    assert "is the spool itself" in done.stderr


@pytest.mark.parametrize("arguments", [["spool", "check"], ["run"]])
def test_a_newer_version_is_refused(config: Path, arguments: list[str]) -> None:
    """Exit 78 with both versions, and the file stays where it is."""
    directory = config.parent / "spool"
    sql(directory, f"PRAGMA user_version = {schema.FORMAT + 1}")
    done = CliRunner().invoke(main, [*arguments, "-c", str(config)])
    assert done.exit_code == 78
    assert f"format {schema.FORMAT + 1}, this version knows up to {schema.FORMAT}" in done.stderr
    assert (directory / "worker-0.db").exists()


def test_the_files_of_all_workers_are_checked(config: Path) -> None:
    directory = config.parent / "spool"
    shutil.copy(directory / "worker-0.db", directory / "worker-1.db")
    shutil.copytree(directory / "worker-0.db-rows", directory / "worker-1.db-rows")
    done = command("check", "-c", config)
    assert (done.exit_code, done.stdout.count("all is well")) == (0, 2)
    (directory / "worker-1.db").write_bytes(b"no database")
    done = command("check", "-c", config)
    assert (done.exit_code, done.stdout.count("all is well")) == (1, 1)


def test_a_disk_that_fails_under_the_check_is_told(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In words, and not as damage: it may pass."""

    def failing(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("bridge.spool.segments.os.pread", failing)
    done = command("check", "-c", config)
    assert done.exit_code not in (0, None)
    assert "cannot be checked: Input/output error" in done.stderr

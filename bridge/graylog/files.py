"""Where the files for Graylog are on this machine."""

from __future__ import annotations

from pathlib import Path


def pipelines_folder(package: Path = Path(__file__).parent.parent) -> Path:
    """The folder of rules and pipelines that belongs to the installed `package` folder.

    In a wheel it is packaged as `bridge/pipelines`; in a checkout (and in an editable install,
    where that mapping does not exist) it stands beside `bridge`. Raises FileNotFoundError when it
    is in neither place.
    """
    places = (package / "pipelines", package.parent / "pipelines")
    for folder in places:
        if (folder / "README.md").is_file():
            return folder
    raise FileNotFoundError(
        "the folder with Graylog's rules is missing; looked in "
        f"{' and '.join(map(str, places))}: install gelf-bridge again"
    )

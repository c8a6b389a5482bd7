"""Writes folders of rules for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bridge.graylog.rules import RuleSet, check_set, rule_sets

PIPELINE: Final = """\
pipeline "example"
stage 1 match pass
  rule "shout"
end
"""


def rule(body: str = 'set_field("loud", "yes");', name: str = "shout", header: str = "") -> str:
    return f'{header}rule "{name}"\nwhen\n  has_field("word")\nthen\n  {body}\nend\n'


def written(folder: Path, **files: str) -> RuleSet:
    """The set of a folder; `shout__rule="…"` writes `shout.rule`."""
    for name, text in files.items():
        (folder / name.replace("__", ".", 2)).write_text(text, encoding="utf-8")
    [found] = rule_sets(folder)
    return found


def complaints(folder: Path, **files: str) -> list[str]:
    """What `check` says of such a folder, without its path."""
    return [str(each).replace(f"{folder}/", "") for each in check_set(written(folder, **files))]

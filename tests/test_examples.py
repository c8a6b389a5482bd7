"""Every configuration that is shown in README.md and examples/ passes `check`."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest
import trustme

from bridge.config import load
from bridge.plugins import EntryPoints

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "examples").glob("*.yaml"))
FENCE = re.compile(r"^( *)```yaml\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
SNIPPETS = [textwrap.dedent(found[2]) for found in FENCE.finditer((ROOT / "README.md").read_text())]
ENVIRON = dict.fromkeys(["TENANT_ID", "APP_ID", "APP_SECRET", "REGION_CODE"], "euc1")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_an_example_can_be_used_as_it_is(path: Path, tmp_path: Path) -> None:
    """Only the secrets and certificates that it refers to must be there."""
    text = path.read_text()
    for name in re.findall(r"/run/secrets/(\w+)", text):
        (tmp_path / name).write_text("a secret that is long enough")
    issued = trustme.CA().issue_cert("localhost").private_key_and_cert_chain_pem.bytes()
    for name in re.findall(r"/etc/gelf-bridge/(\w+\.(?:pem|key))", text):
        (tmp_path / name).write_bytes(issued)
    text = text.replace("/run/secrets", str(tmp_path)).replace("/etc/gelf-bridge", str(tmp_path))
    assert load(text, str(path), ENVIRON, EntryPoints()).outputs


WHOLE = [text for text in SNIPPETS if "inputs:" in text and not text.startswith("# broken.yaml")]


@pytest.mark.parametrize("text", WHOLE)
def test_a_configuration_in_the_readme_can_be_used_as_it_is(text: str) -> None:
    assert load(text, "README.md", ENVIRON, EntryPoints()).outputs


def test_there_are_examples_in_both_places() -> None:
    assert FILES
    assert len(WHOLE) >= 3

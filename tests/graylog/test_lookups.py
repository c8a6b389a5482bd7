"""Lookup tables for hashes."""

from __future__ import annotations

import re

import pytest

from bridge.errors import BridgeError
from bridge.graylog.kinds.indices import keeping, keeps
from bridge.graylog.lookups import EXAMPLE_CSV, allowed, own_list, threat_intelligence

URL = "https://intel.example.org/v1/files/${key}?full=1"


def test_a_table_has_its_own_cache_and_adapter() -> None:
    cache, adapter, table = threat_intelligence(URL, "$.verdict")
    assert table.body["cache_id"] == cache.reference
    assert table.body["data_adapter_id"] == adapter.reference
    assert adapter.body["config"]["url"] == URL
    assert {each.name for each in own_list("/etc/x.csv")}.isdisjoint({table.name})


@pytest.mark.parametrize(
    "url", ["https://intel.example.org/", "ftp://x.example.org/${key}", "${key}"]
)
def test_a_url_needs_a_place_for_the_hash(url: str) -> None:
    with pytest.raises(BridgeError, match="in the place of the hash"):
        threat_intelligence(url, "$.verdict")


def test_graylog_may_ask_for_hashes_and_nothing_else() -> None:
    pattern = re.compile(allowed(URL).pattern)
    assert pattern.search("https://intel.example.org/v1/files/0a1b2c?full=1")
    assert not pattern.search("https://intel.example.org/v1/files/../admin?full=1")
    assert not pattern.search("https://intelXexample.org/v1/files/0a1b2c?full=1")
    assert not pattern.search("https://intel.example.org/v1/files/0a1b2c?full=10")


def test_the_example_file_has_the_columns_of_the_adapter() -> None:
    config = own_list("/etc/x.csv")[1].body["config"]
    header = EXAMPLE_CSV.splitlines()[0]
    assert header == f'"{config["key_column"]}","{config["value_column"]}"'


@pytest.mark.parametrize(
    ("index_set", "text"),
    [
        (keeping(90), "90 to 100 days"),
        (
            {"rotation_strategy": {"index_lifetime_min": "P30D", "index_lifetime_max": "P40D"}},
            "30 to 40 days",
        ),
        (
            {
                "rotation_strategy": {"rotation_period": "P1D"},
                "retention_strategy": {"max_number_of_indices": 20},
            },
            "the newest 20 indices, P1D each",
        ),
        (
            {"rotation_strategy": {"max_docs_per_index": 1000}},
            "the newest all indices, 1000 documents each",
        ),
        (
            {"rotation_strategy": {"max_size": 1 << 30}},
            "the newest all indices, 1073741824 bytes each",
        ),
    ],
)
def test_how_long_events_are_kept_is_told(index_set: dict[str, object], text: str) -> None:
    assert keeps(index_set) == text

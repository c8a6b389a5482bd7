"""Lookup tables for the hashes of files: threat intelligence over HTTP, and a list of one's own."""

from __future__ import annotations

import re
from typing import Final

from bridge.errors import BridgeError
from bridge.graylog.entity import Body, Entity, reference
from bridge.graylog.kinds.lookups import ADAPTERS, CACHES, TABLES, Allowed

INTEL: Final = "gelf-bridge-intel"
LIST: Final = "gelf-bridge-list"
KEY: Final = "${key}"
_ALLOWED: Final = "Threat intelligence (gelf-bridge)"
EXAMPLE_CSV: Final = """\
"key","value"
"bf17366ee3bb8068a9ad70fc9e68496e7e311a055bf4ffeeff53cc5d29ccce52","known good"
"bb9dbdca921d84381c893086f65ffca17120b23d","blocked"
"""


def threat_intelligence(url: str, value: str) -> list[Entity]:
    """Cache, adapter and table for an HTTP API that answers JSON about a hash.

    `url` has `${key}` in the place of the hash, `value` is the JSONPath of the verdict in the
    answer, such as `$.verdict`.
    """
    if KEY not in url or not url.startswith(("http://", "https://")):
        raise BridgeError(
            f"a URL of threat intelligence must have {KEY} in the place of the hash, such as "
            f"https://intel.example.org/files/{KEY}"
        )
    config = {
        "type": "httpjsonpath",
        "url": url,
        "single_value_jsonpath": value,
        "multi_value_jsonpath": "$",
        "user_agent": "Graylog (gelf-bridge)",
        "headers": {},
    }
    text = "Asks a threat intelligence API about the hash of a file."
    return _table(INTEL, _ALLOWED, text, config)


def own_list(path: str) -> list[Entity]:
    """Cache, adapter and table for a CSV file, which must lie on every Graylog node."""
    config = {
        "type": "csvfile",
        "path": path,
        "separator": ",",
        "quotechar": '"',
        "key_column": "key",
        "value_column": "value",
        "check_interval": 60,
        "case_insensitive_lookup": True,
        "cidr_lookup": False,
    }
    text = f"Verdicts of one's own, from {path} on each Graylog node."
    return _table(LIST, "List of files (gelf-bridge)", text, config)


def allowed(url: str) -> Allowed:
    """That Graylog may ask this URL, whatever the hash."""
    before, _, after = url.partition(KEY)
    pattern = f"^{re.escape(before)}[0-9a-fA-F]+{re.escape(after)}$"
    return Allowed(_ALLOWED, pattern)


def forbidden() -> Allowed:
    """That Graylog may ask it no longer."""
    return Allowed(_ALLOWED, "")


def _table(name: str, title: str, text: str, adapter: Body) -> list[Entity]:
    cache = {
        "type": "guava_cache",
        "max_size": 10_000,
        "expire_after_access": 0,
        "expire_after_access_unit": "SECONDS",
        "expire_after_write": 3600,
        "expire_after_write_unit": "SECONDS",
        "ignore_null": False,
        "ttl_empty": None,
        "ttl_empty_unit": None,
    }
    table = {
        "title": title,
        "cache_id": reference("cache", name),
        "data_adapter_id": reference("adapter", name),
        "default_single_value": "",
        "default_single_value_type": "NULL",
        "default_multi_value": "",
        "default_multi_value_type": "NULL",
    }
    made = (
        (CACHES, "cache", {"title": title, "config": cache}),
        (ADAPTERS, "adapter", {"title": title, "config": adapter}),
        (TABLES, "table", table),
    )
    return [
        Entity(kind, name, body, text, reference=reference(word, name)) for kind, word, body in made
    ]

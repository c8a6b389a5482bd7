"""What Graylog keeps of a document, asked briefly."""

from __future__ import annotations

import json
from typing import Any

from bridge import gelf

GOOD = {"host": "h", "short_message": "m"}


def kept(**fields: Any) -> dict[str, Any]:
    """What is stored of a good message with these keys added, without source and message."""
    return stored(json.dumps(GOOD | fields))


def stored(document: str) -> dict[str, Any]:
    decoded = gelf.decode(document.encode())
    assert decoded.rejection is None
    return {k: v for k, v in decoded.fields.items() if k not in ("source", "message")}


def written(value: str, key: str = "_x") -> Any:
    """What is stored of one value, as it stands in the JSON text."""
    fields = stored(f'{{"host":"h","short_message":"m","{key}":{value}}}')
    return fields.get(key.removeprefix("_"))


def rejection(document: bytes | str) -> str:
    data = document.encode() if isinstance(document, str) else document
    decoded = gelf.decode(data)
    assert decoded.rejection is not None
    assert decoded.fields == {}
    return decoded.rejection


def dropped(document: str) -> dict[str, str]:
    return {each.key: each.reason for each in gelf.decode(document.encode()).dropped}

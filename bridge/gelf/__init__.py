"""GELF 1.1: write it so that Graylog keeps everything, read it as Graylog does, shorten it.

`encode(event)` makes one document, `trim(document, limit)` makes it fit a smaller transport, and
`decode(document)` tells what Graylog's own decoder keeps of a document and what it drops.
"""

from __future__ import annotations

from bridge.gelf.changes import TRIMMED, Change, What
from bridge.gelf.decode import Decoded, Dropped, Stored, decode, index_problems
from bridge.gelf.encode import encode
from bridge.gelf.limits import MAX_BYTES
from bridge.gelf.names import wire_name
from bridge.gelf.trim import MIN_BYTES, trim

__all__ = [
    "MAX_BYTES",
    "MIN_BYTES",
    "TRIMMED",
    "Change",
    "Decoded",
    "Dropped",
    "Stored",
    "What",
    "decode",
    "encode",
    "index_problems",
    "trim",
    "wire_name",
]

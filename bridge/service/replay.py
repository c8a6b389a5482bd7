"""Records that were kept in a file go through an input once more, as if they had just come.

A line is either a GELF document, as the output `file` and `tap --as sent` write them, which goes
into the spool as it is, or a record that the input reads itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby

import orjson

from bridge import gelf
from bridge.emit import Emitter
from bridge.errors import BridgeError
from bridge.event import Event
from bridge.inputs import Input
from bridge.spool import Spool, Taken

MARK = "bridge_replay"
"""The field by which events of records can be found that did not come by themselves."""


async def replay(lines: Sequence[bytes], component: Input, emit: Emitter, spool: Spool) -> Taken:
    """Hand over a batch of lines; returns when all of it is durable. Raises BridgeError.

    Nothing of a batch is taken when the input cannot read records from files, or when Graylog
    would refuse one of the documents.
    """
    ready: list[Callable[[], asyncio.Future[Taken]]] = []
    for written, group in groupby(lines, is_document):
        own = list(group)
        if written:
            ready.append(partial(spool.append, component.context.id, _checked(own)))
        else:
            ready.append(partial(emit, _marked(component.read_again(own))))
    taken = await asyncio.gather(*(hand_over() for hand_over in ready))
    return Taken(sum(one.accepted for one in taken), sum(one.repeated for one in taken))


def is_document(line: bytes) -> bool:
    """Is this a GELF document and no record that merely looks like JSON?"""
    if not line.startswith(b"{"):
        return False
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return isinstance(found, dict) and {"version", "host", "short_message"} <= found.keys()


def _checked(documents: list[bytes]) -> list[bytes]:
    for document in documents:
        if reason := gelf.decode(document).rejection:
            raise BridgeError(f"Graylog would refuse a document of this file: {reason}")
    return documents


def _marked(events: Sequence[Event]) -> list[Event]:
    return [event | {MARK: "true"} for event in events]

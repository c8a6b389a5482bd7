"""Entities of a server as files: rules and pipelines as their source, all else as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from bridge.errors import BridgeError
from bridge.graylog.client import Graylog
from bridge.graylog.entity import Entity
from bridge.graylog.kinds.rules import Source
from bridge.graylog.survey import CORE, MORE, Server


def save(folder: Path, entity: Entity) -> Path:
    """Write an entity, as the server holds it, into a folder; the file. Raises BridgeError."""
    path = folder / entity.kind.file_name(entity)
    if isinstance(entity.kind, Source):
        text = str(entity.body["source"])
    else:
        text = json.dumps(entity.body, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)  # headers of a lookup adapter, say, can hold a key
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BridgeError(f"cannot save {entity.title} to {path}: {error.strerror}") from error
    return path


async def ours(graylog: Graylog, server: Server) -> Iterable[Entity]:
    """Everything that the bridge made, whole, edited or not."""
    found = [each for kind in (*CORE, *MORE) for each in server.ours(kind)]
    return [await each.kind.whole(graylog, each) for each in found]

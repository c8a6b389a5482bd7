"""What Graylog holds, one entity at a time, and the settings between them.

A `Kind` knows how one sort of entity is listed, made, changed and removed, and what of it is its
content: the part that somebody decided, without ids, times and defaults. Ids that are not known
yet stand in a body as references (`@(stream)`), which `resolved` replaces.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import yaml

from bridge.graylog.client import Graylog, Json
from bridge.graylog.ownership import mark_in

Body = dict[str, Any]
Ids = Mapping[str, str]
"""Reference → id, such as `@(stream)` → `6b021c0a724e46202fb6aed7`."""


@dataclass(frozen=True, slots=True)
class Entity:
    """One thing on a server, or one that shall be there."""

    kind: Kind
    name: str
    body: Body
    """What is sent; for one on a server, what it answered."""
    description: str = ""
    """For people; on a server it ends in the mark, if it is ours."""
    id: str = ""
    """Empty for one that shall be made."""
    reference: str = ""
    """How bodies of others name it, such as `@(stream)`."""

    @property
    def content(self) -> Json:
        """What was decided about it."""
        return self.kind.content(self.body)

    @property
    def title(self) -> str:
        """`rule normalize_cylance`."""
        return f"{self.kind.word} {self.name}"


class Kind(ABC):
    """A sort of entity."""

    word: ClassVar[str]
    rights: ClassVar[str]
    once: ClassVar[bool] = False
    """Made when it is missing, and then left to the operator."""

    @abstractmethod
    async def load(self, graylog: Graylog) -> list[Entity]:
        """All of this kind on the server."""

    @abstractmethod
    def content(self, body: Body) -> Json:
        """The part of a body that was decided; the same for what is sent and what comes back."""

    @abstractmethod
    async def create(self, graylog: Graylog, new: Entity) -> str:
        """Make it; its id."""

    @abstractmethod
    async def update(self, graylog: Graylog, old: Entity, new: Entity) -> None:
        """Let `old` hold what `new` says."""

    @abstractmethod
    async def delete(self, graylog: Graylog, old: Entity) -> None:
        """Remove it."""

    def right(self, verb: str) -> str:
        """The permission to read, create, edit or delete."""
        return f"{self.rights}:{verb}"

    def is_ours(self, entity: Entity) -> bool:
        """Whether the bridge made it."""
        return mark_in(entity.description) is not None

    async def whole(self, graylog: Graylog, entity: Entity) -> Entity:
        """The entity with its body, where lists show less than that."""
        return entity

    def text(self, entity: Entity) -> str:
        """The content as lines for people."""
        return as_text(entity.content)

    def file_name(self, entity: Entity) -> str:
        """Under which an entity is saved."""
        return f"{safe(self.word)}-{safe(entity.name)}.json"


class Setting(ABC):
    """Something that is set and not made: it is merged into what is there, and has no owner."""

    word: ClassVar[str]
    right: ClassVar[str]

    def __init__(self, subject: str, name: str) -> None:
        self.subject = subject
        """Reference or id of what it is set on."""
        self.name = name

    @property
    def title(self) -> str:
        """`state of the stream Endpoint security`."""
        return f"{self.word} {self.name}"

    @abstractmethod
    async def read(self, graylog: Graylog, subject: str) -> Json:
        """The value on the server."""

    @abstractmethod
    def merged(self, current: Json, ids: Ids) -> Json:
        """The value that shall be there, given the one that is (None: nothing yet)."""

    @abstractmethod
    async def write(self, graylog: Graylog, subject: str, value: Json) -> None:
        """Set it."""


def reference(*words: str) -> str:
    """How bodies name an entity whose id is not known yet."""
    return f"@({' '.join(words)})"


def resolved(value: Json, ids: Ids) -> Json:
    """A body with ids in the place of references."""
    if isinstance(value, str):
        for reference, known in ids.items():
            if reference in value:
                value = value.replace(reference, known)
        return value
    if isinstance(value, Mapping):
        return {key: resolved(each, ids) for key, each in value.items()}
    return [resolved(each, ids) for each in value] if isinstance(value, list) else value


def unresolved(value: Json, ids: Ids) -> Json:
    """A body with references in the place of ids, so that it can be compared."""
    return resolved(value, {known: reference for reference, known in ids.items() if known})


def trimmed(value: Json) -> Json:
    """Without keys and rows that hold nothing: servers add such, and differ in them."""
    if isinstance(value, Mapping):
        kept = {key: trimmed(each) for key, each in value.items()}
        return {key: each for key, each in kept.items() if each not in (None, "", [], {})}
    if isinstance(value, list):
        return [trimmed(each) for each in value]
    return value


def picked(body: Mapping[str, Json], *keys: str) -> Body:
    """Some keys of a body, without those that hold nothing."""
    kept: Body = trimmed({key: body.get(key) for key in keys})
    return kept


def as_text(content: Json) -> str:
    """A content as YAML, for people and for comparing line by line."""
    if isinstance(content, str):
        return f"{content}\n"
    return yaml.safe_dump(content, sort_keys=True, allow_unicode=True, width=100)


def safe(name: str) -> str:
    """A name as part of a file's name."""
    return "".join(each if each.isalnum() or each in "-_." else "_" for each in name)

"""One field name has one type for ever: what workers do so that they agree on new names.

All of them have the same file in memory: a line of JSON for each name and its kind, only ever
appended to. Whoever meets a new name reads what is new, and writes its own kind if there is none
yet, while it holds a lock; so the first one counts. Each spool remembers what it uses, and the file
is made anew from all of them at the start.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from typing import Final

READ_BYTES: Final = 1 << 20


class Kinds(Mapping[str, str]):
    """Field name → kind, as all workers have it: a live view."""

    def __init__(self, file: int) -> None:
        self.file = file
        self._known: dict[str, str] = {}
        self._read = 0

    @classmethod
    def of(cls, known: Mapping[str, str]) -> Kinds:
        """A new file with these."""
        made = cls(os.memfd_create("kinds"))
        for field, kind in known.items():
            made.agree(field, kind)
        return made

    def agree(self, field: str, kind: str) -> str:
        """The kind of a field; it is `kind` when nobody has met the name before."""
        if field in self:
            return self._known[field]
        fcntl.lockf(self.file, fcntl.LOCK_EX)
        try:
            if field not in self:
                # What stands after the last whole line is of a worker that was killed.
                os.ftruncate(self.file, self._read)
                os.pwrite(self.file, json.dumps([field, kind]).encode() + b"\n", self._read)
        finally:
            fcntl.lockf(self.file, fcntl.LOCK_UN)
        return self[field]

    def __getitem__(self, field: str) -> str:
        if field not in self._known:
            self._catch_up()
        return self._known[field]

    def __contains__(self, field: object) -> bool:
        if field not in self._known:
            self._catch_up()
        return field in self._known

    def __iter__(self) -> Iterator[str]:
        self._catch_up()
        return iter(self._known)

    def __len__(self) -> int:
        self._catch_up()
        return len(self._known)

    def _catch_up(self) -> None:
        while (new := os.pread(self.file, READ_BYTES, self._read)) and b"\n" in new:
            whole = new[: new.rindex(b"\n") + 1]
            for line in whole.splitlines():
                field, kind = json.loads(line)
                self._known.setdefault(field, kind)
            self._read += len(whole)

"""The durable queue between inputs and outputs: rows in files of their own, an SQLite database that
knows them, one committer, many cursors.

An event is accepted when its row is on the disk; if a checkpoint or a key belongs to it, when both
are, or neither. A row goes when every output has passed it. Counters, seen keys, field kinds and
dead letters live in the database and change in its transactions; rows that it has not been told of
are found at the next start. So the accounts hold at any moment, `kill -9` included::

    per input    received = accepted + repeated + in flight
    per output   accepted = delivered + spooled + buried + filtered + dropped

How it is made, from the outside in: `spool` (the API), `committer` (group commit, retries),
`waiting` (what is to be committed, and the room for it), `recent` (the newest rows in memory),
`patience` (with outputs that keep up), `pen` (the thread that writes rows), `store` and `reader`
(the two ends), `transaction` (what a commit can do), `rows` (as the database knows them),
`segments` (the files of rows), `records` (a row in them), `packing` (how documents become rows),
`recovery` (after a kill), `tally` (the running accounts), `schema` (the database), `lock` (the
directory), `trouble` (what is wrong), `alarm`, `threads`, `model` (what goes in and comes out).
Nothing outside this package knows SQLite.

A damaged file is set aside (`damage`), and a new one goes on with everything small (`heritage`).
`salvage` gets the rest out by command: `wreck` tells the records that are left, `pages` and `wal`
read the two files without SQLite. `check` is the full check.
"""

from __future__ import annotations

from bridge.spool.model import (
    Balance,
    Batch,
    Buried,
    Checkpoint,
    DeadLetter,
    InputBalance,
    Json,
    OutputBalance,
    Progress,
    Taken,
)
from bridge.spool.spool import Spool

__all__ = [
    "Balance",
    "Batch",
    "Buried",
    "Checkpoint",
    "DeadLetter",
    "InputBalance",
    "Json",
    "OutputBalance",
    "Progress",
    "Spool",
    "Taken",
]

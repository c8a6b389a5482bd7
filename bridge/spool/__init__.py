"""The durable queue between inputs and outputs: one SQLite file, one writer, many cursors.

An event is accepted when its row is committed, together with the checkpoint that describes it.
A row goes when every output has passed it. Counters, seen keys, field kinds and dead letters live
in the same file and change in the same transactions, so the accounts hold at any moment, `kill -9`
included::

    per input    received = accepted + repeated + in flight
    per output   accepted = delivered + spooled + buried + filtered + dropped

How it is made, from the outside in: `spool` (the API), `committer` (group commit, retries),
`waiting` (what is to be committed, and the room for it), `recent` (the newest rows in memory),
`store` (the two database connections), `transaction` (what a commit can do), `tally` (the running
accounts), `schema` (the file), `lock` (the directory), `model` (what goes in and comes out).
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

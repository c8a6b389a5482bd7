"""Workers agree on the kind of a field: the first one counts."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from bridge.service.kinds import Kinds

CLAIMING = """
import sys
from bridge.service.kinds import Kinds

kinds = Kinds(int(sys.argv[1]))
sys.stdin.readline()
for number in range(300):
    kinds.agree(f"field_{number % 100}", sys.argv[2])
print(__import__("json").dumps(dict(kinds)))
"""


def test_the_first_kind_of_a_field_stays() -> None:
    ours = Kinds.of({"cef_known": "long"})
    theirs = Kinds(os.dup(ours.file))
    assert "example_new" not in theirs
    assert ours.agree("example_new", "text") == "text"
    assert theirs.agree("example_new", "long") == "text"
    assert dict(theirs) == dict(ours) == {"cef_known": "long", "example_new": "text"}


def test_what_a_killed_worker_left_half_written_is_taken_back() -> None:
    ours = Kinds.of({"one": "text"})
    os.pwrite(ours.file, b'["two", "lo', os.fstat(ours.file).st_size)
    theirs = Kinds(os.dup(ours.file))
    assert "two" not in theirs
    assert theirs.agree("two", "double") == "double"
    assert ours["two"] == "double"


def test_processes_that_meet_the_same_names_at_once_decide_alike() -> None:
    ours = Kinds.of({})
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIMING, str(ours.file), kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[ours.file],
        )
        for kind in ("text", "long")
    ]
    for worker in workers:
        assert worker.stdin
        worker.stdin.write(b"\n")
        worker.stdin.flush()
    found = [json.loads(worker.communicate()[0]) for worker in workers]
    assert found[0] == found[1] == dict(ours)
    assert len(ours) == 100

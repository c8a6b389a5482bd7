"""`gelf-bridge replay`: records out of files, into a running bridge or its spool."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridge import gelf
from bridge.cli import main
from bridge.cli.replay import BATCH_BYTES, MAX_LINE_BYTES, batches
from bridge.errors import BridgeError
from bridge.testing import FakeGraylog
from tests.bridges import CONFIG, record, running


async def replay(folder: Path, text: str, *options: str) -> Result:
    """The command on a file with this text."""
    file = folder / "records.txt"
    file.write_text(text)
    arguments = ["replay", "-c", str(folder / "bridge.yaml"), *options, str(file)]
    return await asyncio.to_thread(CliRunner().invoke, main, arguments)


async def test_a_running_bridge_takes_the_records(tmp_path: Path) -> None:
    async with FakeGraylog() as graylog, running(tmp_path, CONFIG % graylog.port) as bridge:
        done = await replay(tmp_path, "\n".join(map(record, range(3))) + "\r\n\n")
        assert done.output == "3 events accepted, by the running bridge\n"
        messages = await graylog.received(3)
        done = await replay(tmp_path, record(4), "--json")
        assert json.loads(done.output) == {"accepted": 1, "repeated": 0}
        await graylog.received(4)
        assert (await bridge.service.spool.balance()).inputs["malops"].accepted == 4
    assert [one.fields["cef_external_id"] for one in messages] == ["0", "1", "2", "4"]
    assert {one.fields["bridge_replay"] for one in messages} == {"true"}
    assert messages[0].fields["full_message"] == record(0)


async def test_a_bridge_that_does_not_run_sends_them_at_the_next_start(tmp_path: Path) -> None:
    async with FakeGraylog() as graylog:
        (tmp_path / "bridge.yaml").write_text(CONFIG % graylog.port)
        done = await replay(tmp_path, record(1))
        assert done.output == "1 events accepted, in the spool for the next start\n"
        assert graylog.messages == []
        async with running(tmp_path, CONFIG % graylog.port):
            [message] = await graylog.received(1)
    assert message.fields["cef_external_id"] == "1"


async def test_documents_are_sent_as_they_are(tmp_path: Path) -> None:
    event = {"event_type": "x", "message": "kept", "event_uid": "abc", "number": 7}
    document = gelf.encode(event).decode()
    async with FakeGraylog() as graylog, running(tmp_path, CONFIG % graylog.port):
        done = await replay(tmp_path, f"{record(1)}\n{document}\n{record(2)}\n")
        assert done.output.startswith("3 events accepted")
        await graylog.received(3)
    assert graylog.documents[1] == document.encode()
    assert graylog.messages[2].fields["cef_external_id"] == "2", "the order is that of the file"


async def test_what_graylog_would_refuse_is_not_taken(tmp_path: Path) -> None:
    bad = json.dumps({"version": "1.1", "host": "a", "short_message": ""})
    async with running(tmp_path, CONFIG % 1) as bridge:
        done = await replay(tmp_path, f"{record(1)}\n{bad}\n")
        assert done.exit_code == 1
        assert "Graylog would refuse a document of this file" in done.output
        assert "malops" not in (await bridge.service.spool.balance()).inputs


async def test_which_input_it_is_must_be_clear(tmp_path: Path) -> None:
    text = CONFIG.replace("outputs:", "  front: {type: cef, address: '127.0.0.1:0'}\noutputs:") % 1
    async with running(tmp_path, text) as bridge:
        assert "say which --input it is: malops, front" in (await replay(tmp_path, "x")).output
        done = await replay(tmp_path, "x", "--input", "frnt")
        assert "no such input, did you mean front?" in done.output
        await replay(tmp_path, "x", "--input", "front")
        assert (await bridge.service.spool.balance()).inputs["front"].accepted == 1


async def test_a_full_spool_of_a_stopped_bridge_ends_it(tmp_path: Path) -> None:
    text = CONFIG.replace("min_free_bytes: 0", "min_free_bytes: 0, max_bytes: 1000") % 1
    (tmp_path / "bridge.yaml").write_text(text)
    await replay(tmp_path, record(1))
    done = await replay(tmp_path, "\n".join(map(record, range(100))))
    assert done.exit_code == 1
    assert "start the bridge first" in done.output


async def test_a_mistake_late_in_the_file_names_its_place(tmp_path: Path) -> None:
    good = "\n".join(record(n, " msg=" + "x" * 1000) for n in range(1100))
    bad = json.dumps({"version": "1.1", "host": "a", "short_message": ""})
    async with running(tmp_path, CONFIG % 1):
        done = await replay(tmp_path, f"{good}\n{bad}\n")
    assert done.exit_code == 1
    assert "what stands before line 9" in done.output


def test_lines_come_in_batches_of_bounded_size() -> None:
    lines = [b"%d " % number + b"x" * 10_000 for number in range(300)]
    found = list(batches(io.BytesIO(b"\n".join(lines))))
    assert [line for _, batch in found for line in batch] == lines
    assert all(sum(map(len, batch)) < BATCH_BYTES + 10_010 for _, batch in found)
    assert found[1][0] == len(found[0][1]) + 1
    with pytest.raises(BridgeError, match="line 2 is longer than 2 MiB"):
        list(batches(io.BytesIO(b"a\n" + b"x" * (MAX_LINE_BYTES + 1))))

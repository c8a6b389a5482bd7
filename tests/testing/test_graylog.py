"""The fake Graylog takes what Graylog takes and says what it would lose."""

from __future__ import annotations

import asyncio

from bridge.gelf import encode
from bridge.testing import FakeGraylog


async def test_every_frame_becomes_a_message_and_end_of_file_is_answered() -> None:
    async with FakeGraylog() as graylog:
        reader, writer = await asyncio.open_connection("127.0.0.1", graylog.port)
        for number in range(3):
            writer.write(encode({"host": "h", "message": "m", "n": number}) + b"\0")
        writer.write_eof()
        assert await reader.read() == b""
        messages = await graylog.received(3)
        assert [message.fields["n"] for message in messages] == [0, 1, 2]
        assert graylog.losses() == []
        writer.close()

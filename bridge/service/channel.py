"""What a worker and its parent tell each other, and the descriptors that the parent hands over.

A channel is one end of a pair of unix sockets that keep messages apart. A message is a JSON object;
descriptors travel beside it (SCM_RIGHTS, unix(7)). The worker has its end as standard input: when
the parent is gone, it reads an end of file there.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

MESSAGE_BYTES: Final = 1 << 16
MAX_DESCRIPTORS: Final = 250
"""The kernel takes 253 in one message (SCM_MAX_FD)."""

Message = dict[str, Any]
Received = Callable[[Message, list[int]], None]


def pair() -> tuple[socket.socket, socket.socket]:
    """The two ends."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


class Channel:
    """One end."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def send(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """Tell the other side, if it still is there; it gets copies of the descriptors."""
        data = json.dumps(message).encode()
        with suppress(OSError):
            socket.send_fds(self._end, [data], list(descriptors), socket.MSG_NOSIGNAL)

    def receive(self) -> tuple[Message, list[int]] | None:
        """The next message, which is waited for if the socket blocks; None at the end."""
        flags = socket.MSG_CMSG_CLOEXEC
        try:
            found = socket.recv_fds(self._end, MESSAGE_BYTES, MAX_DESCRIPTORS, flags)
        except ConnectionError:
            return None
        data, descriptors, _, _ = found
        return (json.loads(data), descriptors) if data else None

    def listen(self, received: Received, ended: Callable[[], None]) -> None:
        """Call `received` with each message from now on, and `ended` at the end."""
        self._end.setblocking(False)
        asyncio.get_running_loop().add_reader(self._end, self._readable, received, ended)

    def close(self) -> None:
        """Hear and say no more; safe twice."""
        if self._end.fileno() >= 0:
            with suppress(RuntimeError):  # no loop is running any more
                asyncio.get_running_loop().remove_reader(self._end)
            self._end.close()

    def _readable(self, received: Received, ended: Callable[[], None]) -> None:
        try:
            found = self.receive()
        except BlockingIOError:
            return
        if found is None:
            asyncio.get_running_loop().remove_reader(self._end)
            ended()
        else:
            received(*found)


def in_memory(text: str) -> int:
    """The descriptor of a file without a name that holds a text."""
    file = os.memfd_create("configuration")
    os.write(file, text.encode())
    return file


def read_back(file: int) -> str:
    """The text of such a file, which is closed; copies share one position, so it is not used."""
    data = os.pread(file, os.fstat(file).st_size, 0)
    os.close(file)
    return data.decode()

"""A batch that fails again and again, taken apart until the culprit is alone.

A message can break every connection that carries it: a device in between resets what looks like an
attack, an input has a smaller limit than ours. Without this it would hold up everything behind it
for ever. It is blamed only when another message was confirmed just before on the same connection.
"""

from __future__ import annotations

import asyncio
from collections import deque

from bridge.clock import Clock
from bridge.delivery.window import STRIKES
from bridge.errors import Rejected, Retryable
from bridge.outputs import Batch, Output


class Suspect:
    """What is known about one batch; `send` is called anew on each connection, with the rest."""

    def __init__(self, batch: Batch, output: Output, clock: Clock) -> None:
        self.batch = batch
        self._messages = batch.messages()
        self._output = output
        self._clock = clock
        self._pieces = deque([range(batch.count)])
        self._strikes = 0
        self._heard = 0
        self._blamed: dict[int, str] = {}

    async def send(self, witness: Batch | None) -> None:
        """Send what is not confirmed, piece by piece; raises as `Output.send` does.

        `witness` is a batch behind this one; its first message shows that the peer takes others.
        """
        while self._pieces:
            piece = self._pieces[0]
            has_witness = len(piece) == 1 and await self._hear(piece[0], witness)
            try:
                await self._confirm([self._messages[index] for index in piece])
            except Rejected as rejected:
                self._blamed |= {piece[index]: rejected.reason for index in rejected.indexes}
            except (Retryable, OSError) as error:
                self._failed(piece, has_witness, error)
                raise
            # What follows may break the connection, and with it what is in doubt.
            await self._clock.sleep(self._output.hold_back_seconds)
            self._pieces.popleft()
            self._strikes = 0
        if self._blamed:
            raise Rejected(sorted(self._blamed), "; ".join(sorted(set(self._blamed.values()))))

    def _failed(self, piece: range, has_witness: bool, error: BaseException) -> None:
        if len(piece) > 1:
            middle = len(piece) // 2
            self._pieces.popleft()
            self._pieces.extendleft([piece[middle:], piece[:middle]])
        elif has_witness:
            self._strikes += 1
            if self._strikes == STRIKES:
                self._pieces.popleft()
                self._strikes = 0
                self._blamed[piece[0]] = (
                    f"{STRIKES} times in a row the connection broke when this message was sent, "
                    f"while others arrived: {error}"
                )

    async def _hear(self, suspected: int, behind: Batch | None) -> bool:
        """Send another message, if there is one; raises when not even that one arrives."""
        waiting = {index for piece in self._pieces for index in piece}
        known = [n for n in range(self.batch.count) if n not in waiting and n not in self._blamed]
        others = [self._messages[n] for n in known[:1] or waiting - {suspected}]
        if not known and behind:
            others += behind.messages()
        if not others:
            return False
        # One that never arrives is no witness: each time another one is heard.
        self._heard += 1
        await self._confirm([others[self._heard % len(others)]])
        return True

    async def _confirm(self, messages: list[bytes]) -> None:
        batch = Batch(self.batch.id, self.batch.input, len(messages), b"\0".join(messages))
        sending = asyncio.ensure_future(self._output.send(batch))
        try:
            await asyncio.sleep(0)  # `send` begins
            self._output.flush()
            await sending
        finally:
            sending.cancel()

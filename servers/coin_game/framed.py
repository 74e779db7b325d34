"""The framed reader: reads on until a prompt is whole, and keeps what came after it for later.

How the bytes were cut on their way is all the same to it: recv(1) will do, and so will recv(65536). Where a
message ends, `framing.py` finds out, in the way that the reader believes in.
"""

from __future__ import annotations

import time
from collections import deque

from servers.coin_game.framing import LIMIT
from servers.coin_game.protocol import ASKS
from servers.coin_game.results import OutOfStep
from servers.coin_game.wire import Wire
from servers.kit.errors import ProtocolError

MOST = 4 * LIMIT
"""Bytes without a prompt that are too many."""


class Framed:
    """Reads messages. ``over``: the server has closed, and all that it sent was read."""

    out_of_step: OutOfStep | None = None
    strange = b""
    full = False

    def __init__(self, wire: Wire) -> None:
        self.wire, self.over = wire, False
        self._waiting: deque[bytes] = deque()

    def greeting(self) -> bytes:
        """Everything up to the first prompt."""
        time.sleep(self.wire.request.pause / 1000)
        return self._until_prompt()

    def answer(self, number: int, last: bool) -> bytes:
        """Everything from the guess of round ``number`` to the next prompt, or to the end."""
        return self._until_prompt()

    def _until_prompt(self) -> bytes:
        said, size = [], 0
        while size <= MOST:
            while self._waiting:
                message = self._waiting.popleft()
                said.append(message)
                if message.endswith(ASKS):
                    return b"".join(said)
            data, done = self.wire.recv(self.wire.request.read)
            size += len(data)
            if not data:
                self.over = True
                return b"".join([*said, self.wire.messages.rest])
            self._waiting.extend(done)
        raise ProtocolError(f"{size:,} bytes came, and no prompt in them.")

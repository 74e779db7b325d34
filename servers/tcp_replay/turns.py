"""Answers whose end nobody tells: all that the server says until it is asked again. No socket, no clock."""

from __future__ import annotations

from servers.tcp_replay.exchange import Exchange
from servers.tcp_replay.framing import Message
from servers.tcp_replay.unfinished import Counting, Unfinished


class Turns:
    """A request, all that the server says then, the next request.

    What the server says without being asked, before the first request or after a pause, is an
    exchange of its own, with an empty request.
    """

    def __init__(self, counting: Counting, current: Unfinished | None = None, fault: str = "") -> None:
        self._counting = counting
        self._current = current
        self.fault = fault
        self._reacts = False  # the server's end would only follow the client's

    @property
    def gaps(self) -> bool:
        """Whether a pause would end an answer: once one has begun."""
        return self._current is not None and self._current.answer.size > 0

    def asked(self, messages: list[Message], t: float) -> list[Exchange]:
        """Requests became whole: so did the answer to the one before."""
        found: list[Exchange] = []
        for message in messages:
            found += self._finish()
            self._current = self._counting.begin(message, t)
        return found

    def answered(self, data: bytes | memoryview, t: float) -> list[Exchange]:
        """The server said something."""
        if self._current is None:
            self._current = self._counting.greet(t)
        self._current.answer.add(data, t)
        return []

    def quiet(self) -> list[Exchange]:
        """Nothing came for a while: the answer is whole, if there is any yet."""
        return self._finish() if self.gaps else []

    def client_ended(self) -> list[Exchange]:
        """The client will say no more; the answer may go on.

        Who had its answer and ends is not told by it that the server ends after such an answer.
        """
        if self._current:
            self._current.client_end = True
            self._reacts = self._current.answer.size > 0
        return []

    def server_ended(self, t: float) -> list[Exchange]:
        """The server will say no more."""
        if self._current:
            self._current.server_end = not self._reacts
        return self._finish()

    def closed(self, t: float) -> list[Exchange]:
        """The connection is over."""
        return self._finish()

    def _finish(self) -> list[Exchange]:
        current, self._current = self._current, None
        return self._counting.finish([current] if current else [])

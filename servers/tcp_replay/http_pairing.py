"""HTTP: the n-th response answers the n-th request (RFC 9112, 9.3.2). No socket, no clock.

A response that is no HTTP ends that: from there on it is turns and pauses.
"""

from __future__ import annotations

from collections import deque

from servers.tcp_replay.exchange import Exchange
from servers.tcp_replay.framing import Message
from servers.tcp_replay.http_framing import TUNNEL, Http
from servers.tcp_replay.turns import Turns
from servers.tcp_replay.unfinished import MOST_CHUNKS, NOTHING, Counting, Unfinished


class HttpTurns:
    """Requests that wait for their responses, and responses that came before their request was whole."""

    def __init__(self, counting: Counting, requests: Http) -> None:
        self._counting, self._requests = counting, requests
        self._responses = Http("response", counting.keep)
        self._waiting: deque[Unfinished] = deque()
        self._early: deque[Unfinished] = deque()
        self._came: list[tuple[float, int]] = []  # when how much of the response came that is not whole
        self._turns: Turns | None = None  # once it is no HTTP

    @property
    def gaps(self) -> bool:
        """Whether a pause would end an answer."""
        return self._turns is not None and self._turns.gaps

    @property
    def fault(self) -> str:
        """Why this is no HTTP."""
        return self._responses.fault or self._requests.fault

    def asked(self, messages: list[Message], t: float) -> list[Exchange]:
        """Requests became whole."""
        for method in self._requests.take_methods():
            self._responses.expect(method)
        if self._turns:
            return self._turns.asked(messages, t)
        found: list[Exchange] = []
        for message in messages:
            if self._early:
                one = self._early.popleft()
                one.request, one.at = message, t
                found += self._counting.finish([one])
            else:
                self._waiting.append(self._counting.begin(message, t))
        return found

    def answered(self, data: bytes | memoryview, t: float) -> list[Exchange]:
        """The server said something."""
        if self._turns:
            return self._turns.answered(data, t)
        had = self._responses.waiting
        found: list[Exchange] = []
        for message in self._responses.feed(data):
            self._note(t, message.size - had)
            had = 0
            found += self._whole(message, t)
        self._note(t, self._responses.waiting - had)
        return found + self._no_more_http(t) if self._responses.fault else found

    def _note(self, t: float, size: int) -> None:
        """So many bytes of the response came; of those that are not kept, when does not matter."""
        if size <= 0:
            return
        if self._came and (len(self._came) >= MOST_CHUNKS or self._responses.waiting > self._counting.keep):
            size += self._came[-1][1]
            t = self._came.pop()[0]
        self._came.append((t, size))

    def _take(self, message: Message, one: Unfinished) -> Unfinished:
        """Give a request its answer, in the pieces that came."""
        at = 0
        for t, size in self._came:
            one.answer.add(message.data[at : at + size], t)
            at += size
        self._came.clear()
        one.answer.size = message.size
        return one

    def _whole(self, message: Message, t: float) -> list[Exchange]:
        if not self._waiting:
            one = self._take(message, self._counting.begin(NOTHING, t))
            one.server_end = message.closes
            self._early.append(one)
            return []
        one = self._take(message, self._waiting.popleft())
        one.server_end = message.closes
        return self._counting.finish([one])

    def _no_more_http(self, t: float) -> list[Exchange]:
        """From here on the server is heard in turns; the last request gets what it has said so far."""
        found, current = self._unanswered(keep=1), self._waiting.popleft() if self._waiting else None
        if self._responses.fault == TUNNEL:
            self._requests.give_up(TUNNEL)
        for message in self._responses.flush():
            current = self._take(message, current or self._counting.greet(t))
        self._turns = Turns(self._counting, current, self._responses.fault)
        return found

    def _unanswered(self, keep: int = 0) -> list[Exchange]:
        found = []
        while len(self._waiting) > keep:
            found.append(self._waiting.popleft())
        return self._counting.finish(found)

    def quiet(self) -> list[Exchange]:
        """Nothing came for a while."""
        return self._turns.quiet() if self._turns else []

    def client_ended(self) -> list[Exchange]:
        """The client will say no more."""
        if self._turns:
            return self._turns.client_ended()
        if self._waiting:
            self._waiting[-1].client_end = True
        return []

    def server_ended(self, t: float) -> list[Exchange]:
        """The server will say no more: what has no response will get none."""
        if self._turns:
            return self._turns.server_ended(t)
        found = [each for message in self._responses.end() for each in self._whole(message, t)]
        for one in (*self._waiting, *self._early):
            one.server_end = True
        return found + self._unanswered()

    def closed(self, t: float) -> list[Exchange]:
        """The connection is over."""
        if self._turns:
            return self._turns.closed(t)
        found = [each for message in self._responses.end() for each in self._whole(message, t)]
        early = self._counting.finish(self._early)
        self._early.clear()
        return found + self._unanswered() + early
